CREATE FUNCTION sqlite_unixepoch(value text, modifiers text[] DEFAULT ARRAY[]::text[], now bigint DEFAULT NULL,
  zone text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  t record;
BEGIN
  SELECT * INTO t FROM sqlite_time(value, modifiers, now, zone);
  IF t.subsec AND t.jd IS NOT NULL THEN
    RAISE EXCEPTION 'unixepoch() with subsec gives no whole number' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN t.jd / 1000 - 210866760000;
END
$$;
COMMENT ON FUNCTION sqlite_unixepoch(text, text[], bigint, text) IS
  'unixepoch() of SQLite without the modifier subsec, which is an error here';
