-- refused t_before: generated column
CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER AS (a * 2) STORED);
CREATE TABLE log(id INTEGER PRIMARY KEY, twice INTEGER, was INTEGER);
CREATE TRIGGER t_after AFTER UPDATE ON t WHEN NEW.twice <> OLD.twice BEGIN INSERT INTO log(twice, was) VALUES (NEW.twice, OLD.twice); END;
CREATE TRIGGER t_before BEFORE INSERT ON t WHEN NEW.twice > 10 BEGIN SELECT RAISE(ABORT, 'too large'); END;
INSERT INTO t(a) VALUES (1), (2);
-- run
UPDATE t SET a = a + 1;
UPDATE t SET a = 5 WHERE id = 1;
