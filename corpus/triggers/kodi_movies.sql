CREATE TABLE movie("idMovie" INTEGER PRIMARY KEY, "idFile" INTEGER, c00 TEXT);
CREATE TABLE genre_link(genre_id INTEGER, media_id INTEGER, media_type TEXT);
CREATE TABLE art(art_id INTEGER PRIMARY KEY, media_id INTEGER, media_type TEXT, url TEXT);
CREATE TABLE actor(actor_id INTEGER PRIMARY KEY, name TEXT);
CREATE TRIGGER delete_movie AFTER DELETE ON movie FOR EACH ROW BEGIN
DELETE FROM genre_link WHERE media_id=old.idMovie AND media_type='movie';
DELETE FROM art WHERE media_id=old.idMovie AND media_type='movie'; END;
CREATE TRIGGER delete_person AFTER DELETE ON actor FOR EACH ROW BEGIN
DELETE FROM art WHERE media_id=old.actor_id AND media_type IN ('actor','artist','writer','director'); END;
INSERT INTO movie VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
INSERT INTO genre_link VALUES (1, 1, 'movie'), (1, 2, 'movie'), (2, 1, 'tvshow'), (3, 3, 'Movie');
INSERT INTO art VALUES (1, 1, 'movie', 'u'), (2, 1, 'actor', 'v'), (3, 2, 'movie', 'w'), (4, 1, 'set', 'x');
INSERT INTO actor VALUES (1, 'x'), (2, 'y');
-- run
DELETE FROM movie WHERE "idMovie" = 1;
DELETE FROM actor;
DELETE FROM movie;
