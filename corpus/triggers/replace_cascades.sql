CREATE TABLE album(id INTEGER PRIMARY KEY, title TEXT UNIQUE);
CREATE TABLE track(id INTEGER PRIMARY KEY, album_id INTEGER REFERENCES album(id) ON DELETE CASCADE, name TEXT);
CREATE TABLE scan(id INTEGER PRIMARY KEY, title TEXT);
CREATE TRIGGER scanned AFTER INSERT ON scan
BEGIN
  REPLACE INTO album(id, title) VALUES (NEW.id + 100, NEW.title);
END;
INSERT INTO album VALUES (1, 'one'), (2, 'two');
INSERT INTO track VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c');
-- run
INSERT INTO scan(title) VALUES ('one');
INSERT INTO scan(title) VALUES ('three');
