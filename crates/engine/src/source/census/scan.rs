//! One pass over the rows of a table, or of a range of its rowids.
//! Owns the loop: what every value adds to the profile, and where a chunk may end; allocates nothing for a value.

use super::super::huge::Long;
use super::super::reader::Reader;
use super::super::select::{self, Reading};
use super::{TICK, Whole};
use crate::error::{Kind, Result};
use crate::observe::Event;
use lite2pg_model::mapping::profile::{KeyColumns, TableProfile};
use lite2pg_model::plan::long::whole_only;
use lite2pg_model::schema::Table;
use lite2pg_model::value::Value;

/// Which rows: after the first rowid, up to the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub after: Option<i64>,
    pub last: Option<i64>,
}

/// What one pass learned of its rows.
#[derive(Debug)]
pub(super) struct Part {
    /// What the columns hold; its places are numbered from the first of these rows.
    pub profile: TableProfile,
    /// The rowids at which it is cut.
    pub cuts: Vec<i64>,
    /// Bytes after the last cut.
    pub tail: u64,
    /// The last rowid.
    pub last: Option<i64>,
}

/// The name under which the rowid of a table can be read.
pub(super) fn rowid(table: &Table) -> Option<&'static str> {
    Reading::of_table(table).rowid()
}

/// Reads these rows of a table. Only where they hold a value too long to be held whole are they read another way, from
/// their beginning.
pub(super) fn scan(reader: &mut Reader, table: &Table, bounds: Bounds, whole: &Whole<'_>) -> Result<Part> {
    let over = whole.memory.counted;
    let computes = Reading::of_table(table).computes();
    let first = |reader: &mut Reader| reader.within(over, |reader| pass(reader, table, bounds, None, whole));
    if let Some(part) = reader.heeding(whole.cancel, computes, first)? {
        return Ok(part);
    }
    let long = Long::look(reader, table, over, whole.cancel).map_err(|e| e.about(&table.name))?;
    reader.heeding(whole.cancel, computes, |reader| pass(reader, table, bounds, Some(&long), whole))
}

fn pass(reader: &mut Reader, table: &Table, bounds: Bounds, long: Option<&Long>, whole: &Whole<'_>) -> Result<Part> {
    let reading = Reading::of_table(table).without(long);
    let rowid = reading.rowid();
    let sql = reading.rows(select::Bounds { after: bounds.after.is_some(), last: bounds.last.is_some() });
    let params: Vec<Value<'_>> = [bounds.after, bounds.last].into_iter().flatten().map(Value::Integer).collect();
    let keys = KeyColumns::of(table);
    let width = table.columns.len();
    let mut sizes = if keys.needs_sizes() { vec![0; width] } else { Vec::new() };
    let mut part = Part { profile: TableProfile::for_table(table), cuts: Vec::new(), tail: 0, last: None };
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
    Ok(part)
}

impl Whole<'_> {
    fn tell(&self, table: &Table, profile: &TableProfile, told: &mut (u64, u64)) {
        let (rows, bytes) = (profile.rows - told.0, profile.bytes - told.1);
        *told = (profile.rows, profile.bytes);
        self.observer.see(&Event::Progress { stage: "census", table: table.name.clone(), rows, bytes });
    }
}
