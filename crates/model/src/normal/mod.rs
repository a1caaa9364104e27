//! The normal form that digests compare: every value as tagged, length-prefixed bytes, and the sums of their SHA-256.
//! Written apart from the codecs (`mapping::codec`) on purpose, so that a wrong codec is found; never shares code with them.
//!
//! A field is one tag byte, the length of its bytes as a 32-bit big-endian number, and the bytes. A row is its fields in
//! the plan's column order; its digest is the SHA-256 of that. A table (or chunk) is the sum of its rows' digests modulo
//! 2^256 with the number of rows: it needs no order and no key. `docs/checksums.md` defines it for third parties.

pub mod calendar;
mod count;
pub mod decimal;
pub mod digest;
pub mod json;
mod key;
pub mod long;
mod network;
pub mod source;
mod span;
pub mod target;
mod treat;
mod way;
mod zone;

pub use digest::{RowDigest, Sum};

use crate::mapping::PgType;
use crate::mapping::shape::Crossing;
use crate::mapping::treat::Treatment;
use crate::value::Value;

/// The normal form a column is compared in; it follows from the column's PostgreSQL type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `i`: 8 bytes, big-endian two's complement.
    Integer,
    /// `n`: decimal text: sign, digits, no exponent, no zeros that say nothing.
    Numeric,
    /// `d`: the 8 bytes of the IEEE double, big-endian; −0.0 is not 0.0.
    Double,
    /// `o`: one byte, 0 or 1.
    Boolean,
    /// `t`: the bytes.
    Text,
    /// `b`: the bytes.
    Bytea,
    /// `a`: days since 1970-01-01, 4 bytes big-endian.
    Date,
    /// `s`: microseconds since 1970-01-01 00:00:00 on the clock that was written, 8 bytes big-endian.
    Timestamp,
    /// `z`: microseconds since 1970-01-01 00:00:00 UTC, 8 bytes big-endian.
    TimestampTz,
    /// `u`: 16 bytes.
    Uuid,
    /// `j`: JSON text without white space, keys sorted by bytes, numbers as plain decimals with their scale.
    Jsonb,
    /// `h`: microseconds since midnight, 8 bytes big-endian.
    Time,
    /// `v`: months and days (4 bytes each), microseconds (8 bytes), big-endian.
    Interval,
    /// `k`: 4 or 6, the bits of the network, the bytes of the address.
    Inet,
    /// `c`: the same of a network.
    Cidr,
    /// `m`: 6 bytes.
    MacAddr,
}

impl Form {
    /// The form of a type.
    pub fn of(ty: PgType) -> Form {
        match ty {
            PgType::SmallInt | PgType::Integer | PgType::BigInt => Form::Integer,
            PgType::Numeric(_) => Form::Numeric,
            PgType::Double => Form::Double,
            PgType::Boolean => Form::Boolean,
            PgType::Text => Form::Text,
            PgType::Bytea => Form::Bytea,
            PgType::Date => Form::Date,
            PgType::Timestamp => Form::Timestamp,
            PgType::TimestampTz => Form::TimestampTz,
            PgType::Uuid => Form::Uuid,
            PgType::Jsonb => Form::Jsonb,
            PgType::Json | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum => Form::Text,
            PgType::Time => Form::Time,
            PgType::Interval => Form::Interval,
            PgType::Inet => Form::Inet,
            PgType::Cidr => Form::Cidr,
            PgType::MacAddr => Form::MacAddr,
        }
    }

    /// The tag byte of a value of this form.
    pub fn tag(self) -> u8 {
        match self {
            Form::Integer => b'i',
            Form::Numeric => b'n',
            Form::Double => b'd',
            Form::Boolean => b'o',
            Form::Text => b't',
            Form::Bytea => b'b',
            Form::Date => b'a',
            Form::Timestamp => b's',
            Form::TimestampTz => b'z',
            Form::Uuid => b'u',
            Form::Jsonb => b'j',
            Form::Time => b'h',
            Form::Interval => b'v',
            Form::Inet => b'k',
            Form::Cidr => b'c',
            Form::MacAddr => b'm',
        }
    }
}

/// What the digests of one column compare: its form, and how its values are written in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    form: Form,
    way: way::Way,
    treatments: Vec<Treatment>,
    /// Nothing but the form decides.
    plain: bool,
}

impl Column {
    /// Of a column that crosses so.
    pub fn of(crossing: &Crossing) -> Column {
        let way = way::Way::of(crossing);
        let treatments = crossing.treatments.clone();
        let plain = way == way::Way::Plain && treatments.is_empty();
        Column { form: Form::of(crossing.ty), way, treatments, plain }
    }

    /// Appends the field of a value as SQLite holds it. One without a normal form is appended marked, so that it equals
    /// nothing.
    #[inline]
    pub fn of_source(&self, value: Value<'_>, out: &mut Vec<u8>) {
        if self.plain {
            source::field(self.form, value, out);
        } else {
            way::field(self.form, &self.way, &self.treatments, value, out);
        }
    }

    /// Appends the value as PostgreSQL compares it in a key: the same bytes for what its `=` takes for one.
    pub fn of_key(&self, value: Value<'_>, out: &mut Vec<u8>) {
        let from = out.len();
        self.of_source(value, out);
        key::of_field(out, from);
    }

    /// Appends the field of a value as PostgreSQL gives it back in COPY BINARY.
    #[inline]
    pub fn of_target(&self, value: Option<&[u8]>, out: &mut Vec<u8>) {
        target::field(self.form, value, out);
    }
}

/// The tag of NULL, whatever the form.
pub const NULL_TAG: u8 = b'N';

/// A value that has no normal form under its column's type. It makes the table unequal; it never stops the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoForm(pub &'static str);

/// Appends one field.
#[inline]
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) -> Result<(), NoForm> {
    let length = u32::try_from(bytes.len()).map_err(|_| NoForm("longer than 4 GiB"))?;
    let [a, b, c, d] = length.to_be_bytes();
    out.extend_from_slice(&[tag, a, b, c, d]);
    out.extend_from_slice(bytes);
    Ok(())
}

/// The same of eight bytes, in one step.
#[inline]
pub(crate) fn put_eight(out: &mut Vec<u8>, tag: u8, bytes: [u8; 8]) -> Result<(), NoForm> {
    let mut field = [tag, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    field[5..].copy_from_slice(&bytes);
    out.extend_from_slice(&field);
    Ok(())
}

/// Appends a value that has no normal form, so that it can equal nothing the other side says about a value that has one.
pub fn put_no_form(out: &mut Vec<u8>, raw: &[u8]) {
    out.push(b'?');
    out.extend_from_slice(&(raw.len() as u64).to_be_bytes());
    out.extend_from_slice(raw);
}
