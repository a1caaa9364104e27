//! `--level rows`: every row of both sides compared by itself, and each difference named.
//! Owns this comparison; never trusts the digests of tables, never holds more than a fixed share of the rows' hashes.

mod places;

use crate::error::{Kind, Result};
use crate::observe::report::{ColumnDifference, Difference, Differences, How};
use crate::pool::Cancel;
use crate::run::exclude::{self, Set};
use crate::run::scan;
use crate::source::census::TICK;
use crate::source::huge::Long;
use crate::source::select::{Bounds, Reading};
use crate::source::{Reader, Row};
use crate::target::copy::copy_out;
use crate::target::rejected;
use crate::verify::huge::{self, LongRows};
use crate::verify::pages::Pages;
use lite2pg_model::ident::{self, pg, pg_in};
use lite2pg_model::mapping::codec::{Codec, OwnedValue};
use lite2pg_model::mapping::profile::show;
use lite2pg_model::normal::{self, RowDigest, digest};
use lite2pg_model::plan::{ColumnPlan, TablePlan};
use lite2pg_model::value::Value;
use postgres::GenericClient;
use std::collections::{BTreeMap, HashMap};

/// Rows whose hashes are held at once: some 32 MiB of them. A larger table is read in several passes, each over a share.
const HASHES: u64 = 1 << 19;

/// Differences of a table that are named; all are counted.
pub const NAMED: usize = 20;

/// The rows of one key that were not met on the other side.
#[derive(Default)]
struct Rows {
    /// By the hash of the row: how many more the source has.
    balance: Vec<(u128, i64)>,
}

impl Rows {
    fn add(&mut self, row: u128, source: bool) {
        let step = if source { 1 } else { -1 };
        match self.balance.iter_mut().find(|(hash, _)| *hash == row) {
            Some((_, balance)) => *balance += step,
            None => self.balance.push((row, step)),
        }
        self.balance.retain(|(_, balance)| *balance != 0);
    }

    fn equal(&self) -> bool {
        self.balance.is_empty()
    }

    /// Missing, extra, changed.
    fn counts(&self) -> (u64, u64, u64) {
        let sum = |sign: i64| self.balance.iter().map(|(_, b)| (b * sign).max(0).unsigned_abs()).sum::<u64>();
        let (source, target) = (sum(1), sum(-1));
        let changed = source.min(target);
        (source - changed, target - changed, changed)
    }

    fn how(&self) -> How {
        match self.counts() {
            (_, _, 1..) => How::Changed,
            (0, ..) => How::Extra,
            _ => How::Missing,
        }
    }
}

/// The hash of a row and of its key, both of the normal form.
struct Hashes {
    key: u128,
    row: u128,
}

/// Both sides of a table, and how they are read.
pub struct Sides<'a> {
    schema: &'a str,
    run: &'a str,
    table: &'a TablePlan,
    /// Rows whose foreign keys a policy made NULL.
    set: Option<&'a Set>,
    forms: Vec<normal::Column>,
    codecs: Vec<Codec>,
    /// Columns of the key; all of them where there is none.
    key: Vec<usize>,
    keyless: bool,
}

impl<'a> Sides<'a> {
    /// Of a table that `run` published to `schema`; `set` says what a policy did to single rows.
    pub fn of(schema: &'a str, run: &'a str, table: &'a TablePlan, set: Option<&'a Set>) -> Self {
        let place = |name: &String| table.columns.iter().position(|c| c.target == *name);
        let key: Option<Vec<usize>> = table.primary_key.as_ref().and_then(|k| k.columns.iter().map(place).collect());
        Sides {
            schema,
            run,
            table,
            set,
            forms: table.columns.iter().map(ColumnPlan::form).collect(),
            codecs: table.columns.iter().map(ColumnPlan::codec).collect(),
            keyless: key.is_none(),
            key: key.unwrap_or_else(|| (0..table.columns.len()).collect()),
        }
    }

    /// Compares every row. Rows are matched by the primary key of the target; without one, as a multiset. Rejected rows
    /// count as rows that the source does not have.
    ///
    /// # Errors
    /// A side cannot be read, or `Interrupted`.
    pub fn compare(
        &self,
        reader: &mut Reader,
        client: &mut impl GenericClient,
        cancel: &Cancel,
    ) -> Result<Differences> {
        let passes = self.table.rows / HASHES + 1;
        let mut out = Differences::default();
        let mut wanted: BTreeMap<u128, How> = BTreeMap::new();
        for pass in 0..passes {
            let mine = |key: u128| key % u128::from(passes) == u128::from(pass);
            for (key, rest) in self.unmet(reader, client, &mine, cancel)? {
                let (missing, extra, changed) = rest.counts();
                out.missing += missing;
                out.extra += extra;
                out.changed += changed;
                if wanted.len() < NAMED {
                    wanted.insert(key, rest.how());
                }
            }
        }
        if !wanted.is_empty() {
            out.named = self.name(reader, client, &wanted, cancel)?;
        }
        Ok(out)
    }

    /// The rows of one share of the keys that the other side does not have.
    fn unmet(
        &self,
        reader: &mut Reader,
        client: &mut impl GenericClient,
        mine: &impl Fn(u128) -> bool,
        cancel: &Cancel,
    ) -> Result<HashMap<u128, Rows>> {
        let mut rows: HashMap<u128, Rows> = HashMap::new();
        self.source(reader, cancel, |hashes, _| {
            if mine(hashes.key) {
                rows.entry(hashes.key).or_default().add(hashes.row, true);
            }
        })?;
        let mut meet = |hashes: Hashes| {
            if mine(hashes.key) {
                let rest = rows.entry(hashes.key).or_default();
                rest.add(hashes.row, false);
                if rest.equal() {
                    rows.remove(&hashes.key);
                }
            }
        };
        self.rejected(client, &mut meet)?;
        self.target(client, cancel, |hashes, _| meet(hashes))?;
        rows.retain(|_, rest| !rest.equal());
        Ok(rows)
    }

    /// Hashes of a row whose fields end at `ends` of `normal`.
    fn hashes(&self, normal: &[u8], ends: &[usize]) -> Hashes {
        let row = half(&digest::row(normal));
        if self.keyless {
            return Hashes { key: row, row };
        }
        let field = |i: usize| {
            let from = if i == 0 { 0 } else { ends.get(i - 1).copied().unwrap_or_default() };
            normal.get(from..ends.get(i).copied().unwrap_or(from)).unwrap_or_default()
        };
        let key: Vec<u8> = self.key.iter().flat_map(|i| field(*i)).copied().collect();
        Hashes { key: half(&digest::row(&key)), row }
    }

    /// Hashes of a row with long values, of which the digest is known; `field` appends the normal form of a short one.
    fn long_hashes(&self, digest: &RowDigest, field: impl Fn(usize, &mut Vec<u8>)) -> Hashes {
        let row = half(digest);
        if self.keyless {
            return Hashes { key: row, row };
        }
        let mut key = Vec::new();
        self.key.iter().for_each(|i| field(*i, &mut key));
        Hashes { key: half(&digest::row(&key)), row }
    }

    /// The normal form of a row, and where each field of it ends.
    fn normal<'v>(&self, value: impl Fn(usize) -> Value<'v>, normal: &mut Vec<u8>, ends: &mut Vec<usize>) {
        normal.clear();
        ends.clear();
        for (i, form) in self.forms.iter().enumerate() {
            form.of_source(value(i), normal);
            ends.push(normal.len());
        }
    }

    fn source(&self, reader: &mut Reader, cancel: &Cancel, mut each: impl FnMut(Hashes, &Row<'_>)) -> Result<()> {
        let set = self.set.filter(|s| s.changes());
        let long = Long::of_plan(self.table);
        let reading = Reading::of_plan(self.table).without(long.as_ref());
        let rowid = reading.rowid();
        let sql = reading.rows(Bounds::default());
        let first = self.forms.len() + usize::from(rowid.is_some());
        let (mut normal, mut ends, mut rows) = (Vec::new(), Vec::new(), 0u64);
        reader
            .for_each_with(&sql, &[], |blobs, row| {
                rows += 1;
                let nulls = match set {
                    Some(set) => exclude::null_columns(
                        self.table,
                        set,
                        scan::number(rowid, row, self.forms.len(), rows.cast_signed()),
                    ),
                    None => Vec::new(),
                };
                let left_out = long.as_ref().map_or_else(Vec::new, |long| long.left_out(row, first));
                if let Some(long) = long.as_ref().filter(|_| !left_out.is_empty()) {
                    let (digest, _) = huge::source_row(long, &self.forms, &nulls, blobs, row, &left_out, cancel)?;
                    let field = |i: usize, out: &mut Vec<u8>| match (nulls.contains(&i), self.forms.get(i)) {
                        (false, Some(form)) => form.of_source(row.get(i), out),
                        (true, Some(form)) => form.of_source(Value::Null, out),
                        (_, None) => {}
                    };
                    each(self.long_hashes(&digest, field), row);
                    return Ok(());
                }
                let value = |i: usize| if nulls.contains(&i) { Value::Null } else { row.get(i) };
                self.normal(value, &mut normal, &mut ends);
                each(self.hashes(&normal, &ends), row);
                if rows.is_multiple_of(TICK) { cancel.check() } else { Ok(()) }
            })
            .map_err(|e| if e.kind == Kind::Interrupted { e } else { e.about(&self.table.name) })
    }

    /// The rows that were rejected, as they were stored.
    fn rejected(&self, client: &mut impl GenericClient, each: &mut impl FnMut(Hashes)) -> Result<()> {
        let (mut normal, mut ends) = (Vec::new(), Vec::new());
        rejected::for_each(client, self.run, &self.table.name, |stored| {
            let nulls = self.set.map_or_else(Vec::new, |s| exclude::null_columns(self.table, s, stored.place.number));
            let value = |i: usize| match self.table.columns.get(i) {
                Some(column) if !nulls.contains(&i) => stored.value(&column.name),
                _ => Value::Null,
            };
            self.normal(value, &mut normal, &mut ends);
            each(self.hashes(&normal, &ends));
            Ok(())
        })
    }

    fn target(
        &self,
        client: &mut impl GenericClient,
        cancel: &Cancel,
        mut each: impl FnMut(Hashes, &[Option<&[u8]>]),
    ) -> Result<()> {
        let columns: Vec<String> = self.table.columns.iter().map(|c| pg(&c.target)).collect();
        let mut query = format!("SELECT {} FROM ONLY {}", columns.join(", "), pg_in(self.schema, &self.table.target));
        let long = LongRows::of(self.schema, self.table);
        if let Some(long) = &long {
            query.push_str(&format!(" WHERE {}", long.others()));
        }
        let (mut normal, mut ends, mut rows) = (Vec::new(), Vec::new(), 0u64);
        copy_out(client, &query, |fields| {
            normal.clear();
            ends.clear();
            for (form, field) in self.forms.iter().zip(fields) {
                form.of_target(*field, &mut normal);
                ends.push(normal.len());
            }
            each(self.hashes(&normal, &ends), fields);
            rows += 1;
            if rows.is_multiple_of(TICK) { cancel.check() } else { Ok(()) }
        })
        .map_err(|e| if e.kind == Kind::Interrupted { e } else { e.about(&self.table.name) })?;
        let Some(long) = long else { return Ok(()) };
        long.each(client, &self.forms, &Pages::all(self.table.bytes), cancel, |row| {
            let field = |i: usize, out: &mut Vec<u8>| out.extend(row.normals.get(i).into_iter().flatten());
            let fields: Vec<Option<&[u8]>> = row.fields.iter().map(Option::as_deref).collect();
            each(self.long_hashes(&row.digest, field), &fields);
            Ok(())
        })
    }

    /// Reads the wanted keys once more and tells what they hold.
    fn name(
        &self,
        reader: &mut Reader,
        client: &mut impl GenericClient,
        wanted: &BTreeMap<u128, How>,
        cancel: &Cancel,
    ) -> Result<Vec<Difference>> {
        let mut here: BTreeMap<u128, Vec<OwnedValue>> = BTreeMap::new();
        let mut there: BTreeMap<u128, Vec<OwnedValue>> = BTreeMap::new();
        let columns = self.table.columns.len();
        self.source(reader, cancel, |hashes, row| {
            if wanted.contains_key(&hashes.key) {
                here.entry(hashes.key).or_insert_with(|| (0..columns).map(|i| row.get(i).into()).collect());
            }
        })?;
        self.target(client, cancel, |hashes, fields| {
            if wanted.contains_key(&hashes.key) {
                let values = || self.codecs.iter().zip(fields).map(|(codec, field)| decoded(codec, *field)).collect();
                there.entry(hashes.key).or_insert_with(values);
            }
        })?;
        let none = Vec::new();
        let mut named: Vec<Difference> = wanted
            .iter()
            .map(|(key, how)| self.difference(*how, here.get(key).unwrap_or(&none), there.get(key).unwrap_or(&none)))
            .collect();
        named.sort_by(|a, b| (a.how, &a.key).cmp(&(b.how, &b.key)));
        Ok(named)
    }

    fn difference(&self, how: How, here: &[OwnedValue], there: &[OwnedValue]) -> Difference {
        let row = if here.is_empty() { there } else { here };
        let text = |v: Option<&OwnedValue>| v.map_or_else(String::new, |v| show(v.as_value()));
        let key_columns: Vec<usize> =
            self.key.iter().copied().take(if self.keyless { 4 } else { usize::MAX }).collect();
        let column = |i: usize| self.table.columns.get(i);
        let words = key_columns.iter().map(|i| {
            let name = column(*i).map_or("?", |c| c.name.as_str());
            format!("{name} = {}", text(row.get(*i)))
        });
        let columns = match how {
            How::Changed => self.changed(here, there),
            _ => Vec::new(),
        };
        let bounds = |side: Side| -> String {
            let terms = key_columns.iter().filter_map(|i| Some(side.term(column(*i)?, row.get(*i)?)));
            terms.collect::<Vec<_>>().join(" AND ")
        };
        let target_sql = match how {
            // The other row of this key is not in the table: it was set aside, and the source has changed since.
            How::Changed if there.is_empty() => format!(
                "SELECT * FROM lite2pg.rejected_row WHERE run = {} AND table_name = {}",
                ident::literal(self.run),
                ident::literal(&self.table.name)
            ),
            _ => format!("SELECT * FROM {} WHERE {}", pg_in(self.schema, &self.table.target), bounds(Side::Target)),
        };
        Difference {
            how,
            key: words.collect::<Vec<_>>().join(", "),
            columns,
            source_sql: format!("SELECT * FROM {} WHERE {}", ident::sqlite(&self.table.name), bounds(Side::Source)),
            target_sql,
        }
    }

    fn changed(&self, here: &[OwnedValue], there: &[OwnedValue]) -> Vec<ColumnDifference> {
        let mut out = Vec::new();
        for ((column, form), (a, b)) in self.table.columns.iter().zip(&self.forms).zip(here.iter().zip(there)) {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            form.of_source(a.as_value(), &mut one);
            form.of_source(b.as_value(), &mut other);
            if one != other {
                let (source, target) = (show(a.as_value()), show(b.as_value()));
                out.push(ColumnDifference { column: column.name.clone(), source, target });
            }
        }
        if out.is_empty() && !there.is_empty() {
            // Long values are left out of what is shown.
            let long = self.table.long.iter().flat_map(|l| &l.columns);
            let (source, target) = ("a long value".to_owned(), "another".to_owned());
            out.extend(long.map(|column| ColumnDifference {
                column: column.clone(),
                source: source.clone(),
                target: target.clone(),
            }));
        }
        out
    }
}

fn half(digest: &[u8; 32]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}

/// A field read back; what the codec cannot read is shown by its bytes.
fn decoded(codec: &Codec, field: Option<&[u8]>) -> OwnedValue {
    codec.decode(field).unwrap_or_else(|_| OwnedValue::Blob(field.unwrap_or_default().to_vec()))
}

/// Where a statement is typed.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

impl Side {
    /// A condition that finds a value.
    fn term(self, column: &ColumnPlan, value: &OwnedValue) -> String {
        let name = match self {
            Side::Source => ident::sqlite(&column.name),
            Side::Target => pg(&column.target),
        };
        match (self, value) {
            (_, OwnedValue::Null) => format!("{name} IS NULL"),
            (Side::Source, value) => format!("{name} = {}", value.as_value().sqlite()),
            (Side::Target, OwnedValue::Real(r)) if r.is_infinite() => {
                format!("{name} = '{}Infinity'", if *r > 0.0 { "" } else { "-" })
            }
            (Side::Target, OwnedValue::Integer(_) | OwnedValue::Real(_)) => {
                format!("{name} = {}", value.as_value().sqlite())
            }
            (Side::Target, OwnedValue::Text(b)) => format!("{name} = {}", ident::literal(&String::from_utf8_lossy(b))),
            (Side::Target, OwnedValue::Blob(b)) => {
                format!("{name} = '\\x{}'", b.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_typed_as_each_side_reads_them() {
        let column = |target: &str| serde_json::json!({ "name": "c", "target": target, "declared": "", "type": "text", "reason": "" });
        let column: ColumnPlan = serde_json::from_value(column("d")).unwrap();
        let term = |side: Side, value: Value<'_>| side.term(&column, &value.into());
        assert_eq!(term(Side::Source, Value::Real(f64::NEG_INFINITY)), "\"c\" = -9e999");
        assert_eq!(term(Side::Target, Value::Real(f64::NEG_INFINITY)), "\"d\" = '-Infinity'");
        assert_eq!(term(Side::Source, Value::Text(b"\xff")), "\"c\" = CAST(x'ff' AS TEXT)");
        assert_eq!(term(Side::Target, Value::Blob(b"\xff")), "\"d\" = '\\xff'");
    }

    #[test]
    fn a_balance_tells_missing_extra_and_changed() {
        let mut rows = Rows::default();
        rows.add(1, true);
        assert_eq!((rows.counts(), rows.how()), ((1, 0, 0), How::Missing));
        rows.add(2, false);
        assert_eq!((rows.counts(), rows.how()), ((0, 0, 1), How::Changed));
        rows.add(1, false);
        assert_eq!((rows.counts(), rows.how()), ((0, 1, 0), How::Extra));
        rows.add(2, true);
        assert!(rows.equal());
    }
}
