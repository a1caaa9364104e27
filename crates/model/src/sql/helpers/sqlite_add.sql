CREATE FUNCTION sqlite_add(a double precision, b double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE
  WHEN abs(a) < 8e307 AND abs(b) < 8e307 THEN a + b
  WHEN a IN ('Infinity', '-Infinity') OR b IN ('Infinity', '-Infinity') THEN nullif(a + b, 'NaN')
  WHEN abs(a / 2 + b / 2) < 8.9884656743115795e307 THEN a + b
  WHEN a > 0 THEN 'Infinity'
  ELSE '-Infinity'
END
$$;
COMMENT ON FUNCTION sqlite_add(double precision, double precision) IS 'The sum of two reals: infinite where it is too large, NULL where it is no number.';
