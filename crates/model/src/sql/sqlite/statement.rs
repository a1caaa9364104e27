//! The parser's statements as our plain data.
//! Owns the walk over CREATE TABLE and CREATE INDEX; never looks at a pragma.

use super::{
    CheckText, ColumnText, ForeignKeyText, IndexText, KeyText, Names, TableText, conflict, dequote, expr, text,
};
use crate::schema::{Deferrable, Expression};
use crate::sql::ast::Expr;
use sqlite3_parser::ast::{
    ColumnConstraint, ColumnDefinition, CreateTableBody, DeferSubclause, Expr as Parsed, ForeignKeyClause,
    InitDeferredPred, Name, NamedTableConstraint, RefArg, SortedColumn, TableConstraint,
};
use std::collections::VecDeque;

/// The clauses' texts still to be handed out, in the order of the statement.
struct Walk<'a> {
    names: &'a Names,
    checks: VecDeque<String>,
    generated: VecDeque<String>,
    out: TableText,
}

pub(super) fn table(sql: &str, body: &CreateTableBody, names: &Names) -> Result<TableText, String> {
    let CreateTableBody::ColumnsAndConstraints { columns, constraints, .. } = body else {
        return Err("it is made from a SELECT".into());
    };
    let mut walk = Walk {
        names,
        checks: text::checks(sql).into(),
        generated: text::generated(sql).into(),
        out: TableText::default(),
    };
    for definition in columns {
        walk.column(definition);
    }
    for constraint in constraints.unwrap_or_default() {
        walk.constraint(constraint);
    }
    Ok(walk.out)
}

pub(super) fn index(sql: &str, columns: &[SortedColumn], predicate: Option<&Parsed>, names: &Names) -> IndexText {
    let mut texts: VecDeque<String> = text::index_terms(sql).into();
    let terms = columns
        .iter()
        .map(|c| {
            let ast = match expr::convert(&c.expr, names) {
                Some(Expr::Collate(inner, _)) => Some(*inner),
                other => other,
            };
            Expression { sql: texts.pop_front().unwrap_or_default(), ast }
        })
        .collect();
    let predicate =
        predicate.map(|p| Expression { sql: text::predicate(sql).unwrap_or_default(), ast: expr::convert(p, names) });
    IndexText { terms, predicate }
}

impl Walk<'_> {
    fn column(&mut self, definition: &ColumnDefinition) {
        let name = dequote(definition.col_name.0);
        let mut column = ColumnText { name: name.clone(), ..ColumnText::default() };
        for named in definition.constraints {
            let constraint_name = named.name.as_ref().map(|n| dequote(n.0));
            match &named.constraint {
                ColumnConstraint::PrimaryKey { conflict_clause, auto_increment, .. } => {
                    self.out.autoincrement |= auto_increment;
                    self.key(constraint_name, true, vec![(name.clone(), None)], conflict(*conflict_clause));
                }
                ColumnConstraint::Unique(clause) => {
                    self.key(constraint_name, false, vec![(name.clone(), None)], conflict(*clause));
                }
                ColumnConstraint::NotNull { nullable: false, conflict_clause } => {
                    column.not_null_conflict = conflict(*conflict_clause);
                }
                ColumnConstraint::Check(e) => self.check(constraint_name, e, None),
                ColumnConstraint::Collate { collation_name } => {
                    column.collation = Some(dequote(collation_name.0).to_ascii_uppercase());
                }
                ColumnConstraint::ForeignKey { clause, defer_clause } => {
                    self.foreign_key(constraint_name, vec![name.clone()], clause, defer_clause.as_ref());
                }
                // It stands after its REFERENCES as a constraint of its own; SQLite gives it to the latest foreign key.
                ColumnConstraint::Defer(clause) => {
                    if let Some(latest) = self.out.foreign_keys.last_mut() {
                        latest.deferrable = deferrable(clause);
                    }
                }
                ColumnConstraint::Generated { expr: e, typ } => {
                    let sql = self.generated.pop_front().unwrap_or_default();
                    let stored = typ.as_ref().is_some_and(|t| t.0.eq_ignore_ascii_case("stored"));
                    column.generated = Some((Expression { sql, ast: expr::convert(e, self.names) }, stored));
                }
                // NULL says nothing; DEFAULT is read from the pragma, which keeps its text.
                ColumnConstraint::NotNull { nullable: true, .. } | ColumnConstraint::Default(_) => {}
            }
        }
        self.out.columns.push(column);
    }

    fn constraint(&mut self, named: &NamedTableConstraint) {
        let name = named.name.as_ref().map(|n| dequote(n.0));
        match &named.constraint {
            TableConstraint::PrimaryKey { columns, auto_increment, conflict_clause } => {
                self.out.autoincrement |= auto_increment;
                self.key(name, true, key_columns(columns), conflict(*conflict_clause));
            }
            TableConstraint::Unique { columns, conflict_clause } => {
                self.key(name, false, key_columns(columns), conflict(*conflict_clause));
            }
            TableConstraint::Check(e, clause) => self.check(name, e, conflict(*clause)),
            TableConstraint::ForeignKey { columns, clause, defer_clause } => {
                let columns = columns.iter().map(|c| dequote(c.col_name.0)).collect();
                self.foreign_key(name, columns, clause, defer_clause.as_ref());
            }
        }
    }

    fn key(
        &mut self,
        name: Option<String>,
        primary: bool,
        columns: Vec<(String, Option<String>)>,
        on_conflict: Option<String>,
    ) {
        self.out.keys.push(KeyText { name, primary, columns, on_conflict });
    }

    fn check(&mut self, name: Option<String>, e: &Parsed, on_conflict: Option<String>) {
        let sql = self.checks.pop_front().unwrap_or_default();
        let expr = Expression { sql, ast: expr::convert(e, self.names) };
        self.out.checks.push(CheckText { name, expr, on_conflict });
    }

    fn foreign_key(
        &mut self,
        name: Option<String>,
        columns: Vec<String>,
        clause: &ForeignKeyClause,
        defer: Option<&DeferSubclause>,
    ) {
        let matching = clause.args.iter().find_map(|a| match a {
            RefArg::Match(Name(word)) => Some(dequote(word)),
            _ => None,
        });
        self.out.foreign_keys.push(ForeignKeyText {
            name,
            columns,
            parent: dequote(clause.tbl_name.0),
            deferrable: defer.map_or(Deferrable::Not, deferrable),
            matching,
        });
    }
}

fn deferrable(clause: &DeferSubclause) -> Deferrable {
    match (clause.deferrable, clause.init_deferred) {
        (false, _) => Deferrable::Not,
        (true, Some(InitDeferredPred::InitiallyDeferred)) => Deferrable::Deferred,
        (true, _) => Deferrable::Immediate,
    }
}

/// The columns of a PRIMARY KEY or UNIQUE; SQLite takes a string there for a name.
fn key_columns(columns: &[SortedColumn]) -> Vec<(String, Option<String>)> {
    columns.iter().map(|c| key_column(&c.expr)).collect()
}

fn key_column(e: &Parsed) -> (String, Option<String>) {
    use sqlite3_parser::ast::{Id, Literal};
    match e {
        Parsed::Collate(inner, name) => (key_column(inner).0, Some(dequote(name).to_ascii_uppercase())),
        Parsed::Id(Id(raw)) | Parsed::Name(Name(raw)) | Parsed::Literal(Literal::String(raw)) => (dequote(raw), None),
        Parsed::Parenthesized(list) => list.first().map(key_column).unwrap_or_default(),
        _ => (String::new(), None),
    }
}
