CREATE FUNCTION sqlite_json_type(j json) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE json_typeof(j)
    WHEN 'string' THEN 'text'
    WHEN 'boolean' THEN btrim(j::text, E' \t\n\r')
    WHEN 'number' THEN CASE WHEN j::text ~ '[.eE]' THEN 'real' ELSE 'integer' END
    ELSE json_typeof(j)
  END
$$;
COMMENT ON FUNCTION sqlite_json_type(json) IS
  'The name that json_type() of SQLite gives: null, true, false, integer, real, text, array, object';
