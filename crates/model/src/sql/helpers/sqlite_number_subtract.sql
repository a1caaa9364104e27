CREATE FUNCTION sqlite_number_subtract(a numeric, b numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF scale(a) = 0 AND scale(b) = 0 AND a BETWEEN -9223372036854775808 AND 9223372036854775807
    AND b BETWEEN -9223372036854775808 AND 9223372036854775807
    AND a - b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RETURN a - b;
  END IF;
  RETURN sqlite_number_of_real(sqlite_add(a::double precision, -b::double precision));
END
$$;
COMMENT ON FUNCTION sqlite_number_subtract(numeric, numeric) IS 'The difference of two numbers whose class varies in SQLite: of integers an integer, else a real, computed as doubles are.';
