CREATE FUNCTION sqlite_number_text(x numeric) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF scale(x) = 0 AND x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RETURN x::text;
  END IF;
  RETURN sqlite_real_text(x::double precision);
END
$$;
COMMENT ON FUNCTION sqlite_number_text(numeric) IS 'The text of a number whose class varies in SQLite: without digits after the point it is an integer, else a real.';
