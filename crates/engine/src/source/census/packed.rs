//! How large the rows of a key or an index become in PostgreSQL, where they may be too large: asked of those rows alone.
//! Owns these questions; never judges the answer (see the model's `integrity`).

use super::super::reader::Reader;
use super::super::select::Reading;
use crate::error::{Kind, Result};
use crate::pool::Cancel;
use lite2pg_model::ident::sqlite;
use lite2pg_model::mapping::packed::packed;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::schema::{Index, IndexOn, Key, Table};
use lite2pg_model::value::Value;

/// Rows of fewer bytes fit whatever stands in them.
const SURE: u64 = 2000;

/// Longer rows are not compressed to see how small they become.
const TRIED: i64 = 1 << 20;

/// Measures the keys and indexes of a table whose largest row may be too large.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub(super) fn measure(reader: &mut Reader, table: &Table, profile: &mut TableProfile, cancel: &Cancel) -> Result<()> {
    if profile.max_row_bytes <= SURE {
        return Ok(());
    }
    let mut asked = Asked { reader, table, cancel };
    if let Some(key) = table.primary_key.as_ref().filter(|_| profile.primary_bytes > SURE) {
        profile.packed.primary = asked.terms(&of_key(table, key), None)?;
    }
    for (i, key) in table.uniques.iter().enumerate() {
        if profile.unique_bytes.get(i).is_some_and(|n| *n > SURE)
            && let Some(bytes) = asked.terms(&of_key(table, key), None)?
        {
            profile.packed.uniques.insert(i, bytes);
        }
    }
    for (i, index) in table.indexes.iter().enumerate() {
        let computes = index.terms.iter().any(|t| matches!(t.on, IndexOn::Expression(_)));
        if (computes || profile.index_bytes.get(i).is_some_and(|n| *n > SURE))
            && let Some(bytes) =
                asked.terms(&of_index(table, index), index.predicate.as_ref().map(|p| p.sql.as_str()))?
            && (!computes || bytes > SURE)
        {
            profile.packed.indexes.insert(i, bytes);
        }
    }
    Ok(())
}

fn column(table: &Table, i: usize) -> String {
    let name = table.columns.get(i).map_or("", |c| c.name.as_str());
    format!("{}.{}", sqlite(&table.name), sqlite(name))
}

fn of_key(table: &Table, key: &Key) -> Vec<String> {
    key.columns.iter().map(|k| column(table, k.column)).collect()
}

fn of_index(table: &Table, index: &Index) -> Vec<String> {
    let term = |on: &IndexOn| match on {
        IndexOn::Column(i) => column(table, *i),
        // A line of its own: it may end in a comment.
        IndexOn::Expression(e) => format!("(\n{}\n)", e.sql),
    };
    index.terms.iter().map(|t| term(&t.on)).collect()
}

struct Asked<'a, 'r> {
    reader: &'a mut Reader,
    table: &'r Table,
    cancel: &'r Cancel,
}

impl Asked<'_, '_> {
    /// Bytes of the largest row of these terms; `None` where SQLite cannot compute them here.
    fn terms(&mut self, terms: &[String], predicate: Option<&str>) -> Result<Option<u64>> {
        match self.try_terms(terms, predicate) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind == Kind::Interrupted => Err(e),
            // A function or a collation that only the application has, in the expression or the predicate.
            Err(_) => Ok(None),
        }
    }

    fn try_terms(&mut self, terms: &[String], predicate: Option<&str>) -> Result<u64> {
        let sizes: Vec<String> = terms.iter().map(|t| format!("coalesce(octet_length({t}), 0)")).collect();
        let size = sizes.join(" + ");
        let within = predicate.map_or_else(String::new, |p| format!(" AND (\n{p}\n)"));
        let from = Reading::of_table(self.table).clause(None);
        let largest = format!("SELECT max({size}) FROM {from} WHERE true{within}");
        let largest = self.reader.interruptible(self.cancel, |reader| reader.query_i64(&largest, &[]))?.unwrap_or(0);
        let whole = largest.unsigned_abs() + 4 * terms.len() as u64;
        if largest > TRIED || largest.unsigned_abs() <= SURE {
            return Ok(whole);
        }
        let sql = format!("SELECT {} FROM {from} WHERE {size} > {SURE}{within}", terms.join(", "));
        let mut most = 0;
        self.reader.interruptible(self.cancel, |reader| {
            reader.for_each(&sql, &[], |row| {
                let bytes = (0..terms.len()).map(|i| match row.get(i) {
                    Value::Text(b) | Value::Blob(b) => packed(b),
                    other => other.size(),
                });
                most = bytes.sum::<u64>().max(most);
                Ok(())
            })
        })?;
        Ok(most)
    }
}
