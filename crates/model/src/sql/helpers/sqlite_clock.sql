CREATE FUNCTION sqlite_clock(t text) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  p text[] := regexp_match(t, '^([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?[ \t\n\v\f\r]*(?:([+-])([0-9]{2}):([0-9]{2})|([Zz]))?[ \t\n\v\f\r]*$');
  seconds double precision;
BEGIN
  IF p IS NULL OR p[1]::integer > 24 OR p[2]::integer > 59 OR p[3]::integer > 59
    OR p[6]::integer > 14 OR p[7]::integer > 59
  THEN
    RETURN NULL;
  END IF;
  -- A fraction is cut, not rounded up to the next second.
  seconds := COALESCE(p[3], '0')::double precision + least(('0.' || COALESCE(p[4], '0'))::double precision, 0.999);
  IF p[1] ::integer = 24 AND (p[2]::integer <> 0 OR seconds <> 0) THEN
    RETURN NULL;
  END IF;
  RETURN ARRAY[p[1]::double precision, p[2]::double precision, seconds,
    CASE WHEN p[8] IS NOT NULL THEN 0 WHEN p[5] IS NOT NULL THEN (p[5] || (p[6]::integer * 60 + p[7]::integer))::double precision END];
END
$$;
COMMENT ON FUNCTION sqlite_clock(text) IS
  'HH:MM, HH:MM:SS or HH:MM:SS.SSS, with Z or an offset, as SQLite reads it: hour, minute, second, minutes of the offset (NULL if there is none); NULL if it is no time';
