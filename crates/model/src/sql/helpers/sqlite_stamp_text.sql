CREATE FUNCTION sqlite_stamp_text(t timestamp) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT to_char(t, 'YYYY-MM-DD HH24:MI:SS.US')
$$;
COMMENT ON FUNCTION sqlite_stamp_text(timestamp) IS
  'A timestamp as a time value of SQLite; to_char() is not immutable only for the sake of names of months and days';
