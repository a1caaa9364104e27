//! Values that are too long to be held whole: counted piece by piece, without forms.
//! Owns the reading of pieces; never keeps one.

use super::{ColumnProfile, EXAMPLES};
use crate::mapping::forms::{Flaw, Group};
use crate::value::{Class, Value};

/// How many of its first bytes stand for a long value.
const HEAD: usize = 64;

/// What was learned of one long value.
#[derive(Clone, Debug, Default)]
pub struct LongValue {
    head: Vec<u8>,
    chars: u64,
    nul: bool,
    invalid: bool,
    /// The bytes of a character that the next piece goes on with.
    carry: Vec<u8>,
}

impl LongValue {
    /// Nothing was read of it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes in.
    pub fn take(&mut self, piece: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..room]);
        self.chars += piece.iter().filter(|c| (**c & 0xC0) != 0x80).count() as u64;
        self.nul |= piece.contains(&0);
        let mut rest = piece;
        // A character cut by the border between two pieces is at most four bytes.
        while !self.carry.is_empty() && !self.invalid {
            let Some((first, more)) = rest.split_first() else { return };
            self.carry.push(*first);
            rest = more;
            match std::str::from_utf8(&self.carry) {
                Ok(_) => self.carry.clear(),
                Err(e) => self.invalid |= e.error_len().is_some(),
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => {}
            Err(e) if e.error_len().is_some() => self.invalid = true,
            Err(e) => self.carry.extend_from_slice(&rest[e.valid_up_to()..]),
        }
    }

    /// What is wrong with the text that was read.
    pub fn flaw(&self) -> Flaw {
        if self.invalid || !self.carry.is_empty() {
            Flaw::InvalidUtf8
        } else if self.nul {
            Flaw::Nul
        } else {
            Flaw::None
        }
    }
}

impl ColumnProfile {
    /// Takes a text or blob in that is too long to be held whole: it has no form. Where its bytes could not be read,
    /// `value` is empty, and `length` is all that is known. Returns whether the row is one to remember, as
    /// [`ColumnProfile::observe`] does.
    #[cold]
    pub fn observe_huge(&mut self, class: Class, length: u64, value: &LongValue) -> bool {
        if class == Class::Blob {
            self.blobs += 1;
            self.blob_min_bytes = if self.blobs == 1 { length } else { self.blob_min_bytes.min(length) };
            self.blob_max_bytes = self.blob_max_bytes.max(length);
            self.distinct.give_up();
            return self.blobs <= EXAMPLES as u64 && self.keep_example(3, length, Value::Blob(&value.head));
        }
        self.texts += 1;
        if self.texts == 1 {
            (self.text_min_bytes, self.text_min_chars) = (length, u64::MAX);
        }
        self.text_min_bytes = self.text_min_bytes.min(length);
        self.text_max_bytes = self.text_max_bytes.max(length);
        self.text_min_chars = self.text_min_chars.min(value.chars);
        self.text_max_chars = self.text_max_chars.max(value.chars);
        self.distinct.give_up();
        self.labels.give_up();
        let mut remember = self.texts <= EXAMPLES as u64 && self.keep_example(2, length, Value::Text(&value.head));
        if self.limit_chars.is_some_and(|limit| value.chars > u64::from(limit)) {
            remember |= self.observe_long();
        }
        let flaw = value.flaw();
        if flaw != Flaw::None {
            return self.observe_flaw(flaw, &value.head) | remember;
        }
        for group in Group::ALL {
            if self.dropped & group.bit() == 0 {
                remember |= self.miss(group, &value.head);
            }
        }
        remember
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::forms;

    #[test]
    fn pieces_have_the_flaws_of_the_whole() {
        let texts: [&[u8]; 9] = [
            "plain".as_bytes(),
            "zwölf Boxkämpfer 🥊 jagen €".as_bytes(),
            b"nul\0inside",
            b"bad \xff byte",
            "cut off €".as_bytes().split_last().unwrap().1,
            b"\xed\xa0\x80 surrogate",
            b"\xc3",
            b"\xc3A and on",
            b"\0\xf0\x9f\x9f",
        ];
        for text in texts {
            for size in 1..=text.len() {
                let mut seen = LongValue::new();
                text.chunks(size).for_each(|piece| seen.take(piece));
                assert_eq!(seen.flaw(), forms::flaw(text), "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_long_value_is_counted_as_a_short_one_without_forms() {
        let text = "€ and more, no form at all".repeat(10);
        let (mut short, mut long) = (ColumnProfile::default(), ColumnProfile::default());
        short.observe(Value::Text(text.as_bytes()));
        let mut seen = LongValue::new();
        text.as_bytes().chunks(5).for_each(|piece| seen.take(piece));
        long.observe_huge(Class::Text, text.len() as u64, &seen);
        assert_eq!(without_differences(&short), without_differences(&long));
        short.observe(Value::Blob(text.as_bytes()));
        long.observe_huge(Class::Blob, text.len() as u64, &seen);
        assert_eq!(without_differences(&short), without_differences(&long));
    }

    /// How many values differ is not counted of long ones.
    fn without_differences(profile: &ColumnProfile) -> ColumnProfile {
        let mut profile = profile.clone();
        profile.distinct.give_up();
        profile.labels.give_up();
        profile.example_hashes = Default::default();
        profile
    }
}
