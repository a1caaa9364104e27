-- differs: in the order of their names
CREATE TABLE conversion_method(auth_name TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY(auth_name, code));
CREATE TABLE conversion_param(auth_name TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY(auth_name, code));
CREATE TABLE conversion_table(auth_name TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, method_auth_name TEXT, method_code TEXT, param1_auth_name TEXT, param1_code TEXT, param1_value FLOAT, deprecated BOOLEAN NOT NULL CHECK (deprecated IN (0, 1)), PRIMARY KEY(auth_name, code));
CREATE VIEW conversion AS SELECT c.auth_name, c.code, c.name, c.method_auth_name, c.method_code, m.name AS method_name, c.param1_auth_name, c.param1_code, p.name AS param1_name, c.param1_value, c.deprecated
  FROM conversion_table c LEFT JOIN conversion_method m ON c.method_auth_name = m.auth_name AND c.method_code = m.code
  LEFT JOIN conversion_param p ON c.param1_auth_name = p.auth_name AND c.param1_code = p.code;
CREATE TRIGGER conversion_table_insert_trigger BEFORE INSERT ON conversion_table
BEGIN
    SELECT RAISE(ABORT, 'insert on conversion_table violates constraint: (auth_name, code) must not already exist in conversion')
        WHERE EXISTS (SELECT 1 FROM conversion covwv WHERE covwv.auth_name = NEW.auth_name AND covwv.code = NEW.code);
    SELECT RAISE(ABORT, 'method name')
        WHERE NEW.deprecated != 1 AND NEW.name NOT LIKE 'Known%' AND (NEW.method_auth_name || '_' || NEW.method_code) NOT IN ('EPSG_1', 'EPSG_2') AND NEW.auth_name != 'PROJ';
END;
CREATE TRIGGER conversion_insert_trigger_method INSTEAD OF INSERT ON conversion
    WHEN NOT EXISTS (SELECT 1 FROM conversion_method m WHERE
        m.auth_name = NEW.method_auth_name AND m.code = NEW.method_code AND m.name = NEW.method_name)
BEGIN
    INSERT INTO conversion_method VALUES (NEW.method_auth_name, NEW.method_code, NEW.method_name);
END;
CREATE TRIGGER conversion_insert_trigger_param1 INSTEAD OF INSERT ON conversion
    WHEN NEW.param1_auth_name is NOT NULL AND NOT EXISTS
        (SELECT 1 FROM conversion_param p WHERE p.auth_name = NEW.param1_auth_name AND p.code = NEW.param1_code AND p.name = NEW.param1_name)
BEGIN
    INSERT INTO conversion_param VALUES (NEW.param1_auth_name, NEW.param1_code, NEW.param1_name);
END;
CREATE TRIGGER conversion_insert_trigger_insert_into_conversion_table INSTEAD OF INSERT ON conversion
BEGIN
INSERT INTO conversion_table VALUES
(
    NEW.auth_name,
    NEW.code,
    NEW.name,
    NEW.method_auth_name,
    NEW.method_code,
    --NEW.method_name,
    NEW.param1_auth_name,
    NEW.param1_code,
    NEW.param1_value,
    NEW.deprecated
);
END;
INSERT INTO conversion_method VALUES ('EPSG', '1', 'one');
-- run
INSERT INTO conversion(auth_name, code, name, method_auth_name, method_code, method_name, param1_auth_name, param1_code, param1_name, param1_value, deprecated) VALUES ('EPSG', '100', 'c', 'EPSG', '2', 'two', 'EPSG', '8801', 'lat', 1.5, false);
-- fails
INSERT INTO conversion(auth_name, code, name, method_auth_name, method_code, method_name, deprecated) VALUES ('EPSG', '100', 'c', 'EPSG', '2', 'two', false);
-- fails
INSERT INTO conversion(auth_name, code, name, method_auth_name, method_code, method_name, deprecated) VALUES ('EPSG', '101', 'c', 'EPSG', '3', 'three', false);
INSERT INTO conversion(auth_name, code, name, method_auth_name, method_code, method_name, deprecated) VALUES ('PROJ', '101', 'c', 'EPSG', '3', 'three', false);
INSERT INTO conversion(auth_name, code, name, method_auth_name, method_code, method_name, deprecated) VALUES ('EPSG', '102', 'known x', 'EPSG', '3', 'three', true);
