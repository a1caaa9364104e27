//! A row with long values on its way: short fields as ever, long ones piece by piece into COPY and into the digest.
//! Owns that one row; never decides which values are long.

use super::exclude::Excluded;
use super::{reject, scan};
use crate::error::{Error, Kind, Result};
use crate::run::pool::Cancel;
use crate::source::census::TICK;
use crate::source::huge::{Blobs, LeftOut, Long};
use crate::source::select::{Bounds, Reading};
use crate::source::{Reader, Row};
use crate::target::copy::CopyIn;
use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Codec, MAX_FIELD_BYTES, Normal};
use lite2pg_model::mapping::forms::Flaw;
use lite2pg_model::mapping::profile::long::LongValue;
use lite2pg_model::normal::digest::{RowDigest, RowHasher};
use lite2pg_model::normal::{self};
use lite2pg_model::plan::limits::Memory;
use lite2pg_model::plan::{Plan, TablePlan};
use lite2pg_model::value::{Class, Value};

/// Where the row goes.
pub(super) struct Sink<'a, 'c> {
    /// Its table.
    pub table: &'a TablePlan,
    /// Its number among the rows, as `scan` has it.
    pub number: i64,
    /// How its columns cross.
    pub columns: &'a [(Codec, normal::Column)],
    /// Columns that a policy makes NULL in this row.
    pub nulls: &'a [usize],
    /// Into the target.
    pub copy: &'a mut CopyIn<'c>,
    /// Who may ask for an end.
    pub cancel: &'a Cancel,
}

impl Sink<'_, '_> {
    /// Sends one row, of which some values were left out. Returns its digest and the bytes of its values.
    ///
    /// # Errors
    /// As [`super::copy::copy_chunk`].
    pub fn row(
        &mut self,
        long: &Long,
        blobs: &Blobs<'_>,
        row: &Row<'_>,
        left_out: &[LeftOut],
    ) -> Result<(RowDigest, u64)> {
        self.send(long, blobs, row, left_out).map_err(|e| {
            // More rows set aside would not help it.
            let shows = e.hint.as_deref().and_then(|hint| hint.strip_suffix(reject::ADVICE));
            match shows.map(|shows| format!("{shows}{}", to_hold(left_out))) {
                Some(hint) => e.hint(hint),
                None => e,
            }
        })
    }

    fn send(
        &mut self,
        long: &Long,
        blobs: &Blobs<'_>,
        row: &Row<'_>,
        left_out: &[LeftOut],
    ) -> Result<(RowDigest, u64)> {
        let (mut digest, mut bytes) = (RowHasher::new(), 0);
        let mut normal = Vec::new();
        self.copy.row();
        for (i, (codec, form)) in self.columns.iter().enumerate() {
            if let Some(out) = left_out.iter().find(|out| out.column == i && !self.nulls.contains(&i)) {
                bytes += out.length;
                self.long_value(long, blobs, row, out, &mut digest)?;
                continue;
            }
            let value = if self.nulls.contains(&i) { Value::Null } else { row.get(i) };
            bytes += value.size();
            if self.is_sent(i)
                && let Err(e) = codec.encode(value, self.copy.fields())
            {
                return Err(reject::error(self.table, i, self.number, row, e.reason));
            }
            normal.clear();
            form.of_source(value, &mut normal);
            digest.take(&normal);
        }
        Ok((digest.finish(), bytes))
    }

    /// What the target computes is not sent; the digest has it.
    fn is_sent(&self, column: usize) -> bool {
        self.table.columns.get(column).is_none_or(|c| c.generated.is_none())
    }

    /// One field of it. What has been sent cannot be taken back: a value that does not fit ends the chunk.
    fn long_value(
        &mut self,
        long: &Long,
        blobs: &Blobs<'_>,
        row: &Row<'_>,
        out: &LeftOut,
        digest: &mut RowHasher,
    ) -> Result<()> {
        let Some((codec, form)) = self.columns.get(out.column) else { return Ok(()) };
        let (table, number) = (self.table, self.number);
        let misfit = |reason: &str| reject::long(table, out.column, number, row, (out.class, out.length), reason);
        let way = way(codec, out).map_err(misfit)?;
        let field = form.begin_of_source(out.class, out.length, digest);
        let field = field.ok_or_else(|| misfit("longer than --memory lets a value of this type be"))?;
        let sent = self.is_sent(out.column);
        if sent {
            self.copy.long_field(way.length)?;
        }
        if way.hex && sent {
            self.copy.piece(b"\\x")?;
        }
        let (copy, mut seen) = (&mut *self.copy, LongValue::new());
        long.read(blobs, (row, self.columns.len()), out, self.cancel, |piece| {
            field.piece(piece, digest);
            if !sent {
                return Ok(());
            }
            if way.hex {
                return copy.piece(&hex(piece));
            }
            if way.text {
                seen.take(piece);
            }
            copy.piece(piece)
        })?;
        match seen.flaw() {
            Flaw::None => Ok(()),
            Flaw::Nul => Err(misfit("a NUL byte in text")),
            Flaw::InvalidUtf8 => Err(misfit("not valid UTF-8")),
        }
    }
}

/// Rows that a key refuses and a policy would set aside, but that hold a value too long to be held whole: known before
/// the first row moves. `jobs` workers share the memory.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub(super) fn foresee(
    reader: &mut Reader,
    plan: &Plan,
    excluded: &Excluded,
    jobs: usize,
    cancel: &Cancel,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for table in &plan.tables {
        let (Some(long), Some(set)) = (Long::of_plan(table), excluded.of(&table.name)) else { continue };
        let reading = Reading::of_plan(table).without(Some(&long));
        let (rowid, sql) = (reading.rowid(), reading.rows(Bounds::default()));
        let first = table.columns.len() + usize::from(rowid.is_some());
        let (mut place, mut rows, mut longest) = (0u64, 0u64, 0u64);
        reader
            .for_each(&sql, &[], |row| {
                place += 1;
                let number = scan::number(rowid, row, table.columns.len(), place.cast_signed());
                if set.rejected(number).is_some()
                    && let Some(length) = long.left_out(row, first).iter().map(|out| out.length).max()
                {
                    rows += 1;
                    longest = longest.max(length);
                }
                if place.is_multiple_of(TICK) { cancel.check() } else { Ok(()) }
            })
            .map_err(|e| if e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
        if rows > 0 {
            findings.push(too_long_to_set_aside(&table.name, rows, longest, jobs));
        }
    }
    Ok(findings)
}

fn too_long_to_set_aside(table: &str, rows: u64, longest: u64, jobs: usize) -> Finding {
    let needed = Memory::needed_for_row(longest).saturating_mul(jobs.max(1) as u64) >> 20;
    let are = if rows == 1 { "1 row that is".to_owned() } else { format!("{rows} rows that are") };
    Finding::data(
        codes::TOO_LARGE,
        table,
        format!("{are} set aside hold a value of {longest} bytes, and rejected rows are held whole"),
        format!("allow more with --memory {needed}MiB, or mend the rows in the source"),
    )
}

/// A row that a policy would set aside, but that is too long to be held whole.
pub(super) fn not_quarantined(mut error: Error, left_out: &[LeftOut]) -> Error {
    error.message.push_str("; it cannot be set aside either, for it holds a value longer than --memory lets be held");
    error.hint(to_hold(left_out))
}

/// What lets such a row be held, and so be set aside as others are.
fn to_hold(left_out: &[LeftOut]) -> String {
    let longest = left_out.iter().map(|out| out.length).max().unwrap_or(0);
    format!(
        "the chunk was undone, nothing of it is in the target; with --jobs 1 --memory {}MiB the row is held whole, and set \
         aside as the policies and --max-rejects say; or mend the row in the source",
        Memory::needed_for_row(longest) >> 20
    )
}

/// How a long value becomes a field.
struct Way {
    length: u64,
    hex: bool,
    /// It must be text that PostgreSQL holds.
    text: bool,
}

fn way(codec: &Codec, out: &LeftOut) -> std::result::Result<Way, &'static str> {
    let (hex, text) = match (codec.ty(), codec.normal(), out.class) {
        (PgType::Text, Normal::Exact | Normal::Text, Class::Text) => (false, true),
        (PgType::Text, Normal::Text, Class::Blob) => (true, false),
        (PgType::Bytea, Normal::TextBytes | Normal::Bytes, Class::Text) => (false, false),
        (PgType::Bytea, Normal::Exact | Normal::Bytes, Class::Blob) => (false, false),
        _ => return Err("a storage class that the column's type does not hold"),
    };
    let length = if hex { out.length.saturating_mul(2).saturating_add(2) } else { out.length };
    if length > MAX_FIELD_BYTES as u64 {
        return Err("larger than PostgreSQL's 1 GB limit");
    }
    Ok(Way { length, hex, text })
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        out.extend([byte >> 4, byte & 15].map(|n| b"0123456789abcdef"[usize::from(n)]));
    }
    out
}
