CREATE FUNCTION sqlite_number_of_text(x text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  part text := substring(x COLLATE "C" FROM '^[ \t\n\v\f\r]*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?)');
BEGIN
  IF part IS NULL THEN
    RETURN 0;
  ELSIF part ~ '^[+-]?[0-9]+$' AND part::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RETURN part::numeric;
  END IF;
  RETURN sqlite_number_of_real(sqlite_real_of_text(part));
END
$$;
COMMENT ON FUNCTION sqlite_number_of_text(text) IS 'The number that SQLite computes with where a text stands: an integer, or a real with digits after the point.';
