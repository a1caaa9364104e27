CREATE FUNCTION sqlite_digits(x double precision) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  bits bigint := ('x' || encode(float8send(abs(x)), 'hex'))::bit(64)::bigint;
  e integer := (bits >> 52)::integer - 1023;
BEGIN
  IF e = -1023 THEN
    -- Below the least normal double the first bit says how large it is.
    e := length(ltrim(bits::bit(64)::text, '0')) - 1075;
  END IF;
  RETURN round(sqlite_exact(x), 17 - floor(e * 78913 / 262144.0)::integer);
END
$$;
COMMENT ON FUNCTION sqlite_digits(double precision) IS 'A finite double to 18 or 19 digits, as SQLite decodes it before it rounds further.';
