//! How one value crosses: SQLite value → field of COPY BINARY, and back.
//! Owns both directions of every type; never decides a type (see `decide`), never makes the normal form of digests.
//!
//! A field is its length as a 32-bit big-endian integer (-1 for NULL) and its bytes in the type's binary form:
//! <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4>. The binary forms are those of the types'
//! send functions. A value that the type cannot hold exactly is a [`Misfit`]: nothing is rounded, cut or guessed.

use super::PgType;
use super::shape::Crossing;
use super::treat::{self, Treatment};
use super::zone::Zone;
use crate::value::Value;
use field::{NULL, fixed, misfit};
use serde::{Deserialize, Serialize};

mod field;
mod names;
mod numbers;
mod texts;
mod times;

pub use field::{MAX_FIELD_BYTES, Misfit, render};

/// What comes back: how far `decode ∘ encode` is the identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normal {
    /// The very value comes back. Of times only those that PostgreSQL writes so fit: `HH:MM:SS`, and with a fraction
    /// that does not end in 0.
    #[default]
    Exact,
    /// The same number comes back, not its class: 1 and 1.0 are one, and so are 12 and '12'. Under numeric a text that is
    /// a plain decimal keeps its value (numeric keeps zeros at the end of a fraction too, but takes 1.50 and 1.5 for one, as
    /// the digests do), and comes back as text where no integer and no double is that number.
    /// (Where the column's affinity turns the one into the other on insert, the very value comes back.)
    Number,
    /// The same date-time comes back as `YYYY-MM-DD HH:MM:SS[.ffffff]`; a date alone is its midnight.
    DateTime,
    /// The same instant comes back as `YYYY-MM-DD HH:MM:SS[.ffffff]+00:00`.
    Instant,
    /// Text comes back: integers in decimal, reals as the shortest decimal with `.` or exponent (Rust's `{:?}`:
    /// exponent from 1e16 and below 1e-4; `inf`, `-inf`), blobs as `\x` and lower-case hex.
    Text,
    /// A blob comes back: the bytes of text, blobs as they are, numbers as the bytes of their `Text` form.
    Bytes,
    /// Text that PostgreSQL's text cannot hold, kept as bytea: the very text comes back.
    TextBytes,
    /// The same UUID comes back as lower-case text; takes text of either letter case and blobs of 16 bytes.
    Uuid,
    /// Upper-case UUIDs: the very text comes back.
    UuidUpper,
    /// Blobs of 16 bytes as uuid: the very blob comes back.
    UuidBlob,
    /// The same JSON value comes back as jsonb writes it: spaces, key order and the writing of numbers are not kept.
    Json,
    /// Integers of seconds since 1970-01-01 UTC as timestamptz: the very integer comes back.
    EpochSeconds,
    /// The same in milliseconds.
    EpochMillis,
    /// The same in microseconds.
    EpochMicros,
    /// The same in nanoseconds, which must be whole microseconds.
    EpochNanos,
    /// Julian day numbers (reals or integers) as timestamp: the instant to the microsecond comes back as a Julian day, as a
    /// real. Of days since 763 AD (2,000,000) the very real comes back.
    JulianDay,
    /// Words for true and false of one spelling (`true`/`false`, `Y`/`N` …) as boolean: which one it is, is found in
    /// [`Normal::WORDS`] by this number.
    BooleanWords(u8),
    /// UUIDs of 32 lower-case hexadecimal digits without dashes: the very text comes back.
    UuidHex,
    /// Date-times without zone that were taken for those of a named zone: they come back as that zone's clock shows, as
    /// under `DateTime`. Of an hour that comes twice the first is meant; what only the second can be comes back with its
    /// offset. A text with a zone of its own is what it says. An hour that the clock skips does not fit.
    ZonedClock,
    /// Values of several classes as JSON scalars, so that 1 and '1' stay apart: the very value comes back.
    JsonScalar,
    /// An equal value of the type comes back as PostgreSQL writes it (addresses, intervals, times of any form).
    Canonical,
}

impl Normal {
    /// Spellings of true and false that a column may use throughout.
    pub const WORDS: [(&str, &str); 14] = [
        ("true", "false"),
        ("TRUE", "FALSE"),
        ("True", "False"),
        ("t", "f"),
        ("T", "F"),
        ("yes", "no"),
        ("YES", "NO"),
        ("Yes", "No"),
        ("y", "n"),
        ("Y", "N"),
        ("on", "off"),
        ("ON", "OFF"),
        ("On", "Off"),
        ("1", "0"),
    ];
}

/// A SQLite value that owns its bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedValue {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT, as bytes.
    Text(Vec<u8>),
    /// BLOB.
    Blob(Vec<u8>),
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => OwnedValue::Null,
            Value::Integer(i) => OwnedValue::Integer(i),
            Value::Real(r) => OwnedValue::Real(r),
            Value::Text(b) => OwnedValue::Text(b.to_vec()),
            Value::Blob(b) => OwnedValue::Blob(b.to_vec()),
        }
    }
}

impl OwnedValue {
    /// The value, borrowed.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            OwnedValue::Null => Value::Null,
            OwnedValue::Integer(i) => Value::Integer(*i),
            OwnedValue::Real(r) => Value::Real(*r),
            OwnedValue::Text(b) => Value::Text(b),
            OwnedValue::Blob(b) => Value::Blob(b),
        }
    }
}

/// The codec of one column; `encode` and `decode` hold no state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    ty: PgType,
    normal: Normal,
    /// In the order in which they are applied.
    treatments: Vec<Treatment>,
    zone: Option<Zone>,
    labels: Vec<String>,
}

/// Why a field is not taken.
const LENGTH: &str = "a field of the wrong length";

impl Codec {
    /// The codec of a type for values of any class that the type can hold: text takes every class (`Normal::Text`),
    /// bytea text and blobs (`Normal::Bytes`), bigint integers and their canonical text, uuid text and blobs of 16
    /// bytes, time every form. For a column whose census is known, `ColumnMapping::codec` is stricter and gives back more.
    pub fn new(ty: PgType) -> Self {
        let normal = match ty {
            PgType::Text => Normal::Text,
            PgType::Bytea => Normal::Bytes,
            PgType::Timestamp => Normal::DateTime,
            PgType::TimestampTz => Normal::Instant,
            PgType::Jsonb => Normal::Json,
            PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Numeric(_) | PgType::Double => Normal::Number,
            PgType::Uuid => Normal::Uuid,
            PgType::Boolean | PgType::Date => Normal::Exact,
            PgType::Json | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum => Normal::Exact,
            PgType::Time | PgType::Interval | PgType::Inet | PgType::Cidr | PgType::MacAddr => Normal::Canonical,
        };
        Codec::with(ty, normal)
    }

    /// The codec of a column, as `decide` chose it.
    pub fn of(crossing: &Crossing) -> Self {
        Codec {
            ty: crossing.ty,
            normal: crossing.normal,
            treatments: treat::ordered(&crossing.treatments),
            zone: crossing.zone.clone(),
            labels: crossing.labels.clone(),
        }
    }

    /// The codec of a type under a normal form, without treatments.
    pub fn with(ty: PgType, normal: Normal) -> Self {
        Codec::of(&Crossing::new(ty, normal))
    }

    /// Its type.
    pub fn ty(&self) -> PgType {
        self.ty
    }

    /// Its normal form.
    pub fn normal(&self) -> Normal {
        self.normal
    }

    /// Whether some policy may change values before they cross.
    #[inline]
    pub fn treats(&self) -> bool {
        !self.treatments.is_empty()
    }

    /// Appends one field. On a misfit `out` is as it was.
    #[inline]
    pub fn encode(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        self.encode_noting(v, out, |_| ())
    }

    /// The same; calls `changed` for each treatment that changed the value.
    #[inline]
    pub fn encode_noting(&self, v: Value<'_>, out: &mut Vec<u8>, changed: impl FnMut(Treatment)) -> Result<(), Misfit> {
        if let Value::Null = v {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        #[cfg(feature = "fault-injection")]
        let start = out.len();
        if self.treats() {
            self.encode_treated(v, out, changed)?;
        } else {
            self.encode_value(v, out)?;
        }
        #[cfg(feature = "fault-injection")]
        if out[start..] != NULL {
            crate::fault::in_field(self.ty, out, start);
        }
        Ok(())
    }

    /// The treatments that change this value, in the order in which they are applied; nothing is allocated if none does.
    pub fn changes(&self, v: Value<'_>) -> Vec<Treatment> {
        let mut all = Vec::new();
        if self.treats() {
            // A misfit ends the copy there; here it only means that nothing more changes.
            let _ = self.encode_noting(v, &mut Vec::new(), |treatment| all.push(treatment));
        }
        all
    }

    #[cold]
    fn encode_treated(
        &self,
        v: Value<'_>,
        out: &mut Vec<u8>,
        mut changed: impl FnMut(Treatment),
    ) -> Result<(), Misfit> {
        let treated = treat::apply(&self.treatments, v, &mut changed);
        let outcome = match treated.value() {
            Value::Null => {
                out.extend_from_slice(&NULL);
                return Ok(());
            }
            value => self.encode_value(value, out),
        };
        if outcome.is_err() && self.treatments.contains(&Treatment::UnfitNull) {
            changed(Treatment::UnfitNull);
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        outcome
    }

    #[inline]
    fn encode_value(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match self.ty {
            PgType::BigInt => match v {
                Value::Integer(i) => {
                    fixed(out, i.to_be_bytes());
                    Ok(())
                }
                _ => numbers::integer(self.normal, v).map(|i| fixed(out, i.to_be_bytes())),
            },
            PgType::Text => self.encode_text(v, out),
            PgType::Double => numbers::double(v).map(|r| fixed(out, r.to_be_bytes())),
            PgType::Integer => numbers::narrow::<i32>(self.normal, v).map(|i| fixed(out, i.to_be_bytes())),
            PgType::SmallInt => numbers::narrow::<i16>(self.normal, v).map(|i| fixed(out, i.to_be_bytes())),
            PgType::Boolean => numbers::truth(self.normal, v).map(|b| fixed(out, [u8::from(b)])),
            PgType::Bytea => self.encode_bytea(v, out),
            PgType::Numeric(limits) => numbers::encode_numeric(limits, v, out),
            PgType::Date | PgType::Timestamp | PgType::TimestampTz => self.encode_temporal(v, out),
            PgType::Uuid => self.encode_uuid(v).map(|u| fixed(out, u)),
            PgType::Jsonb => self.encode_jsonb(v, out),
            PgType::Json | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum => self.encode_special_text(v, out),
            PgType::Time => self.encode_time(v, out),
            PgType::Interval => Codec::encode_interval(v, out),
            PgType::Inet | PgType::Cidr | PgType::MacAddr => self.encode_address(v, out),
        }
    }

    /// The SQLite value that a field (without its length; `None` for NULL) stands for.
    pub fn decode(&self, field: Option<&[u8]>) -> Result<OwnedValue, Misfit> {
        let Some(b) = field else { return Ok(OwnedValue::Null) };
        self.decode_value(b).map_err(|reason| misfit(reason, Value::Blob(b)))
    }

    fn decode_value(&self, b: &[u8]) -> Result<OwnedValue, &'static str> {
        Ok(match self.ty {
            PgType::BigInt => OwnedValue::Integer(i64::from_be_bytes(b.try_into().map_err(|_| LENGTH)?)),
            PgType::Integer => OwnedValue::Integer(i32::from_be_bytes(b.try_into().map_err(|_| LENGTH)?).into()),
            PgType::SmallInt => OwnedValue::Integer(i16::from_be_bytes(b.try_into().map_err(|_| LENGTH)?).into()),
            PgType::Double => {
                let r = f64::from_be_bytes(b.try_into().map_err(|_| LENGTH)?);
                if r.is_nan() {
                    return Err("NaN, which SQLite stores as NULL");
                }
                OwnedValue::Real(r)
            }
            PgType::Boolean => numbers::decode_truth(self.normal, b)?,
            PgType::Numeric(_) => numbers::decode_numeric(b)?,
            PgType::Text | PgType::Json | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum => {
                OwnedValue::Text(b.to_vec())
            }
            PgType::Bytea if self.normal == Normal::TextBytes => OwnedValue::Text(b.to_vec()),
            PgType::Bytea => OwnedValue::Blob(b.to_vec()),
            PgType::Date => Codec::decode_date(b)?,
            PgType::Timestamp | PgType::TimestampTz => self.decode_stamp(b)?,
            PgType::Time => Codec::decode_time(b)?,
            PgType::Interval => Codec::decode_interval(b)?,
            PgType::Uuid => self.decode_uuid(b)?,
            PgType::Jsonb => self.decode_jsonb(b)?,
            PgType::Inet | PgType::Cidr | PgType::MacAddr => self.decode_address(b)?,
        })
    }
}

#[cfg(test)]
mod tests;
