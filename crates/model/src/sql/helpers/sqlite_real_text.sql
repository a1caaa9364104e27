CREATE FUNCTION sqlite_real_text(x double precision) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  short numeric;
  d numeric;
  digits text;
  z text;
  n integer;
  keep integer := 17;
  point integer;
  j integer;
  sign text := CASE WHEN x < 0 THEN '-' ELSE '' END;
BEGIN
  IF x = 0 THEN
    RETURN '0.0';
  ELSIF x IN ('Infinity', '-Infinity') THEN
    RETURN sign || 'Inf';
  ELSIF x = 'NaN' THEN
    RETURN NULL;
  END IF;
  short := abs(x)::numeric;
  digits := ltrim(translate(short::text, '.', ''), '0');
  IF short >= 0.0001 AND short < 1e15 AND length(rtrim(digits, '0')) <= 13 AND short::double precision = abs(x) THEN
    short := trim_scale(short);
    RETURN sign || short::text || CASE WHEN scale(short) = 0 THEN '.0' ELSE '' END;
  END IF;
  d := trim_scale(sqlite_digits(abs(x)));
  digits := ltrim(translate(d::text, '.', ''), '0');
  -- The digits before the point.
  point := length(digits) - scale(d);
  n := CASE WHEN d = trunc(d) THEN 18 ELSE length(digits) END;
  z := rpad(digits, 20, '0');
  -- Fewer digits where they mean the same double.
  IF substr(z, 15, 2) = '99' THEN
    j := length(rtrim(substr(z, 1, 14), '9'));
    short := CASE WHEN j = 0 THEN 1 ELSE substr(z, 1, j)::numeric + 1 END;
    IF (short::text || 'e' || (point - j))::double precision = abs(x) THEN
      keep := j + 1;
    END IF;
  ELSIF point >= n OR substr(z, 14, 3) = '000' THEN
    j := length(rtrim(substr(z, 1, 13), '0'));
    IF (substr(z, 1, j) || 'e' || (point - j))::double precision = abs(x) THEN
      keep := j + 1;
    END IF;
  END IF;
  d := substr(z, 1, keep)::numeric + CASE WHEN substr(z, keep + 1, 1) >= '5' THEN 1 ELSE 0 END;
  digits := d::text;
  point := point + length(digits) - keep;
  digits := rtrim(digits, '0');
  IF point < -3 OR point > 17 THEN
    RETURN sign || substr(digits, 1, 1) || '.' || CASE WHEN length(digits) > 1 THEN substr(digits, 2) ELSE '0' END
      || 'e' || CASE WHEN point < 1 THEN '-' ELSE '+' END || lpad(abs(point - 1)::text, greatest(2, length(abs(point - 1)::text)), '0');
  ELSIF point <= 0 THEN
    RETURN sign || '0.' || repeat('0', -point) || digits;
  ELSIF length(digits) <= point THEN
    RETURN sign || rpad(digits, point, '0') || '.0';
  END IF;
  RETURN sign || substr(digits, 1, point) || '.' || substr(digits, point + 1);
END
$$;
COMMENT ON FUNCTION sqlite_real_text(double precision) IS 'The text of a real as SQLite writes it: 17 digits, fewer where they mean the same; always with a point.';
