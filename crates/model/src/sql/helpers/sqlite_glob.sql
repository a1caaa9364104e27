CREATE FUNCTION sqlite_glob(pattern text, x text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  out text := '^';
  i integer := 1;
  n integer := char_length(pattern);
  c text;
  first boolean;
BEGIN
  WHILE i <= n LOOP
    c := substr(pattern, i, 1);
    IF c = '*' THEN
      out := out || '.*';
    ELSIF c = '?' THEN
      out := out || '.';
    ELSIF c = '[' THEN
      out := out || '[';
      i := i + 1;
      IF substr(pattern, i, 1) = '^' THEN
        out := out || '^';
        i := i + 1;
      END IF;
      first := true;
      WHILE i <= n AND (first OR substr(pattern, i, 1) <> ']') LOOP
        c := substr(pattern, i, 1);
        IF c = '-' AND NOT first AND i < n AND substr(pattern, i + 1, 1) <> ']' THEN
          out := out || '-';
        ELSE
          out := out || '\' || c;
          IF c ~ '[A-Za-z0-9]' OR ascii(c) > 127 THEN
            out := left(out, -2) || c;
          END IF;
        END IF;
        first := false;
        i := i + 1;
      END LOOP;
      IF i > n THEN
        RETURN false;
      END IF;
      out := out || ']';
    ELSIF c ~ '[A-Za-z0-9]' OR ascii(c) > 127 THEN
      out := out || c;
    ELSE
      out := out || '\' || c;
    END IF;
    i := i + 1;
  END LOOP;
  RETURN x COLLATE "C" ~ (out || '$');
END
$$;
COMMENT ON FUNCTION sqlite_glob(text, text) IS 'GLOB: letters by case, * for any text, ? for one character, [ ] for a set.';
