CREATE FUNCTION sqlite_integer_of_number(x numeric) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN least(greatest(trunc(x), -9223372036854775808), 9223372036854775807)::bigint;
END
$$;
COMMENT ON FUNCTION sqlite_integer_of_number(numeric) IS 'CAST of a number AS INTEGER: towards zero, and the nearest integer of 64 bits where it is larger.';
