//! Expressions, conditions and queries of a trigger, with the rows NEW and OLD in sight.
//! Owns which names a statement of a body sees; never translates an expression itself.

use crate::ident;
use crate::sql::ast::{Expr, Join, Query};
use crate::sql::translate::Translated;
use crate::sql::translate::query::{self, Environment, Item, Made};
use crate::sql::translate::relations::{Field, Relation};
use crate::sql::translate::store::store;
use crate::sql::translate::typed::{Kind, Typed};

/// What a body says its expressions with.
#[derive(Clone, Debug)]
pub(super) struct Speaker<'a> {
    pub environment: &'a Environment<'a>,
    /// NEW and OLD, as far as the event has them.
    pub rows: Vec<Item>,
}

/// The row that a statement changes.
pub(super) fn target(relation: &Relation) -> Item {
    Item::of(relation, &relation.name, &ident::pg(&relation.target))
}

/// A row whose columns are named with its name before them only, as those of NEW, OLD and `excluded`. In SQLite they have
/// no affinity in comparisons, but for the number of the row (`sqlite3ExprAffinity` knows of columns only); what a view is
/// given has whatever class it comes with, and is taken here for what its columns hold.
pub(super) fn row(relation: &Relation, name: &str, qualifier: &str) -> Item {
    let mut item = Item::of(relation, name, qualifier);
    item.hidden = (0..item.fields.len()).collect();
    for (i, field) in item.fields.iter_mut().enumerate() {
        // A type of its own stands for texts or numbers of one form, which no affinity changes.
        if !relation.view && Some(i) != relation.rowid && !matches!(field.typed.kind, Kind::Other(_)) {
            field.typed.affinity = None;
        }
    }
    item
}

impl<'a> Speaker<'a> {
    pub fn relation(&self, name: &str) -> Translated<&'a Relation> {
        self.environment.relations.find(name)
    }

    /// A value; `own` are the rows of the statement that it stands in.
    pub fn value(&self, e: &Expr, own: &[Item]) -> Translated<Typed> {
        query::expression(e, self.environment, own, &self.rows)
    }

    /// A condition: true, false or NULL.
    pub fn condition(&self, e: &Expr, own: &[Item]) -> Translated<String> {
        query::condition(e, self.environment, own, &self.rows)
    }

    /// A whole query; `own` are the rows of the statement that it stands in.
    pub fn select(&self, query: &Query, own: &[Item]) -> Translated<Made> {
        let mut outer = own.to_vec();
        outer.extend(self.rows.iter().cloned());
        query::select(query, self.environment, &outer)
    }

    /// The FROM of an UPDATE, without the word: its text, the rows that it gives with those of the statement, and conditions
    /// for WHERE.
    pub fn from(&self, joins: &[Join], target: &Item) -> Translated<(String, Vec<Item>, Vec<String>)> {
        let mut outer = vec![target.clone()];
        outer.extend(self.rows.iter().cloned());
        query::from_clause(joins, self.environment, &outer)
    }

    /// The text that stores a value into a column.
    pub fn store(&self, value: Typed, field: &Field) -> Translated<String> {
        store(value, field, self.environment.helpers)
    }
}
