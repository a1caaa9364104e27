CREATE FUNCTION sqlite_asin(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN abs(x) <= 1 THEN asin(x) END
$$;
COMMENT ON FUNCTION sqlite_asin(double precision) IS 'asin(): NULL where it is not defined.';
