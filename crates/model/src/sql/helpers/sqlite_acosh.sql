CREATE FUNCTION sqlite_acosh(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x >= 1 THEN acosh(x) END
$$;
COMMENT ON FUNCTION sqlite_acosh(double precision) IS 'acosh(): NULL where it is not defined.';
