CREATE TABLE node(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES node(id) ON DELETE CASCADE, name TEXT);
CREATE TABLE gone(id INTEGER PRIMARY KEY, name TEXT);
CREATE TRIGGER node_gone AFTER DELETE ON node
BEGIN
  INSERT INTO gone(id, name) VALUES (OLD.id, OLD.name);
  DELETE FROM node WHERE name = OLD.name;
END;
INSERT INTO node VALUES (1, NULL, 'root'), (2, 1, 'x'), (3, 2, 'y'), (4, NULL, 'root'), (5, NULL, 'other');
-- run
DELETE FROM node WHERE id = 5;
DELETE FROM node WHERE id = 3;
