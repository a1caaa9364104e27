CREATE FUNCTION sqlite_clocktime(value text, modifiers text[] DEFAULT ARRAY[]::text[], now bigint DEFAULT NULL,
  zone text DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN t.jd IS NOT NULL THEN
    lpad(t.h::text, 2, '0') || ':' || lpad(t.mi::text, 2, '0') || ':'
      || CASE WHEN t.subsec THEN to_char(trunc(t.s * 1000 + 0.5) / 1000, 'FM00.000')
        ELSE lpad(trunc(t.s)::integer::text, 2, '0') END
  END
  FROM sqlite_time(value, modifiers, now, zone) AS t
$$;
COMMENT ON FUNCTION sqlite_clocktime(text, text[], bigint, text) IS
  'time() of SQLite';
