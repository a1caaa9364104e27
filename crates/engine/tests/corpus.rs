//! Databases that nobody on this project made (`corpus/databases`): each is migrated with everything answered, and every
//! value of the plain types is compared once more, apart from our digests: SQLite's value against PostgreSQL's own text.
//! Owns that second comparison; the larger corpus is swept by `--example coverage`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, Settings, inspect, migrate};
use lite2pg_model::ident;
use lite2pg_model::mapping::PgType;
use lite2pg_model::plan::{ColumnPlan, TablePlan};
use lite2pg_testkit::cluster::Cluster;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus").canonicalize().unwrap()
}

fn names() -> Vec<String> {
    let beside = |n: &str| n.ends_with("-wal") || n.ends_with("-journal");
    let all = std::fs::read_dir(corpus().join("databases")).unwrap().flatten();
    let mut names: Vec<String> =
        all.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| !beside(n)).collect();
    names.sort();
    names
}

#[test]
fn every_database_says_where_it_is_from() {
    let readme = std::fs::read_to_string(corpus().join("README.md")).unwrap();
    for name in names() {
        assert!(readme.contains(&format!("| {name} |")), "corpus/README.md does not name {name}");
    }
    let bytes: u64 =
        std::fs::read_dir(corpus().join("databases")).unwrap().flatten().map(|e| e.metadata().unwrap().len()).sum();
    assert!(bytes < 1_500_000, "the corpus has grown to {bytes} bytes");
}

#[test]
fn every_database_arrives_whole() {
    let cluster = Cluster::start(&[], &[]);
    let work = std::env::temp_dir().join(format!("l2p-corpus-{}", std::process::id()));
    let (mut databases, mut values) = (0, 0);
    for name in names() {
        let _ = std::fs::remove_dir_all(&work);
        std::fs::create_dir_all(work.join("data")).unwrap();
        for beside in ["", "-wal", "-journal"] {
            let from = corpus().join("databases").join(format!("{name}{beside}"));
            if from.exists() {
                std::fs::copy(from, work.join("data").join(format!("{name}{beside}"))).unwrap();
            }
        }
        let source = work.join("data").join(&name);
        // A schema for each: a database would cost half a second.
        let schema = format!("c{databases}");
        let settings = Settings { schema: schema.clone(), ..running::lenient(&source, &cluster, "postgres", &work) };
        let report = migrate(&settings, &Silent, &Cancel::new()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let blocking: Vec<_> = report.findings.iter().filter(|f| f.blocks()).collect();
        assert_eq!(report.exit, 0, "{name}: {blocking:?}");
        for table in &report.tables {
            assert!(
                table.verified && table.source_sha256 == table.target_sha256,
                "{name}: {} is not verified",
                table.name
            );
        }
        let plan = inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan;
        assert_eq!(plan.tables.len(), report.tables.len(), "{name}");
        for (table, told) in plan.tables.iter().zip(&report.tables) {
            let rows = compare(&source, &cluster, &schema, table);
            assert_eq!(rows as u64, told.rows, "{name}: {}", table.name);
            values += rows * plain(table).len();
        }
        databases += 1;
    }
    let _ = std::fs::remove_dir_all(&work);
    assert!(databases >= 40 && values > 5_000, "only {databases} databases and {values} values were compared");
}

fn plain(table: &TablePlan) -> Vec<&ColumnPlan> {
    let is = |ty| matches!(ty, PgType::BigInt | PgType::Text | PgType::Bytea | PgType::Double);
    table.columns.iter().filter(|c| is(c.ty)).collect()
}

/// Compares the plain columns of all rows, in whatever order they come; returns how many rows there are.
fn compare(source: &Path, cluster: &Cluster, schema: &str, table: &TablePlan) -> usize {
    let columns = plain(table);
    let list = |names: Vec<String>, none: &str| if names.is_empty() { none.to_owned() } else { names.join(", ") };

    let sqlite = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let wanted = list(columns.iter().map(|c| ident::sqlite(&c.name)).collect(), "0");
    let mut statement =
        sqlite.prepare(&format!("SELECT {wanted} FROM {} NOT INDEXED", ident::sqlite(&table.name))).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut ours = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cells = columns.iter().enumerate().map(|(i, c)| expected(c.ty, row.get_ref(i).unwrap()));
        ours.push(cells.collect::<Vec<_>>());
    }

    let wanted = list(columns.iter().map(|c| format!("{}::text", ident::pg(&c.target))).collect(), "NULL");
    let query = format!("SELECT {wanted} FROM {}", ident::pg_in(schema, &table.target));
    let mut theirs: Vec<Vec<Option<String>>> = Vec::new();
    for row in cluster.client("postgres").query(&query, &[]).unwrap() {
        theirs.push(columns.iter().enumerate().map(|(i, c)| arrived(c.ty, row.get(i))).collect());
    }

    ours.sort();
    theirs.sort();
    let different = ours.iter().zip(&theirs).find(|(a, b)| a != b);
    assert!(different.is_none(), "{}: {different:?}", table.name);
    assert_eq!(ours.len(), theirs.len(), "{}", table.name);
    ours.len()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |text, b| text + &format!("{b:02x}"))
}

/// What PostgreSQL must print for a value of SQLite; doubles by their bits.
fn expected(ty: PgType, value: ValueRef<'_>) -> Option<String> {
    let double = |r: f64| format!("{:016x}", r.to_bits());
    Some(match (ty, value) {
        (_, ValueRef::Null) => return None,
        (PgType::Double, ValueRef::Real(r)) => double(r),
        (PgType::Double, ValueRef::Integer(i)) => double(i as f64),
        (PgType::Bytea, ValueRef::Blob(b) | ValueRef::Text(b)) => hex(b),
        (PgType::Bytea, ValueRef::Integer(i)) => hex(i.to_string().as_bytes()),
        (PgType::Bytea, ValueRef::Real(r)) => hex(format!("{r:?}").as_bytes()),
        (PgType::BigInt, ValueRef::Real(r)) => format!("{r:.0}"),
        (_, ValueRef::Integer(i)) => i.to_string(),
        (_, ValueRef::Text(t)) => std::str::from_utf8(t).unwrap().to_owned(),
        (_, ValueRef::Blob(b)) => hex(b),
        (_, ValueRef::Real(r)) => format!("{r:?}"),
    })
}

/// What PostgreSQL printed; doubles by their bits.
fn arrived(ty: PgType, text: Option<String>) -> Option<String> {
    if ty == PgType::Double { text.map(|t| format!("{:016x}", t.parse::<f64>().unwrap().to_bits())) } else { text }
}
