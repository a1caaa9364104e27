//! Ranges of a table's pages, so that it can be read back in parts and by several workers at once.
//! Owns where one is cut and what SQL names a part; never reads a row.
//!
//! The first part has no lower bound and the last no upper one: no row can fall between or outside. Read within one
//! snapshot, or while nobody writes (a staging table), each row stands in exactly one part.

use crate::error::Result;
use crate::target::error_from_pg;
use lite2pg_model::ident::{literal, pg_in};
use lite2pg_model::plan::TablePlan;
use postgres::GenericClient;

/// About how much of a table, with what it keeps outside its pages, is one part.
pub const PART: u64 = 32 << 20;

/// Parts that can be read apart need TID range scans: <https://www.postgresql.org/docs/14/release-14.html>. Before, each
/// part would read the whole table.
pub(super) const TID_RANGES: i32 = 140_000;

/// What a row takes in the heap besides its values, at least: its head and its place in the page.
const ROW: u64 = 28;

/// Some pages of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// The first page; `None`: from the table's beginning.
    pub(super) first: Option<u64>,
    /// The page before which it ends; `None`: to the table's end, wherever that is by then.
    pub(super) end: Option<u64>,
    /// About how many bytes these are.
    pub bytes: u64,
}

impl Pages {
    /// All of a table of about so many bytes.
    pub const fn all(bytes: u64) -> Pages {
        Pages { first: None, end: None, bytes }
    }

    /// Those of them that stand among so many from a page on.
    pub(super) fn within(&self, page: u64, count: u64) -> Pages {
        let end = page.saturating_add(count);
        Pages { first: Some(page), end: Some(self.end.map_or(end, |last| last.min(end))), bytes: 0 }
    }

    /// What is true of the rows in these pages: nothing for all of them.
    pub fn conditions(&self) -> Vec<String> {
        let bound = |sign: &str, page: u64| format!("ctid {sign} '({page},0)'::tid");
        let bounds = [self.first.map(|p| bound(">=", p)), self.end.map(|p| bound("<", p))];
        bounds.into_iter().flatten().collect()
    }
}

/// The parts of a table, by its size at this moment: at least one, in order, each of about [`PART`] bytes.
///
/// # Errors
/// The target cannot be asked.
pub fn parts(client: &mut impl GenericClient, schema: &str, table: &TablePlan) -> Result<Vec<Pages>> {
    // Not worth a question. A value may be longer than in SQLite: a byte of an integer becomes eight.
    let row = ROW + 8 * table.columns.len() as u64;
    let most = table.bytes.saturating_mul(2).saturating_add(table.rows.saturating_mul(row));
    if most < PART / 2 {
        return Ok(vec![Pages::all(most)]);
    }
    parts_of(client, schema, table, PART)
}

/// As [`parts`], with `bytes` each, whatever the table's size.
///
/// # Errors
/// As there.
pub fn parts_of(client: &mut impl GenericClient, schema: &str, table: &TablePlan, bytes: u64) -> Result<Vec<Pages>> {
    // Only PostgreSQL's own storage has pages as meant here.
    let sql = format!(
        "SELECT current_setting('server_version_num')::int >= {TID_RANGES} AND relkind = 'r' AND amname = 'heap', \
         pg_relation_size(pg_class.oid), pg_table_size(pg_class.oid), current_setting('block_size')::bigint \
         FROM pg_class LEFT JOIN pg_am ON pg_am.oid = relam WHERE pg_class.oid = {}::regclass",
        literal(&pg_in(schema, &table.target))
    );
    let about = |e| error_from_pg(e, "asking for the size of a table").about(&table.name);
    let row = client.query_one(&sql, &[]).map_err(about)?;
    let paged: Option<bool> = row.get(0);
    let [heap, size, page] = [1, 2, 3].map(|i| row.get::<_, i64>(i).unsigned_abs());
    let pages = heap.checked_div(page).unwrap_or(0);
    if paged != Some(true) || pages == 0 {
        return Ok(vec![Pages::all(size)]);
    }
    // What stands outside the pages is taken to be spread evenly over them.
    let each = size.div_ceil(pages);
    let step = (bytes / each).max(1);
    let count = ((pages + step / 2) / step).max(1);
    let cut = |i: u64| (i > 0 && i < count).then(|| i * step);
    let part = |i: u64| {
        let (first, end) = (cut(i), cut(i + 1));
        let length = end.unwrap_or(pages).saturating_sub(first.unwrap_or(0));
        Pages { first, end, bytes: length.saturating_mul(each) }
    };
    Ok((0..count).map(part).collect())
}
