CREATE FUNCTION sqlite_date_text(x date) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT lpad(extract(year FROM x)::text, 4, '0') || '-' || lpad(extract(month FROM x)::text, 2, '0')
  || '-' || lpad(extract(day FROM x)::text, 2, '0')
$$;
COMMENT ON FUNCTION sqlite_date_text(date) IS 'A date as the text that SQLite has, YYYY-MM-DD, whatever DateStyle says.';
