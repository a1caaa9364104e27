CREATE TABLE unit(auth TEXT NOT NULL, code INTEGER_OR_TEXT NOT NULL, name TEXT, PRIMARY KEY(auth, code));
CREATE TABLE axis(auth TEXT NOT NULL, code INTEGER_OR_TEXT NOT NULL, name TEXT, PRIMARY KEY(auth, code));
CREATE TABLE use(id INTEGER PRIMARY KEY, auth TEXT, code INTEGER_OR_TEXT, n INTEGER);
CREATE TABLE counted(id INTEGER PRIMARY KEY, code INTEGER_OR_TEXT);
CREATE VIEW object AS SELECT 'unit' AS kind, auth, code FROM unit UNION ALL SELECT 'axis', auth, code FROM axis;
CREATE TRIGGER use_insert BEFORE INSERT ON use
BEGIN
  SELECT RAISE(ABORT, 'there is no such object')
    WHERE NOT EXISTS (SELECT 1 FROM object o WHERE o.auth = NEW.auth AND o.code = NEW.code);
  SELECT RAISE(ABORT, 'that one is not to be used')
    WHERE NEW.code = 9001 OR NEW.code = 9002 OR NEW.code IN ('nothing', '9003', 9004);
  SELECT RAISE(ABORT, 'known by its number') WHERE EXISTS (SELECT 1 FROM axis WHERE axis.code = NEW.n);
END;
CREATE TRIGGER use_counted AFTER INSERT ON use
BEGIN
  INSERT INTO counted(code) VALUES (NEW.code);
  INSERT INTO counted(code) SELECT unit.code FROM unit WHERE unit.code = NEW.code;
END;
INSERT INTO unit VALUES ('EPSG', 9000, 'a'), ('EPSG', '9001', 'b'), ('PROJ', 'M', 'c'), ('EPSG', '1.5', 'd'), ('EPSG', 9004, 'e');
INSERT INTO axis VALUES ('EPSG', 1, 'a'), ('PROJ', 'X', 'b');
INSERT INTO use VALUES (1, 'EPSG', 9000, 5), (2, 'PROJ', 'M', NULL);
DELETE FROM counted;
INSERT INTO counted VALUES (1, 9000), (2, 'PROJ_M');
-- run
INSERT INTO use(auth, code) VALUES ('EPSG', '9000');
INSERT INTO use(auth, code) VALUES ('PROJ', 'X');
INSERT INTO use(auth, code) VALUES ('EPSG', '1.5');
-- fails
INSERT INTO use(auth, code) VALUES ('EPSG', '9001');
-- fails
INSERT INTO use(auth, code) VALUES ('EPSG', '9004');
-- fails
INSERT INTO use(auth, code) VALUES ('EPSG', '7');
-- fails
INSERT INTO use(auth, code, n) VALUES ('EPSG', '9000', 1);
