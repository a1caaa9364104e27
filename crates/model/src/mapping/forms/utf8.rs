//! A quick look at text that is not ASCII, eight bytes at a time: whether it is valid UTF-8, its characters, a NUL byte.
//! Owns the texts it is sure of; never says that a text is invalid (the standard library does).

/// What was seen of a text that is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quick {
    /// Characters.
    pub chars: u64,
    /// It has a NUL byte.
    pub nul: bool,
}

const HIGH: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;
/// Words between two sums: eight counters of 31 stay below 256.
const ROUND: usize = 31;

/// The answer, if it is sure: `None` is either invalid or has a character that begins with E0, ED or F0 to FF.
///
/// The high bit of each byte of a mask stands for that byte. A byte of two high bits begins a character, and a byte of the
/// high bit alone continues one: those that continue must be exactly those that follow a beginning of two bytes (110…),
/// once, or of three (1110…), twice. C0 and C1 begin none.
pub fn quick(text: &[u8]) -> Option<Quick> {
    let (mut due, mut odd, mut nul, mut more, mut lanes) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut take = |word: u64| {
        let high = word & HIGH;
        let begin = high & (word << 1);
        let go_on = high & !begin;
        let three = begin & (word << 2);
        let expected = due | begin << 8 | three << 16;
        due = begin >> 56 | three >> 48;
        // Each byte of the mask has its high bit where these bits of the byte are not all zero.
        let any = |bits: u64| (bits & 0x7f7f_7f7f_7f7f_7f7f).wrapping_add(0x7f7f_7f7f_7f7f_7f7f);
        let two = begin & !three;
        let short = two & !any(word & (0x1e * ONES));
        odd |= (expected ^ go_on) | short;
        if three != 0 {
            let e0_or_ed = !any(word & (0x0f * ONES)) | !any((word ^ (0x0d * ONES)) & (0x0f * ONES));
            odd |= three & (e0_or_ed | word << 3);
        }
        nul |= word.wrapping_sub(ONES) & !word & HIGH;
        go_on >> 7
    };
    let mut chunks = text.chunks_exact(8);
    let mut round = 0;
    for chunk in chunks.by_ref() {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        lanes = lanes.wrapping_add(take(u64::from_le_bytes(word)));
        round += 1;
        if round == ROUND {
            more += lanes.wrapping_mul(ONES) >> 56;
            (lanes, round) = (0, 0);
        }
    }
    let mut last = [b' '; 8];
    let rest = chunks.remainder();
    last[..rest.len()].copy_from_slice(rest);
    lanes += take(u64::from_le_bytes(last));
    more += lanes.wrapping_mul(ONES) >> 56;
    (odd == 0 && due == 0).then_some(Quick { chars: text.len() as u64 - more, nul: nul != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agrees(text: &[u8]) {
        match (quick(text), std::str::from_utf8(text)) {
            (Some(quick), Ok(text)) => {
                assert_eq!(quick, Quick { chars: text.chars().count() as u64, nul: text.contains('\0') });
            }
            (Some(_), Err(_)) => panic!("{text:x?} is not valid"),
            (None, Ok(valid)) => {
                let odd = |b: u8| b == 0xE0 || b == 0xED || b >= 0xF0;
                assert!(valid.bytes().any(odd), "{valid:?} could have been sure");
            }
            (None, Err(_)) => {}
        }
    }

    #[test]
    fn every_sequence_of_up_to_three_bytes_at_every_place() {
        for first in 0..=255u8 {
            for second in 0..=255u8 {
                for third in [0, 0x41, 0x7f, 0x80, 0x8f, 0x9f, 0xa0, 0xbf, 0xc2, 0xe1, 0xff] {
                    for place in [0, 5, 6, 7, 8] {
                        let mut text = [b'a'; 19];
                        text[place..place + 3].copy_from_slice(&[first, second, third]);
                        agrees(&text);
                        agrees(&text[..place + 3]);
                        agrees(&text[..place + 2]);
                        agrees(&text[..place + 1]);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "[a-zäöüßλжא日本語한ก😀\u{0}\u{7ff}\u{800}\u{ffff}]{0,300}") {
            agrees(text.as_bytes());
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            agrees(&bytes);
        }

        #[test]
        fn a_byte_that_is_wrong(text in "[aäж日本]{1,80}", at in any::<prop::sample::Index>(), b in any::<u8>()) {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = b;
            agrees(&bytes);
        }
    }

    #[test]
    fn long_texts_are_counted() {
        let text = "ж".repeat(100_000);
        assert_eq!(quick(text.as_bytes()), Some(Quick { chars: 100_000, nul: false }));
    }
}
