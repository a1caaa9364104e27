//! `verify` at each level, on a target whose rows somebody changed: counts see numbers, checksums see tables, rows see each row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod running;

use lite2pg_engine::observe::report::{How, Report};
use lite2pg_engine::run::{Cancel, Settings, migrate};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use running::{Show, settings};

const SOURCE: &str = "
    CREATE TABLE keyed (a INTEGER, b TEXT, n REAL, PRIMARY KEY (a, b)) WITHOUT ROWID;
    WITH RECURSIVE i(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < 5000)
    INSERT INTO keyed SELECT n / 3, 'k' || n, n / 7.0 FROM i;
    CREATE TABLE keyless (x TEXT, y BLOB);
    INSERT INTO keyless VALUES ('twice', x'00ff'), ('twice', x'00ff'), ('once''s \\ odd', NULL), (NULL, NULL);
    CREATE TABLE untouched (id INTEGER PRIMARY KEY, at DATETIME);
    INSERT INTO untouched VALUES (1, '2024-01-01 00:00:00'), (2, NULL);
    CREATE TABLE long (id INTEGER PRIMARY KEY, b BLOB, n INTEGER);
    INSERT INTO long VALUES (1, randomblob(2000000), 1), (2, randomblob(2500000), 2), (3, x'01', 3);";

fn table<'a>(report: &'a Report, name: &str) -> &'a lite2pg_engine::observe::report::TableReport {
    report.tables.iter().find(|t| t.name == name).unwrap()
}

#[test]
fn every_difference_is_counted_and_named_at_the_level_that_sees_it() {
    let cluster = Cluster::start(&[], &[]);
    let dir = tempdir();
    let path = dir.join("source.db");
    fixtures::make(&path, SOURCE);
    // Then a value of two megabytes is too long to be held whole.
    let settings = Settings { memory: 32 << 20, ..settings(&path, &cluster, "postgres", &dir) };
    let look = |level| verify(&settings, level, &Show, &Cancel::new()).unwrap();
    assert_eq!(migrate(&settings, &Show, &Cancel::new()).unwrap().exit, 0);
    for level in [Level::Counts, Level::Checksums, Level::Rows] {
        let report = look(level);
        assert_eq!((report.exit, report.compared_now.as_str()), (0, level.word()));
        assert!(report.tables.iter().all(|t| t.verified), "{report:?}");
    }
    cluster
        .client("postgres")
        .batch_execute(
            "UPDATE keyed SET n = n + 1e-12 WHERE b = 'k7'; DELETE FROM keyed WHERE b = 'k8';
             INSERT INTO keyed VALUES (99, 'k''new', 1);
             DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless WHERE x = 'twice');
             UPDATE keyless SET y = '\\x01' WHERE x LIKE 'once%';
             UPDATE long SET b = b || '\\x01' WHERE id = 1; UPDATE long SET b = '\\x02' WHERE id = 2",
        )
        .unwrap();
    let counts = look(Level::Counts);
    assert_eq!(counts.exit, 7);
    assert!(table(&counts, "keyed").verified && !table(&counts, "keyless").verified, "{counts:?}");
    let sums = look(Level::Checksums);
    assert!(!table(&sums, "keyed").verified && !table(&sums, "keyless").verified && table(&sums, "untouched").verified);
    let report = look(Level::Rows);
    assert_eq!(report.exit, 7);
    let keyed = table(&report, "keyed").differences.clone().unwrap();
    assert_eq!((keyed.missing, keyed.extra, keyed.changed), (1, 1, 1), "{keyed:?}");
    let changed = keyed.named.iter().find(|d| d.how == How::Changed).unwrap();
    assert_eq!(changed.key, "a = 2, b = 'k7'");
    assert_eq!(changed.columns.iter().map(|c| c.column.as_str()).collect::<Vec<_>>(), ["n"]);
    let keyless = table(&report, "keyless").differences.clone().unwrap();
    assert_eq!((keyless.missing, keyless.extra, keyless.changed), (2, 1, 0), "{keyless:?}");
    let long = table(&report, "long").differences.clone().unwrap();
    assert_eq!((long.missing, long.extra, long.changed), (0, 0, 2), "{long:?}");
    assert_eq!(long.named.iter().map(|d| d.key.as_str()).collect::<Vec<_>>(), ["id = 1", "id = 2"]);
    assert!(long.named.iter().all(|d| d.columns.iter().any(|c| c.column == "b")), "{long:?}");
    assert_eq!(table(&report, "untouched").differences.as_ref().map(|d| d.count()), Some(0));
    // Each statement finds its row, and only where that is.
    let db = rusqlite::Connection::open(&path).unwrap();
    let mut client = cluster.client("postgres");
    for row in keyed.named.iter().chain(&keyless.named).chain(&long.named) {
        let here = db.prepare(&row.source_sql).unwrap().query_map([], |_| Ok(())).unwrap().count();
        let there = client.query(&row.target_sql, &[]).unwrap().len();
        match row.how {
            How::Missing => assert!(here > 0 && there < here, "{row:?}"),
            How::Extra => assert!(here == 0 && there == 1, "{row:?}"),
            How::Changed => assert!(here == 1 && there == 1, "{row:?}"),
        }
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

fn tempdir() -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("lite2pg-verify-rows-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
