CREATE FUNCTION sqlite_compare_text(a numeric, b text) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN coalesce(sqlite_compare_numbers(a, sqlite_number_in_text(b)), -1);
END
$$;
COMMENT ON FUNCTION sqlite_compare_text(numeric, text) IS 'Compares a number with a text as SQLite does where numeric affinity applies: the text as a number if it is one, else after all numbers.';
