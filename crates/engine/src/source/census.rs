//! The census: one pass over every value of every ordinary table, and the questions that need joins.
//! Owns what a column was seen to hold and where chunks are cut; never decides a type.

use super::reader::Reader;
use super::select::{Bounds, Reading};
use crate::error::{Error, Kind, Result};
use crate::observe::{Event, Observer};
use crate::pool::{self, Cancel};
use lite2pg_model::ident::sqlite;
use lite2pg_model::mapping::profile::{TableProfile, show};
use lite2pg_model::schema::{ForeignKey, Schema, Table, TableKind};
use lite2pg_model::value::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many rows go by between two looks at the progress and at Ctrl-C.
pub const TICK: u64 = 4096;

/// What the census learned of one table.
#[derive(Clone, Debug, Default)]
pub struct TableCensus {
    /// What its columns hold.
    pub profile: TableProfile,
    /// The rowids at which it is cut: each is the last key of its chunk.
    pub cuts: Vec<i64>,
    /// Largest rowid.
    pub max_rowid: Option<i64>,
}

/// Reads every ordinary table once, a table a task over the readers, largest files of work first where that is known.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn census(
    readers: &mut [Reader],
    schema: &Schema,
    chunk_bytes: u64,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<BTreeMap<String, TableCensus>> {
    let tables: Vec<&Table> = schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary).collect();
    let found = Mutex::new(BTreeMap::new());
    pool::run(readers, tables, cancel, |reader, table| {
        let mut census = one_table(reader, table, chunk_bytes, observer, cancel)?;
        name_places(reader, table, &mut census.profile)?;
        census.profile.orphans =
            table.foreign_keys.iter().map(|key| orphans(reader, schema, table, key, cancel)).collect::<Result<_>>()?;
        census.profile.check_broken = broken_checks(reader, table, cancel)?;
        let (rows, bytes) = (census.profile.rows, census.profile.bytes);
        observer.see(&Event::Done { stage: "census", object: table.name.clone(), rows, bytes, seconds: 0.0 });
        found.lock().unwrap_or_else(PoisonError::into_inner).insert(table.name.clone(), census);
        Ok(())
    })?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn one_table(
    reader: &mut Reader,
    table: &Table,
    chunk_bytes: u64,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<TableCensus> {
    let reading = Reading::of_table(table);
    let rowid = reading.rowid();
    let sql = reading.rows(Bounds::default());
    let width = table.columns.len();
    let mut census = TableCensus { profile: TableProfile::for_table(table), ..TableCensus::default() };
    let mut in_chunk = 0;
    let mut told = (0, 0);
    reader
        .for_each(&sql, &[], |row| {
            let profile = &mut census.profile;
            let mut size = 0;
            for (i, column) in profile.columns.iter_mut().enumerate() {
                let value = row.get(i);
                size += value.size();
                column.observe(value);
            }
            profile.rows += 1;
            profile.bytes += size;
            profile.max_row_bytes = profile.max_row_bytes.max(size);
            // Every row costs the target some 24 bytes of its own; without them, tables of NULLs would be one chunk.
            in_chunk += size + 24;
            if rowid.is_some()
                && let Value::Integer(key) = row.get(width)
            {
                census.max_rowid = Some(key);
                if in_chunk >= chunk_bytes {
                    census.cuts.push(key);
                    in_chunk = 0;
                }
            }
            if profile.rows.is_multiple_of(TICK) {
                cancel.check()?;
                let (rows, bytes) = (profile.rows - told.0, profile.bytes - told.1);
                told = (profile.rows, profile.bytes);
                observer.see(&Event::Progress { stage: "census", table: table.name.clone(), rows, bytes });
            }
            Ok(())
        })
        .map_err(|e| if e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    let (rows, bytes) = (census.profile.rows - told.0, census.profile.bytes - told.1);
    observer.see(&Event::Progress { stage: "census", table: table.name.clone(), rows, bytes });
    Ok(census)
}

/// Finds the keys of the few rows whose values were remarkable, so that a person can look at them. The scan that
/// numbered them is repeated as far as needed: on one snapshot it gives the same order.
fn name_places(reader: &mut Reader, table: &Table, profile: &mut TableProfile) -> Result<()> {
    let reading = Reading::of_table(table);
    let rowid = reading.rowid();
    let key: Vec<usize> = match (&table.primary_key, rowid) {
        (Some(key), None) => key.columns.iter().map(|k| k.column).filter(|c| *c < table.columns.len()).collect(),
        (_, Some(_)) => Vec::new(),
        (None, None) => return Ok(()),
    };
    for place in profile.places() {
        let sql = reading.columns(key.iter().copied(), Bounds::default());
        let sql = format!("{sql} LIMIT 1 OFFSET {}", place.saturating_sub(1));
        let mut words = Vec::new();
        reader
            .for_each(&sql, &[], |row| {
                words = key
                    .iter()
                    .enumerate()
                    .map(|(i, c)| format!("{}={}", table.columns[*c].name, show(row.get(i))))
                    .collect();
                if rowid.is_some() {
                    words.push(format!("rowid {}", show(row.get(key.len()))));
                }
                Ok(())
            })
            .map_err(|e| e.about(&table.name))?;
        profile.place_keys.insert(place, words.join(" "));
    }
    Ok(())
}

/// Rows whose key points at no parent, as PostgreSQL will compare them: by bytes, whatever collation a column declares.
fn orphans(reader: &mut Reader, schema: &Schema, table: &Table, key: &ForeignKey, cancel: &Cancel) -> Result<u64> {
    let Some(parent) = schema.tables.iter().find(|t| t.name == key.parent && t.kind == TableKind::Ordinary) else {
        return Ok(0);
    };
    if key.parent_columns.is_empty() || key.parent_columns.len() != key.columns.len() {
        return Ok(0);
    }
    let mut given = Vec::new();
    let mut same = Vec::new();
    for (child, parent_column) in key.columns.iter().zip(&key.parent_columns) {
        let Some(column) = table.columns.get(*child) else { return Ok(0) };
        let found = parent.columns.iter().find(|c| c.name.eq_ignore_ascii_case(parent_column));
        // A column that is left out has no values to refer to; the key is not carried then.
        let Some(found) = found else { return Ok(0) };
        let collation = found.collation.as_deref();
        let child = format!("child.{}", sqlite(&column.name));
        let parent_column = format!("parent.{}", sqlite(parent_column));
        given.push(format!("{child} IS NOT NULL"));
        if collation.is_some() || column.collation.is_some() {
            // What is equal by bytes is equal under SQLite's own collations too: the parent's index narrows by that first.
            if collation.is_none_or(known_collation) {
                same.push(format!("{parent_column} = {child}"));
            }
            same.push(format!("{parent_column} = {child} COLLATE BINARY"));
        } else {
            same.push(format!("{parent_column} = {child}"));
        }
    }
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {} AND NOT EXISTS (SELECT 1 FROM {} WHERE {})",
        Reading::of_table(table).clause(Some("child")),
        given.join(" AND "),
        Reading::of_table(parent).clause_by_key("parent"),
        same.join(" AND ")
    );
    let count = reader
        .interruptible(cancel, |reader| reader.query_i64(&sql, &[]))
        .map_err(|e| Error { object: Some(format!("{} (foreign key to {})", table.name, parent.name)), ..e })?;
    Ok(count.unwrap_or(0).cast_unsigned())
}

/// Whether a collation is SQLite's own: of an application's we have only a stand-in.
fn known_collation(name: &str) -> bool {
    ["BINARY", "NOCASE", "RTRIM"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Rows that break each CHECK of their table, all in one pass. Those that SQLite cannot compute here (a function of the
/// application) count none, and so do those that are not understood, which are not carried over anyway.
fn broken_checks(reader: &mut Reader, table: &Table, cancel: &Cancel) -> Result<Vec<u64>> {
    let mut broken = vec![0; table.checks.len()];
    if table.columns.iter().any(|c| !known_collation(c.collation.as_deref().unwrap_or("BINARY"))) {
        return Ok(broken);
    }
    let asked: Vec<usize> = (0..table.checks.len()).filter(|i| table.checks[*i].expr.ast.is_some()).collect();
    if asked.is_empty() || count_broken(reader, table, &asked, &mut broken, cancel).is_ok() {
        return Ok(broken);
    }
    for check in asked {
        cancel.check()?;
        // One that cannot be computed must not hide the others.
        let _ = count_broken(reader, table, &[check], &mut broken, cancel);
    }
    cancel.check()?;
    Ok(broken)
}

fn count_broken(
    reader: &mut Reader,
    table: &Table,
    checks: &[usize],
    broken: &mut [u64],
    cancel: &Cancel,
) -> Result<()> {
    // A line of its own each: its text may end in a comment. A CHECK that is NULL passes, and sum() leaves it out.
    let sums: Vec<String> = checks.iter().map(|i| format!("sum(NOT (\n{}\n))", table.checks[*i].expr.sql)).collect();
    let sql = format!("SELECT {} FROM {}", sums.join(", "), Reading::of_table(table).clause(None));
    reader.interruptible(cancel, |reader| {
        reader.for_each(&sql, &[], |row| {
            for (place, check) in checks.iter().enumerate() {
                if let (Value::Integer(count), Some(broken)) = (row.get(place), broken.get_mut(*check)) {
                    *broken = count.cast_unsigned();
                }
            }
            Ok(())
        })
    })
}
