//! PostgreSQL's limits are foreseen before the first row moves.
//! Owns one case for each limit; the oracle is PostgreSQL.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use lite2pg_engine::observe::Report;
use lite2pg_engine::run::{Accept, Cancel, Settings, migrate};
use lite2pg_model::finding::{Finding, Severity, codes};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::codec::MAX_FIELD_BYTES;
use lite2pg_model::mapping::decide::decide;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::mapping::profile::long::LongValue;
use lite2pg_model::plan::limits::on_page;
use lite2pg_model::schema::{RawColumn, RawObject, RawSchema, RawTable};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Class;
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
        let dir = std::env::temp_dir().join(format!("l2-limits-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off"], &[]) }
    }

    fn run(&self, sql: &str) -> Report {
        let path = self.dir.join("s.db");
        let _ = std::fs::remove_file(&path);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let settings = settings(&path, &self.cluster, "postgres", &self.dir);
        migrate(&Settings { accept: vec![Accept::All], ..settings }, &Show, &Cancel::new()).unwrap()
    }

    fn word(&self, sql: &str) -> String {
        self.cluster.client("postgres").query_one(sql, &[]).unwrap().get(0)
    }

    fn untouched(&self) -> bool {
        self.word("SELECT count(*)::text FROM pg_namespace WHERE nspname LIKE 'lite2pg%'") == "0"
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn blocking(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|f| f.blocks()).collect()
}

fn columns(n: usize, declared: &str) -> String {
    (0..n).map(|i| format!("c{i} {declared}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_table_of_1601_columns_is_refused_and_one_of_1600_is_not() {
    let place = Place::new();
    let report = place.run(&format!("CREATE TABLE t({}); INSERT INTO t(c7) VALUES (7)", columns(1601, "INTEGER")));
    assert_eq!((report.exit, blocking(&report)[0].code.as_str()), (5, codes::TOO_MANY_COLUMNS), "{report:?}");
    assert!(place.untouched());
    let report = place.run(&format!("CREATE TABLE t({}); INSERT INTO t(c7) VALUES (7)", columns(1600, "INTEGER")));
    assert_eq!((report.exit, report.tables[0].verified), (0, true), "{report:?}");
    let limit = place.cluster.client("postgres").batch_execute("ALTER TABLE t ADD COLUMN one_more int");
    assert!(limit.is_err(), "PostgreSQL's limit is another");
}

#[test]
fn rows_are_measured_as_postgresql_stores_them() {
    let place = Place::new();
    let mut client = place.cluster.client("postgres");
    let text = |n: usize| (PgType::Text, Some(n as u64), format!("'{}'", "x".repeat(n)));
    let kinds: Vec<(PgType, Option<u64>, String)> = vec![
        (PgType::BigInt, Some(1), "1".into()),
        (PgType::SmallInt, Some(1), "1".into()),
        (PgType::Boolean, Some(1), "true".into()),
        (PgType::Uuid, Some(36), "'00000000-0000-0000-0000-000000000001'".into()),
        (PgType::Interval, Some(5), "'1 day'".into()),
        (PgType::MacAddr, Some(17), "'08:00:2b:01:02:03'".into()),
        text(0),
        text(22),
        text(23),
        text(24),
        text(5000),
    ];
    // Each kind alone, and all in turn with a NULL now and then.
    let mut mixes: Vec<Vec<usize>> = (0..kinds.len()).map(|i| vec![i]).collect();
    mixes.push((0..kinds.len()).collect());
    mixes.push(vec![2, 0, 1, 8, 4, usize::MAX]);
    for mix in mixes {
        let kind = |i: usize| kinds.get(mix[i % mix.len()]).cloned().unwrap_or((PgType::BigInt, None, "NULL".into()));
        let size = |n: usize| on_page(&(0..n).map(|i| (kind(i).0, kind(i).1)).collect::<Vec<_>>());
        let Some(border) = (1..=1600).find(|n| size(*n) > 8160) else { continue };
        for (n, fits) in [(border - 1, true), (border, false)] {
            let list = (0..n).map(|i| format!("c{i} {}", kind(i).0.sql())).collect::<Vec<_>>().join(", ");
            let row = (0..n).map(|i| kind(i).2).collect::<Vec<_>>().join(", ");
            client.batch_execute(&format!("DROP TABLE IF EXISTS m; CREATE TABLE m ({list})")).unwrap();
            let stored = client.batch_execute(&format!("INSERT INTO m VALUES ({row})"));
            assert_eq!(stored.is_ok(), fits, "{n} columns of {mix:?}, {} bytes: {stored:?}", size(n));
        }
    }
}

#[test]
fn a_row_that_fits_no_page_is_refused_and_columns_that_are_never_full_together_are_not() {
    let place = Place::new();
    let table = format!("CREATE TABLE t({});", columns(1200, "REAL"));
    let half = |from: usize| (from..from + 600).map(|i| format!("c{i}")).collect::<Vec<_>>().join(", ");
    let some = vec!["1.5"; 600].join(", ");
    let apart =
        format!("{table} INSERT INTO t({}) VALUES ({some}); INSERT INTO t({}) VALUES ({some});", half(0), half(600));
    let together = format!("{apart} INSERT INTO t VALUES ({some}, {some});");
    let report = place.run(&together);
    let blocks = blocking(&report);
    assert_eq!((report.exit, blocks.len(), blocks[0].code.as_str()), (5, 1, codes::TOO_LARGE), "{blocks:?}");
    assert!(blocks[0].message.contains("9,624"), "{}", blocks[0].message);
    assert!(place.untouched());
    let report = place.run(&apart);
    assert_eq!((report.exit, report.tables[0].verified), (0, true), "{:?}", report.findings);
}

#[test]
fn names_of_more_than_63_bytes_are_told_and_the_largest_key_too() {
    let place = Place::new();
    let long = "überaus_".repeat(9);
    let report = place.run(&format!(
        "CREATE TABLE \"{long}\"(\"{long}\" INTEGER PRIMARY KEY, v TEXT);
         INSERT INTO \"{long}\" VALUES (9223372036854775807, 'last'), (1, 'first');"
    ));
    assert_eq!((report.exit, report.tables[0].verified), (0, true), "{report:?}");
    let of = |code: &str| report.findings.iter().filter(|f| f.code == code).count();
    assert_eq!((of(codes::RENAMED), of(codes::NO_NEXT_KEY)), (2, 1), "{:?}", report.findings);
    assert!(report.findings.iter().all(|f| f.severity != Severity::Blocking));
    let target = report.tables[0].target.strip_prefix("public.").unwrap();
    assert!(target.len() <= 63, "{target}");
    let mut client = place.cluster.client("postgres");
    let next = client.batch_execute(&format!("INSERT INTO \"{target}\"(v) VALUES ('next')"));
    assert!(next.is_err(), "there is no key after the last");
}

/// What is found of a table of blobs with one row of such lengths. SQLite as it is usually built makes no row of more
/// than 1,000,000,000 bytes, but it can be built to make longer ones.
fn found(lengths: &[u64]) -> Vec<Finding> {
    let names: Vec<String> = (0..lengths.len()).map(|i| format!("c{i}")).collect();
    let sql = format!("CREATE TABLE t({} BLOB)", names.join(" BLOB, "));
    let columns = names.iter().map(|n| RawColumn { name: n.clone(), declared: "BLOB".into(), ..RawColumn::default() });
    let t = || "t".to_owned();
    let raw = RawSchema {
        objects: vec![RawObject { kind: "table".into(), name: t(), table: t(), sql: Some(sql) }],
        table_list: [(t(), RawTable { kind: "table".into(), ..RawTable::default() })].into(),
        columns: [(t(), columns.collect())].into(),
        ..RawSchema::default()
    };
    let (schema, _) = resolve(&raw);
    let mut profile = TableProfile::for_table(&schema.tables[0]);
    for (column, length) in profile.columns.iter_mut().zip(lengths) {
        column.observe_huge(Class::Blob, *length, &LongValue::new());
    }
    (profile.rows, profile.bytes) = (1, lengths.iter().sum());
    profile.max_row_bytes = profile.bytes;
    let choices = Choices::default();
    let (_, findings) = decide(&schema, &[(t(), profile)].into(), &choices);
    findings.into_iter().filter(|f| f.code == codes::TOO_LARGE).collect()
}

#[test]
fn fields_and_rows_of_a_gigabyte_are_refused() {
    let limit = MAX_FIELD_BYTES as u64;
    assert_eq!(found(&[limit]), []);
    assert_eq!(found(&[limit + 1])[0].object, "t.c0");
    assert_eq!(found(&[limit / 2, limit / 2]), []);
    let row = found(&[600_000_000, 600_000_000]);
    assert!(row.len() == 1 && row[0].object == "t" && row[0].blocks(), "{row:?}");
}
