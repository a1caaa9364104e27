-- The form and the class that all present values have hold for no row to come.
-- Days beside a literal with a time.
CREATE TABLE d (id INTEGER PRIMARY KEY, l2 DATETIME CHECK (l2 <= '2024-06-30 18:00'));
INSERT INTO d VALUES (1, '2024-06-01'), (2, '2024-06-30');
-- Numbers that were integers so far.
CREATE TABLE e (id INTEGER PRIMARY KEY, e NUMERIC CHECK (typeof(e) = 'integer'));
INSERT INTO e VALUES (1, 5), (2, 7);

-- probe
INSERT INTO d VALUES (3, '2024-06-30 17:00:00');
INSERT INTO d VALUES (4, '2024-06-30 20:00:00');
INSERT INTO d VALUES (5, '2024-07-01');
INSERT INTO e VALUES (3, 1.5);
INSERT INTO e VALUES (4, 8);
