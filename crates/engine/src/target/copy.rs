//! COPY BINARY both ways, as PostgreSQL documents it.
//! Owns the frame of the stream (signature, tuples, trailer); never looks into a field.
//! Source: <https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY>.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::plan::TablePlan;
use postgres::{CopyInWriter, GenericClient};
use std::io::{BufRead, Write};

const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = [0xff, 0xff];

/// How much is gathered before it is handed to the socket. Larger blocks bring nothing; smaller ones cost system calls.
const BLOCK: usize = 128 * 1024;

/// Rows on their way into one table. Dropped before [`CopyIn::finish`], it fails the COPY, and nothing arrives.
pub struct CopyIn<'a> {
    writer: CopyInWriter<'a>,
    buffer: Vec<u8>,
    fields: i16,
    bytes: u64,
}

/// The COPY statement of a table.
fn copy_in_sql(schema: &str, table: &TablePlan, freeze: bool) -> String {
    let columns: Vec<String> = table.sent().map(|c| pg(&c.target)).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let freeze = if freeze { ", FREEZE" } else { "" };
    format!("COPY {}{columns} FROM STDIN (FORMAT binary{freeze})", pg_in(schema, &table.target))
}

impl<'a> CopyIn<'a> {
    /// Starts COPY into a table. `freeze`: only where the table was made in this very transaction.
    ///
    /// # Errors
    /// The target refuses.
    pub fn start(tx: &'a mut impl GenericClient, schema: &str, table: &TablePlan, freeze: bool) -> Result<Self> {
        let writer = tx
            .copy_in(&copy_in_sql(schema, table, freeze))
            .map_err(|e| error_from_pg(e, "starting COPY").about(&table.name))?;
        let fields = i16::try_from(table.sent().count())
            .map_err(|e| Error::target("more columns than PostgreSQL allows").about(&table.name).because(e))?;
        let mut buffer = Vec::with_capacity(BLOCK + 64 * 1024);
        buffer.extend_from_slice(&HEADER);
        Ok(CopyIn { writer, buffer, fields, bytes: 0 })
    }

    /// Begins a row; the caller appends its fields to what this returns.
    #[inline]
    pub fn row(&mut self) -> &mut Vec<u8> {
        self.buffer.extend_from_slice(&self.fields.to_be_bytes());
        &mut self.buffer
    }

    /// How many bytes wait to be sent: where the next row begins.
    #[inline]
    pub fn gathered(&self) -> usize {
        self.buffer.len()
    }

    /// Takes back a row that was begun at [`CopyIn::gathered`] and not ended.
    pub fn take_back(&mut self, start: usize) {
        self.buffer.truncate(start);
    }

    /// Ends a row: hands a full block on. Waiting for the socket here is what keeps memory flat.
    ///
    /// # Errors
    /// The connection is lost, or the target refuses what it got.
    #[inline]
    pub fn row_end(&mut self) -> Result<()> {
        if self.buffer.len() >= BLOCK { self.send() } else { Ok(()) }
    }

    /// Where further fields of a begun row are appended.
    pub fn fields(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Begins a field of the row whose bytes come piece by piece.
    ///
    /// # Errors
    /// It is longer than a field can be.
    pub fn long_field(&mut self, length: u64) -> Result<()> {
        let length = i32::try_from(length).map_err(|e| Error::internal("a field of 2 GB or more").because(e))?;
        self.buffer.extend_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// The next bytes of such a field; full blocks are handed on at once.
    ///
    /// # Errors
    /// As [`CopyIn::row_end`].
    pub fn piece(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.row_end()
    }

    /// Doubles what was gathered since `start`, or takes it away.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn spoil(&mut self, start: usize, double: bool) {
        if double {
            self.buffer.extend_from_within(start.min(self.buffer.len())..);
        } else {
            self.buffer.truncate(start);
        }
    }

    fn send(&mut self) -> Result<()> {
        self.bytes += self.buffer.len() as u64;
        // In blocks: the client makes two copies of what it is handed.
        for block in self.buffer.chunks(BLOCK + 64 * 1024) {
            self.writer.write_all(block).map_err(|e| io_error(e, "copying rows"))?;
        }
        self.buffer.clear();
        // One huge value must not keep its memory for the rest of the table.
        if self.buffer.capacity() > 4 * BLOCK {
            self.buffer.shrink_to(BLOCK + 64 * 1024);
        }
        Ok(())
    }

    /// Ends the COPY; returns the rows the target counted and the bytes sent.
    ///
    /// # Errors
    /// As [`CopyIn::row_end`].
    pub fn finish(mut self) -> Result<(u64, u64)> {
        self.buffer.extend_from_slice(&TRAILER);
        self.send()?;
        let rows = self.writer.finish().map_err(|e| error_from_pg(e, "ending COPY"))?;
        Ok((rows, self.bytes))
    }
}

/// A failed write carries PostgreSQL's own error inside.
pub(super) fn io_error(error: std::io::Error, doing: &str) -> Error {
    let (text, kind) = (error.to_string(), error.kind());
    match error.into_inner().map(|inner| inner.downcast::<postgres::Error>()) {
        Some(Ok(pg)) => error_from_pg(*pg, doing),
        _ => Error::target(format!("{doing}: {text}"))
            .hint("the connection to the target was lost; run the same command again and it goes on from here")
            .because(std::io::Error::from(kind)),
    }
}

/// Reads every row of a query in COPY BINARY and calls `each` with its fields.
///
/// # Errors
/// The connection is lost, the stream is not what the format promises, or `each` fails.
pub fn copy_out(
    client: &mut impl GenericClient,
    query: &str,
    each: impl FnMut(&[Option<&[u8]>]) -> Result<()>,
) -> Result<()> {
    copy_out_within(client, query, usize::MAX, each).map(|_| ())
}

/// As [`copy_out`], up to a row of more than `most` bytes: `false` if one came.
///
/// # Errors
/// As [`copy_out`].
pub fn copy_out_within(
    client: &mut impl GenericClient,
    query: &str,
    most: usize,
    mut each: impl FnMut(&[Option<&[u8]>]) -> Result<()>,
) -> Result<bool> {
    let doing = "reading rows back";
    let mut reader =
        client.copy_out(&format!("COPY ({query}) TO STDOUT (FORMAT binary)")).map_err(|e| error_from_pg(e, doing))?;
    let mut carry: Vec<u8> = Vec::new();
    let mut header = true;
    // The ranges of a row's fields are found first; slices are made from them once the row is whole.
    let mut ranges: Vec<Option<(usize, usize)>> = Vec::new();
    loop {
        let block = reader.fill_buf().map_err(|e| io_error(e, doing))?;
        if block.is_empty() {
            return Err(Error::target("the rows ended before their end mark").hint("run the command again"));
        }
        let length = block.len();
        // The server sends each row by itself: what is gathered here is at most one row and a frame.
        if carry.len().saturating_add(length) > most {
            return Ok(false);
        }
        // As a rule a block is a row, and is taken where it lies.
        let apart = carry.is_empty();
        if !apart {
            carry.extend_from_slice(block);
        }
        let (bytes, mut at, mut ended) = (if apart { block } else { carry.as_slice() }, 0, false);
        if header && let Some(size) = header_size(bytes)? {
            at = size;
            header = false;
        }
        while !header && !ended {
            let Some(next) = tuple(bytes, at, &mut ranges)? else { break };
            if next == at {
                ended = true;
                continue;
            }
            let fields: Vec<Option<&[u8]>> = ranges.iter().map(|r| r.map(|(from, to)| &bytes[from..to])).collect();
            each(&fields)?;
            at = next;
        }
        if apart {
            carry.extend_from_slice(&block[at..]);
        } else {
            carry.drain(..at);
        }
        reader.consume(length);
        if ended {
            return drain(&mut reader).map(|()| true);
        }
        if carry.capacity() > 4 * BLOCK && carry.len() < BLOCK {
            carry.shrink_to(BLOCK);
        }
    }
}

/// Reads what follows the end mark, so that an error the server sends last is not missed.
fn drain(reader: &mut impl BufRead) -> Result<()> {
    loop {
        let length = reader.fill_buf().map_err(|e| io_error(e, "reading rows back"))?.len();
        if length == 0 {
            return Ok(());
        }
        reader.consume(length);
    }
}

fn header_size(carry: &[u8]) -> Result<Option<usize>> {
    let Some(head) = carry.get(..19) else { return Ok(None) };
    if head[..11] != HEADER[..11] {
        return Err(Error::target("the target does not speak COPY BINARY as documented"));
    }
    let extension = u32::from_be_bytes([head[15], head[16], head[17], head[18]]) as usize;
    let size = extension.saturating_add(19);
    Ok((carry.len() >= size).then_some(size))
}

/// Finds the fields of the tuple at `at`. `None`: it is not whole yet. The same place back: the end mark.
fn tuple(carry: &[u8], at: usize, ranges: &mut Vec<Option<(usize, usize)>>) -> Result<Option<usize>> {
    ranges.clear();
    let Some(count) = carry.get(at..at + 2) else { return Ok(None) };
    let count = i16::from_be_bytes([count[0], count[1]]);
    if count == -1 {
        return Ok(Some(at));
    }
    let mut place = at + 2;
    for _ in 0..count {
        let Some(length) = carry.get(place..place + 4) else { return Ok(None) };
        let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        place += 4;
        match usize::try_from(length) {
            Err(_) => ranges.push(None),
            Ok(length) => {
                let end = place.saturating_add(length);
                if end > carry.len() {
                    return Ok(None);
                }
                ranges.push(Some((place, end)));
                place = end;
            }
        }
    }
    Ok(Some(place))
}
