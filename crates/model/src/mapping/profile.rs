//! What a column holds: counts, ranges and forms of every value, from one pass over the table.
//! Owns counting; never decides (see `decide`), never allocates for a value beyond the first few examples.

pub mod long;

use super::declared::Declared;
use super::forms::{self, FORMS, Flaw, Form, Group};
use super::numeric::Decimal;
use crate::schema::{Column, Table};
use crate::value::{Class, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How many examples of a kind are kept.
pub const EXAMPLES: usize = 3;
/// How many places (row numbers) of a kind are kept.
pub const PLACES: usize = 5;

/// One value that stands for others of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Row number in reading order, from 1.
    pub row: u64,
    /// The value, shortened and escaped.
    pub text: String,
}

/// What one column holds. Made by [`ColumnProfile::for_column`], filled by [`ColumnProfile::observe`].
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

    /// Least integer; meaningless if there is none.
    pub integer_min: i64,
    /// Greatest integer; meaningless if there is none.
    pub integer_max: i64,

    /// Infinities.
    pub non_finite: u64,
    /// -0.0.
    pub negative_zeros: u64,
    /// Finite reals without fraction.
    pub integral_reals: u64,
    /// Least finite real; meaningless if there is none.
    pub real_min: f64,
    /// Greatest finite real; meaningless if there is none.
    pub real_max: f64,
    /// Most digits before the point in the shortest decimals of the finite reals.
    pub real_before: u32,
    /// Most digits after the point.
    pub real_after: u32,
    /// `real_before` and `real_after` were not asked for and are 0.
    pub decimals_skipped: bool,
    /// First reals that are infinite or -0.0.
    pub odd_reals: Vec<Example>,

    /// Longest text in bytes.
    pub text_max_bytes: u64,
    /// Longest text in characters (bytes that do not continue a character, so defined for invalid UTF-8 too).
    pub text_max_chars: u64,
    /// Empty texts.
    pub empty_texts: u64,
    /// Texts with a NUL byte that are valid UTF-8.
    pub nul_texts: u64,
    /// Texts that are not valid UTF-8.
    pub invalid_texts: u64,
    /// First rows with a NUL byte in text.
    pub nul_places: Vec<u64>,
    /// First rows with invalid UTF-8.
    pub invalid_places: Vec<u64>,

    /// Longest blob in bytes.
    pub blob_max_bytes: u64,
    /// Blobs of 16 bytes.
    pub blobs_of_16: u64,

    /// First rows with NULL.
    pub null_places: Vec<u64>,
    /// First values of each class: integer, real, text, blob.
    pub examples: [Vec<Example>; 4],

    /// How many texts have each form; ask with [`ColumnProfile::count`].
    form_counts: [u64; FORMS],
    /// First texts that have no form of a group, by group.
    misses: [Vec<Example>; 5],
    /// Groups no longer tested (bit of `Group`): their counts say nothing.
    dropped: u8,
    /// Groups tested to the end whatever comes.
    wanted: u8,
}

impl ColumnProfile {
    /// A profile that tests what the declared type makes worth knowing to the end, the rest only while it holds.
    /// `ColumnProfile::default()` drops every form at the first text without it, and measures decimals.
    pub fn for_column(column: &Column) -> Self {
        let declared = Declared::of(&column.declared);
        let wanted = match declared {
            Declared::Date | Declared::DateTime => Group::Temporal.bit(),
            Declared::Uuid | Declared::Char36 => Group::Uuid.bit(),
            Declared::Json => Group::Json.bit(),
            Declared::Boolean => Group::Boolean.bit(),
            _ => 0,
        };
        // Reading long texts as JSON costs; nothing but the declaration makes a column jsonb.
        let dropped = if declared == Declared::Json { 0 } else { Group::Json.bit() };
        let decimals_skipped = matches!(declared, Declared::Real | Declared::Text);
        ColumnProfile { wanted, dropped, decimals_skipped, ..Self::default() }
    }

    /// Values that are not NULL.
    pub fn values(&self) -> u64 {
        self.integers + self.reals + self.texts + self.blobs
    }

    /// All rows seen.
    pub fn rows(&self) -> u64 {
        self.nulls + self.values()
    }

    /// How many texts have this form; `None` if that was not counted to the end (then at least one text lacks it, or
    /// nobody asked).
    pub fn count(&self, form: Form) -> Option<u64> {
        (self.dropped & form.group().bit() == 0).then(|| self.form_counts[form as usize])
    }

    /// Whether there are texts and every one has this form.
    pub fn all_texts_are(&self, form: Form) -> bool {
        self.texts > 0 && self.count(form) == Some(self.texts)
    }

    /// First texts that have no form of the group.
    pub fn misses(&self, group: Group) -> &[Example] {
        &self.misses[group.index()]
    }

    /// Takes one value in. Rows are numbered in the order of the calls.
    #[inline]
    pub fn observe(&mut self, v: Value<'_>) {
        match v {
            Value::Null => {
                self.nulls += 1;
                if self.nulls <= PLACES as u64 {
                    self.null_places.push(self.rows());
                }
            }
            Value::Integer(i) => self.observe_integer(i),
            Value::Real(r) => self.observe_real(r),
            Value::Text(b) => self.observe_text(b),
            Value::Blob(b) => {
                self.blobs += 1;
                self.blob_max_bytes = self.blob_max_bytes.max(b.len() as u64);
                self.blobs_of_16 += u64::from(b.len() == 16);
                if self.blobs <= EXAMPLES as u64 {
                    self.keep_example(3, v);
                }
            }
        }
    }

    #[inline]
    fn observe_integer(&mut self, i: i64) {
        if self.integers == 0 {
            (self.integer_min, self.integer_max) = (i, i);
        } else {
            self.integer_min = self.integer_min.min(i);
            self.integer_max = self.integer_max.max(i);
        }
        self.integers += 1;
        if self.integers <= EXAMPLES as u64 {
            self.keep_example(0, Value::Integer(i));
        }
    }

    #[inline]
    fn observe_real(&mut self, r: f64) {
        self.reals += 1;
        if !r.is_finite() || (r == 0.0 && r.is_sign_negative()) {
            self.observe_odd_real(r);
        } else {
            if self.plain_reals() == 1 {
                (self.real_min, self.real_max) = (r, r);
            }
            self.real_min = self.real_min.min(r);
            self.real_max = self.real_max.max(r);
            self.integral_reals += u64::from(r.fract() == 0.0);
            if !self.decimals_skipped
                && let Some(decimal) = Decimal::shortest(r)
            {
                let (before, after) = decimal.places();
                self.real_before = self.real_before.max(before);
                self.real_after = self.real_after.max(after);
            }
        }
        if self.reals <= EXAMPLES as u64 {
            self.keep_example(1, Value::Real(r));
        }
    }

    #[cold]
    fn observe_odd_real(&mut self, r: f64) {
        if r.is_finite() {
            self.negative_zeros += 1;
            self.integral_reals += 1;
        } else {
            self.non_finite += 1;
        }
        if self.odd_reals.len() < EXAMPLES {
            self.odd_reals.push(Example { row: self.rows(), text: show(Value::Real(r)) });
        }
    }

    #[inline]
    fn observe_text(&mut self, b: &[u8]) {
        self.texts += 1;
        let length = b.len() as u64;
        self.empty_texts += u64::from(b.is_empty());
        self.text_max_bytes = self.text_max_bytes.max(length);
        if length > self.text_max_chars {
            let chars = b.iter().filter(|c| (**c & 0xC0) != 0x80).count() as u64;
            self.text_max_chars = self.text_max_chars.max(chars);
        }
        if self.texts <= EXAMPLES as u64 {
            self.keep_example(2, Value::Text(b));
        }
        match forms::flaw(b) {
            Flaw::None => {
                if self.dropped != ALL_GROUPS {
                    self.observe_forms(b);
                }
            }
            flaw => self.observe_flaw(flaw, b),
        }
    }

    fn observe_forms(&mut self, b: &[u8]) {
        for group in Group::ALL {
            if self.dropped & group.bit() != 0 {
                continue;
            }
            let found = forms::of(group, b);
            if found == 0 {
                self.miss(group, b);
                continue;
            }
            let mut rest = found;
            while rest != 0 {
                self.form_counts[rest.trailing_zeros() as usize] += 1;
                rest &= rest - 1;
            }
        }
    }

    fn miss(&mut self, group: Group, b: &[u8]) {
        if self.wanted & group.bit() == 0 {
            self.dropped |= group.bit();
        }
        if self.misses[group.index()].len() < EXAMPLES {
            let example = Example { row: self.rows(), text: show(Value::Text(b)) };
            self.misses[group.index()].push(example);
        }
    }

    #[cold]
    fn observe_flaw(&mut self, flaw: Flaw, b: &[u8]) {
        let row = self.rows();
        let (count, places) = if flaw == Flaw::Nul {
            (&mut self.nul_texts, &mut self.nul_places)
        } else {
            (&mut self.invalid_texts, &mut self.invalid_places)
        };
        *count += 1;
        if places.len() < PLACES {
            places.push(row);
        }
        for group in Group::ALL {
            if self.dropped & group.bit() == 0 {
                self.miss(group, b);
            }
        }
    }

    #[cold]
    fn keep_example(&mut self, class: usize, v: Value<'_>) {
        let example = Example { row: self.rows(), text: show(v) };
        self.examples[class].push(example);
    }

    /// Adds the profile of rows that come after these (row numbers of `later` are moved behind them).
    pub fn merge(&mut self, later: &ColumnProfile) {
        let moved = self.rows();
        self.merge_numbers(later);
        for (mine, theirs) in self.form_counts.iter_mut().zip(later.form_counts) {
            *mine += theirs;
        }
        self.dropped |= later.dropped;
        self.wanted |= later.wanted;
        self.text_max_bytes = self.text_max_bytes.max(later.text_max_bytes);
        self.text_max_chars = self.text_max_chars.max(later.text_max_chars);
        self.blob_max_bytes = self.blob_max_bytes.max(later.blob_max_bytes);
        add_places(&mut self.null_places, &later.null_places, moved);
        add_places(&mut self.nul_places, &later.nul_places, moved);
        add_places(&mut self.invalid_places, &later.invalid_places, moved);
        add_examples(&mut self.odd_reals, &later.odd_reals, moved);
        for (mine, theirs) in self.examples.iter_mut().zip(&later.examples) {
            add_examples(mine, theirs, moved);
        }
        for (mine, theirs) in self.misses.iter_mut().zip(&later.misses) {
            add_examples(mine, theirs, moved);
        }
    }

    fn merge_numbers(&mut self, later: &ColumnProfile) {
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
        self.decimals_skipped |= later.decimals_skipped;
        self.nulls += later.nulls;
        self.integers += later.integers;
        self.reals += later.reals;
        self.texts += later.texts;
        self.blobs += later.blobs;
        self.non_finite += later.non_finite;
        self.negative_zeros += later.negative_zeros;
        self.integral_reals += later.integral_reals;
        self.empty_texts += later.empty_texts;
        self.nul_texts += later.nul_texts;
        self.invalid_texts += later.invalid_texts;
        self.blobs_of_16 += later.blobs_of_16;
    }

    /// Reals that are neither infinite nor -0.0.
    fn plain_reals(&self) -> u64 {
        self.reals - self.non_finite - self.negative_zeros
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

    /// Whether every integer is a double exactly (|i| at most 2^53; beyond that some are, but not all).
    pub fn integers_exact_in_double(&self) -> bool {
        const LIMIT: i64 = 1 << 53;
        self.integers == 0 || (self.integer_min >= -LIMIT && self.integer_max <= LIMIT)
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
}

const ALL_GROUPS: u8 = 31;

fn add_places(mine: &mut Vec<u64>, theirs: &[u64], moved: u64) {
    let room = PLACES.saturating_sub(mine.len());
    mine.extend(theirs.iter().take(room).map(|row| row + moved));
}

fn add_examples(mine: &mut Vec<Example>, theirs: &[Example], moved: u64) {
    let room = EXAMPLES.saturating_sub(mine.len());
    mine.extend(theirs.iter().take(room).map(|e| Example { row: e.row + moved, text: e.text.clone() }));
}

/// A value for people: at most about 40 characters, control characters escaped, blobs as `x'…'`.
pub fn show(v: Value<'_>) -> String {
    match v {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => format!("{r:?}"),
        Value::Text(b) => {
            let border = |at: &usize| b.get(*at).is_none_or(|c| (c & 0xC0) != 0x80);
            let cut = &b[..(37..=b.len().min(40)).rev().find(border).unwrap_or(b.len().min(40))];
            let text: String = String::from_utf8_lossy(cut).escape_debug().collect();
            format!("'{text}{}'", if cut.len() < b.len() { "…" } else { "" })
        }
        Value::Blob(b) => {
            let mut hex = String::from("x'");
            for byte in b.iter().take(16) {
                let _ = write!(hex, "{byte:02x}");
            }
            hex.push_str(if b.len() > 16 { "…'" } else { "'" });
            hex
        }
    }
}

/// What one table holds. The engine fills it: columns from one pass, the rest from joins and sorts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// Rows.
    pub rows: u64,
    /// Bytes of all values.
    pub bytes: u64,
    /// Bytes of the largest row, 0 if not measured.
    pub max_row_bytes: u64,
    /// Columns, in the order of `Table::columns`.
    pub columns: Vec<ColumnProfile>,
    /// Rows without parent, per `Table::foreign_keys`.
    pub orphans: Vec<u64>,
    /// Rows beyond the first of each equal group under the chosen types (rows with a NULL in the key do not count):
    /// of the primary key.
    pub primary_duplicates: u64,
    /// The same, per `Table::uniques`.
    pub unique_duplicates: Vec<u64>,
    /// The same, per `Table::indexes`; 0 where the index is not unique.
    pub index_duplicates: Vec<u64>,
    /// Per `Table::indexes`: a unique index that may hold duplicates under the chosen types, which could not be counted.
    #[serde(default)]
    pub index_unsure: Vec<bool>,
    /// Rows that break each of `Table::checks`.
    #[serde(default)]
    pub check_broken: Vec<u64>,
    /// The keys of the rows at the columns' places, as people read them: `rowid 17`, `code='EPSG'`. By row number.
    #[serde(default)]
    pub place_keys: BTreeMap<u64, String>,
}

impl TableProfile {
    /// An empty profile with a column profile for each column.
    pub fn for_table(table: &Table) -> Self {
        TableProfile {
            columns: table.columns.iter().map(ColumnProfile::for_column).collect(),
            orphans: vec![0; table.foreign_keys.len()],
            unique_duplicates: vec![0; table.uniques.len()],
            index_duplicates: vec![0; table.indexes.len()],
            ..Self::default()
        }
    }

    /// Every place that some column remembers, in order.
    pub fn places(&self) -> BTreeSet<u64> {
        let all = |c: &ColumnProfile| [c.nul_places.clone(), c.invalid_places.clone(), c.null_places.clone()].concat();
        self.columns.iter().flat_map(all).collect()
    }

    /// Places for people: by their keys where these are known, else by number.
    pub fn name_places(&self, places: &[u64]) -> String {
        let name = |n: &u64| self.place_keys.get(n).cloned().unwrap_or_else(|| format!("row {n}"));
        places.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// Adds the profile of rows that come after these; duplicates and orphans, which are counted once for the whole
    /// table, take the greater number.
    pub fn merge(&mut self, later: &TableProfile) {
        self.rows += later.rows;
        self.bytes += later.bytes;
        self.max_row_bytes = self.max_row_bytes.max(later.max_row_bytes);
        if self.columns.is_empty() {
            self.columns.clone_from(&later.columns);
        } else {
            for (mine, theirs) in self.columns.iter_mut().zip(&later.columns) {
                mine.merge(theirs);
            }
        }
        self.primary_duplicates = self.primary_duplicates.max(later.primary_duplicates);
        greater(&mut self.orphans, &later.orphans);
        greater(&mut self.unique_duplicates, &later.unique_duplicates);
        greater(&mut self.index_duplicates, &later.index_duplicates);
    }
}

fn greater(mine: &mut Vec<u64>, theirs: &[u64]) {
    mine.resize(mine.len().max(theirs.len()), 0);
    for (m, t) in mine.iter_mut().zip(theirs) {
        *m = (*m).max(*t);
    }
}
