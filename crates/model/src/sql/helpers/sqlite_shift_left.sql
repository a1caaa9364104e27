CREATE FUNCTION sqlite_shift_left(a bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE
  WHEN n <= -64 THEN CASE WHEN a < 0 THEN -1 ELSE 0 END::bigint
  WHEN n < 0 THEN a >> (-n)::integer
  WHEN n >= 64 THEN 0::bigint
  ELSE a << n::integer
END
$$;
COMMENT ON FUNCTION sqlite_shift_left(bigint, bigint) IS 'a << n: by a negative number it shifts to the right, by 64 and more nothing is left.';
