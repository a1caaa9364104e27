-- differs: it changes its own table before the change
CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER, other INTEGER);
CREATE TRIGGER t_others BEFORE UPDATE OF v ON t
BEGIN
  UPDATE t SET other = NEW.v WHERE id <> NEW.id;
END;
INSERT INTO t VALUES (1, 1, 0), (2, 2, 0);
-- run
UPDATE t SET v = 10 WHERE id = 1;
UPDATE t SET v = 20 WHERE id = 2;
