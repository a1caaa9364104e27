-- Window functions: ranks, neighbours, frames, named windows.
CREATE TABLE m(id INTEGER PRIMARY KEY, team TEXT NOT NULL, points INTEGER, r REAL);
INSERT INTO m VALUES (1, 'a', 5, 0.5), (2, 'a', 3, 1.25), (3, 'b', 5, NULL), (4, 'a', 5, 2.0), (5, 'b', NULL, 4.5), (6, 'c', 1, 0.25);
CREATE VIEW numbers AS SELECT id, row_number() OVER (ORDER BY points DESC, id) AS rn FROM m;
CREATE VIEW unsure_numbers AS SELECT id, row_number() OVER (ORDER BY points) AS rn FROM m;
CREATE VIEW ranks AS SELECT id, rank() OVER (ORDER BY points) AS r, dense_rank() OVER (ORDER BY points) AS d FROM m;
CREATE VIEW shares AS SELECT id, percent_rank() OVER (ORDER BY points) AS p, cume_dist() OVER (PARTITION BY team ORDER BY points) AS c FROM m;
CREATE VIEW tiles AS SELECT id, ntile(4) OVER (ORDER BY id) AS t FROM m;
CREATE VIEW neighbours AS SELECT id, lag(points) OVER w AS before, lead(points, 2, -1) OVER w AS after, lag(team, 1, 'none') OVER (ORDER BY id) AS t FROM m WINDOW w AS (ORDER BY id);
CREATE VIEW ends AS SELECT id, first_value(points) OVER (PARTITION BY team ORDER BY id) AS f,
  last_value(points) OVER (PARTITION BY team ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS l,
  nth_value(points, 2) OVER (PARTITION BY team ORDER BY id) AS n FROM m;
CREATE VIEW running AS SELECT id, sum(points) OVER (ORDER BY id) AS s, count(*) OVER () AS n, avg(points) OVER (PARTITION BY team) AS a FROM m;
CREATE VIEW frames AS SELECT id, sum(points) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s,
  count(*) OVER (ORDER BY points RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS c,
  max(points) OVER (ORDER BY points GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) AS g FROM m;
CREATE VIEW filtered AS SELECT id, sum(points) FILTER (WHERE team = 'a') OVER (ORDER BY id) AS s FROM m;
CREATE VIEW of_groups AS SELECT team, sum(points) AS p, rank() OVER (ORDER BY sum(points) DESC) AS r, sum(count(*)) OVER () AS n FROM m GROUP BY team;
CREATE VIEW best AS SELECT id, team FROM (SELECT id, team, row_number() OVER (PARTITION BY team ORDER BY points DESC, id) AS rn FROM m) WHERE rn = 1;
CREATE VIEW built_on AS SELECT id, sum(points) OVER (w ORDER BY id) AS s FROM m WINDOW w AS (PARTITION BY team);
CREATE VIEW joined AS SELECT id, group_concat(team, '') OVER (ORDER BY id) AS t FROM m;
