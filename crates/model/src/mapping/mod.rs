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
mod notes;
pub mod numeric;
pub mod policy;
pub mod profile;
pub mod shape;
pub mod unify;

use serde::{Deserialize, Serialize};

/// A PostgreSQL type that a column can get.
/// In plans it is written as in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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

    /// As PostgreSQL's `format_type` shows it.
    pub fn shown(&self) -> String {
        match self {
            PgType::Timestamp => "timestamp without time zone".into(),
            PgType::TimestampTz => "timestamp with time zone".into(),
            _ => self.sql(),
        }
    }

    /// Whether it takes a COLLATE clause.
    pub fn collatable(&self) -> bool {
        matches!(self, PgType::Text)
    }
}

impl From<PgType> for String {
    fn from(ty: PgType) -> String {
        ty.sql()
    }
}

impl TryFrom<String> for PgType {
    type Error = String;

    /// Reads what [`PgType::sql`] writes.
    fn try_from(text: String) -> Result<PgType, String> {
        let plain = [
            PgType::SmallInt,
            PgType::Integer,
            PgType::BigInt,
            PgType::Numeric(None),
            PgType::Double,
            PgType::Boolean,
            PgType::Text,
            PgType::Bytea,
            PgType::Date,
            PgType::Timestamp,
            PgType::TimestampTz,
            PgType::Uuid,
            PgType::Jsonb,
        ];
        if let Some(ty) = plain.into_iter().find(|ty| ty.sql() == text) {
            return Ok(ty);
        }
        let limits = text.strip_prefix("numeric(").and_then(|t| t.strip_suffix(')')).and_then(|t| t.split_once(','));
        let limits = limits.and_then(|(p, s)| Some((p.trim().parse().ok()?, s.trim().parse().ok()?)));
        let known = || plain.map(|ty| ty.sql()).join(", ");
        limits.map(|l| PgType::Numeric(Some(l))).ok_or_else(|| format!("no such type: {text:?}; there are {}", known()))
    }
}

#[cfg(test)]
mod tests {
    use super::PgType;

    #[test]
    fn a_type_is_read_back_as_it_is_written() {
        for ty in
            [PgType::BigInt, PgType::Double, PgType::Numeric(None), PgType::Numeric(Some((18, 4))), PgType::TimestampTz]
        {
            assert_eq!(PgType::try_from(ty.sql()), Ok(ty));
        }
        let error = PgType::try_from("int64".to_owned()).unwrap_err();
        assert!(error.contains("int64") && error.contains("double precision"), "{error}");
        assert!(
            PgType::try_from("numeric(1)".to_owned()).is_err() && PgType::try_from("numeric(,)".to_owned()).is_err()
        );
    }
}
