CREATE FUNCTION sqlite_to_number(x text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  n numeric := sqlite_number_in_text(x);
BEGIN
  IF n IS NULL THEN
    RAISE EXCEPTION 'the text % is no number', quote_literal(x) USING ERRCODE = 'check_violation';
  END IF;
  RETURN n;
END
$$;
COMMENT ON FUNCTION sqlite_to_number(text) IS 'The number that SQLite stores for a text that looks like one, in a column of numbers; any other text is an error.';
