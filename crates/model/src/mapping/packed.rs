//! How many bytes a value takes in a row of a btree index: PostgreSQL compresses long ones first.
//! Owns that measure, so that an index whose rows are too large is known before it is built; never compresses a value for
//! use. Source: <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/common/pg_lzcompress.c> for the method,
//! `index_form_tuple` and `TOAST_INDEX_TARGET` for where it is used.

/// Values that take more, with their head, are compressed.
const TRIED_ABOVE: usize = 510;
/// Head of a value that is not compressed, and of one that is.
const HEAD: (usize, usize) = (4, 8);
/// What is repeated must begin so near before it.
const NEAR: usize = 0x0fff;
/// Longest piece that is repeated.
const LONGEST: usize = 273;
/// Without anything that repeats in so many bytes nothing is compressed.
const FIRST_SUCCESS: usize = 1024;

/// Bytes that text or a blob takes in an index row, its head included.
pub fn packed(value: &[u8]) -> u64 {
    let whole = value.len() + HEAD.0;
    let small = if whole > TRIED_ABOVE { compressed(value).map(|n| n + HEAD.1) } else { None };
    small.filter(|n| n + 2 < whole).unwrap_or(whole) as u64
}

/// Positions that begin with the same four bytes, the last one first.
struct History {
    heads: Vec<Option<usize>>,
    before: Vec<Option<usize>>,
}

impl History {
    fn of(length: usize) -> History {
        let heads = match length {
            ..128 => 512,
            128..256 => 1024,
            256..512 => 2048,
            512..1024 => 4096,
            _ => 8192,
        };
        History { heads: vec![None; heads], before: Vec::with_capacity(length) }
    }

    fn slot(&self, value: &[u8], at: usize) -> usize {
        let hash = match value.get(at..at + 4) {
            // The bytes are signed there, as `char` is on the common machines; the lowest bits are the same.
            Some([a, b, c, d]) => {
                let wide = |byte: u8| i64::from(byte.cast_signed());
                (wide(*a) << 6) ^ (wide(*b) << 4) ^ (wide(*c) << 2) ^ wide(*d)
            }
            _ => value.get(at).map_or(0, |byte| i64::from(byte.cast_signed())),
        };
        // The number of slots is a power of two.
        usize::try_from(hash.rem_euclid(self.heads.len() as i64)).unwrap_or(0)
    }

    /// Adds the next position.
    fn add(&mut self, value: &[u8]) {
        let at = self.before.len();
        let slot = self.slot(value, at);
        if let Some(head) = self.heads.get_mut(slot) {
            self.before.push(head.replace(at));
        }
    }

    /// The length of what stands at `at` and stood before, and how far before.
    fn find(&self, value: &[u8], at: usize) -> Option<(usize, usize)> {
        let (mut length, mut offset, mut good) = (0, 0, 128);
        let mut next = self.heads.get(self.slot(value, at)).copied().flatten();
        while let Some(there) = next {
            let far = at - there;
            if far >= NEAR {
                break;
            }
            let pairs = value.iter().skip(at).zip(value.iter().skip(there));
            let same = pairs.take(LONGEST).take_while(|(a, b)| a == b).count();
            if same > length {
                (length, offset) = (same, far);
            }
            next = self.before.get(there).copied().flatten();
            if next.is_some() {
                if length >= good {
                    break;
                }
                good -= good * 10 / 100;
            }
        }
        (length > 2).then_some((length, offset))
    }
}

/// The size of the value as PostgreSQL compresses it; `None` where it saves less than a quarter.
fn compressed(value: &[u8]) -> Option<usize> {
    let most = value.len() * 75 / 100;
    let mut history = History::of(value.len());
    let (mut at, mut size, mut items, mut found) = (0, 0, 0, false);
    while at < value.len() {
        if size >= most || (!found && size >= FIRST_SUCCESS) {
            return None;
        }
        // One bit an item tells what it is.
        size += usize::from(items % 8 == 0);
        items += 1;
        let step = match history.find(value, at) {
            Some((length, _)) => {
                found = true;
                size += if length > 17 { 3 } else { 2 };
                length
            }
            None => {
                size += 1;
                1
            }
        };
        for _ in 0..step {
            history.add(value);
        }
        at += step;
    }
    (size < most).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_small_and_what_does_not_is_not() {
        assert_eq!(packed(b"short"), 9);
        assert!(packed(&b"ab".repeat(5000)) < 200);
        let mut seed = 1u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .take(5000)
        .collect();
        assert_eq!(packed(&noise), 5004);
    }
}
