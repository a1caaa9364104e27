//! Migrates every database below a directory, as it stands and with everything answered, and prints `docs/coverage.md`.
//! Owns that page's form; reads copies only, and writes to a server of its own that is gone afterwards.
//!
//! `cargo run --release -p lite2pg-engine --no-default-features --example coverage -- DIR [native|inferred|plain]`
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, reason = "a command of the testing kind")]

#[path = "coverage/page.rs"]
mod page;
#[path = "../tests/running/mod.rs"]
mod running;

use lite2pg_engine::observe::{Report, Silent};
use lite2pg_engine::run::{Cancel, Settings, migrate};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::mapping::choices::Types;
use lite2pg_testkit::cluster::Cluster;
use page::{Database, End};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

fn main() {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: coverage DIR [native|inferred|plain] > docs/coverage.md");
        return;
    };
    let types = match std::env::args().nth(2).as_deref() {
        Some("inferred") => Types::Inferred,
        Some("plain") => Types::Plain,
        _ => Types::Native,
    };
    let mut paths = Vec::new();
    databases(&dir, &mut paths);
    paths.sort();
    let cluster = Cluster::start(&["max_locks_per_transaction = 1024", "fsync = off"], &[]);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // Small databases cost more waiting than work: several at a time, each in a database of its own.
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let place = Place { cluster: &cluster, name: format!("coverage{worker}"), types };
            let (paths, dir, next, done) = (&paths, &dir, &next, &done);
            let thread = std::thread::Builder::new().stack_size(STACK);
            let worker = move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(at) else { break };
                    let name = path.strip_prefix(dir).unwrap_or(path).display().to_string();
                    eprintln!("{name}");
                    let as_is = place.run(path, false);
                    // Where nothing had to be decided, the answers change nothing.
                    let answered = if as_is.exit() == 0 { None } else { Some(place.run(path, true)) };
                    let one = Database { name, as_is, answered };
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, one));
                }
            };
            thread.spawn_scoped(scope, worker).expect("a thread");
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    let all: Vec<Database> = done.into_iter().map(|(_, one)| one).collect();
    print!("{}", page::page(&all));
}

/// How many databases are migrated at the same time.
const WORKERS: usize = 3;
/// What the main thread of the program has.
const STACK: usize = 8 << 20;

/// What looks like a SQLite database, by its first bytes or by its name.
fn databases(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            databases(&path, out);
            continue;
        }
        let mut head = [0; 16];
        let magic = std::fs::File::open(&path).and_then(|mut f| f.read_exact(&mut head)).is_ok()
            && head == *b"SQLite format 3\0";
        let named = path.extension().is_some_and(|e| ["db", "sqlite", "mbtiles", "gpkg"].iter().any(|n| e == *n));
        if magic || named {
            out.push(path);
        }
    }
}

/// Where a worker migrates to.
struct Place<'a> {
    cluster: &'a Cluster,
    name: String,
    types: Types,
}

impl Place<'_> {
    /// One migration of a private copy of the files into an empty database.
    fn run(&self, path: &Path, answered: bool) -> End {
        let work = std::env::temp_dir().join(format!("lite2pg-{}-{}", self.name, std::process::id()));
        let _ = std::fs::remove_dir_all(&work);
        let data = work.join("data");
        std::fs::create_dir_all(&data).expect("a directory");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for beside in ["", "-wal", "-journal"] {
            let from = path.with_file_name(format!("{file}{beside}"));
            if from.exists() {
                std::fs::copy(&from, data.join(format!("{file}{beside}"))).expect("a copy");
            }
        }
        self.cluster.sql(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        self.cluster.sql(&format!("CREATE DATABASE {}", self.name));
        let make = if answered { running::lenient } else { running::settings };
        let mut settings: Settings = make(&data.join(&file), self.cluster, &self.name, &work);
        settings.choices.types = self.types;
        let outcome = std::panic::catch_unwind(|| migrate(&settings, &Silent, &Cancel::new()));
        let outcome = outcome.map(|done| done.and_then(|report| every_row(&settings, report)));
        let end = match outcome {
            Ok(Ok(report)) => End::Report(Box::new(report)),
            Ok(Err(error)) => {
                let message = error.to_string().replace(&format!("{}/", data.display()), "");
                End::Error { exit: error.kind.exit(), message }
            }
            Err(_) => End::Error { exit: 101, message: "panicked".to_owned() },
        };
        let _ = std::fs::remove_dir_all(&work);
        end
    }
}

/// A migration that ended well is compared once more, row by row.
fn every_row(settings: &Settings, report: Report) -> lite2pg_engine::Result<Report> {
    if report.exit != 0 {
        return Ok(report);
    }
    let again = verify(settings, Level::Rows, &Silent, &Cancel::new())?;
    let (exit, status) = (again.exit, again.status);
    let tables = again.tables;
    Ok(Report { exit, status, tables, ..report })
}
