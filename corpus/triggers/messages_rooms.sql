CREATE TABLE chat("ROWID" INTEGER PRIMARY KEY, room_name TEXT);
CREATE TABLE message("ROWID" INTEGER PRIMARY KEY, guid TEXT, cache_roomnames TEXT, handle_id INTEGER);
CREATE TABLE chat_message_join(chat_id INTEGER, message_id INTEGER, PRIMARY KEY(chat_id, message_id));
CREATE TABLE deleted_messages("ROWID" INTEGER PRIMARY KEY, guid TEXT);
CREATE TRIGGER after_insert_on_chat_message_join AFTER INSERT ON chat_message_join BEGIN
UPDATE message SET cache_roomnames = ( SELECT group_concat(c.room_name) FROM chat c INNER JOIN chat_message_join j ON c.ROWID = j.chat_id WHERE j.message_id = NEW.message_id ) WHERE message.ROWID = NEW.message_id; END;
CREATE TRIGGER after_delete_on_chat_message_join AFTER DELETE ON chat_message_join BEGIN
DELETE FROM message WHERE message.ROWID = OLD.message_id AND OLD.message_id NOT IN (SELECT chat_message_join.message_id from chat_message_join WHERE chat_message_join.message_id = OLD.message_id LIMIT 1); END;
CREATE TRIGGER add_to_deleted_messages AFTER DELETE ON message BEGIN INSERT INTO deleted_messages (guid) VALUES (OLD.guid); END;
CREATE TRIGGER after_delete_on_chat AFTER DELETE ON chat BEGIN DELETE FROM chat_message_join WHERE chat_id = OLD.ROWID; END;
INSERT INTO chat VALUES (1, 'one'), (2, NULL);
INSERT INTO message("ROWID", guid) VALUES (1, 'a'), (2, 'b');
-- run
INSERT INTO chat_message_join VALUES (1, 1);
INSERT INTO chat_message_join VALUES (2, 1);
INSERT INTO chat_message_join VALUES (2, 2);
DELETE FROM chat WHERE room_name = 'one';
DELETE FROM chat;
