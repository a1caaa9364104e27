CREATE TABLE booking(id INTEGER PRIMARY KEY, room INTEGER, first INTEGER, last INTEGER);
CREATE TRIGGER no_overlap BEFORE INSERT ON booking
BEGIN
  SELECT RAISE(ABORT, 'the room is taken')
  FROM booking
  WHERE room = NEW.room AND first <= NEW.last AND last >= NEW.first;
END;
INSERT INTO booking VALUES (1, 1, 10, 20);
-- run
INSERT INTO booking(room, first, last) VALUES (1, 21, 25);
-- fails
INSERT INTO booking(room, first, last) VALUES (1, 20, 22);
INSERT INTO booking(room, first, last) VALUES (2, 20, 22);
INSERT INTO booking(room, first, last) VALUES (NULL, 20, 22);
