-- Foreign keys that SQLite cannot enforce either, or only in part.
PRAGMA foreign_keys = OFF;
CREATE TABLE parents (code TEXT PRIMARY KEY, name TEXT, kind TEXT);
CREATE UNIQUE INDEX partial ON parents (name) WHERE kind = 'x';
CREATE UNIQUE INDEX expression ON parents (lower(kind));
CREATE TABLE lost (
    a TEXT REFERENCES nowhere (x),
    b TEXT REFERENCES parents (name),
    c TEXT REFERENCES parents (kind),
    e TEXT REFERENCES parents
);
-- finding foreign-key-not-carried lost.a
-- finding foreign-key-not-carried lost.b
-- finding foreign-key-not-carried lost.c
INSERT INTO parents VALUES ('p', 'q', 'x');
INSERT INTO lost VALUES (1, 2, 3, 'p');
