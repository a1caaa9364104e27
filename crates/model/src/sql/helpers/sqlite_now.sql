CREATE FUNCTION sqlite_now() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint + 210866760000000
$$;
COMMENT ON FUNCTION sqlite_now() IS
  'The time value ''now'' of SQLite: one for the whole statement, in milliseconds, as the functions sqlite_time and the like take it';
