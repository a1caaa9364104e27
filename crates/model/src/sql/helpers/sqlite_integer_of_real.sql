CREATE FUNCTION sqlite_integer_of_real(x double precision) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE
  WHEN x >= 9223372036854774784 THEN 9223372036854775807
  WHEN x <= -9223372036854774784 THEN CASE WHEN x < -9223372036854774784 THEN '-9223372036854775808'::bigint ELSE '-9223372036854774784'::bigint END
  ELSE trunc(x)::bigint
END
$$;
COMMENT ON FUNCTION sqlite_integer_of_real(double precision) IS 'CAST of a real AS INTEGER: towards zero, and the nearest integer of 64 bits where it is larger.';
