CREATE FUNCTION sqlite_civil(jd bigint) RETURNS integer[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  -- A day's number since 1 March 4801 BC, cut into 400 years, years of that, and months from March.
  SELECT ARRAY[
    (e.n / 146097 * 400 + f.y - 4800 + CASE WHEN g.m < 10 THEN 0 ELSE 1 END)::integer,
    (CASE WHEN g.m < 10 THEN g.m + 3 ELSE g.m - 9 END)::integer,
    (f.day - (153 * g.m + 2) / 5 + 1)::integer]
  FROM (SELECT (jd + 43200000) / 86400000 + 32044 AS n) AS e,
    LATERAL (SELECT e.n % 146097 AS r) AS o,
    LATERAL (SELECT (o.r - o.r / 1460 + o.r / 36524 - o.r / 146096) / 365 AS y) AS c,
    LATERAL (SELECT c.y, o.r - (365 * c.y + c.y / 4 - c.y / 100) AS day) AS f,
    LATERAL (SELECT (5 * f.day + 2) / 153 AS m) AS g
$$;
COMMENT ON FUNCTION sqlite_civil(bigint) IS
  'Year, month and day of SQLite''s Julian day in milliseconds, by the Gregorian calendar of all times; the year before 1 is 0';
