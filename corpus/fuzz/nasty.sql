-- What is easily got wrong: names, quotes, numbers, every clause once, and every kind of query. Written by hand.
CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT COLLATE NOCASE NOT NULL DEFAULT 'x' CHECK (length(a) <= 5),
    [b c] DECIMAL(10,2) DEFAULT (-1.5e3), d DATETIME DEFAULT CURRENT_TIMESTAMP, e BLOB DEFAULT x'00ff',
    f BOOLEAN CHECK (f IN (0, 1)), g AS (a || 'x') STORED, h INT GENERATED ALWAYS AS (id / 2 + 9223372036854775807) VIRTUAL,
    UNIQUE(a, d) ON CONFLICT REPLACE,
    CONSTRAINT "z ""z" CHECK (CASE WHEN a IS NULL THEN 1 ELSE substr(a, 2, 3) <> '' END AND id BETWEEN 1 AND 0x7f));
CREATE TABLE c(x REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, y TEXT,
    z REAL DEFAULT 1e999, w DEFAULT (strftime('%s', 'now')), FOREIGN KEY(y) REFERENCES p(a) MATCH FULL ON UPDATE SET NULL);
CREATE TABLE "select"("from" TEXT, [group] INT, `order` REAL, 'null' BLOB, "é 😀" JSON, PRIMARY KEY ("from", [group]))
    WITHOUT ROWID;
CREATE TABLE w(k TEXT PRIMARY KEY ON CONFLICT IGNORE, v ANY DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    n INTEGER NOT NULL ON CONFLICT FAIL DEFAULT (abs(-1)), b BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE tree(id INTEGER PRIMARY KEY, parent INT REFERENCES tree, name TEXT, doc JSON, at INTEGER, price NUMERIC);
CREATE UNIQUE INDEX i ON p(lower(a) DESC, d COLLATE RTRIM) WHERE f = TRUE AND a NOT LIKE '%x' ESCAPE '!';
CREATE INDEX j ON tree(json_extract(doc, '$.a[0]'), price * 1.1, name COLLATE NOCASE DESC) WHERE parent IS NOT NULL;
CREATE VIEW v1 AS SELECT 1 AS one, 'it''s' AS "t wo", x'0102' b, NULL n, -0.0 z, 1e400 inf, +'5' + 1 five;
CREATE VIEW v2(a, b, c) AS SELECT count(*), group_concat(DISTINCT a), total(id) FILTER (WHERE id > 1) FROM p GROUP BY f HAVING max(id) > 0;
CREATE VIEW v3 AS WITH RECURSIVE r(n, path) AS (SELECT id, name FROM tree WHERE parent IS NULL UNION ALL
    SELECT t.id, r.path || '/' || t.name FROM tree t JOIN r ON t.parent = r.n LIMIT 100) SELECT * FROM r ORDER BY 2 DESC NULLS LAST;
CREATE VIEW v4 AS SELECT row_number() OVER w AS rn, lag(price, 2, 0) OVER (PARTITION BY parent ORDER BY at DESC
    ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) AS before FROM tree WINDOW w AS (ORDER BY id);
CREATE VIEW v5 AS SELECT * FROM p NATURAL LEFT JOIN c USE_ME, (tree JOIN w ON tree.name = w.k) LIMIT 5, 10;
CREATE VIEW v6 AS SELECT datetime(at, 'unixepoch', 'localtime', '+1 month', 'start of month') AS at,
    strftime('%Y-%W %j', at / 1000, 'unixepoch'), julianday(at) - julianday('now'), printf('%05.2f|%s|%%', price, name),
    doc -> '$.a' ->> 0, json_group_array(json_object('k', name)), substr(name, -3, 2), instr(name, 'é') FROM tree GROUP BY name;
CREATE VIEW v7 AS SELECT value, key, fullkey FROM tree, json_tree(tree.doc, '$.x') WHERE json_tree.type = 'text'
    UNION SELECT 1, 2, 3 EXCEPT VALUES (4, 5, 6), (7, 8, 9) INTERSECT SELECT 1, 2, 3;
CREATE VIEW v8 AS SELECT min(at), name, (SELECT max(price) FROM tree i WHERE i.parent = o.id) m FROM tree o
    WHERE (id, parent) IN (SELECT id, parent FROM tree) AND EXISTS (SELECT 1) AND name GLOB '[a-z]*' OR name IN w;
CREATE VIEW v9 AS SELECT "no such column", 1 / 0, 7 % 0, 5 / 2, -7 / 2, 1 << 70, ~5, 'a' || 1 || NULL, NOT 'x', 3 IS TRUE,
    a IS NOT b, a BETWEEN 1 AND '2', CASE a WHEN 1 THEN 'one' ELSE 2 END, iif(a, b, 3), typeof(a), random() FROM (SELECT 1 AS a, 'b' AS b);
CREATE VIEW va AS SELECT * FROM v1 JOIN v2 USING (b) FULL JOIN v3 ON v3.n = v2.a CROSS JOIN "select" AS "x y";
CREATE VIEW broken AS SELECT missing FROM nowhere;
CREATE TRIGGER t1 AFTER INSERT ON p WHEN NEW.a <> OLD_NAME(NEW.a) BEGIN SELECT 1; END;
CREATE TRIGGER t2 BEFORE UPDATE OF a, "b c" ON p FOR EACH ROW WHEN NEW.a IS NOT OLD.a BEGIN
    SELECT RAISE(ABORT, 'no; ''never''') WHERE NEW.a = '';
    SELECT CASE WHEN (SELECT count(*) FROM c WHERE x = OLD.id) > 3 THEN RAISE(IGNORE) END;
    UPDATE tree SET (name, at) = (SELECT NEW.a, strftime('%s', 'now')), price = price + 1 WHERE id = NEW.id;
    INSERT OR REPLACE INTO w(k, v, n) SELECT NEW.a, NEW.d, NEW.id UNION ALL VALUES ('a', 'b', 1);
    INSERT INTO w(k, n) VALUES (NEW.a, 1) ON CONFLICT (k) DO UPDATE SET n = n + excluded.n WHERE w.n < 5 ON CONFLICT DO NOTHING;
    DELETE FROM c WHERE x = OLD.id AND y LIKE OLD.a || '%';
END;
CREATE TRIGGER t3 INSTEAD OF DELETE ON v8 BEGIN DELETE FROM tree WHERE name = OLD.name; SELECT RAISE(ROLLBACK, 'x'), RAISE(FAIL, 'y'); END;
CREATE TRIGGER t4 AFTER DELETE ON tree BEGIN SELECT * FROM (WITH q AS (SELECT 1) SELECT * FROM q); DELETE FROM tree WHERE parent = OLD.id; END;
CREATE VIRTUAL TABLE docs USING fts5(title, body UNINDEXED, tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3');
CREATE VIRTUAL TABLE notes USING fts4(tokenize=unicode61 "remove_diacritics=0", body, notindexed=body);
CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, y0, y1, +note TEXT);
