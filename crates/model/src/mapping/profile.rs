//! What a column holds: counts, ranges and forms of every value, from one pass over the table.
//! Owns counting; never decides (see `decide`), never allocates for a value beyond the first few that are new.

mod ask;
mod distinct;
mod exact;
mod merge;
mod show;
mod table;
#[cfg(test)]
mod tests;

pub mod long;

use super::declared::Declared;
use super::forms::{self, ALL_WORDS, FORMS, Flaw, Form, GROUPS, Group};
use super::numeric::Decimal;
use crate::schema::Column;
use crate::value::Value;
pub use distinct::{DISTINCT, LABELS};
use distinct::{Distinct, Labels};
use serde::{Deserialize, Serialize};
pub use show::show;
pub use table::{KeyColumns, Packed, TableProfile};

/// How many examples of a kind are kept.
pub const EXAMPLES: usize = 3;
/// How many places (row numbers) of a kind are kept.
pub const PLACES: usize = 5;
/// Most digits after the point that are measured of a column whose type does not ask for them.
const SHORT_DECIMALS: u32 = 6;

/// One value that stands for others of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Row number in reading order, from 1.
    pub row: u64,
    /// The value, shortened and escaped.
    pub text: String,
}

/// What one column holds. Made by [`ColumnProfile::for_column`], filled by [`ColumnProfile::observe`].
/// What is said of the least and the greatest is meaningless (0) where there is no such value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// NULLs.
    pub nulls: u64,
    /// Integers.
    pub integers: u64,
    /// Reals.
    pub reals: u64,
    /// Texts.
    pub texts: u64,
    /// Blobs.
    pub blobs: u64,

    /// Least integer.
    pub integer_min: i64,
    /// Greatest integer.
    pub integer_max: i64,
    /// Integers that are, as nanoseconds, no whole microseconds.
    pub finer_than_micros: u64,

    /// Infinities.
    pub non_finite: u64,
    /// -0.0.
    pub negative_zeros: u64,
    /// Finite reals without fraction.
    pub integral_reals: u64,
    /// Finite reals of 2^53 and more, or -2^53 and less: not every integer there is a double.
    pub large_reals: u64,
    /// Least finite real.
    #[serde(with = "exact")]
    pub real_min: f64,
    /// Greatest finite real.
    #[serde(with = "exact")]
    pub real_max: f64,
    /// Most digits before the point in the shortest decimals of the finite reals.
    pub real_before: u32,
    /// Most digits after the point.
    pub real_after: u32,
    /// `real_before` and `real_after` are 0, because the declared type does not ask for them and they are many.
    pub decimals_skipped: bool,
    /// First reals that are infinite or -0.0.
    pub odd_reals: Vec<Example>,

    /// Shortest text in bytes.
    pub text_min_bytes: u64,
    /// Longest text in bytes.
    pub text_max_bytes: u64,
    /// Shortest text in characters (bytes that do not continue a character, so defined for invalid UTF-8 too).
    pub text_min_chars: u64,
    /// Longest text in characters.
    pub text_max_chars: u64,
    /// Most characters that the declaration allows: n of VARCHAR(n).
    pub limit_chars: Option<u32>,
    /// Texts with more characters than that.
    pub long_texts: u64,
    /// First rows of such texts.
    pub long_places: Vec<u64>,
    /// Empty texts. They have no form, and speak against none.
    pub empty_texts: u64,
    /// Texts with a NUL byte.
    pub nul_texts: u64,
    /// Texts that are not valid UTF-8; they may hold NUL bytes as well.
    pub invalid_texts: u64,
    /// First rows with a NUL byte in text.
    pub nul_places: Vec<u64>,
    /// First rows with invalid UTF-8.
    pub invalid_places: Vec<u64>,

    /// Shortest blob in bytes.
    pub blob_min_bytes: u64,
    /// Longest blob in bytes.
    pub blob_max_bytes: u64,
    /// Blobs of 16 bytes.
    pub blobs_of_16: u64,

    /// First rows with NULL.
    pub null_places: Vec<u64>,
    /// First different values of each class: integer, real, text, blob.
    pub examples: [Vec<Example>; 4],

    /// Hashes of these examples.
    example_hashes: [Vec<u64>; 4],
    /// The different values.
    distinct: Distinct,
    /// The different texts.
    labels: Labels,
    /// How many texts have each form; ask with [`ColumnProfile::count`].
    form_counts: [u64; FORMS],
    /// Spellings of true and false that no word broke; ask with [`ColumnProfile::boolean_words`].
    words_broken: u16,
    /// First texts that have no form of a group, by group.
    misses: [Vec<Example>; GROUPS],
    /// Groups no longer tested (bit of `Group`): their counts say nothing.
    dropped: u16,
    /// Groups tested to the end whatever comes.
    wanted: u16,
    /// Decimals are measured only while they are short.
    decimals_unasked: bool,
}

impl ColumnProfile {
    /// A profile that tests what the declared type makes worth knowing to the end, the rest only while it holds.
    /// `ColumnProfile::default()` drops every form at the first text without it.
    pub fn for_column(column: &Column) -> Self {
        let declared = Declared::of(&column.declared);
        let wanted = match declared {
            Declared::Date | Declared::DateTime => Group::Temporal.bit(),
            Declared::Uuid => Group::Uuid.bit() | Group::UuidHex.bit(),
            Declared::Char36 => Group::Uuid.bit(),
            Declared::Json => Group::Json.bit(),
            Declared::Boolean => Group::Boolean.bit(),
            Declared::Decimal(_) => Group::Number.bit(),
            _ => by_name(&column.declared),
        };
        ColumnProfile {
            wanted,
            decimals_unasked: matches!(declared, Declared::Real | Declared::Text),
            limit_chars: limit(&column.declared),
            ..Self::default()
        }
    }

    /// Takes one value in. Rows are numbered in the order of the calls.
    #[inline]
    pub fn observe(&mut self, v: Value<'_>) {
        self.take(v);
    }

    /// As [`ColumnProfile::observe`]; says whether this value is remembered by its row.
    #[inline]
    pub fn take(&mut self, v: Value<'_>) -> bool {
        match v {
            Value::Null => self.observe_null(),
            Value::Integer(i) => self.observe_integer(i),
            Value::Real(r) => self.observe_real(r),
            Value::Text(b) => self.observe_text(b),
            Value::Blob(b) => self.observe_blob(b),
        }
    }

    #[inline]
    fn observe_null(&mut self) -> bool {
        self.nulls += 1;
        let remember = self.nulls <= PLACES as u64;
        if remember {
            self.null_places.push(self.rows());
        }
        remember
    }

    #[inline]
    fn observe_integer(&mut self, i: i64) -> bool {
        // 2^59: smaller nanoseconds are of before 1989.
        const NANOS: i64 = 1 << 59;
        if self.integers == 0 {
            (self.integer_min, self.integer_max) = (i, i);
        } else {
            self.integer_min = self.integer_min.min(i);
            self.integer_max = self.integer_max.max(i);
        }
        self.integers += 1;
        if i > NANOS {
            self.finer_than_micros += u64::from(i % 1000 != 0);
        }
        self.is_new(0, Value::Integer(i))
    }

    #[inline]
    fn observe_real(&mut self, r: f64) -> bool {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        self.reals += 1;
        let mut remember = false;
        if !r.is_finite() || (r == 0.0 && r.is_sign_negative()) {
            remember = self.observe_odd_real(r);
        } else {
            if self.plain_reals() == 1 {
                (self.real_min, self.real_max) = (r, r);
            }
            self.real_min = self.real_min.min(r);
            self.real_max = self.real_max.max(r);
            // Every double from 2^52 on is integral.
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let integral = r.abs() >= EXACT || (r as i64) as f64 == r;
            self.integral_reals += u64::from(integral);
            self.large_reals += u64::from(r.abs() >= EXACT);
            if !self.decimals_skipped && !self.is_measured(r.abs(), integral) {
                self.measure(r);
            }
        }
        self.is_new(1, Value::Real(r)) | remember
    }

    /// Whether a number surely has no more digits, before and after the point, than those before it. Spares formatting.
    #[inline]
    fn is_measured(&self, magnitude: f64, integral: bool) -> bool {
        /// Powers of ten that are doubles: a smaller double has a smaller shortest decimal.
        const POWERS: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
            1e19, 1e20, 1e21, 1e22,
        ];
        const SCALES: [u64; SHORT_DECIMALS as usize + 1] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
        if POWERS.get(self.real_before as usize).is_none_or(|power| magnitude >= *power) {
            return false;
        }
        if integral {
            return true;
        }
        // If it is m / 10^6 and m has at most 15 digits, that is its shortest decimal.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let m = (magnitude * 1e6 + 0.5) as u64;
        #[allow(clippy::cast_precision_loss, clippy::float_cmp)] // below 2^53; equality to the bit is what is asked
        let short = m < 1_000_000_000_000_000 && m as f64 / 1e6 == magnitude;
        short && SCALES.get(self.real_after as usize).is_none_or(|scale| m.is_multiple_of(*scale))
    }

    #[cold]
    fn measure(&mut self, r: f64) {
        let Some(decimal) = Decimal::shortest(r) else { return };
        let (before, after) = decimal.places();
        if after > SHORT_DECIMALS && self.decimals_unasked {
            return self.skip_decimals();
        }
        self.real_before = self.real_before.max(before);
        self.real_after = self.real_after.max(after);
    }

    fn skip_decimals(&mut self) {
        (self.real_before, self.real_after, self.decimals_skipped) = (0, 0, true);
    }

    #[cold]
    fn observe_odd_real(&mut self, r: f64) -> bool {
        if r.is_finite() {
            self.negative_zeros += 1;
            self.integral_reals += 1;
        } else {
            self.non_finite += 1;
        }
        let remember = self.odd_reals.len() < EXAMPLES;
        if remember {
            self.odd_reals.push(Example { row: self.rows(), text: show(Value::Real(r)) });
        }
        remember
    }

    #[inline]
    fn observe_text(&mut self, b: &[u8]) -> bool {
        let length = b.len() as u64;
        self.texts += 1;
        self.empty_texts += u64::from(length == 0);
        if self.texts == 1 {
            (self.text_min_bytes, self.text_min_chars) = (length, u64::MAX);
        }
        self.text_min_bytes = self.text_min_bytes.min(length);
        self.text_max_bytes = self.text_max_bytes.max(length);
        let mut remember = false;
        if forms::is_plain(b) {
            self.text_min_chars = self.text_min_chars.min(length);
            self.text_max_chars = self.text_max_chars.max(length);
            if self.limit_chars.is_some_and(|limit| length > u64::from(limit)) {
                remember = self.observe_long();
            }
            if self.dropped != ALL_GROUPS {
                remember |= self.observe_forms(b);
            }
        } else {
            remember = self.observe_wide(b);
        }
        self.is_new(2, Value::Text(b)) | remember
    }

    /// A text that is not ASCII, or has a NUL byte.
    fn observe_wide(&mut self, b: &[u8]) -> bool {
        let limit = self.limit_chars.map_or(u64::MAX, u64::from);
        let (flaw, chars) = match forms::quick(b) {
            Some(seen) => (if seen.nul { Flaw::Nul } else { Flaw::None }, seen.chars),
            None => (forms::slow_flaw(b), b.iter().filter(|c| (**c & 0xC0) != 0x80).count() as u64),
        };
        self.text_min_chars = self.text_min_chars.min(chars);
        self.text_max_chars = self.text_max_chars.max(chars);
        let remember = chars > limit && self.observe_long();
        let told = match flaw {
            Flaw::None => self.dropped != ALL_GROUPS && self.observe_forms(b),
            flaw => self.observe_flaw(flaw, b),
        };
        remember | told
    }

    #[cold]
    fn observe_long(&mut self) -> bool {
        self.long_texts += 1;
        let row = self.rows();
        remember(&mut self.long_places, row)
    }

    fn observe_forms(&mut self, b: &[u8]) -> bool {
        if b.is_empty() {
            return self.observe_empty();
        }
        let mut remember = false;
        let mut left = ALL_GROUPS & !self.dropped;
        while left != 0 {
            let group = Group::ALL[left.trailing_zeros() as usize];
            left &= left - 1;
            // Reading long texts as JSON costs: only what looks like an object or array is worth it unasked.
            let skip = group == Group::Json && self.wanted & group.bit() == 0 && !forms::may_be_json(b);
            let found = if skip { 0 } else { forms::of(group, b) };
            if found == 0 {
                remember |= self.miss(group, b);
                continue;
            }
            // What jsonb does not hold is JSON all the same, but a stranger where jsonb was meant.
            if group == Group::Json && !Form::Json.is_in(found) {
                remember |= self.keep_miss(group, b);
            }
            if group == Group::Boolean {
                self.words_broken |= ALL_WORDS & !forms::boolean_words(b);
            }
            let mut rest = found;
            while rest != 0 {
                self.form_counts[rest.trailing_zeros() as usize] += 1;
                rest &= rest - 1;
            }
        }
        remember
    }

    /// An empty text speaks against no form, for it may be meant as NULL; where a form is asked for, it is a stranger.
    fn observe_empty(&mut self) -> bool {
        let mut remember = false;
        let wanted = self.wanted;
        for group in Group::ALL.into_iter().filter(|g| wanted & g.bit() != 0) {
            remember |= self.miss(group, b"");
        }
        remember
    }

    fn miss(&mut self, group: Group, b: &[u8]) -> bool {
        if self.wanted & group.bit() == 0 {
            self.drop_group(group);
        }
        self.keep_miss(group, b)
    }

    fn keep_miss(&mut self, group: Group, b: &[u8]) -> bool {
        let known = &self.misses[group.index()];
        let remember = known.len() < EXAMPLES;
        if remember {
            let example = Example { row: self.rows(), text: show(Value::Text(b)) };
            self.misses[group.index()].push(example);
        }
        remember
    }

    /// What was counted of a dropped group says nothing, and is forgotten.
    fn drop_group(&mut self, group: Group) {
        self.dropped |= group.bit();
        for form in Form::ALL.iter().filter(|f| f.group() == group) {
            self.form_counts[*form as usize] = 0;
        }
        if group == Group::Boolean {
            self.words_broken = ALL_WORDS;
        }
    }

    #[cold]
    fn observe_flaw(&mut self, flaw: Flaw, b: &[u8]) -> bool {
        let row = self.rows();
        let mut remembered = false;
        if flaw == Flaw::Nul || b.contains(&0) {
            self.nul_texts += 1;
            remembered |= remember(&mut self.nul_places, row);
        }
        if flaw == Flaw::InvalidUtf8 {
            self.invalid_texts += 1;
            remembered |= remember(&mut self.invalid_places, row);
        }
        for group in Group::ALL {
            if self.dropped & group.bit() == 0 {
                remembered |= self.miss(group, b);
            }
        }
        remembered
    }

    #[inline]
    fn observe_blob(&mut self, b: &[u8]) -> bool {
        let length = b.len() as u64;
        self.blobs += 1;
        if self.blobs == 1 {
            self.blob_min_bytes = length;
        }
        self.blob_min_bytes = self.blob_min_bytes.min(length);
        self.blob_max_bytes = self.blob_max_bytes.max(length);
        self.blobs_of_16 += u64::from(length == 16);
        self.is_new(3, Value::Blob(b))
    }

    /// Counts a value among the different ones; keeps the first of its class.
    #[inline]
    fn is_new(&mut self, class: usize, v: Value<'_>) -> bool {
        let wanted = self.example_hashes[class].len() < EXAMPLES;
        if self.distinct.more && !wanted {
            return false;
        }
        let hash = distinct::of(v);
        if self.distinct.add(hash) {
            self.keep_label(v);
        }
        wanted && self.keep_example(class, hash, v)
    }

    #[cold]
    fn keep_label(&mut self, v: Value<'_>) {
        if self.distinct.more {
            self.labels.give_up();
        } else if let Value::Text(b) = v {
            self.labels.add(b);
        }
    }

    fn keep_example(&mut self, class: usize, hash: u64, v: Value<'_>) -> bool {
        if self.example_hashes[class].contains(&hash) {
            return false;
        }
        self.example_hashes[class].push(hash);
        let example = Example { row: self.rows(), text: show(v) };
        self.examples[class].push(example);
        true
    }
}

const ALL_GROUPS: u16 = (1 << GROUPS) - 1;

/// Keeps a place if there is room.
fn remember(places: &mut Vec<u64>, row: u64) -> bool {
    let room = places.len() < PLACES;
    if room {
        places.push(row);
    }
    room
}

/// Forms that a declared name asks for, beyond those that [`Declared`] knows.
fn by_name(declared: &str) -> u16 {
    let name = declared.trim().to_ascii_uppercase();
    match name.split([' ', '(']).next().unwrap_or_default() {
        "TIME" | "TIMETZ" => Group::Clock.bit(),
        "INTERVAL" | "DURATION" => Group::Interval.bit(),
        "INET" | "CIDR" => Group::Network.bit(),
        "MACADDR" => Group::Mac.bit(),
        _ => 0,
    }
}

/// n of VARCHAR(n), CHAR(n) and their kin.
fn limit(declared: &str) -> Option<u32> {
    let upper = declared.to_ascii_uppercase();
    let (name, rest) = upper.split_once('(')?;
    let (n, _) = rest.split_once(')')?;
    name.contains("CHAR").then(|| n.trim().parse().ok()).flatten()
}
