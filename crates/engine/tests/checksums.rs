//! docs/checksums.md is true: its vectors are what the normal form makes, and the Python program beside it, which shares
//! no code with us, finds the digests that a migration found.
//! Owns these two comparisons; the reading of the page is its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, inspect, migrate};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Codec, Normal};
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::mapping::treat::Treatment;
use lite2pg_model::mapping::zone::Zone;
use lite2pg_model::normal::{Column, Form, Sum, digest};
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

const FORMS: [(PgType, &str); 16] = [
    (PgType::BigInt, "integer"),
    (PgType::Numeric(None), "numeric"),
    (PgType::Double, "double"),
    (PgType::Boolean, "boolean"),
    (PgType::Text, "text"),
    (PgType::Bytea, "bytea"),
    (PgType::Date, "date"),
    (PgType::Timestamp, "timestamp"),
    (PgType::TimestampTz, "timestamptz"),
    (PgType::Uuid, "uuid"),
    (PgType::Jsonb, "jsonb"),
    (PgType::Time, "time"),
    (PgType::Interval, "interval"),
    (PgType::Inet, "inet"),
    (PgType::Cidr, "cidr"),
    (PgType::MacAddr, "macaddr"),
];

/// How values are written, as the page names it; words and zones apart.
const WAYS: [(Normal, &str); 8] = [
    (Normal::EpochSeconds, "seconds"),
    (Normal::EpochMillis, "millis"),
    (Normal::EpochMicros, "micros"),
    (Normal::EpochNanos, "nanos"),
    (Normal::JulianDay, "julian"),
    (Normal::UuidHex, "hex"),
    (Normal::JsonScalar, "scalar"),
    (Normal::Exact, "exact"),
];

const POLICIES: [(Treatment, &str); 7] = [
    (Treatment::InvalidLatin1, "invalid-latin1"),
    (Treatment::InvalidCp1252, "invalid-cp1252"),
    (Treatment::InvalidReplace, "invalid-replace"),
    (Treatment::NulReplace, "nul-replace"),
    (Treatment::NulStrip, "nul-strip"),
    (Treatment::EmptyNull, "empty-null"),
    (Treatment::UnfitNull, "unfit-null"),
];

/// The word of a type's form.
fn word(ty: PgType) -> &'static str {
    FORMS.iter().find(|(of, _)| Form::of(*of) == Form::of(ty)).unwrap().1
}

/// A column in the page's words.
fn notation(crossing: &Crossing) -> String {
    let mut text = word(crossing.ty).to_owned();
    match crossing.normal {
        Normal::BooleanWords(n) => {
            let (yes, no) = Normal::WORDS[usize::from(n)];
            text += &format!(":words:{yes}/{no}");
        }
        Normal::ZonedClock => text += &format!(":zone:{}", crossing.zone.as_ref().unwrap().name()),
        Normal::Exact if crossing.ty != PgType::Time => {}
        normal => text.extend(WAYS.iter().filter(|(of, _)| *of == normal).map(|(_, word)| format!(":{word}"))),
    }
    for treatment in &crossing.treatments {
        text += &format!("+{}", POLICIES.iter().find(|(of, _)| of == treatment).unwrap().1);
    }
    text
}

/// The column that stands in the page's words.
fn column(text: &str) -> Column {
    let (mut rest, mut treatments) = (text, Vec::new());
    while let Some((before, policy)) = rest.rsplit_once('+') {
        let Some((treatment, _)) = POLICIES.iter().find(|(_, word)| *word == policy) else { break };
        treatments.push(*treatment);
        rest = before;
    }
    let (form, way) = rest.split_once(':').unwrap_or((rest, ""));
    let (ty, _) = FORMS.iter().find(|(_, word)| *word == form).unwrap_or_else(|| panic!("{text}"));
    let mut crossing = Crossing::new(*ty, Codec::new(*ty).normal());
    crossing.treatments = treatments;
    match way.split_once(':') {
        Some(("words", words)) => {
            let at = Normal::WORDS.iter().position(|(yes, no)| words == format!("{yes}/{no}")).unwrap();
            crossing.normal = Normal::BooleanWords(u8::try_from(at).unwrap());
        }
        Some(("zone", name)) => {
            crossing.zone = Some(Zone::parse(name).unwrap());
            crossing.normal = Normal::ZonedClock;
        }
        _ if way.is_empty() => {}
        _ => crossing.normal = WAYS.iter().find(|(_, word)| *word == way).unwrap_or_else(|| panic!("{text}")).0,
    }
    Column::of(&crossing)
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
fn fields(sqlite: &Connection, sql: &str, columns: &[Column]) -> Vec<Vec<u8>> {
    let mut statement = sqlite.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut out = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let mut bytes = Vec::new();
        for (i, column) in columns.iter().enumerate() {
            column.of_source(value(row.get_ref(i).unwrap()), &mut bytes);
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
        let columns: Vec<Column> = forms.split(", ").map(column).collect();
        let made = if rows.starts_with("VALUES") {
            let mut sum = Sum::new();
            fields(&sqlite, rows, &columns).iter().for_each(|row| sum.add(&digest::row(row)));
            sum.hex()
        } else {
            hex(&fields(&sqlite, &format!("VALUES ({rows})"), &columns)[0])
        };
        assert_eq!(made, expected, "{line}");
        checked += 1;
    }
    assert!(checked >= 100, "only {checked} vectors were found");
    for (ty, word) in FORMS {
        assert!(
            page.contains(&format!("| {word} | `{}` |", char::from(Form::of(ty).tag()))),
            "{word}'s tag is not in the page"
        );
        assert!(page.contains(&format!("\n| {word} | `")), "{word} has no vector");
    }
    for (_, word) in WAYS {
        assert!(page.contains(&format!("`:{word}`")) && page.contains(&format!(":{word} | `")), "{word}");
    }
    for (_, word) in POLICIES {
        assert!(page.contains(&format!("| `+{word}` |")) && page.contains(&format!("+{word} | `")), "{word}");
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
            arguments.extend(table.columns.iter().map(|c| format!("{}={}", c.name, notation(c))));
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
