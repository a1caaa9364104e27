CREATE FUNCTION sqlite_timediff(a text, b text, now bigint DEFAULT NULL) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  x record;
  z record;
  ahead integer;
  jd bigint;
  y integer;
  mo integer;
  years integer;
  months integer;
  rest bigint;
BEGIN
  SELECT * INTO x FROM sqlite_time(a, ARRAY[]::text[], now, NULL);
  SELECT * INTO z FROM sqlite_time(b, ARRAY[]::text[], now, NULL);
  IF x.jd IS NULL OR z.jd IS NULL THEN
    RETURN NULL;
  END IF;
  -- The second time is moved into the year and month of the first, then back by months while it is beyond it.
  ahead := CASE WHEN x.jd >= z.jd THEN 1 ELSE -1 END;
  years := ahead * (x.y - z.y);
  months := ahead * (x.mo - z.mo);
  y := x.y;
  mo := x.mo;
  IF months < 0 THEN
    years := years - 1;
    months := months + 12;
  END IF;
  jd := CASE WHEN years = 0 AND months = 0 THEN z.jd ELSE sqlite_julian(y, mo, z.d, z.h, z.mi, z.s, 0) END;
  WHILE ahead * (x.jd - jd) < 0 LOOP
    months := months - 1;
    IF months < 0 THEN
      months := 11;
      years := years - 1;
    END IF;
    mo := mo - ahead;
    IF mo < 1 THEN
      mo := 12;
      y := y - 1;
    ELSIF mo > 12 THEN
      mo := 1;
      y := y + 1;
    END IF;
    jd := sqlite_julian(y, mo, z.d, z.h, z.mi, z.s, 0);
  END LOOP;
  rest := abs(x.jd - jd);
  RETURN CASE WHEN ahead > 0 THEN '+' ELSE '-' END || lpad(years::text, greatest(4, length(years::text)), '0') || '-' || lpad(months::text, 2, '0')
    || '-' || lpad((rest / 86400000)::text, 2, '0') || ' ' || lpad((rest / 3600000 % 24)::text, 2, '0') || ':'
    || lpad((rest / 60000 % 60)::text, 2, '0') || ':' || lpad((rest / 1000 % 60)::text, 2, '0') || '.'
    || lpad((rest % 1000)::text, 3, '0');
END
$$;
COMMENT ON FUNCTION sqlite_timediff(text, text, bigint) IS
  'timediff() of SQLite: what must be added to the second time to make the first';
