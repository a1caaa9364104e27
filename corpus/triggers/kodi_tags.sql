-- differs: it sees them all changed
CREATE TABLE tag(tag_id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE tag_link(tag_id INTEGER, media_id INTEGER, media_type TEXT);
CREATE TRIGGER delete_tag AFTER DELETE ON tag_link FOR EACH ROW BEGIN
DELETE FROM tag WHERE tag_id=old.tag_id AND tag_id NOT IN (SELECT DISTINCT tag_id FROM tag_link); END;
INSERT INTO tag VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO tag_link VALUES (1, 1, 'm'), (1, 2, 'm'), (2, 1, 'm');
-- run
DELETE FROM tag_link WHERE media_id = 1;
DELETE FROM tag_link;
