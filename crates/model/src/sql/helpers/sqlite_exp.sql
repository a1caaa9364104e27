CREATE FUNCTION sqlite_exp(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x > 709.782712893384 THEN 'Infinity' WHEN x < -745.14 THEN 0 ELSE exp(x) END
$$;
COMMENT ON FUNCTION sqlite_exp(double precision) IS 'exp(): infinite where it is too large, 0 where it is too small.';
