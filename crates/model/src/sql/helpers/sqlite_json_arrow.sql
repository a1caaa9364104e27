CREATE FUNCTION sqlite_json_arrow(j json, place text) RETURNS json
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT CASE
    WHEN left(place, 1) = '$' THEN sqlite_json_at(j, place)
    WHEN place LIKE '[_%]' THEN sqlite_json_at(j, '$' || place)
    WHEN json_typeof(j) = 'object' THEN
      (SELECT e.value FROM json_each(j) WITH ORDINALITY AS e(key, value, n)
       WHERE e.key = place COLLATE "C" ORDER BY e.n LIMIT 1)
  END
$$;
COMMENT ON FUNCTION sqlite_json_arrow(json, text) IS
  'The right side of -> and ->> when it is text: a path if it begins with $, a place of an array in brackets, else a key';
