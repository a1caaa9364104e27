//! PRIMARY KEY and UNIQUE: which exist (the pragmas say), and how they are named (the text says).
//! Owns the rule of the rowid alias; never judges whether PostgreSQL can hold a key.

use crate::ident;
use crate::schema::{Key, KeyColumn, RawColumn, RawIndex, Table};
use crate::sql::sqlite::{KeyText, TableText};

/// The column that is the rowid. SQLite makes an automatic index for every primary key but that one, so a primary key
/// of one column without an index is it: the exact word INTEGER, and the exception of `INTEGER PRIMARY KEY DESC`, are
/// SQLite's to judge. Source: <https://sqlite.org/lang_createtable.html#rowids_and_the_integer_primary_key>.
pub(super) fn rowid_alias(table: &Table, columns: &[&RawColumn], indexes: &[RawIndex]) -> Option<usize> {
    if table.without_rowid || indexes.iter().any(|i| i.origin == "pk") {
        return None;
    }
    let mut key = columns.iter().enumerate().filter(|(_, c)| c.primary_key > 0);
    match (key.next(), key.next()) {
        (Some((i, column)), None) if column.declared.eq_ignore_ascii_case("integer") => Some(i),
        _ => None,
    }
}

pub(super) fn resolve(table: &mut Table, columns: &[&RawColumn], indexes: &[RawIndex], text: Option<&TableText>) {
    let written = text.map(|t| t.keys.as_slice()).unwrap_or_default();
    table.primary_key = primary_key(table, columns, indexes, written);
    table.uniques = uniques(table, indexes, written);
}

/// SQLite's own collations. Source: <https://sqlite.org/datatype3.html#collating_sequences>.
const BUILT_IN: [&str; 3] = ["BINARY", "NOCASE", "RTRIM"];

/// The order in which a WITHOUT ROWID table is read: its own, so that SQLite sorts nothing. Under a collation that only
/// the application has, the file's order cannot be trusted, and bytes are compared instead.
pub(super) fn order(table: &Table) -> Vec<String> {
    let term = |k: &KeyColumn| {
        let name = format!("{}.{}", ident::sqlite(&table.name), ident::sqlite(&table.columns.get(k.column)?.name));
        let collation = k.collation.as_deref().filter(|c| BUILT_IN.contains(c)).unwrap_or("BINARY");
        Some(format!("{name} COLLATE {collation}{}", if k.descending { " DESC" } else { "" }))
    };
    let key = table.primary_key.iter().filter(|_| table.without_rowid);
    key.flat_map(|k| &k.columns).filter_map(term).collect()
}

fn primary_key(table: &Table, columns: &[&RawColumn], indexes: &[RawIndex], written: &[KeyText]) -> Option<Key> {
    let text = written.iter().find(|k| k.primary);
    let from_index = indexes.iter().find(|i| i.origin == "pk").map(|i| key_columns(table, i));
    let key = from_index.unwrap_or_else(|| {
        let mut key: Vec<(i64, usize)> =
            columns.iter().enumerate().filter(|(_, c)| c.primary_key > 0).map(|(i, c)| (c.primary_key, i)).collect();
        key.sort_unstable();
        key.into_iter().map(|(_, column)| KeyColumn { column, collation: None, descending: false }).collect()
    });
    if key.is_empty() {
        return None;
    }
    // A UNIQUE before it on the same columns lends its ON CONFLICT, since they are one index.
    let same = written.iter().filter(|k| same_columns(table, k, &key));
    let on_conflict = text
        .and_then(|t| t.on_conflict.clone())
        .or_else(|| if table.rowid_alias.is_some() { None } else { same.filter_map(|k| k.on_conflict.clone()).next() });
    Some(Key { name: text.and_then(|t| t.name.clone()), columns: key, on_conflict })
}

/// The UNIQUE constraints that have an index of their own, in the order in which they are written.
fn uniques(table: &Table, indexes: &[RawIndex], written: &[KeyText]) -> Vec<Key> {
    let mut automatic: Vec<&RawIndex> = indexes.iter().filter(|i| i.origin == "u").collect();
    automatic.sort_by_key(|i| number(&i.name));
    automatic
        .into_iter()
        .map(|index| {
            let columns = key_columns(table, index);
            let mut texts = written.iter().filter(|k| !k.primary && same_columns(table, k, &columns));
            let name = texts.clone().find_map(|k| k.name.clone());
            Key { name, on_conflict: texts.find_map(|k| k.on_conflict.clone()), columns }
        })
        .collect()
}

/// The number at the end of `sqlite_autoindex_t_2`.
fn number(name: &str) -> u64 {
    name.rsplit('_').next().and_then(|n| n.parse().ok()).unwrap_or(u64::MAX)
}

/// The columns of an automatic index; a number that names no column is left out.
fn key_columns(table: &Table, index: &RawIndex) -> Vec<KeyColumn> {
    index
        .columns
        .iter()
        .filter_map(|c| {
            let column = usize::try_from(c.cid).ok().filter(|i| *i < table.columns.len())?;
            Some(KeyColumn { column, collation: collation(&c.collation), descending: c.descending })
        })
        .collect()
}

/// A collation's name, upper case, or `None` for BINARY.
pub(super) fn collation(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    if upper.is_empty() || upper == "BINARY" { None } else { Some(upper) }
}

/// Whether a written key is this one: SQLite takes two keys for one if columns and collations are the same in order.
fn same_columns(table: &Table, text: &KeyText, key: &[KeyColumn]) -> bool {
    // A column that stands twice in a WITHOUT ROWID key is kept once.
    let mut written: Vec<(usize, Option<String>)> = Vec::new();
    for (name, collate) in &text.columns {
        let Some(i) = table.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)) else { return false };
        let collate = match collate {
            Some(name) => collation(name),
            None => table.columns[i].collation.clone(),
        };
        if !(table.without_rowid && written.iter().any(|w| w.0 == i)) {
            written.push((i, collate));
        }
    }
    written.len() == key.len() && written.iter().zip(key).all(|(w, k)| w.0 == k.column && w.1 == k.collation)
}
