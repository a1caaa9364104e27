CREATE FUNCTION sqlite_exact(x double precision) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  bits bigint := ('x' || encode(float8send(abs(x)), 'hex'))::bit(64)::bigint;
  e integer := (bits >> 52)::integer;
  m numeric := bits & 4503599627370495;
BEGIN
  IF e = 0 THEN
    e := 1;
  ELSE
    m := m + 4503599627370496;
  END IF;
  e := e - 1075;
  IF e >= 0 THEN
    m := trunc(m * power(2::numeric, e));
  ELSE
    m := (trunc(m * power(5::numeric, -e))::text || 'e' || e)::numeric;
  END IF;
  RETURN CASE WHEN x < 0 THEN -m ELSE m END;
END
$$;
COMMENT ON FUNCTION sqlite_exact(double precision) IS 'The exact decimal value of a finite double, which SQLite rounds when it writes or rounds reals.';
