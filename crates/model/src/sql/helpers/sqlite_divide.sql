CREATE FUNCTION sqlite_divide(a double precision, b double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  -- Powers of two that bring both nearer to 1 without rounding them.
  much double precision := power(2::double precision, 680);
  little double precision := power(2::double precision, -680);
  up double precision := a;
  down double precision := b;
  back numeric := 1;
BEGIN
  IF b = 0 THEN
    RETURN NULL;
  ELSIF a = 0 OR abs(a) = 'Infinity' OR abs(b) = 'Infinity' THEN
    RETURN nullif(a / b, 'NaN');
  ELSIF abs(a) BETWEEN 1e-150 AND 1e150 AND abs(b) BETWEEN 1e-150 AND 1e150 THEN
    RETURN a / b;
  END IF;
  IF abs(a) > 1e100 THEN
    up := a / much;
    back := back * sqlite_exact(much);
  ELSIF abs(a) < 1e-100 THEN
    up := a * much;
    back := back * sqlite_exact(little);
  END IF;
  IF abs(b) > 1e100 THEN
    down := b / much;
    back := back * sqlite_exact(little);
  ELSIF abs(b) < 1e-100 THEN
    down := b * much;
    back := back * sqlite_exact(much);
  END IF;
  RETURN sqlite_real(sqlite_exact(up / down) * back);
END
$$;
COMMENT ON FUNCTION sqlite_divide(double precision, double precision) IS 'The quotient of two reals: NULL by zero, infinite where it is too large, 0 where it is too small.';
