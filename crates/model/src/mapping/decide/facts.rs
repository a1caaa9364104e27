//! Questions that the rules ask of a profile, and profiles as they would be without some of their values.
//! Owns these few; what a profile itself can answer stands there.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::forms::Form;
use super::super::profile::{ColumnProfile, EXAMPLES};
use crate::value::Class;

/// The profile with empty texts counted as NULL.
pub(super) fn without_empty(p: &ColumnProfile) -> ColumnProfile {
    let mut p = p.clone();
    p.nulls += p.empty_texts;
    p.texts -= p.empty_texts;
    p.empty_texts = 0;
    p.examples[2].retain(|e| e.text != "''");
    p
}

/// The profile of the values of these classes alone.
pub(super) fn only_of(p: &ColumnProfile, classes: &[Class]) -> ColumnProfile {
    let mut p = p.clone();
    let without = |class| !classes.contains(&class);
    if without(Class::Integer) {
        (p.integers, p.integer_min, p.integer_max) = (0, 0, 0);
    }
    if without(Class::Real) {
        (p.reals, p.non_finite, p.negative_zeros, p.integral_reals) = (0, 0, 0, 0);
        (p.real_min, p.real_max, p.real_before, p.real_after) = (0.0, 0.0, 0, 0);
    }
    if without(Class::Text) {
        (p.texts, p.empty_texts, p.nul_texts, p.invalid_texts) = (0, 0, 0, 0);
        (p.text_max_bytes, p.text_max_chars) = (0, 0);
    }
    if without(Class::Blob) {
        (p.blobs, p.blobs_of_16, p.blob_max_bytes) = (0, 0, 0);
    }
    p
}

/// The class of most values.
pub(super) fn majority(p: &ColumnProfile) -> Class {
    let classes = [Class::Integer, Class::Real, Class::Text, Class::Blob];
    classes.into_iter().max_by_key(|c| p.of_class(*c)).unwrap_or(Class::Text)
}

/// The spelling of true and false ([`Normal::WORDS`]) in which every text is written.
pub(super) fn boolean_words(p: &ColumnProfile) -> Option<u8> {
    let words = p.boolean_words();
    (p.empty_texts == 0 && words != 0).then(|| u8::try_from(words.trailing_zeros()).ok()).flatten()
}

/// The same, where both words occur.
pub(super) fn both_boolean_words(p: &ColumnProfile) -> Option<u8> {
    boolean_words(p).filter(|_| p.distinct() == Some(2))
}

/// Whether every text is a UUID without dashes, in lower case.
pub(super) fn hex_of_32(p: &ColumnProfile) -> bool {
    p.all_texts_are(Form::UuidHexLower)
}

/// The same, and the first different ones carry a version and the variant of RFC 9562: other numbers of 128 bits
/// (hashes, say) are written so too. Source: <https://www.rfc-editor.org/rfc/rfc9562#section-4>.
pub(super) fn uuid_hex(p: &ColumnProfile) -> bool {
    let versioned = |text: &str| {
        let digits = text.trim_matches('\'').as_bytes();
        matches!(digits.get(12), Some(b'1'..=b'8')) && matches!(digits.get(16), Some(b'8' | b'9' | b'a' | b'b'))
    };
    hex_of_32(p) && p.examples[2].iter().all(|e| versioned(&e.text))
}

/// The same, sure enough where nothing was declared: hashes pass for UUIDs one time in eight, three of them hardly ever.
pub(super) fn surely_uuid_hex(p: &ColumnProfile) -> bool {
    uuid_hex(p) && p.examples[2].len() >= EXAMPLES
}

/// Whether every text is written as this type reads it.
pub(super) fn has_form(p: &ColumnProfile, ty: PgType) -> bool {
    let count = |form| p.count(form).unwrap_or(0);
    let of = match ty {
        PgType::Time => count(Form::Clock),
        PgType::Interval => count(Form::Interval),
        PgType::Inet => count(Form::Ipv4) + count(Form::Ipv6) + count(Form::Cidr),
        PgType::Cidr => count(Form::Cidr),
        PgType::MacAddr => count(Form::Mac),
        _ => 0,
    };
    p.texts > 0 && of == p.texts
}

/// How such texts come back.
pub(super) fn form_normal(p: &ColumnProfile, ty: PgType) -> Normal {
    let exact = ty == PgType::Time && p.all_texts_are(Form::ClockCanonical);
    if exact { Normal::Exact } else { Normal::Canonical }
}

/// Whether every text is JSON by its grammar.
pub(super) fn all_json(p: &ColumnProfile) -> bool {
    p.all_texts_are(Form::JsonValid)
}

/// Whether every text is a JSON object or array.
pub(super) fn json_containers(p: &ColumnProfile) -> bool {
    let count = |form| p.count(form).unwrap_or(0);
    p.texts > 0 && count(Form::JsonObject) + count(Form::JsonArray) == p.texts
}

/// Whether every text has so many characters.
pub(super) fn all_texts_have(p: &ColumnProfile, characters: u32) -> bool {
    p.texts > 0 && p.text_min_chars == u64::from(characters) && p.text_max_chars == u64::from(characters)
}

/// The unit in which all integers count time since 1970, if they are of the years 2001 to 2099: smaller seconds may as
/// well count from 2001, as Apple's do.
pub(super) fn epoch(p: &ColumnProfile) -> Option<(Normal, &'static str)> {
    const TEN_DIGITS: i64 = 1_000_000_000;
    let (normal, unit, per_second) = match p.epoch()? {
        Normal::EpochSeconds => (Normal::EpochSeconds, "seconds", 1),
        Normal::EpochMillis => (Normal::EpochMillis, "milliseconds", 1_000),
        Normal::EpochMicros => (Normal::EpochMicros, "microseconds", 1_000_000),
        Normal::EpochNanos => (Normal::EpochNanos, "nanoseconds", 1_000_000_000),
        _ => return None,
    };
    (p.integer_min / per_second >= TEN_DIGITS).then_some((normal, unit))
}
