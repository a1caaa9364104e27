-- Generated columns, with constraints over them and columns that name another.
CREATE TABLE g (
    id INTEGER PRIMARY KEY,
    a SMALLINT, b SMALLINT,
    product INTEGER AS (a * b) STORED UNIQUE,
    flag BOOLEAN AS (a > b) VIRTUAL,
    name TEXT,
    short VARCHAR(3) AS (upper(name)) NOT NULL,
    both AS (short || '!'),
    real_one REAL AS (product),
    written TEXT AS (a),
    CHECK (product < 1000)
);
CREATE INDEX g_both ON g (both, flag);
INSERT INTO g(id, a, b, name) VALUES (1, 2, 3, 'abc'), (2, NULL, 3, 'Longer'), (3, 5, 4, '');

-- probe
INSERT INTO g(id, a, b, name) VALUES (4, 6, 1, 'x');
INSERT INTO g(id, a, b, name) VALUES (4, 7, 1, NULL);
INSERT INTO g(id, a, b, name) VALUES (4, 70, 100, 'y');
INSERT INTO g(id, a, b, name) VALUES (4, 7, 1, 'much longer');
UPDATE g SET a = 4, b = 5 WHERE id = 1;
UPDATE g SET a = 4 WHERE id = 1;
UPDATE g SET product = 4 WHERE id = 1;
INSERT INTO g(id, a, b, name, flag) VALUES (9, 7, 1, 'z', 1);
