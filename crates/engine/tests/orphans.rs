//! The census's count of orphans against SQLite's own answer, over keys of every kind, however many readers there are and
//! however little memory.
//! Owns this comparison; the oracle is SQLite.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod common;

use common::Temp;
use lite2pg_engine::observe::Silent;
use lite2pg_engine::pool::Cancel;
use lite2pg_engine::source::census;
use lite2pg_engine::source::{Options, Source};
use lite2pg_model::plan::limits::Memory;
use lite2pg_model::schema::ForeignKey;
use lite2pg_model::sql::resolve::resolve;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// Orphans by table, one for each foreign key as the schema has them.
fn counted(temp: &Temp, path: &Path, readers: usize, memory: &Memory) -> BTreeMap<String, Vec<u64>> {
    let source = Source::open(path, &Options { readers, ..temp.options() }).unwrap();
    let (schema, _) = resolve(&source.raw_schema().unwrap());
    let mut all: Vec<_> = (0..readers).map(|_| source.reader().unwrap()).collect();
    let census = census::census(&mut all, &schema, 1 << 20, memory, &Silent, &Cancel::new()).unwrap();
    census.into_iter().map(|(name, table)| (name, table.profile.orphans)).collect()
}

/// What SQLite says, compared by bytes as PostgreSQL will.
fn theirs(path: &Path) -> BTreeMap<String, Vec<u64>> {
    let temp = Temp::new();
    let source = Source::open(path, &temp.options()).unwrap();
    let (schema, _) = resolve(&source.raw_schema().unwrap());
    let db = Connection::open(path).unwrap();
    let mut all = BTreeMap::new();
    for table in &schema.tables {
        let of_key = |key: &ForeignKey| {
            // Its parent does not exist.
            if key.parent_columns.is_empty() {
                return 0;
            }
            let columns = || key.columns.iter().map(|c| table.columns[*c].name.clone());
            let given: Vec<String> = columns().map(|c| format!("c.{c} IS NOT NULL")).collect();
            let pairs = columns().zip(&key.parent_columns);
            let same: Vec<String> = pairs.map(|(c, p)| format!("p.{p} = c.{c} COLLATE BINARY")).collect();
            let sql = format!(
                "SELECT count(*) FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
                table.name,
                given.join(" AND "),
                key.parent,
                same.join(" AND ")
            );
            db.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
        };
        all.insert(table.name.clone(), table.foreign_keys.iter().map(of_key).collect());
    }
    all
}

const NUMBERS: &str = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 120000)";

fn schema() -> String {
    format!(
        "PRAGMA foreign_keys=OFF; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN;
         -- Named so that children come before their parents, too.
         CREATE TABLE a_child(id INTEGER PRIMARY KEY, d INTEGER REFERENCES dense, s INTEGER REFERENCES sparse, w BIGINT REFERENCES wide,
            t TEXT REFERENCES texts, x TEXT, y INT, u REFERENCES uniq(u), r REAL REFERENCES dense, v REFERENCES anything(v),
            itself INTEGER REFERENCES a_child, as_text TEXT REFERENCES dense, e INT REFERENCES empty, f VARCHAR(9) REFERENCES texts,
            FOREIGN KEY(x, y) REFERENCES pairs(x, y), FOREIGN KEY(y, x) REFERENCES pairs(y, x));
         CREATE TABLE dense(id INTEGER PRIMARY KEY, note);
         CREATE TABLE sparse(id INTEGER PRIMARY KEY);
         CREATE TABLE wide(id INTEGER PRIMARY KEY);
         CREATE TABLE texts(code TEXT PRIMARY KEY);
         CREATE TABLE pairs(x TEXT, y INT, z, PRIMARY KEY(x, y)) WITHOUT ROWID;
         CREATE TABLE uniq(id INTEGER PRIMARY KEY, u UNIQUE);
         CREATE TABLE anything(v UNIQUE);
         CREATE TABLE empty(id INTEGER PRIMARY KEY);
         CREATE UNIQUE INDEX the_other_way ON pairs(y, x);
         INSERT INTO dense {NUMBERS} SELECT i - 60000, 'n' FROM n;
         INSERT INTO sparse {NUMBERS} SELECT i * 3 FROM n;
         INSERT INTO wide {NUMBERS} SELECT (i - 60000) * 70000000000001 FROM n WHERE i % 20 = 0;
         INSERT INTO wide VALUES(-9223372036854775808), (9223372036854775807);
         INSERT INTO texts {NUMBERS} SELECT 'code ' || (i * 2) FROM n WHERE i < 40000;
         INSERT OR IGNORE INTO pairs {NUMBERS} SELECT 'x' || (i % 300), i % 70, NULL FROM n;
         INSERT INTO uniq {NUMBERS} SELECT i, (i * 7919) % 120011 FROM n WHERE i % 3;
         INSERT INTO anything VALUES(1), (2.5), ('1'), (x'31'), ('a'), (NULL), (-0.0), (9223372036854775807), (1e300), ('');
         CREATE TABLE nocase(name TEXT COLLATE NOCASE PRIMARY KEY);
         INSERT INTO nocase VALUES('Anna'), ('BERT'), ('');
         CREATE TABLE of_nocase(name TEXT REFERENCES nocase, other TEXT COLLATE RTRIM REFERENCES texts);
         INSERT INTO of_nocase VALUES('Anna', 'code 2'), ('anna', 'code 2 '), ('bert', 'code 3'), (NULL, NULL), ('', '');
         CREATE TABLE ring_a(id INTEGER PRIMARY KEY, b INT REFERENCES ring_b);
         CREATE TABLE ring_b(id INTEGER PRIMARY KEY, a INT REFERENCES ring_a, gone INT REFERENCES nowhere);
         INSERT INTO ring_a VALUES(1, 1), (2, 3), (3, NULL); INSERT INTO ring_b VALUES(1, 3, 1), (2, 4, NULL);
         INSERT INTO a_child {NUMBERS}
            SELECT i, i - 60000, i * 3, (i - 60000) * 70000000000001, 'code ' || i, 'x' || (i % 301), i % 71,
                CASE i % 5 WHEN 0 THEN i * 1.0 WHEN 1 THEN i + 0.5 WHEN 2 THEN 'text' WHEN 3 THEN i ELSE NULL END,
                i / 2.0, CASE i % 9 WHEN 0 THEN 1.0 WHEN 1 THEN 2.5 WHEN 2 THEN '1' WHEN 3 THEN x'31' WHEN 4 THEN x'61' WHEN 5 THEN 0
                    WHEN 6 THEN 9223372036854775807 WHEN 7 THEN 9223372036854775807.0 ELSE '' END,
                CASE WHEN i > 1 THEN i + 60001 - (i % 2) * 60002 END, i % 3, CASE WHEN i % 50 = 0 THEN i END, 'code ' || (i % 40)
            FROM n;
         COMMIT;"
    )
}

#[test]
fn orphans_are_those_that_sqlite_finds() {
    let temp = Temp::new();
    let path = temp.database("keys.db", &schema());
    let want = theirs(&path);
    assert_eq!(want["a_child"].len(), 13);
    assert!(want["a_child"].contains(&0) && want["a_child"].iter().filter(|n| **n > 0).count() > 9, "{want:?}");
    // Little: some sets have room and some have not. Nothing: SQLite joins everything.
    let little = Memory { bytes: 4 << 20, ..Memory::default() };
    let nothing = Memory { bytes: 800, ..Memory::default() };
    for memory in [Memory::default(), little, nothing] {
        for readers in [1, 3] {
            let ours = counted(&temp, &path, readers, &memory);
            for (table, orphans) in &want {
                assert_eq!(ours.get(table), Some(orphans), "{table}, {readers} readers, {memory:?}");
            }
        }
    }
}

#[test]
fn a_key_too_long_to_be_held_finds_its_parent_all_the_same() {
    let temp = Temp::new();
    let path = temp.database(
        "long.db",
        "PRAGMA foreign_keys=OFF; CREATE TABLE p(k TEXT PRIMARY KEY, body BLOB); CREATE TABLE c(k TEXT REFERENCES p, note TEXT);
         INSERT INTO p VALUES('short', zeroblob(3000000)), (printf('%.*c', 100000, 'x'), NULL), (printf('%.*c', 2000000, 'y'), NULL);
         INSERT INTO c VALUES('short', NULL), (printf('%.*c', 100000, 'x'), NULL), (printf('%.*c', 2000000, 'y'), NULL),
            (printf('%.*c', 100001, 'x'), NULL), (printf('%.*c', 2000001, 'y'), NULL), (NULL, printf('%.*c', 3000000, 'z'));",
    );
    assert_eq!(theirs(&path)["c"], [2]);
    let held = Memory { counted: 1 << 20, ..Memory::default() };
    for memory in [Memory::default(), held] {
        for readers in [1, 2] {
            assert_eq!(counted(&temp, &path, readers, &memory)["c"], [2], "{readers} readers, {memory:?}");
        }
    }
}
