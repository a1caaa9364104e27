CREATE TABLE message(id INTEGER PRIMARY KEY, conversation TEXT, key INTEGER, state INTEGER, UNIQUE(conversation, key) ON CONFLICT REPLACE);
CREATE TABLE incoming(id INTEGER PRIMARY KEY, message_id INTEGER, conversation TEXT, key INTEGER);
CREATE TRIGGER message_state AFTER INSERT ON incoming BEGIN UPDATE message SET state = 3 WHERE conversation = NEW.conversation; END;
CREATE TRIGGER received BEFORE INSERT ON incoming BEGIN INSERT INTO message(id, conversation, key) VALUES (NEW.message_id, NEW.conversation, NEW.key); END;
INSERT INTO message VALUES (1, 'a', 1, 0), (2, 'b', 1, 0);
-- run
INSERT INTO incoming(message_id, conversation, key) VALUES (5, 'a', 1);
INSERT INTO incoming(message_id, conversation, key) VALUES (6, 'c', 1);
-- fails
INSERT INTO incoming(message_id, conversation, key) VALUES (2, 'd', 1);
