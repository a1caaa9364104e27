-- differs: it sees them all changed
CREATE TABLE card_state(_id INTEGER PRIMARY KEY, v TEXT);
CREATE TRIGGER card_state_insert_trigger AFTER INSERT ON card_state WHEN 1 BEGIN
DELETE FROM card_state WHERE _id NOT IN (SELECT _id FROM card_state ORDER BY _id DESC LIMIT 3); END;
-- run
INSERT INTO card_state(v) VALUES ('a');
INSERT INTO card_state(v) VALUES ('b');
INSERT INTO card_state(v) VALUES ('c');
INSERT INTO card_state(v) VALUES ('d');
INSERT INTO card_state(_id, v) VALUES (1, 'e');
