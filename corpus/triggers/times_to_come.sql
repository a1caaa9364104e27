-- Of all times that are there none has a fraction: rows to come may.
CREATE TABLE event(id INTEGER PRIMARY KEY, made DATETIME);
CREATE TABLE log(id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER event_made AFTER INSERT ON event BEGIN
  INSERT INTO log(what) VALUES ('made ' || NEW.made);
END;
INSERT INTO event(made) VALUES ('2024-01-01 10:00:00'), ('2024-01-02 11:30:15');
-- run
INSERT INTO event(made) VALUES ('2024-01-03 12:00:00.123456');
INSERT INTO event(made) VALUES ('2024-01-04 12:00:01');
