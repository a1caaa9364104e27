//! A trigger of SQLite as a trigger function in PL/pgSQL, or the reason why not.
//! Owns statements, RAISE and the rules of recursion; never translates an expression or a query (see `translate`, `query`).

mod body;
mod differ;
mod facts;
mod functions;
mod insert;
mod raise;
mod reach;
mod speak;
mod text;
mod update;
mod walk;
mod write;

pub use facts::{Child, Facts, KeyFacts, TableFacts};

use super::query::{Environment, Item};
use super::relations::Relation;
use super::{Translated, refuse};
use crate::ident;
use crate::sql::ast::{Event, Expr, Time, Trigger};
use body::Body;
pub(super) use functions::is_sqlites;
use speak::Speaker;

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

/// A trigger. `facts` are of the whole database: whether one can reach itself depends on the others.
///
/// # Errors
/// It has no counterpart: why.
pub fn trigger(
    name: &str,
    trigger: &Trigger,
    facts: &Facts<'_>,
    environment: &Environment<'_>,
) -> Translated<MadeTrigger> {
    functions::check(trigger)?;
    let relation = environment.relations.find(&trigger.table)?;
    match (trigger.time, relation.view) {
        (Time::Instead, false) => return refuse("it stands in for changes of what is a table"),
        (Time::Before | Time::After, true) => return refuse("it stands on a view and not in place of a change"),
        _ => {}
    }
    if trigger.time == Time::Before {
        reads_generated(trigger, facts)?;
    }
    let (timing, when) = timing(trigger, relation)?;
    let rows = rows(trigger, relation);
    let mut body = Body::new(Speaker { environment, rows }, facts, trigger, relation);
    body.changed = when;
    body.tell_of_trigger(name);
    let (body, differences) = body.write(name)?;
    Ok(MadeTrigger { table: relation.target.clone(), on_view: relation.view, timing, body, differences })
}

/// NEW and OLD, as far as the event has them.
fn rows(trigger: &Trigger, relation: &Relation) -> Vec<Item> {
    let (new, old) = (speak::row(relation, "new", "NEW"), speak::row(relation, "old", "OLD"));
    match trigger.event {
        Event::Insert => vec![new],
        Event::Delete => vec![old],
        Event::Update(_) => vec![new, old],
    }
}

/// When it fires, and of a view the columns that the body must ask for itself.
fn timing(trigger: &Trigger, relation: &Relation) -> Translated<(String, Vec<String>)> {
    let time = match trigger.time {
        Time::Before => "BEFORE",
        Time::After => "AFTER",
        Time::Instead => "INSTEAD OF",
    };
    let columns = match &trigger.event {
        Event::Insert => return Ok((format!("{time} INSERT"), Vec::new())),
        Event::Delete => return Ok((format!("{time} DELETE"), Vec::new())),
        Event::Update(columns) => columns,
    };
    // A name that no column has never fires in SQLite.
    let known: Vec<String> =
        columns.iter().filter_map(|c| write::field(relation, c).ok()).map(|f| ident::pg(&f.target)).collect();
    if !columns.is_empty() && known.is_empty() {
        return refuse("it fires on the update of columns that are not there");
    }
    Ok(match (known.is_empty(), trigger.time) {
        (true, _) => (format!("{time} UPDATE"), Vec::new()),
        // PostgreSQL takes no columns there: <https://www.postgresql.org/docs/current/sql-createtrigger.html>.
        (false, Time::Instead) => (format!("{time} UPDATE"), known),
        (false, _) => (format!("{time} UPDATE OF {}", known.join(", ")), Vec::new()),
    })
}

/// PostgreSQL computes generated columns only after the triggers that fire before.
/// Source: <https://www.postgresql.org/docs/current/ddl-generated-columns.html>.
fn reads_generated(trigger: &Trigger, facts: &Facts<'_>) -> Translated<()> {
    let Some(table) = facts.table(&trigger.table) else { return Ok(()) };
    let mut reason = None;
    walk::each_expr(trigger, |e| {
        if let Expr::Name(name) = e
            && name.table.as_ref().is_some_and(|t| t.eq_ignore_ascii_case("new"))
            && table.generated.iter().any(|g| g.eq_ignore_ascii_case(&name.column))
        {
            reason = Some(format!("it reads the generated column NEW.{} before PostgreSQL computes it", name.column));
        }
    });
    reason.map_or(Ok(()), refuse)
}
