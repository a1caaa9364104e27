-- Indexes: order and NULLs, expressions, predicates, uniqueness of NULLs.
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL, active BOOLEAN);
CREATE INDEX t_a ON t (a DESC, b);
CREATE INDEX t_rowid ON t (b, id DESC);
CREATE UNIQUE INDEX t_unique ON t (a, c);
CREATE UNIQUE INDEX t_partial ON t (b) WHERE active = 1 AND c IS NOT NULL;
CREATE UNIQUE INDEX t_expression ON t (lower(b), coalesce(a, 0)) WHERE a > 100;
CREATE UNIQUE INDEX "an index . with ""quotes""" ON t (substr(b, 1, 3)) WHERE a < -10;
CREATE TABLE u (a INTEGER, b INTEGER, UNIQUE (a, b));
INSERT INTO t VALUES (1, 1, 'x', 1.5, 1), (2, NULL, 'x', 1.5, 0), (3, NULL, 'y', 1.5, 1);
INSERT INTO u VALUES (1, NULL), (1, NULL), (1, 1);

-- probe
INSERT INTO t VALUES (4, 1, 'z', 1.5, NULL);
INSERT INTO t VALUES (4, 1, 'z', NULL, NULL);
INSERT INTO t VALUES (5, 1, 'z', NULL, NULL);
INSERT INTO t VALUES (6, 6, 'x', 6, '1');
INSERT INTO t VALUES (6, 6, 'x', 6, NULL);
INSERT INTO t VALUES (7, 101, 'Ab', NULL, NULL);
INSERT INTO t VALUES (8, 101, 'aB', NULL, NULL);
INSERT INTO t VALUES (8, 100, 'aB', NULL, NULL);
INSERT INTO t VALUES (9, -11, 'abcd', NULL, NULL);
INSERT INTO t VALUES (10, -12, 'abce', NULL, NULL);
INSERT INTO t VALUES (10, -12, 'abdd', NULL, NULL);
INSERT INTO u VALUES (1, 1);
INSERT INTO u VALUES (1, NULL);
INSERT INTO u VALUES (NULL, NULL);
