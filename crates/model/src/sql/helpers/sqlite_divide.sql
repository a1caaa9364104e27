CREATE FUNCTION sqlite_divide(a double precision, b double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF b = 0 THEN
    RETURN NULL;
  END IF;
  RETURN nullif(a / b, 'NaN');
EXCEPTION WHEN numeric_value_out_of_range THEN
  IF abs(a) < abs(b) THEN
    RETURN 0;
  END IF;
  RETURN CASE WHEN (a < 0) = (b < 0) THEN 'Infinity' ELSE '-Infinity' END;
END
$$;
COMMENT ON FUNCTION sqlite_divide(double precision, double precision) IS 'The quotient of two reals: NULL by zero, infinite where it is too large, 0 where it is too small.';
