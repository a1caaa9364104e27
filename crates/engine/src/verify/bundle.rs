//! Short rows read back many at once: the server lays the rows of some pages one behind the other into one value.
//! Owns the SQL that does so and its inverse; never takes a row for what it is not: what is not understood is read again,
//! row by row.
//!
//! COPY hands each row out as a message of its own, and each costs the client more than its digest. The fields are what
//! COPY BINARY would send: the same send functions of the types make them. Measured with 5,000,000 rows of 6 columns:
//! the server needs the same time for either, the client 0.1 s instead of 1.5 s.

use crate::error::Result;
use crate::pool::Cancel;
use crate::target::error_from_pg;
use crate::verify::pages::{Pages, TID_RANGES};
use lite2pg_model::ident::{literal, pg, pg_in};
use lite2pg_model::normal::{self, Sum, digest};
use lite2pg_model::plan::TablePlan;
use postgres::GenericClient;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::ToSql;
use std::collections::BTreeMap;
use std::ffi::CStr;

/// About how much of the heap becomes one value.
const BUNDLE: i64 = 256 * 1024;

/// A value of more bytes is not handed out: its rows were compressed, and are read one by one.
const MOST: i64 = 2 * BUNDLE;

/// Less than this is not worth the questions that come first.
const LEAST: u64 = 1 << 20;

/// Of more columns the server needs longer to join them than the client wins.
const COLUMNS: usize = 24;

/// How the field of one column stands in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    /// So many bytes.
    Fixed(usize),
    /// Bytes before a NUL, which none of them is.
    Text,
    /// Its number of digits says its length: <https://github.com/postgres/postgres/blob/REL_17_STABLE/src/backend/utils/adt/numeric.c> (`numeric_send`).
    Numeric,
    /// Its fourth byte says how many follow: `network_send`.
    Address,
    /// Its length stands before it, -1 for NULL.
    Sized,
}

/// A type's send function, and how what it makes is found again.
fn wire(ty: &str, kind: i8) -> Option<(&'static str, Wire)> {
    if kind == b'e'.cast_signed() {
        return Some(("enum_send", Wire::Text));
    }
    Some(match ty {
        "int2" => ("int2send", Wire::Fixed(2)),
        "int4" => ("int4send", Wire::Fixed(4)),
        "int8" => ("int8send", Wire::Fixed(8)),
        "float8" => ("float8send", Wire::Fixed(8)),
        "bool" => ("boolsend", Wire::Fixed(1)),
        "date" => ("date_send", Wire::Fixed(4)),
        "time" => ("time_send", Wire::Fixed(8)),
        "timestamp" => ("timestamp_send", Wire::Fixed(8)),
        "timestamptz" => ("timestamptz_send", Wire::Fixed(8)),
        "interval" => ("interval_send", Wire::Fixed(16)),
        "uuid" => ("uuid_send", Wire::Fixed(16)),
        "macaddr" => ("macaddr_send", Wire::Fixed(6)),
        "text" => ("textsend", Wire::Text),
        "varchar" => ("varcharsend", Wire::Text),
        "bpchar" => ("bpcharsend", Wire::Text),
        "json" => ("json_send", Wire::Text),
        "jsonb" => ("jsonb_send", Wire::Text),
        "numeric" => ("numeric_send", Wire::Numeric),
        "inet" => ("inet_send", Wire::Address),
        "cidr" => ("cidr_send", Wire::Address),
        "bytea" => ("", Wire::Sized),
        _ => return None,
    })
}

/// One column of a bundle.
#[derive(Clone, Copy, Debug)]
struct Field {
    wire: Wire,
    /// A byte before it says whether there is a value.
    marked: bool,
}

impl Field {
    /// Takes the field's value from the front of `rest`; the outer `None` if it is not whole.
    #[inline]
    fn take<'b>(self, rest: &mut &'b [u8]) -> Option<Option<&'b [u8]>> {
        if self.marked {
            let (mark, after) = rest.split_first()?;
            *rest = after;
            match mark {
                0 => return Some(None),
                1 => {}
                _ => return None,
            }
        }
        let word = |at: usize| Some(usize::from(u16::from_be_bytes(*rest.get(at..)?.first_chunk()?)));
        let length = match self.wire {
            Wire::Fixed(length) => length,
            Wire::Text => {
                let text = CStr::from_bytes_until_nul(rest).ok()?.to_bytes();
                *rest = rest.get(text.len() + 1..)?;
                return Some(Some(text));
            }
            Wire::Numeric => 8 + 2 * word(0)?,
            Wire::Address => 4 + usize::from(*rest.get(3)?),
            Wire::Sized => {
                let length = i32::from_be_bytes(*rest.first_chunk()?);
                *rest = rest.get(4..)?;
                match usize::try_from(length) {
                    Ok(length) => length,
                    Err(_) => return (length == -1).then_some(None),
                }
            }
        };
        let (value, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(Some(value))
    }
}

/// How the rows of some pages come in bundles.
struct Bundles {
    sql: String,
    /// Pages of one.
    step: u64,
    fields: Vec<Field>,
}

/// The digest of those rows in some pages that came in bundles, and the pages whose rows are still to be read. `None`: not
/// a table for that.
///
/// # Errors
/// The target cannot be read, or `Interrupted`.
pub(super) fn of_pages(
    client: &mut impl GenericClient,
    schema: &str,
    table: &TablePlan,
    (pages, forms): (&Pages, &[normal::Column]),
    cancel: &Cancel,
    mut tell: impl FnMut(u64),
) -> Result<Option<(Sum, Vec<Pages>)>> {
    if pages.bytes < LEAST || table.long.is_some() || table.columns.is_empty() || table.columns.len() > COLUMNS {
        return Ok(None);
    }
    let about = |e| error_from_pg(e, "reading rows back").about(&table.name);
    let Some(bundles) = Bundles::of(client, schema, table, pages)? else { return Ok(None) };
    let mut tx = client.transaction().map_err(about)?;
    // Compiled code is not worth its making here.
    tx.batch_execute("SET LOCAL jit = off").map_err(about)?;
    let (mut sum, mut rest) = (Sum::new(), Vec::new());
    let mut normal = Vec::with_capacity(1024);
    {
        let none: [&(dyn ToSql + Sync); 0] = [];
        let mut rows = tx.query_raw(&bundles.sql, none).map_err(about)?;
        while let Some(row) = rows.next().map_err(about)? {
            cancel.check()?;
            let (first, count, bytes): (i64, i64, Option<&[u8]>) = (row.get(0), row.get(1), row.get(2));
            let part = bytes.and_then(|bytes| bundles.digest(bytes, forms, &mut normal));
            match part.filter(|part| part.rows == count.unsigned_abs()) {
                Some(part) => {
                    sum.merge(&part);
                    tell(part.rows);
                }
                None if count == 0 => {}
                None => rest.push(pages.within(first.unsigned_abs(), bundles.step)),
            }
        }
    }
    tx.commit().map_err(about)?;
    Ok(Some((sum, rest)))
}

impl Bundles {
    fn of(client: &mut impl GenericClient, schema: &str, table: &TablePlan, pages: &Pages) -> Result<Option<Bundles>> {
        let about = |e| error_from_pg(e, "asking for the columns of a table").about(&table.name);
        let name = pg_in(schema, &table.target);
        // What stands outside the pages may be of any length.
        let sql = format!(
            "SELECT a.attname, t.typname, t.typtype, a.attnotnull, current_setting('block_size')::bigint \
             FROM pg_class c JOIN pg_am m ON m.oid = c.relam JOIN pg_attribute a ON a.attrelid = c.oid \
             JOIN pg_type t ON t.oid = a.atttypid WHERE c.oid = {}::regclass AND c.relkind = 'r' \
             AND m.amname = 'heap' AND current_setting('server_version_num')::int >= {TID_RANGES} \
             AND (c.reltoastrelid = 0 OR pg_relation_size(c.reltoastrelid) = 0) \
             AND a.attnum > 0 AND (t.typnamespace = 'pg_catalog'::regnamespace OR t.typtype = 'e')",
            literal(&name)
        );
        let mut block = 0;
        let mut known: BTreeMap<String, (Field, &'static str)> = BTreeMap::new();
        for row in client.query(&sql, &[]).map_err(about)? {
            block = row.get::<_, i64>(4);
            if let Some((send, wire)) = wire(row.get(1), row.get(2)) {
                let marked = !row.get::<_, bool>(3) && wire != Wire::Sized;
                known.insert(row.get(0), (Field { wire, marked }, send));
            }
        }
        let mut fields = Vec::new();
        let mut parts = Vec::new();
        for column in &table.columns {
            let Some((field, send)) = known.get(&column.target) else { return Ok(None) };
            fields.push(*field);
            parts.push(field.sql(&pg(&column.target), send));
        }
        let step = (BUNDLE / block.max(1)).max(1);
        let first = pages.first.unwrap_or(0);
        // The size as it is in the statement: no row that it sees can stand behind.
        let last = match pages.end {
            Some(end) => format!("{}::bigint", end.saturating_sub(1)),
            None => format!("pg_relation_size({}::regclass) / {block}", literal(&name)),
        };
        let end = match pages.end {
            Some(end) => format!("least(g.page + {step}, {end})"),
            None => format!("least(g.page + {step}, 4294967295)"),
        };
        let row = joined(&parts);
        let sql = format!(
            "SELECT g.page, b.rows, CASE WHEN octet_length(b.bytes) <= {MOST} THEN b.bytes END \
             FROM generate_series({first}::bigint, {last}, {step}::bigint) AS g(page), \
             LATERAL (SELECT count(*) AS rows, string_agg({row}, ''::bytea) AS bytes FROM ONLY {name} AS t \
             WHERE t.ctid >= format('(%s,0)', g.page)::tid AND t.ctid < format('(%s,0)', {end})::tid) AS b"
        );
        Ok(Some(Bundles { sql, step: step.unsigned_abs(), fields }))
    }

    /// The digest of the rows in a bundle; `None` if it is not what was asked for.
    fn digest(&self, mut rest: &[u8], forms: &[normal::Column], normal: &mut Vec<u8>) -> Option<Sum> {
        let mut sum = Sum::new();
        while !rest.is_empty() {
            normal.clear();
            for (field, form) in self.fields.iter().zip(forms) {
                form.of_target(field.take(&mut rest)?, normal);
            }
            sum.add(&digest::row(normal));
        }
        Some(sum)
    }
}

impl Field {
    /// The bytes of a column's value that [`Field::take`] takes.
    fn sql(self, column: &str, send: &str) -> String {
        let bytes = match self.wire {
            Wire::Sized => {
                return format!("coalesce(int4send(octet_length(t.{column})) || t.{column}, '\\xffffffff'::bytea)");
            }
            Wire::Text => format!("{send}(t.{column}) || '\\x00'::bytea"),
            _ => format!("{send}(t.{column})"),
        };
        if self.marked { format!("coalesce('\\x01'::bytea || {bytes}, '\\x00'::bytea)") } else { format!("({bytes})") }
    }
}

/// All parts one behind the other. Two halves at a time: from the left, a row's beginning would be copied for each column.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => "''::bytea".to_owned(),
        [one] => one.clone(),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            format!("({} || {})", joined(left), joined(right))
        }
    }
}
