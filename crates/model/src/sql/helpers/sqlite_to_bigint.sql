CREATE FUNCTION sqlite_to_bigint(x numeric) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  n numeric := x;
BEGIN
  IF scale(x) > 0 AND abs(x) >= 9007199254740992 THEN
    n := sqlite_exact(x::double precision);
  END IF;
  IF n <> trunc(n) OR n NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RAISE EXCEPTION 'the number % is no integer of 64 bits', x USING ERRCODE = 'check_violation';
  END IF;
  RETURN trunc(n)::bigint;
END
$$;
COMMENT ON FUNCTION sqlite_to_bigint(numeric) IS 'A number as SQLite stores it with integer affinity, in a column of integers; one with a fraction is an error.';
