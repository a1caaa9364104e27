CREATE FUNCTION sqlite_date(value text, modifiers text[] DEFAULT ARRAY[]::text[], now bigint DEFAULT NULL,
  zone text DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN t.jd IS NOT NULL THEN
    CASE WHEN t.y < 0 THEN '-' ELSE '' END || lpad(abs(t.y)::text, 4, '0') || '-' || lpad(t.mo::text, 2, '0') || '-'
      || lpad(t.d::text, 2, '0')
  END
  FROM sqlite_time(value, modifiers, now, zone) AS t
$$;
COMMENT ON FUNCTION sqlite_date(text, text[], bigint, text) IS
  'date() of SQLite';
