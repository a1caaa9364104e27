CREATE FUNCTION sqlite_time(value text, modifiers text[], now bigint, zone text, OUT jd bigint, OUT y integer,
  OUT mo integer, OUT d integer, OUT h integer, OUT mi integer, OUT s double precision, OUT subsec boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
#variable_conflict use_variable
-- As SQLite does it: a time is known as a day's number (jd), as a date (y, mo, d), as a clock (h, mi, s), or as a number
-- yet to be understood (raw); what is not known is NULL and made of the others when it is asked for.
DECLARE
  number CONSTANT text := '[ \t\n\v\f\r]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\n\v\f\r]*';
  p text[];
  c double precision[];
  day integer[];
  raw double precision;
  tz integer := 0;
  utc boolean := FALSE;
  here boolean := FALSE;
  over integer := 0;
  place integer := 0;
  m text;
  low text;
  unit text;
  r double precision;
  n bigint;
BEGIN
  subsec := FALSE;
  p := regexp_match(value, '^(-?)([0-9]{4})-([0-9]{2})-([0-9]{2})[ \t\n\v\f\rT]*(.*)$');
  IF p[3]::integer BETWEEN 1 AND 12 AND p[4]::integer BETWEEN 1 AND 31 THEN
    c := sqlite_clock(p[5]);
  END IF;
  IF c IS NOT NULL OR p[5] = '' AND p[3]::integer BETWEEN 1 AND 12 AND p[4]::integer BETWEEN 1 AND 31 THEN
    y := p[2]::integer;
    mo := p[3]::integer;
    d := p[4]::integer;
    IF c[1] = 24 THEN
      c[1] := 0;
      d := d + 1;
      IF d > sqlite_days(y, mo) THEN
        d := d - sqlite_days(y, mo);
        mo := mo + 1;
        IF mo > 12 THEN
          mo := 1;
          y := y + 1;
        END IF;
      END IF;
    END IF;
    IF p[1] = '-' THEN
      y := -y;
    END IF;
    over := greatest(d - sqlite_days(y, mo), 0);
  ELSE
    c := sqlite_clock(value);
  END IF;
  IF c IS NOT NULL THEN
    h := c[1];
    mi := c[2];
    s := c[3];
    tz := COALESCE(c[4], 0);
    utc := COALESCE(c[4] = 0, FALSE);
  ELSIF y IS NULL THEN
    low := lower(value COLLATE "C");
    IF low IN ('now', 'subsec', 'subsecond') THEN
      IF now IS NULL THEN
        RAISE EXCEPTION 'the time value % stands where the current time is not asked for', quote_literal(value)
          USING ERRCODE = 'invalid_datetime_format';
      END IF;
      subsec := low <> 'now';
      jd := now;
      utc := TRUE;
    ELSIF value ~ ('^' || number || '$') THEN
      raw := btrim(value, E' \t\n\v\f\r')::double precision;
      IF raw >= 0 AND raw < 5373484.5 THEN
        jd := trunc(raw * 86400000 + 0.5);
      END IF;
    ELSE
      RETURN;
    END IF;
  END IF;
  IF y IS NOT NULL AND tz <> 0 THEN
    jd := sqlite_julian(y, mo, d, h, mi, s, tz);
    IF jd IS NULL THEN
      y := NULL;
      RETURN;
    END IF;
    y := NULL;
    h := NULL;
    tz := 0;
    utc := TRUE;
  END IF;

  FOREACH m IN ARRAY modifiers || '#'::text LOOP
    place := place + 1;
    IF m IS NULL THEN
      jd := NULL;
      RETURN;
    END IF;
    low := lower(m COLLATE "C");

    -- The number that stands before all: it is understood by the first modifier or by itself.
    IF low = 'auto' THEN
      IF place > 1 THEN
        jd := NULL;
        RETURN;
      END IF;
      IF jd IS NOT NULL OR raw IS NULL THEN
        raw := NULL;
      ELSIF raw BETWEEN -210866760000 AND 253402300799 THEN
        jd := trunc(raw * 1000 + 210866760000000.5);
        raw := NULL;
      END IF;
      CONTINUE;
    ELSIF low = 'julianday' THEN
      IF place > 1 OR jd IS NULL OR raw IS NULL THEN
        jd := NULL;
        RETURN;
      END IF;
      raw := NULL;
      CONTINUE;
    ELSIF low = 'unixepoch' THEN
      IF place > 1 OR raw IS NULL OR raw * 1000 + 210866760000000 < 0
        OR raw * 1000 + 210866760000000 >= 464269060800000
      THEN
        jd := NULL;
        RETURN;
      END IF;
      jd := trunc((raw * 1000 + 210866760000000) + 0.5);
      raw := NULL;
      CONTINUE;
    ELSIF low IN ('subsec', 'subsecond') THEN
      subsec := TRUE;
      CONTINUE;
    ELSIF low = 'localtime' AND here OR low = 'utc' AND utc THEN
      utc := low = 'utc';
      here := NOT utc;
      CONTINUE;
    ELSIF raw IS NOT NULL AND jd IS NULL THEN
      RETURN;
    END IF;

    p := regexp_match(low, '^(start|end) of (day|month|year)$');
    unit := p[2];
    IF unit IS NULL AND low NOT LIKE 'weekday %' AND m !~ '^[+-](?:[0-9]{4}|[0-9]{5})-' THEN
      -- The day's number is asked for.
      IF jd IS NULL THEN
        IF h = 24 THEN
          jd := sqlite_julian(2000, 1, 2, 0, mi, s, tz);
          h := 0;
        ELSE
          jd := sqlite_julian(COALESCE(y, 2000), COALESCE(mo, 1), COALESCE(d, 1), h, mi, s, tz);
        END IF;
        IF jd IS NULL THEN
          RETURN;
        END IF;
        IF tz <> 0 THEN
          y := NULL;
          h := NULL;
          tz := 0;
          utc := TRUE;
          here := FALSE;
        END IF;
      END IF;
    ELSE
      -- The date, and the clock too.
      IF y IS NULL THEN
        IF jd IS NULL THEN
          y := 2000;
          mo := 1;
          d := 1;
        ELSIF jd NOT BETWEEN 0 AND 464269060799999 THEN
          jd := NULL;
          RETURN;
        ELSE
          day := sqlite_civil(jd);
          y := day[1];
          mo := day[2];
          d := day[3];
        END IF;
      END IF;
      IF h IS NULL AND unit IS NULL THEN
        jd := COALESCE(jd, sqlite_julian(y, mo, d, 0, 0, 0, 0));
        IF jd IS NULL THEN
          RETURN;
        END IF;
        n := (jd + 43200000) % 86400000;
        s := (n % 60000)::double precision / 1000;
        mi := n / 60000 % 60;
        h := n / 3600000;
      END IF;
    END IF;

    IF m = '#' AND place > cardinality(modifiers) THEN
      EXIT;
    ELSIF low = 'ceiling' THEN
      over := 0;
      y := NULL;
    ELSIF low = 'floor' THEN
      jd := jd - over * 86400000::bigint;
      y := NULL;
    ELSIF low IN ('localtime', 'utc') THEN
      IF zone IS NULL THEN
        RAISE EXCEPTION 'the modifier % stands where the time zone is not asked for', quote_literal(m)
          USING ERRCODE = 'invalid_datetime_format';
      END IF;
      IF low = 'localtime' THEN
        jd := sqlite_local(jd, zone);
        here := TRUE;
        utc := FALSE;
      ELSE
        n := jd;
        FOR i IN 0..4 LOOP
          EXIT WHEN sqlite_local(n, zone) = jd;
          EXIT WHEN i = 4;
          n := n - (sqlite_local(n, zone) - jd);
        END LOOP;
        jd := n;
        over := 0;
        subsec := FALSE;
        here := FALSE;
        utc := TRUE;
      END IF;
      raw := NULL;
      y := NULL;
    ELSIF unit IS NOT NULL THEN
      h := 0;
      mi := 0;
      s := 0;
      tz := 0;
      raw := NULL;
      jd := NULL;
      IF unit <> 'day' AND p[1] = 'start' THEN
        d := 1;
      END IF;
      IF unit = 'year' AND p[1] = 'start' THEN
        mo := 1;
      END IF;
      CONTINUE WHEN p[1] = 'start';
      h := 23;
      mi := 59;
      s := 59.999;
      IF unit = 'year' THEN
        mo := 12;
        d := 31;
      END IF;
      CONTINUE WHEN unit <> 'month';
      IF y = 9999 AND mo = 12 THEN
        RETURN;
      END IF;
      jd := sqlite_julian(y, mo, sqlite_days(y, mo), h, mi, s, 0);
      over := 0;
      y := NULL;
    ELSIF low LIKE 'weekday %' THEN
      p := regexp_match(low, '^weekday (' || number || ')$');
      r := btrim(p[1], E' \t\n\v\f\r')::double precision;
      IF r IS NULL OR r NOT BETWEEN -6 AND 6 OR r <> trunc(r) THEN
        jd := NULL;
        RETURN;
      END IF;
      jd := sqlite_julian(y, mo, d, h, mi, s, 0);
      tz := 0;
      n := (jd + 129600000) / 86400000 % 7;
      IF n <> abs(r) THEN
        IF n > abs(r) THEN
          n := n - 7;
        END IF;
        jd := jd + (abs(r)::bigint - n) * 86400000;
        IF strpos(p[1], '-') > 0 THEN
          jd := jd - 7 * 86400000::bigint;
        END IF;
      END IF;
      y := NULL;
    ELSIF m ~ '^[+-](?:[0-9]{4}|[0-9]{5})-' THEN
      -- Years, months and days, and a clock.
      p := regexp_match(m, '^([+-])([0-9]{4,5})-([0-9]{2})-([0-9]{2})(?:[ \t\n\v\f\r](.+))?$');
      IF p IS NULL OR p[2]::integer > 14712 OR p[3]::integer > 11 OR p[4]::integer > 30 THEN
        jd := NULL;
        RETURN;
      END IF;
      n := CASE p[1] WHEN '-' THEN -1 ELSE 1 END;
      y := y + n * p[2]::integer;
      mo := mo + n * p[3]::integer;
      y := y + CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END;
      mo := mo - CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END * 12;
      over := greatest(d - sqlite_days(y, mo), 0);
      jd := sqlite_julian(y, mo, d, h, mi, s, tz) + n * p[4]::integer * 86400000;
      tz := 0;
      IF p[5] IS NOT NULL THEN
        c := sqlite_clock(p[5]);
        jd := jd + n * ((trunc(c[1] * 3600000 + c[2] * 60000 + trunc(c[3] * 1000 + 0.5)
          - COALESCE(c[4], 0) * 60000)::bigint + 86400000) % 86400000);
      END IF;
      y := NULL;
    ELSIF m ~ '^[+-]?[0-9]' AND m ~ '^[^ \t\n\v\f\r:]*:' THEN
      -- A clock.
      c := sqlite_clock(CASE WHEN m ~ '^[+-]' THEN substr(m, 2) ELSE m END);
      jd := jd + CASE WHEN left(m, 1) = '-' THEN -1 ELSE 1 END * ((trunc(c[1] * 3600000 + c[2] * 60000
        + trunc(c[3] * 1000 + 0.5) - COALESCE(c[4], 0) * 60000)::bigint + 86400000) % 86400000);
      y := NULL;
      tz := 0;
    ELSE
      -- A number of units.
      p := regexp_match(low, '^([+-]?[0-9][^ \t\n\v\f\r]*|[+-]\.[0-9][^ \t\n\v\f\r]*)[ \t\n\v\f\r]+(second|minute|hour|day|month|year)s?$');
      IF p IS NULL OR p[1] !~ ('^' || number || '$') THEN
        jd := NULL;
        RETURN;
      END IF;
      r := p[1]::double precision;
      unit := p[2];
      IF abs(r) >= (CASE unit WHEN 'second' THEN 4.6427e14::real WHEN 'minute' THEN 7.7379e12::real
        WHEN 'hour' THEN 1.2897e11::real WHEN 'day' THEN 5373485 WHEN 'month' THEN 176546 ELSE 14713
        END)::double precision
      THEN
        jd := NULL;
        RETURN;
      END IF;
      n := 0;
      over := 0;
      IF unit IN ('month', 'year') THEN
        IF y IS NULL THEN
          IF jd NOT BETWEEN 0 AND 464269060799999 THEN
            jd := NULL;
            RETURN;
          END IF;
          day := sqlite_civil(jd);
          y := day[1];
          mo := day[2];
          d := day[3];
        END IF;
        IF h IS NULL THEN
          n := (jd + 43200000) % 86400000;
          s := (n % 60000)::double precision / 1000;
          mi := n / 60000 % 60;
          h := n / 3600000;
        END IF;
        IF unit = 'month' THEN
          mo := mo + trunc(r)::integer;
          n := CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END;
          y := y + n;
          mo := mo - n * 12;
        ELSE
          y := y + trunc(r)::integer;
        END IF;
        over := greatest(d - sqlite_days(y, mo), 0);
        jd := sqlite_julian(y, mo, d, h, mi, s, 0);
      END IF;
      jd := jd + trunc(CASE unit WHEN 'second' THEN r * 1000 WHEN 'minute' THEN r * 1000 * 60
        WHEN 'hour' THEN r * 1000 * 3600 WHEN 'day' THEN r * 1000 * 86400
        WHEN 'month' THEN (r - trunc(r)) * 1000 * 2592000 ELSE (r - trunc(r)) * 1000 * 31536000 END
        + CASE WHEN r < 0 THEN -0.5 ELSE 0.5 END)::bigint;
      y := NULL;
      tz := 0;
    END IF;
    IF jd IS NULL THEN
      RETURN;
    END IF;
    h := NULL;
  END LOOP;

  IF jd NOT BETWEEN 0 AND 464269060799999 THEN
    jd := NULL;
    RETURN;
  END IF;
  -- A day beyond the end of its month runs on into the next one, where nothing else was asked.
  IF y IS NULL OR cardinality(modifiers) = 0 AND d > 28 THEN
    day := sqlite_civil(jd);
    y := day[1];
    mo := day[2];
    d := day[3];
  END IF;
  IF h IS NULL THEN
    n := (jd + 43200000) % 86400000;
    s := (n % 60000)::double precision / 1000;
    mi := n / 60000 % 60;
    h := n / 3600000;
  END IF;
END
$$;
COMMENT ON FUNCTION sqlite_time(text, text[], bigint, text) IS
  'A time value of SQLite with its modifiers: milliseconds of the Julian day (NULL if SQLite gives NULL), and its date and clock; now and zone are NULL where neither may be asked for';
