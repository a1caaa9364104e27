//! What a trigger does otherwise than in SQLite although it is carried, told once for each kind.
//! Owns the judgement where the moment of firing can be seen; never changes a text.
//!
//! In SQLite a trigger of a row runs right before or after the change of its row; in PostgreSQL those that run after a
//! change run at the end of the statement. Source:
//! <https://www.postgresql.org/docs/current/trigger-datachanges.html>.

use super::body::Body;
use super::reach::{self, Kind};
use super::walk::{self, Walk};
use crate::schema::Action;
use crate::sql::ast::{Binary, Event, Expr, Name, Statement, Time, Trigger};

impl Body<'_> {
    /// What is known before anything is translated.
    pub fn tell_of_trigger(&mut self, name: &str) {
        self.tell_order(name);
        self.tell_moment();
        self.tell_own_row();
        self.tell_rowid();
        self.tell_foreign_keys();
    }

    /// Several triggers of one moment and event.
    fn tell_order(&mut self, name: &str) {
        let others: Vec<&str> = self
            .facts
            .triggers
            .iter()
            .filter(|(other, t)| !other.eq_ignore_ascii_case(name) && self.beside(t))
            .map(|(other, _)| *other)
            .collect();
        if !others.is_empty() {
            let others = others.join(", ");
            self.tell(format!(
                "it fires on the same event as {others}: PostgreSQL fires them in the order of their names, SQLite's order is not documented"
            ));
        }
    }

    /// Whether a trigger fires at the same moment for the same rows, or is this one.
    pub fn beside(&self, other: &Trigger) -> bool {
        other.time == self.trigger.time && self.same_event(other)
    }

    /// Whether a trigger fires for the same rows, at whatever moment.
    fn same_event(&self, other: &Trigger) -> bool {
        let overlap = match (&self.trigger.event, &other.event) {
            (Event::Insert, Event::Insert) | (Event::Delete, Event::Delete) => true,
            (Event::Update(a), Event::Update(b)) => {
                a.is_empty() || b.is_empty() || a.iter().any(|x| b.iter().any(|y| x.eq_ignore_ascii_case(y)))
            }
            _ => false,
        };
        overlap && other.table.eq_ignore_ascii_case(&self.trigger.table)
    }

    /// A body that runs after its statement sees all rows of it.
    fn tell_moment(&mut self) {
        if self.trigger.time != Time::After {
            return;
        }
        let table = self.trigger.table.clone();
        let mut reads = self.facts.read(named(self.trigger)).contains(&table.to_ascii_lowercase());
        for statement in &self.trigger.body {
            let (target, filter) = match statement {
                Statement::Update(update) => (&update.table, update.filter.as_ref()),
                Statement::Delete(target, filter) => (target, filter.as_ref()),
                _ => continue,
            };
            reads |= target.eq_ignore_ascii_case(&table) && !filter.is_some_and(|f| self.names_row(f));
        }
        if reads {
            self.tell(format!(
                "in SQLite it runs right after each row, here after all rows of a statement: where one statement changes several rows of {table}, it sees them all changed"
            ));
        }
        let written = reach::written(self.trigger, self.facts);
        let reads = |t: &Trigger| {
            let changed = t.body.iter().filter_map(|s| match s {
                Statement::Update(update) => Some(update.table.clone()),
                Statement::Delete(table, _) => Some(table.clone()),
                _ => None,
            });
            !self.facts.read(named(t).into_iter().chain(changed).collect()).is_disjoint(&written)
        };
        let before = self.facts.triggers.iter().filter(|(_, t)| t.time == Time::Before && self.same_event(t));
        let before: Vec<&str> = before.filter(|(_, t)| reads(t)).map(|(name, _)| *name).collect();
        if !before.is_empty() {
            let before = before.join(", ");
            self.tell(format!(
                "in SQLite it runs right after each row, here after all rows of a statement: where one statement changes several rows of {table}, {before}, which runs before each row, does not see what it wrote for the rows before"
            ));
        }
    }

    /// Whether a condition names one row by its key, or the rows that NEW or OLD belong to.
    fn names_row(&self, filter: &Expr) -> bool {
        match filter {
            Expr::Binary(Binary::And, a, b) => self.names_row(a) || self.names_row(b),
            Expr::Binary(Binary::Eq | Binary::Is, a, b) => {
                let row = |e: &Expr| matches!(e, Expr::Name(Name { table: Some(t), .. }) if t.eq_ignore_ascii_case("new") || t.eq_ignore_ascii_case("old"));
                let column = |e: &Expr| matches!(e, Expr::Name(name) if self.tells_apart(&name.column)) && !row(e);
                (row(a) && column(b)) || (row(b) && column(a))
            }
            _ => false,
        }
    }

    /// Whether a column alone is a key of the trigger's table.
    fn tells_apart(&self, column: &str) -> bool {
        let rowid = self.on.rowid.and_then(|r| self.on.fields.get(r));
        rowid.is_some_and(|r| r.name.eq_ignore_ascii_case(column))
            || ["rowid", "_rowid_", "oid"].iter().any(|r| r.eq_ignore_ascii_case(column))
            || self.facts.table(&self.trigger.table).is_some_and(|t| {
                t.keys.iter().any(|k| {
                    !k.partial && k.columns.len() == 1 && k.columns.iter().all(|(c, _)| c.eq_ignore_ascii_case(column))
                })
            })
    }

    /// A body that runs before its row must leave that row alone.
    fn tell_own_row(&mut self) {
        let changes = self.trigger.body.iter().flat_map(reach::writes).any(|w| {
            w.table.eq_ignore_ascii_case(&self.trigger.table) && matches!(w.kind, Kind::Delete | Kind::Update(_))
        });
        if self.trigger.time == Time::Before && self.trigger.event != Event::Insert && changes {
            self.tell(
                "it changes its own table before the change it fires on: where that touches the very row, PostgreSQL refuses the statement, and in SQLite the outcome is undefined",
            );
        }
    }

    /// The number of a row that is only about to be inserted.
    fn tell_rowid(&mut self) {
        if self.trigger.time != Time::Before || self.trigger.event != Event::Insert {
            return;
        }
        let rowid = self.on.rowid.and_then(|r| self.on.fields.get(r)).map(|f| f.name.clone());
        let mut reads = false;
        walk::each_expr(self.trigger, |e| {
            if let Expr::Name(Name { table: Some(t), column, .. }) = e
                && t.eq_ignore_ascii_case("new")
            {
                reads |= rowid.as_ref().is_some_and(|r| r.eq_ignore_ascii_case(column))
                    || ["rowid", "_rowid_", "oid"].iter().any(|r| r.eq_ignore_ascii_case(column));
            }
        });
        if reads {
            self.tell(
                "where no number is given, the number of the new row is -1 in SQLite, and the row's own in PostgreSQL",
            );
        }
    }

    /// A body that clears up behind a deleted row: PostgreSQL has checked the foreign key before.
    fn tell_foreign_keys(&mut self) {
        if self.trigger.time != Time::After || self.trigger.event != Event::Delete {
            return;
        }
        let Some(table) = self.facts.table(&self.trigger.table) else { return };
        let written: Vec<String> = self.trigger.body.iter().flat_map(reach::writes).map(|w| w.table).collect();
        let checked = table.children.iter().filter(|c| {
            matches!(c.on_delete, Action::NoAction | Action::Restrict)
                && !c.deferred
                && written.iter().any(|w| w.eq_ignore_ascii_case(&c.table))
        });
        let children: Vec<String> = checked.map(|c| c.table.clone()).collect();
        if !children.is_empty() {
            self.tell(format!(
                "the foreign key of {} is checked before it runs, in SQLite after it: make that key DEFERRABLE INITIALLY DEFERRED",
                children.join(", ")
            ));
        }
    }
}

/// The tables and views from which a trigger reads by name, in its WHEN and its body.
fn named(trigger: &Trigger) -> Vec<String> {
    let mut names = Vec::new();
    let mut table = |name: &str, _: bool| names.push(name.to_owned());
    let mut walk = Walk { expr: &mut |_| {}, table: &mut table, deep: true };
    trigger.when.iter().for_each(|e| walk.expr(e));
    trigger.body.iter().for_each(|s| walk.statement(s));
    names
}
