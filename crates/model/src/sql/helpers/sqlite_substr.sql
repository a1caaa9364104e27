CREATE FUNCTION sqlite_substr(x text, start bigint, count bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  p numeric := start;
  n numeric := count;
BEGIN
  IF p < 0 THEN
    p := p + char_length(x);
    IF p < 0 THEN
      n := CASE WHEN n < 0 THEN 0 ELSE n + p END;
      p := 0;
    END IF;
  ELSIF p > 0 THEN
    p := p - 1;
  ELSIF n > 0 THEN
    n := n - 1;
  END IF;
  IF n < 0 THEN
    n := CASE WHEN n < -p THEN p ELSE -n END;
    p := p - n;
  END IF;
  RETURN substr(x, least(p, 2147483646)::integer + 1, least(n, 1073741824)::integer);
END
$$;
COMMENT ON FUNCTION sqlite_substr(text, bigint, bigint) IS 'substr(): counts from the end for a negative start, takes what stands before it for a negative length.';
