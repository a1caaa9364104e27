CREATE FUNCTION sqlite_json_step(key text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN key ~ '^[A-Za-z][A-Za-z0-9]*$' COLLATE "C" THEN '.' || key
    ELSE '.' || to_json(key)::text END
$$;
COMMENT ON FUNCTION sqlite_json_step(text) IS
  'A key as a step of a path of SQLite: in quotes unless it is letters and digits';
