CREATE FUNCTION sqlite_real(x numeric) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF abs(x) >= 1.797693134862315807937e308 THEN
    RETURN CASE WHEN x < 0 THEN '-Infinity' ELSE 'Infinity' END;
  ELSIF abs(x) < 2.4703282292062328e-324 THEN
    RETURN 0;
  END IF;
  RETURN x::double precision;
END
$$;
COMMENT ON FUNCTION sqlite_real(numeric) IS 'The double nearest to a number: infinite where it is too large, 0 where it is too small.';
