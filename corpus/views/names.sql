-- Names: case, quoting, aliases, the rowid, strings in double quotes, columns of queries around.
CREATE TABLE Person(Id INTEGER PRIMARY KEY, "full name" TEXT NOT NULL, Age INTEGER, city TEXT, [group] TEXT);
INSERT INTO Person VALUES (1, 'Ann', 30, 'Bonn', 'a'), (2, 'Bob', NULL, 'bonn', 'b'), (3, 'Cy', 41, NULL, 'a'),
  (4, 'Dö', 30, 'Köln', NULL);
CREATE TABLE pet(name TEXT, owner INTEGER REFERENCES person(id), Age INTEGER, PRIMARY KEY (name, owner)) WITHOUT ROWID;
INSERT INTO pet VALUES ('Rex', 1, 3), ('Tom', 1, 5), ('Kit', 3, 1);
CREATE VIEW plain AS SELECT * FROM person;
CREATE VIEW mixed_case AS SELECT PERSON.ID, person."FULL NAME", `city`, [GROUP] FROM PERSON;
CREATE VIEW rowids AS SELECT rowid, p._rowid_ AS r, oid + 1 AS o FROM person p;
CREATE VIEW string_in_quotes AS SELECT id, "no such column" AS s, "ST_" || city AS c FROM person;
CREATE VIEW alias_in_where AS SELECT id, age + 1 AS next FROM person WHERE next > 31;
CREATE VIEW alias_loses_to_column AS SELECT id AS age, age AS id FROM person WHERE id < 3;
CREATE VIEW correlated AS SELECT id, (SELECT count(*) FROM pet WHERE owner = id) AS pets FROM person;
CREATE VIEW same_alias_inside AS
  SELECT p.id, (SELECT max(p.age) FROM pet p WHERE p.owner = person.id) AS oldest FROM person JOIN person p ON p.id = person.id;
CREATE VIEW same_table_inside AS SELECT id FROM person WHERE age > (SELECT min(age) FROM person);
CREATE VIEW doubled AS SELECT p.id, q.id, p.*, q.age FROM person p JOIN person q ON p.id = q.id;
CREATE VIEW listed(a, "B c") AS SELECT id, age FROM person;
CREATE VIEW of_view AS SELECT a, "b C" AS c FROM listed WHERE a <> 2;
CREATE VIEW unnamed AS SELECT id + 1, count(*) FROM person GROUP BY id;
CREATE VIEW refused_rowid AS SELECT rowid FROM pet_log;
CREATE TABLE pet_log(what TEXT);
INSERT INTO pet_log VALUES ('x');
CREATE VIEW no_from AS SELECT 1 AS one, 'x' AS x, NULL AS empty, 1.5 AS r, x'00ff' AS b;
CREATE VIEW refused_gone AS SELECT * FROM dropped;
CREATE VIEW refused_over_gone AS SELECT 1 FROM refused_gone;
