//! The types that each database of `corpus/databases` gets, as lines a person has read and found sensible.
//! `LITE2PG_UPDATE_SNAPSHOTS=1 cargo test -p lite2pg-engine --test plan_snapshots` writes them anew, to be read again.
//! `LITE2PG_CORPUS=DIR cargo test … -- --ignored --nocapture sweep` prints the same for every database below DIR.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, inspect};
use lite2pg_model::mapping::choices::{Choices, Types};
use std::path::{Path, PathBuf};

const SETTINGS: [(Types, &str); 3] =
    [(Types::Native, "native"), (Types::Inferred, "inferred"), (Types::Plain, "plain")];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A directory of its own with a copy of the database and what lies beside it.
fn copied(database: &Path, work: &Path) -> PathBuf {
    let _ = std::fs::remove_dir_all(work);
    std::fs::create_dir_all(work.join("data")).unwrap();
    let name = database.file_name().unwrap().to_string_lossy().into_owned();
    for beside in ["", "-wal", "-journal"] {
        let from = database.with_file_name(format!("{name}{beside}"));
        if from.exists() {
            std::fs::copy(from, work.join("data").join(format!("{name}{beside}"))).unwrap();
        }
    }
    work.join("data").join(name)
}

/// `table.column: type -- reason`, a line a column.
fn lines(source: &Path, work: &Path, types: Types) -> Result<Vec<String>, String> {
    let target = running::target("/nowhere", 5432, "none");
    let mut settings = running::settings_for(source, target, work);
    settings.choices = Choices { types, ..Choices::default() };
    let plan = inspect(&settings, false, &Silent, &Cancel::new()).map_err(|e| e.to_string())?.plan;
    let mut lines = Vec::new();
    for table in &plan.tables {
        for column in &table.columns {
            let quarantine = if column.quarantine { " (quarantine)" } else { "" };
            lines.push(format!("{}.{}: {}{quarantine} -- {}", table.name, column.name, column.ty.sql(), column.reason));
        }
    }
    Ok(lines)
}

/// All columns under the default, and those that the other settings decide otherwise.
fn snapshot(source: &Path, work: &Path) -> Result<String, String> {
    let [native, inferred, plain] = SETTINGS.map(|(types, _)| lines(source, work, types));
    let native = native?;
    let mut text = native.iter().map(|l| format!("{l}\n")).collect::<String>();
    let type_of = |line: &str| line.split(" -- ").next().unwrap_or_default().to_owned();
    for (other, name) in [(inferred?, "inferred"), (plain?, "plain")] {
        let differing: Vec<String> = other
            .iter()
            .zip(&native)
            .filter(|(a, b)| type_of(a) != type_of(b))
            .map(|(a, _)| format!("{a}\n"))
            .collect();
        if !differing.is_empty() {
            text.push_str(&format!("\n--types {name}\n{}", differing.concat()));
        }
    }
    Ok(text)
}

fn databases(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            if !["-wal", "-shm", "-journal"].iter().any(|tail| name.ends_with(tail)) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

#[test]
fn every_database_gets_the_types_that_were_reviewed() {
    let work = std::env::temp_dir().join(format!("l2p-plans-{}", std::process::id()));
    let update = std::env::var_os("LITE2PG_UPDATE_SNAPSHOTS").is_some();
    let kept = here("tests/snapshots");
    let mut different = Vec::new();
    let mut count = 0;
    for database in databases(&here("../../corpus/databases")) {
        let name = database.file_name().unwrap().to_string_lossy().into_owned();
        let source = copied(&database, &work);
        let got = snapshot(&source, &work).unwrap_or_else(|e| format!("cannot be read: {e}\n"));
        let file = kept.join(format!("{name}.txt"));
        if update {
            std::fs::create_dir_all(&kept).unwrap();
            std::fs::write(&file, &got).unwrap();
        }
        let reviewed = std::fs::read_to_string(&file).unwrap_or_default();
        if reviewed != got {
            let of = |a: &str, b: &str, mark: &str| -> Vec<String> {
                a.lines().filter(|l| !b.lines().any(|k| k == *l)).map(|l| format!("  {mark} {l}")).collect()
            };
            let both = [of(&reviewed, &got, "-"), of(&got, &reviewed, "+")].concat();
            different.push(format!("{name}\n{}", both.join("\n")));
        }
        count += 1;
    }
    let _ = std::fs::remove_dir_all(&work);
    assert!(different.is_empty(), "read these, then LITE2PG_UPDATE_SNAPSHOTS=1:\n{}", different.join("\n"));
    assert!(count >= 40, "only {count} databases");
}

#[test]
#[ignore = "for a person: prints the types of every database below $LITE2PG_CORPUS"]
fn sweep() {
    let Some(dir) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let work = std::env::temp_dir().join(format!("l2p-sweep-{}", std::process::id()));
    for database in databases(Path::new(&dir)) {
        let begins = std::fs::read(&database).unwrap_or_default();
        if !begins.starts_with(b"SQLite format 3\0") {
            continue;
        }
        let source = copied(&database, &work);
        println!("=== {}", database.display());
        match snapshot(&source, &work) {
            Ok(text) => println!("{text}"),
            Err(e) => println!("cannot be read: {e}"),
        }
    }
    let _ = std::fs::remove_dir_all(&work);
}
