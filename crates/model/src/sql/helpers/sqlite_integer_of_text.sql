CREATE FUNCTION sqlite_integer_of_text(x text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  n numeric := substring(x COLLATE "C" FROM '^[ \t\n\v\f\r]*([+-]?[0-9]+)')::numeric;
BEGIN
  RETURN least(greatest(coalesce(n, 0), -9223372036854775808), 9223372036854775807)::bigint;
END
$$;
COMMENT ON FUNCTION sqlite_integer_of_text(text) IS 'The integer that SQLite reads at the beginning of a text; 0 where there is none, the nearest of 64 bits where it is larger.';
