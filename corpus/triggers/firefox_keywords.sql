CREATE TABLE moz_bookmarks(id INTEGER PRIMARY KEY, keyword_id INTEGER);
CREATE TABLE moz_keywords(id INTEGER PRIMARY KEY AUTOINCREMENT, keyword TEXT UNIQUE);
CREATE TRIGGER moz_bookmarks_beforedelete_v1_trigger BEFORE DELETE ON moz_bookmarks FOR EACH ROW WHEN OLD.keyword_id NOT NULL
BEGIN DELETE FROM moz_keywords WHERE id = OLD.keyword_id AND NOT EXISTS ( SELECT id FROM moz_bookmarks WHERE keyword_id = OLD.keyword_id AND id <> OLD.id LIMIT 1 );END;
INSERT INTO moz_keywords VALUES (1, 'a'), (2, 'b');
INSERT INTO moz_bookmarks VALUES (1, 1), (2, 1), (3, 2), (4, NULL);
-- run
DELETE FROM moz_bookmarks WHERE id = 1;
DELETE FROM moz_bookmarks WHERE id = 2;
DELETE FROM moz_bookmarks;
