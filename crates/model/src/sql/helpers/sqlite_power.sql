CREATE FUNCTION sqlite_power(a double precision, b double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  size double precision;
BEGIN
  IF a < 0 AND b <> trunc(b) THEN
    RETURN NULL;
  ELSIF a = 0 AND b < 0 THEN
    RETURN 'Infinity';
  ELSIF a = 0 OR b = 0 OR abs(a) = 'Infinity' OR abs(b) = 'Infinity' THEN
    RETURN power(a, b);
  END IF;
  size := sqlite_multiply(b, ln(abs(a)));
  IF size < -745.13 THEN
    RETURN 0;
  ELSIF size > 709.782712893384 THEN
    RETURN CASE WHEN a < 0 AND mod(trunc(b)::numeric, 2) <> 0 THEN '-Infinity' ELSE 'Infinity' END;
  END IF;
  RETURN power(a, b);
END
$$;
COMMENT ON FUNCTION sqlite_power(double precision, double precision) IS 'power(): NULL where there is no real result, infinite where it is too large.';
