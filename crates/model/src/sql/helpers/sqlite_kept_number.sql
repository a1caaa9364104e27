CREATE FUNCTION sqlite_kept_number(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- The least real that is no integer of 64 bits is 2^63, of which the shortest digits are 9223372036854775800.
SELECT CASE WHEN abs(x) < 9223372036854775400 THEN trim_scale(x) ELSE x END
$$;
COMMENT ON FUNCTION sqlite_kept_number(numeric) IS 'What a column of numeric affinity keeps of a number: a whole real is an integer, if it is one of 64 bits.';
