//! What PostgreSQL's pages and catalogs hold at most.
//! Owns these numbers and the findings about them; never changes a plan.

use crate::finding::{Finding, codes};
use crate::mapping::PgType;
use crate::mapping::decide::{ColumnMapping, TableMapping};
use crate::mapping::profile::{ColumnProfile, TableProfile};
use crate::mapping::shape::thousands;
use crate::plan::long::LongPlan;
use crate::schema::Table;

/// Most columns of a PostgreSQL table.
/// Source: <https://www.postgresql.org/docs/current/limits.html>.
pub const MAX_COLUMNS: usize = 1600;

/// Most columns of a key or an index.
/// Source: <https://www.postgresql.org/docs/current/limits.html>.
pub const MAX_KEY_COLUMNS: usize = 32;

/// Most bytes of a row on a page of 8 kB, large values moved out.
/// Source: `MaxHeapTupleSize`, <https://www.postgresql.org/docs/current/storage-page-layout.html>.
const MAX_ROW_ON_PAGE: u64 = 8160;

/// What `--memory` allows for values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub bytes: u64,
    /// Longer values cross piece by piece where that can be.
    pub piece: u64,
    /// The longest value that the census holds whole: all workers may do that at once.
    pub counted: u64,
    /// The texts of the source are UTF-16.
    pub utf16: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { bytes: u64::MAX, piece: u64::MAX, counted: u64::MAX, utf16: false }
    }
}

impl Memory {
    /// A value that crosses whole takes up to eight times its length on its way: SQLite's copy, the field, the normal
    /// form, and buffers that grow by doubling.
    pub const COPIES: u64 = 8;
    /// One that SQLite hands out whole, but which goes on piece by piece: SQLite's copy, and what it grew out of.
    pub const HELD: u64 = 3;
    /// What the program takes without any value.
    const BASE: u64 = 16 << 20;
    const MIB: u64 = 1 << 20;

    /// So many bytes for so many workers. Half of it may be taken by values of ordinary rows on all workers at once.
    pub fn of(bytes: u64, jobs: usize) -> Memory {
        let jobs = (jobs as u64).max(1);
        let piece = (bytes / (2 * Self::COPIES) / jobs).max(Self::MIB);
        let counted = (bytes / 2 / jobs).max(Self::MIB);
        Memory { bytes, piece, counted, utf16: false }
    }

    /// How much must be allowed, in whole MiB, so that one worker holds a value of this length in an ordinary row.
    pub fn needed_for_row(bytes: u64) -> u64 {
        bytes.saturating_mul(2 * Self::COPIES).div_ceil(Self::MIB).saturating_mul(Self::MIB)
    }

    /// The longest value that may be held so many times, by one worker at a time.
    pub fn whole(&self, copies: u64) -> u64 {
        (self.bytes.saturating_sub(Self::BASE) / copies).max(Self::MIB)
    }

    /// What one worker may need of that half for rows of so many bytes, in parts of [`LongPlan::ALL`]; 0 if it is no more
    /// than its own part.
    pub fn share(&self, row: u64) -> u32 {
        if row <= self.piece {
            return 0;
        }
        let all = u64::from(LongPlan::ALL);
        let parts = row.saturating_mul(Self::COPIES).div_ceil((self.bytes / 2 / all).max(1));
        u32::try_from(parts).unwrap_or(LongPlan::ALL).min(LongPlan::ALL)
    }

    /// Values of more bytes cross piece by piece in a table whose rows may have so many bytes in so many columns: less than
    /// else where one worker alone could not hold such a row.
    pub fn over(&self, row: u64, columns: usize) -> u64 {
        let most = self.whole(Self::COPIES);
        if row <= most { self.piece } else { (most / (columns as u64).max(1)).max(1024).min(self.piece) }
    }

    /// How much must be allowed, in whole MiB, so that a value of this length may be held so many times.
    pub fn needed(bytes: u64, copies: u64) -> u64 {
        bytes.saturating_mul(copies).saturating_add(Self::BASE).div_ceil(Self::MIB) * Self::MIB
    }
}

/// What a table's width asks a person to know: too many columns, or a row that fits no page (`widest`, from [`on_page`];
/// `None` if none can be too wide).
pub fn width(table: &Table, widest: Option<u64>) -> Option<Finding> {
    if table.columns.len() > MAX_COLUMNS {
        return Some(Finding::data(
            codes::TOO_MANY_COLUMNS,
            &table.name,
            format!("{} columns; PostgreSQL allows {MAX_COLUMNS}", table.columns.len()),
            "split the table in SQLite first",
        ));
    }
    let bytes = widest.filter(|bytes| *bytes > MAX_ROW_ON_PAGE)?;
    Some(Finding::data(
        codes::TOO_LARGE,
        &table.name,
        format!(
            "its widest row takes {} bytes of a page, large values moved out; PostgreSQL stores at most {}",
            thousands(bytes),
            thousands(MAX_ROW_ON_PAGE)
        ),
        "split the table in SQLite first",
    ))
}

/// Whether a row may fit no page, were the longest value of every column in it: then its rows are to be measured.
pub fn may_be_wide(table: &Table, profile: &TableProfile, mapping: &TableMapping) -> bool {
    let longest = |p: &ColumnProfile| p.text_max_bytes.max(p.blob_max_bytes);
    let field = |(m, p): (&ColumnMapping, &ColumnProfile)| match fixed(m.ty) {
        _ if p.values() == 0 => 0,
        Some((size, align)) => size + align - 1,
        None if m.ty == PgType::Text || m.ty == PgType::Bytea => longest(p).saturating_add(1).min(INLINE),
        None => INLINE,
    };
    let fields: u64 = mapping.columns.iter().zip(&profile.columns).map(field).sum();
    table.columns.len() <= MAX_COLUMNS && head(table.columns.len(), true) + fields > MAX_ROW_ON_PAGE
}

/// Bytes that a row takes of a page at least, whatever of it is moved out: by type and length of its values, `None` for
/// NULL. Source: `heap_compute_data_size`, `heap_toast_insert_or_update`.
pub fn on_page(row: &[(PgType, Option<u64>)]) -> u64 {
    let start = head(row.len(), row.iter().any(|(_, length)| length.is_none()));
    let end = row.iter().fold(start, |at, (ty, length)| match (fixed(*ty), length) {
        (_, None) => at,
        (Some((size, align)), _) => at.next_multiple_of(align) + size,
        (None, Some(length)) if matches!(ty, PgType::Numeric(_)) => at + 3 + 2 * u64::from(*length > 1),
        (None, Some(length)) => at + if *length < INLINE { length + 1 } else { POINTER },
    });
    end.next_multiple_of(8)
}

/// A value of more bytes, its head included, can be moved out.
const INLINE: u64 = 24;
/// What stays of it then.
const POINTER: u64 = 18;

/// The head of a row, with a bit for each column if one is NULL.
fn head(columns: usize, null: bool) -> u64 {
    let bits = if null { columns.div_ceil(8) as u64 } else { 0 };
    (23 + bits).next_multiple_of(8)
}

/// Size and alignment of a type of fixed size.
fn fixed(ty: PgType) -> Option<(u64, u64)> {
    match ty {
        PgType::Boolean => Some((1, 1)),
        PgType::SmallInt => Some((2, 2)),
        PgType::Integer | PgType::Date | PgType::Enum => Some((4, 4)),
        PgType::BigInt | PgType::Double | PgType::Timestamp | PgType::TimestampTz | PgType::Time => Some((8, 8)),
        PgType::MacAddr => Some((6, 4)),
        PgType::Uuid => Some((16, 1)),
        PgType::Interval => Some((16, 8)),
        PgType::Text | PgType::Bytea | PgType::Jsonb | PgType::Json | PgType::VarChar(_) | PgType::Char(_) => None,
        PgType::Inet | PgType::Cidr | PgType::Numeric(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_measured_as_they_lie_on_a_page() {
        // Sizes that PostgreSQL's pageinspect shows for such rows.
        assert_eq!(on_page(&[(PgType::BigInt, Some(1)), (PgType::Boolean, Some(1))]), 40);
        assert_eq!(on_page(&[(PgType::Boolean, Some(1)), (PgType::BigInt, None)]), 32);
        assert_eq!(on_page(&[(PgType::Text, Some(23)), (PgType::Text, Some(24))]), 72);
        assert!(on_page(&vec![(PgType::Double, Some(3)); 1000]) <= MAX_ROW_ON_PAGE);
        assert!(on_page(&vec![(PgType::Double, Some(3)); 1020]) > MAX_ROW_ON_PAGE);
    }
}
