-- What queries and expressions do together: patterns, dates, printf, JSON, arithmetic of kinds.
CREATE TABLE o(id INTEGER PRIMARY KEY, made DATETIME, at DATETIME, name TEXT, price REAL, n INTEGER, body TEXT);
INSERT INTO o VALUES (1, '2024-01-01', '2024-01-01 00:00:00', 'Ann%', 1.5, 3, '{"a": 1, "b": [true, null, "x"]}'),
  (2, '2024-01-31', '2024-01-31 10:00:00', 'bob', 2.0, 0, '[1.5, "z"]'), (3, '2024-02-01', NULL, 'ANNA', NULL, 7, NULL),
  (4, NULL, '2024-03-01 23:59:59', NULL, 0.1, NULL, '{}');
CREATE VIEW days_between AS SELECT id FROM o WHERE made BETWEEN datetime('2024-01-01') AND datetime('2024-01-31');
CREATE VIEW days_after AS SELECT id FROM o WHERE made > date('2024-01-01');
CREATE VIEW days_from AS SELECT id FROM o WHERE made >= date('2024-01-01');
CREATE VIEW days_equal AS SELECT id FROM o WHERE made = date('2024-01-31');
CREATE VIEW days_not_midnight AS SELECT id FROM o WHERE made >= datetime('2024-01-31');
CREATE VIEW days_text AS SELECT id FROM o WHERE made <= '2024-01-31 05:00:00' AND made > '2024';
CREATE VIEW moments_after AS SELECT id FROM o WHERE at > date('2024-01-01');
CREATE VIEW months AS SELECT strftime('%Y-%m', made) AS month, count(*) AS n FROM o GROUP BY strftime('%Y-%m', made);
CREATE VIEW ordered_months AS SELECT strftime('%m', at) AS month, sum(n) AS s FROM o GROUP BY month ORDER BY month;
CREATE VIEW unsure_age AS SELECT id, julianday('now') - julianday(made) AS days FROM o;
CREATE VIEW patterns AS SELECT id FROM o WHERE name LIKE 'ann%' OR name GLOB 'b*';
CREATE VIEW printed AS SELECT id, printf('%05d %s', n, name) AS p FROM o WHERE name IS NOT NULL;
CREATE VIEW integer_above_average AS SELECT id FROM o WHERE n > (SELECT avg(n) FROM o);
CREATE VIEW half_of_sum AS SELECT sum(n) / 4 AS whole, sum(price) / 4 AS real, avg(n) / 4 AS mean, total(n) / 4 AS t FROM o;
CREATE VIEW half_in_subquery AS SELECT s / 4 AS whole, m / 4 AS mean FROM (SELECT sum(n) AS s, avg(n) AS m FROM o);
CREATE VIEW json_parts AS SELECT id, json_extract(body, '$.a') AS a, body ->> '$.b[2]' AS x FROM o WHERE body IS NOT NULL;
CREATE VIEW json_rows AS SELECT o.id, j.type, j.fullkey FROM o, json_each(o.body) j WHERE o.body IS NOT NULL;
CREATE VIEW json_tree_rows AS SELECT o.id, count(*) AS n FROM o JOIN json_tree(o.body) AS t WHERE t.atom IS NOT NULL GROUP BY o.id;
CREATE VIEW casts AS SELECT id, CAST(price AS INTEGER) AS i, CAST(n AS TEXT) || '!' AS t, CAST(name AS INTEGER) AS z FROM o;
CREATE VIEW through_cast AS SELECT id FROM casts WHERE t = '3!' OR i = 2;
CREATE VIEW iifs AS SELECT id, iif(n > 2, 'many', 'few') AS f, coalesce(name, n) AS v FROM o;
CREATE VIEW latest_day AS SELECT max(made) AS d, max(at) AS t, typeof(max(made)) AS y FROM o;
CREATE VIEW next_day AS SELECT id, date(d, '+1 day') AS n FROM (SELECT id, made AS d FROM o);
CREATE VIEW lagged AS SELECT id, lag(price, 1, 0) OVER (ORDER BY id) AS p, lag(made) OVER (ORDER BY id) AS d FROM o;
