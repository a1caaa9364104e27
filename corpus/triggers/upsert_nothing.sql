CREATE TABLE seen(url TEXT PRIMARY KEY NOT NULL, first INTEGER);
CREATE TABLE visit(id INTEGER PRIMARY KEY, url TEXT NOT NULL, at INTEGER);
CREATE TRIGGER visit_seen AFTER INSERT ON visit
BEGIN
  INSERT INTO seen(url, first) VALUES (NEW.url, NEW.at) ON CONFLICT(url) DO NOTHING;
  INSERT INTO seen(url, first) SELECT 'all', NEW.at WHERE true ON CONFLICT DO NOTHING;
END;
-- run
INSERT INTO visit(url, at) VALUES ('a', 1);
INSERT INTO visit(url, at) VALUES ('a', 2), ('b', 3);
