CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE post(id INTEGER PRIMARY KEY, kind INTEGER, title TEXT);
CREATE TABLE post_tag(post_id INTEGER, tag_id INTEGER, note TEXT);
CREATE TRIGGER post_tags AFTER INSERT ON post
BEGIN
  INSERT INTO post_tag SELECT NEW.id, tag.id, NEW.title || '/' || tag.name FROM tag WHERE tag.id <= NEW.kind;
  INSERT INTO post_tag(tag_id, post_id) SELECT count(*), NEW.id FROM tag;
  INSERT INTO post_tag VALUES (NEW.id, NULL, 'x'), (NEW.id, -1, NULL);
END;
INSERT INTO tag VALUES (1, 'a'), (2, 'b'), (3, NULL);
-- run
INSERT INTO post(kind, title) VALUES (2, 'hello');
INSERT INTO post(kind, title) VALUES (9, 'all'), (0, 'none');
