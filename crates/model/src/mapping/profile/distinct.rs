//! How many different values a column holds, up to a limit, and which texts these are while they are few.
//! Owns the counting of differences; allocates only when a value is new, and nothing once there are too many.

use crate::value::Value;
use serde::{Deserialize, Serialize};

/// Up to so many different values are counted.
pub const DISTINCT: usize = 1000;
/// Up to so many different texts are kept.
pub const LABELS: usize = 64;
/// Texts longer than this in bytes are not kept.
pub const LABEL_BYTES: usize = 255;

/// The different values of a column, by their hashes. Equal by meaning: 1 and 1.0 are one value, as in SQLite's
/// `count(DISTINCT c)` under BINARY; 1 and '1' are two.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(super) struct Distinct {
    /// An open table of hashes, 0 for a free place; its length is a power of two, or 0.
    slots: Vec<u64>,
    used: usize,
    /// More than [`DISTINCT`]: nothing is held any more.
    pub more: bool,
}

/// How it is written.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Stored {
    hashes: Vec<u64>,
    more: bool,
}

impl Distinct {
    /// How many, if it is not more than [`DISTINCT`].
    pub fn count(&self) -> Option<u64> {
        (!self.more).then_some(self.used as u64)
    }

    /// Takes a hash in; says whether it is new.
    #[inline]
    pub fn add(&mut self, hash: u64) -> bool {
        if self.more {
            return false;
        }
        let hash = hash.max(1);
        if self.slots.len() < 2 * (self.used + 1) {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        // The upper bits are the best mixed; the cast keeps the lower ones of what is left.
        #[allow(clippy::cast_possible_truncation)]
        let mut at = (hash >> 32) as usize & mask;
        loop {
            match self.slots[at] {
                0 => break,
                there if there == hash => return false,
                _ => at = (at + 1) & mask,
            }
        }
        self.slots[at] = hash;
        self.used += 1;
        if self.used > DISTINCT {
            *self = Distinct { more: true, ..Distinct::default() };
        }
        true
    }

    /// A value came that is too long to be told from others: they are counted no more.
    pub fn give_up(&mut self) {
        *self = Distinct { more: true, ..Distinct::default() };
    }

    #[cold]
    fn grow(&mut self) {
        let larger = (self.slots.len() * 4).max(16);
        let old = std::mem::replace(&mut self.slots, vec![0; larger]);
        self.used = 0;
        for hash in old.into_iter().filter(|h| *h != 0) {
            self.add(hash);
        }
    }

    /// Adds those of another part of the column.
    pub fn merge(&mut self, later: &Distinct) {
        if later.more {
            *self = Distinct { more: true, ..Distinct::default() };
        }
        for hash in later.slots.iter().filter(|h| **h != 0) {
            self.add(*hash);
        }
    }
}

impl PartialEq for Distinct {
    fn eq(&self, other: &Self) -> bool {
        Stored::from(self.clone()) == Stored::from(other.clone())
    }
}

impl From<Distinct> for Stored {
    fn from(from: Distinct) -> Stored {
        let mut hashes: Vec<u64> = from.slots.into_iter().filter(|h| *h != 0).collect();
        hashes.sort_unstable();
        Stored { hashes, more: from.more }
    }
}

impl From<Stored> for Distinct {
    fn from(from: Stored) -> Distinct {
        let mut out = Distinct { more: from.more, ..Distinct::default() };
        for hash in from.hashes {
            out.add(hash);
        }
        out
    }
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const OTHER: u64 = 0xd6e8_feb8_6659_fd93;

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ SEED) * u128::from(b ^ OTHER);
    #[allow(clippy::cast_possible_truncation)] // both halves are used
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

#[inline]
fn word(b: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&b[at..at + 8]);
    u64::from_le_bytes(word)
}

#[inline]
fn half(b: &[u8], at: usize) -> u64 {
    let mut half = [0; 4];
    half.copy_from_slice(&b[at..at + 4]);
    u64::from(u32::from_le_bytes(half))
}

fn bytes(b: &[u8], class: u64) -> u64 {
    let length = b.len();
    let seed = mix(length as u64, class);
    match length {
        0 => seed,
        // Every byte is in it, some twice; the length is in the seed.
        1..4 => mix(u64::from(b[0]) << 16 | u64::from(b[length / 2]) << 8 | u64::from(b[length - 1]), seed),
        4..8 => mix(half(b, 0) << 32 | half(b, length - 4), seed),
        8..=16 => mix(word(b, 0) ^ seed, word(b, length - 8)),
        _ => {
            let mut hash = seed;
            let mut at = 0;
            while at + 16 < length {
                hash = mix(word(b, at) ^ hash, word(b, at + 8));
                at += 16;
            }
            mix(word(b, length - 16) ^ hash, word(b, length - 8))
        }
    }
}

/// The hash of an integer.
#[inline]
pub(super) fn of_integer(i: i64) -> u64 {
    mix(i.cast_unsigned(), 1)
}

/// The hash of a value; equal numbers have one.
#[inline]
pub(super) fn of(v: Value<'_>) -> u64 {
    match v {
        Value::Null => 0,
        Value::Integer(i) => of_integer(i),
        Value::Real(r) => {
            #[allow(clippy::cast_possible_truncation)] // checked by the way back
            let whole = r as i64;
            // 2^63 becomes the greatest integer, which is not the same number.
            #[allow(clippy::cast_precision_loss)]
            let same = whole as f64 == r && whole != i64::MAX;
            if same { of_integer(whole) } else { mix(r.to_bits(), 2) }
        }
        Value::Text(b) => bytes(b, 3),
        Value::Blob(b) => bytes(b, 4),
    }
}

/// The different texts of a column while they are few and short, in the order of their first places.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Labels {
    pub texts: Vec<String>,
    /// Too many, too long, or no text at all by PostgreSQL's rules: none are kept.
    pub more: bool,
}

impl Labels {
    /// Takes in a text that is new.
    #[cold]
    pub fn add(&mut self, text: &[u8]) {
        if self.more {
            return;
        }
        match std::str::from_utf8(text) {
            Ok(text) if text.len() <= LABEL_BYTES && self.texts.len() < LABELS && !text.contains('\0') => {
                if !self.texts.iter().any(|t| t == text) {
                    self.texts.push(text.to_owned());
                }
            }
            _ => self.give_up(),
        }
    }

    pub fn give_up(&mut self) {
        *self = Labels { texts: Vec::new(), more: true };
    }

    pub fn merge(&mut self, later: &Labels) {
        if later.more {
            self.give_up();
        }
        later.texts.iter().for_each(|t| self.add(t.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn hashes_differ_where_values_do() {
        let mut seen = HashSet::new();
        for i in -5000..5000i64 {
            assert!(seen.insert(of(Value::Integer(i))));
            assert!(seen.insert(of(Value::Real(i as f64 + 0.5))));
            assert!(seen.insert(of(Value::Text(i.to_string().as_bytes()))));
            assert!(seen.insert(of(Value::Blob(format!("a value of more than sixteen bytes {i}").as_bytes()))));
        }
        for n in 0..40 {
            assert!(seen.insert(of(Value::Text(&vec![0; n]))), "{n} NUL bytes");
        }
        assert_eq!(of(Value::Integer(3)), of(Value::Real(3.0)));
        assert_eq!(of(Value::Integer(0)), of(Value::Real(-0.0)));
        assert_ne!(of(Value::Integer(i64::MAX)), of(Value::Real(9_223_372_036_854_775_808.0)));
    }

    #[test]
    fn the_limit_is_exact() {
        let mut d = Distinct::default();
        for i in 0..1000 {
            assert!(d.add(of_integer(i)) && !d.add(of_integer(i)));
        }
        assert_eq!(d.count(), Some(1000));
        let back: Distinct = serde_json::from_str(&serde_json::to_string(&d).unwrap()).unwrap();
        assert_eq!(back, d);
        assert!(d.add(of_integer(1000)));
        assert_eq!((d.count(), d.slots.len()), (None, 0));
    }
}
