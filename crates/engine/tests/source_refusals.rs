//! Files that are no readable database: each is refused with exit 3, the right words and a hint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod common;

use std::path::Path;

use common::{Other, Temp};
use rusqlite::Connection;

#[test]
fn other_process() {
    common::serve();
}

fn refused(t: &Temp, path: &Path, word: &str) {
    let Err(e) = t.open(path) else { panic!("{} was opened; expected: {word}", path.display()) };
    assert_eq!(e.kind.exit(), 3, "{e}");
    assert!(e.to_string().contains(word), "{e}; expected: {word}");
    assert!(e.hint.is_some(), "{e}");
    assert_eq!(e.object.as_deref(), Some(path.to_str().unwrap()));
    assert_eq!(t.copies(), 0, "a copy was left");
}

fn small(t: &Temp, name: &str) -> std::path::PathBuf {
    t.database(name, "CREATE TABLE t(x); INSERT INTO t SELECT randomblob(3000) FROM json_each('[1,2,3,4,5,6,7,8,9]')")
}

#[test]
fn what_is_no_database() {
    let t = Temp::new();
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(t.data(name), bytes).unwrap();
        t.data(name)
    };
    refused(&t, &t.data("none.db"), "no such file");
    refused(&t, &t.0.join("data"), "directory");
    refused(&t, Path::new("/dev/null"), "no regular file");
    refused(&t, &put("a.gz", b"\x1f\x8b\x08\0\0\0\0\0"), "gzip");
    refused(&t, &put("a.xz", b"\xfd7zXZ\0\0\0"), "xz");
    refused(&t, &put("a.sql", b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(x);\n"), "SQL text");
    refused(&t, &put("a.db2", b"** This file contains an SQLite 2.1 database **"), "SQLite 2");
    refused(&t, &put("short.db", b"SQLite format 3\0\x10\0"), "header");
    refused(&t, &put("zero.db", &[0; 4096]), "zero bytes");
    let random: Vec<u8> =
        Connection::open_in_memory().unwrap().query_row("SELECT randomblob(4096)", [], |r| r.get(0)).unwrap();
    refused(&t, &put("random.db", &random), "encrypted or not a database");
}

#[test]
fn a_truncated_file() {
    let t = Temp::new();
    let path = small(&t, "t.db");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 4096]).unwrap();
    refused(&t, &path, "truncated");
}

#[test]
fn a_truncated_file_in_wal_mode_is_not_taken_in_by_the_copy() {
    let t = Temp::new();
    let path = small(&t, "t.db");
    Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 4096]).unwrap();
    refused(&t, &path, "truncated");
}

#[test]
fn damaged_pages_are_named_by_the_check() {
    let t = Temp::new();
    let path = small(&t, "t.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // A page of the table: its overflow chain now points to itself.
    let last = bytes.len() - 4096;
    bytes[last..last + 4].copy_from_slice(&(u32::try_from(last / 4096).unwrap() + 1).to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let source = t.open(&path).unwrap();
    let e = source.quick_check(&|| false).unwrap_err();
    assert_eq!(e.kind.exit(), 3);
    assert!(e.message.contains("damaged") && e.hint.is_some(), "{e}");
}

#[test]
fn an_empty_file_is_a_database_but_not_beside_a_wal() {
    let t = Temp::new();
    let path = t.data("e.db");
    std::fs::write(&path, b"").unwrap();
    {
        let source = t.open(&path).unwrap();
        assert!(source.facts().is_empty && source.raw_schema().unwrap().objects.is_empty());
        assert!(source.quick_check(&|| false).unwrap().is_empty());
    }
    // SQLite itself would delete this WAL.
    std::fs::write(t.data("e.db-wal"), [1; 100]).unwrap();
    let before = t.listing();
    refused(&t, &path, "is empty, but its -wal");
    assert_eq!(t.listing(), before);
    refused(&t, &t.data("e.db-wal"), "no SQLite database");
}

#[test]
fn locked_by_another_process_names_it() {
    let t = Temp::new();
    let path = small(&t, "t.db");
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    other.must("BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)");
    refused(&t, &path, &format!("locked by process {}", other.pid()));
    other.must("COMMIT");
    t.open(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn permission_denied() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    let t = Temp::new();
    let path = small(&t, "t.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::metadata(&t.0).unwrap().uid() != 0 {
        return refused(&t, &path, "permission denied");
    }
    // Root may read everything: somebody else must try.
    let exe = t.0.join("exe");
    std::fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    let mut command = std::process::Command::new(exe);
    command.uid(65534).gid(65534);
    let said = Other::from(command).ask(&format!("source {}", path.display()));
    assert!(said.starts_with("error 3") && said.contains("permission denied"), "{said}");
}

#[test]
fn no_space_for_a_copy_is_said_before_copying() {
    let t = Temp::new();
    let path = t.database("w.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(x)");
    // A sparse file larger than any disk at hand: only its size matters here.
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    if file.set_len(1 << 43).is_err() {
        return;
    }
    refused(&t, &path, "no space");
}
