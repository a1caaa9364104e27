//! Schemas whose DDL PostgreSQL would refuse, or take otherwise than SQLite means it, if the plan were naive.
//! Owns one case for each; the oracle is PostgreSQL, which must take every statement.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_model::finding::codes;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, lenient};
use rusqlite::Connection;

/// Migrates what `sql` makes into a database of its own; the report and a connection to look with.
fn migrated(cluster: &Cluster, name: &str, sql: &str) -> (lite2pg_engine::observe::Report, postgres::Client) {
    let dir = std::env::temp_dir().join(format!("l2-ddl-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("s.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    cluster.sql(&format!("CREATE DATABASE {name} TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"));
    let settings = lenient(&path, cluster, name, &dir);
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap_or_else(|e| panic!("{name}: {e} {:?}", e.hint));
    assert_eq!(report.exit, 0, "{name}: {report:?}");
    std::fs::remove_dir_all(&dir).unwrap();
    (report, cluster.client(name))
}

#[test]
fn every_statement_is_taken() {
    let cluster = Cluster::start(&["fsync = off"], &[]);
    collations_of_what_is_no_text(&cluster);
    keys(&cluster);
    names(&cluster);
    nocase_parent(&cluster);
}

fn collations_of_what_is_no_text(cluster: &Cluster) {
    let (_, mut pg) = migrated(
        cluster,
        "folded",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, guid VARCHAR(36) COLLATE NOCASE, n INTEGER COLLATE RTRIM, name TEXT COLLATE NOCASE);
         CREATE INDEX i1 ON t(guid); CREATE INDEX i2 ON t(n); CREATE UNIQUE INDEX i3 ON t(name);
         INSERT INTO t VALUES(1,'6ba7b810-9dad-11d1-80b4-00c04fd430c8',5,'Ab')",
    );
    // A unique index under NOCASE refuses what SQLite refuses.
    let twice = pg.batch_execute("INSERT INTO t(id, name) VALUES (2, 'aB')").unwrap_err();
    assert_eq!(twice.code().map(|c| c.code()), Some("23505"));
}

fn keys(cluster: &Cluster) {
    let columns: Vec<String> = (0..33).map(|i| format!("c{i} INT NOT NULL")).collect();
    let names: Vec<String> = (0..33).map(|i| format!("c{i}")).collect();
    let wide = format!(
        "CREATE TABLE wide({}, PRIMARY KEY({})); INSERT INTO wide DEFAULT VALUES;",
        columns.join(","),
        names.join(",")
    );
    let wide = wide.replace("INT NOT NULL", "INT NOT NULL DEFAULT 1");
    let (report, mut pg) = migrated(
        cluster,
        "keys",
        &format!(
            "{wide} CREATE TABLE twice(a TEXT PRIMARY KEY, b INT, UNIQUE(b, b)); INSERT INTO twice VALUES('x', 1)"
        ),
    );
    assert!(report.findings.iter().any(|f| f.code == codes::INDEX && f.object == "wide"), "{:?}", report.findings);
    assert!(report.findings.iter().any(|f| f.code == codes::NULL_KEY && f.object == "twice.a" && !f.blocks()));
    let keys: i64 = pg
        .query_one(
            "SELECT count(*) FROM pg_constraint WHERE conrelid = 'twice'::regclass AND contype IN ('p', 'u')",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(keys, 2);
}

fn names(cluster: &Cluster) {
    let (report, _) = migrated(
        cluster,
        "names",
        "CREATE TABLE a(x INT NOT NULL CONSTRAINT pk PRIMARY KEY); CREATE TABLE b(x INT NOT NULL, xmin TEXT DEFAULT 'it''s \\',
             CONSTRAINT pk PRIMARY KEY(x), CONSTRAINT c CHECK(x > 0), CONSTRAINT c CHECK(x < 10));
         CREATE TABLE \"we\"\"ird . %s\"(\"a.b\" INT REFERENCES a, \"\" TEXT); INSERT INTO a VALUES(1); INSERT INTO b VALUES(2, 'y');
         INSERT INTO \"we\"\"ird . %s\" VALUES(1, 'z')",
    );
    let renamed: Vec<&str> =
        report.findings.iter().filter(|f| f.code == codes::RENAMED).map(|f| f.object.as_str()).collect();
    for object in ["b.pk", "b.c", "b.xmin"] {
        assert!(renamed.contains(&object), "{object} in {renamed:?}");
    }
}

/// A parent that is unique under NOCASE alone is so by bytes too: the foreign key is made. Children that are spelled
/// otherwise than their parent are orphans there.
fn nocase_parent(cluster: &Cluster) {
    let (report, mut pg) = migrated(
        cluster,
        "parents",
        "CREATE TABLE p(name TEXT COLLATE NOCASE); CREATE UNIQUE INDEX pn ON p(name);
         CREATE TABLE c(p TEXT REFERENCES p(name)); CREATE TABLE d(p TEXT REFERENCES p(name));
         INSERT INTO p VALUES('a'); INSERT INTO c VALUES('A'); INSERT INTO d VALUES('a')",
    );
    assert!(!report.findings.iter().any(|f| f.code == codes::FOREIGN_KEY), "{:?}", report.findings);
    let orphans: Vec<_> = report.findings.iter().filter(|f| f.code == codes::ORPHANS).collect();
    assert!(orphans.len() == 1 && orphans[0].object == "c.p" && orphans[0].message.contains("by bytes"), "{orphans:?}");
    let valid = "SELECT string_agg(conrelid::regclass || ' ' || convalidated, ', ' ORDER BY conrelid::regclass::text) \
                 FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace";
    let valid: String = pg.query_one(valid, &[]).unwrap().get(0);
    assert_eq!(valid, "c false, d true");
    let twice = pg.batch_execute("INSERT INTO p VALUES ('A')").unwrap_err();
    assert_eq!(twice.code().map(|c| c.code()), Some("23505"));
}
