CREATE FUNCTION sqlite_number_remainder(a numeric, b numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  r numeric := sqlite_integer_of_number(a) % nullif(sqlite_integer_of_number(b), 0);
BEGIN
  IF scale(a) = 0 AND scale(b) = 0 AND a BETWEEN -9223372036854775808 AND 9223372036854775807
    AND b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RETURN r;
  END IF;
  RETURN round(r, 1);
END
$$;
COMMENT ON FUNCTION sqlite_number_remainder(numeric, numeric) IS 'What is left of a division of integers, to which SQLite casts both numbers first; a real if one was none.';
