CREATE FUNCTION sqlite_julianday(value text, modifiers text[] DEFAULT ARRAY[]::text[], now bigint DEFAULT NULL,
  zone text DEFAULT NULL)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN t.jd IS NOT NULL THEN
    t.jd / 86400000::double precision
  END
  FROM sqlite_time(value, modifiers, now, zone) AS t
$$;
COMMENT ON FUNCTION sqlite_julianday(text, text[], bigint, text) IS
  'julianday() of SQLite';
