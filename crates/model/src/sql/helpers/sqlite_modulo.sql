CREATE FUNCTION sqlite_modulo(a double precision, b double precision) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF b = 0 OR a IN ('Infinity', '-Infinity') THEN
    RETURN NULL;
  ELSIF b IN ('Infinity', '-Infinity') THEN
    RETURN a;
  END IF;
  RETURN mod(sqlite_exact(a), sqlite_exact(b))::double precision;
END
$$;
COMMENT ON FUNCTION sqlite_modulo(double precision, double precision) IS 'mod(): what is left of a division of reals, NULL by zero.';
