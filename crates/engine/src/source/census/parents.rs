//! Which foreign keys can be told by a set of the parent's keys, where these are gathered and who asks for them.
//! Owns that choice; where it says no, SQLite's own join decides.
//!
//! A set answers as the join would only where neither side's values are converted before they are compared: both columns
//! are of one affinity (<https://sqlite.org/datatype3.html#type_conversions_prior_to_comparison>), and both tables are read
//! as they are. Collations do not matter, since the join compares by bytes.

use super::super::select::Reading;
use super::keys::{Keys, Known, Share};
use lite2pg_model::schema::{Affinity, ForeignKey, Schema, Table, TableKind};
use std::collections::{BTreeMap, VecDeque};
use std::sync::OnceLock;

/// A table this much larger than what refers to it is not gathered: few lookups cost less.
const TOO_LARGE: u64 = 16;
/// Smaller tables always are.
const SMALL: u64 = 100_000;

/// The keys of one parent over some of its columns.
#[derive(Debug)]
pub(super) struct Set<'s> {
    /// Their places in the parent.
    pub columns: Vec<usize>,
    /// What is known once all of the parent was read; `None` if it is too much.
    pub known: OnceLock<Option<Known<'s>>>,
}

/// How the orphans of a foreign key are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// There is nothing to refer to: none is counted.
    None,
    /// The set of this place has the parent's keys.
    Set(usize),
    /// SQLite joins.
    Join,
}

/// What is gathered and asked of each table, by its place in the schema.
#[derive(Debug)]
pub(super) struct Parents<'s> {
    pub share: &'s Share,
    pub sets: Vec<Set<'s>>,
    /// The sets that a table's rows fill.
    fills: BTreeMap<usize, Vec<usize>>,
    /// How each foreign key of a table is told.
    ways: BTreeMap<usize, Vec<Way>>,
    /// How many tables must be read one after the other before this one, so that all its parents are known.
    levels: BTreeMap<usize, usize>,
}

impl<'s> Parents<'s> {
    /// `rows`: how many rows a table may have, where that is known beforehand. `utf16`: texts of the source are, and
    /// what is no text there may be one here.
    pub(super) fn of(schema: &Schema, rows: &BTreeMap<usize, u64>, utf16: bool, share: &'s Share) -> Self {
        let mut out =
            Parents { share, sets: Vec::new(), fills: BTreeMap::new(), ways: BTreeMap::new(), levels: BTreeMap::new() };
        let ordinary = schema.tables.iter().enumerate().filter(|(_, t)| t.kind == TableKind::Ordinary);
        let by_name: BTreeMap<&str, usize> = ordinary.clone().map(|(i, t)| (t.name.as_str(), i)).collect();
        let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, table) in ordinary {
            let ways = table.foreign_keys.iter().map(|key| {
                let parent = by_name.get(key.parent.as_str()).and_then(|p| schema.tables.get(*p).map(|t| (*p, t)));
                let Some((p, parent)) = parent else { return Way::None };
                let Some(columns) = pairs(table, key, parent) else { return Way::None };
                let known = |t: &usize| rows.get(t).copied();
                let large = known(&p).zip(known(&i)).is_some_and(|(p, c)| p > SMALL && p / TOO_LARGE > c);
                if utf16 || large || !plain(table) || !plain(parent) || !alike(table, key, parent, &columns) {
                    return Way::Join;
                }
                if p != i {
                    children.entry(p).or_default().push(i);
                }
                Way::Set(out.set(p, columns))
            });
            let ways = ways.collect();
            out.ways.insert(i, ways);
        }
        out.levels = levels(&children);
        out
    }

    fn set(&mut self, parent: usize, columns: Vec<usize>) -> usize {
        let fills = self.fills.entry(parent).or_default();
        if let Some(set) = fills.iter().find(|s| self.sets.get(**s).is_some_and(|s| s.columns == columns)) {
            return *set;
        }
        fills.push(self.sets.len());
        self.sets.push(Set { columns, known: OnceLock::new() });
        self.sets.len() - 1
    }

    /// The sets that a table's rows fill.
    pub(super) fn fills(&self, table: usize) -> impl Iterator<Item = &Set<'s>> {
        self.fills.get(&table).into_iter().flatten().filter_map(|s| self.sets.get(*s))
    }

    /// How each foreign key of a table is told.
    pub(super) fn ways(&self, table: usize) -> &[Way] {
        self.ways.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The keys that are known for a foreign key by now.
    pub(super) fn known(&self, table: usize, key: usize) -> Option<&Known<'s>> {
        let Some(Way::Set(set)) = self.ways(table).get(key) else { return None };
        self.sets.get(*set)?.known.get()?.as_ref()
    }

    /// How early a table should be read.
    pub(super) fn level(&self, table: usize) -> usize {
        self.levels.get(&table).copied().unwrap_or(0)
    }

    /// All rows of a table were read: the keys that its ranges gathered, set by set.
    pub(super) fn fill(&self, table: usize, mut ranges: Vec<Vec<Keys<'s>>>) {
        for set in self.fills(table).collect::<Vec<_>>().into_iter().rev() {
            let parts: Vec<Keys<'s>> = ranges.iter_mut().filter_map(Vec::pop).collect();
            let _ = set.known.set(if parts.len() == ranges.len() { Known::of(parts) } else { None });
        }
    }
}

/// The parent's columns; `None` where there is nothing to refer to. A column that is left out has no values, and the key
/// is not carried then.
fn pairs(table: &Table, key: &ForeignKey, parent: &Table) -> Option<Vec<usize>> {
    if key.parent_columns.is_empty() || key.parent_columns.len() != key.columns.len() {
        return None;
    }
    if key.columns.iter().any(|c| *c >= table.columns.len()) {
        return None;
    }
    let place = |name: &String| parent.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    key.parent_columns.iter().map(place).collect()
}

/// Whether a table is read as it is.
fn plain(table: &Table) -> bool {
    table.stored.is_none() && !Reading::of_table(table).computes()
}

/// Whether nothing is converted before it is compared.
fn alike(table: &Table, key: &ForeignKey, parent: &Table, columns: &[usize]) -> bool {
    let group = |affinity: Affinity| match affinity {
        Affinity::Integer | Affinity::Real | Affinity::Numeric => 0,
        Affinity::Text => 1,
        Affinity::Blob => 2,
    };
    let of = |t: &Table, c: usize| t.columns.get(c).map(|c| group(c.affinity));
    key.columns.iter().zip(columns).all(|(child, there)| of(table, *child) == of(parent, *there))
}

/// How many steps each table is away from those without parents; of tables in a circle nothing is said.
fn levels(children: &BTreeMap<usize, Vec<usize>>) -> BTreeMap<usize, usize> {
    let mut waits: BTreeMap<usize, usize> = BTreeMap::new();
    children.values().flatten().for_each(|child| *waits.entry(*child).or_default() += 1);
    let mut levels = BTreeMap::new();
    let mut ready: VecDeque<(usize, usize)> =
        children.keys().filter(|t| !waits.contains_key(t)).map(|t| (*t, 0)).collect();
    while let Some((table, level)) = ready.pop_front() {
        levels.insert(table, level);
        for child in children.get(&table).into_iter().flatten() {
            if let Some(left) = waits.get_mut(child) {
                *left -= 1;
                if *left == 0 {
                    ready.push_back((*child, level + 1));
                }
            }
        }
    }
    let last = levels.values().max().map_or(0, |l| l + 1);
    for table in waits.keys() {
        levels.entry(*table).or_insert(last);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_before_their_children() {
        // 1 -> 2 -> 3, 1 -> 3, and a circle of 5 and 6 with 7 below it.
        let children = BTreeMap::from([(1, vec![2, 3]), (2, vec![3]), (5, vec![6]), (6, vec![5, 7])]);
        let levels = levels(&children);
        assert_eq!((levels[&1], levels[&2], levels[&3]), (0, 1, 2));
        assert!([5, 6, 7].iter().all(|t| levels[t] == 3), "{levels:?}");
    }
}
