CREATE TABLE seat(id INTEGER PRIMARY KEY, show INTEGER);
CREATE TRIGGER full_house BEFORE INSERT ON seat
BEGIN
  SELECT CASE WHEN count(*) >= 2 THEN RAISE(ABORT, 'no seats left') END FROM seat WHERE show = NEW.show;
END;
-- run
INSERT INTO seat(show) VALUES (1);
INSERT INTO seat(show) VALUES (1);
-- fails
INSERT INTO seat(show) VALUES (1);
INSERT INTO seat(show) VALUES (2);
