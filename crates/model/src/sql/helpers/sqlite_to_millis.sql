CREATE FUNCTION sqlite_to_millis(x bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT ((to_timestamp(x / 1000) AT TIME ZONE 'UTC') + (x % 1000) * interval '1 millisecond') AT TIME ZONE 'UTC'
$$;
COMMENT ON FUNCTION sqlite_to_millis(bigint) IS 'Milliseconds since 1970 as SQLite stores them, in a column that is timestamptz here.';
