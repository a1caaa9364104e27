//! What PostgreSQL's pages and catalogs hold at most.
//! Owns these numbers and the findings about them; never changes a plan.

use crate::finding::{Finding, codes};
use crate::mapping::PgType;
use crate::mapping::decide::TableMapping;
use crate::mapping::profile::{ColumnProfile, TableProfile};
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

    /// The longest value that may be held so many times, by one worker at a time.
    pub fn whole(&self, copies: u64) -> u64 {
        (self.bytes.saturating_sub(Self::BASE) / copies).max(Self::MIB)
    }

    /// How much must be allowed, in whole MiB, so that a value of this length may be held so many times.
    pub fn needed(bytes: u64, copies: u64) -> u64 {
        bytes.saturating_mul(copies).saturating_add(Self::BASE).div_ceil(Self::MIB) * Self::MIB
    }
}

/// What a table's width asks a person to know: too many columns (blocks), or rows that may not fit on a page.
pub fn width(table: &Table, profile: &TableProfile, mapping: &TableMapping) -> Option<Finding> {
    if table.columns.len() > MAX_COLUMNS {
        return Some(Finding::data(
            codes::TOO_MANY_COLUMNS,
            &table.name,
            format!("{} columns; PostgreSQL allows {MAX_COLUMNS}", table.columns.len()),
            "split the table in SQLite first",
        ));
    }
    let columns = mapping.columns.iter().zip(&profile.columns);
    let bytes: u64 = columns.map(|(m, p)| field(m.ty, p)).sum();
    // A header, and a bit for each column that may be NULL.
    let bytes = bytes + 24 + table.columns.len() as u64 / 8;
    (bytes > MAX_ROW_ON_PAGE).then(|| {
        Finding::warning(
            codes::TOO_LARGE,
            &table.name,
            format!("a row with every column filled takes {bytes} bytes; PostgreSQL stores at most {MAX_ROW_ON_PAGE}"),
            "if such a row exists the copy stops there; split the table in SQLite first",
        )
    })
}

/// Bytes of a field on the page, its value moved out where it is large: a pointer of 18 bytes stays.
fn field(ty: PgType, values: &ColumnProfile) -> u64 {
    match ty {
        _ if values.values() == 0 => 0,
        PgType::Boolean => 1,
        PgType::SmallInt => 2,
        PgType::Integer | PgType::Date => 4,
        PgType::Uuid => 16,
        PgType::Enum => 4,
        PgType::MacAddr => 6,
        PgType::BigInt | PgType::Double | PgType::Timestamp | PgType::TimestampTz | PgType::Time => 8,
        PgType::Interval => 16,
        PgType::Text
        | PgType::Bytea
        | PgType::Jsonb
        | PgType::Json
        | PgType::VarChar(_)
        | PgType::Char(_)
        | PgType::Inet
        | PgType::Cidr => values.text_max_bytes.max(values.blob_max_bytes).saturating_add(1).min(18),
        PgType::Numeric(_) => 18,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::decide::ColumnMapping;
    use crate::value::Value;

    #[test]
    fn a_row_of_1200_doubles_is_foreseen_and_one_of_1000_is_not() {
        let raw = crate::schema::RawSchema::default();
        let object = crate::schema::RawObject { kind: "table".into(), name: "t".into(), table: "t".into(), sql: None };
        let raw = crate::schema::RawSchema { objects: vec![object], ..raw };
        let (schema, _) = crate::sql::resolve::resolve(&raw);
        let mut seen = ColumnProfile::default();
        seen.observe(Value::Real(1.5));
        for (columns, told) in [(1000, false), (1200, true)] {
            let mapped = ColumnMapping::new(PgType::Double, Default::default(), "");
            let mapping = TableMapping { columns: vec![mapped; columns], ..TableMapping::default() };
            let profile = TableProfile { columns: vec![seen.clone(); columns], ..TableProfile::default() };
            assert_eq!(width(&schema.tables[0], &profile, &mapping).is_some(), told);
        }
    }
}
