CREATE TABLE doc(id INTEGER PRIMARY KEY, body TEXT, version INTEGER NOT NULL DEFAULT 1);
CREATE TRIGGER doc_version AFTER UPDATE ON doc
BEGIN
  UPDATE doc SET version = version + 1 WHERE id = NEW.id;
END;
INSERT INTO doc(body) VALUES ('a'), ('b'), ('c');
-- run
UPDATE doc SET body = 'z' WHERE id = 2;
UPDATE doc SET body = body || '!' WHERE id IN (1, 3);
UPDATE doc SET id = 10 WHERE id = 1;
INSERT INTO doc(body, version) VALUES ('d', 7);
UPDATE doc SET version = 100;
