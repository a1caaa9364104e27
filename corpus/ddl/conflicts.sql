-- ON CONFLICT clauses of constraints, kept by triggers: under INSERT and under UPDATE, of one row and of several.
CREATE TABLE replaced (id INTEGER PRIMARY KEY, k TEXT UNIQUE ON CONFLICT REPLACE, v TEXT);
CREATE TABLE ignored (id INTEGER PRIMARY KEY, k TEXT COLLATE NOCASE UNIQUE ON CONFLICT IGNORE, v TEXT NOT NULL, CHECK (v <> 'bad'));
CREATE TABLE twice (a INTEGER, b INTEGER, c INTEGER, UNIQUE (a) ON CONFLICT REPLACE, UNIQUE (b, c) ON CONFLICT REPLACE);
CREATE TABLE mixed (id INTEGER PRIMARY KEY, a INTEGER UNIQUE, b INTEGER UNIQUE ON CONFLICT REPLACE);
CREATE TABLE filled (
    id INTEGER PRIMARY KEY,
    a TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'none',
    b INTEGER NOT NULL ON CONFLICT IGNORE,
    c TEXT NOT NULL ON CONFLICT REPLACE,
    d TEXT NOT NULL
);
CREATE TABLE keyed (k TEXT PRIMARY KEY ON CONFLICT REPLACE, v INTEGER) WITHOUT ROWID;
CREATE TABLE rowid_replaced (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, v INTEGER);
CREATE TABLE both (id INTEGER PRIMARY KEY NOT NULL, v TEXT, UNIQUE (id) ON CONFLICT REPLACE);
CREATE TABLE named_like_a_collation (C TEXT COLLATE NOCASE UNIQUE ON CONFLICT REPLACE, b INT);
CREATE TABLE child (r TEXT REFERENCES keyed ON DELETE CASCADE);
CREATE TABLE failing (a INTEGER UNIQUE ON CONFLICT FAIL, b INTEGER UNIQUE ON CONFLICT ROLLBACK);
-- finding on-conflict-not-carried failing.a
-- finding on-conflict-not-carried failing.b
-- finding on-conflict-not-carried not_kept.a
CREATE TABLE not_kept (a INTEGER UNIQUE ON CONFLICT REPLACE);
CREATE TABLE refers (a INTEGER REFERENCES not_kept (a));
INSERT INTO replaced VALUES (1, 'a', 'x'), (2, 'b', 'y');
INSERT INTO ignored VALUES (1, 'a', 'x'), (2, 'b', 'y');
INSERT INTO twice VALUES (1, 1, 1), (2, 2, 2), (3, 3, NULL);
INSERT INTO mixed VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO keyed VALUES ('a', 1), ('b', 2);
INSERT INTO child VALUES ('a'), ('b');
INSERT INTO rowid_replaced VALUES (1, 1);
INSERT INTO both VALUES (1, 'x');
INSERT INTO failing VALUES (1, 1);

-- probe
INSERT INTO replaced VALUES (3, 'a', 'new');
INSERT INTO replaced VALUES (2, 'a', 'refused');
INSERT INTO replaced VALUES (4, 'q', '1'), (5, 'q', '2'), (6, 'b', '3');
UPDATE replaced SET k = 'q' WHERE k = 'b';
UPDATE replaced SET v = 'w' WHERE k = 'q';
UPDATE replaced SET k = 'a' WHERE k = 'a';
INSERT INTO ignored VALUES (3, 'A', 'ignored');
INSERT INTO ignored VALUES (3, 'A', NULL);
INSERT INTO ignored VALUES (3, 'A', 'bad');
INSERT INTO ignored VALUES (2, 'A', 'key');
INSERT INTO ignored VALUES (3, 'c', 'z'), (4, 'C', 'z'), (5, 'd', 'z');
UPDATE ignored SET k = 'B' WHERE id = 1;
UPDATE ignored SET k = 'A' WHERE id = 1;
INSERT INTO twice VALUES (1, 2, 2);
INSERT INTO twice VALUES (3, 4, NULL);
INSERT INTO twice VALUES (NULL, 4, NULL);
INSERT INTO mixed VALUES (3, 1, 2);
INSERT INTO mixed VALUES (3, 3, 2);
INSERT INTO mixed VALUES (3, 4, 4);
INSERT INTO filled VALUES (1, NULL, 1, 'x', 'y');
INSERT INTO filled VALUES (2, NULL, NULL, 'x', 'y');
INSERT INTO filled VALUES (3, NULL, 1, NULL, 'y');
INSERT INTO filled VALUES (4, 'a', 1, 'x', NULL);
UPDATE filled SET a = NULL;
UPDATE filled SET b = NULL, c = 'other';
INSERT INTO keyed VALUES ('a', 3);
UPDATE keyed SET k = 'b' WHERE k = 'a';
INSERT INTO rowid_replaced VALUES (1, 2), (1, 3);
INSERT INTO rowid_replaced(v) VALUES (4);
INSERT INTO both VALUES (1, 'y');
INSERT INTO failing VALUES (1, 2);
INSERT INTO failing VALUES (2, 1);
INSERT INTO failing VALUES (2, 2);
INSERT INTO named_like_a_collation VALUES ('a', 1);
INSERT INTO named_like_a_collation VALUES ('A', 2);
UPDATE named_like_a_collation SET "C" = 'b';
