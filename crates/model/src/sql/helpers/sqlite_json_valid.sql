CREATE FUNCTION sqlite_json_valid(x text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE AS $$
BEGIN
  PERFORM x::json;
  RETURN TRUE;
EXCEPTION WHEN data_exception THEN
  RETURN FALSE;
END
$$;
COMMENT ON FUNCTION sqlite_json_valid(text) IS
  'json_valid() of SQLite: whether text is JSON by RFC 8259';
