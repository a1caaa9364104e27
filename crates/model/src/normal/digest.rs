//! SHA-256 of a row, and sums of them modulo 2^256.
//! Owns the arithmetic of digests; never sees a value.

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of one row's fields.
pub type RowDigest = [u8; 32];

/// What the hash begins with: FIPS 180-4, section 5.3.3, <https://csrc.nist.gov/pubs/fips/180-4/upd1/final>.
const BEGIN: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// Fields that fit two blocks with the byte 0x80 and the length that SHA-256 puts behind them.
const TWO_BLOCKS: usize = 2 * BLOCK - 9;
const BLOCK: usize = 64;

/// The digest of one row.
#[inline]
pub fn row(fields: &[u8]) -> RowDigest {
    if fields.len() > TWO_BLOCKS {
        return Sha256::digest(fields).into();
    }
    // Most rows are so short that the bookkeeping of the general way costs a fifth of it.
    let mut blocks = [[0u8; BLOCK]; 2];
    let flat = blocks.as_flattened_mut();
    flat[..fields.len()].copy_from_slice(fields);
    flat[fields.len()] = 0x80;
    let count = if fields.len() > BLOCK - 9 { 2 } else { 1 };
    let bits = 8 * fields.len() as u64;
    flat[count * BLOCK - 8..count * BLOCK].copy_from_slice(&bits.to_be_bytes());
    let mut state = BEGIN;
    compress256(&mut state, &blocks[..count]);
    let mut digest = [0; 32];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

/// The digest of a row whose fields come piece by piece: as [`row`] of all pieces in one.
#[derive(Clone, Debug, Default)]
pub struct RowHasher(Sha256);

impl RowHasher {
    /// No field yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the fields in.
    pub fn take(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything that was taken in.
    pub fn finish(self) -> RowDigest {
        self.0.finalize().into()
    }
}

/// A multiset of rows: their number, and the sum of their digests modulo 2^256 (each digest read as a big-endian number).
/// Equal multisets have equal sums, in whatever order and in however many parts they were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Four 64-bit limbs, least significant first.
    limbs: [u64; 4],
    /// How many rows.
    pub rows: u64,
}

impl Sum {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row.
    #[inline]
    pub fn add(&mut self, digest: &RowDigest) {
        self.add_limbs(limbs_of(digest));
        self.rows = self.rows.saturating_add(1);
    }

    /// Adds all rows of another part.
    pub fn merge(&mut self, other: &Sum) {
        self.add_limbs(other.limbs);
        self.rows = self.rows.saturating_add(other.rows);
    }

    /// Takes away all rows of a part that was added before.
    pub fn take_away(&mut self, other: &Sum) {
        // Two's complement: minus x is not x, plus one.
        let mut negative = Sum { limbs: other.limbs.map(|l| !l), rows: 0 };
        negative.add_limbs([1, 0, 0, 0]);
        self.add_limbs(negative.limbs);
        self.rows = self.rows.saturating_sub(other.rows);
    }

    /// The sum as 64 hex digits, most significant first.
    pub fn hex(&self) -> String {
        self.limbs.iter().rev().map(|l| format!("{l:016x}")).collect()
    }

    /// Reads what [`Sum::hex`] wrote.
    pub fn from_hex(hex: &str, rows: u64) -> Option<Sum> {
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut limbs = [0; 4];
        for (i, limb) in limbs.iter_mut().enumerate() {
            let from = 48 - 16 * i;
            *limb = u64::from_str_radix(&hex[from..from + 16], 16).ok()?;
        }
        Some(Sum { limbs, rows })
    }

    fn add_limbs(&mut self, other: [u64; 4]) {
        let mut carry = false;
        for (limb, more) in self.limbs.iter_mut().zip(other) {
            let (a, c1) = limb.overflowing_add(more);
            let (b, c2) = a.overflowing_add(u64::from(carry));
            *limb = b;
            carry = c1 || c2;
        }
    }
}

fn limbs_of(digest: &RowDigest) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (i, limb) in limbs.iter_mut().enumerate() {
        let mut eight = [0; 8];
        eight.copy_from_slice(&digest[24 - 8 * i..32 - 8 * i]);
        *limb = u64::from_be_bytes(eight);
    }
    limbs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_row_has_the_sha256_of_its_bytes() {
        let bytes: Vec<u8> = (0..300u32).map(|i| (i * 31 % 251) as u8 | 1).collect();
        for length in 0..bytes.len() {
            let mut hasher = RowHasher::new();
            bytes[..length].chunks(7).for_each(|piece| hasher.take(piece));
            assert_eq!(row(&bytes[..length]), hasher.finish(), "{length} bytes");
        }
        let hex: String = row(b"abc").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn order_and_parts_do_not_matter_but_a_duplicate_does() {
        let rows: Vec<RowDigest> = (0..50u8).map(|i| row(&[i])).collect();
        let mut all = Sum::new();
        rows.iter().for_each(|r| all.add(r));
        let (mut a, mut b) = (Sum::new(), Sum::new());
        rows.iter().rev().take(20).for_each(|r| a.add(r));
        rows.iter().rev().skip(20).for_each(|r| b.add(r));
        a.merge(&b);
        assert_eq!(a, all);
        all.add(&rows[0]);
        assert_ne!(a.hex(), all.hex());
        assert_eq!(Sum::from_hex(&all.hex(), all.rows), Some(all));
    }

    #[test]
    fn what_was_added_can_be_taken_away() {
        let rows: Vec<RowDigest> = (0..50u8).map(|i| row(&[i])).collect();
        for cut in [0, 1, 25, 49, 50] {
            let (mut all, mut part, mut rest) = (Sum::new(), Sum::new(), Sum::new());
            rows.iter().for_each(|r| all.add(r));
            rows.iter().take(cut).for_each(|r| part.add(r));
            rows.iter().skip(cut).for_each(|r| rest.add(r));
            all.take_away(&part);
            assert_eq!(all, rest, "{cut}");
        }
    }

    #[test]
    fn pieces_give_the_digest_of_the_whole() {
        let fields: Vec<u8> = (0..1000u32).flat_map(|i| i.to_be_bytes()).collect();
        for size in [1, 7, 64, 1000, 5000] {
            let mut hasher = RowHasher::new();
            fields.chunks(size).for_each(|piece| hasher.take(piece));
            assert_eq!(hasher.finish(), row(&fields), "pieces of {size}");
        }
    }

    #[test]
    fn carries_run_through() {
        let mut s = Sum::from_hex(&"f".repeat(64), 1).unwrap();
        let mut one = [0; 32];
        one[31] = 1;
        s.add(&one);
        assert_eq!(s.hex(), "0".repeat(64));
    }
}
