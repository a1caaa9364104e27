//! What one table holds.
//! Owns the shape, which keys are how wide, and the names of places; the engine fills it.

use super::ColumnProfile;
use crate::mapping::codec::Normal;
use crate::mapping::trial::Trial;
use crate::schema::{IndexOn, Key, Table};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A key or an index of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyPlace {
    Primary,
    Unique(usize),
    Index(usize),
}

/// Which columns the keys and indexes of a table have.
#[derive(Clone, Debug, Default)]
pub struct KeyColumns {
    single: Vec<(KeyPlace, usize)>,
    several: Vec<(KeyPlace, Vec<usize>)>,
}

impl KeyColumns {
    /// Of a table.
    pub fn of(table: &Table) -> KeyColumns {
        let mut out = KeyColumns::default();
        let of_key = |k: &Key| k.columns.iter().map(|c| c.column).collect();
        if let Some(key) = &table.primary_key {
            out.add(KeyPlace::Primary, of_key(key));
        }
        for (i, key) in table.uniques.iter().enumerate() {
            out.add(KeyPlace::Unique(i), of_key(key));
        }
        for (i, index) in table.indexes.iter().enumerate() {
            let columns = index.terms.iter().filter_map(|t| match &t.on {
                IndexOn::Column(c) => Some(*c),
                IndexOn::Expression(_) => None,
            });
            out.add(KeyPlace::Index(i), columns.collect());
        }
        out
    }

    fn add(&mut self, place: KeyPlace, columns: Vec<usize>) {
        match columns.as_slice() {
            [] => {}
            [one] => self.single.push((place, *one)),
            _ => self.several.push((place, columns)),
        }
    }

    /// Whether [`TableProfile::observe_sizes`] has anything to do.
    pub fn needs_sizes(&self) -> bool {
        !self.several.is_empty()
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
    /// Bytes of the values of its keys and indexes in the row where they are most (numbers count 8, expressions 0):
    /// of the primary key.
    #[serde(default)]
    pub primary_bytes: u64,
    /// The same, per `Table::uniques`.
    #[serde(default)]
    pub unique_bytes: Vec<u64>,
    /// The same, per `Table::indexes`.
    #[serde(default)]
    pub index_bytes: Vec<u64>,
    /// What its keys and indexes take as PostgreSQL stores them, of those whose rows may be too large.
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    pub packed: Packed,
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
    /// What the trials of columns found, by the column's place in `Table::columns`.
    #[serde(default)]
    pub trials: BTreeMap<usize, Trial>,
    /// Trials of clocks with a zone that were followed by another of the same column: what they found still counts.
    #[serde(default)]
    pub clocks: BTreeMap<usize, Trial>,
}

/// Bytes of the largest row of keys and indexes, long values compressed, where they were measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// Of the primary key.
    pub primary: Option<u64>,
    /// By the place in `Table::uniques`.
    pub uniques: BTreeMap<usize, u64>,
    /// By the place in `Table::indexes`.
    pub indexes: BTreeMap<usize, u64>,
}

impl Packed {
    fn is_empty(&self) -> bool {
        *self == Packed::default()
    }
}

impl TableProfile {
    /// An empty profile with a column profile for each column.
    pub fn for_table(table: &Table) -> Self {
        TableProfile {
            columns: table.columns.iter().map(ColumnProfile::for_column).collect(),
            orphans: vec![0; table.foreign_keys.len()],
            unique_duplicates: vec![0; table.uniques.len()],
            index_duplicates: vec![0; table.indexes.len()],
            unique_bytes: vec![0; table.uniques.len()],
            index_bytes: vec![0; table.indexes.len()],
            ..Self::default()
        }
    }

    /// Takes in what a trial found. That of a clock with a zone is kept beside the next one of its column.
    pub fn add_trial(&mut self, column: usize, trial: Trial) {
        let before = self.trials.insert(column, trial);
        if let Some(clock) = before.filter(|t| t.crossing.normal == Normal::ZonedClock) {
            self.clocks.insert(column, clock);
        }
    }

    /// Takes in the sizes of the values of one row, for keys and indexes of several columns.
    #[inline]
    pub fn observe_sizes(&mut self, keys: &KeyColumns, sizes: &[u64]) {
        for (place, columns) in &keys.several {
            let sum = columns.iter().map(|c| sizes.get(*c).copied().unwrap_or(0)).sum();
            if let Some(most) = self.key_bytes(*place) {
                *most = (*most).max(sum);
            }
        }
    }

    /// Fills in the keys and indexes of one column, once all rows were seen.
    pub fn finish_sizes(&mut self, keys: &KeyColumns) {
        for (place, column) in &keys.single {
            let most = self.columns.get(*column).map_or(0, ColumnProfile::largest);
            if let Some(bytes) = self.key_bytes(*place) {
                *bytes = most;
            }
        }
    }

    fn key_bytes(&mut self, place: KeyPlace) -> Option<&mut u64> {
        match place {
            KeyPlace::Primary => Some(&mut self.primary_bytes),
            KeyPlace::Unique(i) => self.unique_bytes.get_mut(i),
            KeyPlace::Index(i) => self.index_bytes.get_mut(i),
        }
    }

    /// Every place that some column remembers because its value is remarkable, in order.
    pub fn places(&self) -> BTreeSet<u64> {
        self.columns.iter().flat_map(ColumnProfile::places).collect()
    }

    /// Every place of a plain example, in order.
    pub fn example_places(&self) -> BTreeSet<u64> {
        self.columns.iter().flat_map(|c| c.examples.iter().flatten()).map(|e| e.row).collect()
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
        self.primary_bytes = self.primary_bytes.max(later.primary_bytes);
        greater(&mut self.unique_bytes, &later.unique_bytes);
        greater(&mut self.index_bytes, &later.index_bytes);
        let moved = self.rows - later.rows;
        self.place_keys.extend(later.place_keys.iter().map(|(row, key)| (row + moved, key.clone())));
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
