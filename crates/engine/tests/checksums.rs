//! docs/checksums.md is true: its vectors are what the normal form makes, and the Python program beside it, which shares
//! no code with us, finds the digests that a migration found.
//! Owns these two comparisons; the reading of the page is its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, inspect, migrate};
use lite2pg_model::mapping::PgType;
use lite2pg_model::normal::{Form, Sum, digest, source};
use lite2pg_model::value::Value;
use lite2pg_testkit::cluster::Cluster;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

const FORMS: [(Form, &str); 11] = [
    (Form::Integer, "integer"),
    (Form::Numeric, "numeric"),
    (Form::Double, "double"),
    (Form::Boolean, "boolean"),
    (Form::Text, "text"),
    (Form::Bytea, "bytea"),
    (Form::Date, "date"),
    (Form::Timestamp, "timestamp"),
    (Form::TimestampTz, "timestamptz"),
    (Form::Uuid, "uuid"),
    (Form::Jsonb, "jsonb"),
];

fn word(ty: PgType) -> &'static str {
    FORMS.iter().find(|(form, _)| *form == Form::of(ty)).unwrap().1
}

fn value(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => Value::Integer(i),
        ValueRef::Real(r) => Value::Real(r),
        ValueRef::Text(t) => Value::Text(t),
        ValueRef::Blob(b) => Value::Blob(b),
    }
}

/// Every row of a query as the fields of its normal form.
fn fields(sqlite: &Connection, sql: &str, forms: &[Form]) -> Vec<Vec<u8>> {
    let mut statement = sqlite.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut out = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let mut bytes = Vec::new();
        for (i, form) in forms.iter().enumerate() {
            source::field(*form, value(row.get_ref(i).unwrap()), &mut bytes);
        }
        out.push(bytes);
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_pages_vectors_hold() {
    let page = std::fs::read_to_string(root().join("docs/checksums.md")).unwrap();
    let sqlite = Connection::open_in_memory().unwrap();
    let mut checked = 0;
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").map(|c| c.trim().trim_matches('`')).collect();
        let [forms, rows, expected] = cells[..] else { continue };
        let expected = expected.replace(' ', "");
        if expected.is_empty() || !expected.bytes().all(|b| b.is_ascii_hexdigit()) {
            continue;
        }
        let forms: Vec<Form> = forms
            .split(", ")
            .map(|w| FORMS.iter().find(|(_, word)| *word == w).unwrap_or_else(|| panic!("{w}")).0)
            .collect();
        let made = if rows.starts_with("VALUES") {
            let mut sum = Sum::new();
            fields(&sqlite, rows, &forms).iter().for_each(|row| sum.add(&digest::row(row)));
            sum.hex()
        } else {
            hex(&fields(&sqlite, &format!("VALUES ({rows})"), &forms)[0])
        };
        assert_eq!(made, expected, "{line}");
        checked += 1;
    }
    assert!(checked >= 45, "only {checked} vectors were found");
    for (form, word) in FORMS {
        assert!(
            page.contains(&format!("| {word} | `{}` |", char::from(form.tag()))),
            "{word}'s tag is not in the page"
        );
        assert!(page.contains(&format!("\n| {word} | `")), "{word} has no vector");
    }
}

/// Runs the program; `None` where there is no Python.
fn python(arguments: &[String]) -> Option<String> {
    let output = match Command::new("python3").arg(root().join("docs/checksums.py")).args(arguments).output() {
        Ok(output) => output,
        Err(_) => {
            // Past the test harness, which shows only what failed.
            let _ =
                writeln!(std::io::stderr(), "NOT TESTED: docs/checksums.py, since there is no python3 on this machine");
            return None;
        }
    };
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn python_finds_the_pages_vectors() {
    let page = root().join("docs/checksums.md").display().to_string();
    if let Some(said) = python(&["--vectors".to_owned(), page]) {
        assert!(said.contains("vectors hold"), "{said}");
    }
}

#[test]
fn python_finds_the_digests_of_a_migration() {
    let cluster = Cluster::start(&[], &[]);
    let dir = std::env::temp_dir().join(format!("l2p-checksums-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let chinook = dir.join("chinook.sqlite");
    std::fs::copy(root().join("examples/chinook.sqlite"), &chinook).unwrap();
    let forms = dir.join("forms.sqlite");
    let _ = std::fs::remove_file(&forms);
    // The forms that the example does not have.
    Connection::open(&forms)
        .unwrap()
        .execute_batch(
            "CREATE TABLE f (id INTEGER PRIMARY KEY, b BOOLEAN NOT NULL, d DATE, s TIMESTAMP, z DATETIME, u UUID, x BLOB, r REAL, \
             m TEXT, mixed, n NUMERIC(8, 2));
             INSERT INTO f VALUES (1, 0, '2024-02-29', '2024-02-29 12:34:56.5', '1969-12-31T23:59:59Z', \
             '00112233-4455-6677-8899-aabbccddeeff', x'00ff', 0.1, 'ä''\"', 1.5e-7, 12.5),
             (2, 1, '0001-01-01', '2000-01-01', '2000-01-01 00:00:00+05:30', 'ffffffff-ffff-ffff-ffff-ffffffffffff', x'', -1e300, \
             '', x'ff', 3), (3, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'text', NULL);",
        )
        .unwrap();
    for (source, db) in [(&chinook, "chinook"), (&forms, "forms")] {
        cluster.sql(&format!("CREATE DATABASE {db}"));
        let settings = running::lenient(source, &cluster, db, &dir);
        let report = migrate(&settings, &Silent, &Cancel::new()).unwrap();
        assert_eq!(report.exit, 0, "{:?}", report.findings);
        let plan = inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan;
        assert_eq!(plan.tables.len(), report.tables.len());
        for (table, told) in plan.tables.iter().zip(&report.tables) {
            let mut arguments = vec![source.display().to_string(), table.name.clone()];
            arguments.extend(table.columns.iter().map(|c| format!("{}={}", c.name, word(c.ty))));
            let Some(said) = python(&arguments) else { return };
            assert_eq!(said.trim(), format!("{} {}", told.rows, told.source_sha256), "{arguments:?}");
            assert_eq!(told.source_sha256, told.target_sha256);
        }
        if db == "forms" {
            let used: std::collections::BTreeSet<&str> = plan.tables[0].columns.iter().map(|c| word(c.ty)).collect();
            assert!(used.len() >= 8, "too few forms were tried: {used:?}");
        }
    }
    let _ = std::fs::remove_dir_all(&dir);
}
