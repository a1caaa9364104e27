-- Generated columns over every kind of value and conversion that SQLite's affinities make.
CREATE TABLE m (
    id INTEGER PRIMARY KEY,
    n INTEGER, r REAL, d DECIMAL(10,2), t TEXT, flag BOOLEAN, at TEXT, big BIGINT,
    sum INTEGER AS (n + big),
    ratio REAL AS (r / 3) STORED,
    price NUMERIC AS (d * 2) STORED,
    half AS (r * 0.5),
    quotient INTEGER AS (n / 2),
    rest AS (n % 3),
    label TEXT AS (t || '-' || n) STORED,
    as_text TEXT AS (n * 2),
    upper_t VARCHAR(10) AS (upper(t)) VIRTUAL,
    start AS (substr(t, 1, 2)),
    is_big BOOLEAN AS (n > 10),
    both BOOLEAN AS (flag AND n > 1),
    kind TEXT AS (CASE WHEN n IS NULL THEN 'none' WHEN n < 10 THEN 'small' ELSE 'large' END),
    year INTEGER AS (CAST(substr(at, 1, 4) AS INTEGER)),
    name TEXT AS (lower(t)),
    len INT AS (length(t)) STORED,
    or_zero AS (coalesce(n, 0)),
    CHECK (quotient < 1000)
);
CREATE INDEX m_label ON m (label);
CREATE UNIQUE INDEX m_year ON m (year, name, id);
INSERT INTO m(id, n, r, d, t, flag, at, big) VALUES
    (1, 5, 1.5, 10.25, 'abc', 1, '2024-05-06 07:08:09', 9000000000),
    (2, -7, 0.1, 0.1, 'Ünï', 0, '1999-12-31 23:59:59', 1),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- probe
INSERT INTO m(id, n, r, d, t, flag, at, big) VALUES (4, 50, 2.5, 3, 'x', '1', '2020-01-01 00:00:00', 2);
INSERT INTO m(id, n, r, d, t, flag, at, big) VALUES (5, 5000, 2.5, 3, 'x', '1', '2020-01-01 00:00:00', 2);
UPDATE m SET n = 11, t = 'changed' WHERE id = 1;
