-- Keys and indexes under NOCASE and RTRIM keep SQLite's equality: letters a to z only, spaces at the end only.
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    code TEXT COLLATE RTRIM UNIQUE,
    name TEXT COLLATE NOCASE,
    CHECK (email <> 'Nobody')
);
CREATE TABLE words (word TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a COLLATE NOCASE, b));
CREATE UNIQUE INDEX users_by_name ON users (name, code);
CREATE INDEX users_name ON users (name COLLATE NOCASE DESC);
CREATE UNIQUE INDEX users_name_bytes ON users (name COLLATE BINARY, id);
INSERT INTO users VALUES (1, 'Ann@x.org', 'a', 'Ann'), (2, 'bob@x.org', ' b', 'BOB');
INSERT INTO words VALUES ('Ärger', 1), ('word', 2);
INSERT INTO pairs VALUES ('a', 'x'), ('a', 'X');

-- probe
INSERT INTO users VALUES (3, 'ann@X.ORG', 'c', 'x');
INSERT INTO users VALUES (3, 'Änn@x.org', 'c', 'x');
INSERT INTO users VALUES (4, 'änn@x.org', 'd', 'y');
INSERT INTO users VALUES (5, 'e', 'c  ', 'z');
INSERT INTO users VALUES (5, 'e', ' c', 'z');
INSERT INTO users VALUES (6, 'f', 'b', 'BOB');
INSERT INTO users VALUES (7, 'g', 'B ', 'bob');
INSERT INTO users VALUES (8, 'h', NULL, 'bob');
INSERT INTO users VALUES (9, 'i', NULL, 'bob');
INSERT INTO users VALUES (10, 'NOBODY', NULL, 'q');
UPDATE users SET email = 'BOB@x.org' WHERE id = 2;
UPDATE users SET email = 'BOB@x.org' WHERE id = 1;
INSERT INTO words VALUES ('WORD', 3);
INSERT INTO words VALUES ('ärger', 3);
INSERT INTO pairs VALUES ('A', 'x');
INSERT INTO pairs VALUES ('A', 'y');
