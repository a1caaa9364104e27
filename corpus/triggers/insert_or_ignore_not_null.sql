CREATE TABLE name(id INTEGER PRIMARY KEY, first TEXT NOT NULL, age INTEGER CHECK (age >= 0), UNIQUE(first, age));
CREATE TABLE raw(id INTEGER PRIMARY KEY, first TEXT, age INTEGER);
CREATE TRIGGER raw_name AFTER INSERT ON raw
BEGIN
  INSERT OR IGNORE INTO name(id, first, age) VALUES (NEW.id, NEW.first, NEW.age);
  INSERT OR IGNORE INTO name(id, first, age) SELECT 100 + id, first, age + 1 FROM raw WHERE raw.id = NEW.id;
END;
-- run
INSERT INTO raw(first, age) VALUES ('a', 1);
INSERT INTO raw(first, age) VALUES (NULL, 1);
INSERT INTO raw(first, age) VALUES ('b', -1), ('c', NULL), ('a', 1);
