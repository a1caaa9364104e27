CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c INTEGER_OR_TEXT, d TEXT COLLATE NOCASE, e NUMERIC);
CREATE TABLE log(id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER t_compared AFTER INSERT ON t
BEGIN
  INSERT INTO log(what) SELECT 'a is a string' WHERE NEW.a = '1';
  INSERT INTO log(what) SELECT 'a is a number' WHERE NEW.a = 1;
  INSERT INTO log(what) SELECT 'b is a number' WHERE NEW.b = 5;
  INSERT INTO log(what) SELECT 'b is a string' WHERE NEW.b = '5';
  INSERT INTO log(what) SELECT 'c is a string' WHERE NEW.c = '9';
  INSERT INTO log(what) SELECT 'c is a number' WHERE NEW.c = 9;
  INSERT INTO log(what) SELECT 'c is not a string' WHERE NEW.c <> '9';
  INSERT INTO log(what) SELECT 'c in a list' WHERE NEW.c IN ('8', '9', 'x');
  INSERT INTO log(what) SELECT 'a in a list' WHERE NEW.a IN ('1', '2');
  INSERT INTO log(what) SELECT 'a between strings' WHERE NEW.a BETWEEN '0' AND '2';
  INSERT INTO log(what) SELECT 'the row' FROM t WHERE t.id = NEW.id AND t.c = NEW.c AND t.a = NEW.a AND t.b = NEW.b;
  INSERT INTO log(what) SELECT 'the letters' WHERE NEW.d = 'ABC';
  INSERT INTO log(what) SELECT 'the number of the row' WHERE NEW.id = '1' AND NEW.rowid = '1';
  INSERT INTO log(what) SELECT 'across' FROM t WHERE t.id = NEW.id AND t.a = NEW.b;
END;
INSERT INTO t VALUES (100, 7, '7', 'text', 'x', 1), (101, 8, 'x', 7, NULL, 'y');
DELETE FROM log;
-- run
INSERT INTO t(id, a, b, c, d) VALUES (1, 1, '5', '9', 'abc');
INSERT INTO t(a, b, c, d) VALUES (5, '5', 'x', 'abd');
INSERT INTO t(a) VALUES (NULL);
