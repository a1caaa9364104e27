//! Sources that invite a silent loss: names and text that are not what they seem, tables that look like SQLite's own.
//! Owns one case for each; the oracle is what was written into the file.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use lite2pg_engine::Kind;
use lite2pg_engine::run::{Cancel, Settings, migrate};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::finding::codes;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, lenient, settings};
use rusqlite::Connection;
use std::path::PathBuf;

struct Place {
    dir: PathBuf,
    cluster: Cluster,
}

impl Place {
    fn new() -> Place {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2-odd-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off"], &[]) }
    }

    fn source(&self, sql: &str) -> (PathBuf, Connection) {
        let path = self.dir.join("s.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(sql).unwrap();
        (path, db)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn run(settings: &Settings) -> lite2pg_engine::observe::Report {
    migrate(settings, &Show, &Cancel::new()).expect("no error")
}

#[test]
fn a_lone_surrogate_of_a_utf16_file_is_no_other_character() {
    let place = Place::new();
    for (encoding, hex) in [("UTF-16le", "3DD84100"), ("UTF-16be", "D83D0041")] {
        let (path, db) = place.source(&format!(
            "PRAGMA encoding='{encoding}'; CREATE TABLE t(a TEXT); INSERT INTO t VALUES('fine é😀'),(CAST(x'{hex}' AS TEXT))"
        ));
        drop(db);
        let name = encoding.to_lowercase().replace('-', "");
        place.cluster.sql(&format!("CREATE DATABASE {name}"));
        let report = run(&settings(&path, &place.cluster, &name, &place.dir));
        assert_eq!(report.exit, 5);
        assert!(
            report.findings.iter().any(|f| f.code == codes::INVALID_UTF8 && f.message.contains("rowid 2")),
            "{report:?}"
        );
        assert_eq!(run(&lenient(&path, &place.cluster, &name, &place.dir)).exit, 0);
        let row =
            place.cluster.client(&name).query_one("SELECT string_agg(encode(a, 'hex'), ' ' ORDER BY a) FROM t", &[]);
        // U+D83D as UTF-8 would write it, were it allowed; then "A".
        let wanted = format!("{} eda0bd41", "fine é😀".bytes().map(|b| format!("{b:02x}")).collect::<String>());
        assert_eq!(row.unwrap().get::<_, String>(0), wanted);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_table_that_only_looks_like_a_shadow_is_carried() {
    let place = Place::new();
    let (path, db) = place.source(
        "CREATE TABLE posts_content(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO posts_content VALUES(1,'a'),(2,'b');
         CREATE VIRTUAL TABLE posts USING fts5(body, content='posts_content', content_rowid='id');
         CREATE VIRTUAL TABLE own USING fts5(body); INSERT INTO own VALUES('x');",
    );
    drop(db);
    let settings = Settings { schema: "app".to_owned(), ..lenient(&path, &place.cluster, "postgres", &place.dir) };
    let report = run(&settings);
    assert_eq!(report.exit, 0);
    let rows: Vec<(&str, u64)> = report.tables.iter().map(|t| (t.name.as_str(), t.rows)).collect();
    assert_eq!(rows, [("posts_content", 2), ("own", 1)], "and not own_content, which is the module's");
    let posts = report.findings.iter().find(|f| f.object == "posts").unwrap();
    assert!(posts.message.contains("of posts_content") && !posts.blocks(), "{}", posts.message);
}

#[test]
fn a_column_whose_name_is_no_utf8_is_never_read_as_a_string() {
    let place = Place::new();
    let (path, db) =
        place.source("CREATE TABLE t(a TEXT); INSERT INTO t VALUES('precious'); PRAGMA writable_schema=ON;");
    // CREATE TABLE t("caf\xe9" TEXT)
    db.execute_batch(
        "UPDATE sqlite_schema SET sql = CAST(x'435245415445205441424C4520742822636166E922205445585429' AS TEXT) WHERE name='t'",
    )
    .unwrap();
    drop(db);
    let error = migrate(&lenient(&path, &place.cluster, "postgres", &place.dir), &Show, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, Kind::Source, "{error}");
    let text = format!("{error} {:?} {:?}", error.hint, error.source);
    assert!(text.contains("caf\\\\xe9") || text.contains("caf\\xe9"), "{text}");
}

#[test]
fn schemas_that_cannot_be_published_to_are_refused_at_once() {
    let place = Place::new();
    let (path, _db) = place.source("CREATE TABLE t(a)");
    for schema in ["pg_x", "lite2pg", "information_schema", "", &"x".repeat(64)] {
        let settings =
            Settings { schema: schema.to_owned(), ..settings(&path, &place.cluster, "postgres", &place.dir) };
        assert_eq!(migrate(&settings, &Show, &Cancel::new()).unwrap_err().kind, Kind::Usage, "{schema:?}");
    }
}

#[test]
fn verify_sees_tables_and_columns_that_came_later() {
    let place = Place::new();
    let (path, db) = place.source("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES(1,'x')");
    let settings = settings(&path, &place.cluster, "postgres", &place.dir);
    assert_eq!(run(&settings).exit, 0);
    assert_eq!(verify(&settings, Level::Rows, &Show, &Cancel::new()).unwrap().exit, 0);
    db.execute_batch("CREATE TABLE later(x); INSERT INTO later VALUES(1); ALTER TABLE t ADD COLUMN c").unwrap();
    let report = verify(&settings, Level::Rows, &Show, &Cancel::new()).unwrap();
    assert_eq!(report.exit, 7);
    let objects: Vec<&str> = report.findings.iter().map(|f| f.object.as_str()).collect();
    assert_eq!(objects, ["t.c", "later"]);
    db.execute_batch("DROP TABLE t").unwrap();
    let report = verify(&settings, Level::Rows, &Show, &Cancel::new()).unwrap();
    assert!(report.exit == 7 && report.findings.iter().any(|f| f.object == "t"), "{report:?}");
}
