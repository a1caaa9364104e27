CREATE FUNCTION sqlite_log2(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x > 0 THEN ln(x) / ln(2::double precision) END
$$;
COMMENT ON FUNCTION sqlite_log2(double precision) IS 'log2(): NULL where it is not defined.';
