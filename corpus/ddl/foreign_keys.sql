-- Foreign keys: implicit parents, composite, to itself, in a ring, deferred, every action, parents unique by an index.
CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE cities (
    id INTEGER PRIMARY KEY,
    country TEXT REFERENCES countries ON DELETE CASCADE ON UPDATE CASCADE,
    twin INTEGER REFERENCES cities ON DELETE SET NULL,
    name TEXT
);
CREATE UNIQUE INDEX city_names ON cities (name DESC, country);
CREATE TABLE streets (
    id INTEGER PRIMARY KEY,
    city TEXT, country TEXT, kind TEXT DEFAULT 'none' REFERENCES kinds (name) ON DELETE SET DEFAULT,
    FOREIGN KEY (city, country) REFERENCES cities (name, country) ON UPDATE CASCADE ON DELETE RESTRICT MATCH FULL
);
CREATE TABLE kinds (name TEXT COLLATE NOCASE);
CREATE UNIQUE INDEX kinds_name ON kinds (name);
CREATE TABLE eggs (id INTEGER PRIMARY KEY, hen INTEGER NOT NULL REFERENCES hens DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE hens (id INTEGER PRIMARY KEY, egg INTEGER REFERENCES eggs (id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO countries VALUES ('de', 'Germany'), ('fr', 'France');
INSERT INTO cities VALUES (1, 'de', NULL, 'Bonn'), (2, 'fr', 1, 'Nancy');
INSERT INTO kinds VALUES ('none'), ('Road');
INSERT INTO streets VALUES (1, 'Bonn', 'de', 'Road'), (2, NULL, 'fr', 'none');
INSERT INTO hens VALUES (1, NULL);

-- probe
INSERT INTO cities VALUES (3, 'xx', NULL, 'X');
INSERT INTO cities VALUES (3, 'de', 3, 'Köln');
UPDATE countries SET code = 'D' WHERE code = 'de';
INSERT INTO streets VALUES (3, 'Bonn', 'de', NULL);
INSERT INTO streets VALUES (3, 'Bonn', 'D', NULL);
INSERT INTO streets VALUES (4, 'Nowhere', NULL, NULL);
DELETE FROM cities WHERE id = 1;
DELETE FROM kinds WHERE name = 'Road';
DELETE FROM streets WHERE city = 'Bonn';
DELETE FROM cities WHERE id = 1;
DELETE FROM countries WHERE code = 'fr';
BEGIN; INSERT INTO eggs VALUES (1, 2); INSERT INTO hens VALUES (2, 1); COMMIT;
BEGIN; INSERT INTO eggs VALUES (2, 3); COMMIT;
INSERT INTO eggs VALUES (2, 3);
DELETE FROM hens WHERE id = 2;
DELETE FROM hens WHERE id = 1;
