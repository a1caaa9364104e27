//! Keys as PostgreSQL compares them, and the one order in which rows are numbered: what a policy does, it does to the
//! row it means.
//! Owns one case for each; the oracles are SQLite (what was there) and PostgreSQL (what arrived).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::{Event, Observer, Report};
use lite2pg_engine::run::{Accept, Cancel, MaxRejects, Settings, migrate};
use lite2pg_engine::source::select::{Bounds, Reading};
use lite2pg_engine::source::{Options, Source};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::finding::codes;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::{Choices, ColumnChoice};
use lite2pg_model::mapping::policy::Policies;
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Value;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, settings};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Mutex;

struct Place {
    dir: PathBuf,
    cluster: Cluster,
}

impl Place {
    fn new(sql: &str) -> Place {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2-keys-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let db = Connection::open(dir.join("s.db")).unwrap();
        db.create_collation("app", |a, b| b.cmp(a)).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        db.execute_batch(sql).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off"], &[]) }
    }

    fn settings(&self, policies: &[&str]) -> Settings {
        let mut settings = settings(&self.dir.join("s.db"), &self.cluster, "postgres", &self.dir);
        settings.choices = Choices::of(Policies::parse(policies).unwrap());
        settings
    }

    fn migrate_with(&self, settings: &Settings, observer: &dyn Observer) -> Report {
        match migrate(settings, observer, &Cancel::new()) {
            Ok(report) => report,
            Err(e) => panic!("{e:?}"),
        }
    }

    fn migrate(&self, policies: &[&str]) -> Report {
        self.migrate_with(&self.settings(policies), &Show)
    }

    /// Migrates to exit 0, and finds both sides equal again by `verify`.
    fn arrives(&self, policies: &[&str]) -> Report {
        self.arrives_with(&self.settings(policies))
    }

    fn arrives_with(&self, settings: &Settings) -> Report {
        let report = self.migrate_with(settings, &Show);
        assert_eq!(report.exit, 0, "{:#?}", report.findings);
        let again = verify(&self.settings(&[]), Level::Rows, &Show, &Cancel::new()).unwrap();
        assert_eq!((again.exit, again.rejected), (0, report.rejected), "{:#?} {:#?}", again.findings, again.tables);
        report
    }

    /// Everything of the migration away again.
    fn clear(&self) {
        self.cluster.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS lite2pg CASCADE");
    }

    /// What PostgreSQL says, one text.
    fn word(&self, sql: &str) -> String {
        let row = self.cluster.client("postgres").query_one(sql, &[]);
        row.unwrap_or_else(|e| panic!("{sql}: {e:?}")).get::<_, Option<String>>(0).unwrap_or_default()
    }

    /// What policies did: column, policy, rows and keys.
    fn recorded(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', column_name, policy, rows, array_to_string(keys, ';')) \
                   FROM lite2pg.normalisation ORDER BY column_name COLLATE \"C\", policy";
        self.cluster.client("postgres").query(sql, &[]).unwrap().iter().map(|r| r.get(0)).collect()
    }
}

/// Keeps what is told beside the findings.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn see(&self, event: &Event) {
        if let Event::Note { text } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

fn blocks(report: &Report) -> Vec<&str> {
    report.findings.iter().filter(|f| f.blocks()).map(|f| f.code.as_str()).collect()
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A WITHOUT ROWID table whose index covers what the foreign key needs: SQLite reads it by that.
const COVERED: &str = "
    CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES(5), (6);
    CREATE TABLE c(k TEXT PRIMARY KEY, pid INTEGER REFERENCES p(id), d DATE) WITHOUT ROWID;
    CREATE INDEX ci ON c(pid);
    INSERT INTO c VALUES('a', 9, 'bad'), ('b', 5, '2020-01-01'), ('c', 6, '2020-01-01'), ('d', 5, '2020-01-01');";

#[test]
fn a_row_is_numbered_alike_whatever_columns_are_read() {
    let place = Place::new(COVERED);
    place.arrives(&["orphans=set-null", "dates=quarantine"]);
    assert_eq!(place.word("SELECT string_agg(concat(k, ':', pid), ' ' ORDER BY k) FROM c"), "b:5 c:6 d:5");
    assert_eq!(place.word("SELECT string_agg(key, ';') FROM lite2pg.rejected_row"), "\"k\" IS 'a'");
}

#[test]
fn a_key_in_any_collation_and_direction_numbers_its_rows() {
    // The application's collation is a backwards one, of which nobody else knows.
    let place = Place::new(
        "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES(5), (6);
         CREATE TABLE c(k TEXT COLLATE NOCASE, n INTEGER, pid INTEGER REFERENCES p(id), d DATE,
                        PRIMARY KEY(k DESC, n)) WITHOUT ROWID;
         CREATE TABLE s(k TEXT COLLATE app PRIMARY KEY, pid INTEGER REFERENCES p(id), d DATE) WITHOUT ROWID;
         CREATE INDEX ci ON c(pid); CREATE INDEX si ON s(pid);
         INSERT INTO c VALUES('a', 1, 9, 'bad'), ('B', 1, 5, '2020-01-01'), ('c', 2, 6, '2020-01-01'), ('c', 1, 8, 'no');
         INSERT INTO s VALUES('a', 9, 'bad'), ('b', 5, '2020-01-01'), ('c', 6, '2020-01-01'), ('d', 8, '2020-01-01');",
    );
    let lenient = |policies: &[&str]| Settings { accept: vec![Accept::All], ..place.settings(policies) };
    place.arrives_with(&lenient(&["orphans=set-null", "dates=quarantine"]));
    assert_eq!(place.word("SELECT string_agg(concat(k, n, ':', pid), ' ' ORDER BY n, k) FROM c"), "B1:5 c2:6");
    assert_eq!(place.word("SELECT string_agg(concat(k, ':', pid), ' ' ORDER BY k) FROM s"), "b:5 c:6 d:");
    place.clear();
    let report = place.arrives_with(&lenient(&["orphans=quarantine", "dates=quarantine"]));
    assert_eq!(report.rejected, 2 + 2);
    assert_eq!(place.word("SELECT string_agg(concat(k, n, ':', pid), ' ' ORDER BY n, k) FROM c"), "B1:5 c2:6");
    assert_eq!(place.word("SELECT string_agg(concat(k, ':', pid), ' ' ORDER BY k) FROM s"), "b:5 c:6");
}

#[test]
fn the_order_costs_no_sorting() {
    let place = Place::new(COVERED);
    let source = Source::open(&place.dir.join("s.db"), &Options::new(place.dir.join("work"))).unwrap();
    let (schema, _) = resolve(&source.raw_schema().unwrap());
    let mut reader = source.reader().unwrap();
    let table = schema.tables.iter().find(|t| t.name == "c").unwrap();
    let reading = Reading::of_table(table);
    for sql in [reading.columns([1], Bounds::default()), reading.rows(Bounds::default())] {
        let mut steps = Vec::new();
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        reader
            .for_each(&explain, &[], |row| {
                if let Value::Text(step) = row.get(3) {
                    steps.push(String::from_utf8_lossy(step).into_owned());
                }
                Ok::<(), lite2pg_engine::error::Error>(())
            })
            .unwrap();
        assert_eq!(steps, ["SCAN c"], "{sql}");
    }
}

#[test]
fn orphans_are_counted_as_postgresql_compares() {
    // Each time SQLite finds the parent: by number, under the parent's affinity, as doubles.
    for (sql, stays) in [
        (
            "CREATE TABLE p(k PRIMARY KEY); CREATE TABLE c(x REFERENCES p(k));
          INSERT INTO p VALUES(1), ('a'); INSERT INTO c VALUES(1.0), ('a');",
            "a",
        ),
        (
            "CREATE TABLE p(k NUMERIC PRIMARY KEY); CREATE TABLE c(x TEXT REFERENCES p(k));
          INSERT INTO p VALUES(1.5), ('a'); INSERT INTO c VALUES('1.50'), ('a');",
            "a",
        ),
        (
            "CREATE TABLE p(k PRIMARY KEY); CREATE TABLE c(x REFERENCES p(k));
          INSERT INTO p VALUES(1152921504606846976), (7); INSERT INTO c VALUES(1152921504606846976.0), (7);",
            "7",
        ),
    ] {
        let place = Place::new(sql);
        let report = place.migrate(&[]);
        assert_eq!(blocks(&report), [codes::ORPHANS], "{sql} {:#?}", report.findings);
        let report = place.arrives(&["orphans=not-valid"]);
        assert_eq!(report.rejected, 0);
        assert_eq!(place.word("SELECT count(*)::text FROM c"), "2");
        assert_eq!(place.word("SELECT convalidated::text FROM pg_constraint WHERE conname = 'c_x_fkey'"), "false");
        place.clear();
        assert_eq!(place.arrives(&["orphans=quarantine"]).rejected, 1);
        assert_eq!(place.word("SELECT string_agg(x::text, ',') FROM c"), stays);
        assert_eq!(place.word("SELECT convalidated::text FROM pg_constraint WHERE conname = 'c_x_fkey'"), "true");
        place.clear();
        assert_eq!(place.arrives(&["orphans=set-null"]).rejected, 0);
        assert_eq!(
            place.word("SELECT string_agg(coalesce(x::text, 'null'), ',' ORDER BY x NULLS FIRST) FROM c"),
            format!("null,{stays}")
        );
    }
}

#[test]
fn what_postgresql_takes_for_one_is_no_orphan() {
    let place = Place::new(
        "CREATE TABLE p(v INTERVAL PRIMARY KEY); CREATE TABLE c(v INTERVAL REFERENCES p(v));
         INSERT INTO p VALUES('P1D'); INSERT INTO c VALUES('P1D'), ('PT24H');",
    );
    place.arrives(&[]);
    assert_eq!(place.word("SELECT string_agg(v::text, ',' ORDER BY v::text) FROM c"), "1 day,24:00:00");
    assert_eq!(place.word("SELECT convalidated::text FROM pg_constraint WHERE conname = 'c_v_fkey'"), "true");
}

#[test]
fn a_key_repeats_what_postgresql_takes_for_one() {
    let place = Place::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTERVAL UNIQUE);
         INSERT INTO t VALUES(1, 'P1D'), (2, 'PT24H'), (3, 'P30D'), (4, 'P1M'), (5, 'P1Y'), (6, 'P365D');",
    );
    let report = place.migrate(&[]);
    assert_eq!(blocks(&report), [codes::DUPLICATE_KEY], "{:#?}", report.findings);
    let notes = Notes::default();
    let report = place.migrate_with(&place.settings(&["duplicate-key=quarantine"]), &notes);
    assert_eq!((report.exit, report.rejected), (0, 2), "{:#?}", report.findings);
    assert_eq!(place.word("SELECT string_agg(id::text, ',' ORDER BY id) FROM t"), "1,3,5,6");
    let told = "t: 2 rows are set aside because of a key";
    assert!(notes.0.lock().unwrap().iter().any(|n| n == told), "{:?}", notes.0);
    place.clear();
    place.arrives(&["duplicate-key=keep"]);
    assert_eq!(place.word("SELECT count(*)::text FROM t"), "6");

    let place = Place::new(
        r#"CREATE TABLE t(id INTEGER PRIMARY KEY, j JSON UNIQUE);
           INSERT INTO t VALUES(1, '{"a":1}'), (2, '{"a": 1.0}'), (3, '{"a":"1.0"}'), (4, '[10]'), (5, '[1]');"#,
    );
    let mut settings = place.settings(&["duplicate-key=quarantine"]);
    let choice = ColumnChoice { ty: Some(PgType::Jsonb), ..ColumnChoice::default() };
    settings.choices.columns.insert(("t".to_owned(), "j".to_owned()), choice);
    assert_eq!(place.arrives_with(&settings).rejected, 1);
    assert_eq!(place.word("SELECT string_agg(id::text, ',' ORDER BY id) FROM t"), "1,3,4,5");
}

#[test]
fn a_row_that_goes_for_its_own_sake_holds_no_key() {
    let place = Place::new(
        "CREATE TABLE t(k BLOB PRIMARY KEY, d DATE);
         INSERT INTO t VALUES(1, 'bad'), ('1', '2020-01-01'), ('2', '2020-01-01'), (2, 'bad');",
    );
    let notes = Notes::default();
    let report = place.migrate_with(&place.settings(&["duplicate-key=quarantine", "dates=quarantine"]), &notes);
    assert_eq!((report.exit, report.rejected), (0, 2), "{:#?}", report.findings);
    assert_eq!(place.word("SELECT string_agg(concat(k, ' ', d), ',' ORDER BY k) FROM t"), "1 2020-01-01,2 2020-01-01");
    assert_eq!(place.recorded(), ["d dates=quarantine 2 rowid = 1;rowid = 4"]);
    let told = "t: 2 rows are set aside because of a value that does not fit";
    assert!(notes.0.lock().unwrap().iter().any(|n| n == told), "{:?}", notes.0);
}

#[test]
fn a_misfit_beyond_the_limit_says_what_does_not_fit() {
    let place = Place::new(
        "CREATE TABLE t(k BLOB PRIMARY KEY, d DATE);
         INSERT INTO t VALUES(1, 'bad'), ('1', '2020-01-01'), ('2', '2020-01-01');",
    );
    let policies = ["duplicate-key=quarantine", "dates=quarantine"];
    let none = Settings { max_rejects: Some(MaxRejects::Rows(0)), ..place.settings(&policies) };
    let error = migrate(&none, &Show, &Cancel::new()).unwrap_err();
    assert_eq!((error.kind, error.object.as_deref()), (Kind::Rejected, Some("t.d")), "{error:?}");
    assert!(error.message.contains("the row where rowid = 1 holds") && error.message.contains("date"), "{error:?}");
}

#[test]
fn one_reference_is_one() {
    let place = Place::new(COVERED);
    let notes = Notes::default();
    place.migrate_with(&place.settings(&["orphans=set-null", "dates=quarantine"]), &notes);
    let told = "c: 1 reference becomes NULL";
    assert!(notes.0.lock().unwrap().iter().any(|n| n == told), "{:?}", notes.0);
}

#[test]
fn a_long_row_that_would_be_set_aside_asks_for_memory() {
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, d DATE, x BLOB);
               INSERT INTO t VALUES(1, '2020-01-01', NULL), (2, 'bad', zeroblob(3 << 20));";
    let place = Place::new(sql);
    let little = Settings { memory: 32 << 20, ..place.settings(&["dates=quarantine"]) };
    let error = migrate(&little, &Show, &Cancel::new()).unwrap_err();
    let hint = error.hint.clone().unwrap_or_default();
    assert_eq!(error.kind, Kind::Rejected, "{error:?}");
    assert!(hint.contains("--jobs 1 --memory 48MiB") && hint.contains("WHERE rowid = 2"), "{error:?}");
    let place = Place::new(sql);
    let enough = Settings { memory: 48 << 20, jobs: 1, ..place.settings(&["dates=quarantine"]) };
    assert_eq!(place.arrives_with(&enough).rejected, 1);
}

#[test]
fn a_misfit_is_recorded_under_its_column_and_policy() {
    let place = Place::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, d DATE, j JSON, m INTEGER, v VARCHAR(3));
         INSERT INTO t VALUES(1, 'a', '2020-01-01', '{}', 1, 'abc'), (2, 'a', 'bad', '{}', 1, 'abc'),
             (3, 'a', '2020-01-01', 'bad', 1, 'abc'), (4, 'a', '2020-01-01', '{}', 'bad', 'abc'),
             (5, 'a', '2020-01-01', '{}', 1, 'long'), (6, CAST(x'ff' AS TEXT), '2020-01-01', '{}', 1, 'abc');",
    );
    let policies = ["dates=quarantine", "json=quarantine", "mixed=quarantine", "too-long=quarantine"];
    let settings = Settings { max_rejects: Some(MaxRejects::Rows(9)), ..place.settings(&policies) };
    assert_eq!(place.arrives_with(&settings).rejected, 5);
    assert_eq!(
        place.recorded(),
        [
            "a --max-rejects 1 rowid = 6",
            "d dates=quarantine 1 rowid = 2",
            "j json=quarantine 1 rowid = 3",
            "m mixed=quarantine 1 rowid = 4",
            "v too-long=quarantine 1 rowid = 5",
        ]
    );
}

#[test]
fn what_is_recorded_is_what_was_chosen() {
    let place = Place::new(
        "CREATE TABLE b(id INTEGER PRIMARY KEY, b BLOB); INSERT INTO b VALUES(1, x'00'), (2, 't');
         CREATE TABLE k(k BLOB PRIMARY KEY); INSERT INTO k VALUES(1), ('1'), (NULL);
         CREATE TABLE n(n TEXT PRIMARY KEY); INSERT INTO n VALUES(NULL);",
    );
    place.arrives(&["null-key=keep", "duplicate-key=surrogate"]);
    let recorded = place.recorded();
    assert!(recorded.contains(&"b mixed=text 1 rowid = 2".to_owned()), "{recorded:?}");
    // The new key is there because of the duplicates.
    assert!(recorded.contains(&"k null-key=keep 1 rowid = 3".to_owned()), "{recorded:?}");
    assert!(recorded.contains(&"n null-key=keep 1 rowid = 1".to_owned()), "{recorded:?}");
    place.clear();
    place.arrives(&["null-key=surrogate", "duplicate-key=keep"]);
    let recorded = place.recorded();
    assert!(recorded.contains(&"n null-key=surrogate 1 rowid = 1".to_owned()), "{recorded:?}");
}
