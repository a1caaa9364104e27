CREATE FUNCTION sqlite_to_boolean(x bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF x NOT IN (0, 1) THEN
    RAISE EXCEPTION 'the value % is neither 0 nor 1', x USING ERRCODE = 'check_violation';
  END IF;
  RETURN x = 1;
END
$$;
COMMENT ON FUNCTION sqlite_to_boolean(bigint) IS '0 and 1 as SQLite stores them, in a column that is boolean here; any other number is an error.';
