//! The profile of a whole from those of its parts: what one pass over all rows would have given.
//! Owns the adding; the parts come in the order of their rows.

use super::{ColumnProfile, EXAMPLES, Example, PLACES};
use crate::mapping::forms::Group;

impl ColumnProfile {
    /// Adds the profile of rows that come after these (row numbers of `later` are moved behind them).
    pub fn merge(&mut self, later: &ColumnProfile) {
        let moved = self.rows();
        self.merge_ranges(later);
        self.merge_lengths(later);
        self.merge_counts(later);
        self.merge_forms(later, moved);
        self.wanted |= later.wanted;
        add_places(&mut self.null_places, &later.null_places, moved);
        add_places(&mut self.nul_places, &later.nul_places, moved);
        add_places(&mut self.invalid_places, &later.invalid_places, moved);
        add_places(&mut self.long_places, &later.long_places, moved);
        add_examples(&mut self.odd_reals, &later.odd_reals, moved, EXAMPLES);
        for class in 0..self.examples.len() {
            for (example, hash) in later.examples[class].iter().zip(&later.example_hashes[class]) {
                if self.examples[class].len() < EXAMPLES && !self.example_hashes[class].contains(hash) {
                    self.examples[class].push(Example { row: example.row + moved, text: example.text.clone() });
                    self.example_hashes[class].push(*hash);
                }
            }
        }
        self.distinct.merge(&later.distinct);
        self.labels.merge(&later.labels);
        if self.distinct.more {
            self.labels.give_up();
        }
    }

    /// Before the counts, which say whether there is a range yet.
    fn merge_ranges(&mut self, later: &ColumnProfile) {
        if later.integers > 0 {
            let none = self.integers == 0;
            self.integer_min = if none { later.integer_min } else { self.integer_min.min(later.integer_min) };
            self.integer_max = if none { later.integer_max } else { self.integer_max.max(later.integer_max) };
        }
        if later.plain_reals() > 0 {
            let none = self.plain_reals() == 0;
            self.real_min = if none { later.real_min } else { self.real_min.min(later.real_min) };
            self.real_max = if none { later.real_max } else { self.real_max.max(later.real_max) };
        }
        self.real_before = self.real_before.max(later.real_before);
        self.real_after = self.real_after.max(later.real_after);
        self.decimals_unasked |= later.decimals_unasked;
        if self.decimals_skipped || later.decimals_skipped {
            self.skip_decimals();
        }
    }

    fn merge_lengths(&mut self, later: &ColumnProfile) {
        if later.texts > 0 {
            let none = self.texts == 0;
            let least = |mine: u64, theirs: u64| if none { theirs } else { mine.min(theirs) };
            self.text_min_bytes = least(self.text_min_bytes, later.text_min_bytes);
            self.text_min_chars = least(self.text_min_chars, later.text_min_chars);
        }
        if later.blobs > 0 {
            let none = self.blobs == 0;
            self.blob_min_bytes =
                if none { later.blob_min_bytes } else { self.blob_min_bytes.min(later.blob_min_bytes) };
        }
        self.text_max_bytes = self.text_max_bytes.max(later.text_max_bytes);
        self.text_max_chars = self.text_max_chars.max(later.text_max_chars);
        self.blob_max_bytes = self.blob_max_bytes.max(later.blob_max_bytes);
        self.limit_chars = self.limit_chars.or(later.limit_chars);
    }

    fn merge_counts(&mut self, later: &ColumnProfile) {
        self.nulls += later.nulls;
        self.integers += later.integers;
        self.reals += later.reals;
        self.texts += later.texts;
        self.blobs += later.blobs;
        self.finer_than_micros += later.finer_than_micros;
        self.non_finite += later.non_finite;
        self.negative_zeros += later.negative_zeros;
        self.integral_reals += later.integral_reals;
        self.large_reals += later.large_reals;
        self.long_texts += later.long_texts;
        self.empty_texts += later.empty_texts;
        self.nul_texts += later.nul_texts;
        self.invalid_texts += later.invalid_texts;
        self.blobs_of_16 += later.blobs_of_16;
    }

    fn merge_forms(&mut self, later: &ColumnProfile, moved: u64) {
        let before = self.dropped;
        for (mine, theirs) in self.form_counts.iter_mut().zip(later.form_counts) {
            *mine += theirs;
        }
        self.words_broken |= later.words_broken;
        for group in Group::ALL {
            let (mine, theirs) = (&mut self.misses[group.index()], &later.misses[group.index()]);
            if before & group.bit() == 0 {
                add_examples(mine, theirs, moved, EXAMPLES);
            }
            if (self.dropped | later.dropped) & group.bit() != 0 {
                self.drop_group(group);
            }
        }
    }
}

fn add_places(mine: &mut Vec<u64>, theirs: &[u64], moved: u64) {
    let room = PLACES.saturating_sub(mine.len());
    mine.extend(theirs.iter().take(room).map(|row| row + moved));
}

fn add_examples(mine: &mut Vec<Example>, theirs: &[Example], moved: u64, most: usize) {
    let room = most.saturating_sub(mine.len());
    mine.extend(theirs.iter().take(room).map(|e| Example { row: e.row + moved, text: e.text.clone() }));
}
