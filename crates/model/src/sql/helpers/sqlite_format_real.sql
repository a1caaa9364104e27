CREATE FUNCTION sqlite_format_real(x double precision, conversion text, flags text, width integer, digits integer)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  style text := lower(conversion);
  full_form CONSTANT boolean := strpos(flags, '!') > 0;
  hash CONSTANT boolean := strpos(flags, '#') > 0;
  wide bigint := abs(width::bigint);
  left_side CONSTANT boolean := strpos(flags, '-') > 0 OR width < 0;
  plus text := CASE WHEN flags ~ '[+]' THEN '+' WHEN flags ~ ' ' THEN ' ' ELSE '' END;
  decimals integer := least(CASE WHEN digits IS NULL THEN 6 ELSE abs(digits) END, 100000000);
  a numeric;
  shown text := '0';
  point integer := 1;
  wanted integer;
  short boolean;
  made text;
  tail text := '';
  power integer;
BEGIN
  x := COALESCE(x, 0);
  IF style = 'g' AND decimals = 0 THEN
    decimals := 1;
  END IF;
  IF abs(x) = 'Infinity' AND strpos(flags, '0') = 0 THEN
    made := CASE WHEN x < 0 THEN '-' ELSE plus END || 'Inf';
    RETURN CASE WHEN left_side THEN rpad(made, greatest(wide, length(made))::integer)
      ELSE lpad(made, greatest(wide, length(made))::integer) END;
  ELSIF abs(x) = 'Infinity' THEN
    shown := '9';
    point := 1000;
  ELSIF x <> 0 THEN
    a := abs(sqlite_exact(x));
    point := CASE WHEN a >= 1 THEN length(trunc(a)::text)
      ELSE 1 - length((regexp_match(a::text, '^0\.(0*)'))[1]) - 1 END;
    wanted := CASE style WHEN 'f' THEN point + decimals WHEN 'g' THEN decimals ELSE decimals + 1 END;
    IF style = 'f' OR wanted >= 18 THEN
      a := round(a, 18 - point);
      point := CASE WHEN a >= 1 THEN length(trunc(a)::text)
        ELSE 1 - length((regexp_match(a::text, '^0\.(0*)'))[1]) - 1 END;
      IF style = 'f' THEN
        wanted := point + decimals;
      END IF;
    END IF;
    wanted := least(wanted, CASE WHEN full_form THEN 20 ELSE 16 END);
    IF full_form AND wanted > 16 AND length(btrim(replace(a::text, '.', ''), '0')) > 16 THEN
      RAISE EXCEPTION 'the digits of % beyond the sixteenth differ between versions of SQLite', x
        USING ERRCODE = 'numeric_value_out_of_range';
    ELSIF wanted >= 0 THEN
      a := round(a, wanted - point);
    END IF;
    IF a > 0 AND wanted >= 0 THEN
      point := CASE WHEN a >= 1 THEN length(trunc(a)::text)
        ELSE 1 - length((regexp_match(a::text, '^0\.(0*)'))[1]) - 1 END;
      shown := rtrim(ltrim(replace(a::text, '.', ''), '0'), '0');
    ELSIF wanted < 0 THEN
      shown := '0';
    END IF;
  END IF;
  IF x < 0 THEN
    plus := CASE WHEN hash AND plus = '' AND style = 'f' AND point <= -decimals THEN '' ELSE '-' END;
  END IF;
  power := point - 1;
  short := full_form;
  IF style = 'g' THEN
    short := NOT hash;
    decimals := decimals - 1;
    IF power < -4 OR power > decimals THEN
      style := 'e';
    ELSE
      decimals := decimals - power;
      style := 'f';
    END IF;
  END IF;
  IF style = 'e' THEN
    made := left(shown, 1);
    tail := left(substr(shown, 2), decimals);
  ELSIF point <= 0 THEN
    made := '0';
    tail := left(repeat('0', -point) || shown, decimals);
  ELSE
    made := rpad(left(shown, point), point, '0');
    tail := left(substr(shown, point + 1), decimals);
    IF strpos(flags, ',') > 0 THEN
      made := reverse(regexp_replace(reverse(made), '([0-9]{3})(?=[0-9])', '\1,', 'g'));
    END IF;
  END IF;
  tail := rpad(tail, decimals, '0');
  IF short THEN
    tail := rtrim(tail, '0');
    IF tail = '' AND full_form THEN
      tail := '0';
    END IF;
  END IF;
  IF tail <> '' OR (hash OR full_form) AND NOT short THEN
    made := made || '.' || tail;
  END IF;
  IF style = 'e' THEN
    made := made || CASE WHEN conversion IN ('E', 'G') THEN 'E' ELSE 'e' END || CASE WHEN power < 0 THEN '-' ELSE '+' END
      || lpad(abs(power)::text, greatest(2, length(abs(power)::text)), '0');
  END IF;
  IF strpos(flags, '0') > 0 AND NOT left_side THEN
    made := lpad(made, greatest(wide - length(plus), length(made))::integer, '0');
  END IF;
  made := plus || made;
  RETURN CASE WHEN left_side THEN rpad(made, greatest(wide, length(made))::integer)
    ELSE lpad(made, greatest(wide, length(made))::integer) END;
END
$$;
COMMENT ON FUNCTION sqlite_format_real(double precision, text, text, integer, integer) IS
  'The conversions %e, %f and %g of SQLite''s printf(): at most 16 digits mean something, what is beyond them is 0';
