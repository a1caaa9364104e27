//! The orphans of every foreign key: what the scan could not tell, because the parent was not known yet or is not told by
//! a set, is asked once all tables were read, range by range over all readers.
//! Owns what is left to ask; never knows how a key is compared.

use super::super::reader::Reader;
use super::parents::Way;
use super::scan::{self, Bounds, Part};
use super::{KEYS, TableCensus, Whole, joins, lock};
use crate::error::Result;
use crate::pool;
use lite2pg_model::mapping::profile::ColumnProfile;
use lite2pg_model::schema::Table;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Most bytes of a parent's pages that one reader holds.
const MOST_PAGES: u64 = 64 << 20;

/// What the scan told of a table: its ranges, each with the orphans by foreign key.
#[derive(Debug)]
pub(super) struct Told(Vec<(Bounds, BTreeMap<usize, u64>)>);

impl Told {
    pub(super) fn of(parts: &mut [Part<'_>]) -> Told {
        Told(parts.iter_mut().map(|part| (part.bounds, std::mem::take(&mut part.orphans))).collect())
    }

    fn bounds(&self) -> impl Iterator<Item = Bounds> {
        self.0.iter().map(|(bounds, _)| *bounds)
    }

    /// The orphans that were found so far, and the ranges of which nothing is known.
    fn of_key(&self, key: usize) -> (u64, Vec<Bounds>) {
        let known = self.0.iter().filter_map(|(_, orphans)| orphans.get(&key)).sum();
        (known, self.0.iter().filter(|(_, orphans)| !orphans.contains_key(&key)).map(|(bounds, _)| *bounds).collect())
    }
}

/// One range of one table, and the foreign keys that are asked for.
struct Left<'a> {
    number: usize,
    table: &'a Table,
    bounds: Bounds,
    /// Those whose sets are known.
    asked: Vec<usize>,
    /// Those that SQLite joins.
    joined: Vec<usize>,
}

/// Counts the orphans of all tables.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub(super) fn count(
    readers: &mut [Reader],
    told: Vec<(usize, Told)>,
    found: &mut BTreeMap<String, TableCensus>,
    whole: &Whole<'_, '_>,
) -> Result<()> {
    let mut tasks = Vec::new();
    let orphans: Mutex<BTreeMap<(usize, usize), u64>> = Mutex::new(BTreeMap::new());
    for (number, told) in &told {
        let Some(table) = whole.schema.tables.get(*number) else { continue };
        let Some(census) = found.get(&table.name) else { continue };
        tasks.extend(left(*number, table, told, census, whole, &mut lock(&orphans)));
    }
    // What the sets may take stays free where lookups are needed.
    let pages = (whole.memory.bytes / KEYS / (readers.len() as u64).max(1)).min(MOST_PAGES);
    pool::run(readers, tasks, whole.cancel, |reader, left| {
        let mut joined = left.joined.clone();
        if !left.asked.is_empty() {
            match scan::orphans(reader, (left.number, left.table), left.bounds, &left.asked, whole)? {
                Some(counts) => counts.into_iter().for_each(|(k, n)| add(&mut lock(&orphans), (left.number, k), n)),
                None => joined.extend(&left.asked),
            }
        }
        for k in joined {
            let Some(key) = left.table.foreign_keys.get(k) else { continue };
            let n = reader.with_pages(pages, |reader| {
                joins::orphans(reader, whole.schema, left.table, key, left.bounds, whole.cancel)
            })?;
            add(&mut lock(&orphans), (left.number, k), n);
        }
        Ok(())
    })?;
    for ((number, key), n) in lock(&orphans).iter() {
        let census = whole.schema.tables.get(*number).and_then(|table| found.get_mut(&table.name));
        if let Some(count) = census.and_then(|census| census.profile.orphans.get_mut(*key)) {
            *count = *n;
        }
    }
    Ok(())
}

fn add(orphans: &mut BTreeMap<(usize, usize), u64>, key: (usize, usize), n: u64) {
    *orphans.entry(key).or_default() += n;
}

/// What is left to ask of one table, range by range.
fn left<'a>(
    number: usize,
    table: &'a Table,
    told: &Told,
    census: &TableCensus,
    whole: &Whole<'_, '_>,
    orphans: &mut BTreeMap<(usize, usize), u64>,
) -> Vec<Left<'a>> {
    let mut out: Vec<Left<'a>> = Vec::new();
    let mut ask = |bounds: Bounds, key: usize, joined: bool| {
        let there = out.iter().position(|left| left.bounds == bounds).unwrap_or(out.len());
        if there == out.len() {
            out.push(Left { number, table, bounds, asked: Vec::new(), joined: Vec::new() });
        }
        if let Some(left) = out.get_mut(there) {
            if joined { left.joined.push(key) } else { left.asked.push(key) }
        }
    };
    for (key, way) in whole.parents.ways(number).iter().enumerate() {
        if *way == Way::None || census.profile.rows == 0 {
            continue;
        }
        let (known, unknown) = told.of_key(key);
        add(orphans, (number, key), known);
        match whole.parents.known(number, key) {
            Some(set) => {
                let columns = table.foreign_keys.get(key).map_or(&[][..], |k| k.columns.as_slice());
                let proven = match columns {
                    [one] => census.profile.columns.get(*one).is_some_and(|c| within(c, |a, b| set.covers(a, b))),
                    _ => false,
                };
                unknown.into_iter().filter(|_| !proven).for_each(|bounds| ask(bounds, key, false));
            }
            None if joins::rowid(table).is_some() => told.bounds().for_each(|bounds| ask(bounds, key, true)),
            None => ask(Bounds::default(), key, true),
        }
    }
    out
}

/// Whether all values are integers, and every integer from the least to the greatest of them is such.
fn within(column: &ColumnProfile, covers: impl Fn(i64, i64) -> bool) -> bool {
    column.values() == column.integers && (column.integers == 0 || covers(column.integer_min, column.integer_max))
}
