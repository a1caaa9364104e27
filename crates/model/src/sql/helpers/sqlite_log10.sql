CREATE FUNCTION sqlite_log10(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x > 0 THEN log(x) END
$$;
COMMENT ON FUNCTION sqlite_log10(double precision) IS 'log10(): NULL where it is not defined.';
