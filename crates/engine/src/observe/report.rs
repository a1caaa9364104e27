//! What a command reports at its end: the document of `--json`.
//! Owns its shape (documented in docs/json.md); never prints it.

use lite2pg_model::finding::Finding;
use lite2pg_model::plan::Objects;
use serde::{Deserialize, Serialize};

/// The end of a command. Serialised, it is the document of `--json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run's identifier; empty where nothing was written.
    pub run: String,
    /// `done`, `needs-decision`, `rejected`, `different`, `failed` or `interrupted`.
    pub status: String,
    /// The exit status.
    pub exit: u8,
    /// Wall time.
    pub seconds: f64,
    /// Peak memory of this process, if the system tells.
    pub peak_rss_bytes: u64,
    /// The source file.
    pub source: String,
    /// The target, without a secret.
    pub target: String,
    /// The schema that was published to.
    pub schema: String,
    /// Nothing had to be done: this source was migrated before.
    #[serde(default)]
    pub already_done: bool,
    /// What [`Report::already_done`] compared just now: `counts`, the rows of each table; digests are of the run itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub compared_now: String,
    /// Stages, in order of their places in the plan; they overlap.
    pub stages: Vec<StageTime>,
    /// Tables, in the order of the source's schema.
    pub tables: Vec<TableReport>,
    /// What the comparison of each view's result came to; empty where none was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewReport>,
    /// Objects by kind.
    pub objects: Objects,
    /// Rows of all tables that lie in `lite2pg.rejected_row`.
    #[serde(default)]
    pub rejected: u64,
    /// Rejected rows that another try has brought into the target.
    #[serde(default)]
    pub retried: u64,
    /// Foreign keys that PostgreSQL has validated, and those that were kept NOT VALID.
    #[serde(default)]
    pub foreign_keys_valid: u64,
    /// See [`Report::foreign_keys_valid`].
    #[serde(default)]
    pub foreign_keys_not_valid: u64,
    /// Identity columns whose next value lies beyond every key.
    #[serde(default)]
    pub sequences_beyond_keys: u64,
    /// What a person must know.
    pub findings: Vec<Finding>,
    /// The error, if the command failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// What differs in one table, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences {
    /// Rows that only the source has.
    pub missing: u64,
    /// Rows that only the target has.
    pub extra: u64,
    /// Rows that both have under one key, with other values.
    pub changed: u64,
    /// The first of them.
    pub named: Vec<Difference>,
}

impl Differences {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.missing + self.extra + self.changed
    }
}

/// How a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Only the source has it.
    Missing,
    /// Only the target has it.
    Extra,
    /// Both have it, with other values.
    Changed,
}

/// One row that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// How.
    pub how: How,
    /// Its key, or its first columns where the table has none.
    pub key: String,
    /// Columns that differ (of a changed row), with both values as people read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnDifference>,
    /// Shows it in SQLite.
    pub source_sql: String,
    /// Shows it in PostgreSQL.
    pub target_sql: String,
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDifference {
    /// The column in the source.
    pub column: String,
    /// As SQLite holds it.
    pub source: String,
    /// As PostgreSQL holds it, read back into SQLite's terms.
    pub target: String,
}

/// Time of one stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// census, plan, create, copy, keys, indexes, constraints, sequences, analyze, verify, publish.
    pub name: String,
    /// From the begin of its first task to the end of its last; others ran meanwhile.
    pub seconds: f64,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableReport {
    /// Its name in the source.
    pub name: String,
    /// `schema.name` in the target.
    pub target: String,
    /// Rows in the source: those that were copied and those that were rejected.
    pub rows: u64,
    /// Rows that PostgreSQL gave back; 0 if it was not asked.
    #[serde(default)]
    pub target_rows: u64,
    /// Bytes of the values.
    pub bytes: u64,
    /// Rows that were rejected: they lie in `lite2pg.rejected_row`, and neither digest counts them.
    pub rejected: u64,
    /// Time of its copy.
    #[serde(default)]
    pub seconds: f64,
    /// Digest of the source's rows; empty if none was made.
    pub source_sha256: String,
    /// Digest of what PostgreSQL gives back; empty if none was made.
    pub target_sha256: String,
    /// Both are there and equal.
    pub verified: bool,
    /// What differs, row by row; only where `verify --level rows` asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differences: Option<Differences>,
}

/// One view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ViewReport {
    /// Its name in the source.
    pub name: String,
    /// `schema.name` in the target.
    pub target: String,
    /// Rows that SQLite gives; 0 if it was not asked or did not end.
    pub rows: u64,
    /// Rows that PostgreSQL gives; 0 likewise.
    pub target_rows: u64,
    /// Time of both.
    pub seconds: f64,
    /// Both sides give the same rows.
    pub verified: bool,
    /// Columns with computed doubles, which were compared within 1e-9 of their size (of 1 for smaller ones).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approximate: Vec<String>,
    /// Why its rows were not compared, or the comparison says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
}

/// The error of a failed command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// What went wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}
