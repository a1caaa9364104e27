CREATE FUNCTION sqlite_ln(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x > 0 THEN ln(x) END
$$;
COMMENT ON FUNCTION sqlite_ln(double precision) IS 'ln(): NULL where it is not defined.';
