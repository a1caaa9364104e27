//! From the rows of `sqlite_schema` and the pragmas to a [`Schema`], with a finding for every clause that has no
//! place in it. Owns which of text and pragma is believed; never translates to PostgreSQL, never looks at data.

mod findings;
mod foreign;
mod index;
mod key;
mod table;
mod virtuals;

use crate::finding::{Finding, codes};
use crate::schema::{Object, RawColumn, RawObject, RawSchema, Schema, Table, TableKind};
use crate::sql::sqlite::Names;
use std::collections::BTreeMap;

/// Resolves a database. The pragmas say what is true (columns, NOT NULL, which keys and indexes exist); the text says
/// what they hide (CHECK, DEFERRABLE, predicates, expressions, collations, ON CONFLICT, AUTOINCREMENT, CONSTRAINT
/// names). A statement that cannot be parsed is carried from the pragmas alone, with a blocking finding.
///
/// The findings are those that depend on the schema only: `UNPARSED`, `VIRTUAL_TABLE`, `GENERATED`, `COLLATION`,
/// `ON_CONFLICT`. Whether a CHECK, a DEFAULT, an index, a view or a trigger can be said in PostgreSQL is found by
/// `translate`.
pub fn resolve(raw: &RawSchema) -> (Schema, Vec<Finding>) {
    let mut schema = Schema::default();
    let mut findings = Vec::new();
    for object in &raw.objects {
        match object.kind.as_str() {
            "table" => schema.tables.push(table::resolve(raw, object, &mut findings)),
            "view" => {
                let columns = by_table(&raw.columns, &object.name).filter(|c| !c.is_empty());
                let columns = columns.map(|c| c.iter().map(|c| c.name.clone()).collect());
                schema.views.push(Object { columns, ..kept(object, &object.name) });
            }
            "trigger" => {
                schema.triggers.push(kept(object, &object.table));
            }
            _ => {}
        }
    }
    let places = Places::of(&schema);
    for object in raw.objects.iter().filter(|o| o.kind == "index") {
        if let (Some(sql), Some(t)) = (&object.sql, places.find(&object.table)) {
            index::resolve(raw, object, sql, &mut schema.tables[t], &mut findings);
        }
    }
    virtuals::resolve(raw, &places, &mut schema, &mut findings);
    foreign::link(&places, &mut schema);
    findings::collations(&schema, &mut findings);
    (schema, findings)
}

fn kept(object: &RawObject, table: &str) -> Object {
    let sql = object.sql.clone().unwrap_or_default();
    Object { name: object.name.clone(), table: table.to_owned(), sql, columns: None }
}

/// The value under a name of a table, which the text may spell otherwise than `sqlite_schema` does.
fn by_table<'a, T>(map: &'a BTreeMap<String, T>, table: &str) -> Option<&'a T> {
    map.get(table).or_else(|| map.iter().find(|(k, _)| k.eq_ignore_ascii_case(table)).map(|(_, v)| v))
}

/// Where each table stands in the schema, found as SQLite finds it: ASCII letters without regard to case.
struct Places(BTreeMap<String, usize>);

impl Places {
    fn of(schema: &Schema) -> Self {
        Places(schema.tables.iter().enumerate().map(|(i, t)| (t.name.to_ascii_lowercase(), i)).collect())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.0.get(&name.to_ascii_lowercase()).copied()
    }
}

/// The columns that have a place in the schema: hidden columns of virtual tables do not.
fn visible(columns: &[RawColumn]) -> impl Iterator<Item = &RawColumn> {
    columns.iter().filter(|c| c.hidden != 1)
}

fn names(table: &Table) -> Names {
    Names {
        table: table.name.clone(),
        columns: table.columns.iter().map(|c| c.name.clone()).collect(),
        rowid_alias: table.rowid_alias,
    }
}

/// A finding for a statement that cannot be parsed; blocks until accepted.
fn unparsed(object: &str, what: &str, lost: &str, why: &str) -> Finding {
    Finding::not_carried(
        codes::UNPARSED,
        object,
        format!("the CREATE {what} of {object} could not be parsed ({why}); it is carried from what the pragmas tell"),
        format!(
            "compare the result with the statement: {lost} may be missing; then go on with --accept {}:{object}",
            codes::UNPARSED
        ),
    )
}

/// Whether rows of it are carried, so that what its text says matters.
fn carries_rows(kind: &TableKind) -> bool {
    *kind == TableKind::Ordinary
}
