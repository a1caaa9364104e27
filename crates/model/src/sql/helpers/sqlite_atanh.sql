CREATE FUNCTION sqlite_atanh(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN abs(x) < 1 THEN atanh(x) END
$$;
COMMENT ON FUNCTION sqlite_atanh(double precision) IS 'atanh(): NULL where it is not defined.';
