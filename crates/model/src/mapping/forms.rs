//! The forms a text can have: date, date-time, UUID, JSON, number, boolean word; and whether text is text at all.
//! Owns the recognising of one value; never counts (see `profile`), never converts dates or numbers.

use super::{datetime, json};
use serde::{Deserialize, Serialize};

/// What one text looks like. A text has at most one temporal, one UUID form; `Midnight` comes with `Local` or `Zoned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `YYYY-MM-DD`, a day that exists.
    Date,
    /// A date-time without zone.
    Local,
    /// A date-time with `Z` or `±HH:MM`.
    Zoned,
    /// A date-time whose time part is 00:00:00.
    Midnight,
    /// A dashed UUID without upper-case letters.
    UuidLower,
    /// A dashed UUID without lower-case letters.
    UuidUpper,
    /// JSON that jsonb holds (see [`json::jsonb_safe`]).
    Json,
    /// A decimal integer of 64 bits as SQLite prints it: no sign but `-`, no leading zeros, no spaces.
    Integer,
    /// A decimal number as a person writes it: like `Integer`, with an optional fraction.
    Number,
    /// true, false, t, f, yes, no, y, n, on, off, 0 or 1 in any case.
    BooleanWord,
}

/// How many forms there are.
pub const FORMS: usize = 10;

/// Forms that are tested together, and are dropped together when a text has none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Group {
    /// Date, Local, Zoned, Midnight.
    Temporal = 1,
    /// UuidLower, UuidUpper.
    Uuid = 2,
    /// Json.
    Json = 4,
    /// Integer, Number.
    Number = 8,
    /// BooleanWord.
    Boolean = 16,
}

impl Group {
    /// All groups.
    pub const ALL: [Group; 5] = [Group::Temporal, Group::Uuid, Group::Json, Group::Number, Group::Boolean];

    /// Its bit in a mask.
    #[inline]
    pub fn bit(self) -> u8 {
        self as u8
    }

    /// Its place in [`Group::ALL`].
    pub fn index(self) -> usize {
        self.bit().trailing_zeros() as usize
    }
}

impl Form {
    /// The group it is tested with.
    pub fn group(self) -> Group {
        match self {
            Form::Date | Form::Local | Form::Zoned | Form::Midnight => Group::Temporal,
            Form::UuidLower | Form::UuidUpper => Group::Uuid,
            Form::Json => Group::Json,
            Form::Integer | Form::Number => Group::Number,
            Form::BooleanWord => Group::Boolean,
        }
    }

    #[inline]
    fn mask(self) -> u16 {
        1 << (self as u16)
    }
}

/// The forms of `text` that belong to `group`, as a mask of `1 << form`; 0 if it has none of them.
/// `text` must be valid UTF-8.
#[inline]
pub fn of(group: Group, text: &[u8]) -> u16 {
    match group {
        Group::Temporal => temporal(text),
        Group::Uuid => uuid_forms(text),
        Group::Json if json::jsonb_safe(text) => Form::Json.mask(),
        Group::Number => number_forms(text),
        Group::Boolean if is_boolean_word(text) => Form::BooleanWord.mask(),
        Group::Json | Group::Boolean => 0,
    }
}

fn temporal(text: &[u8]) -> u16 {
    let Some(stamp) = datetime::parse(text) else { return 0 };
    let midnight = if stamp.time == 0 { Form::Midnight.mask() } else { 0 };
    match stamp.shape {
        datetime::Shape::Date => Form::Date.mask(),
        datetime::Shape::Local => Form::Local.mask() | midnight,
        datetime::Shape::Zoned(_) => Form::Zoned.mask() | midnight,
    }
}

/// Reads a dashed UUID (8-4-4-4-12 hexadecimal digits, nothing else).
#[inline]
pub fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 || text[8] != b'-' || text[13] != b'-' || text[18] != b'-' || text[23] != b'-' {
        return None;
    }
    let mut out = [0u8; 16];
    let mut at = 0usize;
    for byte in &mut out {
        if matches!(at, 8 | 13 | 18 | 23) {
            at += 1;
        }
        *byte = hex(text[at])? << 4 | hex(text[at + 1])?;
        at += 2;
    }
    Some(out)
}

/// Writes a UUID with dashes in lower or upper case.
pub fn format_uuid(bytes: &[u8; 16], upper: bool) -> Vec<u8> {
    let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut out = Vec::with_capacity(36);
    for (i, b) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(digits[usize::from(b >> 4)]);
        out.push(digits[usize::from(b & 15)]);
    }
    out
}

#[inline]
fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

fn uuid_forms(text: &[u8]) -> u16 {
    if uuid(text).is_none() {
        return 0;
    }
    let lower = if text.iter().any(u8::is_ascii_uppercase) { 0 } else { Form::UuidLower.mask() };
    let upper = if text.iter().any(u8::is_ascii_lowercase) { 0 } else { Form::UuidUpper.mask() };
    lower | upper
}

/// Reads a canonical decimal integer: exactly the text that printing the integer gives.
#[inline]
pub fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [b'0'] => (text.len() == 1).then_some(0),
        [b'1'..=b'9', ..] if text.len() <= 20 && digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(text).ok()?.parse().ok()
        }
        _ => None,
    }
}

fn number_forms(text: &[u8]) -> u16 {
    if integer(text).is_some() {
        return Form::Integer.mask() | Form::Number.mask();
    }
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let leading_zero = digits.first() == Some(&b'0') && whole > 1;
    if whole == 0 || leading_zero {
        return 0;
    }
    match digits[whole..] {
        [] => Form::Number.mask(),
        [b'.', ref fraction @ ..] if !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit) => {
            Form::Number.mask()
        }
        _ => 0,
    }
}

fn is_boolean_word(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 12] = [b"0", b"1", b"t", b"f", b"true", b"false", b"y", b"n", b"yes", b"no", b"on", b"off"];
    text.len() <= 5 && WORDS.iter().any(|w| w.eq_ignore_ascii_case(text))
}

/// What is wrong with a text, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// PostgreSQL's text can hold it.
    None,
    /// Valid UTF-8, but with a NUL byte.
    Nul,
    /// Not valid UTF-8 (it may hold NUL bytes as well).
    InvalidUtf8,
}

/// Checks a text: quickly where it is ASCII without NUL, else in full.
#[inline]
pub fn flaw(text: &[u8]) -> Flaw {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut chunks = text.chunks_exact(8);
    for chunk in chunks.by_ref() {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_ne_bytes(word);
        // A byte without its high bit is zero exactly if subtracting one from it borrows: the classic test, with the
        // bytes that have the high bit sent to the slow way as well.
        if (word | word.wrapping_sub(ONES)) & HIGH != 0 {
            return slow_flaw(text);
        }
    }
    if chunks.remainder().iter().all(|b| (1..0x80).contains(b)) { Flaw::None } else { slow_flaw(text) }
}

#[cold]
fn slow_flaw(text: &[u8]) -> Flaw {
    if std::str::from_utf8(text).is_err() {
        Flaw::InvalidUtf8
    } else if text.contains(&0) {
        Flaw::Nul
    } else {
        Flaw::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_quick_check_is_the_full_check(mut text in proptest::collection::vec(prop_oneof![9 => 1u8..0x80, 1 => any::<u8>()], 0..64), at in 0usize..64, b in any::<u8>()) {
            if let Some(place) = text.get_mut(at) { *place = b; }
            prop_assert_eq!(flaw(&text), slow_flaw(&text));
        }

        #[test]
        fn integers_as_printed(i in any::<i64>()) {
            prop_assert_eq!(integer(i.to_string().as_bytes()), Some(i));
        }

        #[test]
        fn only_integers_as_printed(text in "-?[0-9 +.]{0,21}") {
            if let Some(i) = integer(text.as_bytes()) { prop_assert_eq!(i.to_string(), text); }
        }

        #[test]
        fn uuids_come_back(bytes in any::<[u8; 16]>(), upper in any::<bool>()) {
            prop_assert_eq!(uuid(&format_uuid(&bytes, upper)), Some(bytes));
        }
    }

    #[test]
    fn forms_of_words() {
        let has = |f: Form, text: &str| of(f.group(), text.as_bytes()) & f.mask() != 0;
        assert!(has(Form::Number, "1.50") && has(Form::Number, "-0.5") && has(Form::Number, "12345678901234567890"));
        assert!(
            !has(Form::Number, "01")
                && !has(Form::Number, "1.")
                && !has(Form::Number, ".5")
                && !has(Form::Number, "1e5")
                && !has(Form::Number, "")
        );
        assert!(
            !has(Form::Integer, "-0")
                && !has(Form::Integer, "9223372036854775808")
                && has(Form::Integer, "-9223372036854775808")
        );
        assert!(has(Form::BooleanWord, "True") && !has(Form::BooleanWord, "2") && !has(Form::BooleanWord, ""));
        assert!(
            has(Form::UuidLower, "0b2a9d4e-0000-4000-8000-00000000000a")
                && !has(Form::UuidUpper, "0b2a9d4e-0000-4000-8000-00000000000a")
        );
        assert!(
            !has(Form::UuidLower, "0b2a9d4e00004000800000000000000a")
                && !has(Form::UuidLower, "{b2a9d4e-0000-4000-8000-00000000000}")
        );
        assert!(has(Form::Midnight, "2024-01-01T00:00:00") && !has(Form::Midnight, "2024-01-01"));
    }
}
