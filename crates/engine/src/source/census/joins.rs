//! What the census asks of SQLite itself, because it needs joins or expressions: orphans, broken CHECKs.
//! Owns these questions; SQLite may spill to disk for them.

use super::super::reader::Reader;
use super::super::select::Reading;
use super::scan::Bounds;
use crate::error::{Error, Result};
use crate::pool::Cancel;
use lite2pg_model::ident::sqlite;
use lite2pg_model::schema::{ForeignKey, Schema, Table, TableKind};
use lite2pg_model::value::Value;

/// The name under which the join can tell rows apart by their rowids, so that it may go over ranges of them.
pub(super) fn rowid(table: &Table) -> Option<&'static str> {
    let reading = Reading::of_table(table);
    reading.rowid().filter(|_| table.stored.is_none() && !reading.computes())
}

/// Rows of a range whose key points at no parent, as PostgreSQL will compare them: by bytes, whatever collation a column
/// declares. A range only of tables that have a [`rowid`].
pub(super) fn orphans(
    reader: &mut Reader,
    schema: &Schema,
    table: &Table,
    key: &ForeignKey,
    bounds: Bounds,
    cancel: &Cancel,
) -> Result<u64> {
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
    let rowid = rowid(table).unwrap_or_default();
    let within = [(bounds.after, ">"), (bounds.last, "<=")].into_iter().filter(|(bound, _)| bound.is_some());
    given.extend(within.enumerate().map(|(i, (_, comparison))| format!("child.{rowid} {comparison} ?{}", i + 1)));
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {} AND NOT EXISTS (SELECT 1 FROM {} WHERE {})",
        Reading::of_table(table).clause(Some("child")),
        given.join(" AND "),
        Reading::of_table(parent).clause_by_key("parent"),
        same.join(" AND ")
    );
    let count = reader
        .interruptible(cancel, |reader| reader.query_i64(&sql, &bounds.params()))
        .map_err(|e| Error { object: Some(format!("{} (foreign key to {})", table.name, parent.name)), ..e })?;
    Ok(count.unwrap_or(0).cast_unsigned())
}

/// Whether a collation is SQLite's own: of an application's we have only a stand-in.
fn known_collation(name: &str) -> bool {
    ["BINARY", "NOCASE", "RTRIM"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Rows that break each CHECK of their table, all in one pass. Those that SQLite cannot compute here (a function of the
/// application, a value longer than may be held) count none, and so do those that are not understood, which are not carried over anyway.
pub(super) fn broken_checks(reader: &mut Reader, table: &Table, cancel: &Cancel) -> Result<Vec<u64>> {
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
