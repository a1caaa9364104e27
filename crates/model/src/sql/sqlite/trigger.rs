//! The parser's CREATE TRIGGER as our tree.
//! Owns that walk; never judges whether PostgreSQL could do the same.

use super::Names;
use super::expr::Context;
use super::literal::dequote;
use super::query::{conflict, not_understood};
use crate::sql::ast::{Assignment, Event, Insert, Statement, Time, Trigger, Update, Upsert};
use sqlite3_parser::ast;

/// CREATE TRIGGER.
pub(super) fn trigger(
    time: Option<ast::TriggerTime>,
    event: &ast::TriggerEvent,
    table: &ast::QualifiedName,
    when: Option<&ast::Expr>,
    commands: &[ast::TriggerCmd],
) -> Result<Trigger, String> {
    let names = Names::default();
    let context = Context::of_query(&names);
    let body = commands.iter().map(|c| context.statement(c)).collect::<Option<Vec<_>>>();
    Ok(Trigger {
        time: match time {
            None | Some(ast::TriggerTime::Before) => Time::Before,
            Some(ast::TriggerTime::After) => Time::After,
            Some(ast::TriggerTime::InsteadOf) => Time::Instead,
        },
        event: match event {
            ast::TriggerEvent::Insert => Event::Insert,
            ast::TriggerEvent::Delete => Event::Delete,
            ast::TriggerEvent::Update => Event::Update(Vec::new()),
            ast::TriggerEvent::UpdateOf(columns) => Event::Update(columns.iter().map(|c| dequote(c.0)).collect()),
        },
        table: dequote(table.name.0),
        when: context.maybe(when, 0).ok_or_else(not_understood)?,
        body: body.ok_or_else(not_understood)?,
    })
}

impl Context<'_> {
    fn statement(&self, command: &ast::TriggerCmd) -> Option<Statement> {
        Some(match command {
            ast::TriggerCmd::Insert { or_conflict, tbl_name, col_names, select, upsert } => {
                let mut upserts = Vec::new();
                let mut next = *upsert;
                while let Some(clause) = next {
                    upserts.push(self.upsert(clause)?);
                    next = clause.next;
                }
                Statement::Insert(Box::new(Insert {
                    conflict: conflict(*or_conflict),
                    table: dequote(tbl_name.name.0),
                    columns: col_names.iter().flat_map(|names| names.iter()).map(|n| dequote(n.0)).collect(),
                    query: self.query(select, 0)?,
                    upserts,
                }))
            }
            ast::TriggerCmd::Update { or_conflict, tbl_name, sets, from, where_clause } => {
                Statement::Update(Box::new(Update {
                    conflict: conflict(*or_conflict),
                    table: dequote(tbl_name.name.0),
                    sets: self.assignments(sets)?,
                    from: match from {
                        Some(from) => self.from(from, 0)?,
                        None => Vec::new(),
                    },
                    filter: self.maybe(where_clause.as_ref(), 0)?,
                }))
            }
            ast::TriggerCmd::Delete { tbl_name, where_clause } => {
                Statement::Delete(dequote(tbl_name.name.0), self.maybe(where_clause.as_ref(), 0)?)
            }
            ast::TriggerCmd::Select(select) => Statement::Select(self.query(select, 0)?),
        })
    }

    fn assignments(&self, sets: &[ast::Set]) -> Option<Vec<Assignment>> {
        let one = |set: &ast::Set| {
            let columns = set.col_names.iter().map(|n| dequote(n.0)).collect();
            Some(Assignment { columns, value: self.expr(&set.expr, 0)? })
        };
        sets.iter().map(one).collect()
    }

    fn upsert(&self, clause: &ast::Upsert) -> Option<Upsert> {
        let target = match &clause.index {
            None => None,
            Some(index) => Some((
                index.targets.iter().map(|t| self.expr(&t.expr, 0)).collect::<Option<Vec<_>>>()?,
                self.maybe(index.where_clause.as_ref(), 0)?,
            )),
        };
        let update = match &clause.do_clause {
            ast::UpsertDo::Nothing => None,
            ast::UpsertDo::Set { sets, where_clause } => {
                Some((self.assignments(sets)?, self.maybe(where_clause.as_ref(), 0)?))
            }
        };
        Some(Upsert { target, update })
    }
}
