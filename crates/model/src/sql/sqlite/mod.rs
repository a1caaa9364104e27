//! SQLite's SQL text as data: what CREATE TABLE, CREATE INDEX and CREATE VIRTUAL TABLE say, and expressions.
//! Owns the parser (a crate, guarded against panics); never knows pragmas, never decides what is true when they differ.

mod expr;
mod literal;
mod lone;
pub mod module;
mod query;
mod statement;
mod text;
mod trigger;

pub use literal::{dequote, numeric};
pub use lone::lone_expression;

use super::ast::{Expr, Trigger, View};
use super::guard;
use crate::schema::{Deferrable, Expression};
use sqlite3_parser::{Bump, FallibleIterator as _, ast, lexer::sql::Parser};

/// The names an expression may use: the table it belongs to and its columns.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The table.
    pub table: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// The column that is the rowid: `rowid`, `_rowid_` and `oid` mean it, unless a column has that name.
    pub rowid_alias: Option<usize>,
}

impl Names {
    /// The index of a column, as SQLite finds it: ASCII letters without regard to case.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.eq_ignore_ascii_case(name))
    }

    /// Like [`Names::column`], with the names of the rowid for a table that has a column for it.
    pub fn column_or_rowid(&self, name: &str) -> Option<usize> {
        let is_rowid = ["rowid", "_rowid_", "oid"].iter().any(|r| r.eq_ignore_ascii_case(name));
        self.column(name).or(if is_rowid { self.rowid_alias } else { None })
    }
}

/// What a CREATE TABLE says.
#[derive(Clone, Debug, Default)]
pub struct TableText {
    /// Columns, in order.
    pub columns: Vec<ColumnText>,
    /// PRIMARY KEY and UNIQUE, in order.
    pub keys: Vec<KeyText>,
    /// Foreign keys, in order.
    pub foreign_keys: Vec<ForeignKeyText>,
    /// CHECK constraints, in order.
    pub checks: Vec<CheckText>,
    /// AUTOINCREMENT.
    pub autoincrement: bool,
}

/// What a column definition says (its type, NOT NULL and DEFAULT are in the pragma).
#[derive(Clone, Debug, Default)]
pub struct ColumnText {
    /// Its name, unquoted.
    pub name: String,
    /// COLLATE, upper case; the last one counts.
    pub collation: Option<String>,
    /// ON CONFLICT of NOT NULL, upper case, if it is not ABORT.
    pub not_null_conflict: Option<String>,
    /// GENERATED ALWAYS AS, and whether it is STORED.
    pub generated: Option<(Expression, bool)>,
}

/// PRIMARY KEY or UNIQUE.
#[derive(Clone, Debug, Default)]
pub struct KeyText {
    /// CONSTRAINT name.
    pub name: Option<String>,
    /// PRIMARY KEY rather than UNIQUE.
    pub primary: bool,
    /// Columns with their COLLATE (upper case), if one is written.
    pub columns: Vec<(String, Option<String>)>,
    /// ON CONFLICT, upper case, if it is not ABORT.
    pub on_conflict: Option<String>,
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct ForeignKeyText {
    /// CONSTRAINT name.
    pub name: Option<String>,
    /// Child columns.
    pub columns: Vec<String>,
    /// Parent table.
    pub parent: String,
    /// When it is checked.
    pub deferrable: Deferrable,
    /// MATCH, which SQLite parses and does not enforce.
    pub matching: Option<String>,
}

/// A CHECK.
#[derive(Clone, Debug)]
pub struct CheckText {
    /// CONSTRAINT name.
    pub name: Option<String>,
    /// The condition.
    pub expr: Expression,
    /// ON CONFLICT, upper case, if it is not ABORT. SQLite parses it and ignores it.
    pub on_conflict: Option<String>,
}

/// What a CREATE INDEX says.
#[derive(Clone, Debug, Default)]
pub struct IndexText {
    /// Its terms; a plain column too is an expression here.
    pub terms: Vec<Expression>,
    /// WHERE.
    pub predicate: Option<Expression>,
}

/// Parses a CREATE TABLE. `names` resolves the expressions. The error says why it could not be parsed.
pub fn table(sql: &str, names: &Names) -> Result<TableText, String> {
    first(sql, |stmt| match stmt {
        ast::Stmt::CreateTable { body, .. } => statement::table(sql, body, names),
        _ => Err("it is not a CREATE TABLE".into()),
    })
}

/// Parses a CREATE INDEX. The error says why it could not be parsed.
pub fn index(sql: &str, names: &Names) -> Result<IndexText, String> {
    first(sql, |stmt| match stmt {
        ast::Stmt::CreateIndex { columns, where_clause, .. } => {
            Ok(statement::index(sql, columns, where_clause.as_ref(), names))
        }
        _ => Err("it is not a CREATE INDEX".into()),
    })
}

/// Parses a CREATE VIEW. The error says why it could not be parsed, or what of it is not understood.
pub fn view(sql: &str) -> Result<View, String> {
    first(&text::with_offsets(sql), |stmt| match stmt {
        ast::Stmt::CreateView { columns, select, .. } => query::view(*columns, select),
        _ => Err("it is not a CREATE VIEW".into()),
    })
}

/// Parses a CREATE TRIGGER. The error says why it could not be parsed, or what of it is not understood.
pub fn trigger(sql: &str) -> Result<Trigger, String> {
    first(&text::with_offsets(sql), |stmt| match stmt {
        ast::Stmt::CreateTrigger { time, event, tbl_name, when_clause, commands, .. } => {
            trigger::trigger(*time, event, tbl_name, when_clause.as_ref(), commands)
        }
        _ => Err("it is not a CREATE TRIGGER".into()),
    })
}

/// The module of a CREATE VIRTUAL TABLE. The error says why it could not be parsed.
pub fn virtual_module(sql: &str) -> Result<String, String> {
    first(sql, |stmt| match stmt {
        ast::Stmt::CreateVirtualTable { module_name, .. } => Ok(dequote(module_name.0)),
        _ => Err("it is not a CREATE VIRTUAL TABLE".into()),
    })
}

/// The tree of an expression; `None` if it does not parse or holds what [`Expr`] does not know.
pub fn expression(sql: &str, names: &Names) -> Option<Expr> {
    select_one(sql, |e| expr::convert(e, names)).ok().flatten()
}

/// The tree of a DEFAULT's text: like [`expression`], but a bare word is a string there, as SQLite has it.
pub fn default_expression(sql: &str) -> Option<Expr> {
    select_one(sql, expr::convert_default).ok().flatten()
}

/// Parses `SELECT (sql)` and hands the one expression on.
fn select_one<T>(sql: &str, then: impl FnOnce(&ast::Expr) -> T) -> Result<T, String> {
    // On a line of its own, so that a comment at the end of the text cannot swallow what follows.
    let whole = format!("SELECT {sql}\n");
    first(&whole, |stmt| match stmt {
        ast::Stmt::Select(ast::Select {
            body:
                ast::SelectBody {
                    select: ast::OneSelect::Select { columns: [ast::ResultColumn::Expr(e, None)], from: None, .. },
                    ..
                },
            ..
        }) => Ok(then(e)),
        _ => Err("it is not one expression".into()),
    })
}

/// Parses `sql` and hands its first and only statement on. The parser may panic on input it does not expect, so it is
/// guarded: a panic is an error like any other.
fn first<T>(sql: &str, then: impl FnOnce(&ast::Stmt) -> Result<T, String>) -> Result<T, String> {
    if let Some(why) = text::too_deep(sql) {
        return Err(why);
    }
    let run = || {
        let bump = Bump::new();
        let mut parser = Parser::new(&bump, sql.as_bytes());
        match parser.next() {
            Ok(Some(ast::Cmd::Stmt(stmt))) => then(&stmt),
            Ok(_) => Err("it holds no statement".into()),
            Err(e) => Err(e.to_string()),
        }
    };
    guard::run(run).unwrap_or_else(|| Err("the parser gave up".into()))
}

/// A clause of ON CONFLICT as one word, or `None` for ABORT, which is what happens anyway.
fn conflict(clause: Option<ast::ResolveType>) -> Option<String> {
    let word = match clause? {
        ast::ResolveType::Abort => return None,
        ast::ResolveType::Rollback => "ROLLBACK",
        ast::ResolveType::Fail => "FAIL",
        ast::ResolveType::Ignore => "IGNORE",
        ast::ResolveType::Replace => "REPLACE",
    };
    Some(word.into())
}
