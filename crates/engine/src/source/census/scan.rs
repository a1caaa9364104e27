//! One pass over the rows of a table, or of a range of its rowids.
//! Owns the loop: what every value adds to the profile, and where a chunk may end; allocates nothing for a value.

use super::super::huge::Long;
use super::super::reader::Reader;
use super::super::select::{self, Reading};
use super::keys::{Keys, Probe};
use super::{TICK, Whole};
use crate::error::{Kind, Result};
use crate::observe::Event;
use lite2pg_model::mapping::profile::{KeyColumns, TableProfile};
use lite2pg_model::plan::long::whole_only;
use lite2pg_model::schema::Table;
use lite2pg_model::value::Value;
use std::collections::BTreeMap;

/// Which rows: after the first rowid, up to the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub after: Option<i64>,
    pub last: Option<i64>,
}

/// What one pass learned of its rows.
#[derive(Debug)]
pub(super) struct Part<'s> {
    /// Its rows.
    pub bounds: Bounds,
    /// What the columns hold; its places are numbered from the first of these rows.
    pub profile: TableProfile,
    /// The rowids at which it is cut.
    pub cuts: Vec<i64>,
    /// Bytes after the last cut.
    pub tail: u64,
    /// The last rowid.
    pub last: Option<i64>,
    /// The keys that children ask for, set by set.
    pub keys: Vec<Keys<'s>>,
    /// Orphans, by foreign key, of those whose parents were known.
    pub orphans: BTreeMap<usize, u64>,
}

/// The name under which the rowid of a table can be read.
pub(super) fn rowid(table: &Table) -> Option<&'static str> {
    Reading::of_table(table).rowid()
}

/// Reads these rows of a table. Only where they hold a value too long to be held whole are they read another way, from
/// their beginning.
pub(super) fn scan<'s>(
    reader: &mut Reader,
    (place, table): (usize, &Table),
    bounds: Bounds,
    whole: &Whole<'_, 's>,
) -> Result<Part<'s>> {
    let over = whole.memory.counted;
    let computes = Reading::of_table(table).computes();
    let first = |reader: &mut Reader| reader.within(over, |reader| pass(reader, (place, table), bounds, None, whole));
    if let Some(part) = reader.heeding(whole.cancel, computes, first)? {
        return Ok(part);
    }
    let long = Long::look(reader, table, over, whole.cancel).map_err(|e| e.about(&table.name))?;
    reader.heeding(whole.cancel, computes, |reader| pass(reader, (place, table), bounds, Some(&long), whole))
}

/// Asks of the rows of a range whether their parents are there, for these foreign keys, whose sets are known. `None` if
/// a value is too long to be held.
pub(super) fn orphans(
    reader: &mut Reader,
    (place, table): (usize, &Table),
    bounds: Bounds,
    keys: &[usize],
    whole: &Whole<'_, '_>,
) -> Result<Option<BTreeMap<usize, u64>>> {
    let mut columns: Vec<usize> =
        keys.iter().filter_map(|k| table.foreign_keys.get(*k)).flat_map(|k| k.columns.clone()).collect();
    columns.sort_unstable();
    columns.dedup();
    let at = |column: &usize| columns.binary_search(column).unwrap_or(usize::MAX);
    let mut probes = probes(place, table, whole, at);
    probes.retain(|(key, _, _)| keys.contains(key));
    let sql = Reading::of_table(table).columns(columns.iter().copied(), bounds.select());
    let mut rows = 0u64;
    let read = |reader: &mut Reader| {
        reader.for_each(&sql, &bounds.params(), |row| {
            probes.iter_mut().for_each(|(_, columns, probe)| probe.take(columns.iter().map(|c| row.get(*c))));
            rows += 1;
            if rows.is_multiple_of(TICK) { whole.cancel.check() } else { Ok(()) }
        })
    };
    let read = reader.within(whole.memory.counted, read);
    let read = read.map_err(|e| if e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    Ok(read.map(|()| probes.into_iter().map(|(key, _, probe)| (key, probe.orphans)).collect()))
}

/// Those who ask, for every foreign key whose parents are known: its place, and where its columns stand in the row.
fn probes<'k>(
    place: usize,
    table: &Table,
    whole: &'k Whole<'_, '_>,
    at: impl Fn(&usize) -> usize,
) -> Vec<(usize, Vec<usize>, Probe<'k>)> {
    let keys = table.foreign_keys.iter().enumerate();
    let known = keys.filter_map(|(i, key)| Some((i, key, whole.parents.known(place, i)?)));
    known.map(|(i, key, known)| (i, key.columns.iter().map(&at).collect(), Probe::new(known))).collect()
}

impl Bounds {
    fn select(self) -> select::Bounds {
        select::Bounds { after: self.after.is_some(), last: self.last.is_some() }
    }

    pub(super) fn params(self) -> Vec<Value<'static>> {
        [self.after, self.last].into_iter().flatten().map(Value::Integer).collect()
    }
}

fn pass<'s>(
    reader: &mut Reader,
    (place, table): (usize, &Table),
    bounds: Bounds,
    long: Option<&Long>,
    whole: &Whole<'_, 's>,
) -> Result<Part<'s>> {
    let reading = Reading::of_table(table).without(long);
    let rowid = reading.rowid();
    let sql = reading.rows(bounds.select());
    let params = bounds.params();
    let keys = KeyColumns::of(table);
    let width = table.columns.len();
    let mut sizes = if keys.needs_sizes() { vec![0; width] } else { Vec::new() };
    let mut part = Part::new(bounds, TableProfile::for_table(table));
    let mut gathered: Vec<(&[usize], Keys<'s>)> =
        whole.parents.fills(place).map(|set| (set.columns.as_slice(), Keys::new(whole.parents.share))).collect();
    let mut probes = probes(place, table, whole, |column| *column);
    if long.is_some() {
        // A key may be among what is left out.
        gathered.iter_mut().for_each(|(_, keys)| keys.give_up());
        probes.clear();
    }
    let mut told = (0, 0);
    let first = width + usize::from(rowid.is_some());
    let read = reader.for_each_with(&sql, &params, |blobs, row| {
        let profile = &mut part.profile;
        let (mut size, mut remember) = (0, false);
        let left_out = long.map_or_else(Vec::new, |long| long.left_out(row, first));
        for (i, column) in profile.columns.iter_mut().enumerate() {
            if let (Some(long), Some(out)) = (long, left_out.iter().find(|out| out.column == i)) {
                size += out.length;
                let key = rowid.filter(|_| whole_only(table).is_none() && !whole.memory.utf16).map(|_| width);
                remember |= long.observe(blobs, (row, key), out, column, whole.cancel)?;
                if let Some(place) = sizes.get_mut(i) {
                    *place = out.length;
                }
                continue;
            }
            let value = row.get(i);
            let bytes = value.size();
            size += bytes;
            remember |= column.take(value);
            if let Some(place) = sizes.get_mut(i) {
                *place = bytes;
            }
        }
        gathered.iter_mut().for_each(|(columns, keys)| keys.add(columns.iter().map(|c| row.get(*c))));
        probes.iter_mut().for_each(|(_, columns, probe)| probe.take(columns.iter().map(|c| row.get(*c))));
        profile.rows += 1;
        profile.bytes += size;
        profile.max_row_bytes = profile.max_row_bytes.max(size);
        if !sizes.is_empty() {
            profile.observe_sizes(&keys, &sizes);
        }
        // Every row costs the target some 24 bytes of its own; without them, tables of NULLs would be one chunk.
        part.tail += size + 24;
        if rowid.is_some()
            && let Value::Integer(key) = row.get(width)
        {
            part.last = Some(key);
            if remember {
                profile.place_keys.insert(profile.rows, format!("rowid {key}"));
            }
            if part.tail >= whole.chunk_bytes {
                part.cuts.push(key);
                part.tail = 0;
            }
        }
        if profile.rows.is_multiple_of(TICK) {
            whole.cancel.check()?;
            whole.tell(table, profile, &mut told);
        }
        Ok(())
    });
    read.map_err(|e| if e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    whole.tell(table, &part.profile, &mut told);
    part.keys = gathered.into_iter().map(|(_, keys)| keys).collect();
    part.orphans = probes.into_iter().map(|(key, _, probe)| (key, probe.orphans)).collect();
    Ok(part)
}

impl Part<'_> {
    /// Nothing was read yet.
    pub(super) fn new(bounds: Bounds, profile: TableProfile) -> Self {
        Part { bounds, profile, cuts: Vec::new(), tail: 0, last: None, keys: Vec::new(), orphans: BTreeMap::new() }
    }
}

impl Whole<'_, '_> {
    fn tell(&self, table: &Table, profile: &TableProfile, told: &mut (u64, u64)) {
        let (rows, bytes) = (profile.rows - told.0, profile.bytes - told.1);
        *told = (profile.rows, profile.bytes);
        self.observer.see(&Event::Progress { stage: "census", table: table.name.clone(), rows, bytes });
    }
}
