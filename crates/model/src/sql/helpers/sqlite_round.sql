CREATE FUNCTION sqlite_round(x double precision, n bigint) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF abs(x) > 4503599627370496 THEN
    RETURN x;
  ELSIF n < 1 THEN
    RETURN trunc(x + CASE WHEN x < 0 THEN -0.5 ELSE 0.5 END) + 0;
  END IF;
  RETURN round(sqlite_digits(x), least(n, 30)::integer)::double precision + 0;
END
$$;
COMMENT ON FUNCTION sqlite_round(double precision, bigint) IS 'round(): half away from zero on the decimal digits of the double.';
