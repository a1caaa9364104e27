CREATE FUNCTION sqlite_to_numeric(x numeric, s integer) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF scale(trim_scale(x)) > s THEN
    RAISE EXCEPTION 'the number % has more than % digits after the point', x, s USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  RETURN x;
END
$$;
COMMENT ON FUNCTION sqlite_to_numeric(numeric, integer) IS 'A number in a column that is numeric(p,s) here, which would round it: more digits after the point are an error.';
