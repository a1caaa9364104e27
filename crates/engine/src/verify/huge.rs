//! Digests of rows with values too long to be held whole, on either side.
//! Owns the reading of such rows in pieces; never compares.
//!
//! COPY hands a row out as one message, which a client buffers whole. So these rows are left out of it, and read one by
//! one: their short fields as ever, their long ones in slices. A slice of a bytea that is stored as it is costs no more
//! than its own bytes; of a text, or where the server compressed the value, it would cost all that stands before it, so
//! there the server makes the bytes once and hands them out from there.

use crate::error::{Error, Result};
use crate::run::pool::Cancel;
use crate::source::Row;
use crate::source::huge::{Blobs, LeftOut, Long};
use crate::target::copy::copy_out;
use crate::target::error_from_pg;
use crate::verify::pages::Pages;
use lite2pg_model::ident::{literal, pg, pg_in};
use lite2pg_model::mapping::PgType;
use lite2pg_model::normal;
use lite2pg_model::normal::digest::{RowDigest, RowHasher};
use lite2pg_model::plan::TablePlan;
use lite2pg_model::value::Value;
use postgres::GenericClient;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::ToSql;

/// How much of a value the server hands out at once.
const SLICE: i32 = 512 * 1024;

/// The digest of a row of the source of which some values were left out, and the bytes of its values. Columns in `nulls`
/// count as NULL.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub(super) fn source_row(
    long: &Long,
    forms: &[normal::Column],
    nulls: &[usize],
    blobs: &Blobs<'_>,
    row: &Row<'_>,
    left_out: &[LeftOut],
    cancel: &Cancel,
) -> Result<(RowDigest, u64)> {
    let (mut digest, mut bytes) = (RowHasher::new(), 0);
    let mut normal = Vec::new();
    for (i, form) in forms.iter().enumerate() {
        if let Some(out) = left_out.iter().find(|out| out.column == i && !nulls.contains(&i)) {
            bytes += out.length;
            let field = form.begin_of_source(out.class, out.length, &mut digest).ok_or_else(|| unsliced(i))?;
            long.read(blobs, (row, forms.len()), out, cancel, |piece| {
                field.piece(piece, &mut digest);
                Ok(())
            })?;
            continue;
        }
        let value = if nulls.contains(&i) { Value::Null } else { row.get(i) };
        bytes += value.size();
        normal.clear();
        form.of_source(value, &mut normal);
        digest.take(&normal);
    }
    Ok((digest.finish(), bytes))
}

fn unsliced(column: usize) -> Error {
    Error::internal(format!("the normal form of column {} is not made piece by piece", column + 1))
}

/// One such row of the target.
pub(super) struct LongRow {
    /// Of the whole row.
    pub digest: RowDigest,
    /// The normal form of each field; of a long one, of NULL.
    pub normals: Vec<Vec<u8>>,
    /// Its fields as COPY BINARY has them; a long one is left out.
    pub fields: Vec<Option<Vec<u8>>>,
}

/// The rows of a table that hold a long value.
pub(super) struct LongRows<'a> {
    schema: &'a str,
    table: &'a TablePlan,
    /// Places of the columns that may hold one.
    columns: Vec<usize>,
    over: u64,
}

impl<'a> LongRows<'a> {
    /// Those of a table, if the plan says that it may have some.
    pub fn of(schema: &'a str, table: &'a TablePlan) -> Option<Self> {
        let plan = table.long.as_ref().filter(|l| !l.columns.is_empty())?;
        let columns = table.columns.iter().enumerate().filter(|(_, c)| plan.has(&c.name));
        Some(LongRows { schema, table, columns: columns.map(|(i, _)| i).collect(), over: plan.over })
    }

    /// What is true of every other row.
    pub fn others(&self) -> String {
        let short = |i: &usize| format!("coalesce(octet_length({}), 0) <= {}", self.name(*i), self.over);
        self.columns.iter().map(short).collect::<Vec<_>>().join(" AND ")
    }

    fn name(&self, column: usize) -> String {
        self.table.columns.get(column).map_or_else(String::new, |c| pg(&c.target))
    }

    fn from(&self) -> String {
        pg_in(self.schema, &self.table.target)
    }

    /// Hands out each that stands in some pages.
    ///
    /// # Errors
    /// The target cannot be read, `each` fails, or `Interrupted`.
    pub fn each(
        &self,
        client: &mut impl GenericClient,
        forms: &[normal::Column],
        pages: &Pages,
        cancel: &Cancel,
        mut each: impl FnMut(LongRow) -> Result<()>,
    ) -> Result<()> {
        let about = |e| error_from_pg(e, "looking for rows with long values").about(&self.table.name);
        let mut conditions = pages.conditions();
        conditions.push(format!("NOT ({})", self.others()));
        let sql = format!("SELECT ctid::text FROM ONLY {} WHERE {}", self.from(), conditions.join(" AND "));
        let places: Vec<String> = client.query(&sql, &[]).map_err(about)?.iter().map(|r| r.get(0)).collect();
        for place in places {
            cancel.check()?;
            each(self.row(client, &place, forms, cancel)?)?;
        }
        Ok(())
    }

    fn row(
        &self,
        client: &mut impl GenericClient,
        place: &str,
        forms: &[normal::Column],
        cancel: &Cancel,
    ) -> Result<LongRow> {
        let place = format!("ctid = {}::tid", literal(place));
        let mut list: Vec<String> = (0..forms.len()).map(|i| self.name(i)).collect();
        for i in &self.columns {
            let (name, over) = (self.name(*i), self.over);
            if let Some(item) = list.get_mut(*i) {
                *item = format!("CASE WHEN octet_length({name}) > {over} THEN NULL ELSE {name} END");
            }
            // Its length where it was left out; negative where the server keeps it compressed.
            list.push(format!(
                "CASE WHEN octet_length({name}) > {over} THEN \
                 CASE WHEN pg_column_size({name}) < octet_length({name}) THEN -1 ELSE 1 END * octet_length({name}) END"
            ));
        }
        let sql = format!("SELECT {} FROM ONLY {} WHERE {place}", list.join(", "), self.from());
        let mut fields: Vec<Vec<u8>> = vec![Vec::new(); forms.len()];
        let mut raw: Vec<Option<Vec<u8>>> = vec![None; forms.len()];
        let mut long: Vec<Option<i32>> = vec![None; forms.len()];
        copy_out(client, &sql, |row| {
            for (((form, field), normal), raw) in forms.iter().zip(row).zip(&mut fields).zip(&mut raw) {
                form.of_target(*field, normal);
                *raw = field.map(<[u8]>::to_vec);
            }
            for (i, field) in self.columns.iter().zip(row.iter().skip(forms.len())) {
                long[*i] = field.and_then(|f| f.try_into().ok()).map(i32::from_be_bytes);
            }
            Ok(())
        })?;
        let mut digest = RowHasher::new();
        for (i, (form, normal)) in forms.iter().zip(&fields).enumerate() {
            match long[i] {
                Some(length) => self.slices(client, &place, (i, form), length, &mut digest, cancel)?,
                None => digest.take(normal),
            }
        }
        Ok(LongRow { digest: digest.finish(), normals: fields, fields: raw })
    }

    fn slices(
        &self,
        client: &mut impl GenericClient,
        place: &str,
        (column, form): (usize, &normal::Column),
        length: i32,
        digest: &mut RowHasher,
        cancel: &Cancel,
    ) -> Result<()> {
        let about = |e| error_from_pg(e, "reading a long value back").about(&self.table.name);
        let bytes = u64::from(length.unsigned_abs());
        let field = form.begin_of_target(bytes, digest).ok_or_else(|| unsliced(column))?;
        let name = self.name(column);
        let text = self.table.columns.get(column).is_none_or(|c| c.ty != PgType::Bytea);
        let value = match (text, length < 0) {
            (true, _) => format!("convert_to({name}, 'UTF8')"),
            (false, true) => format!("{name} || ''::bytea"),
            (false, false) => name,
        };
        // OFFSET 0 keeps the value from being made anew for each slice.
        let sql = format!(
            "SELECT at, substring(whole.value FROM at FOR {SLICE}) FROM \
             (SELECT {value} AS value FROM ONLY {} WHERE {place} OFFSET 0) AS whole, \
             LATERAL generate_series(1, octet_length(whole.value), {SLICE}) AS at",
            self.from()
        );
        let none: [&(dyn ToSql + Sync); 0] = [];
        let mut rows = client.query_raw(&sql, none).map_err(about)?;
        let mut taken = 0;
        while let Some(row) = rows.next().map_err(about)? {
            cancel.check()?;
            let (at, slice): (i32, &[u8]) = (row.get(0), row.get(1));
            if u64::try_from(at).ok() != Some(taken + 1) {
                return Err(Error::internal("the slices of a value came in another order").about(&self.table.name));
            }
            field.piece(slice, digest);
            taken += slice.len() as u64;
        }
        Ok(())
    }
}
