//! Rows that are set aside while a chunk is copied: which, within which limit, and how they get into `rejected_row`.
//! Owns that way; never decides that a value does not fit (the codec says so) and never encodes a row for the target.

use super::exclude::{self, Set, Why};
use super::fit::Fit;
use super::scan::{self, Scan};
use crate::error::{Error, Kind, Result};
use crate::source::{Reader, Row};
use crate::target::ledger::Range;
use crate::target::rejected::{Place, Writer};
use lite2pg_model::ident::sqlite;
use lite2pg_model::plan::{Plan, TablePlan};
use lite2pg_model::value::{Class, Value};
use postgres::GenericClient;
use std::sync::atomic::{AtomicU64, Ordering};

/// What helps where a value does not fit.
pub(super) const ADVICE: &str = "the chunk was undone, nothing of it is in the target; mend the row, choose a policy, or \
                                 allow some rows to be set aside with --max-rejects";

/// Rejected rows of one chunk that are held until its COPY has ended: their numbers alone, 16 bytes each.
const MOST: usize = 4_000_000;

/// Up to so many rejected rows of a chunk are each looked up; of more, the chunk is read again.
const LOOKED_UP: usize = 64;

/// How many rows may be rejected, over all tables.
#[derive(Debug)]
pub struct Limit {
    most: Option<u64>,
    rejected: AtomicU64,
}

impl Limit {
    /// At most so many (`None`: as many as policies want); so many were rejected before.
    pub fn new(most: Option<u64>, before: u64) -> Limit {
        Limit { most, rejected: AtomicU64::new(before) }
    }

    /// Takes one more, if there may be one more.
    fn take(&self) -> bool {
        let one_more = |before: u64| self.most.is_none_or(|most| before < most).then(|| before.saturating_add(1));
        self.rejected.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// So many that were taken are not rejected after all.
    fn give_back(&self, count: u64) {
        self.rejected.fetch_sub(count, Ordering::Relaxed);
    }

    fn words(&self) -> String {
        self.most.map_or_else(String::new, |most| {
            format!("; {most} rows were rejected before it, as many as --max-rejects allows")
        })
    }
}

/// What may be set aside in a table.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Rows that are known before.
    pub set: Option<&'a Set>,
    /// Whatever does not fit is set aside, in every column.
    pub all: bool,
    /// How many rows.
    pub limit: &'a Limit,
}

impl<'a> Rules<'a> {
    /// Those of a table.
    pub fn of(plan: &Plan, excluded: &'a exclude::Excluded, limit: &'a Limit, table: &TablePlan) -> Rules<'a> {
        Rules { set: excluded.of(&table.name), all: plan.quarantine_all, limit }
    }

    /// Whether a row is known to go, and why.
    #[inline]
    pub fn known(&self, number: i64) -> Option<Why> {
        self.set.and_then(|s| s.rejected(number))
    }

    /// The columns that become NULL in a row.
    #[inline]
    pub fn nulls(&self, table: &TablePlan, number: i64) -> Vec<usize> {
        self.set.map_or_else(Vec::new, |s| exclude::null_columns(table, s, number))
    }
}

/// Rows of one chunk that were set aside, in reading order. Dropped before they are [`Rejects::keep`]t, they are given back
/// to the limit: their chunk was undone, and when it is copied again they would count twice.
#[derive(Debug)]
pub struct Rejects<'a> {
    rows: Vec<(i64, Why)>,
    limit: &'a Limit,
    kept: bool,
}

impl<'a> Rejects<'a> {
    /// None yet.
    pub fn new(limit: &'a Limit) -> Self {
        Rejects { rows: Vec::new(), limit, kept: false }
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Sets one row aside, if the limit allows it; `error` makes the error if it does not.
    ///
    /// # Errors
    /// The limit is reached.
    pub fn take(&mut self, row: (i64, Why), error: impl FnOnce() -> Error) -> Result<()> {
        if self.rows.len() >= MOST || !self.limit.take() {
            let mut error = error();
            error.message.push_str(&self.limit.words());
            return Err(error);
        }
        self.rows.push(row);
        Ok(())
    }

    /// Their chunk is committed: they stay rejected.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Rejects<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.limit.give_back(self.len());
        }
    }
}

/// What a chunk is, for those who write its rejected rows.
#[derive(Clone, Copy)]
pub struct Chunk<'a> {
    /// The run.
    pub run: &'a str,
    /// The table.
    pub table: &'a TablePlan,
    /// The chunk's number.
    pub number: i32,
    /// Its rows.
    pub range: Range,
}

/// Writes the rejected rows of a chunk, whole, in the transaction that copies it. They are read again for that: while
/// the COPY runs, the connection takes nothing else, and the rows themselves may be large.
///
/// # Errors
/// The source cannot be read, or the target refuses.
pub fn write(reader: &mut Reader, tx: &mut impl GenericClient, chunk: Chunk<'_>, rejects: &Rejects<'_>) -> Result<()> {
    if rejects.is_empty() {
        return Ok(());
    }
    let table = chunk.table;
    let names = table.columns.iter().map(|c| c.name.clone()).collect();
    let mut out = Out {
        table,
        fits: table.columns.iter().map(Fit::of).collect(),
        writer: Writer::start(tx, chunk.run, &table.name, chunk.number, names)?,
        buffer: Vec::new(),
    };
    let scan = Scan::whole(table);
    if let (Some(rowid), true) = (scan::rowid(table), rejects.rows.len() <= LOOKED_UP) {
        let condition = format!("{rowid} = ?1");
        for (number, why) in &rejects.rows {
            scan.find(reader, &condition, &[Value::Integer(*number)], |row, _| out.row(row, *number, *why))?;
        }
    } else {
        let mut next = rejects.rows.iter().peekable();
        scan.run(reader, chunk.range, |row, number| {
            if let Some((_, why)) = next.next_if(|(n, _)| *n == number) {
                out.row(row, number, *why)?;
            }
            Ok(())
        })?;
    }
    let written = out.writer.finish()?;
    if written == rejects.len() {
        return Ok(());
    }
    Err(Error::internal(format!("{} rows were rejected, {written} of them were found again", rejects.len()))
        .about(&table.name))
}

struct Out<'a> {
    table: &'a TablePlan,
    fits: Vec<Fit>,
    writer: Writer<'a>,
    buffer: Vec<u8>,
}

impl Out<'_> {
    fn row(&mut self, row: &Row<'_>, number: i64, why: Why) -> Result<()> {
        let values: Vec<Value<'_>> = (0..self.fits.len()).map(|i| row.get(i)).collect();
        let (column, reason) = match exclude::words(self.table, why) {
            Some(words) => words,
            None => self.misfit(&values),
        };
        let key = scan::key(self.table, number, |i| values.get(i).copied().unwrap_or(Value::Null));
        self.writer.row(&Place { number, key, column, reason }, &values)
    }

    /// The first value that does not fit, and why not.
    fn misfit(&mut self, values: &[Value<'_>]) -> (String, String) {
        for ((fit, value), column) in self.fits.iter().zip(values).zip(&self.table.columns) {
            self.buffer.clear();
            if let Some(reason) = fit.encode(*value, &mut self.buffer) {
                return (column.name.clone(), format!("does not fit {}: {reason}", column.ty.sql()));
            }
        }
        (String::new(), "does not fit".to_owned())
    }
}

/// The error of a row that nothing allows to set aside: where it is, what it holds, and how to see it.
pub fn error(table: &TablePlan, column: usize, number: i64, row: &Row<'_>, reason: &str) -> Error {
    let value = row.get(column);
    let shown = match value {
        Value::Null => String::new(),
        Value::Integer(i) => format!(" ({i})"),
        Value::Real(r) => format!(" ({r:?})"),
        Value::Text(b) | Value::Blob(b) => {
            let hex: String = b.iter().take(16).map(|b| format!("{b:02x}")).collect();
            format!(" (x'{hex}'{}, {} bytes)", if b.len() > 16 { "…" } else { "" }, b.len())
        }
    };
    let held = format!("a value of storage class {}{shown}", value.class().word());
    misfit(table, column, &scan::key(table, number, |i| row.get(i)), &held, reason)
}

/// The same of a value that is read piece by piece.
pub fn long(
    table: &TablePlan,
    column: usize,
    number: i64,
    row: &Row<'_>,
    (class, length): (Class, u64),
    reason: &str,
) -> Error {
    let held = format!("a value of storage class {} ({length} bytes)", class.word());
    misfit(table, column, &scan::key(table, number, |i| row.get(i)), &held, reason)
}

fn misfit(table: &TablePlan, column: usize, key: &str, held: &str, reason: &str) -> Error {
    let column = table.columns.get(column);
    let (name, ty) = column.map(|c| (c.name.as_str(), c.ty.sql())).unwrap_or_default();
    let message = format!("the row where {key} holds {held} that does not fit {ty}: {reason}");
    let (column, name) = (sqlite(name), format!("{}.{name}", table.name));
    let see = format!("SELECT typeof({column}), hex({column}), * FROM {} WHERE {key}", sqlite(&table.name));
    Error::new(Kind::Rejected, message).about(name).hint(format!("see it in SQLite with: {see}; {ADVICE}"))
}

/// The error of a row that is known to go where no more may.
pub fn beyond(table: &TablePlan, number: i64, row: &Row<'_>, why: Why) -> Error {
    let key = scan::key(table, number, |i| row.get(i));
    let (column, reason) = exclude::words(table, why).unwrap_or_default();
    Error::new(Kind::Rejected, format!("the row where {key} would be rejected: {reason}"))
        .about(format!("{}.{column}", table.name))
        .hint(
            "the chunk was undone; raise --max-rejects and run the same command again, or mend the rows in the source",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(rejects: &mut Rejects<'_>, number: i64) -> Result<()> {
        rejects.take((number, Why::Misfit), || Error::new(Kind::Rejected, "does not fit"))
    }

    #[test]
    fn a_chunk_that_is_undone_gives_its_rows_back_to_the_limit() {
        let limit = Limit::new(Some(5), 2);
        let chunk = |keep: bool| {
            let mut rejects = Rejects::new(&limit);
            (1..=3).try_for_each(|number| take(&mut rejects, number))?;
            if keep {
                rejects.keep();
            }
            Ok::<_, Error>(rejects.len())
        };
        // Undone as often as it may be, it counts once.
        for keep in [false, false, true] {
            assert_eq!(chunk(keep).unwrap(), 3);
        }
        let error = chunk(true).unwrap_err();
        assert!(error.kind == Kind::Rejected && error.message.contains("5 rows were rejected before it"), "{error}");
        // What was refused was not taken.
        assert_eq!(limit.rejected.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn a_chunk_beyond_the_limit_gives_back_what_it_took_before() {
        let limit = Limit::new(Some(2), 0);
        let mut rejects = Rejects::new(&limit);
        assert!(take(&mut rejects, 1).is_ok() && take(&mut rejects, 2).is_ok() && take(&mut rejects, 3).is_err());
        drop(rejects);
        assert_eq!(limit.rejected.load(Ordering::Relaxed), 0);
    }
}
