CREATE FUNCTION sqlite_digits(x double precision) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  e integer := ((('x' || encode(float8send(abs(x)), 'hex'))::bit(64)::bigint) >> 52)::integer;
BEGIN
  RETURN round(sqlite_exact(x), 17 - floor((greatest(e, 1) - 1023) * 78913 / 262144.0)::integer);
END
$$;
COMMENT ON FUNCTION sqlite_digits(double precision) IS 'A finite double to 18 or 19 digits, as SQLite decodes it before it rounds further.';
