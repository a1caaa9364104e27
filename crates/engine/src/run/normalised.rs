//! What a policy changed on the way: which column, under which policy, how many rows, and the keys of the first of them.
//! Owns the rows of `normalisation`; never changes a value itself.

use super::prepare::Prepared;
use crate::error::Result;
use crate::target::error_from_pg;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::profile::{ColumnProfile, TableProfile};
use lite2pg_model::plan::{ColumnPlan, TablePlan};
use lite2pg_model::schema::Check;
use postgres::GenericClient;

struct Record {
    column: String,
    policy: &'static str,
    rows: u64,
    keys: Vec<String>,
}

/// Records every policy that changed or loosened something, in the transaction that begins the run.
///
/// # Errors
/// The target refuses.
pub fn record(tx: &mut impl GenericClient, run: &str, prepared: &Prepared) -> Result<()> {
    for table in &prepared.plan.tables {
        let Some(profile) = prepared.profiles.get(&table.name) else { continue };
        for r in records(table, profile, prepared) {
            tx.execute(
                "INSERT INTO lite2pg.normalisation VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (run, table_name, column_name, policy) DO UPDATE \
                 SET rows = normalisation.rows + excluded.rows",
                &[&run, &table.name, &r.column, &r.policy, &r.rows.cast_signed(), &r.keys],
            )
            .map_err(|e| error_from_pg(e, "recording what a policy changes").about(&table.name))?;
        }
    }
    Ok(())
}

fn records(table: &TablePlan, profile: &TableProfile, prepared: &Prepared) -> Vec<Record> {
    let mut records = Vec::new();
    for (column, values) in table.columns.iter().zip(&profile.columns) {
        let mut add = |policy, rows: u64, places: &[u64]| {
            if rows > 0 {
                let keys = places.iter().filter_map(|p| profile.place_keys.get(p).cloned()).collect();
                records.push(Record { column: column.name.clone(), policy, rows, keys });
            }
        };
        add("nul=bytea", values.nul_texts, &values.nul_places);
        add("invalid-utf8=bytea", values.invalid_texts, &values.invalid_places);
        add("mixed=text", as_text(column, values), &[]);
        add("mixed=bytea", as_bytes(column, values), &[]);
        let in_key = table.uniques.iter().any(|k| k.columns.contains(&column.target));
        let source = prepared.schema.tables.iter().find(|t| t.name == table.name);
        let was_not_null =
            source.and_then(|t| t.columns.iter().find(|c| c.name == column.name)).is_some_and(|c| c.not_null);
        if (in_key && table.primary_key.is_none() && source.is_some_and(|t| t.primary_key.is_some()))
            || (was_not_null && !column.not_null)
        {
            add("null-key=keep", values.nulls, &values.null_places);
        }
    }
    records.extend(orphans(table, profile, prepared));
    records.extend(broken_checks(table, profile, prepared));
    let duplicates = profile.primary_duplicates
        + profile.unique_duplicates.iter().sum::<u64>()
        + profile.index_duplicates.iter().sum::<u64>();
    if duplicates > 0 {
        let column = "(keys)".to_owned();
        records.push(Record { column, policy: "duplicate-key=keep", rows: duplicates, keys: Vec::new() });
    }
    records
}

/// Values of a text column that are no text in SQLite, where it holds several classes.
fn as_text(column: &ColumnPlan, values: &ColumnProfile) -> u64 {
    let others = values.integers + values.reals + values.blobs;
    if column.ty == PgType::Text { others } else { 0 }
}

/// Texts of a column of blobs.
fn as_bytes(column: &ColumnPlan, values: &ColumnProfile) -> u64 {
    let flawed = values.nul_texts + values.invalid_texts > 0;
    if column.ty == PgType::Bytea && !flawed { values.texts } else { 0 }
}

/// Rows without parent, of the foreign keys that are kept NOT VALID.
fn orphans(table: &TablePlan, profile: &TableProfile, prepared: &Prepared) -> Vec<Record> {
    let Some(source) = prepared.schema.tables.iter().find(|t| t.name == table.name) else { return Vec::new() };
    let counted = source.foreign_keys.iter().zip(&profile.orphans).filter(|(_, rows)| **rows > 0);
    let kept = counted.filter_map(|(key, rows)| {
        let columns: Vec<&str> =
            key.columns.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.target.as_str()).collect();
        let made = table.foreign_keys.iter().find(|k| k.not_valid && k.columns == columns)?;
        let column = format!("{} ({})", columns.join(", "), made.name);
        Some(Record { column, policy: "orphans=not-valid", rows: *rows, keys: Vec::new() })
    });
    kept.collect()
}

/// Rows that break a check which is kept NOT VALID.
fn broken_checks(table: &TablePlan, profile: &TableProfile, prepared: &Prepared) -> Vec<Record> {
    let Some(source) = prepared.schema.tables.iter().find(|t| t.name == table.name) else { return Vec::new() };
    let kept = table.checks.iter().any(|c| c.not_valid);
    let broken = source.checks.iter().zip(&profile.check_broken).filter(|(_, rows)| kept && **rows > 0);
    let record = |(check, rows): (&Check, &u64)| Record {
        column: format!("CHECK ({})", check.expr.sql),
        policy: "checks=not-valid",
        rows: *rows,
        keys: Vec::new(),
    };
    broken.map(record).collect()
}
