//! `--memory` is a ceiling of the whole process, with many workers and rows that are wide, long or many.
//! Owns these cases; the oracle is the kernel's count of a child process's peak memory.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod running;

use lite2pg_engine::observe::{Event, Observer, Report, memory};
use lite2pg_engine::run::{Cancel, Settings, migrate};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_testkit::cluster::Cluster;
use running::{settings_for, target};
use rusqlite::Connection;
use std::path::Path;
use std::process::Command;

const ROLE: &str = "LITE2PG_TEST_CEILING";
const MEMORY: u64 = 64 << 20;
const JOBS: usize = 8;

/// Tells where memory grew.
struct Peaks;

impl Observer for Peaks {
    fn see(&self, event: &Event) {
        if let Event::StageDone { stage, .. } = event {
            println!("{stage}: {} MiB so far", memory::peak_rss() >> 20);
        }
    }
}

#[test]
fn child() {
    let Ok(config) = std::env::var(ROLE) else { return };
    let [does, dir, host, port] = config.split('|').collect::<Vec<_>>().try_into().unwrap();
    let dir = Path::new(dir);
    let settings = Settings {
        memory: MEMORY,
        jobs: JOBS,
        chunk_bytes: 1 << 20,
        ..settings_for(&dir.join("s.db"), target(host, port.parse().unwrap(), "postgres"), dir)
    };
    let report = match does {
        "verify" => verify(&settings, Level::Checksums, &Peaks, &Cancel::new()),
        _ => migrate(&settings, &Peaks, &Cancel::new()),
    };
    println!("@@ {}", serde_json::to_string(&report.unwrap_or_else(|e| panic!("{e:?}"))).unwrap());
}

#[test]
fn eight_workers_keep_to_64_mib_whatever_the_rows() {
    let dir = std::env::temp_dir().join(format!("l2-ceiling-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let cluster = Cluster::start(&["fsync = off", "max_connections = 30"], &[]);
    let db = Connection::open(dir.join("s.db")).unwrap();
    let list = |n: usize, column: &dyn Fn(usize) -> String| (0..n).map(column).collect::<Vec<_>>().join(", ");
    let count = |n: u32| format!("WITH RECURSIVE i(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < {n})");
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF").unwrap();
    for sql in [
        // Rows of 2 MB, of which no value is long.
        format!("CREATE TABLE heavy (id INTEGER PRIMARY KEY, {})", list(20, &|i| format!("t{i} TEXT"))),
        format!(
            "{} INSERT INTO heavy SELECT n, {} FROM i",
            count(60),
            list(20, &|i| format!("printf('%.*c', 95000 + n * {i}, 'x')"))
        ),
        // Many columns.
        format!("CREATE TABLE wide (id INTEGER PRIMARY KEY, {})", list(1200, &|i| format!("c{i} BOOLEAN"))),
        format!("{} INSERT INTO wide SELECT n, {} FROM i", count(400), list(1200, &|i| format!("(n + {i}) % 2"))),
        // Many chunks.
        "CREATE TABLE many (id INTEGER PRIMARY KEY, a TEXT, b REAL)".to_owned(),
        format!("{} INSERT INTO many SELECT n, 'row number ' || n, n / 7.0 FROM i", count(400_000)),
    ] {
        db.execute_batch(&sql).unwrap();
    }
    drop(db);
    for does in ["migrate", "verify"] {
        let config = format!("{does}|{}|{}|{}", dir.display(), cluster.socket_dir.display(), cluster.port);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["child", "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, config);
        let out = command.output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        let line = text.lines().find_map(|l| l.split_once("@@ ")).unwrap_or_else(|| panic!("{out:?}")).1;
        let report: Report = serde_json::from_str(line).unwrap();
        assert_eq!(report.exit, 0, "{does}: {:?}", report.findings);
        assert!(report.tables.iter().all(|t| t.verified) && report.tables.len() == 3);
        println!("{does}: {} MiB at most", report.peak_rss_bytes >> 20);
        assert!(report.peak_rss_bytes <= MEMORY, "{does}: {text}");
    }
    let _ = std::fs::remove_dir_all(&dir);
}
