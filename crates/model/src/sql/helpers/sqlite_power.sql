CREATE FUNCTION sqlite_power(a double precision, b double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN nullif(power(a, b), 'NaN');
EXCEPTION
  WHEN invalid_argument_for_power_function THEN
    RETURN CASE WHEN a = 0 THEN 'Infinity'::double precision END;
  WHEN numeric_value_out_of_range THEN
    IF (abs(a) > 1) <> (b > 0) THEN
      RETURN 0;
    END IF;
    RETURN CASE WHEN a < 0 AND mod(trunc(b)::numeric, 2) <> 0 THEN '-Infinity' ELSE 'Infinity' END;
END
$$;
COMMENT ON FUNCTION sqlite_power(double precision, double precision) IS 'power(): NULL where there is no real result, infinite where it is too large.';
