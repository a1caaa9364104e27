CREATE FUNCTION sqlite_number_in_text(x text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF x COLLATE "C" ~ '^[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*$' THEN
    RETURN sqlite_number_of_text(x);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION sqlite_number_in_text(text) IS 'The number that a whole text is, as SQLite''s numeric affinity reads it; NULL where it is none.';
