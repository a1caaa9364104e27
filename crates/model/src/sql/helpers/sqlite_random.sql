CREATE FUNCTION sqlite_random() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL RESTRICTED AS $$
SELECT ('x' || substr(md5(random()::text || clock_timestamp()::text), 1, 16))::bit(64)::bigint
$$;
COMMENT ON FUNCTION sqlite_random() IS 'random(): any integer of 64 bits.';
