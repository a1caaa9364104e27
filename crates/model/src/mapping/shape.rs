//! What was decided for a table: the type of each column, and what becomes of its keys.
//! Owns the shapes; never decides (see `decide`, `unify`, `integrity`).

use super::PgType;
use super::codec::{Codec, Normal};
use super::exclude::Exclusion;
use super::forms::Form;
use super::policy::Kind;
use super::profile::ColumnProfile;
use super::treat::Treatment;
use super::zone::Zone;
use serde::{Deserialize, Serialize};
use std::ops::{Deref, DerefMut};

/// How the values of a column cross: all that its codec and its normal form need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// Its type.
    #[serde(rename = "type")]
    pub ty: PgType,
    /// How far its values come back as they were.
    #[serde(default)]
    pub normal: Normal,
    /// What policies do to its values first, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub treatments: Vec<Treatment>,
    /// The zone of its date-times ([`Normal::ZonedClock`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// Labels of its enum, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl Crossing {
    /// Values of a type under a normal form, untreated.
    pub fn new(ty: PgType, normal: Normal) -> Crossing {
        Crossing { ty, normal, treatments: Vec::new(), zone: None, labels: Vec::new() }
    }
}

/// What a column becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMapping {
    /// How its values cross.
    #[serde(flatten)]
    pub crossing: Crossing,
    /// Why, for people: `declared CHAR(36); 18,661 of 18,661 values are UUIDs`.
    pub reason: String,
    /// Rows whose value does not fit go to `lite2pg.rejected_row` rather than end the run.
    #[serde(default)]
    pub quarantine: bool,
    /// Its texts become numbers, by the policy for several classes.
    #[serde(default)]
    pub widest: bool,
    /// The policy that says so, where it is not the one that goes with the type.
    #[serde(default)]
    pub quarantine_kind: Option<Kind>,
}

impl ColumnMapping {
    /// Values of a type under a normal form, untreated.
    pub fn new(ty: PgType, normal: Normal, reason: impl Into<String>) -> ColumnMapping {
        ColumnMapping {
            crossing: Crossing::new(ty, normal),
            reason: reason.into(),
            quarantine: false,
            widest: false,
            quarantine_kind: None,
        }
    }

    /// The policy under which its rows are quarantined.
    pub fn quarantined_by(&self) -> Option<Kind> {
        self.quarantine.then(|| self.quarantine_kind.unwrap_or_else(|| Kind::of_misfits(self.ty)))
    }

    /// The codec of the column.
    pub fn codec(&self) -> Codec {
        Codec::of(&self.crossing)
    }
}

impl Deref for ColumnMapping {
    type Target = Crossing;

    fn deref(&self) -> &Crossing {
        &self.crossing
    }
}

impl DerefMut for ColumnMapping {
    fn deref_mut(&mut self) -> &mut Crossing {
        &mut self.crossing
    }
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFate {
    /// It is made as it is.
    #[default]
    Keep,
    /// A primary key that holds NULLs becomes a unique constraint (NULLs are distinct in both databases).
    Unique,
    /// It holds duplicates under the chosen types: it becomes an index that is not unique.
    Plain,
    /// A value is too large for any index: it is left out.
    Drop,
}

/// What becomes of a foreign key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignKeyFate {
    /// It is made and validated (as far as types and rows go; a missing parent is for whoever writes the DDL).
    #[default]
    Keep,
    /// There are orphans: it is made NOT VALID.
    NotValid,
    /// It cannot be made: its columns have no common type, or its parent key holds duplicates.
    Drop,
    /// It is made; rows without parent are quarantined, and so are those that then have none.
    Quarantine,
    /// It is made; rows without parent get NULL in its columns.
    SetNull,
}

/// What a table becomes. Every list is as long as its counterpart in `schema::Table`.
///
/// The fates are those that keep all rows, whether or not a policy allows them: without one, the finding blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMapping {
    /// Columns.
    pub columns: Vec<ColumnMapping>,
    /// NOT NULL columns that hold NULL: NOT NULL is not made.
    pub drop_not_null: Vec<usize>,
    /// PRIMARY KEY.
    pub primary_key: KeyFate,
    /// UNIQUE constraints.
    pub uniques: Vec<KeyFate>,
    /// Indexes; `Plain` for a unique index with duplicates.
    pub indexes: Vec<KeyFate>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKeyFate>,
    /// CHECK constraints that rows break: made NOT VALID.
    #[serde(default)]
    pub checks_not_valid: Vec<usize>,
    /// Rows that a key refuses and that are quarantined.
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
    /// A new identity column becomes the primary key.
    #[serde(default)]
    pub surrogate: bool,
    /// Columns of the primary key whose NULLs are why.
    #[serde(default)]
    pub surrogate_for: Vec<usize>,
}

impl TableMapping {
    /// Whether values that SQLite holds apart can become equal in these columns, so that a key over them must be
    /// checked for duplicates under the chosen types.
    pub fn may_collide(&self, columns: &[usize]) -> bool {
        let exact = |n: Normal| {
            matches!(
                n,
                Normal::Exact
                    | Normal::TextBytes
                    | Normal::UuidUpper
                    | Normal::UuidBlob
                    | Normal::UuidHex
                    | Normal::EpochSeconds
                    | Normal::EpochMillis
                    | Normal::EpochMicros
                    | Normal::EpochNanos
                    | Normal::BooleanWords(_)
                    | Normal::JsonScalar
            )
        };
        columns.iter().any(|c| self.columns.get(*c).is_some_and(|m| !exact(m.normal) || !m.treatments.is_empty()))
    }
}

/// The strictest normal form under which a type holds all values of a profile.
pub(crate) fn normal_for(ty: PgType, p: &ColumnProfile) -> Normal {
    match ty {
        PgType::SmallInt | PgType::Integer | PgType::BigInt if p.texts + p.reals == 0 => Normal::Exact,
        PgType::Double if p.integers == 0 => Normal::Exact,
        PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Double | PgType::Numeric(_) => Normal::Number,
        PgType::Text if p.integers + p.reals + p.blobs == 0 => Normal::Exact,
        PgType::Text => Normal::Text,
        PgType::Bytea if p.integers + p.reals + p.texts == 0 => Normal::Exact,
        PgType::Bytea if p.integers + p.reals + p.blobs == 0 => Normal::TextBytes,
        PgType::Bytea => Normal::Bytes,
        PgType::Timestamp => Normal::DateTime,
        PgType::TimestampTz => Normal::Instant,
        PgType::Jsonb => Normal::Json,
        PgType::Uuid if p.blobs > 0 => Normal::UuidBlob,
        PgType::Uuid if p.texts > 0 && !p.all_texts_are(Form::UuidLower) => Normal::UuidUpper,
        PgType::Uuid | PgType::Boolean | PgType::Date => Normal::Exact,
        PgType::Json | PgType::VarChar(_) | PgType::Char(_) | PgType::Time | PgType::Enum => Normal::Exact,
        PgType::Interval | PgType::Inet | PgType::Cidr | PgType::MacAddr => Normal::Canonical,
    }
}

/// A count with thousands separators: `18,661`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
