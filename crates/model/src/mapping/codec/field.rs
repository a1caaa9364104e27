//! Fields of COPY BINARY: a length and bytes; and values that do not fit.
//! Owns the framing and its limit; knows no type.

use crate::value::{Class, Value};
use std::fmt::{self, Write as _};
use std::io::Write as _;

/// Longest field that PostgreSQL takes and hands out again: its buffers end at 1 GB - 1, and a row has a header.
/// Source: <https://www.postgresql.org/docs/current/limits.html>.
pub const MAX_FIELD_BYTES: usize = 0x3FFF_FFFF - 1024;

/// The binary field of NULL.
pub(super) const NULL: [u8; 4] = (-1i32).to_be_bytes();

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
pub(super) fn misfit(reason: &'static str, v: Value<'_>) -> Misfit {
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

/// Appends a field of fixed length.
#[inline]
pub(super) fn fixed<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    const { assert!(N <= WIDEST) };
    // In one step: a second look at the room that is left costs as much as the bytes.
    let mut field = [0; 4 + WIDEST];
    #[allow(clippy::cast_possible_truncation)] // N is at most 16
    field[..4].copy_from_slice(&(N as u32).to_be_bytes());
    field[4..4 + N].copy_from_slice(&bytes);
    out.extend_from_slice(&field[..4 + N]);
}

/// The longest field of fixed length: uuid, interval.
const WIDEST: usize = 16;

const TOO_LARGE: &str = "larger than PostgreSQL's 1 GB limit";

/// Appends a field whose bytes `fill` writes; takes everything back if it fails or turns out too long.
pub(super) fn tried(
    v: Value<'_>,
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), &'static str>,
) -> Result<(), Misfit> {
    let start = out.len();
    out.extend_from_slice(&NULL);
    let length =
        |out: &Vec<u8>| i32::try_from(out.len() - start - 4).ok().filter(|_| out.len() - start - 4 <= MAX_FIELD_BYTES);
    match fill(out).and_then(|()| length(out).ok_or(TOO_LARGE)) {
        Ok(n) => {
            out[start..start + 4].copy_from_slice(&n.to_be_bytes());
            Ok(())
        }
        Err(reason) => {
            out.truncate(start);
            Err(misfit(reason, v))
        }
    }
}

/// The same where nothing can fail but the length.
pub(super) fn measured(v: Value<'_>, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(), Misfit> {
    tried(v, out, |out| {
        fill(out);
        Ok(())
    })
}

/// Appends a field of these bytes.
#[inline]
pub(super) fn bytes(v: Value<'_>, b: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    match i32::try_from(b.len()) {
        Ok(n) if b.len() <= MAX_FIELD_BYTES => {
            out.extend_from_slice(&n.to_be_bytes());
            out.extend_from_slice(b);
            Ok(())
        }
        _ => Err(misfit(TOO_LARGE, v)),
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
