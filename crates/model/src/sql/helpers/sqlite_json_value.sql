CREATE FUNCTION sqlite_json_value(j json) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE sqlite_json_type(j)
    WHEN 'null' THEN NULL
    WHEN 'true' THEN '1'
    WHEN 'false' THEN '0'
    WHEN 'text' THEN j #>> '{}'
    WHEN 'real' THEN sqlite_real_text(sqlite_real_of_text(j #>> '{}'))
    WHEN 'integer' THEN
      CASE WHEN (j #>> '{}')::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
        THEN (j #>> '{}')::numeric::text ELSE sqlite_real_text(sqlite_real_of_text(j #>> '{}')) END
    ELSE sqlite_json_min(j)
  END
$$;
COMMENT ON FUNCTION sqlite_json_value(json) IS
  'What json_extract() of SQLite makes of a part of JSON, as text: strings without quotes, true and false as 1 and 0, null as NULL';
