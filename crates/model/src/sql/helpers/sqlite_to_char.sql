CREATE FUNCTION sqlite_to_char(x text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF char_length(x) <> n OR right(x, 1) = ' ' THEN
    RAISE EXCEPTION 'the text % has not just % characters', quote_literal(x), n USING ERRCODE = 'check_violation';
  END IF;
  RETURN x;
END
$$;
COMMENT ON FUNCTION sqlite_to_char(text, integer) IS 'A text in a column that is char(n) here, which would fill it up with spaces: another length is an error.';
