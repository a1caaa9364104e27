-- differs: RAISE(FAIL)
CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
CREATE TRIGGER t_arms BEFORE INSERT ON t
BEGIN
  SELECT CASE
    WHEN NEW.a IS NULL THEN RAISE(ABORT, 'a is missing')
    WHEN NEW.a < 0 THEN RAISE(IGNORE)
    WHEN NEW.a = 0 THEN 'fine'
    WHEN NEW.a > 100 THEN RAISE(FAIL, 'a is too large')
    ELSE CASE NEW.b WHEN 'x' THEN RAISE(ABORT, 'b is x') WHEN 'y' THEN RAISE(IGNORE) END
  END;
END;
-- run
INSERT INTO t(a, b) VALUES (0, 'x');
INSERT INTO t(id, a, b) VALUES (10, 1, 'z'), (11, -1, 'z'), (12, 2, NULL);
-- fails
INSERT INTO t(b) VALUES ('z');
-- fails
INSERT INTO t(a) VALUES (101);
-- fails
INSERT INTO t(a, b) VALUES (5, 'x');
INSERT INTO t(id, a, b) VALUES (20, 5, 'y'), (21, 6, 'Y');
