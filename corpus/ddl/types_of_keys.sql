-- Columns that foreign keys link get one type, over a chain, a ring and a composite key; what was declared differs.
CREATE TABLE a (code VARCHAR(5) PRIMARY KEY, n INT);
CREATE TABLE b (code TEXT PRIMARY KEY REFERENCES a (code), m SMALLINT);
CREATE TABLE c (id INTEGER PRIMARY KEY, code CHAR(3) REFERENCES b (code), guid CHAR(36));
CREATE TABLE ring_one (id BIGINT PRIMARY KEY, other SMALLINT REFERENCES ring_two (id));
CREATE TABLE ring_two (id INT PRIMARY KEY, other TEXT, back NUMERIC REFERENCES ring_one (id));
CREATE TABLE pairs (x SMALLINT, y VARCHAR(40), PRIMARY KEY (x, y));
CREATE TABLE of_pairs (y TEXT, x INTEGER, FOREIGN KEY (x, y) REFERENCES pairs (x, y) ON DELETE CASCADE);
CREATE TABLE nodes (id INTEGER PRIMARY KEY, up REFERENCES nodes ON DELETE CASCADE);
PRAGMA foreign_keys = OFF;
INSERT INTO a VALUES ('abc', 1);
INSERT INTO b VALUES ('abc', 2);
INSERT INTO c VALUES (1, 'abc', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
INSERT INTO ring_one VALUES (1, 1); INSERT INTO ring_two VALUES (1, 'x', 1);
INSERT INTO pairs VALUES (1, 'one'); INSERT INTO of_pairs VALUES ('one', 1);
INSERT INTO nodes VALUES (1, NULL), (2, 1), (3, 2);

-- probe
INSERT INTO b VALUES ('xyz', 2);
INSERT INTO a VALUES ('xyz', 2);
INSERT INTO b VALUES ('xyz', 2);
INSERT INTO c VALUES (2, 'xyz', NULL);
INSERT INTO c VALUES (3, 'no', NULL);
DELETE FROM a WHERE code = 'abc';
INSERT INTO ring_one VALUES (2, 5);
INSERT INTO ring_one VALUES (2, 1);
INSERT INTO ring_two VALUES (2, 'y', 2);
DELETE FROM ring_one WHERE id = 1;
INSERT INTO of_pairs VALUES ('two', 1);
INSERT INTO of_pairs VALUES (NULL, 1);
DELETE FROM pairs;
INSERT INTO nodes VALUES (4, 9);
DELETE FROM nodes WHERE id = 1;
