CREATE FUNCTION sqlite_log(base double precision, x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN base > 0 AND base <> 1 AND x > 0 THEN ln(x) / ln(base) END
$$;
COMMENT ON FUNCTION sqlite_log(double precision, double precision) IS 'log(base, x): NULL where it is not defined.';
