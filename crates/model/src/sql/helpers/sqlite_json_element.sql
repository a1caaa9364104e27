CREATE FUNCTION sqlite_json_element(j json, infinity text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE sqlite_json_type(j)
    WHEN 'text' THEN to_json(j #>> '{}')::text
    WHEN 'integer' THEN replace(sqlite_json_value(j), 'Inf', infinity)
    WHEN 'real' THEN replace(sqlite_json_value(j), 'Inf', infinity)
    WHEN 'array' THEN sqlite_json_min(j)
    WHEN 'object' THEN sqlite_json_min(j)
    ELSE COALESCE(sqlite_json_value(j), 'null')
  END
$$;
COMMENT ON FUNCTION sqlite_json_element(json, text) IS
  'What json_extract() of SQLite found, put into other JSON: true and false have become 1 and 0, nothing is null';
