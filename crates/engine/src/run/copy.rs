//! Copies one chunk: reader → codec → COPY BINARY, digest on the way, the mark in the same transaction.
//! Owns that one straight line; never decides what is copied when.

use crate::error::{Error, Kind, Result};
use crate::observe::{Event, Observer};
use crate::run::huge;
use crate::run::pool::{Alone, Cancel};
use crate::source::Reader;
use crate::source::census::TICK;
use crate::source::huge::Long;
use crate::source::select;
use crate::target::copy::CopyIn;
use crate::target::error_from_pg;
use crate::target::ledger::{self, Chunk, Range};
use lite2pg_model::mapping::codec::Codec;
use lite2pg_model::normal::{self, Sum, digest};
use lite2pg_model::plan::{Step, TablePlan};
use lite2pg_model::value::Value;
use postgres::Client;

/// What one chunk needs besides its two connections.
pub struct Job<'a> {
    /// The run.
    pub run: &'a str,
    /// The staging schema.
    pub staging: &'a str,
    /// The table.
    pub table: &'a TablePlan,
    /// The chunk.
    pub chunk: &'a Chunk,
    /// The table is made in the same transaction, and these steps with it (its only chunk).
    pub create: Option<(&'a Step, &'a str)>,
    /// The copy step, to be marked with the table's only chunk.
    pub copy_step: Option<&'a Step>,
}

/// Copies one chunk. Either all of it is in the target and marked, or none of it.
///
/// # Errors
/// The source cannot be read, a value does not fit its type (`Rejected`, with table, column and key), the target refuses,
/// or `Interrupted`.
pub fn copy_chunk(
    reader: &mut Reader,
    client: &mut Client,
    job: &Job<'_>,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(Sum, u64)> {
    let about = |e: postgres::Error| error_from_pg(e, "copying rows").about(&job.table.name);
    let _alone = Alone::on(job.table);
    let mut tx = client.transaction().map_err(about)?;
    if let Some((step, sql)) = job.create {
        tx.batch_execute(sql).map_err(about)?;
        ledger::step_done(&mut tx, job.run, step)?;
    }
    let mut copy = CopyIn::start(&mut tx, job.staging, job.table, job.create.is_some())?;
    let mut copied = Copied::new(observer, &job.table.name);
    rows(reader, job.table, job.chunk.range, None, &mut copied, &mut copy, cancel)?;
    let (rows, _) = copy.finish().map_err(|e| e.about(&job.table.name))?;
    if rows != copied.sum.rows {
        return Err(Error::new(Kind::Different, format!("{} rows were sent, {rows} arrived", copied.sum.rows))
            .about(&job.table.name)
            .hint("the chunk was undone; look for a trigger or an extension of the target that swallows rows"));
    }
    ledger::chunk_done(&mut tx, job.run, &job.table.name, job.chunk.number, &copied.sum, copied.bytes)?;
    if let Some(step) = job.copy_step {
        ledger::step_done(&mut tx, job.run, step)?;
    }
    tx.commit().map_err(about)?;
    Ok((copied.sum, copied.bytes))
}

/// What went by so far.
pub struct Copied<'a> {
    /// Digest and rows.
    pub sum: Sum,
    /// Bytes of the values.
    pub bytes: u64,
    told: (u64, u64),
    observer: &'a dyn Observer,
    table: &'a str,
}

impl<'a> Copied<'a> {
    /// Nothing yet.
    pub fn new(observer: &'a dyn Observer, table: &'a str) -> Self {
        Copied { sum: Sum::new(), bytes: 0, told: (0, 0), observer, table }
    }

    fn tell(&mut self) {
        let (rows, bytes) = (self.sum.rows - self.told.0, self.bytes - self.told.1);
        self.told = (self.sum.rows, self.bytes);
        self.observer.see(&Event::Progress { stage: "copy", table: self.table.to_owned(), rows, bytes });
    }
}

/// Reads a range of a table (at most `limit` rows of it), encodes every row into `copy` and adds it to the digest.
///
/// # Errors
/// As [`copy_chunk`].
pub fn rows(
    reader: &mut Reader,
    table: &TablePlan,
    range: Range,
    limit: Option<u64>,
    copied: &mut Copied<'_>,
    copy: &mut CopyIn<'_>,
    cancel: &Cancel,
) -> Result<()> {
    let columns: Vec<(Codec, normal::Column)> = table.columns.iter().map(|c| (c.codec(), c.form())).collect();
    let names = || table.columns.iter().map(|c| c.name.as_str());
    let rowid = select::rowid_name(names(), table.without_rowid);
    let long = Long::of_plan(table);
    let (after, last) = (range.after.is_some(), range.last.is_some());
    let mut sql = select::rows_without(&table.name, names(), rowid, after, last, long.as_ref());
    let width = columns.len() + usize::from(rowid.is_some());
    if let Some(limit) = limit {
        sql.push_str(&format!(" LIMIT {limit}"));
    }
    let bounds: Vec<Value<'_>> = [range.after, range.last].into_iter().flatten().map(Value::Integer).collect();
    let mut normal = Vec::with_capacity(1024);
    reader
        .for_each_with(&sql, &bounds, |blobs, row| {
            if let Some(long) = &long {
                let left_out = long.left_out(row, width);
                if !left_out.is_empty() {
                    let mut sink = huge::Sink { table, columns: &columns, copy: &mut *copy, cancel };
                    let (digest, bytes) = sink.row(long, blobs, row, &left_out)?;
                    copied.sum.add(&digest);
                    copied.bytes += bytes;
                    copied.tell();
                    return copy.row_end();
                }
            }
            #[cfg(feature = "fault-injection")]
            let (fault, start) = (lite2pg_model::fault::of_row(), copy.gathered());
            #[cfg(feature = "fault-injection")]
            if fault == Some(lite2pg_model::fault::RowFault::Unread) {
                return Ok(());
            }
            normal.clear();
            let out = copy.row();
            for (i, (codec, form)) in columns.iter().enumerate() {
                let value = row.get(i);
                copied.bytes += value.size();
                if let Err(misfit) = codec.encode(value, out) {
                    let key = rowid.map(|_| row.get(columns.len()));
                    return Err(misfit_error(table, i, key, copied.sum.rows, value, &misfit.to_string()));
                }
                form.of_source(value, &mut normal);
            }
            copied.sum.add(&digest::row(&normal));
            #[cfg(feature = "fault-injection")]
            if let Some(fault) = fault {
                use lite2pg_model::fault::RowFault;
                if fault == RowFault::ReadTwice {
                    copied.sum.add(&digest::row(&normal));
                }
                copy.spoil(start, fault != RowFault::Unsent);
            }
            if normal.capacity() > 1 << 20 {
                normal = Vec::with_capacity(1024);
            }
            if copied.sum.rows.is_multiple_of(TICK) {
                cancel.check()?;
                copied.tell();
            }
            copy.row_end()
        })
        .map_err(|e| if e.object.is_some() || e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    copied.tell();
    Ok(())
}

pub(super) fn misfit_error(
    table: &TablePlan,
    column: usize,
    key: Option<Value<'_>>,
    before: u64,
    value: Value<'_>,
    reason: &str,
) -> Error {
    let place = match key {
        Some(Value::Integer(rowid)) => format!("rowid {rowid}"),
        _ => format!("after {before} rows of this chunk"),
    };
    let column = table.columns.get(column);
    let (name, ty) = column.map(|c| (c.name.as_str(), c.ty.sql())).unwrap_or_default();
    Error::new(
        Kind::Rejected,
        format!("a value of class {} at {place} does not fit type {ty}: {reason}", value.class().word()),
    )
    .about(format!("{}.{name}", table.name))
    .hint(format!(
        "look at it with: SELECT {} FROM {} WHERE rowid = …; the chunk was undone, nothing of it is in the target",
        lite2pg_model::ident::sqlite(name),
        lite2pg_model::ident::sqlite(&table.name)
    ))
}
