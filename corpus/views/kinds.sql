-- Types of result columns: what crosses changed, affinity through views, NULL columns, comparisons of kinds.
CREATE TABLE e(id INTEGER PRIMARY KEY, active BOOLEAN NOT NULL, made DATETIME, day DATE, price DECIMAL(10,2), amount REAL, code VARCHAR(10), data BLOB, any);
INSERT INTO e VALUES (1, 1, '2024-01-01 10:00:00', '2024-01-01', 9.99, 1.5, 'A1', x'0102', 'x'),
  (2, 0, '2024-02-01 11:30:00', '2024-02-01', 10, 2.0, 'B2', NULL, 'y'), (3, 1, NULL, NULL, NULL, NULL, NULL, x'', NULL);
CREATE VIEW everything AS SELECT * FROM e;
CREATE VIEW through AS SELECT active, made, day, price FROM everything WHERE active = 1;
CREATE VIEW where_active AS SELECT id FROM e WHERE active;
CREATE VIEW where_not_active AS SELECT id FROM e WHERE NOT active;
CREATE VIEW latest AS SELECT max(made) AS last, min(day) AS first, count(DISTINCT day) AS days FROM e;
CREATE VIEW by_active AS SELECT active, count(*) AS n, sum(amount) AS s FROM e GROUP BY active;
CREATE VIEW sum_of_booleans AS SELECT sum(active) AS n, max(active) AS m, sum(price) AS p, avg(price) AS a FROM e;
CREATE VIEW union_of_days AS SELECT day FROM e UNION SELECT day FROM e WHERE id = 1;
CREATE VIEW scalar_day AS SELECT id, (SELECT made FROM e x WHERE x.id = e.id) AS m, (SELECT active FROM e x WHERE x.id = e.id) AS a FROM e;
CREATE VIEW distinct_price AS SELECT DISTINCT price, active FROM e;
CREATE VIEW ordered_by_day AS SELECT id, day FROM e ORDER BY day, id;
CREATE VIEW coalesced AS SELECT id, coalesce(code, 'none') AS c, ifnull(amount, 0.0) AS a FROM e;
CREATE VIEW nothing_known AS SELECT NULL AS n, id FROM e;
CREATE VIEW over_nothing AS SELECT id FROM nothing_known WHERE n IS NULL;
CREATE TABLE codes(id INTEGER PRIMARY KEY, code INTEGER_OR_TEXT, other INTEGER_OR_TEXT);
INSERT INTO codes VALUES (1, 9, '9'), (2, 'x9', 9), (3, 'y', 'x9'), (4, '12.0', 12), (5, NULL, 'y');
CREATE VIEW loose_codes AS SELECT a.id, b.id AS other FROM codes a JOIN codes b ON a.code = b.other;
CREATE VIEW loose_groups AS SELECT code, count(*) AS n FROM codes GROUP BY code;
CREATE VIEW refused_loose_order AS SELECT id FROM codes ORDER BY code LIMIT 2;
CREATE TABLE untyped(id INTEGER PRIMARY KEY, v);
INSERT INTO untyped VALUES (1, 1), (2, '1'), (3, 'a');
CREATE VIEW refused_untyped_groups AS SELECT v, count(*) AS n FROM untyped GROUP BY v;
CREATE VIEW untyped_values AS SELECT id, v FROM untyped WHERE v IS NOT NULL;
