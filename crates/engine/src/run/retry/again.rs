//! A rejected row as the source has it now.
//! Owns how it is found again; never takes stored values for a row that may be gone.

use crate::error::Result;
use crate::run::scan::{self, Scan};
use crate::source::Reader;
use crate::target::rejected::Stored;
use lite2pg_model::ident::sqlite;
use lite2pg_model::mapping::codec::OwnedValue;
use lite2pg_model::plan::TablePlan;
use lite2pg_model::value::Value;

/// The row as the source has it now: found by its key; by its rowid, if all but the column to blame is as it was; in a
/// table without key also by all its values. `None`: the source has no such row.
pub(super) fn as_the_source_has_it(
    reader: &mut Reader,
    table: &TablePlan,
    stored: &Stored,
) -> Result<Option<Vec<OwnedValue>>> {
    let key: Vec<Value<'_>> = table.source_key.iter().map(|k| stored.value(k)).collect();
    let stable = !key.is_empty() && key.iter().all(|v| *v != Value::Null);
    if stable {
        let found = first(reader, table, &terms(table, &table.source_key), &key, |_| true)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    if let Some(rowid) = scan::rowid(table).filter(|_| stored.place.number != -1) {
        // A rowid alone may have become another row's: all but the column that was to blame must be as it was.
        let same = |row: &[OwnedValue]| {
            table
                .columns
                .iter()
                .zip(row)
                .all(|(c, v)| c.name == stored.place.column || same_value(v.as_value(), stored.value(&c.name)))
        };
        let number = [Value::Integer(stored.place.number)];
        let found = first(reader, table, &format!("{rowid} = ?1"), &number, same)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    if stable {
        return Ok(None);
    }
    let names: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
    let values: Vec<Value<'_>> = names.iter().map(|n| stored.value(n)).collect();
    let same = |row: &[OwnedValue]| row.iter().zip(&values).all(|(a, b)| same_value(a.as_value(), *b));
    first(reader, table, &terms(table, &names), &values, same)
}

/// A condition that each of these columns has the value of its parameter.
fn terms(table: &TablePlan, names: &[String]) -> String {
    let one = |(i, name): (usize, &String)| {
        let read = table.columns.iter().find(|c| c.name == *name).and_then(|c| c.read.as_ref());
        let what = read.map_or_else(|| sqlite(name), |expression| format!("(\n{expression}\n)"));
        format!("{what} IS ?{}", i + 1)
    };
    names.iter().enumerate().map(one).collect::<Vec<_>>().join(" AND ")
}

fn first(
    reader: &mut Reader,
    table: &TablePlan,
    condition: &str,
    parameters: &[Value<'_>],
    meant: impl Fn(&[OwnedValue]) -> bool,
) -> Result<Option<Vec<OwnedValue>>> {
    let mut found = None;
    Scan::whole(table).find(reader, condition, parameters, |row, _| {
        if found.is_none() {
            let values: Vec<OwnedValue> = (0..table.columns.len()).map(|i| row.get(i).into()).collect();
            found = meant(&values).then_some(values);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether two values are the same to the bit.
pub(super) fn same_value(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}
