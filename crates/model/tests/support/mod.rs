//! What the tests share: the schema and pragmas of a SQLite database, and dice with a seed that is printed.
//! Owns the queries; never writes to a database.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod fuzz;
pub mod panics;
pub mod planned;
pub mod tokens;

use lite2pg_model::schema::{RawColumn, RawForeignKey, RawIndex, RawIndexColumn, RawObject, RawSchema, RawTable};
use rusqlite::{Connection, Result};
use std::time::{SystemTime, UNIX_EPOCH};

/// Everything `resolve` wants to know.
pub fn introspect(db: &Connection) -> Result<RawSchema> {
    let mut raw = RawSchema::default();
    let mut objects = db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")?;
    let rows = objects
        .query_map([], |r| Ok(RawObject { kind: r.get(0)?, name: r.get(1)?, table: r.get(2)?, sql: r.get(3)? }))?;
    raw.objects = rows.collect::<Result<_>>()?;
    let mut list = db.prepare("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")?;
    let rows = list.query_map([], |r| {
        Ok((r.get(0)?, RawTable { kind: r.get(1)?, without_rowid: r.get(2)?, strict: r.get(3)? }))
    })?;
    raw.table_list = rows.collect::<Result<_>>()?;
    // A view that SQLite cannot compile has no columns.
    let views: Vec<String> = raw.objects.iter().filter(|o| o.kind == "view").map(|o| o.name.clone()).collect();
    for view in views {
        if let Ok(columns) = columns(db, &view) {
            raw.columns.insert(view, columns);
        }
    }
    let tables: Vec<String> = raw.objects.iter().filter(|o| o.kind == "table").map(|o| o.name.clone()).collect();
    for table in tables {
        raw.columns.insert(table.clone(), columns(db, &table)?);
        raw.indexes.insert(table.clone(), indexes(db, &table)?);
        raw.foreign_keys.insert(table.clone(), foreign_keys(db, &table)?);
    }
    if raw.objects.iter().any(|o| o.name == "sqlite_sequence") {
        let mut sequences = db.prepare("SELECT name, seq FROM sqlite_sequence WHERE name IS NOT NULL")?;
        raw.sequences = sequences.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_>>()?;
    }
    Ok(raw)
}

fn columns(db: &Connection, table: &str) -> Result<Vec<RawColumn>> {
    let mut q = db.prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)")?;
    q.query_map([table], |r| {
        Ok(RawColumn {
            name: r.get(0)?,
            declared: r.get(1)?,
            not_null: r.get(2)?,
            default: r.get(3)?,
            primary_key: r.get(4)?,
            hidden: r.get(5)?,
        })
    })?
    .collect()
}

fn indexes(db: &Connection, table: &str) -> Result<Vec<RawIndex>> {
    let mut q = db.prepare("SELECT name, \"unique\", origin, partial FROM pragma_index_list(?)")?;
    let mut list: Vec<RawIndex> = q
        .query_map([table], |r| {
            Ok(RawIndex {
                name: r.get(0)?,
                unique: r.get(1)?,
                origin: r.get(2)?,
                partial: r.get(3)?,
                columns: Vec::new(),
            })
        })?
        .collect::<Result<_>>()?;
    for index in &mut list {
        let mut q =
            db.prepare("SELECT cid, name, \"desc\", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno")?;
        index.columns = q
            .query_map([&index.name], |r| {
                Ok(RawIndexColumn {
                    cid: r.get(0)?,
                    name: r.get(1)?,
                    descending: r.get(2)?,
                    collation: r.get::<_, Option<String>>(3)?.unwrap_or_default(),
                })
            })?
            .collect::<Result<_>>()?;
    }
    Ok(list)
}

fn foreign_keys(db: &Connection, table: &str) -> Result<Vec<RawForeignKey>> {
    let mut q = db
        .prepare("SELECT id, seq, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?)")?;
    q.query_map([table], |r| {
        Ok(RawForeignKey {
            id: r.get(0)?,
            seq: r.get(1)?,
            table: r.get(2)?,
            from: r.get(3)?,
            to: r.get(4)?,
            on_update: r.get(5)?,
            on_delete: r.get(6)?,
        })
    })?
    .collect()
}

/// A number from the environment, for seeds and lengths of runs.
pub fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|s| s.parse().ok())
}

/// Pseudo-random numbers (xorshift) that a seed repeats.
pub struct Dice(u64);

impl Dice {
    /// The seed is `$LITE2PG_SEED` (`clock` for another each time) or one and the same, so that what was green stays
    /// green, and is printed.
    pub fn seeded() -> Self {
        let clock = std::env::var("LITE2PG_SEED").is_ok_and(|s| s == "clock");
        let clock = clock.then(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into());
        let seed = clock.or_else(|| from_environment("LITE2PG_SEED")).unwrap_or(20_261_120);
        println!("LITE2PG_SEED={seed}");
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The dice of one case of many: always the same for a seed and a number.
    pub fn of(seed: u64, number: u64) -> Self {
        let mixed = seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) ^ 0xD1B5_4A32_D192_ED03;
        let mut dice = Dice(mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // Seeds that are near each other begin alike.
        for _ in 0..4 {
            dice.roll(2);
        }
        dice
    }

    /// A number below `n`.
    pub fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % n
    }

    /// One of a list.
    pub fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
}
