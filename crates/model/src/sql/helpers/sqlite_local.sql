CREATE FUNCTION sqlite_local(jd bigint, zone text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  utc bigint := jd;
  day integer[];
  years integer := 0;
  t timestamp;
BEGIN
  -- Outside of 1970 to 2038 SQLite takes the rules of a year from 2000 to 2003 with the same leap day.
  IF jd < 210866760000000 OR jd > 213014145600000 THEN
    day := sqlite_civil(jd);
    years := 2000 + day[1] % 4 - day[1];
    utc := sqlite_julian(day[1] + years, day[2], day[3], 0, 0, 0, 0) + (jd + 43200000) % 86400000;
  END IF;
  t := timezone(zone, to_timestamp(utc / 1000 - 210866760000));
  RETURN sqlite_julian(extract(year FROM t)::integer - years, extract(month FROM t)::integer,
    extract(day FROM t)::integer, extract(hour FROM t)::integer, extract(minute FROM t)::integer,
    extract(second FROM t)::integer, 0) + jd % 1000;
END
$$;
COMMENT ON FUNCTION sqlite_local(bigint, text) IS
  'The modifier localtime of SQLite: UTC as local time, of a time zone';
