CREATE FUNCTION sqlite_substr(x text, start bigint, count bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  p bigint := start;
  n bigint := abs(count::numeric)::bigint;
  length bigint := char_length(x);
BEGIN
  IF p < 0 THEN
    p := p + length;
    IF p < 0 THEN
      n := CASE WHEN count < 0 THEN n ELSE greatest(n + p, 0) END;
      IF count >= 0 THEN
        p := 0;
      END IF;
    END IF;
  ELSIF p > 0 THEN
    p := p - 1;
  ELSIF n > 0 AND count > 0 THEN
    n := n - 1;
  END IF;
  IF count < 0 THEN
    p := p - n;
    IF p < 0 THEN
      n := greatest(n + p, 0);
      p := 0;
    END IF;
  END IF;
  IF p >= length OR n <= 0 THEN
    RETURN '';
  END IF;
  RETURN substr(x, p::integer + 1, least(n, length)::integer);
END
$$;
COMMENT ON FUNCTION sqlite_substr(text, bigint, bigint) IS 'substr(): counts from the end for a negative start, takes what stands before it for a negative length.';
