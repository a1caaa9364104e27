CREATE TABLE slot(id INTEGER PRIMARY KEY, place INTEGER UNIQUE, v INTEGER CHECK (v < 100), w TEXT NOT NULL);
CREATE TABLE move(id INTEGER PRIMARY KEY, slot_id INTEGER, place INTEGER, v INTEGER, w TEXT);
CREATE TRIGGER moved AFTER INSERT ON move
BEGIN
  UPDATE OR IGNORE slot SET place = NEW.place, v = NEW.v, w = NEW.w WHERE id >= NEW.slot_id;
END;
INSERT INTO slot VALUES (1, 1, 1, 'a'), (2, 2, 2, 'b'), (3, 3, 3, 'c');
-- run
INSERT INTO move(slot_id, place, v, w) VALUES (3, 9, 9, 'z');
INSERT INTO move(slot_id, place, v, w) VALUES (3, 1, 9, 'y');
INSERT INTO move(slot_id, place, v, w) VALUES (2, NULL, 5, 'n');
INSERT INTO move(slot_id, place, v, w) VALUES (3, 4, 100, 'x');
INSERT INTO move(slot_id, place, v, w) VALUES (3, 4, 1, NULL);
