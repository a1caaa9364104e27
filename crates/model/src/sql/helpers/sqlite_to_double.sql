CREATE FUNCTION sqlite_to_double(x bigint) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF sqlite_compare(x, x::double precision) <> 0 THEN
    RAISE EXCEPTION 'the integer % is no double', x USING ERRCODE = 'check_violation';
  END IF;
  RETURN x;
END
$$;
COMMENT ON FUNCTION sqlite_to_double(bigint) IS 'An integer that SQLite keeps as it is, in a column that is double precision here; one that a double does not hold is an error.';
