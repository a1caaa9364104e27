//! The schema of a SQLite database as data: what its SQL text and its pragmas say, resolved to columns.
//! Owns the shapes; never parses (see `sql`), never reads a file (the engine fills [`RawSchema`]).

use crate::sql::ast::Expr;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Every table, in the order of `sqlite_schema`.
    pub tables: Vec<Table>,
    /// Views, in order.
    pub views: Vec<Object>,
    /// Triggers, in order.
    pub triggers: Vec<Object>,
}

/// A view or a trigger, kept by its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// For a trigger: the table or view it stands on. For a view: its own name.
    pub table: String,
    /// Its CREATE statement.
    pub sql: String,
    /// Names of a view's columns as SQLite tells them; `None` for a trigger, and for a view that SQLite cannot compile
    /// either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}

/// What kind of table it is. Only ordinary tables carry rows over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableKind {
    /// A table with rows of its own.
    Ordinary,
    /// A virtual table of this module.
    Virtual(String),
    /// Storage of a virtual table; never copied.
    Shadow,
    /// SQLite's own (`sqlite_sequence`, `sqlite_stat1` …); never copied.
    Internal,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name, as written.
    pub name: String,
    /// Its CREATE statement.
    pub sql: String,
    /// Its kind.
    pub kind: TableKind,
    /// WITHOUT ROWID.
    pub without_rowid: bool,
    /// STRICT.
    pub strict: bool,
    /// Only the rows for which this condition of SQLite's holds: the plan's file says so.
    #[serde(default)]
    pub filter: Option<String>,
    /// Names of columns that the plan's file leaves out; nothing of them is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The terms of ORDER BY that give the one order in which its rows are read; only of WITHOUT ROWID tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Columns, in order; hidden columns of virtual tables are left out.
    pub columns: Vec<Column>,
    /// The column that is the rowid (INTEGER PRIMARY KEY), if any.
    pub rowid_alias: Option<usize>,
    /// AUTOINCREMENT.
    pub autoincrement: bool,
    /// What `sqlite_sequence` holds for it.
    pub sequence: Option<i64>,
    /// PRIMARY KEY.
    pub primary_key: Option<Key>,
    /// UNIQUE constraints (not unique indexes made by CREATE INDEX).
    pub uniques: Vec<Key>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints, of columns and of the table.
    pub checks: Vec<Check>,
    /// Indexes made by CREATE INDEX.
    pub indexes: Vec<Index>,
    /// The module, where the source has it as a virtual table and its rows are carried as an ordinary one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Where its rows are read from, if that is not the table of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// Full-text indexes over its columns: its own, and those of others that keep no text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<Search>,
    /// Names of its coordinates, the lower bound of each dimension before the upper one; only of R*Trees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coordinates: Vec<String>,
    /// The table that holds its text, where this virtual table is but a full-text index over that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_of: Option<String>,
}

/// The shadow table in which a virtual one keeps its rows, so that they can be read whatever the module needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its name.
    pub table: String,
    /// Each column of the virtual table, and what it is called here; the first is the rowid.
    pub columns: Vec<(String, String)>,
}

impl Stored {
    /// What a column of the virtual table is called here.
    pub fn column(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|(of, _)| of == name).map(|(_, here)| here.as_str())
    }
}

/// A full-text index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The virtual table.
    pub table: String,
    /// Its module.
    pub module: String,
    /// What it calls the key of its rows, and the column of the text's table that is that; `None`: the rowid.
    pub key: (String, Option<String>),
    /// Its columns, as the table that holds the text spells them.
    pub columns: Vec<String>,
    /// Those of them in which is searched.
    pub indexed: Vec<String>,
    /// The tokenizer and its options, as written.
    pub tokenizer: Vec<String>,
    /// The column that says the language of each row.
    pub language: Option<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, as written.
    pub name: String,
    /// Declared type as written, empty if none.
    pub declared: String,
    /// Affinity that follows from it.
    pub affinity: Affinity,
    /// NOT NULL as SQLite enforces it (a rowid alias and the key of a WITHOUT ROWID or STRICT table count too).
    pub not_null: bool,
    /// DEFAULT.
    pub default: Option<Expression>,
    /// COLLATE, upper case, if it is not BINARY.
    pub collation: Option<String>,
    /// GENERATED ALWAYS AS.
    pub generated: Option<Generated>,
    /// An expression of SQLite's that is read in its place: the plan's file says so.
    #[serde(default)]
    pub read: Option<String>,
}

/// Type affinity. Source: <https://sqlite.org/datatype3.html#determination_of_column_affinity>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Affinity {
    /// The name holds INT.
    Integer,
    /// CHAR, CLOB or TEXT.
    Text,
    /// BLOB, or no type at all.
    Blob,
    /// REAL, FLOA or DOUB.
    Real,
    /// Anything else.
    Numeric,
}

impl Affinity {
    /// The affinity of a declared type of an ordinary (not STRICT) table.
    pub fn of(declared: &str) -> Affinity {
        let d = declared.to_ascii_uppercase();
        if d.contains("INT") {
            Affinity::Integer
        } else if d.contains("CHAR") || d.contains("CLOB") || d.contains("TEXT") {
            Affinity::Text
        } else if d.contains("BLOB") || d.is_empty() {
            Affinity::Blob
        } else if d.contains("REAL") || d.contains("FLOA") || d.contains("DOUB") {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }
}

/// A generated column's expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// The expression.
    pub expr: Expression,
    /// STORED rather than VIRTUAL.
    pub stored: bool,
}

/// An expression: its text as written, and its tree if it is one that is understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expression {
    /// The text.
    pub sql: String,
    /// The tree; `None` where the expression is beyond what `sql::ast` holds.
    pub ast: Option<Expr>,
}

/// A key: PRIMARY KEY or UNIQUE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// CONSTRAINT name.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Vec<KeyColumn>,
    /// ON CONFLICT, upper case, if it is not ABORT.
    pub on_conflict: Option<String>,
}

/// A column of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Index into `Table::columns`.
    pub column: usize,
    /// Collation the key compares with, upper case, if not BINARY.
    pub collation: Option<String>,
    /// DESC.
    pub descending: bool,
}

/// An index made by CREATE INDEX.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its CREATE statement.
    pub sql: String,
    /// UNIQUE.
    pub unique: bool,
    /// Its terms; empty if the statement was not understood.
    pub terms: Vec<IndexTerm>,
    /// WHERE.
    pub predicate: Option<Expression>,
}

/// A term of an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexTerm {
    /// Column or expression.
    pub on: IndexOn,
    /// Collation, upper case, if not BINARY.
    pub collation: Option<String>,
    /// DESC.
    pub descending: bool,
}

/// What an index term stands on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexOn {
    /// Index into `Table::columns`.
    Column(usize),
    /// An expression.
    Expression(Expression),
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// CONSTRAINT name.
    pub name: Option<String>,
    /// Child columns: indexes into `Table::columns`.
    pub columns: Vec<usize>,
    /// Parent table: its own spelling if it exists, else as written.
    pub parent: String,
    /// Parent columns by their own spelling; resolved to the parent's primary key where none are written.
    /// Empty if the parent does not exist or has no such key.
    pub parent_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: Action,
    /// ON UPDATE.
    pub on_update: Action,
    /// When it is checked.
    pub deferrable: Deferrable,
}

/// What a foreign key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// NO ACTION.
    NoAction,
    /// RESTRICT.
    Restrict,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT.
    SetDefault,
    /// CASCADE.
    Cascade,
}

/// When a foreign key is checked, as the SQL text says (the pragmas hide it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deferrable {
    /// Not deferrable.
    Not,
    /// DEFERRABLE, INITIALLY IMMEDIATE or unsaid.
    Immediate,
    /// DEFERRABLE INITIALLY DEFERRED.
    Deferred,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// CONSTRAINT name.
    pub name: Option<String>,
    /// The condition.
    pub expr: Expression,
}

/// What the engine reads from a file: the rows of `sqlite_schema` and of the pragmas, undigested.
#[derive(Clone, Debug, Default)]
pub struct RawSchema {
    /// Rows of `sqlite_schema`, in rowid order.
    pub objects: Vec<RawObject>,
    /// `PRAGMA table_list`, by table name.
    pub table_list: BTreeMap<String, RawTable>,
    /// `PRAGMA table_xinfo`, by table name.
    pub columns: BTreeMap<String, Vec<RawColumn>>,
    /// `PRAGMA index_list` with `index_xinfo`, by table name.
    pub indexes: BTreeMap<String, Vec<RawIndex>>,
    /// `PRAGMA foreign_key_list`, by table name.
    pub foreign_keys: BTreeMap<String, Vec<RawForeignKey>>,
    /// `sqlite_sequence`.
    pub sequences: BTreeMap<String, i64>,
    /// Rows of shadow tables, as far as they were counted: [`RawSchema::MOST_COUNTED`] are that many or more.
    pub shadow_rows: BTreeMap<String, u64>,
}

impl RawSchema {
    /// How far the rows of a shadow table are counted.
    pub const MOST_COUNTED: u64 = 100_000;
}

/// A row of `sqlite_schema`.
#[derive(Clone, Debug, Default)]
pub struct RawObject {
    /// table, index, view or trigger.
    pub kind: String,
    /// name.
    pub name: String,
    /// tbl_name.
    pub table: String,
    /// sql; `None` for automatic indexes.
    pub sql: Option<String>,
}

/// A row of `PRAGMA table_list`.
#[derive(Clone, Debug, Default)]
pub struct RawTable {
    /// table, view, shadow or virtual.
    pub kind: String,
    /// WITHOUT ROWID.
    pub without_rowid: bool,
    /// STRICT.
    pub strict: bool,
}

/// A row of `PRAGMA table_xinfo`.
#[derive(Clone, Debug, Default)]
pub struct RawColumn {
    /// name.
    pub name: String,
    /// Declared type.
    pub declared: String,
    /// notnull.
    pub not_null: bool,
    /// dflt_value, as text.
    pub default: Option<String>,
    /// 1-based place in the primary key, 0 if none.
    pub primary_key: i64,
    /// 0 normal, 1 hidden, 2 virtual generated, 3 stored generated.
    pub hidden: i64,
}

/// A row of `PRAGMA index_list` with its `index_xinfo` key columns.
#[derive(Clone, Debug, Default)]
pub struct RawIndex {
    /// name.
    pub name: String,
    /// unique.
    pub unique: bool,
    /// c (CREATE INDEX), u (UNIQUE) or pk.
    pub origin: String,
    /// partial.
    pub partial: bool,
    /// Key columns only, in order.
    pub columns: Vec<RawIndexColumn>,
}

/// A key column of `PRAGMA index_xinfo`.
#[derive(Clone, Debug, Default)]
pub struct RawIndexColumn {
    /// Column number, -1 for the rowid, -2 for an expression.
    pub cid: i64,
    /// Column name.
    pub name: Option<String>,
    /// DESC.
    pub descending: bool,
    /// Collation.
    pub collation: String,
}

/// A row of `PRAGMA foreign_key_list`.
#[derive(Clone, Debug, Default)]
pub struct RawForeignKey {
    /// Number of the key; columns of one key share it.
    pub id: i64,
    /// Place of the column in the key.
    pub seq: i64,
    /// Parent table as written.
    pub table: String,
    /// Child column.
    pub from: String,
    /// Parent column, if written.
    pub to: Option<String>,
    /// ON UPDATE.
    pub on_update: String,
    /// ON DELETE.
    pub on_delete: String,
}
