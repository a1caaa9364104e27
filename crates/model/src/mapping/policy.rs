//! What a person chose for data that PostgreSQL cannot hold as it is: `--policy KIND=CHOICE`.
//! Owns the kinds and their choices; never applies one (see `decide`).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of data that needs a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// NUL bytes in text.
    Nul,
    /// Text that is not valid UTF-8.
    InvalidUtf8,
    /// Several storage classes in one column.
    Mixed,
    /// Rows whose foreign key points nowhere.
    Orphans,
    /// NULL in a primary key or a NOT NULL column.
    NullKey,
    /// A key that is not unique under the chosen types.
    DuplicateKey,
    /// Rows that break a CHECK of their own table.
    Checks,
    /// A value beyond the limits of an index. One beyond those of a row has no choice: see [`Kind::NO_PLACE`].
    TooLarge,
}

/// A kind, its word, the choice that keeps everything (`None` where none is known), and whether that is the default.
const KINDS: [(Kind, &str, Option<&str>, bool); 8] = [
    (Kind::Nul, "nul", Some("bytea"), false),
    (Kind::InvalidUtf8, "invalid-utf8", Some("bytea"), false),
    (Kind::Mixed, "mixed", Some("text"), true),
    (Kind::Orphans, "orphans", Some("not-valid"), false),
    (Kind::NullKey, "null-key", Some("keep"), false),
    (Kind::DuplicateKey, "duplicate-key", Some("keep"), false),
    (Kind::Checks, "checks", Some("not-valid"), false),
    (Kind::TooLarge, "too-large", Some("skip-index"), false),
];

/// The choices made. `Policies::default()` stops at everything that would lose something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// Kinds whose lossless choice was made.
    chosen: Vec<Kind>,
}

impl Default for Policies {
    fn default() -> Self {
        Policies { chosen: KINDS.iter().filter(|k| k.3).map(|k| k.0).collect() }
    }
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
        for (_, word, choice, default) in KINDS {
            match choice {
                Some(choice) if default => write!(f, ", {word}=fail|{choice} (default {choice})")?,
                Some(choice) => write!(f, ", {word}=fail|{choice}")?,
                None => write!(f, ", {word}=fail")?,
            }
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
            self.chosen = KINDS.iter().filter(|k| k.2.is_some()).map(|k| k.0).collect();
            return Ok(());
        }
        let (word, choice) = text.split_once('=').ok_or_else(unknown)?;
        let (kind, _, keep, _) = KINDS.iter().find(|k| k.1 == word).ok_or_else(unknown)?;
        self.chosen.retain(|k| k != kind);
        if choice == "fail" {
            Ok(())
        } else if *keep == Some(choice) {
            self.chosen.push(*kind);
            Ok(())
        } else {
            Err(unknown())
        }
    }

    /// Whether data of this kind are to be kept (by the choice that loses nothing) rather than to stop the run.
    pub fn keeps(&self, kind: Kind) -> bool {
        self.chosen.contains(&kind)
    }
}

impl Kind {
    /// The hint of a value that PostgreSQL holds nowhere, whatever is chosen.
    pub const NO_PLACE: &str = "PostgreSQL has no place for it: leave the table out or make the value smaller";

    /// Its word.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|k| k.0 == self).map_or("", |k| k.1)
    }

    /// The hint of a finding of this kind: which policy keeps the data, and what it does.
    pub fn hint(self) -> String {
        let does = match self {
            Kind::Nul | Kind::InvalidUtf8 => "keeps the column as bytea, byte for byte",
            Kind::Mixed => "keeps every value as text",
            Kind::Orphans => "keeps the rows and makes the foreign key NOT VALID (new rows are checked)",
            Kind::NullKey => "keeps the rows: NOT NULL is dropped and a primary key becomes a unique constraint",
            Kind::DuplicateKey => "keeps the rows: the key becomes an index that is not unique",
            Kind::Checks => "keeps the rows and makes the check NOT VALID (new rows are checked)",
            Kind::TooLarge => "keeps the rows and leaves the key or index out (and foreign keys to it)",
        };
        let choice = KINDS.iter().find(|k| k.0 == self).and_then(|k| k.2).unwrap_or("fail");
        format!("--policy {}={choice} {does}; or mend the rows in the source", self.word())
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
        let p = Policies::parse(["mixed=fail", "nul=bytea"]).unwrap();
        assert!(!p.keeps(Kind::Mixed) && p.keeps(Kind::Nul));
    }

    #[test]
    fn unknown_policies_list_what_exists() {
        for bad in ["nul", "nul=replace", "colour=red", "", "Lossless", "too-large=keep"] {
            let message = Policies::parse([bad]).unwrap_err().to_string();
            assert!(message.contains("invalid-utf8=fail|bytea") && message.contains("lossless"), "{message}");
        }
    }
}
