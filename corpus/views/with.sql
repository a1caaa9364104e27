-- WITH: plain, several, of each other, recursive with and without the word.
CREATE TABLE node(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES node(id), name TEXT NOT NULL);
INSERT INTO node VALUES (1, NULL, 'root'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'aa'), (5, 4, 'aaa'), (6, 3, 'ba');
CREATE VIEW simple AS WITH top AS (SELECT id, name FROM node WHERE parent IS NULL) SELECT * FROM top;
CREATE VIEW named AS WITH top(k, v) AS (SELECT id, name FROM node WHERE parent = 1) SELECT v, k + 1 AS n FROM top;
CREATE VIEW two AS WITH a AS (SELECT id FROM node WHERE id > 2), b AS (SELECT id FROM a WHERE id < 5) SELECT a.id, b.id AS bid FROM a LEFT JOIN b USING (id);
CREATE VIEW backwards AS WITH a AS (SELECT id FROM b WHERE id < 5), b AS (SELECT id FROM node WHERE id > 2) SELECT id FROM a;
CREATE VIEW numbers AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10) SELECT x FROM c;
CREATE VIEW numbers_from_values AS WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x * 2 FROM c WHERE x < 100) SELECT sum(x) AS s FROM c;
CREATE VIEW without_the_word AS WITH c(x) AS (SELECT 1 UNION SELECT x % 5 + 1 FROM c) SELECT x FROM c;
CREATE VIEW unsure_stopped AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 5) SELECT x FROM c;
CREATE VIEW paths AS WITH RECURSIVE p(id, path, depth) AS (
  SELECT id, name, 0 FROM node WHERE parent IS NULL
  UNION ALL SELECT node.id, p.path || '/' || node.name, p.depth + 1 FROM node JOIN p ON node.parent = p.id)
  SELECT id, path, depth FROM p;
CREATE VIEW ancestors AS SELECT id, (WITH RECURSIVE up(k) AS (SELECT parent FROM node n WHERE n.id = node.id
  UNION ALL SELECT n.parent FROM node n JOIN up ON n.id = up.k) SELECT count(k) FROM up) AS above FROM node;
CREATE VIEW materialized AS WITH m AS MATERIALIZED (SELECT count(*) AS n FROM node) SELECT n FROM m;
CREATE VIEW in_subquery AS SELECT q.id FROM (WITH z AS (SELECT id FROM node) SELECT id FROM z WHERE id > 3) q;
CREATE VIEW same_name_as_table AS WITH leaf AS (SELECT id FROM node WHERE id NOT IN (SELECT parent FROM node WHERE parent IS NOT NULL)) SELECT id FROM LEAF;
CREATE VIEW down AS WITH RECURSIVE d(id, n) AS (SELECT id, 0 FROM node WHERE id = 1 UNION ALL
  SELECT node.id, n + 1 FROM d LEFT JOIN node ON node.parent = d.id WHERE node.id IS NOT NULL) SELECT * FROM d;
CREATE VIEW refused_outer AS WITH RECURSIVE d(id) AS (SELECT 1 UNION
  SELECT d.id + 1 FROM node LEFT JOIN d ON d.id = node.parent WHERE d.id < 5) SELECT * FROM d;
