//! The tables and views of a database as queries see them: names, and what is known of each column's values.
//! Owns the lookup by name; never translates a query (see `query`), never decides a type (see `mapping`).

use super::typed::{Collation, Typed};
use super::{ScopeColumn, refuse};
use crate::ident;
use crate::mapping::shape::Crossing;
use crate::sql::translate::Translated;
use std::collections::BTreeMap;

/// What queries may name: tables, and the views that were translated before.
#[derive(Clone, Debug, Default)]
pub struct Relations(BTreeMap<String, Known>);

/// A relation, or why there is none in the target.
#[derive(Clone, Debug)]
enum Known {
    There(Relation),
    Lost(String),
}

/// A table or a view.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its name in the source.
    pub name: String,
    /// Its name in the target, unquoted.
    pub target: String,
    /// A view.
    pub view: bool,
    /// Its columns, in order.
    pub fields: Vec<Field>,
    /// The column that is the rowid, by its place in `fields`.
    pub rowid: Option<usize>,
    /// Columns of each key that makes its rows unique (primary key first), by their places; whole keys of plain columns
    /// only. For INSERT OR REPLACE and upserts.
    pub keys: Vec<Vec<usize>>,
    /// The first of them is the primary key.
    pub primary: bool,
    /// Why the rows of a view cannot be compared with SQLite's, and so those of no view that uses it.
    pub incomparable: Option<String>,
    /// Why nothing needs to be written to it, where PostgreSQL keeps it up to date by itself: "docs_fts is a full-text
    /// index over docs, …".
    pub upkeep: Option<String>,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in the source.
    pub name: String,
    /// Its name in the target, unquoted.
    pub target: String,
    /// How its values cross: of a column of a table, and of what a view hands through from one; else by its kind.
    pub crossing: Crossing,
    /// It takes no NULL.
    pub not_null: bool,
    /// Computed with doubles, so that the last digits may differ.
    pub approximate: bool,
    /// `*` does not stand for it.
    pub secret: bool,
    /// What an expression knows of it; its text is the bare name and is replaced where it is named.
    pub(crate) typed: Typed,
}

impl Field {
    /// A column of a table.
    pub fn of_column(column: &ScopeColumn<'_>, crossing: &Crossing, not_null: bool) -> Field {
        Field {
            name: column.source.name.clone(),
            target: column.target.to_owned(),
            crossing: crossing.clone(),
            not_null,
            approximate: false,
            secret: false,
            typed: Typed::column(column, ident::pg(column.target)),
        }
    }

    /// Gives it another name in the target.
    pub(crate) fn call(&mut self, target: &str) {
        self.typed.sql = self.typed.sql.replacen(&ident::pg(&self.target), &ident::pg(target), 1);
        target.clone_into(&mut self.target);
    }

    /// The column as an operand, under a qualifier (an alias or a table's target name, unquoted).
    pub(crate) fn named(&self, qualifier: &str) -> Typed {
        self.under(&ident::pg(qualifier))
    }

    /// The same under a qualifier as it is written: `NEW`.
    pub(crate) fn under(&self, qualifier: &str) -> Typed {
        let bare = ident::pg(&self.target);
        let full = format!("{qualifier}.{bare}");
        // The text of a column may wrap its name, in a cast for one.
        let sql = self.typed.sql.replacen(&bare, &full, 1);
        Typed { sql, ..self.typed.clone() }
    }

    /// Gives it other names.
    pub(crate) fn rename(&mut self, name: &str, target: &str) {
        self.typed.sql = self.typed.sql.replacen(&ident::pg(&self.target), &ident::pg(target), 1);
        self.name = name.to_owned();
        self.target = target.to_owned();
    }

    /// The collation its comparisons use.
    pub fn collation(&self) -> &str {
        match &self.typed.collation {
            Collation::Column(c) | Collation::Explicit(c) => c,
            Collation::None => "BINARY",
        }
    }
}

impl Relations {
    /// Adds a table or a view that is in the target.
    pub fn add(&mut self, relation: Relation) {
        self.0.insert(relation.name.to_ascii_lowercase(), Known::There(relation));
    }

    /// Adds one that is not, with the reason as a phrase: "the view v is not carried over".
    pub fn add_lost(&mut self, name: &str, reason: impl Into<String>) {
        self.0.insert(name.to_ascii_lowercase(), Known::Lost(reason.into()));
    }

    /// The relation of a name, found as SQLite finds it: ASCII letters without regard to case.
    ///
    /// # Errors
    /// There is none in the target: why.
    pub fn find(&self, name: &str) -> Translated<&Relation> {
        match self.0.get(&name.to_ascii_lowercase()) {
            Some(Known::There(relation)) => Ok(relation),
            Some(Known::Lost(reason)) => refuse(reason.clone()),
            None => refuse(format!("there is no table or view {name}")),
        }
    }
}
