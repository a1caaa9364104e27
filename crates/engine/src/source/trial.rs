//! The trial: columns that the census has not proven are read once more, and every value goes through its codec and back.
//! Owns that reading; never decides what needs it or what follows (see the model's `mapping::trial`), never writes.

use super::census::TICK;
use super::reader::{Reader, Row};
use super::select::{Bounds, Reading};
use crate::error::{Kind, Result};
use crate::pool::{self, Cancel};
use lite2pg_model::ident::sqlite;
use lite2pg_model::mapping::codec::{Codec, Normal};
use lite2pg_model::mapping::decide::TableMapping;
use lite2pg_model::mapping::profile::{TableProfile, show};
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::mapping::treat::Treatment;
use lite2pg_model::mapping::trial::{PLACES, Place, Trial};
use lite2pg_model::normal;
use lite2pg_model::schema::{Schema, Table};
use lite2pg_model::value::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Longest key that is written into a statement, in bytes.
const KEY_BYTES: usize = 200;

/// Tries these columns (table, and place of the column in it), a table a task over the readers, and adds what was found to
/// the profiles.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn run(
    readers: &mut [Reader],
    schema: &Schema,
    mappings: &BTreeMap<String, TableMapping>,
    profiles: &mut BTreeMap<String, TableProfile>,
    wanted: &[(String, usize)],
    cancel: &Cancel,
) -> Result<()> {
    #[cfg(feature = "fault-injection")]
    let _held = lite2pg_model::fault::Held::new();
    let mut tasks = Vec::new();
    for table in &schema.tables {
        let columns: Vec<usize> = wanted.iter().filter(|w| w.0 == table.name).map(|w| w.1).collect();
        if let Some(mapping) = mappings.get(&table.name).filter(|_| !columns.is_empty()) {
            tasks.push((table, mapping, columns));
        }
    }
    let found = Mutex::new(Vec::new());
    pool::run(readers, tasks, cancel, |reader, (table, mapping, columns)| {
        let trials = one_table(reader, table, mapping, &columns, cancel)?;
        found.lock().unwrap_or_else(PoisonError::into_inner).push((table.name.clone(), trials));
        Ok(())
    })?;
    for (table, trials) in found.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if let Some(profile) = profiles.get_mut(&table) {
            trials.into_iter().for_each(|(column, trial)| profile.add_trial(column, trial));
        }
    }
    Ok(())
}

fn one_table(
    reader: &mut Reader,
    table: &Table,
    mapping: &TableMapping,
    columns: &[usize],
    cancel: &Cancel,
) -> Result<Vec<(usize, Trial)>> {
    let reading = Reading::of_table(table);
    let rowid = reading.rowid();
    let mut tried: Vec<Tried> = columns.iter().filter_map(|c| Tried::of(table, mapping, *c)).collect();
    // The key stands behind the tried columns: the rowid, or the columns of the primary key.
    let key: Vec<usize> = match (rowid, &table.primary_key) {
        (None, Some(key)) => key.columns.iter().map(|k| k.column).filter(|c| *c < table.columns.len()).collect(),
        _ => Vec::new(),
    };
    let read: Vec<usize> = tried.iter().map(|t| t.column).chain(key.iter().copied()).collect();
    let sql = reading.columns(read, Bounds::default());
    let width = tried.len();
    let named = |i: &usize| table.columns.get(*i).map(|c| c.name.as_str());
    let keys: Vec<&str> =
        if key.is_empty() { rowid.into_iter().collect() } else { key.iter().filter_map(named).collect() };
    let mut rows = 0u64;
    reader
        .for_each(&sql, &[], |row| {
            rows += 1;
            for (i, one) in tried.iter_mut().enumerate() {
                if let Some(reason) = one.value(row.get(i)) {
                    one.trial.places.push(place(table, one.name, &reason, &keys, width, row, rows));
                }
            }
            if rows.is_multiple_of(TICK) { cancel.check() } else { Ok(()) }
        })
        .map_err(|e| if e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    Ok(tried.into_iter().map(|t| (t.column, t.trial)).collect())
}

/// One column on trial.
struct Tried<'a> {
    column: usize,
    name: &'a str,
    codec: Codec,
    form: normal::Column,
    /// The very value must come back.
    exact: bool,
    trial: Trial,
    field: Vec<u8>,
    again: Vec<u8>,
    normals: [Vec<u8>; 2],
}

impl<'a> Tried<'a> {
    fn of(table: &'a Table, mapping: &TableMapping, column: usize) -> Option<Self> {
        let crossing: &Crossing = &mapping.columns.get(column)?.crossing;
        Some(Tried {
            column,
            name: table.columns.get(column)?.name.as_str(),
            codec: Codec::of(crossing),
            form: normal::Column::of(crossing),
            exact: crossing.normal == Normal::Exact && crossing.treatments.is_empty(),
            trial: Trial { crossing: crossing.clone(), values: 0, misfits: 0, nulled: 0, places: Vec::new() },
            field: Vec::new(),
            again: Vec::new(),
            normals: [Vec::new(), Vec::new()],
        })
    }

    /// Tries one value; the reason, if it is among the first that do not fit.
    fn value(&mut self, value: Value<'_>) -> Option<String> {
        if value == Value::Null {
            return None;
        }
        self.trial.values += 1;
        let reason = match self.there_and_back(value) {
            Ok(true) => return None,
            Ok(false) => {
                self.trial.nulled += 1;
                format!("becomes NULL ({})", show(value))
            }
            Err(reason) => {
                self.trial.misfits += 1;
                reason
            }
        };
        (self.trial.places.len() < PLACES).then_some(reason)
    }

    /// `Ok(false)`: it becomes NULL because it does not fit.
    fn there_and_back(&mut self, value: Value<'_>) -> std::result::Result<bool, String> {
        let field = &mut self.field;
        field.clear();
        self.codec.encode(value, field).map_err(|misfit| misfit.to_string())?;
        let content = if field.starts_with(&[0xff; 4]) { None } else { field.get(4..) };
        if content.is_none() {
            let empty = self.trial.crossing.treatments.contains(&Treatment::EmptyNull) && value == Value::Text(b"");
            return Ok(empty);
        }
        let [here, there] = &mut self.normals;
        here.clear();
        there.clear();
        self.form.of_source(value, here);
        self.form.of_target(content, there);
        if here != there {
            return Err(format!("its meaning would change ({})", show(value)));
        }
        let back = self.codec.decode(content).map_err(|misfit| misfit.to_string())?;
        self.again.clear();
        let same = self.codec.encode(back.as_value(), &mut self.again).is_ok() && self.again == *field;
        if !same || (self.exact && back.as_value() != value) {
            return Err(format!("it would come back as {} ({})", show(back.as_value()), show(value)));
        }
        Ok(true)
    }
}

/// Where a value stands, and the statement that shows it.
fn place(table: &Table, column: &str, reason: &str, keys: &[&str], width: usize, row: &Row<'_>, number: u64) -> Place {
    let look = format!("SELECT {} FROM {}", sqlite(column), sqlite(&table.name));
    let words: Vec<String> =
        keys.iter().enumerate().map(|(i, k)| format!("{k} {}", show(row.get(width + i)))).collect();
    let conditions: Option<Vec<String>> = keys
        .iter()
        .enumerate()
        .map(|(i, k)| literal(row.get(width + i)).map(|literal| format!("{} IS {literal}", quoted(k))))
        .collect();
    let sql = match conditions.filter(|c| !c.is_empty()) {
        Some(conditions) => format!("{look} WHERE {}", conditions.join(" AND ")),
        None => {
            let order = Reading::of_table(table).order();
            format!("{look}{order} LIMIT 1 OFFSET {}", number.saturating_sub(1))
        }
    };
    let key = if words.is_empty() { format!("row {number}") } else { words.join(", ") };
    Place { key, reason: reason.to_owned(), sql }
}

/// A key as people write it: the rowid needs no quotes.
fn quoted(key: &str) -> String {
    if key == "rowid" { key.to_owned() } else { sqlite(key) }
}

/// A value as SQLite's SQL; `None` if it is too long to be read.
fn literal(value: Value<'_>) -> Option<String> {
    let long = matches!(value, Value::Text(b) | Value::Blob(b) if b.len() > KEY_BYTES);
    (!long).then(|| value.sqlite())
}
