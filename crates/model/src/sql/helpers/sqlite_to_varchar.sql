CREATE FUNCTION sqlite_to_varchar(x text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF char_length(x) > n THEN
    RAISE EXCEPTION 'the text % has more than % characters', quote_literal(x), n USING ERRCODE = 'string_data_right_truncation';
  END IF;
  RETURN x;
END
$$;
COMMENT ON FUNCTION sqlite_to_varchar(text, integer) IS 'A text in a column that is varchar(n) here, which would cut surplus spaces off: more characters are an error.';
