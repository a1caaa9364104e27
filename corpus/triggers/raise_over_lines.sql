CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER);
CREATE TRIGGER t_lines BEFORE INSERT ON t WHEN NEW.v > 1
BEGIN
  SELECT RAISE(ABORT, 'two
lines, it''s a \ and a "quote" and 100%');
END;
-- run
INSERT INTO t(v) VALUES (1);
-- fails
INSERT INTO t(v) VALUES (2);
