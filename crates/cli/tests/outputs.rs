//! What commands write because a flag names it: never the source, its side files or another database; files as a whole.
//! Owns the checks that a refused command leaves every byte as it was.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use support::*;

/// Every file of the bench by name with its bytes.
fn all(bench: &Bench) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(&bench.dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file());
    let mut out: Vec<_> = files.map(|p| (p.display().to_string(), fs::read(&p).unwrap())).collect();
    out.sort();
    out
}

#[test]
fn no_output_is_the_source_or_a_file_beside_it() {
    let bench = Bench::new();
    bench.sqlite("s.db", SHOP);
    bench.sqlite("other.db", "CREATE TABLE o(a)");
    fs::create_dir(bench.path("sub")).unwrap();
    symlink("s.db", bench.path("link.db")).unwrap();
    symlink("s.db-journal", bench.path("dangling")).unwrap();
    symlink("../sub", bench.path("sub/again")).unwrap();
    fs::hard_link(bench.path("s.db"), bench.path("hard.db")).unwrap();
    let before = all(&bench);
    let places = [
        "s.db",
        "./s.db",
        "link.db",
        "hard.db",
        "sub/../s.db",
        "sub/again/../s.db-wal",
        "s.db-wal",
        "s.db-journal",
        "s.db-shm",
        "dangling",
        "other.db",
    ];
    for place in places {
        for args in [
            &["plan", "s.db", "-o", place][..],
            &["plan", "link.db", "--sql", "-o", place],
            &["inspect", "s.db", "--report", place],
            &["dump", "s.db", "-o", place],
            &["dump", "s.db.pg", "-o", place],
            &["inspect", "s.db", "--log-file", place],
            &["plan", "s.db", "--log-file", place],
            &["migrate", "s.db", "--log-file", place],
            &["migrate", "hard.db", "--dry-run", "--log-file", place],
            &["verify", "s.db", "--log-file", place],
            &["rollback", "s.db", "--log-file", place],
        ] {
            // SQLite names side files after the name that it was given.
            if args[1] == "hard.db" && !place.ends_with(".db") {
                continue;
            }
            let out = bench.run(args).exits(2);
            assert!(
                out.stderr.contains("written over") && out.stderr.contains("choose another file"),
                "{}",
                out.stderr
            );
            assert!(out.stdout.is_empty(), "{}", out.stdout);
            assert!(all(&bench) == before, "{args:?} changed a file");
        }
    }
    let document = bench.run(&["plan", "s.db", "-o", "s.db", "--json"]).exits(2).json();
    assert_eq!((document["exit"].as_u64(), document["error"]["object"].as_str()), (Some(2), Some("s.db")));
    assert!(!bench.dir.join("s.db.pg").exists() && !bench.dir.join("home").exists(), "nothing was made");
}

#[test]
fn side_files_of_a_database_in_use_are_kept() {
    let bench = Bench::new();
    bench.sqlite("s.db", SHOP);
    let writer = rusqlite::Connection::open(bench.path("s.db")).unwrap();
    writer.execute_batch("PRAGMA journal_mode = wal; INSERT INTO customers VALUES(8, 'new', NULL)").unwrap();
    fs::hard_link(bench.path("s.db-wal"), bench.path("innocent.toml")).unwrap();
    let wal = fs::read(bench.path("s.db-wal")).unwrap();
    assert!(!wal.is_empty());
    for place in ["s.db-wal", "s.db-shm", "innocent.toml"] {
        bench.run(&["plan", "s.db", "-o", place]).exits(2);
        bench.run(&["inspect", "s.db", "--log-file", place]).exits(2);
    }
    assert!(fs::read(bench.path("s.db-wal")).unwrap() == wal);
    // Of another database, too.
    bench.sqlite("t.db", SHOP);
    bench.run(&["plan", "t.db", "-o", "s.db-wal"]).exits(2);
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let bench = Bench::new();
    bench.sqlite("s.db", SHOP);
    fs::write(bench.path("p.toml"), "old").unwrap();
    fs::set_permissions(bench.path("p.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::hard_link(bench.path("p.toml"), bench.path("kept.toml")).unwrap();
    symlink("p.toml", bench.path("link.toml")).unwrap();
    // SQL: a plan that was edited is not written over.
    bench.run(&["plan", "s.db", "--sql", "-o", "link.toml"]).exits(0);
    // Not one byte of the old file was touched; its name leads to the new one, and a link stays a link.
    assert_eq!(fs::read_to_string(bench.path("kept.toml")).unwrap(), "old");
    assert!(fs::read_to_string(bench.path("p.toml")).unwrap().starts_with("CREATE SCHEMA"));
    assert_eq!(fs::metadata(bench.path("p.toml")).unwrap().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(bench.path("link.toml")).unwrap().is_symlink());
    bench.run(&["inspect", "s.db", "--report", "kept.toml"]).exits(0);
    assert!(fs::read_to_string(bench.path("kept.toml")).unwrap().starts_with("<!DOCTYPE"));
    // What is no file takes bytes and stays what it is.
    bench.run(&["plan", "s.db", "-o", "/dev/null"]).exits(0);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let said = bench.run(&["plan", "s.db", "-o", "home/nowhere/p.toml"]).exits(2).stderr;
    assert!(said.contains("cannot be written"), "{said}");
    let drafts = fs::read_dir(&bench.dir)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().display().to_string().contains(".part"));
    assert_eq!(drafts.count(), 0);
}
