//! The forms a text can have: date, time, UUID, JSON, number, boolean word, address; and whether text is text at all.
//! Owns the recognising of one value; never counts (see `profile`), never converts dates or numbers.

use super::codec::Normal;
use super::{datetime, json};

mod kinds;
mod network;
mod utf8;

pub use kinds::{FORMS, Form, GROUPS, Group};
pub use utf8::quick;

/// The forms of `text` that belong to `group`, as a mask of `1 << form`; 0 if it has none of them.
/// `text` must be valid UTF-8.
#[inline]
pub fn of(group: Group, text: &[u8]) -> u32 {
    let one = |is: bool, form: Form| if is { form.mask() } else { 0 };
    match group {
        Group::Temporal => temporal(text),
        Group::Uuid => uuid_forms(text),
        Group::Json => json_forms(text),
        Group::Number => number_forms(text),
        Group::Boolean => one(is_boolean_word(text), Form::BooleanWord),
        Group::Clock => clock(text),
        Group::UuidHex => uuid_hex_forms(text),
        Group::Network => network::network(text).map_or(0, Form::mask),
        Group::Mac => one(network::is_mac(text), Form::Mac),
        Group::Interval => one(is_duration(text), Form::Interval),
    }
}

fn temporal(text: &[u8]) -> u32 {
    let Some(stamp) = datetime::parse(text) else { return 0 };
    let mut more = if stamp.time == 0 { Form::Midnight.mask() } else { 0 };
    if text.get(10) == Some(&b'T') {
        more |= Form::LetterT.mask();
    }
    if text.get(19) == Some(&b'.') {
        more |= Form::Fraction.mask();
    }
    match stamp.shape {
        datetime::Shape::Date => Form::Date.mask(),
        datetime::Shape::Local => Form::Local.mask() | more,
        datetime::Shape::Zoned(_) => Form::Zoned.mask() | more,
    }
}

/// A time alone is what may follow a date.
fn clock(text: &[u8]) -> u32 {
    const DAY: &[u8; 11] = b"2000-01-01 ";
    let mut whole = [0; 26];
    let length = DAY.len() + text.len();
    if text.len() < 5 || length > whole.len() {
        return 0;
    }
    whole[..DAY.len()].copy_from_slice(DAY);
    whole[DAY.len()..length].copy_from_slice(text);
    if datetime::parse(&whole[..length]).is_none_or(|s| s.shape != datetime::Shape::Local) {
        return 0;
    }
    let canonical = text.len() == 8 || (text.len() > 8 && text.last() != Some(&b'0'));
    Form::Clock.mask() | if canonical { Form::ClockCanonical.mask() } else { 0 }
}

fn json_forms(text: &[u8]) -> u32 {
    let Some(seen) = json::look(text) else { return 0 };
    let kind = match seen.first {
        b'{' => Form::JsonObject,
        b'[' => Form::JsonArray,
        _ => Form::JsonScalar,
    };
    let safe = if seen.is_jsonb_safe() { Form::Json.mask() } else { 0 };
    let flaws = [
        (seen.nul, Form::JsonNul),
        (seen.surrogate, Form::JsonSurrogate),
        (seen.number, Form::JsonNumber),
        (seen.duplicate_key, Form::JsonDuplicateKey),
    ];
    let flaws = flaws.iter().filter(|(is, _)| *is).fold(0, |mask, (_, form)| mask | form.mask());
    kind.mask() | safe | flaws | Form::JsonValid.mask()
}

/// Whether a text, spaces aside, begins as an object or array of JSON: scalars are as often something else.
#[inline]
pub fn may_be_json(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
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

fn uuid_forms(text: &[u8]) -> u32 {
    let dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text[*at] == b'-');
    let parts = || [&text[..8], &text[9..13], &text[14..18], &text[19..23], &text[24..]];
    let letters = if dashed { parts().into_iter().fold(0, |all, part| all | letters(part)) } else { OTHER };
    letter_case(letters, Form::UuidLower, Form::UuidUpper)
}

fn uuid_hex_forms(text: &[u8]) -> u32 {
    let letters = if text.len() == 32 { letters(text) } else { OTHER };
    letter_case(letters, Form::UuidHexLower, Form::UuidHexUpper)
}

const LOWER: u8 = 1;
const UPPER: u8 = 2;
const OTHER: u8 = 4;

/// Which letters stand among hexadecimal digits, or that something else does.
#[inline]
fn letters(text: &[u8]) -> u8 {
    const CLASSES: [u8; 256] = {
        let mut classes = [OTHER; 256];
        let mut b = 0;
        while b < 16 {
            classes[b"0123456789abcdef"[b] as usize] = if b < 10 { 0 } else { LOWER };
            classes[b"0123456789ABCDEF"[b] as usize] = if b < 10 { 0 } else { UPPER };
            b += 1;
        }
        classes
    };
    text.iter().fold(0, |all, b| all | CLASSES[usize::from(*b)])
}

/// One of digits alone is of both letter cases, one of mixed letters of none.
fn letter_case(letters: u8, lower: Form, upper: Form) -> u32 {
    match letters {
        0 => lower.mask() | upper.mask(),
        LOWER => lower.mask(),
        UPPER => upper.mask(),
        _ => 0,
    }
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

fn number_forms(text: &[u8]) -> u32 {
    if integer(text).is_some() {
        return Form::Integer.mask() | Form::Number.mask();
    }
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let leading_zero = digits.first() == Some(&b'0') && whole > 1;
    // numeric has no negative zero.
    let negative_zero = digits.len() < text.len() && digits.iter().all(|b| matches!(b, b'0' | b'.'));
    if whole == 0 || leading_zero || negative_zero {
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

/// Every spelling of [`Normal::WORDS`], as a mask of their places.
pub const ALL_WORDS: u16 = (1 << Normal::WORDS.len()) - 1;

/// The spellings of [`Normal::WORDS`] in which this word is true or false, as a mask of their places.
pub fn boolean_words(text: &[u8]) -> u16 {
    let holds = |(yes, no): &(&str, &str)| text == yes.as_bytes() || text == no.as_bytes();
    let places = Normal::WORDS.iter().enumerate().filter(|(_, pair)| holds(pair));
    places.fold(0, |mask, (place, _)| mask | 1 << place)
}

/// An ISO 8601 duration, each part at most once, in order, of at most nine digits; seconds with up to six of fraction.
fn is_duration(text: &[u8]) -> bool {
    let Some(mut rest) = text.strip_prefix(b"P") else { return false };
    let mut time = false;
    let (mut units, mut parts): (&[u8], u32) = (b"YMWD", 0);
    while let Some(first) = rest.first() {
        if *first == b'T' && !time {
            (time, units, parts, rest) = (true, b"HMS", 0, &rest[1..]);
            continue;
        }
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let mut length = digits;
        if rest.get(digits) == Some(&b'.') {
            let fraction = rest[digits + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            if !(1..=6).contains(&fraction) || rest.get(digits + 1 + fraction) != Some(&b'S') {
                return false;
            }
            length = digits + 1 + fraction;
        }
        let Some(place) = rest.get(length).and_then(|unit| units.iter().position(|u| u == unit)) else { return false };
        // PostgreSQL counts months and days in 32 bits.
        if digits == 0 || digits > if time { 9 } else { 7 } {
            return false;
        }
        (units, parts, rest) = (&units[place + 1..], parts + 1, &rest[length + 1..]);
    }
    parts > 0
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

/// Checks a text: quickly where that is sure, else in full.
#[inline]
pub fn flaw(text: &[u8]) -> Flaw {
    if is_plain(text) {
        return Flaw::None;
    }
    match quick(text) {
        Some(seen) if seen.nul => Flaw::Nul,
        Some(_) => Flaw::None,
        None => slow_flaw(text),
    }
}

/// Whether a text is ASCII without NUL.
#[inline]
pub fn is_plain(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A byte without its high bit is zero exactly if subtracting one from it borrows: the classic test, with the bytes
    // that have the high bit sent to the slow way as well.
    let odd = |word: u64| (word | word.wrapping_sub(ONES)) & HIGH != 0;
    match text {
        [] => true,
        [.., a, b, c, d] if text.len() < 8 => {
            // Two halves that overlap.
            let last = u32::from_ne_bytes([*a, *b, *c, *d]);
            let first = u32::from_ne_bytes([text[0], text[1], text[2], text[3]]);
            !odd(u64::from(first) << 32 | u64::from(last))
        }
        _ if text.len() < 8 => text.iter().all(|b| (1..0x80).contains(b)),
        _ => {
            let (words, _) = text.as_chunks::<8>();
            let last = text.last_chunk::<8>().map_or(0, |word| u64::from_ne_bytes(*word));
            !odd(last) && !words.iter().any(|word| odd(u64::from_ne_bytes(*word)))
        }
    }
}

/// Checks a text in full.
pub fn slow_flaw(text: &[u8]) -> Flaw {
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
                && !has(Form::Number, "-0")
                && !has(Form::Number, "-0.00")
                && has(Form::Number, "-0.01")
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
