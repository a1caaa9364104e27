CREATE FUNCTION sqlite_json_real(x double precision) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE
    WHEN x = 'Infinity' THEN 'Inf'
    WHEN x = '-Infinity' THEN '-Inf'
    WHEN x = 0 THEN '0.0'
    WHEN abs(x) >= 1e17 OR abs(x) < 1e-4 THEN
      CASE WHEN strpos(x::text, '.') > 0 THEN x::text ELSE replace(x::text, 'e', '.0e') END
    WHEN strpos(x::text::numeric::text, '.') > 0 THEN x::text::numeric::text
    ELSE x::text::numeric::text || '.0'
  END
$$;
COMMENT ON FUNCTION sqlite_json_real(double precision) IS
  'A real as SQLite writes it into text: with a point, and an exponent only for very large and very small numbers; in the fewest digits that mean the same number';
