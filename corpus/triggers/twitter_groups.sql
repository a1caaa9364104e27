CREATE TABLE timeline(_id INTEGER PRIMARY KEY, data_type INTEGER, data_id INTEGER, is_read INTEGER, owner_id INTEGER);
CREATE TABLE status_groups(_id INTEGER PRIMARY KEY, type INTEGER, tag INTEGER, g_status_id INTEGER, owner_id INTEGER, is_read INTEGER);
CREATE TABLE user_groups(_id INTEGER PRIMARY KEY, type INTEGER, user_id INTEGER);
CREATE TRIGGER timeline_is_read_trigger AFTER UPDATE OF is_read ON timeline FOR EACH ROW BEGIN
UPDATE status_groups SET is_read=NEW.is_read WHERE OLD.data_type=1 AND owner_id=OLD.owner_id AND g_status_id=OLD.data_id;END;
CREATE TRIGGER timeline_delete AFTER DELETE ON timeline FOR EACH ROW BEGIN
DELETE FROM status_groups WHERE OLD.data_type=4 AND type=29 AND OLD.data_id=g_status_id;
DELETE FROM user_groups WHERE OLD.data_type IN(2,3) AND type=34 AND OLD.data_id+user_id;END;
INSERT INTO timeline VALUES (1, 1, 10, 0, 1), (2, 4, 11, 0, 1), (3, 2, 5, 0, 1);
INSERT INTO status_groups VALUES (1, 29, 0, 10, 1, 0), (2, 29, 0, 11, 1, 0), (3, 28, 0, 11, 1, 0);
INSERT INTO user_groups VALUES (1, 34, -5), (2, 34, 6), (3, 34, NULL), (4, 33, 1);
-- run
UPDATE timeline SET is_read = 1;
DELETE FROM timeline WHERE _id = 2;
DELETE FROM timeline;
