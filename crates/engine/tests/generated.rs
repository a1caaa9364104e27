//! Generated columns end to end: the target computes them, and its values are compared with SQLite's.
//! Owns the cases; the oracle is SQLite, whose values the digests hold.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use lite2pg_engine::observe::Report;
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_model::finding::codes;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, settings};
use rusqlite::Connection;

/// Migrates what `sql` makes into a database of its own, with nothing answered.
fn migrated(cluster: &Cluster, name: &str, sql: &str) -> (Report, postgres::Client) {
    let dir = std::env::temp_dir().join(format!("l2-generated-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("s.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    cluster.sql(&format!("CREATE DATABASE {name} TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"));
    let report = migrate(&settings(&path, cluster, name, &dir), &Show, &Cancel::new())
        .unwrap_or_else(|e| panic!("{name}: {e} {:?}", e.hint));
    std::fs::remove_dir_all(&dir).unwrap();
    (report, cluster.client(name))
}

const ORDERS: &str = "
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        price INTEGER NOT NULL,
        amount SMALLINT NOT NULL,
        total INTEGER GENERATED ALWAYS AS (price * amount) STORED,
        large BOOLEAN AS (price * amount >= 100),
        name TEXT,
        shown VARCHAR(5) GENERATED ALWAYS AS (name || ': ' || coalesce(name, '')) VIRTUAL,
        twice AS (total + total) STORED,
        weight REAL,
        half REAL AS (price) STORED NOT NULL,
        CHECK (total >= 0)
    );
    CREATE UNIQUE INDEX by_total ON orders (total, id);
    CREATE INDEX by_large ON orders (twice) WHERE large;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO orders(id, price, amount, name, weight)
        SELECT i, i, i % 7, CASE WHEN i % 5 THEN 'name ' || i END, i * 0.1 FROM n;";

#[test]
fn the_target_computes_what_sqlite_computed() {
    let cluster = Cluster::start(&["fsync = off"], &[]);
    let (report, mut pg) = migrated(&cluster, "orders", ORDERS);
    assert_eq!(report.exit, 0, "{report:?}");
    assert_eq!((report.objects.generated.source, report.objects.generated.carried), (5, 5), "{:?}", report.findings);
    assert!(!report.findings.iter().any(|f| f.code == codes::GENERATED), "{:?}", report.findings);
    assert!(report.tables[0].verified && report.tables[0].source_sha256 == report.tables[0].target_sha256);
    let row = pg
        .query_one(
            "INSERT INTO orders(id, price, amount, name, weight) VALUES (5000, 50, 3, 'long enough', 5) \
             RETURNING total, large, shown, twice, half",
            &[],
        )
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1), row.get::<_, i64>(3)), (150, true, 300));
    assert_eq!((row.get::<_, &str>(2), row.get::<_, f64>(4)), ("long enough: long enough", 50.0));
    let kinds: i64 = pg
        .query_one(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attgenerated IN ('s', 'v')",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(kinds, 5);
    assert!(pg.batch_execute("UPDATE orders SET total = 1").is_err(), "nobody else writes to it");
    // What leaves 64 bits is an error, and no other value than SQLite's.
    let huge =
        pg.batch_execute("INSERT INTO orders(id, price, amount) VALUES (5001, 4611686018427387904, 3)").unwrap_err();
    assert_eq!(huge.code().map(|c| c.code()), Some("22003"));
}

#[test]
fn what_cannot_be_computed_keeps_its_values() {
    let cluster = Cluster::start(&["fsync = off"], &[]);
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT AS (printf(a, id)) STORED,
                   c TEXT AS (unistr(a)) STORED);
               INSERT INTO t(a) VALUES ('{}'), (NULL)";
    let dir = std::env::temp_dir().join(format!("l2-generated-kept-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("s.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    cluster.sql("CREATE DATABASE kept");
    let report = migrate(&running::lenient(&path, &cluster, "kept", &dir), &Show, &Cancel::new()).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(report.exit, 0, "{report:?}");
    let lost: Vec<_> = report.findings.iter().filter(|f| f.code == codes::GENERATED).collect();
    assert_eq!(lost.len() as u64, report.objects.generated.source - report.objects.generated.carried, "{lost:?}");
    assert!(!lost.is_empty() && lost.iter().all(|f| f.message.contains("because")), "{lost:?}");
    assert!(report.tables[0].verified);
    let kept = cluster.client("kept").query_one("SELECT string_agg(b || c, '') FROM t", &[]).unwrap();
    assert_eq!(kept.get::<_, &str>(0), "{}{}");
}

/// Values that are not what the expression gives can stand in a file: the comparison must notice.
#[test]
fn values_that_the_expression_does_not_give_are_differences() {
    let cluster = Cluster::start(&["fsync = off"], &[]);
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, a SMALLINT, b INTEGER AS (a + 1) STORED);
               INSERT INTO t(id, a) VALUES (1, 1), (2, 2);
               PRAGMA writable_schema = ON;
               UPDATE sqlite_schema SET sql = replace(sql, 'a + 1', 'a + 2') WHERE name = 't';";
    let (report, _) = migrated(&cluster, "forged", sql);
    assert_eq!(report.exit, 7, "{report:?}");
    assert!(!report.tables[0].verified);
}
