//! The tree of the expressions that are understood: names resolved to columns, literals as values.
//! Owns the shape; never prints or parses.

mod query;

pub use query::{
    Assignment, Block, Bound, Common, Compound, Conflict, Event, Frame, Function, Insert, Join, JoinKind, Name, Order,
    Output, Over, Query, Select, Source, Statement, Time, Trigger, Update, Upsert, View, Window,
};

use serde::{Deserialize, Serialize};

/// An expression. What is not here is not understood yet, and its object becomes a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expr {
    /// A column of the table, by index into `Table::columns`.
    Column(usize),
    /// NULL.
    Null,
    /// An integer literal; TRUE and FALSE are 1 and 0 as in SQLite.
    Integer(i64),
    /// A real literal.
    Real(f64),
    /// A string literal (or a double-quoted token that names no column).
    Text(String),
    /// A blob literal.
    Blob(Vec<u8>),
    /// CURRENT_TIMESTAMP, CURRENT_DATE or CURRENT_TIME, or the date functions on 'now' that mean the same.
    Now(Now),
    /// NOT, unary minus, plus.
    Unary(Unary, Box<Expr>),
    /// A binary operator.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `x IS NULL` / `x IS NOT NULL` (negated).
    IsNull(Box<Expr>, bool),
    /// `x [NOT] IN (list)`.
    In(Box<Expr>, Vec<Expr>, bool),
    /// `x [NOT] BETWEEN a AND b`.
    Between(Box<Expr>, Box<Expr>, Box<Expr>, bool),
    /// A call of a function, name in lower case.
    Call(String, Vec<Expr>),
    /// `x COLLATE name`, upper case.
    Collate(Box<Expr>, String),
    /// `CASE [base] WHEN … THEN … [ELSE …] END`.
    Case(Option<Box<Expr>>, Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// `CAST(x AS type)`, the type as written.
    Cast(Box<Expr>, String),
    /// `x [NOT] LIKE|GLOB|REGEXP|MATCH pattern [ESCAPE e]`: operator, x, pattern, escape, negated.
    Like(Like, Box<Expr>, Box<Expr>, Option<Box<Expr>>, bool),
    /// A name of a query, not yet resolved; never in an expression of a table.
    Name(Name),
    /// `(SELECT …)` as a value, or as a row of values.
    Scalar(Box<Query>),
    /// `EXISTS (SELECT …)`.
    Exists(Box<Query>),
    /// `x [NOT] IN (SELECT …)`; also `x IN table`.
    InQuery(Box<Expr>, Box<Query>, bool),
    /// `(a, b, …)`.
    Row(Vec<Expr>),
    /// A call with `*`, DISTINCT, ORDER BY, FILTER or OVER.
    Function(Box<Function>),
    /// RAISE, with its message.
    Raise(Conflict, Option<Box<Expr>>),
}

impl Expr {
    /// Whether some column that it names, by index into `Table::columns`, is such.
    pub fn any_column(&self, such: &dyn Fn(usize) -> bool) -> bool {
        let one = |e: &Expr| e.any_column(such);
        match self {
            Expr::Column(i) => such(*i),
            Expr::Null | Expr::Integer(_) | Expr::Real(_) | Expr::Text(_) | Expr::Blob(_) | Expr::Now(_) => false,
            Expr::Unary(_, x) | Expr::IsNull(x, _) | Expr::Collate(x, _) | Expr::Cast(x, _) => one(x),
            Expr::Binary(_, a, b) => one(a) || one(b),
            Expr::In(x, list, _) => one(x) || list.iter().any(one),
            Expr::Between(x, low, high, _) => one(x) || one(low) || one(high),
            Expr::Call(_, args) => args.iter().any(one),
            Expr::Case(base, pairs, other) => {
                base.as_deref().is_some_and(one)
                    || pairs.iter().any(|(when, then)| one(when) || one(then))
                    || other.as_deref().is_some_and(one)
            }
            Expr::Like(_, x, pattern, escape, _) => one(x) || one(pattern) || escape.as_deref().is_some_and(one),
            // What only queries hold names no column by its number.
            Expr::Name(_) | Expr::Scalar(_) | Expr::Exists(_) | Expr::InQuery(..) => false,
            Expr::Row(_) | Expr::Function(_) | Expr::Raise(..) => false,
        }
    }
}

impl Expr {
    /// Gives every column that it names another number.
    pub fn renumber(&mut self, to: &dyn Fn(usize) -> usize) {
        let one = |e: &mut Expr| e.renumber(to);
        match self {
            Expr::Column(i) => *i = to(*i),
            Expr::Null | Expr::Integer(_) | Expr::Real(_) | Expr::Text(_) | Expr::Blob(_) | Expr::Now(_) => {}
            Expr::Unary(_, x) | Expr::IsNull(x, _) | Expr::Collate(x, _) | Expr::Cast(x, _) => one(x),
            Expr::Binary(_, a, b) => {
                one(a);
                one(b);
            }
            Expr::In(x, list, _) => {
                one(x);
                list.iter_mut().for_each(one);
            }
            Expr::Between(x, low, high, _) => {
                one(x);
                one(low);
                one(high);
            }
            Expr::Call(_, args) => args.iter_mut().for_each(one),
            Expr::Case(base, pairs, other) => {
                base.iter_mut().for_each(|e| one(e));
                for (when, then) in pairs {
                    one(when);
                    one(then);
                }
                other.iter_mut().for_each(|e| one(e));
            }
            Expr::Like(_, x, pattern, escape, _) => {
                one(x);
                one(pattern);
                escape.iter_mut().for_each(|e| one(e));
            }
            Expr::Name(_) | Expr::Scalar(_) | Expr::Exists(_) | Expr::InQuery(..) => {}
            Expr::Row(_) | Expr::Function(_) | Expr::Raise(..) => {}
        }
    }
}

/// Pattern operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Like {
    /// LIKE: ASCII letters without regard to case.
    Like,
    /// GLOB.
    Glob,
    /// REGEXP: a function the application brings.
    Regexp,
    /// MATCH: for virtual tables.
    Match,
}

/// The current time, in UTC as SQLite gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Now {
    /// `YYYY-MM-DD HH:MM:SS`.
    Timestamp,
    /// `YYYY-MM-DD`.
    Date,
    /// `HH:MM:SS`.
    Time,
    /// Seconds since 1970 as text (`strftime('%s','now')`).
    EpochText,
    /// Seconds since 1970 as an integer (`unixepoch()`).
    Epoch,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unary {
    /// NOT.
    Not,
    /// -.
    Minus,
    /// +.
    Plus,
    /// ~.
    BitNot,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binary {
    /// AND.
    And,
    /// OR.
    Or,
    /// =, ==.
    Eq,
    /// <>, !=.
    Ne,
    /// <.
    Lt,
    /// <=.
    Le,
    /// >.
    Gt,
    /// >=.
    Ge,
    /// IS.
    Is,
    /// IS NOT.
    IsNot,
    /// +.
    Add,
    /// -.
    Sub,
    /// *.
    Mul,
    /// /.
    Div,
    /// %.
    Rem,
    /// &.
    BitAnd,
    /// |.
    BitOr,
    /// <<.
    ShiftLeft,
    /// >>.
    ShiftRight,
    /// ||.
    Concat,
    /// ->.
    Arrow,
    /// ->>.
    ArrowText,
}
