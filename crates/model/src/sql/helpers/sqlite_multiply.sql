CREATE FUNCTION sqlite_multiply(a double precision, b double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN nullif(a * b, 'NaN');
EXCEPTION WHEN numeric_value_out_of_range THEN
  IF abs(a) < 1 AND abs(b) < 1 OR abs(a) < 1e-100 OR abs(b) < 1e-100 THEN
    RETURN 0;
  END IF;
  RETURN CASE WHEN (a < 0) = (b < 0) THEN 'Infinity' ELSE '-Infinity' END;
END
$$;
COMMENT ON FUNCTION sqlite_multiply(double precision, double precision) IS 'The product of two reals: infinite where it is too large, 0 where it is too small, NULL where it is no number.';
