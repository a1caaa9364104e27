//! How wide the widest row of a table is on PostgreSQL's pages, of tables that may be too wide.
//! Owns that one reading, by lengths alone; never judges it (see `plan::limits`).

use super::census::TICK;
use super::reader::Reader;
use super::select::Reading;
use crate::error::Result;
use crate::pool::Cancel;
use lite2pg_model::ident::sqlite;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::mapping::shape::TableMapping;
use lite2pg_model::plan::limits;
use lite2pg_model::schema::{Schema, TableKind};
use lite2pg_model::value::Value;
use std::collections::BTreeMap;

/// Measures the rows of each table whose longest values together would fit no page. Few have so many columns.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn rows(
    reader: &mut Reader,
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    mappings: &BTreeMap<String, TableMapping>,
    cancel: &Cancel,
) -> Result<BTreeMap<String, u64>> {
    let mut widest = BTreeMap::new();
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let (Some(profile), Some(mapping)) = (profiles.get(&table.name), mappings.get(&table.name)) else { continue };
        if !limits::may_be_wide(table, profile, mapping) {
            continue;
        }
        let reading = Reading::of_table(table);
        let list: Vec<String> = table.columns.iter().map(|c| format!("octet_length({})", sqlite(&c.name))).collect();
        let sql = format!("SELECT {} FROM {}", list.join(", "), reading.clause(None));
        let mut row_of: Vec<(PgType, Option<u64>)> = mapping.columns.iter().map(|m| (m.ty, None)).collect();
        let (mut largest, mut seen) = (0, 0u64);
        reader
            .for_each(&sql, &[], |row| {
                for (i, (_, length)) in row_of.iter_mut().enumerate() {
                    *length = if let Value::Integer(n) = row.get(i) { Some(n.unsigned_abs()) } else { None };
                }
                largest = limits::on_page(&row_of).max(largest);
                seen += 1;
                if seen.is_multiple_of(TICK) { cancel.check() } else { Ok(()) }
            })
            .map_err(|e| if e.object.is_some() { e } else { e.about(&table.name) })?;
        widest.insert(table.name.clone(), largest);
    }
    Ok(widest)
}
