CREATE FUNCTION sqlite_json_index(j json, place bigint) RETURNS json
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE
    WHEN json_typeof(j) = 'array' AND place BETWEEN -2147483647 AND 2147483647 THEN j -> place::integer
  END
$$;
COMMENT ON FUNCTION sqlite_json_index(json, bigint) IS
  'The right side of -> and ->> when it is an integer: a place in an array, from the end if it is negative';
