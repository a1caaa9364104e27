//! What can be asked of a profile.
//! Owns the questions; never counts and never decides.

use super::{ColumnProfile, Example};
use crate::mapping::codec::Normal;
use crate::mapping::epoch;
use crate::mapping::forms::{ALL_WORDS, Form, Group};
use crate::mapping::numeric::Decimal;
use crate::value::Class;

impl ColumnProfile {
    /// Values that are not NULL.
    pub fn values(&self) -> u64 {
        self.integers + self.reals + self.texts + self.blobs
    }

    /// All rows seen.
    pub fn rows(&self) -> u64 {
        self.nulls + self.values()
    }

    /// How many values are of a class.
    pub fn of_class(&self, class: Class) -> u64 {
        match class {
            Class::Null => self.nulls,
            Class::Integer => self.integers,
            Class::Real => self.reals,
            Class::Text => self.texts,
            Class::Blob => self.blobs,
        }
    }

    /// How many texts have this form; `None` if that was not counted to the end (then at least one text that is not
    /// empty lacks it).
    pub fn count(&self, form: Form) -> Option<u64> {
        (self.dropped & form.group().bit() == 0).then(|| self.form_counts[form as usize])
    }

    /// Whether there are texts and every one has this form.
    pub fn all_texts_are(&self, form: Form) -> bool {
        self.texts > 0 && self.count(form) == Some(self.texts)
    }

    /// Whether there are texts that are not empty and every one of them has this form.
    pub fn all_filled_texts_are(&self, form: Form) -> bool {
        self.texts > self.empty_texts && self.count(form) == Some(self.texts - self.empty_texts)
    }

    /// First texts that have no form of the group; of JSON: that jsonb does not hold.
    pub fn misses(&self, group: Group) -> &[Example] {
        &self.misses[group.index()]
    }

    /// The spellings of true and false ([`Normal::WORDS`]) in which every text that is not empty is written, as a mask
    /// of their places; 0 if there is none, or no such text.
    pub fn boolean_words(&self) -> u16 {
        if self.all_filled_texts_are(Form::BooleanWord) { ALL_WORDS & !self.words_broken } else { 0 }
    }

    /// How many different values there are, if it is not more than [`super::DISTINCT`]. 1 and 1.0 are one, NULL is none.
    pub fn distinct(&self) -> Option<u64> {
        self.distinct.count()
    }

    /// Every different text in the order of their first rows, if there are at most [`super::LABELS`], none of them long
    /// or with a flaw.
    pub fn labels(&self) -> Option<&[String]> {
        (!self.labels.more).then_some(&self.labels.texts)
    }

    /// Bytes of the largest value; numbers have 8.
    pub fn largest(&self) -> u64 {
        let numbers = if self.integers + self.reals > 0 { 8 } else { 0 };
        self.text_max_bytes.max(self.blob_max_bytes).max(numbers)
    }

    /// Every row that is remembered because its value is remarkable; those of plain examples are not among them.
    pub(super) fn places(&self) -> impl Iterator<Item = u64> {
        let places = [&self.null_places, &self.nul_places, &self.invalid_places, &self.long_places];
        let examples = self.misses.iter().chain([&self.odd_reals]).flatten().map(|e| e.row);
        places.into_iter().flatten().copied().chain(examples)
    }

    /// Reals that are neither infinite nor -0.0.
    pub(super) fn plain_reals(&self) -> u64 {
        self.reals - self.non_finite - self.negative_zeros
    }

    /// Whether every integer is a double exactly (|i| at most 2^53; beyond that some are, but not all).
    pub fn integers_exact_in_double(&self) -> bool {
        const LIMIT: i64 = 1 << 53;
        self.integers == 0 || (self.integer_min >= -LIMIT && self.integer_max <= LIMIT)
    }

    /// Bits of the smallest of PostgreSQL's integer types that holds every integer: 16, 32 or 64.
    pub fn integer_bits(&self) -> u32 {
        let (low, high) = (self.integer_min, self.integer_max);
        if i16::try_from(low).is_ok() && i16::try_from(high).is_ok() {
            16
        } else if i32::try_from(low).is_ok() && i32::try_from(high).is_ok() {
            32
        } else {
            64
        }
    }

    /// Whether every number fits `numeric(precision, scale)` exactly; never if decimals were not measured.
    pub fn fits_numeric(&self, precision: u16, scale: u16) -> bool {
        if self.non_finite > 0 || self.negative_zeros > 0 || (self.reals > 0 && self.decimals_skipped) {
            return false;
        }
        let whole = u32::from(precision).saturating_sub(u32::from(scale));
        let integers = [self.integer_min, self.integer_max]
            .iter()
            .all(|i| self.integers == 0 || Decimal::from_integer(*i).fits(precision, scale));
        integers && (self.reals == 0 || (self.real_before <= whole && self.real_after <= u32::from(scale)))
    }

    /// What the integers count since 1970, if every value is an integer and all lie between 1990 and 2100 in seconds,
    /// milliseconds, microseconds or nanoseconds (these exclude each other).
    pub fn epoch(&self) -> Option<Normal> {
        let only = self.integers > 0 && self.integers == self.values();
        let unit = only.then(|| epoch::unit(self.integer_min, self.integer_max)).flatten()?;
        (unit != Normal::EpochNanos || self.finer_than_micros == 0).then_some(unit)
    }

    /// Whether every value is a number and all are, as Julian days, between 1990 and 2100.
    pub fn julian_days(&self) -> bool {
        #[allow(clippy::cast_precision_loss)] // far below 2^53 where the answer is yes
        let integers = self.integers == 0 || epoch::is_julian(self.integer_min as f64, self.integer_max as f64);
        let reals =
            self.reals == 0 || (self.plain_reals() == self.reals && epoch::is_julian(self.real_min, self.real_max));
        self.integers + self.reals > 0 && self.integers + self.reals == self.values() && integers && reals
    }
}
