CREATE FUNCTION sqlite_number_divide(a numeric, b numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF b = 0 THEN
    RETURN NULL;
  ELSIF scale(a) = 0 AND scale(b) = 0 AND a BETWEEN -9223372036854775808 AND 9223372036854775807
    AND b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RETURN div(a, b);
  END IF;
  RETURN sqlite_number_of_real(sqlite_divide(a::double precision, b::double precision));
END
$$;
COMMENT ON FUNCTION sqlite_number_divide(numeric, numeric) IS 'The quotient of two numbers whose class varies in SQLite: of integers an integer, else a real; NULL by zero.';
