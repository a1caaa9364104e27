CREATE FUNCTION sqlite_strftime(format text, value text, modifiers text[] DEFAULT ARRAY[]::text[],
  now bigint DEFAULT NULL, zone text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  t record;
  made text := '';
  part text;
  piece text;
  monday integer;
  sunday integer;
  year_day integer;
  thursday bigint;
  iso integer;
  rest text := format;
  place integer;
BEGIN
  SELECT * INTO t FROM sqlite_time(value, modifiers, now, zone);
  IF t.jd IS NULL OR format IS NULL THEN
    RETURN NULL;
  END IF;
  monday := (t.jd + 43200000) / 86400000 % 7;
  sunday := (t.jd + 129600000) / 86400000 % 7;
  year_day := (t.jd - sqlite_julian(t.y, 1, 1, t.h, t.mi, t.s, 0) + 43200000) / 86400000;
  thursday := t.jd + (3 - monday) * 86400000::bigint;
  iso := (sqlite_civil(thursday))[1];
  LOOP
    place := strpos(rest, '%');
    IF place = 0 THEN
      RETURN made || rest;
    END IF;
    made := made || left(rest, place - 1);
    part := substr(rest, place + 1, 1);
    rest := substr(rest, place + 2);
    piece := CASE part
      WHEN 'd' THEN lpad(t.d::text, 2, '0')
      WHEN 'e' THEN lpad(t.d::text, 2)
      WHEN 'f' THEN sqlite_format_real(t.s, 'f', '0', 6, 3)
      WHEN 'F' THEN CASE WHEN t.y < 0 THEN '-' || lpad((-t.y)::text, greatest(3, length(t.y::text) - 1), '0') ELSE lpad(t.y::text, 4, '0') END
        || '-' || lpad(t.mo::text, 2, '0') || '-' || lpad(t.d::text, 2, '0')
      WHEN 'g' THEN CASE WHEN iso < 0 AND iso % 100 <> 0 THEN (iso % 100)::text ELSE lpad((abs(iso) % 100)::text, 2, '0') END
      WHEN 'G' THEN CASE WHEN iso < 0 THEN '-' || lpad((-iso)::text, greatest(3, length(iso::text) - 1), '0') ELSE lpad(iso::text, 4, '0') END
      WHEN 'H' THEN lpad(t.h::text, 2, '0')
      WHEN 'I' THEN lpad(((t.h + 11) % 12 + 1)::text, 2, '0')
      WHEN 'j' THEN lpad((year_day + 1)::text, 3, '0')
      WHEN 'J' THEN sqlite_format_real(t.jd / 86400000::double precision, 'g', '', 0, 16)
      WHEN 'k' THEN lpad(t.h::text, 2)
      WHEN 'l' THEN lpad(((t.h + 11) % 12 + 1)::text, 2)
      WHEN 'm' THEN lpad(t.mo::text, 2, '0')
      WHEN 'M' THEN lpad(t.mi::text, 2, '0')
      WHEN 'p' THEN CASE WHEN t.h >= 12 THEN 'PM' ELSE 'AM' END
      WHEN 'P' THEN CASE WHEN t.h >= 12 THEN 'pm' ELSE 'am' END
      WHEN 'R' THEN lpad(t.h::text, 2, '0') || ':' || lpad(t.mi::text, 2, '0')
      WHEN 's' THEN CASE WHEN t.subsec THEN round((t.jd - 210866760000000) / 1000::numeric, 3)::text
        ELSE (t.jd / 1000 - 210866760000)::text END
      WHEN 'S' THEN lpad(trunc(t.s)::integer::text, 2, '0')
      WHEN 'T' THEN lpad(t.h::text, 2, '0') || ':' || lpad(t.mi::text, 2, '0') || ':'
        || lpad(trunc(t.s)::integer::text, 2, '0')
      WHEN 'u' THEN (CASE sunday WHEN 0 THEN 7 ELSE sunday END)::text
      WHEN 'U' THEN lpad(((year_day - sunday + 7) / 7)::text, 2, '0')
      WHEN 'V' THEN lpad((((thursday - sqlite_julian(iso, 1, 1, t.h, t.mi, t.s, 0) + 43200000)
        / 86400000) / 7 + 1)::text, 2, '0')
      WHEN 'w' THEN sunday::text
      WHEN 'W' THEN lpad(((year_day - monday + 7) / 7)::text, 2, '0')
      WHEN 'Y' THEN CASE WHEN t.y < 0 THEN '-' || lpad((-t.y)::text, greatest(3, length(t.y::text) - 1), '0') ELSE lpad(t.y::text, 4, '0') END
      WHEN '%' THEN '%'
    END;
    IF piece IS NULL THEN
      RETURN NULL;
    END IF;
    made := made || piece;
  END LOOP;
END
$$;
COMMENT ON FUNCTION sqlite_strftime(text, text, text[], bigint, text) IS
  'strftime() of SQLite; NULL where a conversion is none of SQLite''s';
