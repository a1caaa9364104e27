//! A query of SQLite as PostgreSQL's, with the type of each of its columns, or the reason why not.
//! Owns FROM, joins, compounds, grouping and order; never translates what stands in an expression (see `translate`).

use super::relations::{Field, Relations};
use super::{Translated, refuse};
use crate::sql::ast::View;
use crate::sql::helpers::Used;

/// What a query is translated in.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// The tables and views it may name.
    pub relations: &'a Relations,
    /// Where helper functions are noted.
    pub helpers: &'a Used,
    /// Whether text may be ordered otherwise than by bytes, so that order says COLLATE "C".
    pub collate_c: bool,
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
    /// Why its rows cannot be compared with SQLite's: the clock, chance, an order that is not given.
    pub incomparable: Option<String>,
}

/// The query of a view. `names` are those of its columns as SQLite tells them.
pub fn view(_view: &View, _names: &[String], _environment: &Environment<'_>) -> Translated<Made> {
    refuse("views are not translated")
}
