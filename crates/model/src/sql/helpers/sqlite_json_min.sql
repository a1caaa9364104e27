CREATE FUNCTION sqlite_json_min(j json) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT regexp_replace(j::text, '("(?:[^"\\]|\\.)*")|[ \t\n\r]+', '\1', 'g')
$$;
COMMENT ON FUNCTION sqlite_json_min(json) IS
  'JSON as SQLite writes it: without spaces; keys keep their order, numbers and strings their spelling';
