CREATE FUNCTION sqlite_to_bigint(x numeric) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF x <> trunc(x) OR x NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RAISE EXCEPTION 'the number % is no integer of 64 bits', x USING ERRCODE = 'check_violation';
  END IF;
  RETURN trunc(x)::bigint;
END
$$;
COMMENT ON FUNCTION sqlite_to_bigint(numeric) IS 'A number as SQLite stores it with integer affinity, in a column of integers; one with a fraction is an error.';
