CREATE FUNCTION sqlite_json_integer(j json) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN sqlite_json_value(j) ~ '^-?[0-9]+$' THEN sqlite_integer_of_text(sqlite_json_value(j))
    WHEN sqlite_json_type(j) IN ('integer', 'real') THEN sqlite_integer_of_real(sqlite_real_of_text(j #>> '{}'))
    ELSE sqlite_integer_of_text(sqlite_json_value(j)) END
$$;
COMMENT ON FUNCTION sqlite_json_integer(json) IS
  'A value that comes of JSON, cast to an integer as SQLite does';
