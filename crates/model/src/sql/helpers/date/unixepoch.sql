CREATE FUNCTION sqlite_unixepoch(value text, modifiers text[] DEFAULT ARRAY[]::text[], now bigint DEFAULT NULL,
  zone text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN t.jd IS NOT NULL THEN
    t.jd / 1000 - 210866760000
  END
  FROM sqlite_time(value, modifiers, now, zone) AS t
$$;
COMMENT ON FUNCTION sqlite_unixepoch(text, text[], bigint, text) IS
  'unixepoch() of SQLite without the modifier subsec';
