//! References that a policy made NULL because the parent was rejected, restored when it arrives after all.
//! Owns that update; never touches a reference that is not NULL.

use crate::error::{Error, Kind, Result};
use crate::run::exclude::{self, Excluded};
use crate::run::fit::Fit;
use crate::run::normalised;
use crate::run::scan::{self, Scan};
use crate::source::Reader;
use crate::target::copy::CopyIn;
use crate::target::error_from_pg;
use crate::target::ledger::Range;
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::mapping::codec::OwnedValue;
use lite2pg_model::normal;
use lite2pg_model::plan::{ForeignKeyPlan, Orphans, Plan, TablePlan};
use lite2pg_model::value::Value;
use postgres::Transaction;
use std::collections::{BTreeMap, BTreeSet};

const PLACE: &str = "lite2pg_restored";

/// Keys of parents that have arrived, by the places of the table and the foreign key that refer to them.
#[derive(Debug, Default)]
pub(super) struct Parents(BTreeMap<(usize, usize), BTreeSet<Vec<u8>>>);

/// The foreign keys under which a reference without parent becomes NULL, with their tables' and their own places.
pub(super) fn set_null(plan: &Plan) -> impl Iterator<Item = (usize, usize, &ForeignKeyPlan)> {
    let tables = plan.tables.iter().enumerate();
    tables.flat_map(|(t, table)| {
        let keys = table.foreign_keys.iter().enumerate();
        keys.filter(|(_, k)| !k.not_valid && k.orphans == Some(Orphans::SetNull)).map(move |(k, key)| (t, k, key))
    })
}

/// A key as PostgreSQL compares it; `None` where a part of it is NULL.
fn key_of<'v>(table: &TablePlan, columns: &[usize], value: impl Fn(usize) -> Value<'v>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for i in columns {
        let start = bytes.len();
        table.columns.get(*i)?.form().of_key(value(*i), &mut bytes);
        if bytes.get(start) == Some(&normal::NULL_TAG) {
            return None;
        }
    }
    Some(bytes)
}

impl Parents {
    /// A row has arrived.
    pub(super) fn came<'v>(&mut self, plan: &Plan, table: &TablePlan, value: impl Fn(usize) -> Value<'v>) {
        for (t, k, key) in set_null(plan).filter(|(_, _, key)| key.parent == table.target) {
            let there = exclude::places(table, &key.parent_columns, |c| &c.target);
            if let Some(bytes) = key_of(table, &there, &value) {
                self.0.entry((t, k)).or_default().insert(bytes);
            }
        }
    }

    /// Restores the references of rows whose parents have arrived. Returns how many, by table.
    ///
    /// # Errors
    /// The target refuses, or nothing tells the rows of such a table apart.
    pub(super) fn restore(
        &self,
        (tx, run, schema): (&mut Transaction<'_>, &str, &str),
        reader: &mut Reader,
        plan: &Plan,
        excluded: &Excluded,
    ) -> Result<BTreeMap<String, u64>> {
        let mut restored = BTreeMap::new();
        for ((t, k), parents) in &self.0 {
            let table = plan.tables.get(*t).and_then(|t| Some((t, t.foreign_keys.get(*k)?)));
            let Some((table, key)) = table else { continue };
            let primary = table.primary_key.as_ref().map_or(&[][..], |p| &p.columns);
            let own = exclude::places(table, primary, |c| &c.target);
            let here = exclude::places(table, &key.columns, |c| &c.target);
            let set = excluded.of(&table.name);
            let mut columns = own.clone();
            columns.extend(here.iter().filter(|i| !own.contains(i)));
            let named = exclude::places(table, &table.source_key, |c| &c.name);
            let read: Vec<usize> = columns.iter().chain(&named).copied().collect();
            let mut rows: Vec<(Vec<OwnedValue>, String)> = Vec::new();
            Scan::new(table, read.clone()).run(reader, Range::default(), |row, number| {
                let value = |i: usize| read.iter().position(|c| *c == i).map_or(Value::Null, |at| row.get(at));
                let lost = set.is_some_and(|s| s.nulls(number).any(|n| n == *k));
                if !lost && key_of(table, &here, value).is_some_and(|key| parents.contains(&key)) {
                    let values = columns.iter().map(|i| value(*i).into()).collect();
                    rows.push((values, scan::key(table, number, value)));
                }
                Ok(())
            })?;
            if rows.is_empty() {
                continue;
            }
            if own.is_empty() || own.len() != primary.len() {
                return Err(Error::new(
                    Kind::Rejected,
                    format!(
                        "a row of {} that arrives has children in {} whose references became NULL, and without a \
                         primary key they cannot be told apart",
                        key.parent, table.name
                    ),
                )
                .about(&table.name)
                .hint("nothing was changed; lite2pg rollback, then migrate anew from the mended source"));
            }
            let count = one_table(tx, schema, table, (&columns, &own, &here), &rows)?;
            if count > 0 {
                let keys: Vec<String> = rows.into_iter().map(|(_, key)| key).collect();
                for column in here.iter().filter_map(|i| table.columns.get(*i)) {
                    normalised::restored(tx, run, &table.name, &column.name, (count, &keys))?;
                }
                *restored.entry(table.name.clone()).or_insert(0) += count;
            }
        }
        Ok(restored)
    }
}

/// Brings the rows' keys and references beside the table, and takes them from there where it has NULL.
fn one_table(
    tx: &mut Transaction<'_>,
    schema: &str,
    table: &TablePlan,
    (columns, own, here): (&[usize], &[usize], &[usize]),
    rows: &[(Vec<OwnedValue>, String)],
) -> Result<u64> {
    let doing = "restoring references to rows that have arrived";
    let name = |i: &usize| table.columns.get(*i).map(|c| pg(&c.target)).unwrap_or_default();
    let list = |places: &[usize], each: &dyn Fn(String) -> String, between: &str| {
        places.iter().map(|i| each(name(i))).collect::<Vec<_>>().join(between)
    };
    let target = pg_in(schema, &table.target);
    let refused = |e| error_from_pg(e, doing).about(&table.name);
    let chosen = list(columns, &|c| c, ", ");
    tx.batch_execute(&format!("CREATE TEMP TABLE {PLACE} AS SELECT {chosen} FROM {target} WITH NO DATA"))
        .map_err(refused)?;
    let mut beside = table.clone();
    PLACE.clone_into(&mut beside.target);
    beside.columns = columns.iter().filter_map(|i| table.columns.get(*i)).cloned().collect();
    // There it is a column like any other.
    beside.columns.iter_mut().for_each(|c| c.generated = None);
    let fits: Vec<Fit> = beside.columns.iter().map(Fit::of).collect();
    let mut copy = CopyIn::start(tx, "pg_temp", &beside, false)?;
    for (values, _) in rows {
        let start = copy.gathered();
        let out = copy.row();
        // A row that does not fit is not in the table either.
        let fit = fits.iter().zip(values).all(|(fit, value)| fit.encode(value.as_value(), out).is_none());
        if fit {
            copy.row_end()?;
        } else {
            copy.take_back(start);
        }
    }
    copy.finish()?;
    let sql = format!(
        "UPDATE ONLY {target} c SET {} FROM pg_temp.{PLACE} r WHERE {} AND {}",
        list(here, &|c| format!("{c} = r.{c}"), ", "),
        list(own, &|c| format!("c.{c} = r.{c}"), " AND "),
        list(here, &|c| format!("c.{c} IS NULL"), " AND "),
    );
    let count = tx.execute(&sql, &[]).map_err(refused)?;
    tx.batch_execute(&format!("DROP TABLE pg_temp.{PLACE}")).map_err(refused)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PostgreSQL takes -0.0 for 0.0, so a child that says the one has the parent that says the other.
    #[test]
    fn keys_are_compared_as_postgresql_compares_them() {
        let column = serde_json::json!({ "name": "c", "target": "c", "declared": "REAL", "type": "double precision",
                                         "normal": "exact", "reason": "" });
        let table = serde_json::json!({ "name": "t", "target": "t", "rows": 0, "bytes": 0, "without_rowid": false,
                                        "columns": [column] });
        let table: TablePlan = serde_json::from_value(table).expect("a plan of a table");
        let key = |value: Value<'static>| key_of(&table, &[0], |_| value);
        assert_eq!(key(Value::Real(-0.0)), key(Value::Real(0.0)));
        assert!(key(Value::Real(0.0)) != key(Value::Real(1.0)));
        assert_eq!(key(Value::Null), None);
    }
}
