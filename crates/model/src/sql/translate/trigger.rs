//! A trigger of SQLite as a trigger function in PL/pgSQL, or the reason why not.
//! Owns statements, RAISE and the rules of recursion; never translates an expression or a query (see `translate`, `query`).

use super::query::Environment;
use super::{Translated, refuse};
use crate::sql::ast::Trigger;

/// A translated trigger.
#[derive(Clone, Debug)]
pub struct MadeTrigger {
    /// The table or view it stands on, in the target.
    pub table: String,
    /// It stands on a view.
    pub on_view: bool,
    /// When and on what: `BEFORE UPDATE OF "a", "b"`.
    pub timing: String,
    /// The body of its function.
    pub body: String,
    /// What is not quite as in SQLite, each as a sentence.
    pub differences: Vec<String>,
}

/// A trigger. `all` are those of the database, by name: whether one can reach itself depends on the others.
pub fn trigger(
    _name: &str,
    _trigger: &Trigger,
    _all: &[(&str, &Trigger)],
    _environment: &Environment<'_>,
) -> Translated<MadeTrigger> {
    refuse("triggers are not translated")
}
