//! Expressions, conditions and queries of a trigger, with the rows NEW and OLD in sight.
//! Owns which names a statement of a body sees; never translates an expression itself.

use crate::sql::ast::{Expr, Query};
use crate::sql::translate::query::{Environment, Made};
use crate::sql::translate::relations::{Field, Relation};
use crate::sql::translate::typed::Typed;
use crate::sql::translate::{Translated, refuse, store_with};

/// What a name may mean: a row that is in sight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    /// The name before the point, in SQLite.
    pub name: &'a str,
    /// The same in PostgreSQL, unquoted.
    pub qualifier: &'a str,
    pub relation: &'a Relation,
}

/// What a body says its expressions with.
#[derive(Clone, Debug)]
pub(super) struct Speaker<'a> {
    pub environment: &'a Environment<'a>,
    /// NEW and OLD, as far as the event has them.
    pub rows: Vec<Item<'a>>,
}

impl<'a> Speaker<'a> {
    pub fn relation(&self, name: &str) -> Translated<&'a Relation> {
        self.environment.relations.find(name)
    }

    /// A value; `own` are the rows of the statement that it stands in.
    pub fn value(&self, _e: &Expr, _own: &[Item<'_>]) -> Translated<Typed> {
        refuse("triggers are not translated")
    }

    /// A condition: true, false or NULL.
    pub fn condition(&self, _e: &Expr, _own: &[Item<'_>]) -> Translated<String> {
        refuse("triggers are not translated")
    }

    /// A whole query; `own` are the rows of the statement that it stands in.
    pub fn select(&self, _query: &Query, _own: &[Item<'_>]) -> Translated<Made> {
        refuse("triggers are not translated")
    }

    /// The text that stores a value into a column.
    pub fn store(&self, value: Typed, field: &Field) -> Translated<String> {
        store_with(value, field, Some(self.environment.helpers))
    }
}
