CREATE FUNCTION sqlite_exact(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  -- The bits of a double: 52 of the fraction below an exponent of 11.
  SELECT CASE WHEN x < 0 THEN -1 ELSE 1 END * CASE WHEN p.e >= 0 THEN p.m * power(2::numeric, p.e)
    ELSE p.m * power(5::numeric, -p.e) * ('1e' || p.e)::numeric END
  FROM (SELECT ('x' || encode(float8send(abs(x)), 'hex'))::bit(64)::bigint AS bits) AS b,
    LATERAL (SELECT (CASE WHEN bits >> 52 = 0 THEN bits ELSE (bits & 4503599627370495) | 4503599627370496 END)::numeric AS m,
      (greatest(bits >> 52, 1) - 1075)::integer AS e) AS p
$$;
COMMENT ON FUNCTION sqlite_exact(double precision) IS
  'All decimal digits of a double, of which SQLite makes its own; the cast to numeric keeps 15';
