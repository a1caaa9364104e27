-- needs _folded
CREATE TABLE counter(word TEXT NOT NULL COLLATE NOCASE UNIQUE, n INTEGER NOT NULL DEFAULT 0);
CREATE TABLE said(id INTEGER PRIMARY KEY, word TEXT NOT NULL);
CREATE TRIGGER said_counted AFTER INSERT ON said
BEGIN
  INSERT INTO counter(word, n) VALUES (NEW.word, 1) ON CONFLICT(word) DO UPDATE SET n = n + 1;
END;
-- run
INSERT INTO said(word) VALUES ('Yes');
INSERT INTO said(word) VALUES ('yes'), ('no'), ('NO');
