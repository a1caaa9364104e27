CREATE TABLE user(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, nick TEXT);
CREATE UNIQUE INDEX user_nick ON user(name, nick);
CREATE TABLE event(id INTEGER PRIMARY KEY, user_id INTEGER, email TEXT, name TEXT, nick TEXT);
CREATE TRIGGER event_user AFTER INSERT ON event
BEGIN
  REPLACE INTO user(id, email, name, nick) VALUES (NEW.user_id, NEW.email, NEW.name, NEW.nick);
END;
INSERT INTO user VALUES (1, 'a', 'n', 'x'), (2, 'b', 'n', 'y'), (3, 'c', NULL, 'z');
-- run
INSERT INTO event(user_id, email, name, nick) VALUES (1, 'b', 'm', 'q');
INSERT INTO event(user_id, email, name, nick) VALUES (10, 'd', NULL, 'z');
INSERT INTO event(user_id, email, name, nick) VALUES (11, 'c', 'm', 'q');
INSERT INTO event(email, name) VALUES ('new', 'no number');
