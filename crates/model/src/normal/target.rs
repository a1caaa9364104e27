//! The normal form of a value as PostgreSQL gives it back in COPY BINARY.
//! Owns the target's side of every comparison; never shares a reader with the codecs.

use super::{Form, NULL_TAG, NoForm, decimal, json, network, put, put_eight, put_no_form, span};

/// Days from 1970-01-01 to 2000-01-01, PostgreSQL's epoch.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 10_957 * 86_400_000_000;

/// Appends the field of a value in PostgreSQL's binary form (`None` is NULL). What has no normal form is appended marked.
#[inline]
pub fn field(form: Form, value: Option<&[u8]>, out: &mut Vec<u8>) {
    let from = out.len();
    if normal(form, value, out).is_err() {
        out.truncate(from);
        // A prefix of its own: what has no form here never equals what has none there.
        out.push(b'!');
        put_no_form(out, value.unwrap_or_default());
    }
}

#[inline]
fn normal(form: Form, value: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), NoForm> {
    let Some(bytes) = value else { return put(out, NULL_TAG, &[]) };
    let tag = form.tag();
    match form {
        Form::Text | Form::Bytea => put(out, tag, bytes),
        Form::Integer => put_eight(out, tag, integer(bytes)?.to_be_bytes()),
        Form::Double => put_eight(out, tag, fixed(bytes)?),
        Form::Boolean => put(out, tag, &fixed::<1>(bytes)?),
        Form::Uuid => put(out, tag, &fixed::<16>(bytes)?),
        Form::Numeric => put(out, tag, decimal::from_numeric(bytes)?.as_bytes()),
        Form::Date => {
            let days = i32::from_be_bytes(fixed(bytes)?).checked_add(EPOCH_DAYS).ok_or(NoForm("an infinite date"))?;
            put(out, tag, &days.to_be_bytes())
        }
        Form::Timestamp | Form::TimestampTz => {
            let micros = i64::from_be_bytes(fixed(bytes)?);
            let micros = micros.checked_add(EPOCH_MICROS).ok_or(NoForm("an infinite timestamp"))?;
            put_eight(out, tag, micros.to_be_bytes())
        }
        Form::Time => put_eight(out, tag, fixed(bytes)?),
        Form::Interval => put(out, tag, &span::from_field(bytes)?),
        Form::Inet | Form::Cidr => put(out, tag, &network::from_field(bytes, form == Form::Cidr)?),
        Form::MacAddr => put(out, tag, &fixed::<6>(bytes)?),
        Form::Jsonb => match bytes {
            [1, text @ ..] => put(out, tag, &json::canonical(text)?),
            _ => Err(NoForm("an unknown version of jsonb")),
        },
    }
}

#[inline]
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], NoForm> {
    bytes.try_into().map_err(|_| NoForm("a field of unexpected length"))
}

#[inline]
fn integer(bytes: &[u8]) -> Result<i64, NoForm> {
    match bytes.len() {
        2 => Ok(i64::from(i16::from_be_bytes(fixed(bytes)?))),
        4 => Ok(i64::from(i32::from_be_bytes(fixed(bytes)?))),
        _ => Ok(i64::from_be_bytes(fixed(bytes)?)),
    }
}
