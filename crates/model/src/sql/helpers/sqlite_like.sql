CREATE FUNCTION sqlite_like(pattern text, x text, escape text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  out text := '';
  i integer := 1;
  n integer := char_length(pattern);
  c text;
BEGIN
  IF char_length(escape) <> 1 THEN
    RAISE EXCEPTION 'ESCAPE expression must be a single character';
  END IF;
  WHILE i <= n LOOP
    c := substr(pattern, i, 1);
    IF c = escape THEN
      i := i + 1;
      IF i > n THEN
        RETURN false;
      END IF;
      out := out || '\' || substr(pattern, i, 1);
    ELSIF c = '\' THEN
      out := out || '\\';
    ELSE
      out := out || c;
    END IF;
    i := i + 1;
  END LOOP;
  RETURN lower(x COLLATE "C") LIKE lower(out COLLATE "C");
END
$$;
COMMENT ON FUNCTION sqlite_like(text, text, text) IS 'LIKE with an ESCAPE that is not written as a string: ASCII letters without regard to case.';
