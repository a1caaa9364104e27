-- unequal: note.updated
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, updated TEXT);
CREATE TRIGGER note_updated AFTER UPDATE ON note FOR EACH ROW
BEGIN
  UPDATE note SET updated = datetime('now') WHERE id = NEW.id;
END;
INSERT INTO note(body) VALUES ('a'), ('b');
-- run
UPDATE note SET body = 'c' WHERE id = 1;
UPDATE note SET body = body || 'x';
INSERT INTO note(body) VALUES ('new');
