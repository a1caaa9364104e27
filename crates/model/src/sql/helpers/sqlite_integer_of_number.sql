CREATE FUNCTION sqlite_integer_of_number(x numeric) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF abs(x) < 9007199254740992 OR scale(x) = 0 AND x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RETURN trunc(x)::bigint;
  END IF;
  RETURN sqlite_integer_of_real(x::double precision);
END
$$;
COMMENT ON FUNCTION sqlite_integer_of_number(numeric) IS 'CAST of a number AS INTEGER: towards zero, and the nearest integer of 64 bits where it is larger.';
