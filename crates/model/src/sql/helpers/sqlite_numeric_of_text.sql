CREATE FUNCTION sqlite_numeric_of_text(x text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  n numeric := sqlite_number_of_text(x);
BEGIN
  IF n = trunc(n) AND abs(n) < 2251799813685248 THEN
    RETURN trunc(n);
  END IF;
  RETURN n;
END
$$;
COMMENT ON FUNCTION sqlite_numeric_of_text(text) IS 'CAST of a text AS NUMERIC: an integer wherever nothing is lost by it.';
