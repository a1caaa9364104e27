//! The census: one pass over every value of every ordinary table, and the questions that need joins.
//! Owns what a column was seen to hold and where chunks are cut; never decides a type.
//!
//! Large tables are read in ranges of their rowids, side by side; the profiles of the ranges add up to that of one pass.

mod joins;
mod keys;
mod orphans;
mod packed;
mod parents;
mod scan;

use super::reader::Reader;
use super::select::{self, Reading};
use crate::error::{Error, Result};
use crate::observe::{Event, Observer};
use crate::pool::{self, Cancel};
use keys::Share;
use lite2pg_model::mapping::profile::{KeyColumns, TableProfile, show};
use lite2pg_model::plan::limits::Memory;
use lite2pg_model::schema::{Schema, Table, TableKind};
use lite2pg_model::value::Value;
use parents::Parents;
use scan::{Bounds, Part};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many rows go by between two looks at the progress and at Ctrl-C.
pub const TICK: u64 = 4096;
/// Fewer rowids than this are not worth a range of their own.
const SMALL: u64 = 50_000;
/// Ranges for each reader, so that none waits long for the last.
const RANGES: usize = 4;
/// Most columns of all ranges of a table together: each may hold some 20 kB until the ranges are added up.
const COLUMNS: usize = 4096;

/// What the census learned of one table.
#[derive(Clone, Debug, Default)]
pub struct TableCensus {
    /// What its columns hold.
    pub profile: TableProfile,
    /// The rowids at which it is cut: each is the last key of its chunk.
    pub cuts: Vec<i64>,
    /// Largest rowid.
    pub max_rowid: Option<i64>,
}

/// Of what may be held in memory, this part (an eighth) may be keys of parents.
const KEYS: u64 = 8;

/// What holds for every table.
struct Whole<'a, 's> {
    schema: &'a Schema,
    parents: &'a Parents<'s>,
    chunk_bytes: u64,
    memory: &'a Memory,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
}

/// One range of one table.
struct Task<'a> {
    table: &'a Table,
    /// Its place in the schema.
    number: usize,
    range: usize,
    bounds: Bounds,
}

/// The ranges of one table that were read so far.
type Parts<'s> = Mutex<Vec<Option<Part<'s>>>>;

/// Reads every ordinary table once, over all readers, the largest first as far as their rowids tell. Values of more bytes
/// than `memory` allows are not held whole.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn census(
    readers: &mut [Reader],
    schema: &Schema,
    chunk_bytes: u64,
    memory: &Memory,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<BTreeMap<String, TableCensus>> {
    let share = Share::of(memory.bytes / KEYS);
    let mut tasks = Vec::new();
    let mut parts: BTreeMap<usize, Parts<'_>> = BTreeMap::new();
    let mut rows = BTreeMap::new();
    for (number, table) in schema.tables.iter().enumerate().filter(|(_, t)| t.kind == TableKind::Ordinary) {
        let (ranges, most) = ranges(readers, table)?;
        parts.insert(number, Mutex::new(ranges.iter().map(|_| None).collect()));
        rows.extend(most.map(|most| (number, most)));
        tasks.extend(ranges.into_iter().enumerate().map(|(range, bounds)| Task { table, number, range, bounds }));
    }
    let parents = &Parents::of(schema, &rows, memory.utf16, &share);
    let whole = Whole { schema, parents, chunk_bytes, memory, observer, cancel };
    // Parents first, so that their children can ask for them; tables of many ranges before others, which fill the gaps.
    let count = |number: usize| parts.get(&number).map_or(0, |p| lock(p).len());
    tasks.sort_by_cached_key(|t| (parents.level(t.number), std::cmp::Reverse(count(t.number))));
    let (found, left) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    pool::run(readers, tasks, cancel, |reader, task| {
        let part = scan::scan(reader, (task.number, task.table), task.bounds, &whole)?;
        let Some(parts) = parts.get(&task.number) else { return Ok(()) };
        // Whoever ends the last range goes on with the table.
        let Some(mut all) = put(&mut lock(parts), task.range, part) else { return Ok(()) };
        parents.fill(task.number, all.iter_mut().map(|part| std::mem::take(&mut part.keys)).collect());
        lock(&left).push((task.number, orphans::Told::of(&mut all)));
        let census = finish(reader, task.table, all, &whole)?;
        let (rows, bytes) = (census.profile.rows, census.profile.bytes);
        observer.see(&Event::Done { stage: "census", object: task.table.name.clone(), rows, bytes, seconds: 0.0 });
        lock(&found).insert(task.table.name.clone(), census);
        Ok(())
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
    orphans::count(readers, left, &mut found, &whole)?;
    Ok(found)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps one part; all of them, in order, once none is missing.
fn put<'s>(parts: &mut Vec<Option<Part<'s>>>, range: usize, part: Part<'s>) -> Option<Vec<Part<'s>>> {
    if let Some(place) = parts.get_mut(range) {
        *place = Some(part);
    }
    if parts.iter().all(Option::is_some) { std::mem::take(parts).into_iter().collect() } else { None }
}

/// The ranges in which a table is read, and how many rows it may have at most, if that is known. The first range has no
/// lower bound and the last no upper one.
fn ranges(readers: &mut [Reader], table: &Table) -> Result<(Vec<Bounds>, Option<u64>)> {
    let one = || vec![Bounds::default()];
    let most = (readers.len() * RANGES).min(COLUMNS / table.columns.len().max(1));
    let (Some(rowid), [reader, _, ..]) = (scan::rowid(table), readers) else { return Ok((one(), None)) };
    // Each for itself: SQLite finds either at once, but both of one SELECT only by reading the table.
    let from = Reading::of_table(table).whole();
    let sql = format!("SELECT (SELECT min({rowid}) FROM {from}), (SELECT max({rowid}) FROM {from})");
    let mut ends = None;
    let note = |row: &super::Row<'_>| {
        if let (Value::Integer(least), Value::Integer(greatest)) = (row.get(0), row.get(1)) {
            ends = Some((least, greatest));
        }
        Ok(())
    };
    reader.for_each(&sql, &[], note).map_err(|e| e.about(&table.name))?;
    let Some((least, greatest)) = ends else { return Ok((one(), Some(0))) };
    Ok((cut(least, greatest, most), Some(greatest.abs_diff(least).saturating_add(1))))
}

/// Cuts a span of rowids into at most so many ranges of one width.
fn cut(least: i64, greatest: i64, most: usize) -> Vec<Bounds> {
    let width = greatest.abs_diff(least);
    let count = (width / SMALL).min(most as u64).max(1);
    let mut bounds = Vec::new();
    let mut after = None;
    for i in 1..count {
        let last = least.saturating_add_unsigned(width / count * i);
        bounds.push(Bounds { after, last: Some(last) });
        after = Some(last);
    }
    bounds.push(Bounds { after, last: None });
    bounds
}

fn finish(reader: &mut Reader, table: &Table, parts: Vec<Part<'_>>, whole: &Whole<'_, '_>) -> Result<TableCensus> {
    let mut census = join(parts, whole.chunk_bytes);
    let profile = &mut census.profile;
    profile.finish_sizes(&KeyColumns::of(table));
    name_places(reader, table, profile)?;
    packed::measure(reader, table, profile, whole.cancel)?;
    profile.orphans = vec![0; table.foreign_keys.len()];
    let broken = reader.within(whole.memory.counted, |reader| joins::broken_checks(reader, table, whole.cancel))?;
    profile.check_broken = broken.unwrap_or_else(|| vec![0; table.checks.len()]);
    Ok(census)
}

/// Adds up the parts of a table. What is left of a range after its last cut is a chunk of its own if that is worth it,
/// else it belongs to the next: no chunk is larger than one and a half.
fn join(parts: Vec<Part<'_>>, chunk_bytes: u64) -> TableCensus {
    let mut census = TableCensus::default();
    let mut left = 0;
    for (i, part) in parts.into_iter().enumerate() {
        if left > 0 && left >= chunk_bytes / 2 {
            census.cuts.extend(census.max_rowid);
            left = 0;
        }
        left = if part.cuts.is_empty() { left + part.tail } else { part.tail };
        census.cuts.extend(part.cuts);
        census.max_rowid = part.last.or(census.max_rowid);
        if i == 0 {
            census.profile = part.profile;
        } else {
            census.profile.merge(&part.profile);
        }
    }
    census
}

/// Finds the keys of the few rows whose values were remarkable, so that a person can look at them. Rowids were noted by
/// the pass; for other tables the scan that numbered the rows is repeated as far as needed: on one snapshot it gives the
/// same order.
fn name_places(reader: &mut Reader, table: &Table, profile: &mut TableProfile) -> Result<()> {
    let mut places = profile.places();
    let (Some(key), None) = (&table.primary_key, scan::rowid(table)) else {
        places.extend(profile.example_places());
        profile.place_keys.retain(|row, _| places.contains(row));
        return Ok(());
    };
    let key: Vec<usize> = key.columns.iter().map(|k| k.column).filter(|c| *c < table.columns.len()).collect();
    for place in places {
        let sql = Reading::of_table(table).columns(key.iter().copied(), select::Bounds::default());
        let sql = format!("{sql} LIMIT 1 OFFSET {}", place.saturating_sub(1));
        let mut words = Vec::new();
        let note = |row: &super::Row<'_>| {
            let named = key.iter().enumerate().map(|(i, c)| format!("{}={}", table.columns[*c].name, show(row.get(i))));
            words = named.collect();
            Ok::<(), Error>(())
        };
        reader.for_each(&sql, &[], note).map_err(|e| e.about(&table.name))?;
        profile.place_keys.insert(place, words.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_no_gap() {
        for (least, greatest) in [(1, 1_000_000), (i64::MIN, i64::MAX), (-5, 3), (i64::MAX - 60_000, i64::MAX), (7, 7)]
        {
            let all = cut(least, greatest, 8);
            assert_eq!((all[0].after, all[all.len() - 1].last), (None, None));
            assert!(all.windows(2).all(|w| w[0].last.is_some() && w[0].last == w[1].after), "{all:?}");
            let cuts: Vec<i64> = all.iter().filter_map(|b| b.last).collect();
            assert!(cuts.is_sorted() && cuts.iter().all(|c| *c >= least && *c < greatest), "{all:?}");
        }
        assert_eq!(cut(1, 1_000_000, 8).len(), 8);
        assert_eq!(cut(1, 100, 8).len(), 1);
    }

    #[test]
    fn what_is_left_of_a_range_is_no_chunk_too_small_or_too_large() {
        let part = |cuts: &[i64], tail: u64, last: i64| Part {
            cuts: cuts.to_vec(),
            tail,
            last: Some(last),
            ..Part::new(Bounds::default(), TableProfile::default())
        };
        let cuts = |parts| join(parts, 100).cuts;
        assert_eq!(cuts(vec![part(&[10, 20], 60, 30), part(&[40], 0, 40)]), [10, 20, 30, 40]);
        assert_eq!(cuts(vec![part(&[10, 20], 49, 30), part(&[40], 5, 50)]), [10, 20, 40]);
        assert_eq!(cuts(vec![part(&[], 30, 3), part(&[], 30, 6), part(&[], 30, 9)]), [6]);
        assert_eq!(cuts(vec![part(&[], 90, 3)]), [0i64; 0]);
        let one = |cuts: &[i64], last| part(cuts, 0, last);
        assert_eq!(join(vec![one(&[1, 2], 2), one(&[3], 3)], 1).cuts, [1, 2, 3], "every row a chunk");
    }
}
