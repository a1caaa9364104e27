//! What a policy does to a value before it crosses.
//! Owns the treatments and their order; never counts what it changed, never decides one (see `decide`).

use serde::{Deserialize, Serialize};

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
