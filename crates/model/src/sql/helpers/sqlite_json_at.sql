CREATE FUNCTION sqlite_json_at(j json, path text) RETURNS json
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  rest text := substr(path, 2);
  step text[];
  place numeric;
BEGIN
  IF left(path, 1) <> '$' THEN
    RAISE EXCEPTION 'bad JSON path: %', quote_literal(path) USING ERRCODE = 'invalid_parameter_value';
  END IF;
  WHILE rest <> '' LOOP
    IF left(rest, 1) = '.' THEN
      IF substr(rest, 2, 1) = '"' THEN
        step := regexp_match(rest, '^\.("(?:[^"\\]|\\.)*")(.*)$');
        step[1] := (step[1]::json) #>> '{}';
      ELSE
        step := regexp_match(rest, '^\.([^.[]+)(.*)$');
      END IF;
      IF step IS NULL OR step[1] IS NULL THEN
        RAISE EXCEPTION 'bad JSON path: %', quote_literal(path) USING ERRCODE = 'invalid_parameter_value';
      END IF;
      IF json_typeof(j) <> 'object' THEN
        RETURN NULL;
      END IF;
      j := (SELECT e.value FROM json_each(j) WITH ORDINALITY AS e(key, value, place)
            WHERE e.key = step[1] COLLATE "C" ORDER BY e.place LIMIT 1);
      rest := step[2];
    ELSIF left(rest, 1) = '[' THEN
      IF json_typeof(j) <> 'array' THEN
        RETURN NULL;
      END IF;
      step := regexp_match(rest, '^\[(?:([0-9]+)|(#)(?:-([0-9]+))?)\](.*)$');
      IF step IS NULL THEN
        RAISE EXCEPTION 'bad JSON path: %', quote_literal(path) USING ERRCODE = 'invalid_parameter_value';
      END IF;
      place := COALESCE(step[1]::numeric, json_array_length(j) - COALESCE(step[3]::numeric, 0));
      IF place < 0 OR place >= json_array_length(j) THEN
        RETURN NULL;
      END IF;
      j := j -> place::integer;
      rest := step[4];
    ELSE
      RAISE EXCEPTION 'bad JSON path: %', quote_literal(path) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF j IS NULL THEN
      RETURN NULL;
    END IF;
  END LOOP;
  RETURN j;
END
$$;
COMMENT ON FUNCTION sqlite_json_at(json, text) IS
  'What stands in JSON at a path of SQLite ($.key[0][#-1]); the first of keys that are the same; NULL where there is nothing';
