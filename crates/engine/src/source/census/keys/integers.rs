//! Integers that come in ascending order, held in blocks of 65,536: a run, a list or a bit each, whatever is least.
//! Owns that form; a table's rowids without gaps take next to nothing.

/// Fewer of a block are listed.
const FEW: usize = 4096;
/// Words of 64 bits for a block.
const WORDS: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Integers {
    blocks: Vec<(i64, Block)>,
    /// The block that is being filled.
    open: Vec<u16>,
    high: i64,
    bounds: Option<(i64, i64)>,
    /// Bytes of the lists and bits.
    heap: u64,
}

#[derive(Debug)]
enum Block {
    Run(u16, u16),
    Few(Box<[u16]>),
    Many(Box<[u64]>),
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower bits are what is wanted")]
fn split(i: i64) -> (i64, u16) {
    (i >> 16, i as u16)
}

impl Integers {
    /// Takes the next one; false if it is less than one before.
    #[inline]
    pub(super) fn push(&mut self, i: i64) -> bool {
        let (high, low) = split(i);
        match &mut self.bounds {
            Some((_, last)) if i < *last => return false,
            Some((_, last)) if i == *last => return true,
            Some((_, last)) => *last = i,
            none => *none = Some((i, i)),
        }
        if high != self.high {
            self.seal();
            self.high = high;
        }
        self.open.push(low);
        true
    }

    fn seal(&mut self) {
        let (Some(first), Some(last)) = (self.open.first().copied(), self.open.last().copied()) else { return };
        let block = if usize::from(last - first) + 1 == self.open.len() {
            Block::Run(first, last)
        } else if self.open.len() < FEW {
            self.heap += 2 * self.open.len() as u64;
            Block::Few(self.open.as_slice().into())
        } else {
            self.heap += 8 * WORDS as u64;
            let mut bits = vec![0u64; WORDS];
            for low in &self.open {
                if let Some(word) = bits.get_mut(usize::from(low >> 6)) {
                    *word |= 1 << (low & 63);
                }
            }
            Block::Many(bits.into())
        };
        self.blocks.push((self.high, block));
        self.open.clear();
    }

    /// No more come.
    pub(super) fn finish(&mut self) {
        self.seal();
        self.open = Vec::new();
    }

    /// The least and the greatest.
    #[inline]
    pub(super) fn bounds(&self) -> Option<(i64, i64)> {
        self.bounds
    }

    /// Bytes of memory, but for the open block, which is small and not kept.
    #[inline]
    pub(super) fn bytes(&self) -> u64 {
        self.heap + (self.blocks.capacity() * size_of::<(i64, Block)>()) as u64
    }

    /// Whether it is there; asked once all have come.
    #[inline]
    pub(super) fn contains(&self, i: i64) -> bool {
        let (high, low) = split(i);
        // Where no block is missing, it stands in its place.
        let guess = self.blocks.first().and_then(|(first, _)| usize::try_from(high.wrapping_sub(*first)).ok());
        let block = match guess.and_then(|at| self.blocks.get(at)).filter(|(there, _)| *there == high) {
            Some((_, block)) => block,
            None => match self.blocks.binary_search_by_key(&high, |(there, _)| *there) {
                Ok(at) => match self.blocks.get(at) {
                    Some((_, block)) => block,
                    None => return false,
                },
                Err(_) => return false,
            },
        };
        match block {
            Block::Run(first, last) => (*first..=*last).contains(&low),
            Block::Few(list) => list.binary_search(&low).is_ok(),
            Block::Many(bits) => bits.get(usize::from(low >> 6)).is_some_and(|word| word >> (low & 63) & 1 == 1),
        }
    }

    /// Blocks that are one run each, in order: the first and the last of each.
    pub(super) fn runs(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.blocks.iter().filter_map(|(high, block)| match block {
            Block::Run(first, last) => Some((high << 16 | i64::from(*first), high << 16 | i64::from(*last))),
            _ => None,
        })
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        let lows = |block: &Block| -> Vec<u16> {
            match block {
                Block::Run(first, last) => (*first..=*last).collect(),
                Block::Few(list) => list.to_vec(),
                Block::Many(bits) => {
                    let is_in = |low: &u16| bits.get(usize::from(low >> 6)).is_some_and(|w| w >> (low & 63) & 1 == 1);
                    (0..=u16::MAX).filter(is_in).collect()
                }
            }
        };
        let whole = |high: i64, low: u16| high << 16 | i64::from(low);
        let closed =
            self.blocks.iter().flat_map(move |(high, block)| lows(block).into_iter().map(move |l| whole(*high, l)));
        closed.chain(self.open.iter().map(move |low| whole(self.high, *low)))
    }
}
