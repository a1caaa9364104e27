//! What policies change in a value before it is compared: the same meaning as the codecs', made apart from them.
//! Owns its own reading of UTF-8 and of Windows-1252; never counts what it changed.

use crate::mapping::treat::Treatment;

/// The text after its treatments, or `None` for NULL. What the type does not hold is not decided here.
pub fn text(treatments: &[Treatment], text: &[u8]) -> Option<Vec<u8>> {
    let has = |treatment| treatments.contains(&treatment);
    let mut now = text.to_vec();
    if pieces(&now).iter().any(|piece| matches!(piece, Piece::Bad)) {
        if has(Treatment::InvalidLatin1) {
            now = now.iter().flat_map(|b| utf8(u32::from(*b))).collect();
        } else if has(Treatment::InvalidCp1252) {
            now = now.iter().flat_map(|b| utf8(windows(*b))).collect();
        } else if has(Treatment::InvalidReplace) {
            let whole = |piece: &Piece<'_>| match piece {
                Piece::Good(bytes) => bytes.to_vec(),
                Piece::Bad => utf8(0xfffd),
            };
            now = pieces(&now).iter().flat_map(whole).collect();
        }
    }
    if has(Treatment::NulReplace) {
        now = now.iter().flat_map(|b| if *b == 0 { utf8(0xfffd) } else { vec![*b] }).collect();
    } else if has(Treatment::NulStrip) {
        now.retain(|b| *b != 0);
    }
    (!now.is_empty() || !has(Treatment::EmptyNull)).then_some(now)
}

/// A piece of a text: one character, or the longest start of one that cannot go on.
enum Piece<'a> {
    Good(&'a [u8]),
    Bad,
}

/// By table 3-7 of the Unicode standard: which bytes may follow which.
fn pieces(text: &[u8]) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at) {
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
        let mut end = at + 1;
        while end < at + length {
            let follows = if end == at + 1 { second.clone() } else { 0x80..=0xbf };
            if !text.get(end).is_some_and(|b| follows.contains(b)) {
                break;
            }
            end += 1;
        }
        out.push(if end == at + length { Piece::Good(&text[at..end]) } else { Piece::Bad });
        at = end;
    }
    out
}

/// A character's bytes, of those that occur here (below U+FFFF).
fn utf8(c: u32) -> Vec<u8> {
    let tail = |shift: u32| (0x80 | (c >> shift & 0x3f)) as u8;
    match c {
        0..0x80 => vec![c as u8],
        0x80..0x800 => vec![0xc0 | (c >> 6) as u8, tail(0)],
        _ => vec![0xe0 | (c >> 12) as u8, tail(6), tail(0)],
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
        assert_eq!(text(treatments, bytes), theirs, "{treatments:?} {bytes:x?}");
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
