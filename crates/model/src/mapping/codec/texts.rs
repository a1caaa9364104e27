//! Text, text of limited length, labels, JSON and bytes.
//! Owns what of them fits; never cuts or pads a text.

use super::field::{MAX_FIELD_BYTES, Misfit, bytes, measured, misfit, render, tried};
use super::{Codec, Normal, OwnedValue};
use crate::mapping::forms::{self, Flaw};
use crate::mapping::{PgType, json, scalar};
use crate::value::Value;

/// The bytes of a text that PostgreSQL's text can hold.
#[inline]
fn sound(v: Value<'_>) -> Result<&[u8], Misfit> {
    let Value::Text(b) = v else { return Err(misfit("not text", v)) };
    match forms::flaw(b) {
        Flaw::None => Ok(b),
        Flaw::Nul => Err(misfit("a NUL byte in text", v)),
        Flaw::InvalidUtf8 => Err(misfit("not valid UTF-8", v)),
    }
}

/// Characters of valid UTF-8: the bytes that do not continue one.
fn characters(b: &[u8]) -> usize {
    b.iter().filter(|b| **b & 0xC0 != 0x80).count()
}

impl Codec {
    #[inline]
    pub(super) fn encode_text(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match v {
            Value::Text(_) => bytes(v, sound(v)?, out),
            Value::Blob(b) if self.normal == Normal::Text && b.len() > MAX_FIELD_BYTES / 2 => {
                Err(misfit("larger than PostgreSQL's 1 GB limit as hex", v))
            }
            _ if self.normal == Normal::Text => measured(v, out, |out| render(v, out)),
            _ => Err(misfit("not text", v)),
        }
    }

    /// Text with conditions: a length, a set of labels, the grammar of JSON.
    pub(super) fn encode_special_text(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let text = sound(v)?;
        let at_most = |n: u32| text.len() <= n as usize || characters(text) <= n as usize;
        match self.ty {
            PgType::VarChar(n) if !at_most(n) => return Err(misfit("more characters than the column's type holds", v)),
            // PostgreSQL pads with blanks and takes those at the end for padding.
            PgType::Char(n) if characters(text) != n as usize || text.ends_with(b" ") => {
                return Err(misfit("not as many characters as the column's type has, or a blank at the end", v));
            }
            PgType::Enum if !self.labels.is_empty() && !self.labels.iter().any(|l| l.as_bytes() == text) => {
                return Err(misfit("not one of the column's labels", v));
            }
            PgType::Json if !json::json_valid(text) => return Err(misfit("not JSON", v)),
            _ => {}
        }
        bytes(v, text, out)
    }

    pub(super) fn encode_bytea(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match (v, self.normal) {
            (Value::Text(b), Normal::TextBytes | Normal::Bytes) | (Value::Blob(b), Normal::Exact | Normal::Bytes) => {
                bytes(v, b, out)
            }
            (_, Normal::Bytes) => measured(v, out, |out| render(v, out)),
            (_, Normal::TextBytes) => Err(misfit("not text", v)),
            _ => Err(misfit("not a blob", v)),
        }
    }

    pub(super) fn encode_jsonb(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        if self.normal == Normal::JsonScalar {
            return tried(v, out, |out| {
                out.push(1);
                scalar::append(v, out)
            });
        }
        let Value::Text(b) = v else { return Err(misfit("not JSON text", v)) };
        if forms::flaw(b) != Flaw::None || !json::jsonb_safe(b) {
            return Err(misfit("not JSON that jsonb holds without loss", v));
        }
        measured(v, out, |out| {
            out.push(1);
            out.extend_from_slice(b);
        })
    }

    pub(super) fn decode_jsonb(&self, field: &[u8]) -> Result<OwnedValue, &'static str> {
        match field {
            [1, text @ ..] if self.normal == Normal::JsonScalar => scalar::read(text),
            [1, text @ ..] => Ok(OwnedValue::Text(text.to_vec())),
            _ => Err("an unknown version of jsonb's binary form"),
        }
    }
}
