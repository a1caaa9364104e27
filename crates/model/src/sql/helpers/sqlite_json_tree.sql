CREATE FUNCTION sqlite_json_tree(doc text, root text)
RETURNS TABLE (key text, value text, type text, atom text, id bigint, parent bigint, fullkey text, path text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT
SET jit TO off AS $$
DECLARE
  node json := sqlite_json_at(doc::json, root);
  last text := (regexp_match(root, '(\.[^.["]+|\."(?:[^"\\]|\\.)*"|\[[^]]*\])$'))[1];
  above text := left(root, length(root) - COALESCE(length(last), 0));
  own text := CASE WHEN last LIKE '."%' THEN (substr(last, 2)::json) #>> '{}'
    WHEN last LIKE '.%' THEN substr(last, 2)
    WHEN last LIKE '[%' THEN btrim(last, '[]') END;
BEGIN
  IF node IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    WITH RECURSIVE t(node, key, fullkey, path, place, up) AS (
      SELECT node, own, root, above, ARRAY[]::bigint[], NULL::bigint[]
      UNION ALL
      SELECT c.node, c.key, t.fullkey || c.step, t.fullkey, t.place || c.n, t.place
      FROM t CROSS JOIN LATERAL (
        SELECT e.value, e.key, sqlite_json_step(e.key), e.n
        FROM json_each(CASE WHEN json_typeof(t.node) = 'object' THEN t.node ELSE '{}' END)
          WITH ORDINALITY AS e(key, value, n)
        UNION ALL
        SELECT e.value, (e.n - 1)::text, '[' || (e.n - 1) || ']', e.n
        FROM json_array_elements(CASE WHEN json_typeof(t.node) = 'array' THEN t.node ELSE '[]' END)
          WITH ORDINALITY AS e(value, n)
      ) AS c(node, key, step, n)
    ), numbered AS (
      SELECT t.*, row_number() OVER (ORDER BY t.place) - 1 AS id FROM t
    )
    SELECT n.key, sqlite_json_value(n.node), sqlite_json_type(n.node),
      CASE WHEN sqlite_json_type(n.node) NOT IN ('array', 'object') THEN sqlite_json_value(n.node) END,
      n.id, p.id, n.fullkey, n.path
    FROM numbered AS n LEFT JOIN numbered AS p ON p.place = n.up
    ORDER BY n.id;
END
$$;
COMMENT ON FUNCTION sqlite_json_tree(text, text) IS
  'The rows of json_tree() of SQLite for what stands at a path of JSON; id and parent only tell rows apart, and their numbers are not those of SQLite';
