//! Rows that a key of the target refuses, and that a person chose to quarantine.
//! Owns the shape of these rules; never looks at a row (the engine finds the rows, before the first one moves).

use super::policy::Kind;
use serde::{Deserialize, Serialize};

/// Rows of one table that are not copied. Columns are named as in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "rows")]
pub enum Exclusion {
    /// Those with NULL in this column.
    NullKey {
        /// A column of the primary key, or one that is NOT NULL.
        column: String,
    },
    /// Those that repeat a key as PostgreSQL will see it: the first row in reading order stays.
    DuplicateKey {
        /// What is repeated, in words: `the primary key`, or the name of a unique index.
        key: String,
        /// Its columns.
        columns: Vec<String>,
        /// The rows that the key is about, as SQLite's SQL; `None`: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        predicate: Option<String>,
    },
}

impl Exclusion {
    /// The kind of data that it answers.
    pub fn kind(&self) -> Kind {
        match self {
            Exclusion::NullKey { .. } => Kind::NullKey,
            Exclusion::DuplicateKey { .. } => Kind::DuplicateKey,
        }
    }

    /// The first column that it is about.
    pub fn column(&self) -> &str {
        match self {
            Exclusion::NullKey { column } => column,
            Exclusion::DuplicateKey { columns, .. } => columns.first().map_or("", String::as_str),
        }
    }

    /// Why such a row is rejected.
    pub fn reason(&self) -> String {
        match self {
            Exclusion::NullKey { column } => format!("NULL in {column}, which takes none in PostgreSQL"),
            Exclusion::DuplicateKey { key, columns, .. } => {
                format!("repeats {key} ({}) of an earlier row", columns.join(", "))
            }
        }
    }
}
