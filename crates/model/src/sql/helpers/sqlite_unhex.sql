CREATE FUNCTION sqlite_unhex(x text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x COLLATE "C" ~ '^([0-9A-Fa-f][0-9A-Fa-f])*$' THEN decode(x, 'hex') END
$$;
COMMENT ON FUNCTION sqlite_unhex(text) IS 'unhex(): NULL for what is no hexadecimal.';
