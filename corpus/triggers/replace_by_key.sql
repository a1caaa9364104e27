CREATE TABLE setting(name TEXT PRIMARY KEY NOT NULL, value TEXT, changes INTEGER DEFAULT 1);
CREATE TABLE input(id INTEGER PRIMARY KEY, name TEXT, value TEXT);
CREATE TRIGGER input_setting AFTER INSERT ON input WHEN NEW.name IS NOT NULL
BEGIN
  INSERT OR REPLACE INTO setting(name, value) VALUES (NEW.name, NEW.value);
END;
INSERT INTO setting VALUES ('a', 'old', 7), ('b', 'old', 8);
-- run
INSERT INTO input(name, value) VALUES ('a', 'new');
INSERT INTO input(name, value) VALUES ('c', 'first'), ('c', 'second'), ('b', NULL);
