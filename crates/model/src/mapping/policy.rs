//! What a person chose for data that PostgreSQL cannot hold as it is: `--policy KIND=CHOICE`, or a column's in the plan.
//! Owns the kinds and their choices; never applies one (see `decide` and `treat`).

use super::PgType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A kind of data that needs a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// NUL bytes in text.
    Nul,
    /// Text that is not valid UTF-8.
    InvalidUtf8,
    /// Empty text.
    Empty,
    /// Several storage classes in one column.
    Mixed,
    /// Text longer than a `varchar(n)` that was asked for.
    TooLong,
    /// Values of a date column that are no dates.
    Dates,
    /// Values of a JSON column that are no JSON, or none that jsonb holds.
    Json,
    /// NULL in a primary key or a NOT NULL column.
    NullKey,
    /// A key that is not unique under the chosen types.
    DuplicateKey,
    /// Rows whose foreign key points nowhere.
    Orphans,
    /// Rows that break a CHECK of their own table.
    Checks,
    /// A value beyond the limits of an index. One beyond those of a row has no choice: see [`Kind::NO_PLACE`].
    TooLarge,
}

/// What becomes of data of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The run stops before the first row.
    Fail,
    /// It stays as it is (of keys: NOT NULL is dropped, a unique key becomes a plain index).
    Keep,
    /// What does not fit is replaced by U+FFFD.
    Replace,
    /// What does not fit is left out.
    Strip,
    /// The bytes are read as ISO 8859-1.
    Latin1,
    /// The bytes are read as Windows-1252.
    Cp1252,
    /// The column becomes bytea.
    Bytea,
    /// The column becomes text.
    Text,
    /// The column becomes the narrowest type that holds all its classes.
    Widest,
    /// The column becomes jsonb, which tells numbers from texts.
    Jsonb,
    /// The value becomes NULL.
    Null,
    /// The foreign key's columns become NULL.
    SetNull,
    /// The constraint is made NOT VALID.
    NotValid,
    /// The key or index is left out.
    SkipIndex,
    /// A new identity column becomes the primary key.
    Surrogate,
    /// The row goes to `lite2pg.rejected_row`, whole.
    Quarantine,
}

/// A kind, its word, its choices, the default, and the one that keeps everything.
struct Row(Kind, &'static str, &'static [Choice], Choice, Choice);

use Choice::{
    Bytea, Cp1252, Fail, Jsonb, Keep, Latin1, NotValid, Null, Quarantine, Replace, SetNull, SkipIndex, Strip,
    Surrogate, Text, Widest,
};

/// What loses nothing, neither the value nor its class, is the default; all else is off until it is chosen.
const KINDS: [Row; 12] = [
    Row(Kind::Nul, "nul", &[Fail, Replace, Strip, Bytea], Fail, Bytea),
    Row(Kind::InvalidUtf8, "invalid-utf8", &[Fail, Latin1, Cp1252, Replace, Bytea], Fail, Bytea),
    Row(Kind::Empty, "empty", &[Keep, Null], Keep, Keep),
    Row(Kind::Mixed, "mixed", &[Fail, Text, Widest, Jsonb, Quarantine], Text, Text),
    Row(Kind::TooLong, "too-long", &[Fail, Text, Quarantine], Text, Text),
    Row(Kind::Dates, "dates", &[Fail, Text, Null, Quarantine], Text, Text),
    Row(Kind::Json, "json", &[Fail, Text, Quarantine], Text, Text),
    Row(Kind::NullKey, "null-key", &[Fail, Keep, Quarantine, Surrogate], Fail, Keep),
    Row(Kind::DuplicateKey, "duplicate-key", &[Fail, Keep, Quarantine, Surrogate], Fail, Keep),
    Row(Kind::Orphans, "orphans", &[Fail, Quarantine, SetNull, NotValid], Fail, NotValid),
    Row(Kind::Checks, "checks", &[Fail, NotValid], Fail, NotValid),
    Row(Kind::TooLarge, "too-large", &[Fail, SkipIndex], Fail, SkipIndex),
];

/// The choices made; a kind without one has its default. `Policies::default()` stops at everything that would lose
/// something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policies {
    chosen: BTreeMap<Kind, Choice>,
}

/// A policy that does not exist. Its message lists those that do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPolicy {
    /// As it was given.
    pub given: String,
}

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such policy: {}; there are lossless", self.given)?;
        for Row(_, word, choices, default, _) in &KINDS {
            let words: Vec<&str> = choices.iter().map(|c| c.word()).collect();
            write!(f, ", {word}={} (default {})", words.join("|"), default.word())?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownPolicy {}

impl Policies {
    /// Reads policies in the order given; a later one overrides an earlier one of its kind.
    pub fn parse<S: AsRef<str>>(given: impl IntoIterator<Item = S>) -> Result<Self, UnknownPolicy> {
        let mut policies = Policies::default();
        for text in given {
            policies.take(text.as_ref())?;
        }
        Ok(policies)
    }

    fn take(&mut self, text: &str) -> Result<(), UnknownPolicy> {
        let unknown = || UnknownPolicy { given: text.to_owned() };
        if text == "lossless" {
            self.chosen = KINDS.iter().map(|row| (row.0, row.4)).collect();
            return Ok(());
        }
        let (word, choice) = text.split_once('=').ok_or_else(unknown)?;
        let kind = Kind::of(word).ok_or_else(unknown)?;
        let choice = kind.choices().iter().find(|c| c.word() == choice).ok_or_else(unknown)?;
        self.chosen.insert(kind, *choice);
        Ok(())
    }

    /// What was chosen for a kind, or its default.
    pub fn get(&self, kind: Kind) -> Choice {
        self.chosen.get(&kind).copied().unwrap_or_else(|| kind.row().3)
    }

    /// Whether a person chose for this kind.
    pub fn chose(&self, kind: Kind) -> bool {
        self.chosen.contains_key(&kind)
    }

    /// Sets one choice.
    pub fn set(&mut self, kind: Kind, choice: Choice) {
        self.chosen.insert(kind, choice);
    }

    /// Every choice that was made.
    pub fn chosen(&self) -> impl Iterator<Item = (Kind, Choice)> {
        self.chosen.iter().map(|(k, c)| (*k, *c))
    }

    /// These, with those of `closer` (a column's) before them.
    pub fn with(&self, closer: &Policies) -> Policies {
        let mut both = self.clone();
        both.chosen.extend(closer.chosen());
        both
    }

    /// Whether data of this kind do not stop the run.
    pub fn keeps(&self, kind: Kind) -> bool {
        self.get(kind) != Choice::Fail
    }
}

impl Kind {
    /// The hint of a value that PostgreSQL holds nowhere, whatever is chosen.
    pub const NO_PLACE: &str = "PostgreSQL has no place for it: leave the table out or make the value smaller";

    /// The kind of the values that a type does not hold.
    pub fn of_misfits(ty: PgType) -> Kind {
        match ty {
            PgType::Date | PgType::Timestamp | PgType::TimestampTz | PgType::Time => Kind::Dates,
            PgType::Json | PgType::Jsonb => Kind::Json,
            PgType::VarChar(_) | PgType::Char(_) => Kind::TooLong,
            _ => Kind::Mixed,
        }
    }

    /// Every kind.
    pub fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(|row| row.0)
    }

    /// The kind of this word.
    pub fn of(word: &str) -> Option<Kind> {
        KINDS.iter().find(|row| row.1 == word).map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        KINDS.iter().find(|row| row.0 == self).unwrap_or(&KINDS[0])
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// What may be chosen.
    pub fn choices(self) -> &'static [Choice] {
        self.row().2
    }

    /// The hint of a finding of this kind: what may be chosen, and what the choice that loses nothing does.
    pub fn hint(self) -> String {
        let does = match self {
            Kind::Nul | Kind::InvalidUtf8 => "keeps the column as bytea, byte for byte",
            Kind::Empty => "keeps empty texts as they are",
            Kind::Mixed => "keeps every value as text",
            Kind::TooLong => "keeps every value: the column has no limit",
            Kind::Dates | Kind::Json => "keeps the column as text, as it was written",
            Kind::Orphans => "keeps the rows and makes the foreign key NOT VALID (new rows are checked)",
            Kind::NullKey => "keeps the rows: NOT NULL is dropped and a primary key becomes a unique constraint",
            Kind::DuplicateKey => "keeps the rows: the key becomes an index that is not unique",
            Kind::Checks => "keeps the rows and makes the check NOT VALID (new rows are checked)",
            Kind::TooLarge => "keeps the rows and leaves the key or index out (and foreign keys to it)",
        };
        let lossless = self.row().4;
        let others: Vec<&str> =
            self.choices().iter().filter(|c| **c != Fail && **c != lossless).map(|c| c.word()).collect();
        let others = match others.is_empty() {
            true => String::new(),
            false => format!("; also {}", others.join(", ")),
        };
        format!("--policy {}={} {does}{others}; or mend the rows in the source", self.word(), lossless.word())
    }
}

impl Choice {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Fail => "fail",
            Keep => "keep",
            Replace => "replace",
            Strip => "strip",
            Latin1 => "latin1",
            Cp1252 => "cp1252",
            Bytea => "bytea",
            Text => "text",
            Widest => "widest",
            Jsonb => "jsonb",
            Null => "null",
            SetNull => "set-null",
            NotValid => "not-valid",
            SkipIndex => "skip-index",
            Surrogate => "surrogate",
            Quarantine => "quarantine",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_in_order() {
        let none: [&str; 0] = [];
        let p = Policies::parse(none).unwrap();
        assert!(p.keeps(Kind::Mixed) && !p.keeps(Kind::Nul));
        let p = Policies::parse(["lossless", "nul=fail"]).unwrap();
        assert!(p.keeps(Kind::Orphans) && !p.keeps(Kind::Nul) && p.keeps(Kind::Checks));
        let p = Policies::parse(["mixed=fail", "nul=strip"]).unwrap();
        assert!(!p.keeps(Kind::Mixed) && p.get(Kind::Nul) == Choice::Strip);
        let closer = Policies::parse(["nul=bytea"]).unwrap();
        assert_eq!((p.with(&closer).get(Kind::Nul), p.with(&closer).get(Kind::Mixed)), (Choice::Bytea, Choice::Fail));
    }

    #[test]
    fn every_default_and_every_lossless_choice_is_one_of_its_kind() {
        for Row(kind, word, choices, default, lossless) in &KINDS {
            assert!(choices.contains(default) && choices.contains(lossless), "{word}");
            assert_eq!(Kind::of(word), Some(*kind));
        }
    }

    #[test]
    fn unknown_policies_list_what_exists() {
        for bad in ["nul", "nul=latin1", "colour=red", "", "Lossless", "too-large=keep"] {
            let message = Policies::parse([bad]).unwrap_err().to_string();
            assert!(message.contains("invalid-utf8=fail|latin1") && message.contains("lossless"), "{message}");
        }
    }
}
