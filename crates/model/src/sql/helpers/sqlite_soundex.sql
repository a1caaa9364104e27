CREATE FUNCTION sqlite_soundex(x text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  word text := upper(substring(x COLLATE "C" FROM '[A-Za-z].*$') COLLATE "C");
  code text;
  out text;
  before text;
  c text;
BEGIN
  IF word IS NULL THEN
    RETURN '?000';
  END IF;
  out := substr(word, 1, 1);
  before := translate(out, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230120022455012623010202');
  FOR i IN 2 .. char_length(word) LOOP
    EXIT WHEN char_length(out) >= 4;
    c := substr(word, i, 1);
    code := CASE WHEN c ~ '[A-Z]' THEN translate(c, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230120022455012623010202') ELSE '0' END;
    IF code > '0' AND code <> before THEN
      out := out || code;
    END IF;
    before := code;
  END LOOP;
  RETURN rpad(out, 4, '0');
END
$$;
COMMENT ON FUNCTION sqlite_soundex(text) IS 'soundex(): the code of a word as SQLite computes it.';
