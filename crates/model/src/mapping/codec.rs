//! How one value crosses: SQLite value → field of COPY BINARY, and back.
//! Owns both directions of every type; never decides a type (see `decide`), never makes the normal form of digests.
//!
//! A field is its length as a 32-bit big-endian integer (-1 for NULL) and its bytes in the type's binary form:
//! <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4>. The binary forms are those of the types'
//! send functions. A value that the type cannot hold exactly is a [`Misfit`]: nothing is rounded, cut or guessed.

use super::forms::{self, Flaw};
use super::numeric::{self, Decimal, Number};
use super::shape::Crossing;
use super::{PgType, datetime, json};
use crate::value::{Class, Value};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};
use std::io::Write as _;

/// Longest field that PostgreSQL takes and hands out again: its buffers end at 1 GB - 1, and a row has a header.
/// Source: <https://www.postgresql.org/docs/current/limits.html>.
pub const MAX_FIELD_BYTES: usize = 0x3FFF_FFFF - 1024;

/// What comes back: how far `decode ∘ encode` is the identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normal {
    /// The very value comes back.
    #[default]
    Exact,
    /// The same number comes back, not its class: 1 and 1.0 are one, and so are 12 and '12'.
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
    /// Julian day numbers (reals or integers) as timestamp: the instant to the microsecond comes back as a Julian day.
    JulianDay,
    /// Words for true and false of one spelling (`true`/`false`, `Y`/`N` …) as boolean: which one it is, is found in
    /// [`Normal::WORDS`] by this number.
    BooleanWords(u8),
    /// UUIDs of 32 lower-case hexadecimal digits without dashes: the very text comes back.
    UuidHex,
    /// Date-times without zone that were taken for those of a named zone: they come back as that zone's clock shows.
    ZonedClock,
    /// Values of several classes as JSON scalars, so that 1 and '1' stay apart: the very value comes back.
    JsonScalar,
    /// An equal value of the type comes back as PostgreSQL writes it (addresses, intervals).
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

/// A value that does not fit. On the way back `class` is blob and `hex` shows the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Why, in a few words.
    pub reason: &'static str,
    /// Its storage class.
    pub class: Class,
    /// Its first 16 bytes in hex (of a number: its text).
    pub hex: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.reason, self.class.word(), self.hex)
    }
}

impl std::error::Error for Misfit {}

#[cold]
fn misfit(reason: &'static str, v: Value<'_>) -> Misfit {
    let mut hex = String::new();
    match v {
        Value::Null => hex.push_str("NULL"),
        Value::Integer(i) => hex = i.to_string(),
        Value::Real(r) => hex = format!("{r:?}"),
        Value::Text(b) | Value::Blob(b) => {
            for byte in b.iter().take(16) {
                let _ = write!(hex, "{byte:02x}");
            }
        }
    }
    Misfit { reason, class: v.class(), hex }
}

/// The codec of one column; `encode` and `decode` hold no state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    ty: PgType,
    normal: Normal,
}

/// The binary field of NULL.
const NULL: [u8; 4] = (-1i32).to_be_bytes();

/// Appends a field of fixed length.
#[inline]
fn fixed<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    #[allow(clippy::cast_possible_truncation)] // N is at most 16
    out.extend_from_slice(&(N as u32).to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// Appends a field whose bytes `fill` writes; takes everything back if it turns out too long.
fn measured(v: Value<'_>, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(), Misfit> {
    let start = out.len();
    out.extend_from_slice(&NULL);
    fill(out);
    let length = out.len() - start - 4;
    match i32::try_from(length) {
        Ok(n) if length <= MAX_FIELD_BYTES => {
            out[start..start + 4].copy_from_slice(&n.to_be_bytes());
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(misfit("larger than PostgreSQL's 1 GB limit", v))
        }
    }
}

/// Appends a field of these bytes.
#[inline]
fn bytes(v: Value<'_>, b: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    match i32::try_from(b.len()) {
        Ok(n) if b.len() <= MAX_FIELD_BYTES => {
            out.extend_from_slice(&n.to_be_bytes());
            out.extend_from_slice(b);
            Ok(())
        }
        _ => Err(misfit("larger than PostgreSQL's 1 GB limit", v)),
    }
}

/// Appends the `Normal::Text` form of a value: what a mixed column becomes. NULL appends nothing.
pub fn render(v: Value<'_>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = match v {
        Value::Null => Ok(()),
        Value::Integer(i) => write!(out, "{i}"),
        Value::Real(r) => write!(out, "{r:?}"),
        Value::Text(b) => out.write_all(b),
        Value::Blob(b) => {
            out.extend_from_slice(b"\\x");
            for byte in b {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            Ok(())
        }
    };
}

impl Codec {
    /// The codec of a type for values of any class that the type can hold: text takes every class (`Normal::Text`),
    /// bytea text and blobs (`Normal::Bytes`), bigint integers and their canonical text, uuid text and blobs of 16
    /// bytes. For a column whose census is known, `ColumnMapping::codec` is stricter and gives back more.
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
            PgType::Json | PgType::VarChar(_) | PgType::Char(_) | PgType::Time | PgType::Enum => Normal::Exact,
            PgType::Interval | PgType::Inet | PgType::Cidr | PgType::MacAddr => Normal::Canonical,
        };
        Codec { ty, normal }
    }

    /// The codec of a column, as `decide` chose it.
    pub fn of(crossing: &Crossing) -> Self {
        Codec { ty: crossing.ty, normal: crossing.normal }
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

    /// Appends one field. On a misfit `out` is as it was.
    #[inline]
    pub fn encode(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        if let Value::Null = v {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        #[cfg(feature = "fault-injection")]
        {
            let start = out.len();
            self.encode_value(v, out)?;
            crate::fault::in_field(self.ty, out, start);
            Ok(())
        }
        #[cfg(not(feature = "fault-injection"))]
        self.encode_value(v, out)
    }

    #[inline]
    fn encode_value(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match self.ty {
            PgType::BigInt => match v {
                Value::Integer(i) => {
                    fixed(out, i.to_be_bytes());
                    Ok(())
                }
                _ => fixed_integer(self.normal, v).map(|i| fixed(out, i.to_be_bytes())),
            },
            PgType::Text => self.encode_text(v, out),
            PgType::Double => encode_double(v).map(|r| fixed(out, r.to_be_bytes())),
            PgType::Integer => narrow::<i32>(self.normal, v).map(|i| fixed(out, i.to_be_bytes())),
            PgType::SmallInt => narrow::<i16>(self.normal, v).map(|i| fixed(out, i.to_be_bytes())),
            PgType::Boolean => match v {
                Value::Integer(i @ (0 | 1)) => {
                    fixed(out, [u8::from(i == 1)]);
                    Ok(())
                }
                _ => Err(misfit("neither 0 nor 1", v)),
            },
            PgType::Bytea => self.encode_bytea(v, out),
            PgType::Numeric(limits) => encode_numeric(limits, v, out),
            PgType::Date | PgType::Timestamp | PgType::TimestampTz => self.encode_temporal(v, out),
            PgType::Uuid => self.encode_uuid(v).map(|u| fixed(out, u)),
            PgType::Jsonb => encode_jsonb(v, out),
            _ => Err(misfit("no codec for this type", v)),
        }
    }

    #[inline]
    fn encode_text(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match v {
            Value::Text(b) => match forms::flaw(b) {
                Flaw::None => bytes(v, b, out),
                Flaw::Nul => Err(misfit("a NUL byte in text", v)),
                Flaw::InvalidUtf8 => Err(misfit("not valid UTF-8", v)),
            },
            Value::Blob(b) if self.normal == Normal::Text && b.len() > MAX_FIELD_BYTES / 2 => {
                Err(misfit("larger than PostgreSQL's 1 GB limit as hex", v))
            }
            _ if self.normal == Normal::Text => measured(v, out, |out| render(v, out)),
            _ => Err(misfit("not text", v)),
        }
    }

    fn encode_bytea(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match (v, self.normal) {
            (Value::Text(b), Normal::TextBytes | Normal::Bytes) | (Value::Blob(b), Normal::Exact | Normal::Bytes) => {
                bytes(v, b, out)
            }
            (_, Normal::Bytes) => measured(v, out, |out| render(v, out)),
            (_, Normal::TextBytes) => Err(misfit("not text", v)),
            _ => Err(misfit("not a blob", v)),
        }
    }

    #[inline]
    fn encode_temporal(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        use datetime::Shape;
        let Value::Text(b) = v else { return Err(misfit("not a date", v)) };
        let Some(stamp) = datetime::parse(b) else { return Err(misfit("not a date of a known form", v)) };
        match (self.ty, stamp.shape) {
            (PgType::Date, Shape::Date) => fixed(out, stamp.days.to_be_bytes()),
            (PgType::Timestamp, Shape::Date | Shape::Local) => fixed(out, stamp.local_micros().to_be_bytes()),
            (PgType::TimestampTz, Shape::Zoned(_)) => fixed(out, stamp.instant().to_be_bytes()),
            (PgType::Date, _) => return Err(misfit("a date-time, not a date", v)),
            (PgType::Timestamp, _) => return Err(misfit("a date-time with a zone", v)),
            _ => return Err(misfit("a date-time without a zone", v)),
        }
        Ok(())
    }

    fn encode_uuid(&self, v: Value<'_>) -> Result<[u8; 16], Misfit> {
        match v {
            Value::Blob(b) if matches!(self.normal, Normal::UuidBlob | Normal::Uuid) => {
                b.try_into().map_err(|_| misfit("not a blob of 16 bytes", v))
            }
            Value::Text(b) if self.normal != Normal::UuidBlob => {
                let other_case = match self.normal {
                    Normal::Uuid => false,
                    Normal::UuidUpper => b.iter().any(u8::is_ascii_lowercase),
                    _ => b.iter().any(u8::is_ascii_uppercase),
                };
                if other_case {
                    return Err(misfit("a UUID whose letter case would be lost", v));
                }
                forms::uuid(b).ok_or_else(|| misfit("not a UUID with dashes", v))
            }
            _ => Err(misfit("not a UUID", v)),
        }
    }

    /// The SQLite value that a field (without its length; `None` for NULL) stands for.
    pub fn decode(&self, field: Option<&[u8]>) -> Result<OwnedValue, Misfit> {
        let Some(b) = field else { return Ok(OwnedValue::Null) };
        let fail = |reason| misfit(reason, Value::Blob(b));
        let broken = |_| fail("a field of the wrong length");
        Ok(match self.ty {
            PgType::BigInt => OwnedValue::Integer(i64::from_be_bytes(b.try_into().map_err(broken)?)),
            PgType::Integer => OwnedValue::Integer(i32::from_be_bytes(b.try_into().map_err(broken)?).into()),
            PgType::SmallInt => OwnedValue::Integer(i16::from_be_bytes(b.try_into().map_err(broken)?).into()),
            PgType::Double => {
                let r = f64::from_be_bytes(b.try_into().map_err(broken)?);
                if r.is_nan() {
                    return Err(fail("NaN, which SQLite stores as NULL"));
                }
                OwnedValue::Real(r)
            }
            PgType::Boolean => match b {
                [0] => OwnedValue::Integer(0),
                [1] => OwnedValue::Integer(1),
                _ => return Err(fail("not a boolean")),
            },
            PgType::Numeric(_) => match numeric::from_binary(b).map_err(fail)? {
                Number::Integer(i) => OwnedValue::Integer(i),
                Number::Real(r) => OwnedValue::Real(r),
            },
            PgType::Text => OwnedValue::Text(b.to_vec()),
            PgType::Bytea if self.normal == Normal::TextBytes => OwnedValue::Text(b.to_vec()),
            PgType::Bytea => OwnedValue::Blob(b.to_vec()),
            PgType::Date => {
                let days = i32::from_be_bytes(b.try_into().map_err(broken)?);
                let text = datetime::format_date(days).ok_or_else(|| fail(OUTSIDE))?;
                OwnedValue::Text(text.into_bytes())
            }
            PgType::Timestamp | PgType::TimestampTz => {
                let micros = i64::from_be_bytes(b.try_into().map_err(broken)?);
                let mut text = datetime::format_stamp(micros).ok_or_else(|| fail(OUTSIDE))?;
                if self.ty == PgType::TimestampTz {
                    text.push_str("+00:00");
                }
                OwnedValue::Text(text.into_bytes())
            }
            PgType::Uuid => {
                let uuid: &[u8; 16] = b.try_into().map_err(broken)?;
                match self.normal {
                    Normal::UuidBlob => OwnedValue::Blob(uuid.to_vec()),
                    normal => OwnedValue::Text(forms::format_uuid(uuid, normal == Normal::UuidUpper)),
                }
            }
            PgType::Jsonb => match b {
                [1, text @ ..] => OwnedValue::Text(text.to_vec()),
                _ => return Err(fail("an unknown version of jsonb's binary form")),
            },
            _ => return Err(fail("no codec for this type")),
        })
    }
}

const OUTSIDE: &str = "outside years 0001 to 9999";

/// An integer that does not come as one: its canonical text, under `Normal::Number`.
fn fixed_integer(normal: Normal, v: Value<'_>) -> Result<i64, Misfit> {
    match v {
        Value::Integer(i) => Ok(i),
        Value::Text(b) if normal == Normal::Number => {
            forms::integer(b).ok_or_else(|| misfit("not the canonical text of a 64-bit integer", v))
        }
        Value::Real(r) if normal == Normal::Number => {
            let whole = r.fract() == 0.0 && r.abs() <= 9_007_199_254_740_992.0 && !(r == 0.0 && r.is_sign_negative());
            // Exact: a whole number up to 2^53.
            if whole { Ok(r as i64) } else { Err(misfit("not a whole number up to 2^53", v)) }
        }
        _ => Err(misfit("not an integer", v)),
    }
}

#[inline]
fn narrow<T: TryFrom<i64>>(normal: Normal, v: Value<'_>) -> Result<T, Misfit> {
    let i = fixed_integer(normal, v)?;
    T::try_from(i).map_err(|_| misfit("an integer too large for the column's type", v))
}

#[inline]
fn encode_double(v: Value<'_>) -> Result<f64, Misfit> {
    match v {
        Value::Real(r) => Ok(r),
        #[allow(clippy::cast_precision_loss)] // exact up to 2^53
        Value::Integer(i) if i.unsigned_abs() <= 1 << 53 => Ok(i as f64),
        Value::Integer(_) => Err(misfit("an integer beyond 2^53 in a column of doubles", v)),
        _ => Err(misfit("not a number", v)),
    }
}

fn encode_numeric(limits: Option<(u16, u16)>, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let decimal = match v {
        Value::Integer(i) => Decimal::from_integer(i),
        Value::Real(r) => Decimal::shortest(r).ok_or_else(|| misfit("an infinity or -0.0", v))?,
        Value::Text(b) => forms::integer(b).map(Decimal::from_integer).ok_or_else(|| misfit("not a number", v))?,
        _ => return Err(misfit("not a number", v)),
    };
    if let Some((precision, scale)) = limits
        && !decimal.fits(precision, scale)
    {
        return Err(misfit("more digits than the column's numeric type holds", v));
    }
    measured(v, out, |out| decimal.append_binary(out))
}

fn encode_jsonb(v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let Value::Text(b) = v else { return Err(misfit("not JSON text", v)) };
    if forms::flaw(b) != Flaw::None || !json::jsonb_safe(b) {
        return Err(misfit("not JSON that jsonb holds without loss", v));
    }
    measured(v, out, |out| {
        out.push(1);
        out.extend_from_slice(b);
    })
}

#[cfg(test)]
mod tests;
