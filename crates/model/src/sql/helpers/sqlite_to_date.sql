CREATE FUNCTION sqlite_to_date(x text) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF x COLLATE "C" !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
    RAISE EXCEPTION 'the text % is no date of the form YYYY-MM-DD', quote_literal(x) USING ERRCODE = 'check_violation';
  END IF;
  RETURN make_date(substr(x, 1, 4)::integer, substr(x, 6, 2)::integer, substr(x, 9, 2)::integer);
END
$$;
COMMENT ON FUNCTION sqlite_to_date(text) IS 'A date as SQLite stores it, as text, in a column that is date here; any other text is an error.';
