CREATE FUNCTION sqlite_compare(a bigint, b double precision) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE
  WHEN b < -9223372036854775808 THEN 1
  WHEN b >= 9223372036854775808 THEN -1
  WHEN a <> trunc(b)::bigint THEN CASE WHEN a < trunc(b)::bigint THEN -1 ELSE 1 END
  WHEN trunc(b) = b THEN 0
  WHEN b > trunc(b) THEN -1
  ELSE 1
END
$$;
COMMENT ON FUNCTION sqlite_compare(bigint, double precision) IS 'Compares an integer with a real exactly: -1, 0 or 1.';
