//! Values too long to be held whole: left out of their rows, and read piece by piece by incremental blob I/O.
//! Owns how such a value is noticed and read; never decides which may be (see `plan::long`).
//!
//! `octet_length` and `typeof` of a column read no more than the head of its row, so that a row whose long values are
//! replaced by NULL costs no more than its short ones. Everything happens on the reader's own connection, hence on its
//! snapshot. Source: <https://sqlite.org/c3ref/blob_open.html>, <https://sqlite.org/lang_corefunc.html#octet_length>.

use super::census::TICK;
use super::fault::fault;
use super::reader::{Reader, Row};
use super::select::Reading;
use crate::error::{Error, Result};
use crate::pool::Cancel;
use lite2pg_model::mapping::profile::ColumnProfile;
use lite2pg_model::mapping::profile::long::LongValue;
use lite2pg_model::plan::TablePlan;
use lite2pg_model::plan::long::Held;
use lite2pg_model::schema::{Stored, Table};
use lite2pg_model::value::{Class, Value};
use rusqlite::Connection;

/// How much of a value is held at once.
pub const PIECE: usize = 256 * 1024;

/// The columns of a table whose long values are left out of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Long {
    table: String,
    /// Where its rows are, if that is another.
    stored: Option<Stored>,
    /// Their places in the list of what is read, and their names.
    columns: Vec<(usize, String)>,
    over: u64,
    held: Held,
}

/// A value that was left out of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The place of its column in the list of what is read.
    pub column: usize,
    /// TEXT or BLOB.
    pub class: Class,
    /// Its bytes, as the file has them (those of a text that is held: as UTF-8).
    pub length: u64,
    /// It stands in the row after all: SQLite hands it out only whole.
    held: bool,
}

impl Long {
    /// Looks which columns of a table hold values of more than `over` bytes: reads the heads of its rows only.
    ///
    /// # Errors
    /// The source cannot be read, or `Interrupted`.
    pub fn look(reader: &mut Reader, table: &Table, over: u64, cancel: &Cancel) -> Result<Long> {
        // An expression in a column's place is no value of the file, of which a piece could be read: it is not even made.
        let in_file = |place: usize| table.columns.get(place).is_some_and(|c| c.read.is_none());
        let reading = Reading::of_table(table);
        let length = |(place, column): (usize, String)| match in_file(place) {
            true => format!("octet_length({column})"),
            false => "0".to_owned(),
        };
        let list: Vec<String> = reading.values().into_iter().enumerate().map(length).collect();
        let mut longest = vec![0i64; list.len()];
        let sql = reading.asking(list);
        let mut rows = 0u64;
        reader.for_each(&sql, &[], |row| {
            for (i, longest) in longest.iter_mut().enumerate() {
                if let Value::Integer(length) = row.get(i) {
                    *longest = length.max(*longest);
                }
            }
            rows += 1;
            if rows.is_multiple_of(TICK) { cancel.check() } else { Ok(()) }
        })?;
        let named = table.columns.iter().map(|c| c.name.clone()).enumerate().zip(longest);
        let columns = named.filter(|(_, longest)| longest.unsigned_abs() > over).map(|(column, _)| column).collect();
        Ok(Long { table: table.name.clone(), stored: table.stored.clone(), columns, over, held: Held::None })
    }

    /// What the plan says of a table.
    pub fn of_plan(table: &TablePlan) -> Option<Long> {
        let plan = table.long.as_ref()?;
        let columns = table.columns.iter().enumerate().filter(|(_, c)| plan.has(&c.name));
        let columns: Vec<_> = columns.map(|(i, c)| (i, c.name.clone())).collect();
        let (stored, over) = (table.stored.clone(), plan.over);
        (!columns.is_empty()).then(|| Long { table: table.name.clone(), stored, columns, over, held: plan.held })
    }

    /// Puts NULL in the place of long values into a list of what is read, and what was left out at its end.
    pub fn leave_out(&self, list: &mut Vec<String>) {
        for (place, _) in self.columns.iter().filter(|_| self.held != Held::All) {
            let Some(item) = list.get_mut(*place) else { continue };
            let column = item.clone();
            let blob = if self.held == Held::Texts { format!("typeof({column}) = 'blob' AND ") } else { String::new() };
            let long = format!("{blob}octet_length({column}) > {}", self.over);
            *item = format!("CASE WHEN {long} THEN NULL ELSE {column} END");
            let length = format!("octet_length({column})");
            list.push(format!("CASE WHEN {long} THEN iif(typeof({column}) = 'text', -{length}, {length}) END"));
        }
    }

    /// The long values of a row; `first` is the place of the first thing after the list that [`Long::leave_out`] got.
    pub fn left_out(&self, row: &Row<'_>, first: usize) -> Vec<LeftOut> {
        let mut out = Vec::new();
        for (i, (column, _)) in self.columns.iter().enumerate() {
            let value = if self.held == Held::None { Value::Null } else { row.get(*column) };
            if value.size() > self.over {
                out.push(LeftOut { column: *column, class: value.class(), length: value.size(), held: true });
            } else if self.held != Held::All
                && let Value::Integer(length) = row.get(first + i)
            {
                let class = if length < 0 { Class::Text } else { Class::Blob };
                out.push(LeftOut { column: *column, class, length: length.unsigned_abs(), held: false });
            }
        }
        out
    }

    /// Hands out the bytes of a long value, piece by piece. `key` is the place of the rowid in the row.
    ///
    /// # Errors
    /// SQLite cannot read it, it has another length, `each` fails, or `Interrupted`.
    pub fn read(
        &self,
        blobs: &Blobs<'_>,
        (row, key): (&Row<'_>, usize),
        out: &LeftOut,
        cancel: &Cancel,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if out.held {
            let (Value::Text(bytes) | Value::Blob(bytes)) = row.get(out.column) else { return Ok(()) };
            return bytes.chunks(PIECE).try_for_each(|piece| cancel.check().and_then(|()| each(piece)));
        }
        let Value::Integer(rowid) = row.get(key) else {
            return Err(Error::internal("a value was left out of a row without a rowid").about(&self.table));
        };
        let column = self.columns.iter().find(|(place, _)| *place == out.column).map_or("", |(_, name)| name);
        let about = |e| {
            let name = format!("{}.{column} (rowid {rowid})", self.table);
            fault("cannot read a long value piece by piece", e).about(name)
        };
        let (table, here) = match &self.stored {
            Some(stored) => (stored.table.as_str(), stored.column(column).unwrap_or(column)),
            None => (self.table.as_str(), column),
        };
        let blob = blobs.conn.blob_open(c"main", table, here, rowid, true).map_err(about)?;
        let size = u64::try_from(blob.size()).unwrap_or(0);
        if size != out.length {
            let told = format!("a value of {} bytes has {size} when it is read piece by piece", out.length);
            return Err(Error::source(told)
                .about(format!("{}.{column} (rowid {rowid})", self.table))
                .hint("see what SQLite itself says: `sqlite3 FILE 'PRAGMA integrity_check'`"));
        }
        let mut piece = vec![0; PIECE];
        let mut at = 0;
        loop {
            cancel.check()?;
            let read = blob.read_at(&mut piece, at).map_err(about)?;
            if read == 0 {
                return Ok(());
            }
            each(&piece[..read])?;
            at += read;
        }
    }

    /// Takes a value that was left out into the profile of its column; says whether its row is one to remember. Its bytes
    /// are read where that can be (`key` is the place of the rowid), those of a blob never: nothing but its length is asked
    /// of it.
    ///
    /// # Errors
    /// As [`Long::read`].
    pub fn observe(
        &self,
        blobs: &Blobs<'_>,
        (row, key): (&Row<'_>, Option<usize>),
        out: &LeftOut,
        column: &mut ColumnProfile,
        cancel: &Cancel,
    ) -> Result<bool> {
        let mut seen = LongValue::new();
        if let (Class::Text, Some(key)) = (out.class, key) {
            self.read(blobs, (row, key), out, cancel, |piece| {
                seen.take(piece);
                Ok(())
            })?;
        }
        Ok(column.observe_huge(out.class, out.length, &seen))
    }
}

/// Reads values piece by piece while a statement of the same reader stands on a row.
pub struct Blobs<'c> {
    conn: &'c Connection,
}

impl<'c> Blobs<'c> {
    pub(super) fn new(conn: &'c Connection) -> Self {
        Blobs { conn }
    }
}
