CREATE FUNCTION sqlite_json_numeric(j json) RETURNS json
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN json_typeof(j) = 'string'
    AND (j #>> '{}') ~ '^[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*$'
    THEN to_json(btrim(j #>> '{}', E' \t\n\v\f\r')::numeric) ELSE j END
$$;
COMMENT ON FUNCTION sqlite_json_numeric(json) IS
  'A value that comes of JSON beside a column of numbers: text that looks like a number is one';
