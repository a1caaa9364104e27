//! Foreign keys: from the pragma what they do, from the text when they are checked and how they are named.
//! Owns the linking of child and parent; never judges data.

use super::{Places, by_table};
use crate::schema::{Action, Deferrable, ForeignKey, IndexOn, RawForeignKey, RawSchema, Schema, Table};
use crate::sql::sqlite::TableText;
use std::collections::BTreeMap;

/// The foreign keys of a table as written; [`link`] finds their parents when all tables are known.
pub(super) fn resolve(raw: &RawSchema, table: &mut Table, text: Option<&TableText>) {
    let rows = by_table(&raw.foreign_keys, &table.name).map(Vec::as_slice).unwrap_or_default();
    let mut keys: BTreeMap<i64, Vec<&RawForeignKey>> = BTreeMap::new();
    for row in rows {
        keys.entry(row.id).or_default().push(row);
    }
    let written = text.map(|t| t.foreign_keys.as_slice()).unwrap_or_default();
    let told = written.len() == keys.len();
    // The pragma counts from the last one written to the first.
    for (i, (_, mut columns)) in keys.into_iter().rev().enumerate() {
        columns.sort_by_key(|c| c.seq);
        let Some(first) = columns.first() else { continue };
        let text = if told { written.get(i) } else { None };
        table.foreign_keys.push(ForeignKey {
            name: text.and_then(|t| t.name.clone()),
            columns: columns.iter().filter_map(|c| column(table, &c.from)).collect(),
            parent: first.table.clone(),
            parent_columns: columns.iter().filter_map(|c| c.to.clone()).collect(),
            on_delete: action(&first.on_delete),
            on_update: action(&first.on_update),
            deferrable: text.map_or(Deferrable::Not, |t| t.deferrable),
        });
    }
}

fn column(table: &Table, name: &str) -> Option<usize> {
    table.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name))
}

fn action(word: &str) -> Action {
    match word.to_ascii_uppercase().as_str() {
        "RESTRICT" => Action::Restrict,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        "CASCADE" => Action::Cascade,
        _ => Action::NoAction,
    }
}

/// Gives every foreign key its parent's own spelling and its parent's columns. The columns become empty if the parent
/// does not exist, lacks one of them, or has no primary or unique key on just these: SQLite too refuses to enforce
/// such a key ("foreign key mismatch"). Source: <https://sqlite.org/foreignkeys.html#fk_indexes>.
pub(super) fn link(places: &Places, schema: &mut Schema) {
    for t in 0..schema.tables.len() {
        for k in 0..schema.tables[t].foreign_keys.len() {
            let linked = linked(places, schema, &schema.tables[t].foreign_keys[k]);
            let key = &mut schema.tables[t].foreign_keys[k];
            match linked {
                Some((parent, columns)) => {
                    key.parent = parent;
                    key.parent_columns = columns;
                }
                None => key.parent_columns = Vec::new(),
            }
        }
    }
}

fn linked(places: &Places, schema: &Schema, key: &ForeignKey) -> Option<(String, Vec<String>)> {
    let parent = schema.tables.get(places.find(&key.parent)?)?;
    let of_key = |parent: &Table| -> Vec<usize> {
        parent.primary_key.as_ref().map(|k| k.columns.iter().map(|c| c.column).collect()).unwrap_or_default()
    };
    let columns: Vec<usize> = if key.parent_columns.is_empty() {
        of_key(parent)
    } else {
        key.parent_columns.iter().map(|c| column(parent, c)).collect::<Option<_>>().unwrap_or_default()
    };
    let named = |columns: &[usize]| columns.iter().map(|c| parent.columns[*c].name.clone()).collect();
    let fits = columns.len() == key.columns.len() && has_key(parent, &columns);
    Some((parent.name.clone(), if fits { named(&columns) } else { Vec::new() }))
}

/// Whether these columns, in any order, are the primary key or have a unique index without a predicate.
fn has_key(parent: &Table, columns: &[usize]) -> bool {
    let mut wanted = columns.to_vec();
    wanted.sort_unstable();
    let is = |mut found: Vec<usize>| {
        found.sort_unstable();
        found == wanted
    };
    let keys = parent.primary_key.iter().chain(&parent.uniques);
    keys.map(|k| k.columns.iter().map(|c| c.column).collect()).any(is)
        || parent
            .indexes
            .iter()
            .filter(|i| i.unique && i.predicate.is_none())
            .filter_map(|i| {
                i.terms
                    .iter()
                    .map(|t| match t.on {
                        IndexOn::Column(c) => Some(c),
                        IndexOn::Expression(_) => None,
                    })
                    .collect::<Option<Vec<usize>>>()
            })
            .any(is)
}
