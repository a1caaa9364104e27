CREATE FUNCTION sqlite_real_of_text(x text) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  n numeric := substring(x COLLATE "C" FROM '^[ \t\n\v\f\r]*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?)')::numeric;
BEGIN
  IF n IS NULL THEN
    RETURN 0;
  ELSIF abs(n) >= 1.797693134862315808e308 THEN
    RETURN CASE WHEN n < 0 THEN '-Infinity' ELSE 'Infinity' END;
  ELSIF abs(n) < 2.4703282292062328e-324 THEN
    RETURN 0;
  END IF;
  RETURN n::double precision;
END
$$;
COMMENT ON FUNCTION sqlite_real_of_text(text) IS 'The real that SQLite reads at the beginning of a text; 0 where there is none.';
