//! What a policy does to a value before it crosses.
//! Owns the treatments and their order; never counts what it changed, never decides one (see `decide`).
//!
//! The order is fixed, whatever order they were chosen in: first text that is not UTF-8, then NUL bytes, then empty text;
//! what the codec still does not take comes last. Only texts are treated; [`Treatment::UnfitNull`] takes every class.

use super::policy::Kind;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One change of values of a column, under a policy that a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// Text that is not UTF-8 is read as ISO 8859-1: each byte is a character.
    InvalidLatin1,
    /// Text that is not UTF-8 is read as Windows-1252; its five undefined bytes are read as ISO 8859-1.
    InvalidCp1252,
    /// Each longest piece that is no UTF-8 becomes U+FFFD, as the Unicode standard recommends (chapter 3.9, "maximal
    /// subparts").
    InvalidReplace,
    /// Each NUL byte of a text becomes U+FFFD.
    NulReplace,
    /// NUL bytes are left out of texts.
    NulStrip,
    /// Empty text becomes NULL.
    EmptyNull,
    /// What the type does not hold becomes NULL.
    UnfitNull,
}

impl Treatment {
    /// The kind of data that it answers.
    pub fn kind(self) -> Kind {
        match self {
            Treatment::InvalidLatin1 | Treatment::InvalidCp1252 | Treatment::InvalidReplace => Kind::InvalidUtf8,
            Treatment::NulReplace | Treatment::NulStrip => Kind::Nul,
            Treatment::EmptyNull => Kind::Empty,
            Treatment::UnfitNull => Kind::Dates,
        }
    }
}

/// A value after its treatments.
#[derive(Clone, Debug, PartialEq)]
pub enum Treated<'a> {
    /// The very value, or NULL.
    Plain(Value<'a>),
    /// A text that was written anew.
    Text(Vec<u8>),
}

impl Treated<'_> {
    /// The value to encode.
    pub fn value(&self) -> Value<'_> {
        match self {
            Treated::Plain(v) => *v,
            Treated::Text(text) => Value::Text(text),
        }
    }
}

/// These treatments in the order in which they are applied.
pub fn ordered(treatments: &[Treatment]) -> Vec<Treatment> {
    let mut all = treatments.to_vec();
    // The enum lists them in that order.
    all.sort_unstable();
    all.dedup();
    all
}

/// A value after `treatments`, which are [`ordered`]. Allocates only where something changes. Calls `changed` for each
/// treatment that changed the value.
pub fn apply<'a>(treatments: &[Treatment], value: Value<'a>, mut changed: impl FnMut(Treatment)) -> Treated<'a> {
    let Value::Text(text) = value else { return Treated::Plain(value) };
    let mut text = Cow::Borrowed(text);
    for treatment in treatments {
        if !concerns(*treatment, &text) {
            continue;
        }
        changed(*treatment);
        let new = match treatment {
            Treatment::InvalidLatin1 => text.iter().map(|b| char::from(*b)).collect::<String>().into_bytes(),
            Treatment::InvalidCp1252 => text.iter().map(|b| cp1252(*b)).collect::<String>().into_bytes(),
            Treatment::InvalidReplace => String::from_utf8_lossy(&text).into_owned().into_bytes(),
            Treatment::NulReplace => replaced(&text),
            Treatment::NulStrip => text.iter().copied().filter(|b| *b != 0).collect(),
            Treatment::EmptyNull | Treatment::UnfitNull => return Treated::Plain(Value::Null),
        };
        text = Cow::Owned(new);
    }
    match text {
        Cow::Borrowed(text) => Treated::Plain(Value::Text(text)),
        Cow::Owned(text) => Treated::Text(text),
    }
}

/// Whether a treatment changes this text.
fn concerns(treatment: Treatment, text: &[u8]) -> bool {
    match treatment {
        Treatment::InvalidLatin1 | Treatment::InvalidCp1252 | Treatment::InvalidReplace => {
            std::str::from_utf8(text).is_err()
        }
        Treatment::NulReplace | Treatment::NulStrip => text.contains(&0),
        Treatment::EmptyNull => text.is_empty(),
        // Only the codec can tell.
        Treatment::UnfitNull => false,
    }
}

/// U+FFFD for each NUL byte.
fn replaced(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (i, piece) in text.split(|b| *b == 0).enumerate() {
        if i > 0 {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
        out.extend_from_slice(piece);
    }
    out
}

/// A byte of Windows-1252. Source: <https://encoding.spec.whatwg.org/#windows-1252>, which reads the five undefined bytes
/// as ISO 8859-1 does, too.
fn cp1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..0xa0 => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn treated(treatments: &[Treatment], text: &[u8]) -> Option<String> {
        let all = apply(&ordered(treatments), Value::Text(text), |_| ());
        match all.value() {
            Value::Text(t) => Some(String::from_utf8(t.to_vec()).unwrap()),
            Value::Null => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn texts_are_treated_in_one_order() {
        use Treatment::{EmptyNull, InvalidCp1252, InvalidLatin1, InvalidReplace, NulReplace, NulStrip};
        let some = |t: &str| Some(t.to_owned());
        assert_eq!(treated(&[InvalidLatin1], b"caf\xe9 \x80"), some("café \u{80}"));
        assert_eq!(treated(&[InvalidCp1252], b"caf\xe9 \x80\x81"), some("café €\u{81}"));
        assert_eq!(treated(&[InvalidReplace], b"a\xe2\x82b\xed\xa0\x80"), some("a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}"));
        assert_eq!(treated(&[InvalidLatin1], "café".as_bytes()), some("café"));
        assert_eq!(treated(&[NulReplace], b"\0a\0"), some("\u{fffd}a\u{fffd}"));
        assert_eq!(treated(&[NulStrip, InvalidLatin1], b"\xff\0"), some("ÿ"));
        assert_eq!(treated(&[EmptyNull, NulStrip], b"\0\0"), None);
        assert_eq!(treated(&[EmptyNull], b" "), some(" "));
    }

    #[test]
    fn nothing_is_copied_where_nothing_changes() {
        let all =
            ordered(&[Treatment::EmptyNull, Treatment::NulStrip, Treatment::InvalidReplace, Treatment::UnfitNull]);
        let mut seen = Vec::new();
        assert_eq!(apply(&all, Value::Text(b"abc"), |t| seen.push(t)), Treated::Plain(Value::Text(b"abc")));
        assert_eq!(apply(&all, Value::Blob(b"\0"), |t| seen.push(t)), Treated::Plain(Value::Blob(b"\0")));
        assert!(seen.is_empty());
        let _ = apply(&all, Value::Text(b"\xff\0"), |t| seen.push(t));
        assert_eq!(seen, [Treatment::InvalidReplace, Treatment::NulStrip]);
    }
}
