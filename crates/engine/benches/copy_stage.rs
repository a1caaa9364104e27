//! The copy stage against the floor: the server's own `COPY FROM file` of the same rows, side by side in one run.
//! Owns this one measurement (medians and their ratio, peak memory of the migrator); never judges it.
//!
//! `cargo bench -p lite2pg-engine --bench copy_stage [-- ROWS RUNS JOBS]` (defaults 5,000,000, 5 and 2).
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a measurement that cannot go on must stop, and is shown")]

#[path = "../tests/running/mod.rs"]
mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_testkit::cluster::Cluster;
use std::path::Path;
use std::time::Instant;

/// Shaped like an application's event log: narrow rows, an integer key, two secondary indexes, a foreign key.
fn events(path: &Path, rows: i64) {
    let db = rusqlite::Connection::open(path).expect("a new database");
    db.execute_batch(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
         CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, created_at DATETIME);
         CREATE TABLE events(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), kind TEXT NOT NULL,
             amount REAL, ok BOOLEAN NOT NULL, at DATETIME NOT NULL);",
    )
    .expect("tables");
    let count = |n: i64| format!("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {n})");
    let users = (rows / 50).max(1);
    db.execute_batch(&format!(
        "BEGIN; {} INSERT INTO users SELECT i, 'user' || i || '@example.com', datetime(1000000000 + i, 'unixepoch') FROM n;
         {} INSERT INTO events SELECT i, i * 7919 % {users} + 1,
             CASE i % 5 WHEN 0 THEN 'click' WHEN 1 THEN 'view' WHEN 2 THEN 'purchase' WHEN 3 THEN 'refund' ELSE 'login' END,
             (i * 2654435761 % 1000003) / 1000.0 + 0.0137, i % 3 = 0, datetime(1000000000 + i, 'unixepoch') FROM n;
         COMMIT; CREATE INDEX idx_events_user ON events(user_id); CREATE INDEX idx_events_at ON events(at);",
        count(users),
        count(rows)
    ))
    .expect("rows");
}

fn main() {
    let numbers: Vec<i64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let of = |i: usize, default: i64| numbers.get(i).copied().unwrap_or(default);
    let (rows, runs, jobs) = (of(0, 5_000_000), of(1, 5), of(2, 2));
    if std::env::args().any(|a| a == "--one-migration") {
        return one_migration();
    }
    let dir = Path::new("/tmp").join(format!("lite2pg-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    std::os::unix::fs::chown(&dir, None, None).expect("a directory of ours");
    let _ = std::process::Command::new("chmod").arg("0777").arg(&dir).status();
    let source = dir.join("events.sqlite");
    events(&source, rows);
    let settings = ["fsync = off", "shared_buffers = 1GB", "maintenance_work_mem = 512MB", "max_wal_size = 8GB"];
    let cluster = Cluster::start(&settings, &[]);
    println!("PostgreSQL with {}; {rows} rows, {jobs} workers, {runs} runs", settings.join(", "));
    let file = dir.join("events.bin");
    let (mut ours, mut floor, mut memory) = (Vec::new(), Vec::new(), 0_u64);
    for run in 0..runs {
        cluster.sql(&format!("CREATE DATABASE ours{run}"));
        cluster.sql("CHECKPOINT");
        let child = std::process::Command::new(std::env::current_exe().expect("our own path"))
            .args(["--one-migration", "--", &source.display().to_string(), &cluster.socket_dir.display().to_string()])
            .args([&cluster.port.to_string(), &format!("ours{run}"), &dir.display().to_string(), &jobs.to_string()])
            .output()
            .expect("a child");
        let out = String::from_utf8_lossy(&child.stdout).into_owned();
        let words: Vec<f64> = out.split_whitespace().filter_map(|w| w.parse().ok()).collect();
        assert!(child.status.success() && words.len() == 3, "{out}{}", String::from_utf8_lossy(&child.stderr));
        ours.push(words[0]);
        memory = memory.max(words[2] as u64);
        let mut client = cluster.client(&format!("ours{run}"));
        if run == 0 {
            client
                .batch_execute(&format!("COPY events TO '{}' (FORMAT binary)", file.display()))
                .expect("rows in a file the server can read");
        }
        client.batch_execute("CREATE TABLE floor (LIKE events)").expect("a table");
        cluster.sql("CHECKPOINT");
        let begin = Instant::now();
        client.batch_execute(&format!("COPY floor FROM '{}' (FORMAT binary)", file.display())).expect("the floor");
        floor.push(begin.elapsed().as_secs_f64());
        println!("  copy stage {:.2} s (all {:.2} s)   floor {:.2} s", words[0], words[1], floor[floor.len() - 1]);
        drop(client);
        cluster.sql(&format!("DROP DATABASE ours{run}"));
    }
    let (ours, floor) = (median(ours), median(floor));
    println!("copy stage {ours:.2} s, floor {floor:.2} s: {:.2} of the floor's speed", floor / ours);
    println!("peak memory of the migrator {} MiB", memory >> 20);
    let _ = std::fs::remove_dir_all(&dir);
}

fn one_migration() {
    let args: Vec<String> = std::env::args().skip_while(|a| a != "--").skip(1).collect();
    let [source, socket, port, db, dir, jobs] = args.as_slice() else { return };
    let spec = running::target(socket, port.parse().expect("a port"), db);
    let mut settings = running::settings_for(Path::new(source), spec, Path::new(dir));
    settings.jobs = jobs.parse().expect("a number of workers");
    settings.chunk_bytes = 64 << 20;
    let report = migrate(&settings, &Silent, &Cancel::new()).expect("a migration");
    assert_eq!(report.exit, 0);
    let copy = report.stages.iter().find(|s| s.name == "copy").map_or(0.0, |s| s.seconds);
    println!("{copy} {} {}", report.seconds, report.peak_rss_bytes);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
