CREATE TABLE parent(id INTEGER PRIMARY KEY, open INTEGER);
CREATE TABLE child(id INTEGER PRIMARY KEY, parent_id INTEGER);
CREATE TRIGGER child_parent BEFORE INSERT ON child
FOR EACH ROW BEGIN
  SELECT RAISE(ABORT, 'insert on child: parent not found')
    WHERE NOT EXISTS (SELECT 1 FROM parent WHERE parent.id = NEW.parent_id);
  SELECT RAISE(ROLLBACK, 'parent must be ''open''')
    WHERE (SELECT open FROM parent p WHERE p.id = NEW.parent_id) != 1;
END;
INSERT INTO parent VALUES (1, 1), (2, 0), (3, NULL);
-- run
INSERT INTO child(parent_id) VALUES (1);
-- fails
INSERT INTO child(parent_id) VALUES (9);
-- fails
INSERT INTO child(parent_id) VALUES (2);
INSERT INTO child(parent_id) VALUES (3);
-- fails
INSERT INTO child(parent_id) VALUES (NULL);
