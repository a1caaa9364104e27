CREATE TABLE ellipsoid(auth_name TEXT NOT NULL, code TEXT NOT NULL, type TEXT, deprecated INTEGER, PRIMARY KEY(auth_name, code));
CREATE TABLE datum(auth_name TEXT NOT NULL, code TEXT NOT NULL, type TEXT, deprecated INTEGER, PRIMARY KEY(auth_name, code));
CREATE TABLE alias_name(table_name TEXT NOT NULL, auth_name TEXT NOT NULL, code TEXT NOT NULL, alt_name TEXT NOT NULL);
CREATE VIEW object_view AS SELECT 'ellipsoid' AS table_name, auth_name, code, type, deprecated FROM ellipsoid
  UNION ALL SELECT 'datum' AS table_name, auth_name, code, type, deprecated FROM datum;
CREATE TRIGGER alias_name_insert_trigger BEFORE INSERT ON alias_name
FOR EACH ROW BEGIN
    SELECT RAISE(ABORT, 'insert on alias_name violates constraint: new entry refers to unexisting code')
        WHERE NOT EXISTS (SELECT 1 FROM object_view o WHERE o.table_name = NEW.table_name AND o.auth_name = NEW.auth_name AND o.code = NEW.code);
    SELECT RAISE(ABORT, 'the type must be ''a'' or ''b''')
        WHERE (SELECT type FROM object_view WHERE object_view.auth_name = NEW.auth_name AND object_view.code = NEW.code AND table_name = NEW.table_name) NOT IN ('a', 'b');
    SELECT RAISE(ABORT, 'deprecated')
        WHERE NEW.alt_name NOT LIKE 'OLD-%' AND
              EXISTS (
                SELECT 1 FROM ellipsoid WHERE code = NEW.code AND deprecated != 0
                UNION ALL
                SELECT 1 FROM datum WHERE code = NEW.code AND type LIKE '%' || NEW.alt_name || '%' AND deprecated != 0);
END;
INSERT INTO ellipsoid VALUES ('EPSG', '1', 'a', 0), ('EPSG', '2', 'c', 0), ('EPSG', '3', 'b', 1);
INSERT INTO datum VALUES ('EPSG', '9', 'b', 1);
-- run
INSERT INTO alias_name VALUES ('ellipsoid', 'EPSG', '1', 'x');
-- fails
INSERT INTO alias_name VALUES ('datum', 'EPSG', '1', 'x');
-- fails
INSERT INTO alias_name VALUES ('ellipsoid', 'EPSG', '2', 'x');
-- fails
INSERT INTO alias_name VALUES ('ellipsoid', 'EPSG', '3', 'x');
INSERT INTO alias_name VALUES ('ellipsoid', 'EPSG', '3', 'old-x');
-- fails
INSERT INTO alias_name VALUES ('datum', 'EPSG', '9', 'B');
INSERT INTO alias_name VALUES ('datum', 'EPSG', '9', 'y');
