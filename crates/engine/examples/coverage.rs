//! Migrates every database below a directory, as it stands and with everything answered, and prints `docs/coverage.md`.
//! Owns that table's form; reads copies only, and writes to a server of its own that is gone afterwards.
//!
//! `cargo run --release -p lite2pg-engine --example coverage -- DIR [native|inferred|plain] > docs/coverage.md`
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, reason = "a command of the testing kind")]

#[path = "../tests/running/mod.rs"]
mod running;

use lite2pg_engine::observe::{Report, Silent};
use lite2pg_engine::run::{Cancel, Settings, migrate};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::mapping::choices::Types;
use lite2pg_testkit::cluster::Cluster;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How one migration ended.
enum End {
    Report(Box<Report>),
    Error { exit: u8, message: String },
}

impl End {
    fn exit(&self) -> u8 {
        match self {
            End::Report(report) => report.exit,
            End::Error { exit, .. } => *exit,
        }
    }
}

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
    let cluster = Cluster::start(&["max_locks_per_transaction = 1024"], &[]);
    let work = std::env::temp_dir().join(format!("lite2pg-coverage-{}", std::process::id()));
    let mut lines = String::new();
    let mut counts = [BTreeMap::<u8, usize>::new(), BTreeMap::new()];
    let (mut rows, mut tables, mut unverified) = (0_u64, 0_usize, 0_usize);
    for path in &paths {
        let name = path.strip_prefix(&dir).unwrap_or(path).display().to_string();
        eprintln!("{name}");
        let as_is = run(path, &cluster, &work, types, false).0;
        let (answered, seconds) = run(path, &cluster, &work, types, true);
        for (count, end) in counts.iter_mut().zip([&as_is, &answered]) {
            *count.entry(end.exit()).or_default() += 1;
        }
        if let End::Report(report) = &answered {
            rows += report.tables.iter().map(|t| t.rows).sum::<u64>();
            tables += report.tables.len();
            unverified += report.tables.iter().filter(|t| !t.verified).count();
        }
        lines.push_str(&line(&name, &as_is, &answered, seconds));
    }
    let _ = std::fs::remove_dir_all(&work);
    println!("# Coverage\n");
    println!(
        "Made by `cargo run --release -p lite2pg-engine --example coverage -- DIR`: every database below DIR is copied, then"
    );
    println!(
        "migrated into an empty database of PostgreSQL twice: as it stands, and with `--accept all --policy lossless`."
    );
    println!(
        "Rows, tables, objects, findings and seconds are those of the second. *Objects* are primary keys, UNIQUE, NOT NULL,"
    );
    println!(
        "CHECK, DEFAULT, generated columns, indexes, foreign keys, sequences, views, triggers and virtual tables: made in the"
    );
    println!(
        "target, of those in the source. Each was compared once more by `verify --level rows`; a row that differs would be exit 7."
    );
    let build = if cfg!(debug_assertions) { "a development build" } else { "a release build" };
    println!("Seconds are those of {build} on one small and busy machine; they only give an idea.\n");
    println!("* {} databases, {tables} tables, {rows} rows; tables that were not verified: {unverified}", paths.len());
    println!("* as they stand: {}", told(&counts[0]));
    println!("* with everything answered: {}\n", told(&counts[1]));
    println!("| database | rows | tables | objects | findings | seconds | exit | answered | what |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|---|");
    print!("{lines}");
}

fn told(counts: &BTreeMap<u8, usize>) -> String {
    counts.iter().map(|(exit, n)| format!("{n} exit {exit}")).collect::<Vec<_>>().join(", ")
}

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

/// One migration of a private copy of the files into an empty database, and how long it took.
fn run(path: &Path, cluster: &Cluster, work: &Path, types: Types, answered: bool) -> (End, f64) {
    let _ = std::fs::remove_dir_all(work);
    let data = work.join("data");
    std::fs::create_dir_all(&data).expect("a directory");
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for beside in ["", "-wal", "-journal"] {
        let from = path.with_file_name(format!("{file}{beside}"));
        if from.exists() {
            std::fs::copy(&from, data.join(format!("{file}{beside}"))).expect("a copy");
        }
    }
    cluster.sql("DROP DATABASE IF EXISTS coverage WITH (FORCE)");
    cluster.sql("CREATE DATABASE coverage");
    let make = if answered { running::lenient } else { running::settings };
    let mut settings: Settings = make(&data.join(&file), cluster, "coverage", work);
    settings.choices.types = types;
    let begin = Instant::now();
    let outcome = std::panic::catch_unwind(|| migrate(&settings, &Silent, &Cancel::new()));
    let seconds = begin.elapsed().as_secs_f64();
    let outcome = outcome.map(|done| done.and_then(|report| every_row(&settings, report)));
    let end = match outcome {
        Ok(Ok(report)) => End::Report(Box::new(report)),
        Ok(Err(error)) => {
            let message = error.to_string().replace(&format!("{}/", data.display()), "");
            End::Error { exit: error.kind.exit(), message }
        }
        Err(_) => End::Error { exit: 101, message: "panicked".to_owned() },
    };
    (end, seconds)
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

fn line(name: &str, as_is: &End, answered: &End, seconds: f64) -> String {
    let mut out = String::new();
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let name = cell(name);
    let (first, second) = (as_is.exit(), answered.exit());
    let _ = match answered {
        End::Error { message, .. } => writeln!(out, "| {name} | | | | | | {first} | {second} | {} |", cell(message)),
        End::Report(report) => {
            let rows: u64 = report.tables.iter().map(|t| t.rows).sum();
            let (carried, of) = objects(report);
            let what = cell(&why(as_is, report));
            let (tables, findings) = (report.tables.len(), report.findings.len());
            writeln!(
                out,
                "| {name} | {rows} | {tables} | {carried}/{of} | {findings} | {seconds:.2} | {first} | {second} | {what} |"
            )
        }
    };
    out
}

/// What had to be answered, by code; or what still blocks.
fn why(as_is: &End, answered: &Report) -> String {
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    let still: Vec<String> = answered
        .findings
        .iter()
        .filter(|f| f.blocks())
        .map(|f| format!("**{} {}: {}**", f.code, f.object, f.message))
        .collect();
    if let End::Report(report) = as_is {
        for finding in report.findings.iter().filter(|f| f.blocks()) {
            *codes.entry(&finding.code).or_default() += 1;
        }
    }
    let mut parts: Vec<String> = codes.iter().map(|(code, n)| format!("{n} {code}")).collect();
    parts.extend(still);
    if let End::Error { message, .. } = as_is {
        parts.push(message.clone());
    }
    parts.join(", ")
}

/// Objects made in the target, and those in the source; tables have a column of their own.
fn objects(report: &Report) -> (u64, u64) {
    let o = &report.objects;
    let kinds = [
        o.primary_keys,
        o.unique,
        o.not_null,
        o.checks,
        o.defaults,
        o.generated,
        o.indexes,
        o.foreign_keys,
        o.sequences,
        o.views,
        o.triggers,
        o.virtual_tables,
    ];
    (kinds.iter().map(|c| c.carried).sum(), kinds.iter().map(|c| c.source).sum())
}
