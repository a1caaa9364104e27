//! What would end a run at its last step is foreseen before the first row moves, and answered by a policy.
//! Owns one case for each; the oracle is PostgreSQL.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod running;

use lite2pg_engine::observe::Report;
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_model::finding::codes;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, lenient, settings};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::path::PathBuf;
use std::time::{Duration, Instant};

struct Place {
    dir: PathBuf,
    cluster: Cluster,
}

impl Place {
    fn new() -> Place {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2-foreseen-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off"], &[]) }
    }

    fn source(&self, sql: &str) -> PathBuf {
        let path = self.dir.join("s.db");
        let db = Connection::open(&path).unwrap();
        db.create_scalar_function("known_there", 1, FunctionFlags::SQLITE_UTF8, |_| Ok(true)).unwrap();
        db.create_collation("app_order", |a, b| a.cmp(b)).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        db.execute_batch(sql).unwrap();
        path
    }

    /// What blocks under the default policies, then the run with everything answered, where something did.
    fn run(&self, sql: &str) -> (Vec<String>, Report) {
        let path = self.source(sql);
        let first = migrate(&settings(&path, &self.cluster, "postgres", &self.dir), &Show, &Cancel::new()).unwrap();
        let blocks: Vec<String> = first.findings.iter().filter(|f| f.blocks()).map(|f| f.code.clone()).collect();
        if blocks.is_empty() {
            return (blocks, first);
        }
        let second = migrate(&lenient(&path, &self.cluster, "postgres", &self.dir), &Show, &Cancel::new()).unwrap();
        (blocks, second)
    }

    fn word(&self, sql: &str) -> String {
        self.cluster.client("postgres").query_one(sql, &[]).unwrap().get(0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn a_check_that_rows_break_becomes_not_valid() {
    let place = Place::new();
    let (blocks, report) = place.run(
        "CREATE TABLE t(a INTEGER CHECK(a > 0 -- positive
         ), b INTEGER CONSTRAINT small CHECK(b < 10), f TEXT CHECK(known_there(f)));
         PRAGMA ignore_check_constraints = ON; INSERT INTO t(a, b) VALUES(1, 1), (-1, 2), (NULL, 3);",
    );
    assert!(blocks.contains(&codes::CHECK_BROKEN.to_owned()), "{blocks:?}");
    assert_eq!(blocks.iter().filter(|c| *c == codes::CHECK_BROKEN).count(), 1, "{blocks:?}");
    assert_eq!(report.exit, 0, "{report:?}");
    let valid = "SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint \
                 WHERE contype = 'c' AND conrelid = 't'::regclass";
    assert_eq!(place.word(valid), "small true, t_check false");
    let mut client = place.cluster.client("postgres");
    assert!(client.batch_execute("INSERT INTO t(a) VALUES(-5)").is_err(), "new rows are checked");
    let recorded = "SELECT rows FROM lite2pg.normalisation WHERE table_name = 't' AND policy = 'checks=not-valid'";
    assert_eq!(client.query_one(recorded, &[]).unwrap().get::<_, i64>(0), 1);
    assert!(client.batch_execute("INSERT INTO t(a) VALUES(5)").is_ok());
}

#[test]
fn a_check_on_texts_and_blobs_is_not_carried_with_another_meaning() {
    let place = Place::new();
    let (blocks, report) = place.run(
        "CREATE TABLE t(h TEXT CHECK(length(h) = 2), e TEXT CHECK(length(e) = 2));
         INSERT INTO t VALUES('ab', NULL), (x'6162', NULL);",
    );
    assert_eq!(blocks, [codes::CHECK], "{blocks:?}");
    assert_eq!(report.exit, 0, "{report:?}");
    assert_eq!(place.word("SELECT count(*)::text FROM pg_constraint WHERE conrelid = 't'::regclass"), "1");
}

#[test]
fn a_partial_unique_index_is_counted_within_its_predicate() {
    let place = Place::new();
    // 1 and '1' become one text.
    let rows = "INSERT INTO t VALUES(1, 1), ('1', 1), (2, 0), ('2', 0);";
    let (blocks, report) = place.run(&format!(
        "CREATE TABLE t(a BLOB, live INTEGER); {rows}
         CREATE UNIQUE INDEX one ON t(a) WHERE live = 1 -- only these
         ; CREATE UNIQUE INDEX none ON t(a) WHERE live = 7;"
    ));
    assert_eq!(blocks, [codes::DUPLICATE_KEY], "{blocks:?}");
    assert_eq!(report.exit, 0, "{report:?}");
    let unique = "SELECT string_agg(c.relname || ' ' || i.indisunique, ', ' ORDER BY c.relname) FROM pg_index i \
                  JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 't'::regclass";
    assert_eq!(place.word(unique), "none true, one false");
}

#[test]
fn a_unique_index_of_expressions_that_cannot_be_counted_is_told() {
    let place = Place::new();
    let (blocks, report) = place.run(
        "CREATE TABLE t(n DECIMAL(10,2), i INTEGER); INSERT INTO t VALUES(1.5, 1), (2, 2);
         CREATE UNIQUE INDEX unsure ON t(abs(n)); CREATE UNIQUE INDEX sure ON t(abs(i));",
    );
    assert_eq!(blocks, [codes::DUPLICATE_KEY], "{blocks:?}");
    assert_eq!(report.exit, 0, "{report:?}");
    let unique = "SELECT string_agg(c.relname || ' ' || i.indisunique, ', ' ORDER BY c.relname) FROM pg_index i \
                  JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 't'::regclass";
    assert_eq!(place.word(unique), "sure true, unsure false");
}

#[test]
fn json_keys_that_jsonb_takes_for_equal_stay_apart() {
    let place = Place::new();
    let (_, report) = place.run(
        "CREATE TABLE t(k JSON PRIMARY KEY, v JSON);
         INSERT INTO t VALUES('{\"a\":1.0}', '[1e999]'), ('{\"a\":1}', '[1e131000]');",
    );
    assert_eq!(report.exit, 0, "{report:?}");
    assert_eq!(place.word("SELECT string_agg(k, ' ' ORDER BY k COLLATE \"C\") FROM t"), r#"{"a":1.0} {"a":1}"#);
    assert_eq!(place.word("SELECT string_agg(pg_typeof(v)::text, ' ') FROM t"), "json json");
}

#[test]
fn what_no_index_holds_is_left_out() {
    let place = Place::new();
    // Random hex, which does not compress below a third of a page.
    let (blocks, report) = place.run(
        "CREATE TABLE p(k TEXT PRIMARY KEY NOT NULL, n INTEGER); CREATE TABLE c(k TEXT REFERENCES p(k));
         INSERT INTO p VALUES(hex(randomblob(20000)), 1); INSERT INTO c VALUES(NULL);
         CREATE INDEX large ON p(k); CREATE INDEX small ON p(n);",
    );
    let too_large = blocks.iter().filter(|c| *c == codes::TOO_LARGE).count();
    assert!(too_large == 2 && blocks.contains(&codes::FOREIGN_KEY.to_owned()), "{blocks:?}");
    assert_eq!(report.exit, 0, "{report:?}");
    let made = "SELECT string_agg(indexname, ', ') FROM pg_indexes WHERE schemaname = 'public'";
    assert_eq!(place.word(made), "small");
    assert_eq!(place.word("SELECT length(k)::text FROM p"), "40000");
}

#[test]
fn what_an_index_holds_only_compressed_is_told_apart() {
    let place = Place::new();
    // Hex of chance compresses to more than a third of a page; what repeats compresses to next to nothing.
    let (blocks, report) = place.run(
        "CREATE TABLE t(noise TEXT, same TEXT, a TEXT, b TEXT, n INTEGER);
         INSERT INTO t VALUES(hex(randomblob(3000)), replace(hex(zeroblob(20000)), '0', 'ab'), 'x', 'y', 1);
         INSERT INTO t VALUES('short', 'short', hex(randomblob(1100)), hex(randomblob(1100)), 2);
         CREATE INDEX i_noise ON t(noise); CREATE INDEX i_same ON t(same); CREATE UNIQUE INDEX i_pair ON t(a, b);
         CREATE INDEX i_expression ON t(lower(noise)); CREATE INDEX i_short ON t(substr(noise, 1, 10));
         CREATE INDEX i_partial ON t(noise) WHERE n = 2; CREATE INDEX i_one ON t(a);",
    );
    let too_large: Vec<&str> = report
        .findings
        .iter()
        .filter(|f| f.code == codes::TOO_LARGE && f.message.contains("left out"))
        .map(|f| f.object.as_str())
        .collect();
    assert_eq!(too_large, ["i_noise", "i_pair", "i_expression"], "{blocks:?}");
    assert_eq!(report.exit, 0, "{report:?}");
    let made = "SELECT string_agg(indexname, ', ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'";
    assert_eq!(place.word(made), "i_one, i_partial, i_same, i_short");
}

#[test]
fn orphans_under_nocase_are_found_by_the_parents_index() {
    let place = Place::new();
    let begin = Instant::now();
    let (blocks, report) = place.run(
        "CREATE TABLE p(n TEXT COLLATE NOCASE PRIMARY KEY) ; CREATE TABLE c(n TEXT COLLATE NOCASE REFERENCES p(n));
         WITH RECURSIVE i(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM i WHERE x < 40000)
         INSERT INTO p SELECT 'k' || x FROM i;
         INSERT INTO c SELECT n FROM p; INSERT INTO c VALUES('K7'), ('gone'), (NULL);",
    );
    // 40,000 times 20,000 comparisons take far longer.
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(blocks.contains(&codes::ORPHANS.to_owned()), "{blocks:?}");
    let told = report.findings.iter().find(|f| f.code == codes::ORPHANS).unwrap();
    assert!(told.message.starts_with("2 of 40,003"), "{}", told.message);
}

#[test]
fn a_join_of_the_census_hears_the_request_to_end() {
    let place = Place::new();
    // No index narrows this parent: its order is the application's, and numbers are converted before they are compared.
    let path = place.source(
        "CREATE TABLE p(a TEXT COLLATE app_order PRIMARY KEY); CREATE TABLE c(n INTEGER REFERENCES p(a));
         WITH RECURSIVE i(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM i WHERE x < 100000)
         INSERT INTO p SELECT 'k' || x FROM i; INSERT INTO c SELECT 'none' || a FROM p;",
    );
    let cancel = Cancel::new();
    let settings = lenient(&path, &place.cluster, "postgres", &place.dir);
    let begin = Instant::now();
    let end = std::thread::scope(|scope| {
        let run = scope.spawn(|| migrate(&settings, &Show, &cancel));
        std::thread::sleep(Duration::from_secs(3));
        cancel.request();
        run.join().unwrap()
    });
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert!(end.as_ref().is_err_and(|e| e.kind == lite2pg_engine::Kind::Interrupted), "{end:?}");
}
