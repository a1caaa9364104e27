//! Rejected rows that are tried again: what arrives is what the source has, and exit 0 is only said of equal tables.
//! Owns one case for each promise; the oracles are SQLite, PostgreSQL and `verify`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Report;
use lite2pg_engine::run::{Cancel, MaxRejects, Settings, migrate, retry};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::mapping::choices::Choices;
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
        let dir = std::env::temp_dir().join(format!("l2-retry-{}-{n}", std::process::id()));
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

    fn migrate(&self, policies: &[&str]) -> Report {
        let settings = self.settings(policies);
        match migrate(&settings, &Show, &Cancel::new()) {
            Ok(report) => report,
            Err(e) => panic!("{e:?}"),
        }
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

    fn retry(&self, policies: &[&str]) -> Report {
        match retry(&self.settings(policies), &Show, &Cancel::new()) {
            Ok(report) => report,
            Err(e) => panic!("{e:?}"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

const NORMALISED: &str = "SELECT coalesce(string_agg(concat_ws(' ', table_name, column_name, policy, rows, \
    array_to_string(keys, '+')), '; ' ORDER BY table_name, column_name, policy), '') FROM lite2pg.normalisation";

const CHILDREN: &str = "INSERT INTO p VALUES(1);
     INSERT INTO c VALUES('k0', 1, '2020-01-01'), ('k1', 1, '2020-01-01'), ('k3', 1, 'bad'), ('k4', 99, '2020-01-01');";

#[test]
fn a_reference_is_kept_whatever_place_the_row_has_by_now() {
    for suffix in ["", " WITHOUT ROWID"] {
        let place = Place::new();
        place.sqlite(&format!(
            "CREATE TABLE p(id INTEGER PRIMARY KEY);
             CREATE TABLE c(k TEXT PRIMARY KEY, pid INTEGER REFERENCES p(id), d DATE){suffix}; {CHILDREN}"
        ));
        assert_eq!(place.migrate(&["dates=quarantine", "orphans=set-null"]).rejected, 1);
        place.sqlite("DELETE FROM c WHERE k = 'k1'; UPDATE c SET d = '2021-01-01' WHERE k = 'k3'; VACUUM");
        place.cluster.sql("DELETE FROM c WHERE k = 'k1'");
        let report = place.retry(&[]);
        assert_eq!((report.exit, report.retried), (0, 1), "{:#?}", report.findings);
        assert_eq!(place.word("SELECT string_agg(concat(k, ':', pid), ' ' ORDER BY k) FROM c"), "k0:1 k3:1 k4:");
        place.is_equal(0);
    }
}

#[test]
fn a_row_without_parent_loses_its_reference_and_that_is_recorded() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id), d DATE);
         INSERT INTO p VALUES(1); INSERT INTO c VALUES(1, 1, '2020-01-01'), (2, 99, 'bad'), (3, 98, '2020-01-01');",
    );
    assert_eq!(place.migrate(&["dates=quarantine", "orphans=set-null"]).rejected, 1);
    place.sqlite("UPDATE c SET d = '2021-01-01' WHERE id = 2");
    assert_eq!(place.retry(&[]).exit, 0);
    place.is_equal(0);
    assert_eq!(place.word("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c"), "1:1 2: 3:");
    assert_eq!(place.word(NORMALISED), "c p orphans=set-null 2 rowid = 3+rowid = 2");
}

#[test]
fn a_column_altered_so_that_its_rows_are_not_equal_any_more_takes_none() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, d DATETIME); INSERT INTO t VALUES(1, '2020-01-01T10:00'), (2, 'nodate');",
    );
    assert_eq!(place.migrate(&["dates=quarantine"]).rejected, 1);
    place.cluster.sql("ALTER TABLE t ALTER d TYPE text");
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (6, 0, 1), "{:#?}", report.findings);
    let reason = place.word("SELECT reason FROM lite2pg.rejected_row");
    assert!(reason.starts_with("the column d is text now, the plan says timestamp"), "{reason}");
    assert_eq!(place.word("SELECT count(*)::text FROM t"), "1");
    // Altered back and mended, it arrives.
    place.cluster.sql("ALTER TABLE t ALTER d TYPE timestamp USING d::timestamp");
    place.sqlite("UPDATE t SET d = '2021-01-01T10:00' WHERE id = 2");
    assert_eq!(place.retry(&[]).exit, 0);
    place.is_equal(0);
}

#[test]
fn another_choice_than_that_of_the_run_is_refused() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w TEXT);
         INSERT INTO t VALUES(1, CAST(x'61e9' AS TEXT), 'x'), (2, 'q', 'a' || char(0));",
    );
    let mut settings = place.settings(&["invalid-utf8=replace"]);
    settings.max_rejects = Some(MaxRejects::Rows(5));
    assert_eq!(migrate(&settings, &Show, &Cancel::new()).unwrap().rejected, 1);
    let error = retry(&place.settings(&["invalid-utf8=latin1", "nul=strip"]), &Show, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, Kind::Usage, "{error}");
    assert!(error.message.contains("invalid-utf8=latin1") && error.message.contains("invalid-utf8=replace"), "{error}");
    assert_eq!(place.retry(&["invalid-utf8=replace", "nul=strip"]).exit, 0);
    place.is_equal(0);
    assert_eq!(place.word(NORMALISED), "t v invalid-utf8=replace 1 rowid = 1; t w nul=strip 1 rowid = 2");
}

#[test]
fn what_a_policy_does_to_a_row_that_arrives_is_recorded() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, d DATE); INSERT INTO t VALUES(1, '2020-01-01'), (2, 'no'), (3, 'never');",
    );
    assert_eq!(place.migrate(&["dates=quarantine"]).rejected, 2);
    assert_eq!(place.word(NORMALISED), "t d dates=quarantine 2 rowid = 2+rowid = 3");
    place.sqlite("UPDATE t SET d = '2021-01-01' WHERE id = 2");
    assert_eq!(place.retry(&[]).exit, 6);
    assert_eq!(place.word(NORMALISED), "t d dates=quarantine 1 rowid = 3");
    assert_eq!(place.retry(&["dates=null"]).exit, 0);
    assert_eq!(place.word(NORMALISED), "t d dates=null 1 rowid = 3");
    place.is_equal(0);
}

#[test]
fn children_get_back_the_parent_that_arrives() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE p(k TEXT UNIQUE, d DATE); CREATE TABLE c(id INTEGER PRIMARY KEY, p TEXT REFERENCES p(k));
         CREATE TABLE tree(id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree(id), d DATE);
         INSERT INTO p VALUES('a', '2020-01-01'), ('b', 'nodate'), ('z', 'nodate');
         INSERT INTO c VALUES(1, 'a'), (2, 'b'), (3, 'b'), (4, 'none'), (5, 'z');
         INSERT INTO tree VALUES(1, NULL, 'bad'), (2, 1, '2020-01-01'), (3, 2, 'bad'), (4, 3, '2020-01-01');",
    );
    let report = place.migrate(&["dates=quarantine", "orphans=set-null"]);
    assert_eq!((report.exit, report.rejected), (0, 4), "{:#?}", report.findings);
    assert_eq!(place.word("SELECT count(p)::text FROM c"), "1");
    place.sqlite("UPDATE p SET d = '2022-02-02' WHERE k = 'b'; UPDATE tree SET d = '2022-02-02' WHERE d = 'bad'");
    // The application has given one of them another parent since.
    place.cluster.sql("UPDATE c SET p = 'a' WHERE id = 3");
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (7, 3, 1), "{:#?}", report.findings);
    assert_eq!(report.status, "different");
    assert_eq!(place.word("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c"), "1:a 2:b 3:a 4: 5:");
    assert_eq!(place.word("SELECT string_agg(concat(id, ':', up), ' ' ORDER BY id) FROM tree"), "1: 2:1 3:2 4:3");
    let audit = "SELECT detail->>'references_restored' FROM lite2pg.audit_event WHERE event = 'retried rejected rows'";
    assert_eq!(place.word(audit), "3");
    place.cluster.sql("UPDATE c SET p = 'b' WHERE id = 3");
    assert_eq!(place.retry(&[]).exit, 6);
    place.is_equal(1);
    place.sqlite("UPDATE p SET d = '2022-02-02' WHERE k = 'z'");
    assert_eq!(place.retry(&[]).exit, 0);
    place.is_equal(0);
    assert_eq!(place.word("SELECT string_agg(concat(id, ':', p), ' ' ORDER BY id) FROM c"), "1:a 2:b 3:b 4: 5:z");
}

#[test]
fn without_a_key_children_cannot_be_told_apart_and_nothing_is_changed() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE p(id INTEGER PRIMARY KEY, d DATE); CREATE TABLE c(p INTEGER REFERENCES p(id));
         INSERT INTO p VALUES(1, 'bad'); INSERT INTO c VALUES(1);",
    );
    assert_eq!(place.migrate(&["dates=quarantine", "orphans=set-null"]).rejected, 1);
    place.sqlite("UPDATE p SET d = '2022-02-02'");
    let error = retry(&place.settings(&[]), &Show, &Cancel::new()).unwrap_err();
    assert_eq!((error.kind, error.object.as_deref()), (Kind::Rejected, Some("c")), "{error}");
    assert_eq!(place.word("SELECT count(*)::text FROM p"), "0");
    assert_eq!(place.word("SELECT count(*)::text FROM lite2pg.rejected_row"), "1");
}

#[test]
fn a_row_that_was_deleted_in_the_source_stays_deleted() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, d DATE); CREATE TABLE n(v TEXT, d DATE);
         INSERT INTO t VALUES(1, '2020-01-01'), (2, 'nodate'); INSERT INTO n VALUES('x', '2020-01-01'), ('y', 'nodate');",
    );
    assert_eq!(place.migrate(&["dates=quarantine"]).rejected, 2);
    place.sqlite("DELETE FROM t WHERE id = 2; DELETE FROM n WHERE v = 'y'");
    let report = place.retry(&["dates=null"]);
    assert_eq!((report.exit, report.retried, report.rejected), (0, 0, 0), "{:#?}", report.findings);
    assert_eq!(place.word("SELECT count(*)::text FROM (SELECT FROM t UNION ALL SELECT FROM n) a"), "2");
    assert_eq!(place.word(NORMALISED), "");
    let audit = "SELECT detail->>'gone_from_the_source' FROM lite2pg.audit_event WHERE event = 'retried rejected rows'";
    assert_eq!(place.word(audit), "2");
    place.is_equal(0);
}

#[test]
fn a_mended_key_is_found_by_rowid_and_nothing_is_made_up_without_one() {
    let place = Place::new();
    place.sqlite(
        "CREATE TABLE t(k BLOB PRIMARY KEY, v TEXT); CREATE TABLE w(k BLOB PRIMARY KEY, v TEXT) WITHOUT ROWID;
         INSERT INTO t VALUES(1, 'a'), ('1', 'b'), ('x', 'c'); INSERT INTO w SELECT * FROM t;",
    );
    assert_eq!(place.migrate(&["duplicate-key=quarantine"]).rejected, 2);
    place.sqlite("UPDATE t SET k = '2' WHERE v = 'b'; UPDATE w SET k = '2' WHERE v = 'b'");
    let report = place.retry(&[]);
    assert_eq!((report.exit, report.retried, report.rejected), (7, 1, 1), "{:#?}", report.findings);
    assert_eq!(place.word("SELECT string_agg(concat(k, v), ' ' ORDER BY v) FROM t"), "1a 2b xc");
    assert_eq!(place.word("SELECT count(*)::text FROM w"), "2");
    let reason = place.word("SELECT reason FROM lite2pg.rejected_row");
    assert!(reason.starts_with("the source has no such row any more"), "{reason}");
    // Truthful: verify sees that too.
    let again = verify(&place.settings(&[]), Level::Rows, &Show, &Cancel::new()).unwrap();
    assert_eq!(again.exit, 7);
    // With its old key it is found again; the row that was in its way is gone.
    place.sqlite("UPDATE w SET k = '1' WHERE v = 'b'; DELETE FROM w WHERE v = 'a'");
    place.cluster.sql("DELETE FROM w");
    place.cluster.sql("INSERT INTO w VALUES ('x', 'c')");
    assert_eq!(place.retry(&[]).exit, 0);
    place.is_equal(0);
}
