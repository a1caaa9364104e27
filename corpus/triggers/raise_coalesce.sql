CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER);
CREATE TRIGGER t_given BEFORE INSERT ON t
BEGIN
  SELECT coalesce(NEW.a, NEW.b, RAISE(ABORT, 'a or b must be given'));
  SELECT ifnull(NEW.c, iif(NEW.a = 'x', RAISE(ABORT, 'x needs c'), 0));
END;
-- run
INSERT INTO t(a) VALUES ('a');
INSERT INTO t(b) VALUES ('b');
-- fails
INSERT INTO t(c) VALUES (1);
-- fails
INSERT INTO t(a) VALUES ('x');
INSERT INTO t(a, c) VALUES ('x', 1);
