CREATE FUNCTION sqlite_julian(y integer, mo integer, d integer, h integer, mi integer, s double precision, tz integer)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- Months are counted from March, so that the day that leap years add is the last of the year; year 0 of this count
  -- is 4801 BC.
  SELECT CASE WHEN y BETWEEN -4713 AND 9999 THEN
    ((v.month * 153 + 2) / 5 + d + v.year * 365 + v.year / 4 - v.year / 100 + v.year / 400 - 32045)::bigint * 86400000 - 43200000
      + COALESCE(h, 0) * 3600000 + COALESCE(mi, 0) * 60000 + trunc(COALESCE(s, 0) * 1000 + 0.5)::bigint
      - tz * 60000
  END
  FROM (SELECT CASE WHEN mo > 2 THEN mo - 3 ELSE mo + 9 END AS month,
    y + 4800 - CASE WHEN mo > 2 THEN 0 ELSE 1 END AS year) AS v
$$;
COMMENT ON FUNCTION sqlite_julian(integer, integer, integer, integer, integer, double precision, integer) IS
  'Milliseconds since the noon at which SQLite''s Julian days begin; days beyond the end of a month run on into the next; NULL outside of the years that SQLite knows';
