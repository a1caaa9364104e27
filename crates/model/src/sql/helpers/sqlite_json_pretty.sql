CREATE FUNCTION sqlite_json_pretty(j json, indent text, depth integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  parts text := '';
  item record;
BEGIN
  IF json_typeof(j) = 'object' THEN
    FOR item IN SELECT e.key, e.value FROM json_each(j) WITH ORDINALITY AS e(key, value, n) ORDER BY e.n LOOP
      parts := parts || E',\n' || repeat(indent, depth + 1) || to_json(item.key)::text || ': '
        || sqlite_json_pretty(item.value, indent, depth + 1);
    END LOOP;
    RETURN CASE WHEN parts = '' THEN '{}' ELSE '{' || substr(parts, 2) || E'\n' || repeat(indent, depth) || '}' END;
  ELSIF json_typeof(j) = 'array' THEN
    FOR item IN SELECT e.value FROM json_array_elements(j) WITH ORDINALITY AS e(value, n) ORDER BY e.n LOOP
      parts := parts || E',\n' || repeat(indent, depth + 1) || sqlite_json_pretty(item.value, indent, depth + 1);
    END LOOP;
    RETURN CASE WHEN parts = '' THEN '[]' ELSE '[' || substr(parts, 2) || E'\n' || repeat(indent, depth) || ']' END;
  END IF;
  RETURN sqlite_json_min(j);
END
$$;
COMMENT ON FUNCTION sqlite_json_pretty(json, text, integer) IS
  'json_pretty() of SQLite';
