-- refused path: calls the application's own function delete_attachment_path()
-- refused envelope: calls the application's own function st_isempty()
-- refused last: last_insert_rowid()
-- refused changed: changes()
CREATE TABLE attachment(id INTEGER PRIMARY KEY, filename TEXT, geometry BLOB);
CREATE TABLE log(id INTEGER PRIMARY KEY, n INTEGER);
CREATE TRIGGER path AFTER DELETE ON attachment BEGIN SELECT delete_attachment_path(OLD.filename); END;
CREATE TRIGGER envelope AFTER INSERT ON attachment WHEN (new.geometry NOT NULL AND NOT ST_IsEmpty(NEW.geometry)) BEGIN DELETE FROM log; END;
CREATE TRIGGER last AFTER UPDATE ON attachment BEGIN INSERT INTO log(n) VALUES (last_insert_rowid()); END;
CREATE TRIGGER changed AFTER UPDATE ON attachment BEGIN INSERT INTO log(n) SELECT changes(); END;
CREATE TRIGGER fine AFTER UPDATE ON attachment BEGIN INSERT INTO log(n) VALUES (length(NEW.filename)); END;
