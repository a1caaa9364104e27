CREATE FUNCTION sqlite_randomblob(n bigint) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED AS $$
SELECT decode(substr(string_agg(md5(random()::text || clock_timestamp()::text || i::text), ''), 1, 2 * greatest(n, 1)::integer), 'hex')
FROM generate_series(0, greatest(n, 1) / 16) AS i
$$;
COMMENT ON FUNCTION sqlite_randomblob(bigint) IS 'randomblob(): as many random bytes, at least one.';
