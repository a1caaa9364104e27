-- A key that is computed is taken where it is one, and made where it is NULL.
CREATE TABLE src(k INTEGER, a TEXT);
CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);
CREATE TRIGGER src_t AFTER INSERT ON src
BEGIN
  INSERT INTO t(id, a) VALUES (nullif(NEW.k, 0), NEW.a);
END;
-- run
INSERT INTO src VALUES (0, 'made');
INSERT INTO src VALUES (40, 'given');
