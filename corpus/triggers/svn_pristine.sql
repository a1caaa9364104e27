CREATE TABLE pristine(checksum TEXT NOT NULL PRIMARY KEY, refcount INTEGER NOT NULL);
CREATE TABLE nodes(id INTEGER PRIMARY KEY, path TEXT, checksum TEXT REFERENCES pristine(checksum));
CREATE TRIGGER nodes_insert_trigger AFTER INSERT ON nodes WHEN NEW.checksum IS NOT NULL BEGIN
  UPDATE pristine SET refcount = refcount + 1   WHERE checksum = NEW.checksum; END;
CREATE TRIGGER nodes_delete_trigger AFTER DELETE ON nodes WHEN OLD.checksum IS NOT NULL BEGIN
  UPDATE pristine SET refcount = refcount - 1   WHERE checksum = OLD.checksum; END;
CREATE TRIGGER nodes_update_checksum_trigger AFTER UPDATE OF checksum ON nodes WHEN NEW.checksum IS NOT OLD.checksum BEGIN
  UPDATE pristine SET refcount = refcount + 1   WHERE checksum = NEW.checksum;
  UPDATE pristine SET refcount = refcount - 1   WHERE checksum = OLD.checksum; END;
INSERT INTO pristine VALUES ('a', 0), ('b', 0);
-- run
INSERT INTO nodes(path, checksum) VALUES ('x', 'a'), ('y', 'a'), ('z', NULL);
UPDATE nodes SET checksum = 'b' WHERE path = 'y';
UPDATE nodes SET checksum = 'b' WHERE path = 'y';
UPDATE nodes SET checksum = NULL WHERE path = 'x';
UPDATE nodes SET checksum = 'a' WHERE path = 'z';
DELETE FROM nodes;
