CREATE FUNCTION sqlite_stamp_day(x timestamp) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN x = date_trunc('day', x) THEN to_char(x, 'YYYY-MM-DD') ELSE sqlite_stamp_row(x, ' ') END
$$;
COMMENT ON FUNCTION sqlite_stamp_day(timestamp) IS
  'A day as text, with the time where it has one that is not midnight';
