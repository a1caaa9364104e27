//! The words of the file for what the model names otherwise.
//! Owns these words, both ways.

use crate::mapping::PgType;
use crate::mapping::choices::Types;
use crate::mapping::codec::Normal;

/// `types`.
pub(super) const TYPES: [(&str, Types); 3] =
    [("native", Types::Native), ("inferred", Types::Inferred), ("plain", Types::Plain)];

/// `collation`: its word, and whether it is the database's.
pub(super) const COLLATION: [(&str, bool); 2] = [("source", false), ("database", true)];

/// `values`, but for the words for true and false.
const WRITINGS: [(&str, Normal); 5] = [
    ("epoch-seconds", Normal::EpochSeconds),
    ("epoch-millis", Normal::EpochMillis),
    ("epoch-micros", Normal::EpochMicros),
    ("epoch-nanos", Normal::EpochNanos),
    ("julian-day", Normal::JulianDay),
];

/// The word for how types are chosen.
pub(super) fn types_word(types: Types) -> &'static str {
    TYPES.iter().find(|(_, t)| *t == types).map_or("native", |(word, _)| word)
}

/// Every word of `values`.
pub(super) fn writings() -> Vec<String> {
    let booleans = Normal::WORDS.iter().map(|(yes, no)| format!("{yes}/{no}"));
    WRITINGS.iter().map(|(word, _)| (*word).to_owned()).chain(booleans).collect()
}

/// What a word of `values` means.
pub(super) fn writing(word: &str) -> Option<Normal> {
    if let Some((_, normal)) = WRITINGS.iter().find(|(w, _)| *w == word) {
        return Some(*normal);
    }
    let (yes, no) = word.split_once('/')?;
    let place = Normal::WORDS.iter().position(|pair| *pair == (yes, no))?;
    u8::try_from(place).ok().map(Normal::BooleanWords)
}

/// The word for how values are written; `None` where a person has no choice.
pub(super) fn writing_word(normal: Normal) -> Option<String> {
    if let Normal::BooleanWords(i) = normal {
        return Normal::WORDS.get(usize::from(i)).map(|(yes, no)| format!("{yes}/{no}"));
    }
    WRITINGS.iter().find(|(_, n)| *n == normal).map(|(word, _)| (*word).to_owned())
}

/// The types that values written so can have; the first is meant where none is said.
pub(super) fn types_of(normal: Normal) -> &'static [PgType] {
    match normal {
        Normal::BooleanWords(_) => &[PgType::Boolean],
        Normal::JulianDay => &[PgType::Timestamp],
        _ => &[PgType::TimestampTz],
    }
}
