CREATE FUNCTION sqlite_format_text(x text, conversion text, flags text, width integer, digits integer)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  by_characters boolean := strpos(flags, '!') > 0 OR conversion = 'c';
  quote text := CASE conversion WHEN 'q' THEN '''' WHEN 'Q' THEN '''' WHEN 'w' THEN '"' END;
  made text := COALESCE(x, CASE conversion WHEN 'Q' THEN 'NULL' WHEN 'q' THEN '(NULL)' WHEN 'w' THEN '(NULL)' ELSE '' END);
  spaces integer;
BEGIN
  IF conversion = 'c' THEN
    IF made = '' THEN
      RAISE EXCEPTION '%%c of nothing is a NUL character, which text cannot hold' USING ERRCODE = 'untranslatable_character';
    END IF;
    made := repeat(left(made, 1), greatest(1, abs(COALESCE(digits, 1))));
  ELSIF digits IS NOT NULL THEN
    -- Without ! the precision counts bytes; where it would cut a character in two this is an error.
    made := CASE WHEN by_characters THEN left(made, abs(digits))
      ELSE convert_from(substr(convert_to(made, 'UTF8'), 1, abs(digits)), 'UTF8') END;
  END IF;
  IF quote IS NOT NULL THEN
    made := replace(made, quote, quote || quote);
    IF conversion = 'Q' AND x IS NOT NULL THEN
      made := quote || made || quote;
    END IF;
  END IF;
  spaces := greatest(abs(width::bigint)
    - CASE WHEN by_characters THEN char_length(made) ELSE octet_length(convert_to(made, 'UTF8')) END, 0);
  RETURN CASE WHEN strpos(flags, '-') > 0 OR width < 0 THEN made || repeat(' ', spaces) ELSE repeat(' ', spaces) || made END;
END
$$;
COMMENT ON FUNCTION sqlite_format_text(text, text, text, integer, integer) IS
  'The conversions %s, %c, %q, %Q and %w of SQLite''s printf(): width and precision count bytes, with ! characters';
