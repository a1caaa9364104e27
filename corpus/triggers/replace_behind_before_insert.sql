-- refused input_setting: the BEFORE INSERT triggers of setting run before REPLACE deletes in SQLite, here after it
CREATE TABLE setting(name TEXT PRIMARY KEY NOT NULL, value TEXT);
CREATE TABLE seen(id INTEGER PRIMARY KEY, value TEXT);
CREATE TABLE input(id INTEGER PRIMARY KEY, name TEXT, value TEXT);
CREATE TRIGGER setting_seen BEFORE INSERT ON setting
BEGIN
  INSERT INTO seen(value) SELECT value FROM setting WHERE name = NEW.name;
END;
CREATE TRIGGER input_setting AFTER INSERT ON input
BEGIN
  INSERT OR REPLACE INTO setting(name, value) VALUES (NEW.name, NEW.value);
END;
INSERT INTO setting VALUES ('a', 'old');
-- run
INSERT INTO setting VALUES ('b', 'new');
