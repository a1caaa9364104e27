//! A reader: one connection that stands in a read transaction on the source's snapshot.
//! Owns the streaming of rows; never opens a file itself and never ends its transaction before it is dropped.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use lite2pg_model::value::Value;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OptionalExtension as _};

use super::claim::Claim;
use super::fault::{fault, is_too_big};
use super::huge::Blobs;
pub use super::raw::Row;
use super::raw::Statement;
use crate::error::{Error, Result};
use crate::pool::{Cancel, interrupted};

/// How often a long statement looks whether somebody asked for the end.
const PATIENCE: Duration = Duration::from_millis(20);

/// Bytes of pages that a connection holds: SQLite's own default.
const PAGES: u64 = 2000 << 10;

/// One connection on the snapshot. `Send`: give each thread its own.
///
/// Read whole tables with `SELECT … FROM t NOT INDEXED`: an index ordered by a collation that only the application
/// has is in an order we do not know, and SQLite would trust it.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    /// The texts of the file are UTF-16.
    utf16: bool,
    /// Dropped after the connection.
    _claim: Option<Arc<Claim>>,
}

impl Reader {
    /// Wraps a connection whose read transaction is open.
    pub(super) fn new(conn: Connection, claim: Option<Arc<Claim>>) -> Self {
        let utf16 = conn.query_row("PRAGMA encoding", [], |r| r.get::<_, String>(0)).is_ok_and(|e| e != "UTF-8");
        Reader { conn, utf16, _claim: claim }
    }

    /// Streams the rows of one statement. Values are borrowed from SQLite until `f` returns; an error of `f` ends
    /// the read and is handed back. Errors of SQLite say after how many rows they came; add `.about(table)`.
    pub fn for_each<F>(&mut self, sql: &str, params: &[Value<'_>], mut f: F) -> Result<()>
    where
        F: FnMut(&Row<'_>) -> Result<()>,
    {
        self.for_each_with(sql, params, |_, row| f(row))
    }

    /// As [`Reader::for_each`], and `f` can read the row's long values piece by piece.
    pub fn for_each_with<F>(&mut self, sql: &str, params: &[Value<'_>], mut f: F) -> Result<()>
    where
        F: FnMut(&Blobs<'_>, &Row<'_>) -> Result<()>,
    {
        let statement = Statement::prepare(&self.conn, sql, self.utf16).map_err(|e| fault("cannot read", e))?;
        let blobs = Blobs::new(&self.conn);
        let mut rows: u64 = 0;
        let end = statement.run(params, |row| {
            rows = rows.saturating_add(1);
            f(&blobs, row)
        });
        match end {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(e) => Err(fault(&format!("cannot read on after {rows} rows"), e)),
        }
    }

    /// Runs `work` while no value of more than `bytes` bytes is handed out; `None` if one came.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn within<T>(&mut self, bytes: u64, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        let limit = i32::try_from(bytes).unwrap_or(i32::MAX);
        let before = self.conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, limit).map_err(|e| fault("cannot read", e))?;
        let worked = work(self);
        self.conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, before).map_err(|e| fault("cannot read", e))?;
        match worked {
            Err(e) if is_too_big(&e) => Ok(None),
            worked => worked.map(Some),
        }
    }

    /// Runs `work` with so many bytes of pages held in memory: lookups all over a table read each page once, as long as
    /// they fit. A scan gains nothing by it.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn with_pages<T>(&mut self, bytes: u64, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        // Negative: in KiB. Source: <https://sqlite.org/pragma.html#pragma_cache_size>.
        let set = |conn: &Connection, bytes: u64| {
            let kib = i32::try_from(bytes >> 10).unwrap_or(i32::MAX).max(1);
            conn.pragma_update(None, "cache_size", -kib).map_err(|e| fault("cannot read", e))
        };
        set(&self.conn, bytes.max(PAGES))?;
        let worked = work(self);
        set(&self.conn, PAGES)?;
        worked
    }

    /// The first column of the first row as an integer; `None` if there is no row or it is NULL.
    pub fn query_i64(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<i64>> {
        let mut answer = None;
        let mut first = true;
        self.for_each(sql, params, |row| {
            if std::mem::take(&mut first) {
                answer = match row.get(0) {
                    Value::Integer(i) => Some(i),
                    Value::Null => None,
                    other => {
                        return Err(Error::internal(format!(
                            "{} where an integer was asked for",
                            other.class().word()
                        )));
                    }
                };
            }
            Ok(())
        })?;
        Ok(answer)
    }

    /// The first column of the first row as text; `None` if there is no row, or it is NULL or no text.
    pub fn query_text(&mut self, sql: &str) -> Result<Option<String>> {
        let read = |row: &rusqlite::Row<'_>| {
            row.get_ref(0).map(|v| v.as_bytes().ok().map(|b| String::from_utf8_lossy(b).into_owned()))
        };
        Ok(self.conn.query_row(sql, [], read).optional().map_err(|e| fault("cannot read", e))?.flatten())
    }

    /// Runs what may take long within one statement, such as a join, so that a request to end is heard within a moment.
    ///
    /// # Errors
    /// Those of `work`; `Interrupted` if somebody asked for the end.
    pub fn interruptible<T>(&mut self, cancel: &Cancel, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let worked = self.stoppable(&|| cancel.requested(), work);
        if worked.is_err() && cancel.requested() { Err(interrupted()) } else { worked }
    }

    /// Reads views, whose statements may hold strings in double quotes; what is asked for in between must not.
    /// Source: <https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted>.
    ///
    /// # Errors
    /// As `work`.
    pub fn of_views<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let set = |conn: &Connection, on: bool| {
            let set = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, on);
            set.map_err(|e| fault("cannot prepare the reading of a view", e))
        };
        set(&self.conn, true)?;
        let out = work(self);
        set(&self.conn, false)?;
        out
    }

    /// As [`Reader::interruptible`], and for no longer than `limit`: then it is `None`.
    ///
    /// # Errors
    /// As there.
    pub fn for_at_most<T>(
        &mut self,
        limit: Duration,
        cancel: &Cancel,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        let begin = Instant::now();
        let late = || begin.elapsed() >= limit;
        match self.stoppable(&|| cancel.requested() || late(), work) {
            Ok(out) => Ok(Some(out)),
            Err(_) if cancel.requested() => Err(interrupted()),
            Err(_) if late() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn stoppable<T>(
        &mut self,
        due: &(dyn Fn() -> bool + Sync),
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let stop = self.conn.get_interrupt_handle();
        let (done, over) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = over.recv_timeout(PATIENCE) {
                    // Again and again: an interrupt counts only while a statement runs.
                    if due() {
                        stop.interrupt();
                    }
                }
            });
            let worked = work(self);
            drop(done);
            worked
        })
    }

    /// Runs `work`; if a person's SQL is computed in it (`computes`), as [`Reader::interruptible`] does.
    ///
    /// # Errors
    /// As there.
    pub fn heeding<T>(
        &mut self,
        cancel: &Cancel,
        computes: bool,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if computes { self.interruptible(cancel, work) } else { work(self) }
    }

    /// Keeps at most so many bytes of pages in memory, of SQLite's 2 MB: a scan reads no page twice.
    ///
    /// # Errors
    /// SQLite refuses.
    pub fn keep_pages(&self, bytes: u64) -> Result<()> {
        let kib = i64::try_from((bytes >> 10).clamp(64, 2000)).unwrap_or(2000);
        self.conn.pragma_update(None, "cache_size", -kib).map_err(|e| fault("cannot read", e))
    }

    /// The connection, for what the methods here do not offer. Must not commit or roll back: the transaction is the
    /// snapshot.
    pub fn connection(&self) -> &Connection {
        &self.conn
    }
}
