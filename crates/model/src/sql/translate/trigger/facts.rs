//! What a trigger must know of the database beside names and types: all triggers, keys, defaults, foreign keys.
//! Owns the lookup; never translates.

use super::walk::Walk;
use crate::schema::Action;
use crate::sql::ast::{Query, Trigger};
use std::collections::{BTreeMap, BTreeSet};

/// The database as triggers see it.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// Every trigger that was understood, by name.
    pub triggers: Vec<(&'a str, &'a Trigger)>,
    tables: BTreeMap<String, TableFacts>,
    /// By name in lower case: the tables and views that a view names.
    views: BTreeMap<String, Vec<String>>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct TableFacts {
    /// Every key that makes its rows unique: primary key, UNIQUE, unique indexes.
    pub keys: Vec<KeyFacts>,
    /// By source name of the column: its DEFAULT as PostgreSQL's SQL.
    pub defaults: BTreeMap<String, String>,
    /// Source name of the column that hands out its own values.
    pub identity: Option<String>,
    /// Source names of its generated columns.
    pub generated: Vec<String>,
    /// It has CHECK constraints.
    pub checks: bool,
    /// The foreign keys that refer to it.
    pub children: Vec<Child>,
}

/// A key.
#[derive(Clone, Debug, Default)]
pub struct KeyFacts {
    /// Its columns by their source names, each with its collation (upper case) if that is not BINARY.
    pub columns: Vec<(String, Option<String>)>,
    /// How ON CONFLICT names it in PostgreSQL; `None` where the target has no such key.
    pub terms: Option<String>,
    /// It is over an expression, or over a part of the rows: the columns do not say when rows are in conflict.
    pub partial: bool,
    /// ON CONFLICT of the constraint, upper case, if it is not ABORT.
    pub on_conflict: Option<String>,
}

/// A foreign key from the side of its parent.
#[derive(Clone, Debug)]
pub struct Child {
    /// The table that refers.
    pub table: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The columns that it refers to.
    pub parent_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: Action,
    /// ON UPDATE.
    pub on_update: Action,
    /// It is checked when the transaction ends.
    pub deferred: bool,
}

impl<'a> Facts<'a> {
    /// Of these triggers and no tables.
    pub fn new(triggers: Vec<(&'a str, &'a Trigger)>) -> Facts<'a> {
        Facts { triggers, ..Facts::default() }
    }

    /// Adds a table.
    pub fn add(&mut self, name: &str, table: TableFacts) {
        self.tables.insert(name.to_ascii_lowercase(), table);
    }

    /// Adds a view, by what it gives.
    pub fn add_view(&mut self, name: &str, query: &Query) {
        let mut named = Vec::new();
        let mut table = |name: &str, _: bool| named.push(name.to_ascii_lowercase());
        Walk { expr: &mut |_| {}, table: &mut table, deep: true }.query(query);
        self.views.insert(name.to_ascii_lowercase(), named);
    }

    /// What is read where these names are: themselves, and what views among them read. In lower case.
    pub(super) fn read(&self, names: Vec<String>) -> BTreeSet<String> {
        let (mut read, mut todo) = (BTreeSet::new(), names);
        while let Some(name) = todo.pop().map(|n| n.to_ascii_lowercase()) {
            if read.contains(&name) {
                continue;
            }
            todo.extend(self.views.get(&name).into_iter().flatten().cloned());
            read.insert(name);
        }
        read
    }

    /// A table, found as SQLite finds it; `None` of a view and of what is not there.
    pub fn table(&self, name: &str) -> Option<&TableFacts> {
        self.tables.get(&name.to_ascii_lowercase())
    }
}
