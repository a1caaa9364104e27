//! Indexes made by CREATE INDEX: terms and collations from the pragma, expressions and predicate from the text.
//! Owns that meeting; never judges whether PostgreSQL can build one.

use super::{by_table, carries_rows, key, names, unparsed};
use crate::finding::Finding;
use crate::schema::{Expression, Index, IndexOn, IndexTerm, RawIndex, RawIndexColumn, RawObject, RawSchema, Table};
use crate::sql::sqlite::{self, IndexText};

pub(super) fn resolve(raw: &RawSchema, object: &RawObject, sql: &str, table: &mut Table, findings: &mut Vec<Finding>) {
    if !carries_rows(&table.kind) {
        return;
    }
    let listed = by_table(&raw.indexes, &object.table)
        .and_then(|list| list.iter().find(|i| i.name.eq_ignore_ascii_case(&object.name)));
    let index = match listed {
        Some(listed) => from_pragma(table, object, sql, listed, findings),
        None => {
            let why = "PRAGMA index_list does not tell of it";
            findings.push(unparsed(&object.name, "INDEX", "the index", why));
            Index { name: object.name.clone(), sql: sql.to_owned(), unique: false, terms: Vec::new(), predicate: None }
        }
    };
    table.indexes.push(index);
}

fn from_pragma(table: &Table, object: &RawObject, sql: &str, listed: &RawIndex, findings: &mut Vec<Finding>) -> Index {
    let mut index = Index {
        name: object.name.clone(),
        sql: sql.to_owned(),
        unique: listed.unique,
        terms: Vec::new(),
        predicate: None,
    };
    let needs_text = listed.partial || listed.columns.iter().any(|c| c.cid < 0);
    let text = match sqlite::index(sql, &names(table)) {
        Ok(text) if text.terms.len() == listed.columns.len() && text.predicate.is_some() == listed.partial => text,
        // The pragma alone says all of an index on plain columns.
        _ if !needs_text => IndexText::default(),
        other => {
            let why = other.err().unwrap_or_else(|| "its terms are not those of PRAGMA index_xinfo".into());
            findings.push(unparsed(&object.name, "INDEX", "the index", &why));
            return index;
        }
    };
    index.terms = listed.columns.iter().enumerate().map(|(i, c)| term(table, c, text.terms.get(i))).collect();
    index.predicate = text.predicate;
    index
}

fn term(table: &Table, listed: &RawIndexColumn, text: Option<&Expression>) -> IndexTerm {
    let known = usize::try_from(listed.cid).ok().filter(|i| *i < table.columns.len());
    let column = known.or(if listed.cid == -1 { table.rowid_alias } else { None });
    let on = match column {
        Some(column) => IndexOn::Column(column),
        None => IndexOn::Expression(text.cloned().unwrap_or_else(|| Expression { sql: String::new(), ast: None })),
    };
    IndexTerm { on, collation: key::collation(&listed.collation), descending: listed.descending }
}
