-- Keys that are handed out, never again under AUTOINCREMENT; tables without rowid; STRICT tables.
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
CREATE TABLE plain (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE emptied (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
CREATE TABLE negative (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE apart (b TEXT, a INTEGER, v REAL, PRIMARY KEY (a DESC, b)) WITHOUT ROWID;
CREATE TABLE strict_one (id INTEGER PRIMARY KEY, i INT NOT NULL, r REAL, t TEXT, b BLOB, x ANY, CHECK (i > 0)) STRICT;
CREATE TABLE null_key (k TEXT NOT NULL PRIMARY KEY, v INT) STRICT;
INSERT INTO counted (v) VALUES ('a'), ('b'), ('c'); DELETE FROM counted WHERE id > 1;
INSERT INTO plain (v) VALUES ('a'), ('b'), ('c');
INSERT INTO emptied VALUES (1000, 'x'); DELETE FROM emptied;
INSERT INTO negative VALUES (-5, 'x');
INSERT INTO apart VALUES ('x', 1, 0.5), ('y', 2, 1);
INSERT INTO strict_one VALUES (1, 1, 1.5, 'x', x'00ff', 'any');
INSERT INTO null_key VALUES ('a', 1);

-- probe
INSERT INTO counted (v) VALUES ('next');
INSERT INTO counted VALUES (4, 'taken');
INSERT INTO plain (v) VALUES ('next');
INSERT INTO emptied (v) VALUES ('next');
INSERT INTO apart VALUES ('x', 1, 2);
INSERT INTO apart VALUES (NULL, 1, 2);
INSERT INTO apart VALUES ('z', 1, 2);
INSERT INTO strict_one VALUES (2, 'no number', 1, 'x', NULL, NULL);
INSERT INTO strict_one VALUES (2, 2, 'no number', 'x', NULL, NULL);
INSERT INTO strict_one VALUES (2, 0, 1, 'x', NULL, NULL);
INSERT INTO strict_one VALUES (2, NULL, 1, 'x', NULL, NULL);
INSERT INTO strict_one VALUES (2, 2, 1, 'y', NULL, 'other');
INSERT INTO null_key VALUES (NULL, 1);
INSERT INTO null_key VALUES ('b', 1);
