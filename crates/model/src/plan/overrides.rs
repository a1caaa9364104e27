//! What a person said of single tables and columns, in the plan's file or with flags.
//! Owns the shape of it, and how two sayings become one; never reads TOML (see `file`), never decides by itself.

mod change;
mod choose;
mod pattern;
mod skip;

pub use change::Written;
pub use pattern::Selected;

use crate::mapping::PgType;
use crate::mapping::choices::Types;
use crate::mapping::codec::Normal;
use crate::mapping::policy::Policies;
use crate::mapping::zone::Zone;
use crate::plan::style::NameStyle;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// In a file, on this line (from 1).
    File(String, usize),
    /// With a flag, as it was typed.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(name, line) => write!(f, "{name}:{line}"),
            Origin::Flag(text) => f.write_str(text),
        }
    }
}

/// A value and where it was said. Only the value counts for the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// What.
    pub value: T,
    /// Where.
    pub at: Origin,
}

impl<T: Serialize> Serialize for Said<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(to)
    }
}

/// Something that cannot be, where it was said, and what could be instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub at: Origin,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(at: &Origin, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { at: at.clone(), message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

/// Everything that was said. Names of tables and columns are compared as SQLite does: ASCII letters without regard to
/// case.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overrides {
    /// The schema to publish to.
    pub schema: Option<Said<String>>,
    /// How rich types may be.
    pub types: Option<Said<Types>>,
    /// The zone of date-times without one.
    pub zone: Option<Said<Zone>>,
    /// How names are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Said<NameStyle>>,
    /// Text is ordered as the target's database does.
    pub collation_database: Option<Said<bool>>,
    /// What was chosen for all columns when the file was written.
    pub decided_with: Option<Said<DecidedWith>>,
    /// Findings that are answered: `CODE` or `CODE:OBJECT`.
    pub accept: Vec<String>,
    /// Policies for all columns.
    pub policies: Policies,
    /// Single tables, by their names in lower case.
    pub tables: BTreeMap<String, TableOverride>,
    /// Only tables with such names.
    pub only: Vec<Said<String>>,
    /// No tables with such names.
    pub exclude: Vec<Said<String>>,
}

/// The settings that a file was written with. What the rules come to under them, and the file says, is no choice of a
/// person's: only what differs from it is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DecidedWith {
    /// How rich types were to be.
    pub types: Types,
    /// How names were to be written.
    #[serde(skip_serializing_if = "is_keep")]
    pub names: NameStyle,
    /// The zone of date-times without one.
    pub zone: Option<Zone>,
    /// Policies for all columns.
    pub policies: Policies,
}

fn is_keep(names: &NameStyle) -> bool {
    *names == NameStyle::Keep
}

/// What was said of one table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableOverride {
    /// Its name, as it was given.
    #[serde(skip)]
    pub name: Said<String>,
    /// Its name in the target.
    pub to: Option<Said<String>>,
    /// It is left out.
    pub skip: Option<Said<bool>>,
    /// Only the rows for which this condition of SQLite's holds.
    pub filter: Option<Said<String>>,
    /// Columns that the source does not have.
    pub extra: Vec<Said<Extra>>,
    /// Its columns, by their names in lower case.
    pub columns: BTreeMap<String, ColumnOverride>,
}

/// What was said of one column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnOverride {
    /// Its name, as it was given.
    #[serde(skip)]
    pub name: Said<String>,
    /// Its name in the target.
    pub to: Option<Said<String>>,
    /// It is left out.
    pub skip: Option<Said<bool>>,
    /// Its type.
    pub ty: Option<Said<PgType>>,
    /// How its values are written.
    pub values: Option<Said<Normal>>,
    /// The labels of its enum.
    pub labels: Option<Said<Vec<String>>>,
    /// An expression of SQLite's that is read in its place.
    pub read: Option<Said<String>>,
    /// What is read in place of NULL.
    pub null: Option<Said<Literal>>,
    /// Policies before those for all columns.
    pub policies: Policies,
    /// NOT NULL.
    pub not_null: Option<Said<bool>>,
    /// DEFAULT, as PostgreSQL's SQL.
    pub default: Option<Said<String>>,
}

/// A column that the source does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extra {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: PgType,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as PostgreSQL's SQL.
    pub default: Option<String>,
}

/// A value that is written down.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Literal {
    /// An integer.
    Integer(i64),
    /// A real; finite.
    Real(f64),
    /// Text.
    Text(String),
}

impl Literal {
    /// As SQLite's SQL.
    pub fn sqlite(&self) -> String {
        match self {
            Literal::Integer(i) => i.to_string(),
            Literal::Real(r) => format!("{r:?}"),
            Literal::Text(t) => format!("'{}'", t.replace('\'', "''")),
        }
    }
}

/// How SQLite compares names.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl TableOverride {
    /// Nothing but a name.
    pub fn new(name: Said<String>) -> TableOverride {
        TableOverride { name, to: None, skip: None, filter: None, extra: Vec::new(), columns: BTreeMap::new() }
    }

    /// Whether it is to be left out.
    pub fn is_skipped(&self) -> bool {
        self.skip.as_ref().is_some_and(|s| s.value)
    }

    /// A column of this name; made if nothing was said of it yet.
    pub fn column_mut(&mut self, name: &str, at: &Origin) -> &mut ColumnOverride {
        let new = || ColumnOverride::new(Said { value: name.to_owned(), at: at.clone() });
        self.columns.entry(folded(name)).or_insert_with(new)
    }
}

impl ColumnOverride {
    /// Nothing but a name.
    pub fn new(name: Said<String>) -> ColumnOverride {
        ColumnOverride {
            name,
            to: None,
            skip: None,
            ty: None,
            values: None,
            labels: None,
            read: None,
            null: None,
            policies: Policies::default(),
            not_null: None,
            default: None,
        }
    }

    /// Whether it is to be left out.
    pub fn is_skipped(&self) -> bool {
        self.skip.as_ref().is_some_and(|s| s.value)
    }
}

/// Puts `closer` in place of what is there, if it says something.
fn over<T>(there: &mut Option<T>, closer: Option<T>) {
    if closer.is_some() {
        *there = closer;
    }
}

impl Overrides {
    /// What was said of a table.
    pub fn table(&self, name: &str) -> Option<&TableOverride> {
        self.tables.get(&folded(name))
    }

    /// What was said of a column.
    pub fn column(&self, table: &str, column: &str) -> Option<&ColumnOverride> {
        self.table(table)?.columns.get(&folded(column))
    }

    /// A table of this name; made if nothing was said of it yet.
    pub fn table_mut(&mut self, name: &str, at: &Origin) -> &mut TableOverride {
        let new = || TableOverride::new(Said { value: name.to_owned(), at: at.clone() });
        self.tables.entry(folded(name)).or_insert_with(new)
    }

    /// These, with what `closer` says before them: flags before a file.
    #[must_use]
    pub fn with(mut self, closer: Overrides) -> Overrides {
        over(&mut self.schema, closer.schema);
        over(&mut self.types, closer.types);
        over(&mut self.names, closer.names);
        over(&mut self.zone, closer.zone);
        over(&mut self.collation_database, closer.collation_database);
        over(&mut self.decided_with, closer.decided_with);
        for accept in closer.accept {
            if !self.accept.contains(&accept) {
                self.accept.push(accept);
            }
        }
        self.policies = self.policies.with(&closer.policies);
        self.only.extend(closer.only);
        self.exclude.extend(closer.exclude);
        for (key, table) in closer.tables {
            match self.tables.get_mut(&key) {
                Some(there) => there.take(table),
                None => drop(self.tables.insert(key, table)),
            }
        }
        self
    }

    /// SHA-256 of all that shapes the result, whatever file or flag said it.
    pub fn fingerprint(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&json).iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl TableOverride {
    fn take(&mut self, closer: TableOverride) {
        over(&mut self.to, closer.to);
        over(&mut self.skip, closer.skip);
        over(&mut self.filter, closer.filter);
        self.extra.extend(closer.extra);
        for (key, column) in closer.columns {
            match self.columns.get_mut(&key) {
                Some(there) => there.take(column),
                None => drop(self.columns.insert(key, column)),
            }
        }
    }
}

impl ColumnOverride {
    fn take(&mut self, closer: ColumnOverride) {
        // Another type makes what was said of the values of the first one void.
        if closer.ty.as_ref().is_some_and(|ty| self.ty.as_ref().is_none_or(|t| t.value != ty.value)) {
            self.values = None;
            self.labels = None;
        }
        over(&mut self.to, closer.to);
        over(&mut self.skip, closer.skip);
        over(&mut self.ty, closer.ty);
        over(&mut self.values, closer.values);
        over(&mut self.labels, closer.labels);
        over(&mut self.read, closer.read);
        over(&mut self.null, closer.null);
        self.policies = self.policies.with(&closer.policies);
        over(&mut self.not_null, closer.not_null);
        over(&mut self.default, closer.default);
    }
}
