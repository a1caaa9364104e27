-- differs: the number of the new row is -1 in SQLite
CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER);
CREATE TABLE log(id INTEGER PRIMARY KEY, t INTEGER);
CREATE TRIGGER t_number BEFORE INSERT ON t BEGIN INSERT INTO log(t) VALUES (NEW.id); END;
-- run
INSERT INTO t(id, v) VALUES (5, 1), (9, 2);
