//! Rows that a key or a type of PostgreSQL refuses: set aside whole, changed as a person chose, or given a new key.
//! Owns one case for each; the oracles are SQLite (what was there) and PostgreSQL (what arrived).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod breaking;
mod running;

use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Report;
use lite2pg_engine::run::{Cancel, MaxRejects, Settings, migrate, retry};
use lite2pg_engine::safety::rollback::{RollbackOptions, rollback};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::finding::codes;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::{Choices, ColumnChoice};
use lite2pg_model::mapping::policy::Policies;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, settings};
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
        let dir = std::env::temp_dir().join(format!("l2-quarantine-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off"], &[]) }
    }

    fn sqlite(&self, sql: &str) {
        let db = Connection::open(self.dir.join("s.db")).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
        db.execute_batch(sql).unwrap();
    }

    fn settings(&self, policies: &[&str]) -> Settings {
        let mut settings = settings(&self.dir.join("s.db"), &self.cluster, "postgres", &self.dir);
        settings.choices = Choices::of(Policies::parse(policies).unwrap());
        settings
    }

    /// The settings under which a column gets just this type.
    fn asked(&self, policies: &[&str], table: &str, column: &str, ty: PgType) -> Settings {
        let mut settings = self.settings(policies);
        let choice = ColumnChoice { ty: Some(ty), ..ColumnChoice::default() };
        settings.choices.columns.insert((table.to_owned(), column.to_owned()), choice);
        settings
    }

    fn migrate(&self, policies: &[&str]) -> Report {
        let settings = self.settings(policies);
        match migrate(&settings, &Show, &Cancel::new()) {
            Ok(report) => report,
            Err(e) => panic!("{e:?}"),
        }
    }

    /// Migrates to exit 0, and finds both sides equal again by `verify`.
    fn arrives(&self, policies: &[&str]) -> Report {
        let report = self.migrate(policies);
        assert_eq!(report.exit, 0, "{:#?}", report.findings);
        assert!(report.tables.iter().all(|t| t.verified), "{:#?}", report.tables);
        self.is_equal(report.rejected);
        report
    }

    fn is_equal(&self, rejected: u64) {
        let again = verify(&self.settings(&[]), Level::Rows, &Show, &Cancel::new()).unwrap();
        assert_eq!((again.exit, again.rejected), (0, rejected), "{:#?} {:#?}", again.findings, again.tables);
    }

    /// What PostgreSQL says, one text.
    fn word(&self, sql: &str) -> String {
        let row = self.cluster.client("postgres").query_one(sql, &[]);
        row.unwrap_or_else(|e| panic!("{sql}: {e:?}")).get::<_, Option<String>>(0).unwrap_or_default()
    }

    /// Rejected rows: table, key, column, classes and the hex of their bytes.
    fn rejected(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' | ', table_name, key, column_name, array_to_string(classes, ','), \
                   (SELECT string_agg(coalesce(encode(r, 'hex'), 'NULL'), ',' ORDER BY n) \
                    FROM unnest(raws) WITH ORDINALITY u(r, n))) FROM lite2pg.rejected_row ORDER BY table_name, row_number";
        self.cluster.client("postgres").query(sql, &[]).unwrap().iter().map(|r| r.get(0)).collect()
    }

    fn retry(&self, policies: &[&str]) -> Report {
        match retry(&self.settings(policies), &Show, &Cancel::new()) {
            Ok(report) => report,
            Err(e) => panic!("{e:?}"),
        }
    }

    fn undo(&self) {
        let options = RollbackOptions { purge: true, ..RollbackOptions::default() };
        rollback(&self.settings(&[]), options, &Show, &Cancel::new()).unwrap();
        assert_eq!(self.word("SELECT count(*)::text FROM pg_namespace WHERE nspname = 'lite2pg'"), "0");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn blocks(report: &Report) -> Vec<&str> {
    report.findings.iter().filter(|f| f.blocks()).map(|f| f.code.as_str()).collect()
}

#[test]
fn null_keys_go_whole_and_the_key_stays() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(a TEXT, b INTEGER NOT NULL, r, x BLOB, PRIMARY KEY(a, b));
         INSERT INTO t VALUES('k', 1, 0.5, x'00'), (NULL, -2, -0.0, x'00ff'), ('l', 3, 9e999, NULL);",
    );
    let first = place.migrate(&[]);
    assert_eq!(blocks(&first), [codes::NULL_KEY]);
    let report = place.arrives(&["null-key=quarantine"]);
    assert_eq!((report.tables[0].rows, report.tables[0].target_rows, report.tables[0].rejected), (3, 2, 1));
    let row = "t | rowid = 2 | a | null,integer,real,blob | NULL,fffffffffffffffe,8000000000000000,00ff";
    assert_eq!(place.rejected(), [row]);
    assert_eq!(place.word("SELECT string_agg(a, ',' ORDER BY a) FROM t"), "k,l");
    let primary =
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'p'";
    assert_eq!(place.word(primary), "PRIMARY KEY (a, b)");
    let counted = "SELECT rows || ' ' || array_to_string(keys, ';') FROM lite2pg.normalisation \
                   WHERE column_name = 'a' AND policy = 'null-key=quarantine'";
    assert_eq!(place.word(counted), "1 rowid = 2");
    // Done is done, also with rejected rows.
    assert!(place.migrate(&["null-key=quarantine"]).already_done);
    place.undo();
}

#[test]
fn a_key_that_is_unique_by_type_alone_keeps_its_first_row() {
    let place = Place::new();
    // 1 and '1' become one text, and so does x'31' beside '\x31'.
    place.sqlite(
        "CREATE TABLE t(k BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID; CREATE TABLE u(a BLOB, live INTEGER);
         INSERT INTO t VALUES(1, 10), ('1', 11), ('2', 12), (2, 13), (3, 14), ('it''s', 15);
         INSERT INTO u VALUES('1', 1), (1, 1), (2, 0), ('2', 0), (NULL, 1), (NULL, 1), ('x', 1);
         CREATE UNIQUE INDEX one ON u(a) WHERE live = 1 -- only these
         ;",
    );
    assert_eq!(blocks(&place.migrate(&[])), [codes::DUPLICATE_KEY, codes::DUPLICATE_KEY]);
    let report = place.arrives(&["duplicate-key=quarantine"]);
    assert_eq!(report.rejected, 3);
    // A WITHOUT ROWID table is read in the order of its key: numbers first.
    assert_eq!(place.word("SELECT string_agg(k || '=' || n, ' ' ORDER BY n) FROM t"), "1=10 2=13 3=14 it's=15");
    assert_eq!(
        place.rejected(),
        [
            "t | \"k\" IS '1' | k | text,integer | 31,000000000000000b",
            "t | \"k\" IS '2' | k | text,integer | 32,000000000000000c",
            "u | rowid = 2 | a | integer,integer | 0000000000000001,0000000000000001",
        ]
    );
    let unique = "SELECT indisunique::text FROM pg_index WHERE indexrelid = 'one'::regclass";
    assert_eq!(place.word(unique), "true");
    place.undo();
}

const FAMILY: &str = "
    CREATE TABLE p(id INTEGER PRIMARY KEY, k TEXT UNIQUE);
    CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
    CREATE TABLE g(id INTEGER PRIMARY KEY, c INTEGER REFERENCES c(id) ON DELETE CASCADE, n TEXT);
    CREATE TABLE tree(id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree(id));
    INSERT INTO p VALUES(1, 'a'), (2, 'b');
    INSERT INTO c VALUES(1, 1), (2, 99), (3, NULL), (4, 98);
    INSERT INTO g VALUES(1, 1, 'stays'), (2, 2, 'goes with its parent'), (3, 2, 'too'), (4, NULL, 'stays');
    INSERT INTO tree VALUES(1, NULL), (2, 1), (10, 77), (9, 10), (8, 9), (11, 10), (12, 11), (7, 8);";

#[test]
fn orphans_go_with_all_that_hangs_on_them() {
    let place = Place::new();
    place.sqlite(FAMILY);
    assert_eq!(blocks(&place.migrate(&[])), [codes::ORPHANS, codes::ORPHANS]);
    // The grandchildren's orphans are only made by the policy, and so the policy is asked about them too.
    let report = place.arrives(&["orphans=quarantine"]);
    let told = report.findings.iter().filter(|f| f.code == codes::ORPHANS).count();
    assert_eq!(told, 3, "{:#?}", report.findings);
    assert_eq!(place.word("SELECT string_agg(id::text, ',' ORDER BY id) FROM c"), "1,3");
    assert_eq!(place.word("SELECT string_agg(id::text, ',' ORDER BY id) FROM g"), "1,4");
    assert_eq!(place.word("SELECT string_agg(id::text, ',' ORDER BY id) FROM tree"), "1,2");
    assert_eq!(report.rejected, 2 + 2 + 6);
    let valid = "SELECT count(*)::text FROM pg_constraint WHERE contype = 'f' AND convalidated \
                 AND connamespace = 'public'::regnamespace";
    assert_eq!(place.word(valid), "3");
    place.undo();
}

#[test]
fn orphans_lose_their_reference() {
    let place = Place::new();
    place.sqlite(FAMILY);
    let report = place.arrives(&["orphans=set-null"]);
    assert_eq!(report.rejected, 0);
    assert_eq!(place.word("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c"), "1:1 2: 3: 4:");
    assert_eq!(place.word("SELECT string_agg(id::text, ',' ORDER BY id) FROM tree WHERE up IS NULL"), "1,10");
    let counted = "SELECT rows || ' ' || array_to_string(keys, ';') FROM lite2pg.normalisation \
                   WHERE table_name = 'c' AND policy = 'orphans=set-null'";
    assert_eq!(place.word(counted), "2 rowid = 2;rowid = 4");
    place.undo();
}

#[test]
fn set_null_does_not_answer_where_there_is_no_place_for_null() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p INTEGER NOT NULL REFERENCES p(id));
         INSERT INTO c VALUES(5);",
    );
    let report = place.migrate(&["orphans=set-null"]);
    assert_eq!(blocks(&report), [codes::ORPHANS]);
    let told = report.findings.iter().find(|f| f.code == codes::ORPHANS).unwrap();
    assert!(told.message.contains("p takes no NULL"), "{}", told.message);
}

#[test]
fn a_quarantined_parent_is_asked_about() {
    let place = Place::new();
    // The parent's second row goes, for its name is NULL; its child had a parent in SQLite.
    place.sqlite(
        "CREATE TABLE p(id INTEGER PRIMARY KEY, name TEXT NOT NULL); CREATE TABLE c(p INTEGER REFERENCES p(id));
         INSERT INTO p VALUES(1, 'a'); INSERT INTO c VALUES(1), (2);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE p(id INTEGER PRIMARY KEY, name TEXT)' WHERE name = 'p';
         PRAGMA writable_schema = RESET;
         INSERT INTO p VALUES(2, NULL);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE p(id INTEGER PRIMARY KEY, name TEXT NOT NULL)' WHERE name = 'p';
         PRAGMA writable_schema = RESET;",
    );
    let report = place.migrate(&["null-key=quarantine"]);
    assert_eq!(blocks(&report), [codes::ORPHANS], "{:#?}", report.findings);
    let report = place.arrives(&["null-key=quarantine", "orphans=quarantine"]);
    assert_eq!(report.rejected, 2);
    place.undo();
    assert_eq!(place.arrives(&["null-key=quarantine", "orphans=set-null"]).rejected, 1);
    assert_eq!(place.word("SELECT string_agg(coalesce(p::text, 'null'), ' ') FROM c"), "1 null");
}

#[test]
fn a_new_key_stands_in_for_one_that_does_not_hold() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(k TEXT PRIMARY KEY, id INTEGER); CREATE TABLE d(k BLOB PRIMARY KEY);
         CREATE TABLE c(k TEXT REFERENCES t(k));
         INSERT INTO t VALUES('a', 7), (NULL, 8), (NULL, 9); INSERT INTO d VALUES(1), ('1'); INSERT INTO c VALUES('a');",
    );
    let report = place.arrives(&["null-key=surrogate", "duplicate-key=surrogate"]);
    assert_eq!(report.rejected, 0);
    let keys = "SELECT string_agg(conrelid::regclass || ' ' || pg_get_constraintdef(oid), '; ' ORDER BY conrelid::regclass::text, contype) \
                FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND connamespace = 'public'::regnamespace";
    assert_eq!(
        place.word(keys),
        "c FOREIGN KEY (k) REFERENCES t(k); d PRIMARY KEY (id); t PRIMARY KEY (lite2pg_id); t UNIQUE (k)"
    );
    assert_eq!(place.word("SELECT count(DISTINCT lite2pg_id)::text FROM t"), "3");
    assert_eq!(place.word("INSERT INTO d(k) VALUES('2') RETURNING (id > 2)::text"), "true");
    place.cluster.sql("DELETE FROM d WHERE k = '2'");
    place.undo();
    assert_eq!(place.word("SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
}

#[test]
fn rows_are_tried_again_when_their_parent_has_come() {
    let place = Place::new();
    place.sqlite(FAMILY);
    place.arrives(&["orphans=quarantine"]);
    let before = place.rejected();
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (6, 0, 10), "{:#?}", report.findings);
    assert_eq!(place.rejected(), before);
    assert!(report.findings.iter().any(|f| f.message.contains("the row where rowid = 2")), "{:#?}", report.findings);
    // The application makes the parents of some; the source's tree gets its root.
    place.cluster.sql("INSERT INTO p VALUES (99, 'new')");
    place.sqlite("UPDATE tree SET up = 1 WHERE id = 10");
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (6, 9, 1), "{:#?}", report.findings);
    assert_eq!(place.word("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c"), "1:1 2:99 3:");
    assert_eq!(place.word("SELECT string_agg(id::text, ',' ORDER BY id) FROM g"), "1,2,3,4");
    assert_eq!(place.word("SELECT up::text FROM tree WHERE id = 10"), "1");
    assert_eq!(place.word("INSERT INTO tree(up) VALUES (12) RETURNING id::text"), "13");
    place.cluster.sql("DELETE FROM tree WHERE id = 13");
    // The row of p is the application's own; all else is equal.
    let again = verify(&place.settings(&[]), Level::Rows, &Show, &Cancel::new()).unwrap();
    let unequal: Vec<&str> = again.tables.iter().filter(|t| !t.verified).map(|t| t.name.as_str()).collect();
    assert_eq!(unequal, ["p"], "{:#?}", again.tables);
    place.cluster.sql("INSERT INTO p VALUES (98, 'newer')");
    assert_eq!(place.retry(&[]).exit, 0);
    assert_eq!(place.rejected(), Vec::<String>::new());
    place.cluster.sql("DELETE FROM c WHERE p > 90; DELETE FROM p WHERE id > 90");
    let refused = rollback(&place.settings(&[]), RollbackOptions::default(), &Show, &Cancel::new()).unwrap_err();
    assert!(refused.message.contains("public.c") && !refused.message.contains("public.tree"), "{}", refused.message);
    place.cluster.sql("INSERT INTO c VALUES (2, NULL), (4, NULL)");
    let audit = "SELECT string_agg(detail->>'arrived', ',' ORDER BY id) FROM lite2pg.audit_event \
                 WHERE event = 'retried rejected rows'";
    assert_eq!(place.word(audit), "0,9,1");
}

#[test]
fn a_key_is_mended_in_the_source_and_tried_again() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(a TEXT PRIMARY KEY, n INTEGER); INSERT INTO t VALUES('x', 1), (NULL, 2), (NULL, 3);
         CREATE TABLE d(k BLOB PRIMARY KEY, n INTEGER); INSERT INTO d VALUES(1, 1), ('1', 2);",
    );
    place.arrives(&["null-key=quarantine", "duplicate-key=quarantine"]);
    place.sqlite("UPDATE t SET a = 'y' WHERE n = 2; DELETE FROM d WHERE n = 1;");
    place.cluster.sql("DELETE FROM d");
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (6, 2, 1), "{:#?}", report.findings);
    place.is_equal(1);
    assert_eq!(place.word("SELECT string_agg(a, ',' ORDER BY n) FROM t"), "x,y");
    // Another person's row has taken the rowid meanwhile: the stored values are tried, and fail as before.
    place.sqlite("UPDATE t SET a = 'z', n = 4 WHERE n = 3");
    assert_eq!(place.retry(&[]).retried, 0);
}

/// 3000 rows in several chunks; every hundredth has no date, and there are blobs of all bytes beside it.
const DATES: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, d DATE, x BLOB);
    CREATE TABLE k(k TEXT PRIMARY KEY, d DATE) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO t SELECT i * 3, CASE WHEN i % 100 THEN '2024-01-02' ELSE 'no ' || i END, randomblob(50) FROM n;
    INSERT INTO k SELECT 'key' || id, d FROM t WHERE id < 900;
    UPDATE t SET d = CAST(x'00ff' AS TEXT), x = 'text' WHERE id = 300;";

fn chunked(mut settings: Settings) -> Settings {
    settings.chunk_bytes = 8 << 10;
    settings
}

#[test]
fn values_that_are_no_dates_go_with_their_rows() {
    let place = Place::new();
    place.sqlite(DATES);
    let policies = ["dates=quarantine", "invalid-utf8=bytea", "nul=bytea"];
    let report = migrate(&chunked(place.settings(&policies)), &Show, &Cancel::new()).unwrap();
    assert_eq!((report.exit, report.rejected), (0, 30 + 2), "{:#?}", report.findings);
    let lines: Vec<_> = report.tables.iter().map(|t| (t.rows, t.target_rows, t.rejected, t.verified)).collect();
    assert_eq!(lines, [(3000, 2970, 30, true), (299, 297, 2, true)]);
    place.is_equal(32);
    let chunks = place.word("SELECT count(*)::text FROM lite2pg.migration_chunk WHERE table_name = 't'");
    assert!(chunks.parse::<u32>().unwrap() > 10, "{chunks} chunks");
    assert_eq!(place.word("SELECT pg_typeof(d)::text FROM t LIMIT 1"), "date");
    let rows = place.rejected();
    assert_eq!(rows[0], "k | \"k\" IS 'key300' | d | text,text | 6b6579333030,00ff".replace("00ff", "6e6f20313030"));
    assert_eq!(rows[2], "t | rowid = 300 | d | integer,text,text | 000000000000012c,00ff,74657874");
    // Two workers: whose chunk comes first is not said.
    let counted = "SELECT rows || ' ' || cardinality(keys) || ' ' || ('rowid = 300' = ANY(keys)) \
                   FROM lite2pg.normalisation WHERE table_name = 't' AND policy = 'dates=quarantine'";
    assert_eq!(place.word(counted), "30 30 true");
    // The bytes are those that SQLite has.
    let db = Connection::open(place.dir.join("s.db")).unwrap();
    let mut client = place.cluster.client("postgres");
    for row in client.query("SELECT row_number, raws FROM lite2pg.rejected_row WHERE table_name = 't'", &[]).unwrap() {
        let sql = "SELECT CAST(d AS BLOB), CAST(x AS BLOB) FROM t WHERE id = ?1";
        let there: (Vec<u8>, Vec<u8>) =
            db.query_row(sql, [row.get::<_, i64>(0)], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        let here: Vec<Vec<u8>> = row.get(1);
        assert_eq!((&here[1], &here[2]), (&there.0, &there.1));
    }
    // Mended in the source, one arrives; mended in the target, all do.
    place.sqlite("UPDATE t SET d = '2000-02-29' WHERE id = 600");
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (6, 1, 31), "{:#?}", report.findings);
    place.is_equal(31);
    assert_eq!(place.word("SELECT d::text FROM t WHERE id = 600"), "2000-02-29");
    place.cluster.sql("ALTER TABLE k ALTER d TYPE text COLLATE \"C\"");
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (6, 2, 29), "{:#?}", report.findings);
    place.is_equal(29);
    assert_eq!(place.word("SELECT d FROM k WHERE k = 'key300'"), "no 100");
    let undone = rollback(&place.settings(&[]), RollbackOptions::default(), &Show, &Cancel::new()).unwrap();
    assert!(undone.was_published && undone.changed.is_empty(), "{undone:?}");
    assert_eq!(place.rejected(), Vec::<String>::new());
}

#[test]
fn without_a_limit_the_first_misfit_ends_the_run_before_it_begins() {
    let place = Place::new();
    place.sqlite(DATES);
    let report = migrate(&place.asked(&["dates=fail"], "t", "d", PgType::Date), &Show, &Cancel::new()).unwrap();
    assert_eq!(report.exit, 5);
    assert!(blocks(&report).contains(&codes::DATES), "{:?}", blocks(&report));
}

#[test]
fn a_limit_is_kept_and_can_be_raised_for_the_same_run() {
    let place = Place::new();
    place.sqlite(DATES);
    place.sqlite("DROP TABLE k");
    let mut settings = chunked(place.asked(&["dates=fail", "lossless", "dates=fail"], "t", "d", PgType::Date));
    settings.max_rejects = Some(MaxRejects::Rows(29));
    settings.jobs = 1;
    let error = migrate(&settings, &Show, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, Kind::Rejected, "{error}");
    assert_eq!(error.object.as_deref(), Some("t.d"));
    let expected = ["rowid = 9000", "storage class text", "x'6e6f2033303030'", "does not fit date", "29 rows"];
    assert!(expected.iter().all(|w| error.message.contains(w)), "{error}");
    // The statement that it names shows the row.
    let hint = error.hint.unwrap();
    let see = hint.split(": ").nth(1).unwrap().split("; ").next().unwrap();
    let db = Connection::open(place.dir.join("s.db")).unwrap();
    assert_eq!(db.query_row(see, [], |r| r.get::<_, String>(3)).unwrap(), "no 3000", "{see}");
    let before = place.rejected();
    assert_eq!(before.len(), 29);
    assert_eq!(place.word("SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"), "0");
    settings.max_rejects = Some(MaxRejects::Percent(1.0));
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    assert_eq!((report.exit, report.rejected), (0, 30), "{:#?}", report.findings);
    assert_eq!(place.rejected()[..29], before);
    place.is_equal(30);
}

#[test]
fn a_table_of_nothing_but_rejects() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE r(id INTEGER PRIMARY KEY, d TEXT, pad TEXT); CREATE TABLE w(k INTEGER PRIMARY KEY, d TEXT) WITHOUT ROWID;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO r SELECT i, 'no', hex(randomblob(60)) FROM n; INSERT INTO w SELECT id, d FROM r;",
    );
    let mut settings = chunked(place.asked(&[], "r", "d", PgType::Date));
    let choice = settings.choices.columns[&("r".to_owned(), "d".to_owned())].clone();
    settings.choices.columns.insert(("w".to_owned(), "d".to_owned()), choice);
    settings.max_rejects = Some(MaxRejects::Percent(100.0));
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    assert_eq!((report.exit, report.rejected), (0, 40_000), "{:#?}", report.findings);
    place.is_equal(40_000);
    assert_eq!(place.word("SELECT count(DISTINCT row_number)::text FROM lite2pg.rejected_row"), "20000");
    assert_eq!(place.word("SELECT cardinality(keys)::text FROM lite2pg.normalisation WHERE table_name = 'r'"), "100");
}

#[test]
fn a_parent_that_does_not_fit_is_missed_by_its_children() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE p(id INTEGER PRIMARY KEY, d DATE); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
         INSERT INTO p VALUES(1, '2024-01-01'), (2, 'never'); INSERT INTO c VALUES(1, 1), (2, 2);",
    );
    assert_eq!(blocks(&place.migrate(&["dates=quarantine"])), [codes::ORPHANS]);
    let report = place.arrives(&["dates=quarantine", "orphans=quarantine"]);
    assert_eq!(report.rejected, 2);
    place.sqlite("UPDATE p SET d = '2024-12-31' WHERE id = 2");
    assert_eq!(place.retry(&[]).exit, 0);
    place.is_equal(0);
    assert_eq!(place.word("SELECT count(*)::text FROM c JOIN p ON p.id = c.p"), "2");
}

#[test]
fn child() {
    breaking::be_child();
}

#[test]
fn a_killed_run_goes_on_without_doubling_what_it_rejected() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = breaking::Place::new(&cluster, |path| {
        let db = Connection::open(path).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        db.execute_batch(DATES).unwrap();
        db.execute_batch(FAMILY).unwrap();
    });
    place.policies = ["lossless", "dates=quarantine", "orphans=quarantine"].map(str::to_owned).to_vec();
    place.settings.choices = breaking::choices(place.policies.iter().map(String::as_str));
    let sql = "SELECT count(*)::int8, count(DISTINCT (table_name, row_number))::int8 FROM lite2pg.rejected_row";
    let rejected = |place: &breaking::Place| {
        let row = place.client(&cluster).query_one(sql, &[]).unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let normalised = |place: &breaking::Place| {
        let sql = "SELECT table_name || column_name || policy || rows FROM lite2pg.normalisation ORDER BY 1";
        let rows = place.client(&cluster).query(sql, &[]).unwrap();
        rows.iter().map(|r| r.get(0)).collect::<Vec<String>>()
    };
    let report = place.must_migrate("uninterrupted");
    let (known, changed) = (rejected(&place), normalised(&place));
    assert_eq!(known, (42, 42));
    assert_eq!(report.rejected, 42);
    let before = place.rollback(RollbackOptions::default()).unwrap();
    assert!(before.changed.is_empty());
    assert_eq!(rejected(&place), (0, 0));
    place.must_undo("control tables");
    let (events, _) = place.run_child(usize::MAX);
    place.must_undo("the child's run");
    let copied = |e: &String| e.contains(r#""stage":"copy""#) || e.contains(r#""event":"rejected""#);
    let during: Vec<usize> = (0..events.len()).filter(|i| events.get(*i).is_some_and(copied)).collect();
    assert!(during.len() > 20, "{} events", during.len());
    for at in during.iter().step_by(during.len() / 8) {
        assert!(place.run_child(at + 1).1, "event {at}");
        let some = rejected(&place);
        assert!(some.0 <= 42 && some.0 == some.1, "{some:?}");
        let report = place.must_migrate("resumed");
        assert_eq!((rejected(&place), report.rejected), (known, 42), "killed at event {at}");
        assert_eq!(normalised(&place), changed, "killed at event {at}");
        place.must_undo("resumed");
        assert!(place.run_child(at + 1).1, "event {at}");
        place.must_undo("killed and undone");
    }
}

#[test]
fn a_policy_that_is_given_later_brings_the_rows() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, d DATE);
         INSERT INTO t VALUES(1, 'plain', '2024-01-01'), (2, CAST(x'6100ff62' AS TEXT), '2024-01-02'), (3, 'x', 'never');
         INSERT INTO t VALUES(4, CAST(x'e9' AS TEXT), '2024-01-03');",
    );
    let mut settings = place.asked(&[], "t", "d", PgType::Date);
    settings.max_rejects = Some(MaxRejects::Rows(3));
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    assert_eq!((report.exit, report.rejected), (0, 3), "{:#?}", report.findings);
    place.is_equal(3);
    let report = place.retry(&["nul=strip", "invalid-utf8=latin1"]);
    assert_eq!((report.exit, report.retried, report.rejected), (6, 2, 1), "{:#?}", report.findings);
    place.is_equal(1);
    assert_eq!(place.word("SELECT string_agg(a, ' ' ORDER BY id) FROM t"), "plain a\u{ff}b \u{e9}");
    assert_eq!(place.retry(&["dates=null"]).exit, 0);
    place.is_equal(0);
    assert_eq!(place.word("SELECT coalesce(d::text, 'null') FROM t WHERE id = 3"), "null");
    assert!(place.word("SELECT verified::text FROM lite2pg.checksum_verification") == "true");
}

#[test]
fn what_a_treatment_changes_is_counted_with_its_rows() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, e INTEGER NOT NULL, m);
         INSERT INTO t VALUES(1, 'plain', 1, 'text'), (2, CAST(x'6100' AS TEXT), 2, 7), (3, CAST(x'00ff' AS TEXT), '', 0.5);",
    );
    let report = place.arrives(&["nul=replace", "invalid-utf8=cp1252", "empty=null", "null-key=quarantine"]);
    assert_eq!(report.rejected, 1);
    let counted = "SELECT string_agg(concat_ws(' ', column_name, policy, rows, array_to_string(keys, '+')), '; ' \
                   ORDER BY column_name, policy) FROM lite2pg.normalisation";
    assert_eq!(
        place.word(counted),
        "a nul=replace 1 rowid = 2; e null-key=quarantine 1 rowid = 3; m mixed=text 1 rowid = 2"
    );
    assert_eq!(place.word("SELECT string_agg(a, ' ' ORDER BY id) FROM t"), "plain a\u{fffd}");
}

#[test]
fn what_is_loosened_names_the_rows_that_break_it() {
    let place = Place::new();
    place.sqlite(FAMILY);
    place.sqlite(
        "CREATE TABLE k(k BLOB PRIMARY KEY, n INTEGER CHECK(n > 0)) WITHOUT ROWID;
         INSERT INTO k VALUES(1, 1), ('1', -2), ('a', NULL);
         CREATE TABLE v(a TEXT PRIMARY KEY); INSERT INTO v VALUES(NULL), ('x');",
    );
    place.arrives(&["lossless"]);
    let counted = "SELECT string_agg(concat_ws(' ', table_name, column_name, policy, rows, array_to_string(keys, '+')), \
                   E'\\n' ORDER BY table_name COLLATE \"C\", policy) FROM lite2pg.normalisation";
    assert_eq!(
        place.word(counted).lines().collect::<Vec<_>>(),
        [
            "c p (c_p_fkey) orphans=not-valid 2 rowid = 2+rowid = 4",
            "k CHECK (n > 0) checks=not-valid 1 \"k\" IS '1'",
            "k primary key (k) duplicate-key=keep 1 true ORDER BY \"k\".\"k\" COLLATE BINARY LIMIT 1 OFFSET 1",
            "k k mixed=text 1 \"k\" IS 1",
            "tree up (tree_up_fkey) orphans=not-valid 1 rowid = 10",
            "v a null-key=keep 1 rowid = 1",
        ]
    );
}
