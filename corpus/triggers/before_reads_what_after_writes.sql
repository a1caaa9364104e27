-- differs: t_next, which runs before each row, does not see what it wrote for the rows before
-- differs: where one statement changes several rows of t, it sees them all changed
CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER);
CREATE TABLE total(n INTEGER);
CREATE TABLE log(id INTEGER PRIMARY KEY, n INTEGER);
CREATE VIEW total_now AS SELECT n FROM total;
CREATE VIEW t_sum AS SELECT sum(v) AS v FROM t;
CREATE VIEW t_sum_again AS SELECT v FROM t_sum;
CREATE TRIGGER t_next BEFORE INSERT ON t WHEN (SELECT n FROM total_now) < 100
BEGIN
  INSERT INTO log(n) VALUES (NEW.v);
END;
CREATE TRIGGER t_total AFTER INSERT ON t
BEGIN
  UPDATE total SET n = n + NEW.v;
END;
CREATE TRIGGER t_summed AFTER UPDATE ON t
BEGIN
  INSERT INTO log(n) SELECT v FROM t_sum_again;
END;
INSERT INTO total VALUES (0);
-- run
INSERT INTO t(v) VALUES (60);
INSERT INTO t(v) VALUES (60);
INSERT INTO t(v) VALUES (60);
UPDATE t SET v = 1 WHERE id = 2;
