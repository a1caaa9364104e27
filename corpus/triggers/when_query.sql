CREATE TABLE dismissal(id INTEGER PRIMARY KEY, action_id INTEGER);
CREATE TABLE action(id INTEGER PRIMARY KEY, name TEXT);
CREATE TRIGGER dismissal_delete BEFORE DELETE ON dismissal FOR EACH ROW
WHEN (SELECT COUNT(*) FROM dismissal WHERE dismissal.action_id=OLD.action_id)=1
BEGIN DELETE FROM action WHERE action.id=OLD.action_id; END;
INSERT INTO action VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO dismissal(action_id) VALUES (1), (1), (2), (NULL);
-- run
DELETE FROM dismissal WHERE id = 1;
DELETE FROM dismissal WHERE id = 2;
DELETE FROM dismissal;
