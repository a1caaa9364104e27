-- refused s_rowid: rowid
CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT, seen TEXT);
CREATE TABLE s(v TEXT);
CREATE TABLE log(t INTEGER, was INTEGER);
CREATE TRIGGER t_rowid AFTER UPDATE OF v ON t BEGIN
  UPDATE t SET seen = 'yes' WHERE rowid = NEW.rowid;
  INSERT INTO log VALUES (NEW._rowid_, OLD.oid);
END;
CREATE TRIGGER s_rowid AFTER INSERT ON s BEGIN INSERT INTO log VALUES (NEW.rowid, NULL); END;
INSERT INTO t(v) VALUES ('a'), ('b');
-- run
UPDATE t SET v = 'c' WHERE k = 1;
UPDATE t SET v = v || 'x', k = k + 10;
