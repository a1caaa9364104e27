CREATE FUNCTION sqlite_stamp_row(x timestamp, t text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT to_char(x, 'YYYY-MM-DD') || t || to_char(x, 'HH24:MI:SS') || rtrim(rtrim(to_char(x, '.US'), '0'), '.')
$$;
COMMENT ON FUNCTION sqlite_stamp_row(timestamp, text) IS
  'A date and time as text, with t between them and a fraction of a second only where it has one';
