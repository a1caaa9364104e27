//! The plan: one list of what shall happen, as data that a person may read and approve.
//! Owns the shapes of tables, keys and steps in the target; never runs one.

pub mod build;
pub mod ddl;
pub mod detail;
pub mod file;
pub mod limits;
pub mod long;
mod names;
pub mod overrides;
mod programs;
mod scope;
mod script;
pub mod style;

use crate::finding::Finding;
use crate::mapping::codec::Codec;
use crate::mapping::exclude::Exclusion;
use crate::mapping::policy::Kind;
use crate::mapping::shape::Crossing;
use crate::normal;
use crate::schema::{Action, Deferrable, Stored};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::ops::Deref;

pub use programs::{GeneratedPlan, HELPERS_COMMENT, TriggerPlan, ViewColumn, ViewPlan, dollar_quoted, helper_schema};

/// Everything that was decided about one migration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this shape.
    pub version: u32,
    /// The schema that the tables are published to.
    pub schema: String,
    /// Text columns say `COLLATE "C"`, since the target's database orders text otherwise.
    pub collate: bool,
    /// Rows whose values do not fit are quarantined in every column, up to a limit that was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantine_all: bool,
    /// How many objects of each kind the source has and the target gets.
    pub objects: Objects,
    /// What a person must know.
    pub findings: Vec<Finding>,
    /// Tables of the source that are left out by choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The tables, in the order of the source's schema.
    pub tables: Vec<TablePlan>,
    /// The views, those that others use before them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewPlan>,
    /// The triggers, in the order of the source's schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<TriggerPlan>,
    /// Names of the helper functions that something uses, in the order in which they are made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub helpers: Vec<String>,
}

/// The version of [`Plan`] that this code writes and reads.
pub const VERSION: u32 = 1;

/// One table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TablePlan {
    /// Name in the source.
    pub name: String,
    /// Name in the target.
    pub target: String,
    /// Rows that the census counted.
    pub rows: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// WITHOUT ROWID in the source: read as one chunk.
    pub without_rowid: bool,
    /// Only the rows for which this condition of SQLite's holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The columns by which SQLite tells its rows apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_key: Vec<String>,
    /// The terms of SQLite's ORDER BY that give the one order in which its rows are read; only WITHOUT ROWID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Rows that are quarantined because a key refuses them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<Exclusion>,
    /// Columns that take NULL, although they are of the primary key or NOT NULL in the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub null_keys: Vec<String>,
    /// Those of them that hold NULL in a primary key for which a new column stands in because of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surrogate_for: Vec<String>,
    /// The table of the source that its rows are read from, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// Its values that cross piece by piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<long::LongPlan>,
    /// Columns of the source that are left out by choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// PRIMARY KEY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<KeyPlan>,
    /// Columns, in order.
    pub columns: Vec<ColumnPlan>,
    /// Columns that the source does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<ExtraColumn>,
    /// UNIQUE constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uniques: Vec<KeyPlan>,
    /// CHECK constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckPlan>,
    /// Indexes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexPlan>,
    /// Foreign keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKeyPlan>,
}

impl TablePlan {
    /// The columns whose values are sent: the target computes the others.
    pub fn sent(&self) -> impl Iterator<Item = &ColumnPlan> {
        self.columns.iter().filter(|c| c.generated.is_none())
    }

    /// Whether its primary key is a new column that the target fills.
    pub fn has_surrogate(&self) -> bool {
        let is_new = |name: &String| self.extra.iter().any(|e| e.target == *name && e.sequence.is_some());
        self.primary_key.iter().flat_map(|k| &k.columns).any(is_new)
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// Name in the source.
    pub name: String,
    /// Name in the target.
    pub target: String,
    /// Declared type in the source.
    pub declared: String,
    /// An expression of SQLite that is read in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<String>,
    /// How its values cross; its type in the target.
    #[serde(flatten)]
    pub crossing: Crossing,
    /// Name of its enum, if its type is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enum_name: Option<String>,
    /// Rows whose value does not fit go to `lite2pg.rejected_row` rather than end the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantine: bool,
    /// Its texts become numbers, by the policy for several classes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub widest: bool,
    /// The policy that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined_by: Option<Kind>,
    /// Why that type.
    pub reason: String,
    /// NOT NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_null: bool,
    /// DEFAULT, as PostgreSQL's SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// GENERATED ALWAYS AS: its values are not copied, the target computes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<GeneratedPlan>,
    /// It hands out its own values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

impl ColumnPlan {
    /// The codec of the column.
    pub fn codec(&self) -> Codec {
        Codec::of(&self.crossing)
    }

    /// Its type as PostgreSQL's catalog shows it; of an enum the name alone.
    pub fn shown(&self) -> String {
        self.enum_name.clone().unwrap_or_else(|| self.ty.shown())
    }

    /// What its digests compare.
    pub fn form(&self) -> normal::Column {
        normal::Column::of(&self.crossing)
    }
}

impl Deref for ColumnPlan {
    type Target = Crossing;

    fn deref(&self) -> &Crossing {
        &self.crossing
    }
}

/// A column that the source does not have: the target fills it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraColumn {
    /// Name in the target.
    pub target: String,
    /// Its type, NOT NULL and DEFAULT, as PostgreSQL's SQL.
    pub definition: String,
    /// The sequence of an identity column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
}

/// An identity column's sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the sequence.
    pub sequence: String,
    /// The next value: beyond every key and beyond what AUTOINCREMENT ever gave. `None`: there is none, the largest
    /// key is the last of bigint.
    pub next: Option<i64>,
}

/// PRIMARY KEY or UNIQUE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPlan {
    /// Name of the constraint.
    pub name: String,
    /// Target columns.
    pub columns: Vec<String>,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPlan {
    /// Name of the constraint.
    pub name: String,
    /// The condition as PostgreSQL's SQL.
    pub condition: String,
    /// Made NOT VALID after the copy: rows that break it were kept under a policy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_valid: bool,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPlan {
    /// Name.
    pub name: String,
    /// UNIQUE.
    pub unique: bool,
    /// What stands between the parentheses.
    pub terms: String,
    /// WHERE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Its access method (`gin`, `gist`), if it is not btree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

impl IndexPlan {
    /// A btree over all rows that is not unique.
    pub fn plain(name: String, terms: String) -> IndexPlan {
        IndexPlan { name, unique: false, terms, predicate: None, method: None }
    }
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyPlan {
    /// Name of the constraint.
    pub name: String,
    /// Child columns.
    pub columns: Vec<String>,
    /// Parent table, in the target.
    pub parent: String,
    /// Parent columns.
    pub parent_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: Action,
    /// ON UPDATE.
    pub on_update: Action,
    /// When it is checked.
    pub deferrable: Deferrable,
    /// Made NOT VALID: orphans were kept under a policy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_valid: bool,
    /// What becomes of rows without parent, where the foreign key is made as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphans: Option<Orphans>,
}

/// What becomes of rows without parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orphans {
    /// They go to `lite2pg.rejected_row`.
    Quarantine,
    /// The foreign key's columns become NULL.
    SetNull,
}

/// Counts of one kind of object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// In the source.
    pub source: u64,
    /// Made in the target.
    pub carried: u64,
    /// Whose results were compared and are the same; only of views, and only where they were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<u64>,
}

impl Count {
    /// So many in the source, none carried yet.
    pub fn of(source: u64) -> Count {
        Count { source, ..Count::default() }
    }
}

/// Counts of all kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is the kind of object it counts")]
pub struct Objects {
    pub tables: Count,
    pub primary_keys: Count,
    pub unique: Count,
    pub not_null: Count,
    pub checks: Count,
    pub defaults: Count,
    pub generated: Count,
    pub indexes: Count,
    pub foreign_keys: Count,
    pub sequences: Count,
    pub views: Count,
    pub triggers: Count,
    pub virtual_tables: Count,
}

/// The stage a step belongs to: labels for people and for the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The helper functions are made.
    Helpers,
    /// Tables are made.
    Create,
    /// Rows are copied.
    Copy,
    /// Primary and unique keys.
    Keys,
    /// Other indexes.
    Indexes,
    /// Foreign keys, and checks that rows break; the other checks are part of the table.
    Constraints,
    /// Identity positions.
    Sequences,
    /// Statistics.
    Analyze,
    /// Views.
    Views,
    /// Triggers, which do not fire before they are published.
    Triggers,
    /// Both sides are compared.
    Verify,
    /// Everything becomes visible, in one transaction.
    Publish,
}

impl Stage {
    /// One word, as in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Helpers => "helpers",
            Stage::Create => "create",
            Stage::Copy => "copy",
            Stage::Keys => "keys",
            Stage::Indexes => "indexes",
            Stage::Constraints => "constraints",
            Stage::Sequences => "sequences",
            Stage::Analyze => "analyze",
            Stage::Views => "views",
            Stage::Triggers => "triggers",
            Stage::Verify => "verify",
            Stage::Publish => "publish",
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Runs one statement.
    Sql(String),
    /// Copies the rows of a table, by its place in `Plan::tables`.
    Copy(usize),
    /// Compares a table, by its place in `Plan::tables`.
    Verify(usize),
    /// Publishes the staging schema.
    Publish,
}

/// What a step works on: by this is decided what must come before it and what may go on beside it. Tables are named by
/// their place in `Plan::tables`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// The helper functions.
    Helpers,
    /// A table is made.
    Create(usize),
    /// Its rows.
    Copy(usize),
    /// The index that a key will stand on.
    KeyIndex(usize),
    /// The index becomes a key.
    Key(usize),
    /// An index that is no key's.
    Index {
        /// Its table.
        table: usize,
        /// A foreign key may refer to it.
        unique: bool,
    },
    /// A check that is added to a full table.
    Check(usize),
    /// A foreign key is added; its rows are not looked at.
    ForeignKey {
        /// Whose rows it binds.
        child: usize,
        /// What they refer to; `None`: no table of the plan.
        parent: Option<usize>,
    },
    /// The rows of a foreign key are looked at.
    Validate {
        /// See [`Work::ForeignKey`].
        child: usize,
        /// See [`Work::ForeignKey`].
        parent: Option<usize>,
    },
    /// Where an identity column goes on.
    Position(usize),
    /// Statistics.
    Analyze(usize),
    /// A view; those that others use come before them.
    View,
    /// A trigger on a table, or (`None`) on a view.
    Trigger(Option<usize>),
    /// Both sides of a table are compared.
    Verify(usize),
    /// Everything becomes visible.
    Publish,
}

/// One step: what it does, and what takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the list; the ledger knows it by this number.
    pub id: u32,
    /// Its stage.
    pub stage: Stage,
    /// What it works on.
    pub work: Work,
    /// What it is about.
    pub object: String,
    /// What it does.
    pub effect: Effect,
    /// The statement that takes it back, where dropping the staging schema alone would not.
    pub undo: Option<String>,
}

impl Plan {
    /// The findings that stop a run.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.blocks())
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|t| t.rows).sum()
    }

    /// SHA-256 of the plan; the ledger keeps it, and a resumed run must have the same.
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&json).iter().map(|b| format!("{b:02x}")).collect()
    }
}
