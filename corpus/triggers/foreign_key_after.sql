-- differs: the foreign key of child is checked before it runs
CREATE TABLE parent(id INTEGER PRIMARY KEY);
CREATE TABLE child(id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent(id));
CREATE TRIGGER parent_gone AFTER DELETE ON parent BEGIN DELETE FROM child WHERE parent_id = OLD.id; END;
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1);
-- run
DELETE FROM parent WHERE id = 2;
-- fails in PostgreSQL
DELETE FROM parent WHERE id = 1;
