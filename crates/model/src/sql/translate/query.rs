//! A query of SQLite as PostgreSQL's, with the type of each of its columns, or the reason why not.
//! Owns FROM, joins, compounds, grouping and order; never translates what stands in an expression (see `translate`).

mod aggregate;
mod block;
mod compound;
mod frame;
mod from;
mod group;
mod nested;
mod order;
mod output;
mod text;
mod volatile;
mod window;
mod with;

pub(super) use frame::Frame;

use super::relations::{Field, Relation, Relations};
use super::typed::Typed;
use super::{Translated, refuse};
use crate::ident::{self, Namer};
use crate::sql::ast::{Expr, Join, Query, View};
use crate::sql::helpers::Used;
use frame::Shared;
use std::collections::{BTreeMap, BTreeSet};

/// What a query is translated in.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// The tables and views it may name.
    pub relations: &'a Relations,
    /// Where helper functions are noted.
    pub helpers: &'a Used,
    /// Whether text may be ordered otherwise than by bytes, so that order says COLLATE "C".
    pub collate_c: bool,
    /// It acts on rows to come, as a trigger does. See [`super::Scope::lasting`].
    pub lasting: bool,
}

/// A translated query.
#[derive(Clone, Debug)]
pub struct Made {
    /// PostgreSQL's text, over several lines; names stand without a schema.
    pub sql: String,
    /// Its columns, in order.
    pub fields: Vec<Field>,
    /// Which of them are computed with doubles, so that the last digits may differ.
    pub approximate: Vec<bool>,
    /// Columns that make its rows unique, by key; none of them holds NULL.
    pub keys: Vec<Vec<usize>>,
    /// Why its rows cannot be compared with SQLite's: the clock, chance, an order that is not given.
    pub incomparable: Option<String>,
}

/// Rows that names may mean: a term of FROM, or NEW and OLD of a trigger.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// How SQLite's text calls it.
    pub alias: String,
    /// How PostgreSQL's text calls it, quoted where it must be: `"t"`, `NEW`.
    pub qualifier: String,
    /// Its columns.
    pub fields: Vec<Field>,
    /// The column that is its rowid.
    pub rowid: Option<usize>,
    /// It is a table, so that it has a rowid even where none is kept.
    pub table: bool,
    /// Columns that make its rows unique, by key; none of them takes NULL.
    pub keys: Vec<Vec<usize>>,
    /// The first of the keys is a primary key.
    pub primary: bool,
    /// An outer join may put NULL in the place of its rows.
    pub nullable: bool,
    /// Columns that USING or NATURAL joined to one further left.
    pub hidden: BTreeSet<usize>,
    /// What stands for a column that such a join made of two.
    pub merged: BTreeMap<usize, String>,
}

impl Item {
    /// The rows of a relation.
    pub fn of(relation: &Relation, alias: &str, qualifier: &str) -> Item {
        let not_null = |key: &&Vec<usize>| key.iter().all(|c| relation.fields.get(*c).is_some_and(|f| f.not_null));
        Item {
            alias: alias.to_owned(),
            qualifier: qualifier.to_owned(),
            fields: relation.fields.clone(),
            rowid: relation.rowid,
            table: !relation.view,
            keys: relation.keys.iter().filter(not_null).cloned().collect(),
            primary: relation.primary && relation.keys.first().is_some_and(|k| not_null(&k)),
            ..Item::default()
        }
    }
}

/// The query of a view. `names` are those of its columns as SQLite tells them.
pub fn view(view: &View, names: &[String], environment: &Environment<'_>) -> Translated<Made> {
    let mut made = select(&view.query, environment, &[])?;
    if made.fields.len() != names.len() {
        return refuse("SQLite tells another number of columns than are understood");
    }
    let mut targets = Namer::new();
    for (field, name) in made.fields.iter_mut().zip(names) {
        let wanted = if ident::is_system_column(name) { format!("{name}_") } else { name.clone() };
        let target = targets.take(&wanted);
        field.rename(name, &target);
    }
    Ok(made)
}

/// A query with what stands around it: of a trigger its NEW and OLD.
pub fn select(query: &Query, environment: &Environment<'_>, outer: &[Item]) -> Translated<Made> {
    let shared = Shared::new(environment);
    let frame = Frame::new(&shared, None, outer);
    let built = block::query(query, &frame)?;
    if let Some(reason) = volatile::of_query(query) {
        shared.note(reason);
    }
    Ok(Made {
        sql: built.text.render(),
        approximate: built.fields.iter().map(|f| f.approximate).collect(),
        fields: built.fields,
        keys: built.keys,
        incomparable: shared.noted(),
    })
}

/// An expression over the columns of `own`, then over those of `outer`: of a statement of a trigger.
pub(super) fn expression(e: &Expr, environment: &Environment<'_>, own: &[Item], outer: &[Item]) -> Translated<Typed> {
    let shared = Shared::new(environment);
    let around = Frame::new(&shared, None, outer);
    Frame::new(&shared, Some(&around), own).typed(e)
}

/// The same of a condition.
pub(super) fn condition(e: &Expr, environment: &Environment<'_>, own: &[Item], outer: &[Item]) -> Translated<String> {
    let shared = Shared::new(environment);
    let around = Frame::new(&shared, None, outer);
    Frame::new(&shared, Some(&around), own).condition(e)
}

/// The terms of a FROM as PostgreSQL's text (without the word), what names may mean after it (those of `outer` too), and
/// conditions that belong into WHERE. For UPDATE … FROM.
pub(super) fn from_clause(
    joins: &[Join],
    environment: &Environment<'_>,
    outer: &[Item],
) -> Translated<(String, Vec<Item>, Vec<String>)> {
    let shared = Shared::new(environment);
    let frame = Frame::new(&shared, None, outer);
    let sources = from::sources(joins, &frame)?;
    let mut items = sources.items;
    items.extend(outer.iter().cloned());
    Ok((sources.text.render(), items, sources.conditions))
}
