//! The census against the floor: a bare `sqlite3_step` and column loop over the same table, side by side in one run.
//! Owns this one measurement (the best of several rounds of each, and their ratio); never judges it.
//!
//! `cargo bench -p lite2pg-engine --bench census [-- ROWS ROUNDS]` (defaults 3,000,000 and 7); with `-- FILE [READERS]`
//! the whole census of a database, and its processor time, which other work on the machine does not change.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a measurement that cannot go on must stop, and is shown")]

use lite2pg_engine::observe::Silent;
use lite2pg_engine::pool::Cancel;
use lite2pg_engine::source::{Options, Reader, Source, census};
use lite2pg_model::plan::limits::Memory;
use lite2pg_model::schema::{Schema, Table, TableKind};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Value;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Tables of the shapes that databases have: an event log, wide rows of text, measurements, values of few kinds.
const TABLES: &str = "
    CREATE TABLE events(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, kind TEXT NOT NULL, amount REAL,
        ok BOOLEAN NOT NULL, at DATETIME NOT NULL);
    CREATE TABLE notes(id INTEGER PRIMARY KEY, title TEXT, body TEXT, tags TEXT, uuid CHAR(36), created INTEGER);
    CREATE TABLE points(x REAL, y REAL, z REAL, n INTEGER, price DECIMAL(10,2));";

fn rows(table: &str, rows: i64) -> String {
    let select = match table {
        "events" => {
            "i, i * 7919 % 60013 + 1,
             CASE i % 5 WHEN 0 THEN 'click' WHEN 1 THEN 'view' WHEN 2 THEN 'purchase' WHEN 3 THEN 'refund' ELSE 'login' END,
             (i * 2654435761 % 1000003) / 1000.0 + 0.0137, i % 3 = 0, datetime(1000000000 + i, 'unixepoch')"
        }
        "notes" => {
            "i, 'note number ' || i, substr(replace(hex(zeroblob(100)), '0', 'wörd '), 1, 40 + i % 400), 'a,b,' || (i % 7),
             printf('%08x-0000-4000-8000-%012x', i, i * 7919), 1600000000 + i"
        }
        _ => "i / 7.0, i / 1000.0, i * 3.25e10, i % 1000, (i % 100000) / 100.0",
    };
    format!(
        "INSERT INTO {table} WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT {select} FROM n;"
    )
}

fn make(path: &Path, count: i64) {
    let db = rusqlite::Connection::open(path).expect("a new database");
    let all: String =
        ["events", "notes", "points"].map(|t| rows(t, if t == "events" { count } else { count / 4 })).concat();
    db.execute_batch(&format!("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {TABLES} BEGIN; {all} COMMIT;"))
        .expect("rows");
}

/// Every value is asked for and touched.
fn bare(reader: &mut Reader, table: &Table) -> f64 {
    let begin = Instant::now();
    let mut sum = 0u64;
    let sql = format!("SELECT * FROM {} NOT INDEXED", table.name);
    let read = reader.for_each(&sql, &[], |row| {
        for i in 0..row.len() {
            sum = sum.wrapping_add(match black_box(row.get(i)) {
                Value::Null => 0,
                Value::Integer(i) => i.cast_unsigned(),
                Value::Real(r) => r.to_bits(),
                Value::Text(b) | Value::Blob(b) => b.len() as u64,
            });
        }
        Ok(())
    });
    read.expect("rows");
    black_box(sum);
    begin.elapsed().as_secs_f64()
}

fn counted(reader: &mut Reader, table: &Table) -> f64 {
    let schema = Schema { tables: vec![table.clone()], ..Schema::default() };
    let begin = Instant::now();
    let found =
        census::census(std::slice::from_mut(reader), &schema, 64 << 20, &Memory::default(), &Silent, &Cancel::new());
    let seconds = begin.elapsed().as_secs_f64();
    black_box(found.expect("a census"));
    seconds
}

/// Seconds of the processor that this process has taken, in itself and in the kernel; 0 where the system does not tell.
fn taken() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let words: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let seconds = |i: usize| words.get(i).and_then(|w| w.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
    (seconds(11), seconds(12))
}

fn spent<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (begin, before) = (Instant::now(), taken());
    let out = work();
    let after = taken();
    let (user, system) = (after.0 - before.0, after.1 - before.1);
    println!("{what:<12} user {user:.2} s, system {system:.2} s, wall {:.2} s", begin.elapsed().as_secs_f64());
    out
}

/// One database as a run sees it.
fn of_file(path: &Path, readers: usize) {
    let work = std::env::temp_dir().join(format!("lite2pg-census-{}", std::process::id()));
    let options = Options { readers, ..Options::new(&work) };
    let source = Source::open(path, &options).expect("a source");
    let (schema, _) = spent("schema", || resolve(&source.raw_schema().expect("a schema")));
    let mut all: Vec<Reader> = (0..readers).map(|_| source.reader().expect("a reader")).collect();
    let memory = Memory::of(128 << 20, readers);
    spent("quick_check", || source.quick_check(&|| false).expect("a check"));
    if let Some(reader) = all.first_mut() {
        let all = schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary);
        spent("bare loop", || black_box(all.map(|t| bare(reader, t)).sum::<f64>()));
    }
    let census = spent("census", || census::census(&mut all, &schema, 64 << 20, &memory, &Silent, &Cancel::new()));
    let orphans: u64 = census.expect("a census").values().flat_map(|t| t.profile.orphans.clone()).sum();
    println!("{orphans} orphans");
    let _ = std::fs::remove_dir_all(&work);
}

fn main() {
    if let Some(path) = std::env::args().nth(1).map(std::path::PathBuf::from).filter(|p| p.is_file()) {
        return of_file(&path, std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(2));
    }
    let numbers: Vec<i64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let of = |i: usize, default: i64| numbers.get(i).copied().unwrap_or(default);
    let (count, rounds) = (of(0, 3_000_000), of(1, 7));
    let dir = std::env::temp_dir().join(format!("lite2pg-census-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let path = dir.join("data.sqlite");
    make(&path, count);
    let source = Source::open(&path, &Options::new(dir.join("work"))).expect("a source");
    let (schema, _) = resolve(&source.raw_schema().expect("a schema"));
    let mut reader = source.reader().expect("a reader");
    for table in &schema.tables {
        let (mut floor, mut ours) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..rounds {
            floor = floor.min(bare(&mut reader, table));
            ours = ours.min(counted(&mut reader, table));
        }
        println!("{:<8} bare loop {floor:.3} s, census {ours:.3} s: {:.2} of its speed", table.name, floor / ours);
    }
    drop((reader, source));
    let _ = std::fs::remove_dir_all(&dir);
}
