//! Keys that are unique in SQLite but not under the chosen types: `1` and `'1'` in a column that becomes text, one instant
//! written twice.
//! Owns this one question; never holds more than a fixed amount of memory, whatever the size of the table.

use super::reader::Reader;
use super::select::{Bounds, Reading};
use crate::error::{Kind, Result};
use crate::pool::Cancel;
use lite2pg_model::ident::sqlite;
use lite2pg_model::mapping::decide::TableMapping;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::normal::{self, NULL_TAG, digest};
use lite2pg_model::schema::{Index, IndexOn, Schema, Table, TableKind};
use std::collections::BTreeMap;

/// Hashes held at once: 16 MiB of them. A larger table is read in several passes, each over a share of the hashes.
const HASHES: u64 = 1 << 20;

/// Counts duplicates of every key that may have any; says whether there are some.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn count(
    reader: &mut Reader,
    schema: &Schema,
    mappings: &BTreeMap<String, TableMapping>,
    profiles: &mut BTreeMap<String, TableProfile>,
    cancel: &Cancel,
) -> Result<bool> {
    let mut any = false;
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let (Some(mapping), Some(profile)) = (mappings.get(&table.name), profiles.get_mut(&table.name)) else {
            continue;
        };
        let rows = profile.rows;
        let mut of = |columns: Vec<usize>, predicate: Option<&str>| -> Result<u64> {
            // An expression may give equal values for different ones.
            let computed = columns.iter().any(|c| table.columns.get(*c).is_some_and(|c| c.read.is_some()));
            if rows < 2 || !(computed || mapping.may_collide(&columns)) {
                return Ok(0);
            }
            let duplicates = one_key(reader, table, mapping, &columns, predicate, rows, cancel)?;
            any |= duplicates > 0;
            Ok(duplicates)
        };
        if let Some(key) = &table.primary_key {
            profile.primary_duplicates = of(key.columns.iter().map(|k| k.column).collect(), None)?;
        }
        profile.unique_duplicates = table
            .uniques
            .iter()
            .map(|k| of(k.columns.iter().map(|c| c.column).collect(), None))
            .collect::<Result<_>>()?;
        profile.index_duplicates = vec![0; table.indexes.len()];
        profile.index_unsure = vec![false; table.indexes.len()];
        for (i, index) in table.indexes.iter().enumerate().filter(|(_, index)| index.unique) {
            let counted = match plain_columns(index) {
                Some(columns) => of(columns, index.predicate.as_ref().map(|p| p.sql.as_str())),
                None => {
                    profile.index_unsure[i] = rows > 1 && expressions_may_collide(table, index, mapping);
                    continue;
                }
            };
            match counted {
                Ok(duplicates) => profile.index_duplicates[i] = duplicates,
                // Its predicate cannot be computed here.
                Err(e) if index.predicate.is_some() && e.kind != Kind::Interrupted => profile.index_unsure[i] = true,
                Err(e) => return Err(e),
            }
        }
        any |= profile.index_unsure.contains(&true);
    }
    Ok(any)
}

fn plain_columns(index: &Index) -> Option<Vec<usize>> {
    let column = |on: &IndexOn| match on {
        IndexOn::Column(i) => Some(*i),
        IndexOn::Expression(_) => None,
    };
    index.terms.iter().map(|t| column(&t.on)).collect()
}

/// An expression is not computed as PostgreSQL will: it counts as unsure where its columns may collide.
fn expressions_may_collide(table: &Table, index: &Index, mapping: &TableMapping) -> bool {
    let computed = |i: usize| table.columns.get(i).is_some_and(|c| c.read.is_some());
    let collides = |i: usize| computed(i) || mapping.may_collide(&[i]);
    index.terms.iter().any(|t| match &t.on {
        IndexOn::Column(i) => collides(*i),
        IndexOn::Expression(e) => e.ast.as_ref().is_some_and(|ast| ast.any_column(&collides)),
    })
}

fn one_key(
    reader: &mut Reader,
    table: &Table,
    mapping: &TableMapping,
    columns: &[usize],
    predicate: Option<&str>,
    rows: u64,
    cancel: &Cancel,
) -> Result<u64> {
    let forms: Vec<normal::Column> =
        columns.iter().filter_map(|c| mapping.columns.get(*c)).map(|m| normal::Column::of(&m.crossing)).collect();
    let reading = Reading::of_table(table);
    let sql = match predicate {
        None => reading.columns(columns.iter().copied(), Bounds::default()),
        Some(predicate) => {
            let name = sqlite(&table.name);
            let names = columns.iter().filter_map(|c| table.columns.get(*c));
            let list: Vec<String> = names.map(|c| format!("{name}.{}", sqlite(&c.name))).collect();
            // A line of its own: it may end in a comment.
            format!("SELECT {} FROM {} WHERE (\n{predicate}\n)", list.join(", "), reading.clause(None))
        }
    };
    let passes = rows / HASHES + 1;
    let mut duplicates = 0;
    for pass in 0..passes {
        let mut seen: Vec<u128> = Vec::new();
        let mut key = Vec::new();
        reader
            .for_each(&sql, &[], |row| {
                key.clear();
                for (i, form) in forms.iter().enumerate() {
                    let from = key.len();
                    form.of_key(row.get(i), &mut key);
                    // NULLs are distinct in the unique keys of both databases, also those that a policy makes.
                    if key.get(from) == Some(&NULL_TAG) {
                        return Ok(());
                    }
                }
                let mut half = [0; 16];
                half.copy_from_slice(&digest::row(&key)[..16]);
                let hash = u128::from_be_bytes(half);
                if hash % u128::from(passes) == u128::from(pass) {
                    seen.push(hash);
                }
                Ok(())
            })
            .map_err(|e| e.about(&table.name))?;
        cancel.check()?;
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        duplicates += (all - seen.len()) as u64;
    }
    Ok(duplicates)
}
