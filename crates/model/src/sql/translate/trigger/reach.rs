//! What a trigger sets off: which tables its body writes, which triggers stand on those, what foreign keys do.
//! Owns that graph; never translates.
//!
//! SQLite does not fire a trigger that is running already (`PRAGMA recursive_triggers` is off unless the application says
//! otherwise), PostgreSQL does. Source: <https://sqlite.org/pragma.html#pragma_recursive_triggers>. The deletes of REPLACE
//! fire no delete triggers then, but foreign keys act on them. Source: <https://sqlite.org/lang_conflict.html>.

use super::facts::Facts;
use crate::schema::Action;
use crate::sql::ast::{Assignment, Conflict, Event, Statement, Trigger};
use std::collections::BTreeSet;

/// A change of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    /// Table, in lower case.
    pub table: String,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Insert,
    Delete,
    /// A delete by REPLACE: it fires no trigger of its table.
    Silent,
    /// Of these columns, in lower case.
    Update(Vec<String>),
}

/// What a statement writes by itself.
pub(super) fn writes(statement: &Statement) -> Vec<Write> {
    let write = |table: &str, kind: Kind| Write { table: table.to_ascii_lowercase(), kind };
    let mut list = Vec::new();
    match statement {
        Statement::Insert(insert) => {
            list.push(write(&insert.table, Kind::Insert));
            if insert.conflict == Conflict::Replace {
                list.push(write(&insert.table, Kind::Silent));
            }
            for (sets, _) in insert.upserts.iter().filter_map(|u| u.update.as_ref()) {
                list.push(write(&insert.table, Kind::Update(columns(sets))));
            }
        }
        Statement::Update(update) => {
            list.push(write(&update.table, Kind::Update(columns(&update.sets))));
            if update.conflict == Conflict::Replace {
                list.push(write(&update.table, Kind::Silent));
            }
        }
        Statement::Delete(table, _) => list.push(write(table, Kind::Delete)),
        Statement::Select(_) => {}
    }
    list
}

fn columns(sets: &[Assignment]) -> Vec<String> {
    sets.iter().flat_map(|s| &s.columns).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a trigger fires on a change.
pub(super) fn fires(trigger: &Trigger, write: &Write) -> bool {
    trigger.table.eq_ignore_ascii_case(&write.table)
        && match (&trigger.event, &write.kind) {
            (Event::Insert, Kind::Insert) | (Event::Delete, Kind::Delete) => true,
            (Event::Update(of), Kind::Update(columns)) => {
                of.is_empty() || of.iter().any(|o| columns.iter().any(|c| c.eq_ignore_ascii_case(o)))
            }
            _ => false,
        }
}

/// What foreign keys do on a change.
fn actions(write: &Write, facts: &Facts<'_>) -> Vec<Write> {
    let mut list = Vec::new();
    let Some(parent) = facts.table(&write.table) else { return list };
    for child in &parent.children {
        let action = match &write.kind {
            Kind::Insert => continue,
            Kind::Delete | Kind::Silent => child.on_delete,
            Kind::Update(columns) => {
                if !child.parent_columns.iter().any(|p| columns.iter().any(|c| c.eq_ignore_ascii_case(p))) {
                    continue;
                }
                child.on_update
            }
        };
        let update = || Kind::Update(child.columns.iter().map(|c| c.to_ascii_lowercase()).collect());
        let kind = match (action, &write.kind) {
            (Action::NoAction | Action::Restrict, _) => continue,
            (Action::Cascade, Kind::Delete | Kind::Silent) => Kind::Delete,
            _ => update(),
        };
        list.push(Write { table: child.table.to_ascii_lowercase(), kind });
    }
    list
}

/// Whether a trigger can come to fire while it is running.
pub(super) fn reaches_itself(name: &str, trigger: &Trigger, facts: &Facts<'_>) -> bool {
    let mut todo: Vec<Write> = trigger.body.iter().flat_map(writes).collect();
    let mut seen: Vec<Write> = Vec::new();
    let mut fired: Vec<&str> = Vec::new();
    while let Some(write) = todo.pop() {
        if seen.contains(&write) {
            continue;
        }
        for (other, made) in &facts.triggers {
            if !fires(made, &write) {
                continue;
            }
            if other.eq_ignore_ascii_case(name) {
                return true;
            }
            if !fired.contains(other) {
                fired.push(other);
                todo.extend(made.body.iter().flat_map(writes));
            }
        }
        todo.extend(actions(&write, facts));
        seen.push(write);
    }
    false
}

/// The tables that a trigger writes, it and what it sets off, in lower case.
pub(super) fn written(trigger: &Trigger, facts: &Facts<'_>) -> BTreeSet<String> {
    let mut todo: Vec<Write> = trigger.body.iter().flat_map(writes).collect();
    let mut seen: Vec<Write> = Vec::new();
    while let Some(write) = todo.pop() {
        if seen.contains(&write) {
            continue;
        }
        let fired = facts.triggers.iter().filter(|(_, made)| fires(made, &write));
        todo.extend(fired.flat_map(|(_, made)| &made.body).flat_map(writes));
        todo.extend(actions(&write, facts));
        seen.push(write);
    }
    seen.into_iter().map(|w| w.table).collect()
}

/// Whether a trigger on DELETE stands on a table from which the body of some trigger deletes by REPLACE.
pub(super) fn silenced(trigger: &Trigger, facts: &Facts<'_>) -> bool {
    let silent = Write { table: trigger.table.to_ascii_lowercase(), kind: Kind::Silent };
    trigger.event == Event::Delete
        && facts.triggers.iter().any(|(_, t)| t.body.iter().flat_map(writes).any(|w| w == silent))
}

/// The triggers that a body's statement fires at once, by name.
pub(super) fn fired_by<'a>(statement: &Statement, facts: &Facts<'a>) -> Vec<&'a Trigger> {
    let writes = writes(statement);
    facts.triggers.iter().filter(|(_, t)| writes.iter().any(|w| fires(t, w))).map(|(_, t)| *t).collect()
}
