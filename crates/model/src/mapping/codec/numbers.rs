//! Integers, doubles, decimals and truths.
//! Owns which values are the same number; never rounds one.

use super::field::{Misfit, measured, misfit};
use super::{Normal, OwnedValue};
use crate::mapping::decimal::Plain;
use crate::mapping::forms;
use crate::mapping::numeric::{self, Decimal, Number};
use crate::value::Value;

/// An integer that does not come as one: its canonical text, under `Normal::Number`.
pub(super) fn integer(normal: Normal, v: Value<'_>) -> Result<i64, Misfit> {
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
pub(super) fn narrow<T: TryFrom<i64>>(normal: Normal, v: Value<'_>) -> Result<T, Misfit> {
    let i = integer(normal, v)?;
    T::try_from(i).map_err(|_| misfit("an integer too large for the column's type", v))
}

#[inline]
pub(super) fn double(v: Value<'_>) -> Result<f64, Misfit> {
    match v {
        Value::Real(r) => Ok(r),
        #[allow(clippy::cast_precision_loss)] // exact up to 2^53
        Value::Integer(i) if i.unsigned_abs() <= 1 << 53 => Ok(i as f64),
        Value::Integer(_) => Err(misfit("an integer beyond 2^53 in a column of doubles", v)),
        _ => Err(misfit("not a number", v)),
    }
}

/// Numbers by their shortest decimal, text that is a plain decimal as it stands there.
pub(super) fn encode_numeric(limits: Option<(u16, u16)>, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let too_long = || misfit("more digits than the column's numeric type holds", v);
    let decimal = match v {
        Value::Integer(i) => Decimal::from_integer(i),
        Value::Real(r) => Decimal::shortest(r).ok_or_else(|| misfit("an infinity or -0.0", v))?,
        Value::Text(b) => {
            let plain = Plain::parse(b).ok_or_else(|| misfit("not a plain decimal number", v))?;
            if limits.is_some_and(|(precision, scale)| !plain.fits(precision, scale)) {
                return Err(too_long());
            }
            return measured(v, out, |out| plain.append_binary(out));
        }
        _ => return Err(misfit("not a number", v)),
    };
    if limits.is_some_and(|(precision, scale)| !decimal.fits(precision, scale)) {
        return Err(too_long());
    }
    measured(v, out, |out| decimal.append_binary(out))
}

pub(super) fn decode_numeric(field: &[u8]) -> Result<OwnedValue, &'static str> {
    Ok(match numeric::from_binary(field)? {
        Number::Integer(i) => OwnedValue::Integer(i),
        Number::Real(r) => OwnedValue::Real(r),
        Number::Text(text) => OwnedValue::Text(text.into_bytes()),
    })
}

/// 0 and 1, or the words of the column.
#[inline]
pub(super) fn truth(normal: Normal, v: Value<'_>) -> Result<bool, Misfit> {
    match (normal, v) {
        (Normal::BooleanWords(n), _) => match (v, words(n)) {
            (Value::Text(b), Some((yes, _))) if b == yes.as_bytes() => Ok(true),
            (Value::Text(b), Some((_, no))) if b == no.as_bytes() => Ok(false),
            _ => Err(misfit("not one of the column's two words for true and false", v)),
        },
        (_, Value::Integer(i @ (0 | 1))) => Ok(i == 1),
        _ => Err(misfit("neither 0 nor 1", v)),
    }
}

fn words(n: u8) -> Option<(&'static str, &'static str)> {
    Normal::WORDS.get(usize::from(n)).copied()
}

pub(super) fn decode_truth(normal: Normal, field: &[u8]) -> Result<OwnedValue, &'static str> {
    let truth = match field {
        [0] => false,
        [1] => true,
        _ => return Err("not a boolean"),
    };
    match normal {
        Normal::BooleanWords(n) => {
            let (yes, no) = words(n).ok_or("no words for true and false")?;
            Ok(OwnedValue::Text(if truth { yes } else { no }.as_bytes().to_vec()))
        }
        _ => Ok(OwnedValue::Integer(i64::from(truth))),
    }
}
