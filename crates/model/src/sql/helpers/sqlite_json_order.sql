CREATE FUNCTION sqlite_json_order(a json, b json) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  x text := sqlite_json_value(a);
  y text := sqlite_json_value(b);
  x_number boolean := sqlite_json_type(a) IN ('integer', 'real', 'true', 'false');
  y_number boolean := sqlite_json_type(b) IN ('integer', 'real', 'true', 'false');
BEGIN
  IF x IS NULL OR y IS NULL THEN
    RETURN NULL;
  ELSIF x_number AND y_number THEN
    IF strpos(x, 'Inf') > 0 OR strpos(y, 'Inf') > 0 THEN
      RETURN sign(CASE WHEN x = y THEN 0 WHEN x::double precision < y::double precision THEN -1 ELSE 1 END);
    END IF;
    RETURN sign(x::numeric - y::numeric);
  ELSIF x_number <> y_number THEN
    RETURN CASE WHEN x_number THEN -1 ELSE 1 END;
  END IF;
  RETURN CASE WHEN x = y THEN 0 WHEN x < y COLLATE "C" THEN -1 ELSE 1 END;
END
$$;
COMMENT ON FUNCTION sqlite_json_order(json, json) IS
  'How SQLite orders two values that come of JSON: numbers before text, numbers by value, text by bytes; below, at or above zero';
