-- ORDER BY, NULLs, LIMIT, collations.
CREATE TABLE w(id INTEGER PRIMARY KEY, word TEXT COLLATE NOCASE, plain TEXT, n INTEGER, r REAL);
INSERT INTO w VALUES (1, 'apple', 'b', 3, 0.5), (2, 'Apple', 'B', NULL, 1.5), (3, 'BANANA', 'a', 1, NULL), (4, NULL, 'Ä', 2, 2.5),
  (5, 'cherry', NULL, 3, -1.0), (6, 'banana', 'a', 0, 1e300);
CREATE VIEW ordered_nulls AS SELECT id, n FROM w ORDER BY n, id;
CREATE VIEW ordered_desc AS SELECT id, n FROM w ORDER BY n DESC, id DESC;
CREATE VIEW ordered_nulls_last AS SELECT id, n FROM w ORDER BY n NULLS LAST, id;
CREATE VIEW ordered_nulls_first AS SELECT id, n FROM w ORDER BY n DESC NULLS FIRST, id;
CREATE VIEW ordered_bytes AS SELECT id, plain FROM w ORDER BY plain, id;
CREATE VIEW ordered_nocase AS SELECT id, word FROM w ORDER BY word, id;
CREATE VIEW ordered_collate AS SELECT id, plain FROM w ORDER BY plain COLLATE NOCASE DESC, id;
CREATE VIEW ordered_alias AS SELECT id, -n AS m FROM w ORDER BY m, 1;
CREATE VIEW ordered_expression AS SELECT id FROM w ORDER BY n * 2, id;
CREATE VIEW ordered_first AS SELECT id FROM w ORDER BY id LIMIT 3;
CREATE VIEW ordered_offset AS SELECT id FROM w ORDER BY id DESC LIMIT 2 OFFSET 1;
CREATE VIEW ordered_comma AS SELECT id FROM w ORDER BY id LIMIT 1, 3;
CREATE VIEW ordered_all AS SELECT id FROM w ORDER BY id LIMIT -1 OFFSET 4;
CREATE VIEW unsure_limit AS SELECT id FROM w LIMIT 2;
CREATE VIEW unsure_ties AS SELECT id FROM w ORDER BY n LIMIT 3;
CREATE VIEW nocase_equal AS SELECT id FROM w WHERE word = 'APPLE';
CREATE VIEW nocase_in AS SELECT id FROM w WHERE word IN (SELECT upper(plain) || 'PPLE' FROM w WHERE plain = 'a');
CREATE VIEW nocase_join AS SELECT x.id, y.id AS other FROM w x JOIN w y ON x.word = y.word;
CREATE VIEW nocase_through_view AS SELECT id FROM ordered_nocase WHERE word = 'bAnAnA';
CREATE VIEW unsure_nocase_groups AS SELECT word, count(*) AS n FROM w GROUP BY word;
CREATE VIEW nocase_counts AS SELECT count(*) AS n FROM w GROUP BY word;
CREATE VIEW unsure_nocase_distinct AS SELECT DISTINCT word FROM w;
CREATE VIEW nocase_count_distinct AS SELECT count(DISTINCT word) AS n, count(DISTINCT plain) AS m FROM w;
CREATE VIEW ordered_limit_of_view AS SELECT id FROM ordered_bytes ORDER BY id LIMIT 2;
