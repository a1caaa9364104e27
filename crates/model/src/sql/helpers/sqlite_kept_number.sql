CREATE FUNCTION sqlite_kept_number(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN abs(x) < 9223372036854775807 THEN trim_scale(x) ELSE x END
$$;
COMMENT ON FUNCTION sqlite_kept_number(numeric) IS 'What a column of numeric affinity keeps of a number: a whole real is an integer, if it is one of 64 bits.';
