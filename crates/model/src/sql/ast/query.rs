//! The tree of queries and of the statements that triggers hold, as SQLite wrote them: names not yet resolved.
//! Owns the shape; never resolves a name (what one means depends on FROM, see `translate`), never prints or parses.

use super::Expr;
use serde::{Deserialize, Serialize};

/// A name in a query, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The table, its alias, or NEW and OLD in a trigger, if one is written before it.
    pub table: Option<String>,
    /// The column.
    pub column: String,
    /// It stands in double quotes: a string where no column has that name.
    /// Source: <https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted>.
    pub quoted: bool,
}

/// A SELECT with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// WITH, in order.
    pub with: Vec<Common>,
    /// WITH RECURSIVE was written (SQLite lets a query recurse without it too).
    pub recursive: bool,
    /// The first SELECT or VALUES.
    pub first: Select,
    /// The others of a compound, in order; they associate to the left.
    pub others: Vec<(Compound, Select)>,
    /// ORDER BY.
    pub order: Vec<Order>,
    /// LIMIT. `LIMIT a, b` is limit b, offset a.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
}

/// A common table expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// Its name.
    pub name: String,
    /// Names of its columns, if written.
    pub columns: Vec<String>,
    /// MATERIALIZED (true), NOT MATERIALIZED (false).
    pub materialized: Option<bool>,
    /// What it is.
    pub query: Query,
}

/// How two SELECTs are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compound {
    /// UNION.
    Union,
    /// UNION ALL.
    UnionAll,
    /// EXCEPT.
    Except,
    /// INTERSECT.
    Intersect,
}

/// One SELECT or VALUES.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// SELECT.
    Select(Box<Block>),
    /// VALUES, row by row.
    Values(Vec<Vec<Expr>>),
}

/// The clauses of one SELECT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// DISTINCT.
    pub distinct: bool,
    /// What it gives.
    pub columns: Vec<Output>,
    /// FROM, from left to right: `a JOIN b … JOIN c` associates to the left.
    pub from: Vec<Join>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub group: Vec<Expr>,
    /// HAVING.
    pub having: Option<Expr>,
    /// WINDOW: names and what they are.
    pub windows: Vec<(String, Window)>,
}

/// A result column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// An expression, and its alias if it has one.
    Expr(Expr, Option<String>),
    /// `*`.
    Star,
    /// `t.*`.
    TableStar(String),
}

/// One term of FROM and how it is joined to those before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// How; the first one is `Comma`.
    pub kind: JoinKind,
    /// NATURAL.
    pub natural: bool,
    /// What.
    pub source: Source,
    /// ON.
    pub on: Option<Expr>,
    /// USING.
    pub using: Vec<String>,
}

/// The kind of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinKind {
    /// A comma, or the first term.
    Comma,
    /// JOIN, INNER JOIN, CROSS JOIN.
    Inner,
    /// LEFT JOIN.
    Left,
    /// RIGHT JOIN.
    Right,
    /// FULL JOIN.
    Full,
}

/// A term of FROM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A table, a view or a common table expression, and its alias.
    Table(String, Option<String>),
    /// A table-valued function (`json_each(x)`), its arguments and its alias.
    Call(String, Vec<Expr>, Option<String>),
    /// `(SELECT …) AS alias`.
    Query(Box<Query>, Option<String>),
    /// `(a JOIN b …) AS alias`.
    Joins(Vec<Join>, Option<String>),
}

/// A term of ORDER BY.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// By what; an integer literal counts result columns from 1, a bare name may be an alias.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST (true), NULLS LAST (false); unsaid, NULL is the smallest value.
    pub nulls_first: Option<bool>,
}

/// A call with what only aggregates and window functions have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name, in lower case.
    pub name: String,
    /// `f(*)`.
    pub star: bool,
    /// DISTINCT.
    pub distinct: bool,
    /// Arguments.
    pub args: Vec<Expr>,
    /// ORDER BY among the arguments.
    pub order: Vec<Order>,
    /// FILTER (WHERE …).
    pub filter: Option<Expr>,
    /// OVER.
    pub over: Option<Over>,
}

/// OVER.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// `OVER name`.
    Name(String),
    /// `OVER (…)`.
    Window(Box<Window>),
}

/// A window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The window it builds on.
    pub base: Option<String>,
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// ORDER BY.
    pub order: Vec<Order>,
    /// The frame.
    pub frame: Option<Frame>,
}

/// The frame of a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// ROWS, RANGE or GROUPS, upper case.
    pub mode: String,
    /// Its start.
    pub start: Bound,
    /// Its end, after BETWEEN … AND.
    pub end: Option<Bound>,
    /// EXCLUDE …, upper case.
    pub exclude: Option<String>,
}

/// A bound of a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// UNBOUNDED PRECEDING.
    UnboundedPreceding,
    /// `n` PRECEDING.
    Preceding(Expr),
    /// CURRENT ROW.
    CurrentRow,
    /// `n` FOLLOWING.
    Following(Expr),
    /// UNBOUNDED FOLLOWING.
    UnboundedFollowing,
}

/// What happens on a conflict, and what RAISE does.
/// Source: <https://sqlite.org/lang_conflict.html>, <https://sqlite.org/lang_createtrigger.html#raise>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// ABORT: what happens if nothing is said.
    Abort,
    /// FAIL.
    Fail,
    /// ROLLBACK.
    Rollback,
    /// IGNORE.
    Ignore,
    /// REPLACE.
    Replace,
}

/// CREATE VIEW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Names of its columns, if written.
    pub columns: Vec<String>,
    /// What it gives.
    pub query: Query,
}

/// CREATE TRIGGER.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// When.
    pub time: Time,
    /// On what.
    pub event: Event,
    /// The table or view.
    pub table: String,
    /// WHEN.
    pub when: Option<Expr>,
    /// Its statements.
    pub body: Vec<Statement>,
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Time {
    /// BEFORE, or nothing said.
    Before,
    /// AFTER.
    After,
    /// INSTEAD OF.
    Instead,
}

/// What a trigger fires on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// INSERT.
    Insert,
    /// DELETE.
    Delete,
    /// UPDATE, of these columns if any are written.
    Update(Vec<String>),
}

/// A statement of a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// INSERT.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE FROM table WHERE.
    Delete(String, Option<Expr>),
    /// SELECT: for what it raises.
    Select(Query),
}

/// INSERT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Insert {
    /// OR …; REPLACE INTO is `Replace`.
    pub conflict: Conflict,
    /// INTO.
    pub table: String,
    /// Names of the columns, if written.
    pub columns: Vec<String>,
    /// The rows.
    pub query: Query,
    /// ON CONFLICT, in order.
    pub upserts: Vec<Upsert>,
}

/// ON CONFLICT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upsert {
    /// The columns (or expressions) of the key it is about, and its WHERE.
    pub target: Option<(Vec<Expr>, Option<Expr>)>,
    /// DO UPDATE SET … WHERE; `None` is DO NOTHING.
    pub update: Option<(Vec<Assignment>, Option<Expr>)>,
}

/// `column = value`, or `(a, b) = (SELECT …)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Columns.
    pub columns: Vec<String>,
    /// The value; of several columns a row or a query.
    pub value: Expr,
}

/// UPDATE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// OR ….
    pub conflict: Conflict,
    /// The table.
    pub table: String,
    /// SET.
    pub sets: Vec<Assignment>,
    /// FROM.
    pub from: Vec<Join>,
    /// WHERE.
    pub filter: Option<Expr>,
}
