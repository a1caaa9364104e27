CREATE FUNCTION sqlite_to_time(x text) RETURNS time LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF x COLLATE "C" !~ '^[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$' THEN
    RAISE EXCEPTION 'the text % is no time of the form HH:MM:SS', quote_literal(x) USING ERRCODE = 'check_violation';
  END IF;
  RETURN make_time(substr(x, 1, 2)::integer, substr(x, 4, 2)::integer, coalesce(nullif(substr(x, 7), ''), '0')::double precision);
END
$$;
COMMENT ON FUNCTION sqlite_to_time(text) IS 'A time as SQLite stores it, as text, in a column that is time here; any other text is an error.';
