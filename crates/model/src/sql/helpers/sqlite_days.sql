CREATE FUNCTION sqlite_days(y integer, mo integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN mo IN (4, 6, 9, 11) THEN 30 WHEN mo <> 2 THEN 31
    WHEN y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0) THEN 29 ELSE 28 END
$$;
COMMENT ON FUNCTION sqlite_days(integer, integer) IS
  'Days of a month, as SQLite counts them for the modifier floor';
