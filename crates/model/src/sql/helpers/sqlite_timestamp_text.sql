CREATE FUNCTION sqlite_timestamp_text(x timestamp) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT lpad(extract(year FROM x)::text, 4, '0') || '-' || lpad(extract(month FROM x)::text, 2, '0')
  || '-' || lpad(extract(day FROM x)::text, 2, '0') || ' ' || lpad(extract(hour FROM x)::text, 2, '0')
  || ':' || lpad(extract(minute FROM x)::text, 2, '0') || ':' || lpad(floor(extract(second FROM x))::text, 2, '0')
$$;
COMMENT ON FUNCTION sqlite_timestamp_text(timestamp) IS 'A date and time as the text that SQLite has, YYYY-MM-DD HH:MM:SS, whatever DateStyle says.';
