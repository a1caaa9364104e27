CREATE FUNCTION sqlite_sqrt(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x >= 0 THEN sqrt(x) END
$$;
COMMENT ON FUNCTION sqlite_sqrt(double precision) IS 'sqrt(): NULL where it is not defined.';
