//! Values of several classes as JSON scalars, so that 1, 1.0, '1' and x'31' stay apart within one jsonb column.
//! Owns both directions; never writes a number that jsonb would take for another class.
//!
//! An integer is a number without a point. A real is a number with one, written out: jsonb keeps the digits after the
//! point, but rewrites exponents (`1e16` would come back as an integer). A text is a string. What JSON has no scalar for
//! is an object of one member: a blob `{"$blob":"00ff"}`, the infinities and minus zero `{"$real":"inf"}`. No text can be
//! mistaken for these, since texts are strings.

use super::codec::OwnedValue;
use super::forms::{self, Flaw};
use super::numeric::Decimal;
use crate::value::Value;
use std::collections::BTreeMap;

/// Longest string that jsonb holds: its lengths have 28 bits.
/// Source: `JENTRY_OFFLENMASK`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/utils/jsonb.h>.
const MAX_STRING: usize = 0x0FFF_FFFF;

/// Appends a value as JSON; on a misfit its reason, and `out` has to be cut. NULL has no JSON here.
pub fn append(v: Value<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match v {
        Value::Null => return Err("NULL is no JSON"),
        Value::Integer(i) => out.extend_from_slice(i.to_string().as_bytes()),
        Value::Real(r) => match Decimal::shortest(r) {
            Some(decimal) => append_real(decimal, out),
            None => {
                out.extend_from_slice(b"{\"$real\":\"");
                out.extend_from_slice(format!("{r:?}").as_bytes());
                out.extend_from_slice(b"\"}");
            }
        },
        Value::Text(text) => match forms::flaw(text) {
            Flaw::None if text.len() <= MAX_STRING => append_string(text, out),
            Flaw::None => return Err("a text longer than jsonb holds"),
            Flaw::Nul => return Err("a NUL byte in text"),
            Flaw::InvalidUtf8 => return Err("not valid UTF-8"),
        },
        Value::Blob(blob) if blob.len() > MAX_STRING / 2 => return Err("a blob longer than jsonb holds as hex"),
        Value::Blob(blob) => {
            out.extend_from_slice(b"{\"$blob\":\"");
            append_hex(blob, out);
            out.extend_from_slice(b"\"}");
        }
    }
    Ok(())
}

/// With a point, without an exponent.
fn append_real(decimal: Decimal, out: &mut Vec<u8>) {
    let mut digits = decimal.digits.to_string();
    if decimal.negative {
        out.push(b'-');
    }
    let after = usize::try_from(-decimal.exponent).unwrap_or(0);
    let zeros = usize::try_from(decimal.exponent).unwrap_or(0);
    if digits.len() <= after {
        digits.insert_str(0, &"0".repeat(after + 1 - digits.len()));
    }
    digits.extend(std::iter::repeat_n('0', if digits == "0" { 0 } else { zeros }));
    if after == 0 {
        digits.push_str(".0");
    } else {
        digits.insert(digits.len() - after, '.');
    }
    out.extend_from_slice(digits.as_bytes());
}

fn append_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for b in text {
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *b]),
            0..0x20 => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            _ => out.push(*b),
        }
    }
    out.push(b'"');
}

/// Reads such JSON, as jsonb writes it. The error says why no value of SQLite is meant.
pub fn read(text: &[u8]) -> Result<OwnedValue, &'static str> {
    const OTHER: &str = "JSON that stands for no SQLite value";
    match text.trim_ascii_start().first() {
        Some(b'"') => {
            let text: String = serde_json::from_slice(text).map_err(|_| OTHER)?;
            Ok(OwnedValue::Text(text.into_bytes()))
        }
        Some(b'{') => {
            let members: BTreeMap<String, String> = serde_json::from_slice(text).map_err(|_| OTHER)?;
            let mut members = members.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            match (members.next(), members.next()) {
                (Some(("$blob", hex)), None) => unhex(hex).map(OwnedValue::Blob).ok_or(OTHER),
                (Some(("$real", "inf")), None) => Ok(OwnedValue::Real(f64::INFINITY)),
                (Some(("$real", "-inf")), None) => Ok(OwnedValue::Real(f64::NEG_INFINITY)),
                (Some(("$real", "-0.0")), None) => Ok(OwnedValue::Real(-0.0)),
                _ => Err(OTHER),
            }
        }
        Some(b'-' | b'0'..=b'9') => number(text.trim_ascii()),
        _ => Err(OTHER),
    }
}

fn number(text: &[u8]) -> Result<OwnedValue, &'static str> {
    const INEXACT: &str = "a number that no SQLite integer or double holds exactly";
    let text = std::str::from_utf8(text).map_err(|_| INEXACT)?;
    if !text.contains('.') {
        return text.parse().map(OwnedValue::Integer).map_err(|_| INEXACT);
    }
    let real: f64 = text.parse().ok().filter(|_| !text.ends_with('.')).ok_or(INEXACT)?;
    // The number is the double's only if it is its shortest decimal, but for zeros at the end.
    let mut shortest = Vec::new();
    append_real(Decimal::shortest(real).ok_or(INEXACT)?, &mut shortest);
    let trimmed = |digits: &str| digits.trim_end_matches('0').to_owned();
    let same = std::str::from_utf8(&shortest).is_ok_and(|shortest| trimmed(shortest) == trimmed(text));
    if same { Ok(OwnedValue::Real(real)) } else { Err(INEXACT) }
}

fn append_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(v: Value<'_>) -> String {
        let mut out = Vec::new();
        append(v, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn classes_stay_apart() {
        for (v, want) in [
            (Value::Integer(-1), "-1"),
            (Value::Real(1.0), "1.0"),
            (Value::Real(0.0), "0.0"),
            (Value::Real(-0.0), r#"{"$real":"-0.0"}"#),
            (Value::Real(f64::NEG_INFINITY), r#"{"$real":"-inf"}"#),
            (Value::Real(-1.5e-7), "-0.00000015"),
            (Value::Real(1e16), "10000000000000000.0"),
            (Value::Real(0.1), "0.1"),
            (Value::Text(b"1"), r#""1""#),
            (Value::Text(b"a\"\\\n\xc3\xa9"), "\"a\\\"\\\\\\u000a\u{e9}\""),
            (Value::Text(br#"{"$blob":"00"}"#), r#""{\"$blob\":\"00\"}""#),
            (Value::Blob(b"\0\xff"), r#"{"$blob":"00ff"}"#),
            (Value::Blob(b""), r#"{"$blob":""}"#),
        ] {
            assert_eq!(written(v), want);
        }
        for bad in [
            "null",
            "true",
            "[]",
            "{}",
            "",
            "1e5",
            "1.",
            "01.5",
            "9223372036854775808",
            "0.10000000000000000001",
            r#"{"$blob":"0"}"#,
            r#"{"$blob":"00","$real":"inf"}"#,
            r#"{"$real":"nan"}"#,
            r#"{"$blob":1}"#,
            "+1.0",
            "1.0x",
            "-0.0",
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(read(b" 1.50 "), Ok(OwnedValue::Real(1.5)));
        let mut out = Vec::new();
        assert!(append(Value::Text(b"a\0"), &mut out).is_err() && append(Value::Text(b"\xff"), &mut out).is_err());
    }

    proptest! {
        #[test]
        fn every_value_comes_back(bits in any::<u64>(), i in any::<i64>(), text in ".{0,20}", blob in proptest::collection::vec(any::<u8>(), 0..20)) {
            for v in [Value::Real(f64::from_bits(bits)), Value::Integer(i), Value::Text(text.as_bytes()), Value::Blob(&blob)] {
                if matches!(v, Value::Real(r) if r.is_nan()) || matches!(v, Value::Text(t) if t.contains(&0)) {
                    continue;
                }
                let back = read(written(v).as_bytes()).unwrap();
                match (back.as_value(), v) {
                    (Value::Real(a), Value::Real(b)) => prop_assert_eq!(a.to_bits(), b.to_bits()),
                    (a, b) => prop_assert_eq!(a, b),
                }
            }
        }

        #[test]
        fn no_panic(text in "[ {}\"$a-z0-9.:,\\\\u+-]{0,30}") {
            let _ = read(text.as_bytes());
        }
    }
}
