//! The normal form of a value as SQLite holds it: from storage class and bytes.
//! Owns the source's side of every comparison; never looks at what a codec made.

use super::{Form, NULL_TAG, NoForm, calendar, decimal::Decimal, json, network, put, put_eight, put_no_form, span};
use crate::value::Value;

/// Appends the field of a SQLite value in a column of this form. A value that has no such form is appended marked, so
/// that it equals nothing.
#[inline]
pub fn field(form: Form, value: Value<'_>, out: &mut Vec<u8>) {
    let from = out.len();
    if normal(form, value, out).is_err() {
        out.truncate(from);
        formless(value, out);
    }
}

/// Appends a value that has no normal form.
pub(super) fn formless(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(b) | Value::Blob(b) => put_no_form(out, b),
        Value::Integer(i) => put_no_form(out, &i.to_be_bytes()),
        Value::Real(r) => put_no_form(out, &r.to_bits().to_be_bytes()),
        Value::Null => put_no_form(out, &[]),
    }
}

/// Appends the field; on an error `out` has to be cut.
#[inline]
pub(super) fn normal(form: Form, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), NoForm> {
    if let Value::Null = value {
        return put(out, NULL_TAG, &[]);
    }
    let tag = form.tag();
    match (form, value) {
        (Form::Text | Form::Bytea, Value::Text(b)) | (Form::Bytea, Value::Blob(b)) => put(out, tag, b),
        (Form::Text | Form::Bytea, other) => put(out, tag, &as_text(other)),
        (Form::Integer, Value::Integer(i)) => put_eight(out, tag, i.to_be_bytes()),
        (Form::Integer, Value::Real(r)) => put(out, tag, &whole(r)?.to_be_bytes()),
        (Form::Integer, Value::Text(t)) => put(out, tag, &printed(t)?.to_be_bytes()),
        (Form::Double, Value::Real(r)) => put_eight(out, tag, r.to_bits().to_be_bytes()),
        (Form::Double, Value::Integer(i)) => put(out, tag, &exact(i)?.to_bits().to_be_bytes()),
        (Form::Numeric, v) => put(out, tag, numeric(v)?.as_bytes()),
        (Form::Boolean, Value::Integer(i @ (0 | 1))) => put(out, tag, &[u8::from(i == 1)]),
        (Form::Date, Value::Text(t)) => {
            let days = calendar::date(t).ok_or(NoForm("not a date"))?;
            put(out, tag, &i32::try_from(days).map_err(|_| NoForm("a date out of range"))?.to_be_bytes())
        }
        (Form::Timestamp, Value::Text(t)) => put_eight(out, tag, clock(t)?.to_be_bytes()),
        (Form::TimestampTz, Value::Text(t)) => put_eight(out, tag, instant(t)?.to_be_bytes()),
        (Form::Uuid, Value::Text(t)) => put(out, tag, &uuid(t)?),
        (Form::Uuid, Value::Blob(b)) if b.len() == 16 => put(out, tag, b),
        (Form::Jsonb, Value::Text(t)) => put(out, tag, &json::canonical(t)?),
        (Form::Time, Value::Text(t)) => put(out, tag, &time(t)?.to_be_bytes()),
        (Form::Interval, Value::Text(t)) => put(out, tag, &span::from_text(t)?),
        (Form::Inet | Form::Cidr, Value::Text(t)) => put(out, tag, &network::from_text(t, form == Form::Cidr)?),
        (Form::MacAddr, Value::Text(t)) => put(out, tag, &network::card(t)?),
        _ => Err(NoForm("a storage class this type does not hold")),
    }
}

/// An integer written as SQLite prints it: a text column that refers to an integer key.
fn printed(text: &[u8]) -> Result<i64, NoForm> {
    const NOT: NoForm = NoForm("text that is not an integer as printed");
    let text = std::str::from_utf8(text).map_err(|_| NOT)?;
    text.parse::<i64>().ok().filter(|i| i.to_string() == text).ok_or(NOT)
}

/// Any value as the text it becomes in a column of mixed classes: integers in decimal, reals as the shortest decimal that
/// reads back to the same double and always shows that it is one, blobs as `\x` and hex digits.
fn as_text(value: Value<'_>) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::Integer(i) => i.to_string().into_bytes(),
        Value::Real(r) => format!("{r:?}").into_bytes(),
        Value::Text(b) => b.to_vec(),
        Value::Blob(b) => {
            let mut hex = Vec::with_capacity(2 + 2 * b.len());
            hex.extend_from_slice(b"\\x");
            for byte in b {
                hex.extend([byte >> 4, byte & 15].map(|n| b"0123456789abcdef"[usize::from(n)]));
            }
            hex
        }
    }
}

fn whole(r: f64) -> Result<i64, NoForm> {
    /// 2^63, the first double beyond i64; every whole double below it converts exactly.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if r.fract() == 0.0 && (-BEYOND..BEYOND).contains(&r) { Ok(r as i64) } else { Err(NoForm("not a whole number")) }
}

fn exact(i: i64) -> Result<f64, NoForm> {
    let r = i as f64;
    if whole(r) == Ok(i) { Ok(r) } else { Err(NoForm("an integer no double holds")) }
}

fn numeric(value: Value<'_>) -> Result<String, NoForm> {
    match value {
        Value::Integer(i) => Ok(i.to_string()),
        Value::Real(r) if r.is_finite() => {
            Decimal::parse(format!("{r:e}").as_bytes()).ok_or(NoForm("not a number"))?.canonical()
        }
        Value::Text(t) => {
            let decimal = Decimal::parse(t).ok_or(NoForm("not a number"))?;
            if decimal.is_negative_zero() { Err(NoForm("a negative zero")) } else { decimal.canonical() }
        }
        _ => Err(NoForm("not a decimal number")),
    }
}

fn clock(text: &[u8]) -> Result<i64, NoForm> {
    let stamp = calendar::stamp(text).ok_or(NoForm("not a date and time"))?;
    if stamp.offset.is_some() { Err(NoForm("a zone in a timestamp without one")) } else { Ok(stamp.micros) }
}

pub(super) fn instant(text: &[u8]) -> Result<i64, NoForm> {
    let stamp = calendar::stamp(text).ok_or(NoForm("not a date and time"))?;
    let offset = stamp.offset.ok_or(NoForm("no zone in a timestamp with one"))?;
    let instant = stamp.micros - offset * 1_000_000;
    if calendar::WRITTEN.contains(&instant) { Ok(instant) } else { Err(NoForm("outside years 1 to 9999")) }
}

fn time(text: &[u8]) -> Result<i64, NoForm> {
    calendar::time(text).ok_or(NoForm("not a time"))
}

fn uuid(text: &[u8]) -> Result<[u8; 16], NoForm> {
    let hex: Vec<u8> = text.iter().copied().filter(|b| *b != b'-').collect();
    let dashes = text.len() == 36 && [8, 13, 18, 23].iter().all(|i| text[*i] == b'-');
    if hex.len() != 32 || !(dashes || text.len() == 32) {
        return Err(NoForm("not a UUID"));
    }
    let mut out = [0; 16];
    for (i, pair) in hex.chunks_exact(2).enumerate() {
        let nibble = |b: u8| char::from(b).to_digit(16).and_then(|n| u8::try_from(n).ok());
        let (Some(a), Some(b)) = (nibble(pair[0]), nibble(pair[1])) else { return Err(NoForm("not a UUID")) };
        out[i] = a << 4 | b;
    }
    Ok(out)
}
