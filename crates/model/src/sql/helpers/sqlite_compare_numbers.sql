CREATE FUNCTION sqlite_compare_numbers(a numeric, b numeric) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  whole_a boolean := a = trunc(a)
    AND (abs(a) < 9007199254740992 OR scale(a) = 0 AND a BETWEEN -9223372036854775808 AND 9223372036854775807);
  whole_b boolean := b = trunc(b)
    AND (abs(b) < 9007199254740992 OR scale(b) = 0 AND b BETWEEN -9223372036854775808 AND 9223372036854775807);
BEGIN
  IF whole_a AND whole_b THEN
    RETURN sign(a - b)::integer;
  ELSIF whole_a THEN
    RETURN sqlite_compare(a::bigint, b::double precision);
  ELSIF whole_b THEN
    RETURN -sqlite_compare(b::bigint, a::double precision);
  END IF;
  RETURN CASE WHEN a::double precision < b::double precision THEN -1 WHEN a::double precision > b::double precision THEN 1 ELSE 0 END;
END
$$;
COMMENT ON FUNCTION sqlite_compare_numbers(numeric, numeric) IS 'Compares two numbers whose class varies in SQLite, exactly: -1, 0 or 1.';
