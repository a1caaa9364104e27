CREATE FUNCTION sqlite_json_index(j json, place bigint) RETURNS json
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE
    WHEN json_typeof(j) = 'array' AND place BETWEEN -2147483647 AND 2147483647 THEN j -> place::integer
    WHEN json_typeof(j) = 'object' THEN
      (SELECT e.value FROM json_each(j) WITH ORDINALITY AS e(key, value, n)
       WHERE e.key = place::text ORDER BY e.n LIMIT 1)
  END
$$;
COMMENT ON FUNCTION sqlite_json_index(json, bigint) IS
  'The right side of -> and ->> when it is an integer: a place in an array, from the end if it is negative';
