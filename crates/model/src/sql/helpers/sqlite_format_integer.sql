CREATE FUNCTION sqlite_format_integer(x bigint, conversion text, flags text, width integer, digits integer)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  wide bigint := abs(width::bigint);
  least_digits bigint := abs(COALESCE(digits::bigint, 0));
  plus text := '';
  made text;
BEGIN
  x := COALESCE(x, 0);
  IF conversion IN ('d', 'i', 'r') THEN
    made := abs(x::numeric)::text;
    plus := CASE WHEN x < 0 THEN '-' WHEN strpos(flags, '+') > 0 THEN '+' WHEN strpos(flags, ' ') > 0 THEN ' ' ELSE '' END;
  ELSIF conversion = 'u' THEN
    made := (CASE WHEN x < 0 THEN x + 18446744073709551616 ELSE x END)::text;
  ELSIF conversion = 'o' THEN
    made := (SELECT string_agg(substr('01234567', 1 + substr(b.t, 3 * g - 2, 3)::bit(3)::integer, 1), '' ORDER BY g)
      FROM (SELECT '00' || x::bit(64)::text AS t) AS b, generate_series(1, 22) AS g);
    made := COALESCE(NULLIF(ltrim(made, '0'), ''), '0');
  ELSE
    made := to_hex(x);
    IF conversion <> 'x' THEN
      made := upper(made);
    END IF;
  END IF;
  IF strpos(flags, '0') > 0 THEN
    least_digits := greatest(least_digits, wide - length(plus));
  END IF;
  IF conversion = 'r' THEN
    made := made || CASE WHEN abs(x / 10 % 10) = 1 THEN 'th' ELSE
      CASE abs(x % 10) WHEN 1 THEN 'st' WHEN 2 THEN 'nd' WHEN 3 THEN 'rd' ELSE 'th' END END;
  END IF;
  made := lpad(made, greatest(least_digits, length(made))::integer, '0');
  IF strpos(flags, ',') > 0 AND conversion IN ('d', 'i', 'u') THEN
    made := reverse(regexp_replace(reverse(made), '([0-9]{3})(?=[0-9])', '\1,', 'g'));
  END IF;
  made := plus || made;
  IF strpos(flags, '#') > 0 AND x <> 0 THEN
    made := CASE conversion WHEN 'x' THEN '0x' WHEN 'p' THEN '0x' WHEN 'X' THEN '0X' WHEN 'o' THEN '0' ELSE '' END || made;
  END IF;
  RETURN CASE WHEN strpos(flags, '-') > 0 OR width < 0 THEN rpad(made, greatest(wide, length(made))::integer)
    ELSE lpad(made, greatest(wide, length(made))::integer) END;
END
$$;
COMMENT ON FUNCTION sqlite_format_integer(bigint, text, text, integer, integer) IS
  'The conversions %d, %i, %u, %x, %X, %o, %p and %r of SQLite''s printf()';
