//! What a column holds → its PostgreSQL type → how a value crosses.
//! Owns the types and the rules; never reads a database.

pub mod address;
pub mod choices;
pub mod codec;
pub mod datetime;
pub mod decide;
pub mod decimal;
pub mod declared;
pub mod epoch;
pub mod exclude;
pub mod forms;
pub mod integrity;
pub mod interval;
pub mod json;
pub mod julian;
mod notes;
pub mod numeric;
pub mod packed;
pub mod policy;
pub mod profile;
pub mod scalar;
pub mod shape;
pub mod treat;
pub mod trial;
pub mod unify;
pub mod zone;

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
    /// json: the very text.
    Json,
    /// varchar(n): at most n characters.
    VarChar(u32),
    /// char(n): exactly n characters.
    Char(u32),
    /// time without time zone.
    Time,
    /// interval.
    Interval,
    /// inet: a host's address.
    Inet,
    /// cidr: a network's address.
    Cidr,
    /// macaddr.
    MacAddr,
    /// An enum made for the column; its labels stand in the column's plan.
    Enum,
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
            PgType::Json => "json".into(),
            PgType::VarChar(n) => format!("varchar({n})"),
            PgType::Char(n) => format!("char({n})"),
            PgType::Time => "time".into(),
            PgType::Interval => "interval".into(),
            PgType::Inet => "inet".into(),
            PgType::Cidr => "cidr".into(),
            PgType::MacAddr => "macaddr".into(),
            PgType::Enum => "enum".into(),
        }
    }

    /// As PostgreSQL's `format_type` shows it.
    pub fn shown(&self) -> String {
        match self {
            PgType::Timestamp => "timestamp without time zone".into(),
            PgType::TimestampTz => "timestamp with time zone".into(),
            PgType::Time => "time without time zone".into(),
            PgType::VarChar(n) => format!("character varying({n})"),
            PgType::Char(n) => format!("character({n})"),
            _ => self.sql(),
        }
    }

    /// Whether it takes a COLLATE clause.
    pub fn collatable(&self) -> bool {
        matches!(self, PgType::Text | PgType::VarChar(_) | PgType::Char(_))
    }
}

impl From<PgType> for String {
    fn from(ty: PgType) -> String {
        ty.sql()
    }
}

impl TryFrom<String> for PgType {
    type Error = String;

    /// Reads what [`PgType::sql`] writes, and PostgreSQL's other names for the same types.
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
            PgType::Json,
            PgType::Time,
            PgType::Interval,
            PgType::Inet,
            PgType::Cidr,
            PgType::MacAddr,
            PgType::Enum,
        ];
        let words = text.to_ascii_lowercase();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(ty) = plain.into_iter().find(|ty| ty.sql() == words || ty.shown() == words) {
            return Ok(ty);
        }
        let (name, arguments) = match words.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.strip_suffix(')').map(str::trim)),
            None => (words.as_str(), None),
        };
        let ty = match (name, arguments) {
            ("int2", None) => Some(PgType::SmallInt),
            ("int" | "int4", None) => Some(PgType::Integer),
            ("int8", None) => Some(PgType::BigInt),
            ("float8", None) => Some(PgType::Double),
            ("bool", None) => Some(PgType::Boolean),
            ("decimal", None) => Some(PgType::Numeric(None)),
            ("varchar" | "character varying", None) => Some(PgType::Text),
            ("numeric" | "decimal", Some(limits)) => limits_of(limits),
            ("varchar" | "character varying", Some(n)) => length(n).map(PgType::VarChar),
            ("char" | "character", Some(n)) => length(n).map(PgType::Char),
            ("char" | "character", None) => Some(PgType::Char(1)),
            _ => None,
        };
        let known = || plain.map(|ty| ty.sql()).join(", ");
        ty.ok_or_else(|| format!("no such type: {text:?}; there are {}, numeric(p,s), varchar(n), char(n)", known()))
    }
}

/// `p` or `p,s` of numeric. Source: <https://www.postgresql.org/docs/current/datatype-numeric.html>.
fn limits_of(text: &str) -> Option<PgType> {
    let (p, s) = text.split_once(',').unwrap_or((text, "0"));
    let (p, s): (u16, u16) = (p.trim().parse().ok()?, s.trim().parse().ok()?);
    ((1..=1000).contains(&p) && s <= p).then_some(PgType::Numeric(Some((p, s))))
}

/// A length of varchar or char. Source: `MaxAttrSize`,
/// <https://www.postgresql.org/docs/current/datatype-character.html>.
fn length(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| (1..=10_485_760).contains(n))
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
            PgType::try_from("numeric(1001)".to_owned()).is_err() && PgType::try_from("numeric(,)".to_owned()).is_err()
        );
    }
}
