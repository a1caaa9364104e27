CREATE FUNCTION sqlite_json_patch(target json, patch json) RETURNS json
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  parts text := '';
  item record;
  change json;
BEGIN
  IF json_typeof(patch) <> 'object' THEN
    RETURN patch;
  END IF;
  IF json_typeof(target) <> 'object' THEN
    target := '{}';
  END IF;
  FOR item IN SELECT e.key, e.value FROM json_each(target) WITH ORDINALITY AS e(key, value, n) ORDER BY e.n LOOP
    change := (SELECT e.value FROM json_each(patch) WITH ORDINALITY AS e(key, value, n)
               WHERE e.key = item.key COLLATE "C" ORDER BY e.n DESC LIMIT 1);
    CONTINUE WHEN json_typeof(change) = 'null';
    parts := parts || ',' || to_json(item.key)::text || ':'
      || sqlite_json_min(CASE WHEN change IS NULL THEN item.value ELSE sqlite_json_patch(item.value, change) END);
  END LOOP;
  FOR item IN SELECT e.key, e.value FROM json_each(patch) WITH ORDINALITY AS e(key, value, n) ORDER BY e.n LOOP
    CONTINUE WHEN json_typeof(item.value) = 'null'
      OR EXISTS (SELECT FROM json_each(target) AS e WHERE e.key = item.key COLLATE "C");
    parts := parts || ',' || to_json(item.key)::text || ':' || sqlite_json_min(sqlite_json_patch('null', item.value));
  END LOOP;
  RETURN ('{' || substr(parts, 2) || '}')::json;
END
$$;
COMMENT ON FUNCTION sqlite_json_patch(json, json) IS
  'json_patch() of SQLite (RFC 7396): keys keep their order, a null takes a key away';
