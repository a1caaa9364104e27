//! Digests of whole tables, made anew from either side.
//! Owns the two readings; never compares.

use crate::error::{Kind, Result};
use crate::observe::{Event, Observer};
use crate::run::exclude::{self, Set};
use crate::run::pool::{Alone, Cancel};
use crate::run::scan;
use crate::source::Reader;
use crate::source::census::TICK;
use crate::source::huge::Long;
use crate::source::select::{Bounds, Reading};
use crate::target::copy::copy_out;
use crate::target::rejected;
use crate::verify::bundle;
use crate::verify::huge::{self, LongRows};
pub use crate::verify::pages::{Pages, parts, parts_of};
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::normal::digest::RowHasher;
use lite2pg_model::normal::{self, RowDigest, Sum, digest};
use lite2pg_model::plan::{ColumnPlan, TablePlan};
use lite2pg_model::value::Value;
use postgres::GenericClient;

/// What a row's normal form may keep of its memory.
const SMALL: usize = 1 << 20;

/// The digest of a table as PostgreSQL gives it back. It may take several statements: that they see one state of the
/// table is the caller's care. Either all of this is within one REPEATABLE READ transaction, as in `lite2pg verify`, or
/// nobody else writes to the table, as while a run has it in its staging schema.
///
/// # Errors
/// The target cannot be read, or `Interrupted`.
pub fn of_target(
    client: &mut impl GenericClient,
    schema: &str,
    table: &TablePlan,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Sum> {
    of_pages(client, schema, table, &Pages::all(table.bytes), observer, cancel)
}

/// The digest of the rows in some of a table's pages. Those of all its [`parts`], added, are the table's.
///
/// # Errors
/// The target cannot be read, or `Interrupted`.
pub fn of_pages(
    client: &mut impl GenericClient,
    schema: &str,
    table: &TablePlan,
    pages: &Pages,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Sum> {
    let forms: Vec<normal::Column> = table.columns.iter().map(ColumnPlan::form).collect();
    let long = LongRows::of(schema, table);
    let _alone = Alone::on(table);
    let bundled = bundle::of_pages(client, schema, table, (pages, &forms), cancel, |rows| tell(observer, table, rows))?;
    let (mut sum, rest) = bundled.unwrap_or_else(|| (Sum::new(), vec![*pages]));
    for pages in rest {
        sum.merge(&row_by_row(client, schema, table, (&pages, &forms, long.as_ref()), observer, cancel)?);
    }
    if let Some(long) = &long {
        long.each(client, &forms, pages, cancel, |row| {
            sum.add(&row.digest);
            tell(observer, table, 1);
            Ok(())
        })?;
    }
    Ok(sum)
}

/// The digest of the rows in some pages, but for those with long values.
fn row_by_row(
    client: &mut impl GenericClient,
    schema: &str,
    table: &TablePlan,
    (pages, forms, long): (&Pages, &[normal::Column], Option<&LongRows<'_>>),
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Sum> {
    let columns: Vec<String> = table.columns.iter().map(|c| pg(&c.target)).collect();
    let mut query = format!("SELECT {} FROM ONLY {}", columns.join(", "), pg_in(schema, &table.target));
    let conditions: Vec<String> = pages.conditions().into_iter().chain(long.map(LongRows::others)).collect();
    if !conditions.is_empty() {
        query.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    let mut sum = Sum::new();
    let mut normal = Vec::with_capacity(1024);
    let mut told = 0;
    copy_out(client, &query, |fields| {
        normal.clear();
        let mut begun: Option<RowHasher> = None;
        for (form, field) in forms.iter().zip(fields) {
            form.of_target(*field, &mut normal);
            if normal.len() > SMALL {
                begun.get_or_insert_default().take(&normal);
                normal.clear();
            }
        }
        sum.add(&match begun {
            None => digest::row(&normal),
            Some(mut hasher) => {
                hasher.take(&normal);
                hasher.finish()
            }
        });
        normal.shrink_to(SMALL);
        if sum.rows.is_multiple_of(TICK) {
            cancel.check()?;
            tell(observer, table, sum.rows - told);
            told = sum.rows;
        }
        Ok(())
    })
    .map_err(|e| if e.object.is_some() || e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    tell(observer, table, sum.rows - told);
    Ok(sum)
}

/// The digest of a table as SQLite holds it, and the bytes of its values. What a policy makes NULL in rows without parent
/// (`set`) counts as NULL.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn of_source(
    reader: &mut Reader,
    table: &TablePlan,
    set: Option<&Set>,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(Sum, u64)> {
    let forms: Vec<normal::Column> = table.columns.iter().map(ColumnPlan::form).collect();
    let set = set.filter(|s| s.changes());
    let long = Long::of_plan(table);
    let reading = Reading::of_plan(table).without(long.as_ref());
    let rowid = reading.rowid();
    let sql = reading.rows(Bounds::default());
    let first = forms.len() + usize::from(rowid.is_some());
    let (mut sum, mut bytes, mut told, mut place) = (Sum::new(), 0, 0, 0);
    let mut normal = Vec::with_capacity(1024);
    reader
        .for_each_with(&sql, &[], |blobs, row| {
            place += 1;
            let number = scan::number(rowid, row, forms.len(), place);
            let nulls = set.map_or_else(Vec::new, |s| exclude::null_columns(table, s, number));
            let left_out = long.as_ref().map_or_else(Vec::new, |long| long.left_out(row, first));
            if let Some(long) = long.as_ref().filter(|_| !left_out.is_empty()) {
                let (digest, size) = huge::source_row(long, &forms, &nulls, blobs, row, &left_out, cancel)?;
                sum.add(&digest);
                bytes += size;
                return Ok(());
            }
            normal.clear();
            for (i, form) in forms.iter().enumerate() {
                let value = if nulls.contains(&i) { Value::Null } else { row.get(i) };
                bytes += value.size();
                form.of_source(value, &mut normal);
            }
            sum.add(&digest::row(&normal));
            normal.shrink_to(SMALL);
            if sum.rows.is_multiple_of(TICK) {
                cancel.check()?;
                tell(observer, table, sum.rows - told);
                told = sum.rows;
            }
            Ok(())
        })
        .map_err(|e| if e.object.is_some() || e.kind == Kind::Interrupted { e } else { e.about(&table.name) })?;
    tell(observer, table, sum.rows - told);
    Ok((sum, bytes))
}

/// The digest of a table's rejected rows, from the values that were stored, and made as [`of_source`] makes it.
///
/// # Errors
/// The target cannot be read, or `Interrupted`.
pub fn of_rejected(
    client: &mut impl GenericClient,
    run: &str,
    table: &TablePlan,
    set: Option<&Set>,
    cancel: &Cancel,
) -> Result<Sum> {
    let mut sum = Sum::new();
    rejected::for_each(client, run, &table.name, |stored| {
        let nulls = set.map_or_else(Vec::new, |s| exclude::null_columns(table, s, stored.place.number));
        let value = |i: usize, name: &str| if nulls.contains(&i) { Value::Null } else { stored.value(name) };
        sum.add(&row_digest(table, value));
        cancel.check()
    })?;
    Ok(sum)
}

/// The digest of one row of the source, by the places and names of its columns.
pub fn row_digest<'v>(table: &TablePlan, value: impl Fn(usize, &str) -> Value<'v>) -> RowDigest {
    let mut normal = Vec::new();
    for (i, column) in table.columns.iter().enumerate() {
        column.form().of_source(value(i, &column.name), &mut normal);
    }
    digest::row(&normal)
}

fn tell(observer: &dyn Observer, table: &TablePlan, rows: u64) {
    observer.see(&Event::Progress { stage: "verify", table: table.name.clone(), rows, bytes: 0 });
}
