CREATE FUNCTION sqlite_multiply(a double precision, b double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF a = 0 OR b = 0 OR abs(a) = 'Infinity' OR abs(b) = 'Infinity' THEN
    RETURN nullif(a * b, 'NaN');
  ELSIF abs(a) BETWEEN 1e-150 AND 1e150 AND abs(b) BETWEEN 1e-150 AND 1e150 THEN
    RETURN a * b;
  END IF;
  RETURN sqlite_real(sqlite_exact(a) * sqlite_exact(b));
END
$$;
COMMENT ON FUNCTION sqlite_multiply(double precision, double precision) IS 'The product of two reals: infinite where it is too large, 0 where it is too small, NULL where it is no number.';
