//! Databases to migrate: a small one with everything, a large one that is quickly made.
//! Owns their statements; never opens a database that it did not make.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot have its fixture must fail")]

use rusqlite::Connection;
use std::path::Path;

/// Every feature that is carried, in few rows.
const EVERYTHING: &str = r#"
PRAGMA foreign_keys = ON;
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name VARCHAR(80) NOT NULL DEFAULT 'nobody',
    credit DECIMAL(12,2) NOT NULL DEFAULT 0 CHECK (credit >= -1000),
    vip BOOLEAN NOT NULL DEFAULT 0,
    born DATE,
    seen DATETIME DEFAULT CURRENT_TIMESTAMP,
    token UUID,
    prefs JSON,
    photo BLOB,
    CHECK (length(name) < 200)
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE ON UPDATE RESTRICT,
    total REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'paid', 'sent')),
    placed TIMESTAMP NOT NULL,
    UNIQUE (customer, placed)
);
CREATE TABLE lines (
    "order" INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    no SMALLINT NOT NULL,
    what TEXT,
    amount NUMERIC,
    PRIMARY KEY ("order", no)
) WITHOUT ROWID;
CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES tree, label TEXT);
CREATE TABLE ring_a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES ring_b DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE ring_b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES ring_a DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE strict_one (id INTEGER PRIMARY KEY, a INT NOT NULL, b TEXT, c ANY, d BLOB, e REAL) STRICT;
CREATE TABLE loose (a, b, c);
CREATE TABLE keyless (a INTEGER, b TEXT);
CREATE TABLE empty (a INTEGER PRIMARY KEY, b TEXT);
CREATE TABLE "odd ""name"", ünïcode" ("select" INTEGER, "a b" TEXT, "UPPER" TEXT, "tab	" REAL);
CREATE INDEX orders_by_state ON orders (state, placed DESC);
CREATE INDEX orders_paid ON orders (customer) WHERE state = 'paid';
CREATE INDEX customers_by_name ON customers (lower(name));
CREATE UNIQUE INDEX loose_b ON loose (b);
CREATE INDEX tree_parent ON tree (parent);
CREATE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 100;
CREATE VIEW order_labels AS SELECT id, printf('%08d', id) AS label FROM big_orders WHERE total GLOB '*5*';
CREATE TRIGGER order_sent AFTER UPDATE OF state ON orders BEGIN
    INSERT INTO keyless VALUES (new.id, new.state);
END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO customers SELECT i, 'c' || i || '@example.org', CASE i % 3 WHEN 0 THEN 'Ünï ' || i ELSE 'name ' || i END,
    round(i * 1.25 - 20, 2), i % 2, date('1960-01-01', '+' || (i * 97) || ' days'),
    datetime('2024-01-01', '+' || (i * 3701) || ' seconds'),
    printf('a0eebc99-9c0b-4ef8-bb6d-6bb9bd38%04x', i), '{"n": ' || i || ', "tags": ["a", "b"]}', randomblob(i) FROM n;
UPDATE customers SET born = NULL, prefs = NULL, photo = NULL WHERE id % 7 = 0;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO orders SELECT i * 10, 1 + i % 60, i * 1.7, CASE i % 3 WHEN 0 THEN 'new' WHEN 1 THEN 'paid' ELSE 'sent' END,
    datetime('2024-02-01', '+' || i || ' hours') FROM n;
INSERT INTO lines SELECT id, n, 'item ' || n, id * 1.5 FROM orders, (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3);
INSERT INTO tree VALUES (1, NULL, 'root'), (2, 1, 'left'), (3, 1, 'right'), (4, 2, NULL), (9223372036854775807, 3, 'last');
BEGIN;
INSERT INTO ring_a VALUES (1, 1), (2, 2);
INSERT INTO ring_b VALUES (1, 2), (2, 1);
COMMIT;
INSERT INTO strict_one VALUES (1, 1, 'x', 5, x'00ff', 0.1), (2, -2, NULL, 'text', NULL, 1e300), (3, 3, 'y', x'01', x'', 9e999);
INSERT INTO loose VALUES (1, 'a', 1.5), ('two', 'b', x'02'), (NULL, 'c', NULL), (3.5, 'd', 'vier');
INSERT INTO keyless VALUES (1, 'same'), (1, 'same'), (NULL, ''), (-9223372036854775808, 'é😀');
INSERT INTO "odd ""name"", ünïcode" VALUES (1, 'x', 'Y', 0.5);
DELETE FROM customers WHERE id = 60;
"#;

/// What a target's database holds before: it must never change.
pub const SOMEBODY_ELSES: &str = "
    CREATE TABLE public.of_others (id int PRIMARY KEY, t text DEFAULT 'x');
    INSERT INTO public.of_others SELECT i, 'row ' || i FROM generate_series(1, 50) i;
    CREATE INDEX of_others_t ON public.of_others (t);
    COMMENT ON TABLE public.of_others IS 'not ours';
    CREATE SCHEMA elsewhere; CREATE VIEW elsewhere.v AS SELECT id FROM public.of_others;
    CREATE SEQUENCE public.counter; SELECT setval('public.counter', 7);
    CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';";

/// Makes a small database with every feature that is carried: a view that uses another and helper functions, a trigger.
pub fn everything(path: &Path) {
    make(path, EVERYTHING);
}

/// Makes a database of about `rows` rows in a few tables: foreign key, unique keys, blobs, mixed classes, WITHOUT
/// ROWID, AUTOINCREMENT. A million take a few seconds.
pub fn million(path: &Path, rows: u64) {
    let (events, users, files, pairs, mixed) = (rows / 2, rows / 10, rows / 20, rows / 5, rows / 20);
    let count =
        |n: u64| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})", n.max(1));
    make(
        path,
        &format!(
            "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, score REAL, born DATE);
             CREATE TABLE events (id INTEGER PRIMARY KEY, user INTEGER NOT NULL REFERENCES users, at DATETIME NOT NULL,
                                  kind TEXT NOT NULL, amount INTEGER);
             CREATE TABLE files (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
             CREATE TABLE pairs (k TEXT NOT NULL, v TEXT, PRIMARY KEY (k)) WITHOUT ROWID;
             CREATE TABLE mixed (a, b);
             BEGIN;
             {} INSERT INTO users SELECT i, 'user' || i || '@example.org', i * 0.37, date('1950-01-01', '+' || (i % 20000) || ' days') FROM n;
             {} INSERT INTO events SELECT i, 1 + i % {users}, datetime('2024-01-01', '+' || i || ' seconds'), 'kind' || (i % 7), i * 31 FROM n;
             {} INSERT INTO files SELECT i, randomblob(40 + i % 100) FROM n;
             {} INSERT INTO pairs SELECT 'key' || i, CASE WHEN i % 5 THEN 'value ' || i END FROM n;
             {} INSERT INTO mixed SELECT CASE i % 4 WHEN 0 THEN i WHEN 1 THEN 'text ' || i WHEN 2 THEN i + 0.5 END, x'01' FROM n;
             CREATE INDEX events_by_user ON events (user, at);
             CREATE INDEX events_by_kind ON events (kind);
             CREATE VIEW kinds AS SELECT kind, count(*) AS n FROM events GROUP BY kind;
             CREATE TRIGGER user_gone AFTER DELETE ON users BEGIN DELETE FROM events WHERE user = old.id; END;
             COMMIT;",
            count(users),
            count(events),
            count(files),
            count(pairs),
            count(mixed)
        ),
    );
}

/// Makes a database by these statements, quickly: nothing is synced, no journal is kept.
pub fn make(path: &Path, sql: &str) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000").unwrap();
    if let Err(problem) = db.execute_batch(sql) {
        panic!("{}: {problem}", path.display());
    }
}
