CREATE FUNCTION sqlite_acos(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN abs(x) <= 1 THEN acos(x) END
$$;
COMMENT ON FUNCTION sqlite_acos(double precision) IS 'acos(): NULL where it is not defined.';
