CREATE FUNCTION sqlite_json_edit(j json, path text, made text, how text) RETURNS json
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  step text[];
  label text;
  child json;
  place numeric;
  size integer;
  n integer := 0;
  parts text := '';
  item record;
  found_it boolean := FALSE;
BEGIN
  IF j IS NULL OR path IS NULL THEN
    RETURN NULL;
  END IF;
  IF path = '' THEN
    -- At the end of the path: what stands here is replaced, kept, or taken away (NULL).
    RETURN CASE how WHEN 'insert' THEN j WHEN 'remove' THEN NULL ELSE made::json END;
  END IF;
  IF left(path, 1) = '.' THEN
    IF substr(path, 2, 1) = '"' THEN
      step := regexp_match(path, '^\.("(?:[^"\\]|\\.)*")(.*)$');
      label := (step[1]::json) #>> '{}';
    ELSE
      step := regexp_match(path, '^\.([^.[]+)(.*)$');
      label := step[1];
    END IF;
    IF label IS NULL THEN
      RAISE EXCEPTION 'bad JSON path: %', quote_literal(path) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF json_typeof(j) <> 'object' THEN
      RETURN j;
    END IF;
    FOR item IN SELECT e.key, e.value FROM json_each(j) WITH ORDINALITY AS e(key, value, n) ORDER BY e.n LOOP
      child := item.value;
      IF NOT found_it AND item.key = label COLLATE "C" THEN
        found_it := TRUE;
        child := sqlite_json_edit(item.value, step[2], made, how);
        CONTINUE WHEN child IS NULL;
      END IF;
      parts := parts || ',' || to_json(item.key)::text || ':' || sqlite_json_min(child);
    END LOOP;
    IF NOT found_it THEN
      child := sqlite_json_new(step[2], made, how);
      IF child IS NULL THEN
        RETURN j;
      END IF;
      parts := parts || ',' || to_json(label)::text || ':' || sqlite_json_min(child);
    END IF;
    RETURN ('{' || substr(parts, 2) || '}')::json;
  ELSIF left(path, 1) = '[' THEN
    IF json_typeof(j) <> 'array' THEN
      RETURN j;
    END IF;
    step := regexp_match(path, '^\[(?:([0-9]+)|(#)(?:-([0-9]+))?)\](.*)$');
    IF step IS NULL THEN
      RAISE EXCEPTION 'bad JSON path: %', quote_literal(path) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    size := json_array_length(j);
    place := COALESCE(step[1]::numeric, size - COALESCE(step[3]::numeric, 0));
    IF place < 0 OR place > size THEN
      RETURN j;
    END IF;
    FOR item IN SELECT e.value FROM json_array_elements(j) WITH ORDINALITY AS e(value, n) ORDER BY e.n LOOP
      child := item.value;
      n := n + 1;
      IF n - 1 = place THEN
        child := sqlite_json_edit(item.value, step[4], made, how);
        CONTINUE WHEN child IS NULL;
      END IF;
      parts := parts || ',' || sqlite_json_min(child);
    END LOOP;
    IF place = size THEN
      child := sqlite_json_new(step[4], made, how);
      IF child IS NULL THEN
        RETURN j;
      END IF;
      parts := parts || ',' || sqlite_json_min(child);
    END IF;
    RETURN ('[' || substr(parts, 2) || ']')::json;
  END IF;
  RAISE EXCEPTION 'bad JSON path: %', quote_literal(path) USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION sqlite_json_edit(json, text, text, text) IS
  'One step of json_insert(), json_replace(), json_set() and json_remove() of SQLite: keys keep their order; the path stands without its $';
