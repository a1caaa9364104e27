CREATE TABLE person(id INTEGER PRIMARY KEY, first TEXT, last TEXT);
CREATE VIEW people AS SELECT id, first || ' ' || last AS name, first, last FROM person;
CREATE TRIGGER people_insert INSTEAD OF INSERT ON people
BEGIN
  INSERT INTO person(id, first, last) VALUES (NEW.id, NEW.first, NEW.last);
END;
CREATE TRIGGER people_update INSTEAD OF UPDATE ON people
BEGIN
  UPDATE person SET first = NEW.first, last = NEW.last WHERE id = OLD.id;
END;
CREATE TRIGGER people_delete INSTEAD OF DELETE ON people WHEN OLD.id > 1
BEGIN
  DELETE FROM person WHERE id = OLD.id;
END;
INSERT INTO person VALUES (1, 'Ada', 'L'), (2, 'Alan', 'T');
-- run
INSERT INTO people(first, last) VALUES ('Grace', 'H');
INSERT INTO people(id, first, last) VALUES (9, 'Edsger', 'D'), (10, NULL, 'K');
UPDATE people SET first = 'A' WHERE name = 'Alan T';
UPDATE people SET last = last || '.';
DELETE FROM people;
