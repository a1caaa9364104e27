//! What policies change in a value before it is compared: the same meaning as the codecs', made apart from them.
//! Owns its own reading of UTF-8 and of Windows-1252; never counts what it changed.

use crate::mapping::treat::Treatment;
use std::borrow::Cow;

/// The text after its treatments, or `None` for NULL. What the type does not hold is not decided here.
pub fn text<'a>(treatments: &[Treatment], text: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let has = |treatment| treatments.contains(&treatment);
    let mut now = Cow::Borrowed(text);
    let invalid = [Treatment::InvalidLatin1, Treatment::InvalidCp1252, Treatment::InvalidReplace];
    let invalid = invalid.into_iter().find(|treatment| has(*treatment));
    if let Some(treatment) = invalid.filter(|_| Pieces(text).any(|piece| piece.is_none())) {
        let mut out = Vec::with_capacity(text.len() + text.len() / 8);
        match treatment {
            Treatment::InvalidLatin1 => text.iter().for_each(|b| put(&mut out, u32::from(*b))),
            Treatment::InvalidCp1252 => text.iter().for_each(|b| put(&mut out, windows(*b))),
            _ => Pieces(text).for_each(|piece| match piece {
                Some(character) => out.extend_from_slice(character),
                None => put(&mut out, 0xfffd),
            }),
        }
        now = Cow::Owned(out);
    }
    if now.contains(&0) && (has(Treatment::NulReplace) || has(Treatment::NulStrip)) {
        let mut out = Vec::with_capacity(now.len());
        for b in now.iter() {
            match b {
                0 if has(Treatment::NulReplace) => put(&mut out, 0xfffd),
                0 => {}
                b => out.push(*b),
            }
        }
        now = Cow::Owned(out);
    }
    (!now.is_empty() || !has(Treatment::EmptyNull)).then_some(now)
}

/// The pieces of a text: the bytes of one character, or `None` for the longest start of one that cannot go on.
struct Pieces<'a>(&'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = Option<&'a [u8]>;

    /// By table 3-7 of the Unicode standard: which bytes may follow which.
    fn next(&mut self) -> Option<Self::Item> {
        let first = self.0.first()?;
        let (length, second) = match first {
            0..=0x7f => (1, 0..=0),
            0xc2..=0xdf => (2, 0x80..=0xbf),
            0xe0 => (3, 0xa0..=0xbf),
            0xe1..=0xec | 0xee | 0xef => (3, 0x80..=0xbf),
            0xed => (3, 0x80..=0x9f),
            0xf0 => (4, 0x90..=0xbf),
            0xf1..=0xf3 => (4, 0x80..=0xbf),
            0xf4 => (4, 0x80..=0x8f),
            _ => (0, 0..=0),
        };
        let mut end = 1;
        while end < length {
            let follows = if end == 1 { second.clone() } else { 0x80..=0xbf };
            if !self.0.get(end).is_some_and(|b| follows.contains(b)) {
                break;
            }
            end += 1;
        }
        let (piece, rest) = self.0.split_at(end);
        self.0 = rest;
        Some((end == length).then_some(piece))
    }
}

/// Appends a character, of those that occur here (up to U+FFFF).
fn put(out: &mut Vec<u8>, c: u32) {
    let tail = |shift: u32| (0x80 | (c >> shift & 0x3f)) as u8;
    match c {
        0..0x80 => out.push(c as u8),
        0x80..0x800 => out.extend([0xc0 | (c >> 6) as u8, tail(0)]),
        _ => out.extend([0xe0 | (c >> 12) as u8, tail(6), tail(0)]),
    }
}

/// A byte of Windows-1252; those that it leaves open are what ISO 8859-1 takes them for.
fn windows(byte: u8) -> u32 {
    match byte {
        0x80 => 0x20ac,
        0x82 => 0x201a,
        0x83 => 0x0192,
        0x84 => 0x201e,
        0x85 => 0x2026,
        0x86 => 0x2020,
        0x87 => 0x2021,
        0x88 => 0x02c6,
        0x89 => 0x2030,
        0x8a => 0x0160,
        0x8b => 0x2039,
        0x8c => 0x0152,
        0x8e => 0x017d,
        0x91 => 0x2018,
        0x92 => 0x2019,
        0x93 => 0x201c,
        0x94 => 0x201d,
        0x95 => 0x2022,
        0x96 => 0x2013,
        0x97 => 0x2014,
        0x98 => 0x02dc,
        0x99 => 0x2122,
        0x9a => 0x0161,
        0x9b => 0x203a,
        0x9c => 0x0153,
        0x9e => 0x017e,
        0x9f => 0x0178,
        other => u32::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::treat::{apply, ordered};
    use crate::value::Value;
    use proptest::prelude::*;

    const ALL: [Treatment; 6] = [
        Treatment::InvalidLatin1,
        Treatment::InvalidCp1252,
        Treatment::InvalidReplace,
        Treatment::NulReplace,
        Treatment::NulStrip,
        Treatment::EmptyNull,
    ];

    fn agree(treatments: &[Treatment], bytes: &[u8]) {
        let theirs = match apply(&ordered(treatments), Value::Text(bytes), |_| ()).value() {
            Value::Text(t) => Some(t.to_vec()),
            _ => None,
        };
        assert_eq!(text(treatments, bytes).map(Cow::into_owned), theirs, "{treatments:?} {bytes:x?}");
    }

    proptest! {
        #[test]
        fn the_codecs_treatments_agree(
            treatments in proptest::sample::subsequence(&ALL[..], 0..=6),
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(b'a'), Just(0xe2), Just(0x82), Just(0xf0), Just(0x90)], 0..16),
        ) {
            agree(&treatments, &bytes);
        }
    }

    #[test]
    fn every_byte_and_every_pair() {
        for a in 0..=255 {
            for treatment in ALL {
                (0..=255).for_each(|b| agree(&[treatment], &[a, b, b'x']));
                agree(&[treatment], &[a]);
                agree(&[treatment], &[a, 0xff]);
            }
        }
    }
}
