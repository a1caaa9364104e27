//! Copies one chunk: reader → codec → COPY BINARY, digest on the way, the mark in the same transaction.
//! Owns that one straight line; never decides what is copied when.

use crate::error::{Error, Kind, Result};
use crate::observe::{Event, Observer};
use crate::run::exclude::Why;
use crate::run::execute::looking_in;
use crate::run::fit::Fit;
use crate::run::huge;
use crate::run::normalised::{Tally, Watch};
use crate::run::pool::{Alone, Cancel};
use crate::run::reject::{self, Limit, Rejects, Rules};
use crate::run::scan;
use crate::source::census::TICK;
use crate::source::huge::Long;
use crate::source::select::{Bounds, Reading};
use crate::source::{Reader, Row};
use crate::target::copy::CopyIn;
use crate::target::error_from_pg;
use crate::target::ledger::{self, Chunk, Range};
use lite2pg_model::mapping::codec::Codec;
use lite2pg_model::normal::digest::RowHasher;
use lite2pg_model::normal::{self, Sum, digest};
use lite2pg_model::plan::{Plan, Step, TablePlan};
use lite2pg_model::value::Value;
use postgres::Client;

/// So much of a row is gathered before it goes on its way.
const WIDE: usize = 128 * 1024;

/// What one chunk needs besides its two connections.
pub struct Job<'a> {
    /// The run.
    pub run: &'a str,
    /// The staging schema.
    pub staging: &'a str,
    /// The table.
    pub table: &'a TablePlan,
    /// What may be set aside in it.
    pub rules: Rules<'a>,
    /// The chunk.
    pub chunk: &'a Chunk,
    /// The table is made in the same transaction, and these steps with it (its only chunk).
    pub create: Option<(&'a Step, &'a str)>,
    /// The plan, for where the names in that statement are looked for.
    pub plan: &'a Plan,
    /// The copy step, to be marked with the table's only chunk.
    pub copy_step: Option<&'a Step>,
}

/// Copies one chunk. Either all of it is in the target (or in `rejected_row`) and marked, or none of it.
///
/// # Errors
/// The source cannot be read, a value does not fit its type and may not be set aside (`Rejected`, with table, column and
/// key), the target refuses, or `Interrupted`.
pub fn copy_chunk(
    reader: &mut Reader,
    client: &mut Client,
    job: &Job<'_>,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Done> {
    let about = |e: postgres::Error| error_from_pg(e, "copying rows").about(&job.table.name);
    let _alone = Alone::on(job.table);
    let mut tx = client.transaction().map_err(about)?;
    if let Some((step, sql)) = job.create {
        let (path, mark) = (looking_in(job.plan, job.staging), ledger::mark(job.run, step));
        tx.batch_execute(&format!("{path}; {sql}; {mark}")).map_err(about)?;
    }
    let mut copy = CopyIn::start(&mut tx, job.staging, job.table, job.create.is_some())?;
    let mut copied = Copied::new(observer, job.table, job.rules.limit);
    rows(reader, job.table, job.rules, (job.chunk.range, None), &mut copied, &mut copy, cancel)?;
    let (rows, _) = copy.finish().map_err(|e| e.about(&job.table.name))?;
    if rows != copied.sum.rows {
        return Err(Error::new(Kind::Different, format!("{} rows were sent, {rows} arrived", copied.sum.rows))
            .about(&job.table.name)
            .hint("the chunk was undone; look for a trigger or an extension of the target that swallows rows"));
    }
    let (number, range) = (job.chunk.number, job.chunk.range);
    let chunk = reject::Chunk { run: job.run, table: job.table, number, range };
    reject::write(reader, &mut tx, chunk, &copied.rejects)?;
    copied.tally.write(&mut tx, job.run, &job.table.name)?;
    let counted = (&copied.sum, copied.bytes);
    ledger::chunk_done(&mut tx, job.run, &job.table.name, job.chunk.number, counted, job.copy_step)?;
    tx.commit().map_err(about)?;
    copied.rejects.keep();
    Ok(Done { sum: copied.sum, bytes: copied.bytes, rejected: copied.rejects.len() })
}

/// What a chunk came to.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Digest and number of the rows that were copied.
    pub sum: Sum,
    /// Bytes of their values.
    pub bytes: u64,
    /// Rows that were set aside.
    pub rejected: u64,
}

/// What went by so far.
pub struct Copied<'a> {
    /// Digest and rows.
    pub sum: Sum,
    /// Bytes of the values.
    pub bytes: u64,
    /// Rows that were set aside.
    pub rejects: Rejects<'a>,
    /// What policies changed.
    pub tally: Tally,
    told: (u64, u64),
    observer: &'a dyn Observer,
    table: &'a str,
}

impl<'a> Copied<'a> {
    /// Nothing yet; what is set aside counts towards the limit.
    pub fn new(observer: &'a dyn Observer, table: &'a TablePlan, limit: &'a Limit) -> Self {
        let (sum, rejects, tally) = (Sum::new(), Rejects::new(limit), Tally::default());
        Copied { sum, bytes: 0, rejects, tally, told: (0, 0), observer, table: &table.name }
    }

    /// Tells what went by since the last time; returns its bytes.
    fn tell(&mut self) -> u64 {
        let (rows, bytes) = (self.sum.rows - self.told.0, self.bytes - self.told.1);
        self.told = (self.sum.rows, self.bytes);
        self.observer.see(&Event::Progress { stage: "copy", table: self.table.to_owned(), rows, bytes });
        bytes
    }
}

/// The column of a row's first value that does not fit, and why not.
fn first_misfit(aside: &[Option<Fit>], row: &Row<'_>) -> Option<(usize, &'static str)> {
    let mut field = Vec::new();
    aside.iter().enumerate().find_map(|(i, fit)| {
        field.clear();
        fit.as_ref()?.encode(row.get(i), &mut field).map(|reason| (i, reason))
    })
}

/// Reads a range of a table (at most `limit` rows of it), encodes every row into `copy` and adds it to the digest. Rows
/// that do not fit are set aside as far as the rules allow it.
///
/// # Errors
/// As [`copy_chunk`].
pub fn rows(
    reader: &mut Reader,
    table: &TablePlan,
    rules: Rules<'_>,
    (range, limit): (Range, Option<u64>),
    copied: &mut Copied<'_>,
    copy: &mut CopyIn<'_>,
    cancel: &Cancel,
) -> Result<()> {
    let columns: Vec<(Codec, normal::Column)> = table.columns.iter().map(|c| (c.codec(), c.form())).collect();
    let aside: Vec<Option<Fit>> = table
        .columns
        .iter()
        .map(|c| (c.generated.is_none() && (c.quarantine || rules.all)).then(|| Fit::of(c)))
        .collect();
    // What the target computes is not sent; the digest still has the source's value, which is the proof of it.
    let computed: Vec<bool> = table.columns.iter().map(|c| c.generated.is_some()).collect();
    // Then every value is only encoded, and a row that does not fit ends it.
    let simple = aside.iter().all(Option::is_none) && !computed.contains(&true);
    let watch = Watch::of(table);
    let long = Long::of_plan(table);
    let reading = Reading::of_plan(table).without(long.as_ref());
    let rowid = reading.rowid();
    let mut sql = reading.rows(Bounds { after: range.after.is_some(), last: range.last.is_some() });
    let width = columns.len() + usize::from(rowid.is_some());
    if let Some(limit) = limit {
        sql.push_str(&format!(" LIMIT {limit}"));
    }
    let bounds: Vec<Value<'_>> = [range.after, range.last].into_iter().flatten().map(Value::Integer).collect();
    let mut normal = Vec::with_capacity(1024);
    let mut place = 0;
    reader
        .for_each_with(&sql, &bounds, |blobs, row| {
            #[cfg(feature = "fault-injection")]
            let (fault, start_of_fault) = (lite2pg_model::fault::of_row(), copy.gathered());
            #[cfg(feature = "fault-injection")]
            if fault == Some(lite2pg_model::fault::RowFault::Unread) {
                return Ok(());
            }
            place += 1;
            // What only a few rows need: not asked of SQLite for the others.
            let number = || scan::number(rowid, row, columns.len(), place);
            if let Some(why) = rules.set.and_then(|_| rules.known(number())) {
                let number = number();
                let misfit = (why == Why::Misfit).then(|| first_misfit(&aside, row)).flatten();
                let error = || match misfit {
                    Some((i, reason)) => reject::error(table, i, number, row, reason),
                    None => reject::beyond(table, number, row, why),
                };
                let left_out = long.as_ref().map_or_else(Vec::new, |long| long.left_out(row, width));
                if !left_out.is_empty() {
                    return Err(huge::not_quarantined(error(), &left_out));
                }
                copied.tally.rejected(table, (why, misfit.map(|(i, _)| i)), number, row);
                return copied.rejects.take((number, why), error);
            }
            let nulls = if rules.set.is_some() { rules.nulls(table, number()) } else { Vec::new() };
            if let Some(long) = &long {
                let left_out = long.left_out(row, width);
                if !left_out.is_empty() {
                    let mut sink = huge::Sink {
                        table,
                        number: number(),
                        columns: &columns,
                        nulls: &nulls,
                        copy: &mut *copy,
                        cancel,
                    };
                    let (digest, bytes) = sink.row(long, blobs, row, &left_out)?;
                    if !watch.is_empty() || !nulls.is_empty() {
                        copied.tally.row(&watch, table, &nulls, number(), row);
                    }
                    copied.sum.add(&digest);
                    copied.bytes += bytes;
                    copied.tell();
                    return copy.row_end();
                }
            }
            normal.clear();
            let (start, bytes) = (copy.gathered(), copied.bytes);
            let mut out = copy.row();
            let mut begun: Option<RowHasher> = None;
            if simple && nulls.is_empty() {
                for (i, (codec, form)) in columns.iter().enumerate() {
                    let value = row.get(i);
                    copied.bytes += value.size();
                    if let Err(misfit) = codec.encode(value, out) {
                        return Err(reject::error(table, i, number(), row, misfit.reason));
                    }
                    form.of_source(value, &mut normal);
                    // Many values of a wide row are not gathered: none of them can be taken back here.
                    if normal.len() > WIDE {
                        begun.get_or_insert_default().take(&normal);
                        normal.clear();
                        copy.row_end()?;
                        out = copy.fields();
                    }
                }
            } else {
                for (i, (codec, form)) in columns.iter().enumerate() {
                    let value = if nulls.contains(&i) { Value::Null } else { row.get(i) };
                    copied.bytes += value.size();
                    // Where rows may be set aside, a value must come back too; elsewhere the comparison at the end tells.
                    let aside = aside.get(i).and_then(Option::as_ref);
                    let misfit = match aside {
                        _ if computed.get(i) == Some(&true) => None,
                        Some(fit) => fit.encode(value, out),
                        None => codec.encode(value, out).err().map(|m| m.reason),
                    };
                    if let Some(reason) = misfit {
                        let error = || reject::error(table, i, number(), row, reason);
                        if aside.is_none() {
                            return Err(error());
                        }
                        copy.take_back(start);
                        copied.bytes = bytes;
                        copied.tally.rejected(table, (Why::Misfit, Some(i)), number(), row);
                        return copied.rejects.take((number(), Why::Misfit), error);
                    }
                    form.of_source(value, &mut normal);
                }
            }
            if !watch.is_empty() || !nulls.is_empty() {
                copied.tally.row(&watch, table, &nulls, number(), row);
            }
            copied.sum.add(&match begun {
                None => digest::row(&normal),
                Some(mut hasher) => {
                    hasher.take(&normal);
                    hasher.finish()
                }
            });
            #[cfg(feature = "fault-injection")]
            if let Some(fault) = fault {
                use lite2pg_model::fault::RowFault;
                if fault == RowFault::ReadTwice {
                    copied.sum.add(&digest::row(&normal));
                }
                copy.spoil(start_of_fault, fault != RowFault::Unsent);
            }
            if normal.capacity() > 1 << 20 {
                normal = Vec::with_capacity(1024);
            }
            if copied.sum.rows.is_multiple_of(TICK) {
                cancel.moved(copied.tell())?;
            }
            copy.row_end()
        })
        .map_err(|e| if e.object.is_some() || e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    copied.tell();
    Ok(())
}
