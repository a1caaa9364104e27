-- needs sqlite_to_varchar
CREATE TABLE item(id INTEGER PRIMARY KEY, cost DECIMAL(10,2), name VARCHAR(3), n INTEGER, t TEXT, r REAL);
CREATE TABLE log(id INTEGER PRIMARY KEY, cost DECIMAL(10,2), name VARCHAR(3));
CREATE TRIGGER item_log AFTER INSERT ON item
BEGIN
  INSERT INTO log(cost, name) VALUES (NEW.cost, NEW.name);
  INSERT INTO log(cost, name) VALUES (NEW.n, NEW.n);
  INSERT INTO log(cost, name) VALUES (NEW.r, NEW.t);
END;
INSERT INTO item(cost, name, n, t, r) VALUES (1.25, 'abc', 1, 'xyz', 0.5), (2.5, 'ab', 22, 'x', 0.125);
INSERT INTO log(cost, name) VALUES (1.25, 'abc');
-- run
INSERT INTO item(cost, name, n, t, r) VALUES (1.5, 'abc', 3, 'x  ', 0.5);
-- fails in PostgreSQL
INSERT INTO item(cost, name, n, t, r) VALUES (1.5, 'abc', 3, 'x   ', 0.5);
INSERT INTO item(cost, name, n, t, r) VALUES (1.25, 'abc', 3, 'x', 0.125);
-- fails in PostgreSQL
INSERT INTO item(cost, name, n, t, r) VALUES (1.25, 'abc', 1234, 'x', 0.5);
INSERT INTO item(cost, name, n, t, r) VALUES (NULL, NULL, NULL, NULL, NULL);
