//! Digests of whole tables, made anew from either side.
//! Owns the two readings; never compares.

use crate::error::{Kind, Result};
use crate::observe::{Event, Observer};
use crate::run::pool::{Alone, Cancel};
use crate::source::Reader;
use crate::source::census::TICK;
use crate::source::huge::Long;
use crate::source::select;
use crate::target::copy::copy_out;
use crate::verify::huge::{self, LongRows};
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::normal::{self, Sum, digest};
use lite2pg_model::plan::{ColumnPlan, TablePlan};
use postgres::GenericClient;

/// What a row's normal form may keep of its memory.
const SMALL: usize = 1 << 20;

/// The digest of a table as PostgreSQL gives it back.
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
    let forms: Vec<normal::Column> = table.columns.iter().map(ColumnPlan::form).collect();
    let columns: Vec<String> = table.columns.iter().map(|c| pg(&c.target)).collect();
    let mut query = format!("SELECT {} FROM ONLY {}", columns.join(", "), pg_in(schema, &table.target));
    let long = LongRows::of(schema, table);
    if let Some(long) = &long {
        query.push_str(&format!(" WHERE {}", long.others()));
    }
    let _alone = Alone::on(table);
    let mut sum = Sum::new();
    let mut normal = Vec::with_capacity(1024);
    let mut told = 0;
    copy_out(client, &query, |fields| {
        normal.clear();
        for (form, field) in forms.iter().zip(fields) {
            form.of_target(*field, &mut normal);
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
    if let Some(long) = &long {
        long.each(client, &forms, cancel, |digest| {
            sum.add(&digest);
            tell(observer, table, 1);
            Ok(())
        })?;
    }
    Ok(sum)
}

/// The digest of a table as SQLite holds it, and the bytes of its values.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn of_source(
    reader: &mut Reader,
    table: &TablePlan,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(Sum, u64)> {
    let forms: Vec<normal::Column> = table.columns.iter().map(ColumnPlan::form).collect();
    let names = || table.columns.iter().map(|c| c.name.as_str());
    let long = Long::of_plan(table);
    let rowid = long.as_ref().and_then(|_| select::rowid_name(names(), table.without_rowid));
    let sql = select::rows_without(&table.name, names(), rowid, false, false, long.as_ref());
    let after = forms.len() + usize::from(rowid.is_some());
    let (mut sum, mut bytes, mut told) = (Sum::new(), 0, 0);
    let mut normal = Vec::with_capacity(1024);
    reader
        .for_each_with(&sql, &[], |blobs, row| {
            let left_out = long.as_ref().map_or_else(Vec::new, |long| long.left_out(row, after));
            if let Some(long) = long.as_ref().filter(|_| !left_out.is_empty()) {
                let (digest, size) = huge::source_row(long, &forms, blobs, row, &left_out, cancel)?;
                sum.add(&digest);
                bytes += size;
                return Ok(());
            }
            normal.clear();
            for (i, form) in forms.iter().enumerate() {
                let value = row.get(i);
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

fn tell(observer: &dyn Observer, table: &TablePlan, rows: u64) {
    observer.see(&Event::Progress { stage: "verify", table: table.name.clone(), rows, bytes: 0 });
}
