//! Keys of any bytes, one behind the other, and a table of their places.
//! Owns that table; keys are compared byte by byte, so that no hash decides anything.

use std::hash::{BuildHasher as _, RandomState};

#[derive(Debug, Default)]
pub(super) struct Bytes {
    /// Each key behind its length in four bytes.
    keys: Vec<u8>,
    /// Where a key stands, plus one; 0 is a free place. Its length is a power of two, or 0.
    slots: Vec<u32>,
    used: usize,
    hasher: RandomState,
}

impl Bytes {
    /// Adds a key; false if there is no place left for it (4 GiB of keys).
    pub(super) fn insert(&mut self, key: &[u8]) -> bool {
        if self.slots.len() < 2 * (self.used + 1) {
            self.grow();
        }
        let free = match self.find(key) {
            Ok(_) => return true,
            Err(free) => free,
        };
        let (Ok(length), Ok(place)) = (u32::try_from(key.len()), u32::try_from(self.keys.len() + 1)) else {
            return false;
        };
        self.keys.extend_from_slice(&length.to_le_bytes());
        self.keys.extend_from_slice(key);
        if let Some(slot) = self.slots.get_mut(free) {
            *slot = place;
            self.used += 1;
        }
        true
    }

    /// Whether it is there.
    #[inline]
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        !self.slots.is_empty() && self.find(key).is_ok()
    }

    /// Bytes of memory.
    #[inline]
    pub(super) fn bytes(&self) -> u64 {
        (self.keys.capacity() + self.slots.capacity() * size_of::<u32>()) as u64
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let key = self.at(at)?;
            at += 4 + key.len();
            Some(key)
        })
    }

    fn at(&self, place: usize) -> Option<&[u8]> {
        let (length, rest) = self.keys.get(place..)?.split_first_chunk::<4>()?;
        rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)
    }

    /// Where it is, or the free place where it would be. There must be free places.
    #[inline]
    fn find(&self, key: &[u8]) -> Result<usize, usize> {
        let mask = self.slots.len().saturating_sub(1);
        #[allow(clippy::cast_possible_truncation, reason = "the lower bits are what is wanted")]
        let mut at = self.hasher.hash_one(key) as usize & mask;
        loop {
            let place = self.slots.get(at).copied().unwrap_or(0);
            if place == 0 {
                return Err(at);
            }
            if self.at(place as usize - 1) == Some(key) {
                return Ok(at);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.slots = vec![0; (self.slots.len() * 2).max(16)];
        let mut place = 0;
        while let Some(key) = self.at(place) {
            let length = key.len();
            if let (Err(free), Ok(there)) = (self.find(key), u32::try_from(place + 1))
                && let Some(slot) = self.slots.get_mut(free)
            {
                *slot = there;
            }
            place += 4 + length;
        }
    }
}
