CREATE FUNCTION sqlite_number_of_real(x double precision) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  n numeric;
BEGIN
  IF x IN ('Infinity', '-Infinity') THEN
    RETURN x::text::numeric;
  END IF;
  n := x::numeric;
  IF n::double precision <> x THEN
    n := sqlite_real_text(x)::numeric;
  END IF;
  n := trim_scale(n);
  RETURN CASE WHEN scale(n) = 0 THEN round(n, 1) ELSE n END;
END
$$;
COMMENT ON FUNCTION sqlite_number_of_real(double precision) IS 'A real of SQLite as numeric: it always has digits after the point, which tell it from an integer.';
