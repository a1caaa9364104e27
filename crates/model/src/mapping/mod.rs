//! What a column holds → its PostgreSQL type → how a value crosses.
//! Owns the types and the rules; never reads a database.

pub mod codec;
pub mod datetime;
pub mod decide;
pub mod declared;
pub mod epoch;
pub mod forms;
pub mod integrity;
pub mod json;
pub mod numeric;
pub mod policy;
pub mod profile;
pub mod shape;
pub mod unify;

use serde::{Deserialize, Serialize};

/// A PostgreSQL type that a column can get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PgType {
    /// smallint.
    SmallInt,
    /// integer.
    Integer,
    /// bigint.
    BigInt,
    /// numeric, with precision and scale if given.
    Numeric(Option<(u16, u16)>),
    /// double precision.
    Double,
    /// boolean.
    Boolean,
    /// text.
    Text,
    /// bytea.
    Bytea,
    /// date.
    Date,
    /// timestamp without time zone.
    Timestamp,
    /// timestamp with time zone.
    TimestampTz,
    /// uuid.
    Uuid,
    /// jsonb.
    Jsonb,
}

impl PgType {
    /// As DDL writes it.
    pub fn sql(&self) -> String {
        match self {
            PgType::SmallInt => "smallint".into(),
            PgType::Integer => "integer".into(),
            PgType::BigInt => "bigint".into(),
            PgType::Numeric(None) => "numeric".into(),
            PgType::Numeric(Some((p, s))) => format!("numeric({p},{s})"),
            PgType::Double => "double precision".into(),
            PgType::Boolean => "boolean".into(),
            PgType::Text => "text".into(),
            PgType::Bytea => "bytea".into(),
            PgType::Date => "date".into(),
            PgType::Timestamp => "timestamp".into(),
            PgType::TimestampTz => "timestamptz".into(),
            PgType::Uuid => "uuid".into(),
            PgType::Jsonb => "jsonb".into(),
        }
    }

    /// Whether it takes a COLLATE clause.
    pub fn collatable(&self) -> bool {
        matches!(self, PgType::Text)
    }
}
