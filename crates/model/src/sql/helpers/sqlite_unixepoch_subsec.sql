CREATE FUNCTION sqlite_unixepoch_subsec(value text, modifiers text[] DEFAULT ARRAY[]::text[], now bigint DEFAULT NULL,
  zone text DEFAULT NULL)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN t.jd IS NOT NULL THEN
    (t.jd - 210866760000000) / 1000::double precision
  END
  FROM sqlite_time(value, modifiers, now, zone) AS t
$$;
COMMENT ON FUNCTION sqlite_unixepoch_subsec(text, text[], bigint, text) IS
  'unixepoch() of SQLite with the modifier subsec';
