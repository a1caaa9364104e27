CREATE FUNCTION sqlite_json_each(doc text, root text)
RETURNS TABLE (key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  node json := sqlite_json_at(doc::json, root);
  kind text := sqlite_json_type(node);
BEGIN
  IF node IS NULL THEN
    RETURN;
  ELSIF kind = 'object' THEN
    RETURN QUERY
      SELECT e.key, sqlite_json_value(e.value), sqlite_json_type(e.value),
        CASE WHEN sqlite_json_type(e.value) NOT IN ('array', 'object') THEN sqlite_json_value(e.value) END,
        e.n, NULL::bigint, root || sqlite_json_step(e.key), root
      FROM json_each(node) WITH ORDINALITY AS e(key, value, n) ORDER BY e.n;
  ELSIF kind = 'array' THEN
    RETURN QUERY
      SELECT (e.n - 1)::text, sqlite_json_value(e.value), sqlite_json_type(e.value),
        CASE WHEN sqlite_json_type(e.value) NOT IN ('array', 'object') THEN sqlite_json_value(e.value) END,
        e.n, NULL::bigint, root || '[' || (e.n - 1) || ']', root
      FROM json_array_elements(node) WITH ORDINALITY AS e(value, n) ORDER BY e.n;
  ELSE
    RETURN QUERY
      SELECT NULL::text, sqlite_json_value(node), kind, sqlite_json_value(node), 0::bigint, NULL::bigint, root, root;
  END IF;
END
$$;
COMMENT ON FUNCTION sqlite_json_each(text, text) IS
  'The rows of json_each() of SQLite for what stands at a path of JSON; id only tells rows apart, and its numbers are not those of SQLite';
