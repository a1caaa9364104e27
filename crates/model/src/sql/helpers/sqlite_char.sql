CREATE FUNCTION sqlite_char(x bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN x BETWEEN 0 AND 1114111 THEN chr(x::integer) ELSE chr(65533) END
$$;
COMMENT ON FUNCTION sqlite_char(bigint) IS 'char(): the character of a number, the replacement character beyond Unicode.';
