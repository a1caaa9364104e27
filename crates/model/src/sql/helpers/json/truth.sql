CREATE FUNCTION sqlite_json_truth(j json) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE json_typeof(j)
    WHEN 'null' THEN NULL
    WHEN 'boolean' THEN (j #>> '{}')::boolean
    WHEN 'array' THEN FALSE
    WHEN 'object' THEN FALSE
    ELSE COALESCE((regexp_match(j #>> '{}', '^[ \t\n\v\f\r]*[+-]?([0-9]*\.?[0-9]*)'))[1], '') ~ '[1-9]'
  END
$$;
COMMENT ON FUNCTION sqlite_json_truth(json) IS
  'A value that comes of JSON as a condition: a number, or text that begins with one, that is not 0';
