CREATE FUNCTION sqlite_json_new(path text, made text, how text) RETURNS json
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  step text[];
  label text;
  rest text := path;
  opened text := '';
  closed text := '';
BEGIN
  IF how NOT IN ('insert', 'set') THEN
    RETURN NULL;
  END IF;
  WHILE rest <> '' LOOP
    IF rest LIKE '."%' THEN
      step := regexp_match(rest, '^\.("(?:[^"\\]|\\.)*")(.*)$');
      label := (step[1]::json) #>> '{}';
    ELSIF left(rest, 1) = '.' THEN
      step := regexp_match(rest, '^\.([^.[]+)(.*)$');
      label := step[1];
    ELSE
      -- Only the first place of an array that is yet to be made can be filled.
      step := regexp_match(rest, '^(\[(?:0+|#(?:-0+)?)\])(.*)$');
      IF step IS NULL AND rest ~ '^\[(?:[0-9]+|#-[0-9]+)\]' THEN
        RETURN NULL;
      END IF;
      label := NULL;
    END IF;
    IF step IS NULL THEN
      RAISE EXCEPTION 'bad JSON path: %', quote_literal(rest) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF left(rest, 1) = '.' THEN
      opened := opened || '{' || to_json(label)::text || ':';
      closed := '}' || closed;
    ELSE
      opened := opened || '[';
      closed := ']' || closed;
    END IF;
    rest := step[2];
  END LOOP;
  RETURN (opened || made || closed)::json;
END
$$;
COMMENT ON FUNCTION sqlite_json_new(text, text, text) IS
  'What json_insert() and json_set() of SQLite make where a path leads to nothing yet';
