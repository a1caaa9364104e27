CREATE FUNCTION sqlite_to_timestamp(x text) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF x COLLATE "C" !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?$' THEN
    RAISE EXCEPTION 'the text % is no date and time of the form YYYY-MM-DD HH:MM:SS', quote_literal(x) USING ERRCODE = 'check_violation';
  END IF;
  RETURN make_timestamp(substr(x, 1, 4)::integer, substr(x, 6, 2)::integer, substr(x, 9, 2)::integer,
    coalesce(nullif(substr(x, 12, 2), ''), '0')::integer, coalesce(nullif(substr(x, 15, 2), ''), '0')::integer,
    coalesce(nullif(substr(x, 18), ''), '0')::double precision);
END
$$;
COMMENT ON FUNCTION sqlite_to_timestamp(text) IS 'A date and time as SQLite stores it, as text, in a column that is timestamp here; any other text is an error.';
