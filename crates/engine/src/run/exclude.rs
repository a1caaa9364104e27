//! Which rows a key of the target refuses, found on the snapshot before the first row moves: NULLs, duplicates as
//! PostgreSQL will see them, and rows without parent, also those whose parent is itself left out.
//! Owns these sets, and that they stay within a fixed amount of memory; never writes a row anywhere.

mod orphans;
mod told;

pub use orphans::without_parent;
pub use told::{answered, count_lost, recount};

use super::fit::Fit;
use super::pool::Cancel;
use super::scan::Scan;
use crate::error::{Error, Kind, Result};
use crate::source::census::TICK;
use crate::source::{Reader, Row};
use crate::target::ledger::Range;
use lite2pg_model::mapping::exclude::Exclusion;
use lite2pg_model::normal::{self, digest};
use lite2pg_model::plan::{ColumnPlan, ForeignKeyPlan, Plan, TablePlan};
use lite2pg_model::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most rows that all sets together hold: 16 bytes each.
const MOST: usize = 4_000_000;

/// Hashes held at once; a larger table is read in several passes, each over a share of the hashes.
const HASHES: u64 = 1 << 20;

/// Why a row is not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A value does not fit its column.
    Misfit,
    /// One of the table's exclusions, by its place.
    Key(u16),
    /// A foreign key without parent, by its place.
    Orphan(u16),
}

/// Rows of one table, by their numbers (see [`Scan`]), in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Set {
    rejected: Vec<(i64, Why)>,
    /// Rows whose foreign key, by its place, becomes NULL.
    nulls: Vec<(i64, u16)>,
}

impl Set {
    /// Whether the row goes to `rejected_row`, and why.
    #[inline]
    pub fn rejected(&self, row: i64) -> Option<Why> {
        let at = self.rejected.binary_search_by_key(&row, |(n, _)| *n).ok()?;
        self.rejected.get(at).map(|(_, why)| *why)
    }

    /// The foreign keys of the row that become NULL.
    #[inline]
    pub fn nulls(&self, row: i64) -> impl Iterator<Item = usize> + '_ {
        let from = self.nulls.partition_point(|(n, _)| *n < row);
        self.nulls[from..].iter().take_while(move |(n, _)| *n == row).map(|(_, key)| usize::from(*key))
    }

    /// Whether some foreign key becomes NULL in some row.
    pub fn changes(&self) -> bool {
        !self.nulls.is_empty()
    }

    /// What becomes of how many rows, in words.
    fn words(&self) -> String {
        let misfits = self.rejected.iter().filter(|(_, why)| *why == Why::Misfit).count();
        let rows = |n: usize| if n == 1 { "1 row is".to_owned() } else { format!("{n} rows are") };
        let parts = [
            (self.rejected.len() - misfits, " set aside because of a key"),
            (misfits, " set aside because of a value that does not fit"),
        ];
        let mut words: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{}{what}", rows(*n))).collect();
        match self.nulls.len() {
            0 => {}
            1 => words.push("1 reference becomes NULL".to_owned()),
            n => words.push(format!("{n} references become NULL")),
        }
        words.join(", ")
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rejected.is_empty() && self.nulls.is_empty()
    }
}

/// The sets of all tables.
#[derive(Clone, Debug, Default)]
pub struct Excluded {
    tables: BTreeMap<String, Set>,
    /// Rows that lose their parent under a foreign key whose orphans no policy answers: table, foreign key, rows.
    pub lost: Vec<(String, String, u64)>,
}

impl Excluded {
    /// The set of a table.
    pub fn of(&self, table: &str) -> Option<&Set> {
        self.tables.get(table).filter(|s| !s.is_empty())
    }

    /// What becomes of how many rows, in words, one line for each table that has any.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let sets = self.tables.iter().filter(|(_, set)| !set.is_empty());
        sets.map(|(table, set)| format!("{table}: {}", set.words()))
    }

    fn set(&self, table: &str) -> &Set {
        static NONE: Set = Set { rejected: Vec::new(), nulls: Vec::new() };
        self.tables.get(table).unwrap_or(&NONE)
    }

    fn add(&mut self, table: &str, mut rows: Vec<(i64, Why)>) -> Result<()> {
        let set = self.tables.entry(table.to_owned()).or_default();
        rows.retain(|(n, _)| set.rejected(*n).is_none());
        set.rejected.append(&mut rows);
        set.rejected.sort_unstable();
        // The first reason counts.
        set.rejected.dedup_by_key(|(n, _)| *n);
        self.check()
    }

    fn add_nulls(&mut self, table: &str, mut rows: Vec<(i64, u16)>) -> Result<()> {
        let set = self.tables.entry(table.to_owned()).or_default();
        set.nulls.append(&mut rows);
        set.nulls.sort_unstable();
        set.nulls.dedup();
        self.check()
    }

    fn check(&self) -> Result<()> {
        let all: usize = self.tables.values().map(|s| s.rejected.len() + s.nulls.len()).sum();
        if all <= MOST { Ok(()) } else { Err(too_many()) }
    }
}

fn too_many() -> Error {
    Error::new(Kind::Rejected, format!("policies would set aside or change more than {MOST} rows")).hint(
        "with so many of them the policy is the wrong one: choose keep or not-valid, or mend the rows in the source",
    )
}

/// Finds the rows. The same snapshot gives the same sets, in whatever process.
///
/// # Errors
/// The source cannot be read, there are too many such rows, or `Interrupted`.
pub fn find(reader: &mut Reader, plan: &Plan, cancel: &Cancel) -> Result<Excluded> {
    let mut found = Excluded::default();
    let parents: BTreeSet<&str> = keys(plan).map(|(_, _, key)| key.parent.as_str()).collect();
    for table in &plan.tables {
        // Misfits are found while copying; those of parents are needed before, and those of keys that rows repeat: a row
        // that goes for its own sake holds no key.
        let repeats = table.exclusions.iter().any(|e| matches!(e, Exclusion::DuplicateKey { .. }));
        let misfits = (repeats || parents.contains(table.target.as_str())) && may_misfit(plan, table);
        if misfits || !table.exclusions.is_empty() {
            row_by_row(reader, plan, table, misfits, &mut found, cancel)?;
        }
        for (i, exclusion) in table.exclusions.iter().enumerate() {
            if let Exclusion::DuplicateKey { columns, predicate, .. } = exclusion {
                let key = places(table, columns, |c| &c.name);
                duplicates(reader, table, (i, &key, predicate.as_deref()), &mut found, cancel)?;
            }
        }
    }
    orphans::orphans(reader, plan, &mut found, cancel)?;
    Ok(found)
}

/// Foreign keys that PostgreSQL will check, with their tables' and their own places.
fn keys(plan: &Plan) -> impl Iterator<Item = (usize, usize, &ForeignKeyPlan)> {
    let tables = plan.tables.iter().enumerate();
    tables.flat_map(|(t, table)| {
        let keys = table.foreign_keys.iter().enumerate().filter(|(_, k)| !k.not_valid);
        keys.map(move |(k, key)| (t, k, key))
    })
}

fn may_misfit(plan: &Plan, table: &TablePlan) -> bool {
    plan.quarantine_all || table.columns.iter().any(|c| c.quarantine)
}

/// The places of columns named so.
pub(in crate::run) fn places<'p>(
    table: &'p TablePlan,
    names: &[String],
    name: impl Fn(&'p lite2pg_model::plan::ColumnPlan) -> &'p String,
) -> Vec<usize> {
    names.iter().filter_map(|n| table.columns.iter().position(|c| name(c) == n)).collect()
}

fn small(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

/// NULL keys, and values that do not fit.
fn row_by_row(
    reader: &mut Reader,
    plan: &Plan,
    table: &TablePlan,
    misfits: bool,
    found: &mut Excluded,
    cancel: &Cancel,
) -> Result<()> {
    let nulls = table.exclusions.iter().enumerate().filter_map(|(i, e)| match e {
        Exclusion::NullKey { column } => Some((i, table.columns.iter().position(|c| c.name == *column)?)),
        Exclusion::DuplicateKey { .. } => None,
    });
    let nulls: Vec<(usize, usize)> = nulls.collect();
    // What the target computes is not sent, and so not tried.
    let is_tried = |c: &ColumnPlan| c.generated.is_none() && (plan.quarantine_all || c.quarantine);
    let tried = |i: usize| misfits && table.columns.get(i).is_some_and(is_tried);
    let columns: Vec<usize> =
        (0..table.columns.len()).filter(|i| tried(*i) || nulls.iter().any(|(_, c)| c == i)).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let fits: Vec<_> = columns.iter().map(|i| table.columns.get(*i).filter(|_| tried(*i)).map(Fit::of)).collect();
    let place = |column: usize| columns.iter().position(|c| *c == column);
    let nulls = nulls.iter().filter_map(|(e, c)| Some((*e, place(*c)?, table.columns.get(*c)?.form())));
    let nulls: Vec<(usize, usize, normal::Column)> = nulls.collect();
    let (mut rows, mut out, mut ticks) = (Vec::new(), Vec::new(), Ticks::new(cancel));
    Scan::new(table, columns.clone()).run(reader, Range::default(), |row, number| {
        ticks.tick()?;
        // Under a policy a value may become NULL.
        let mut is_null = |value: Value<'_>, form: &normal::Column| {
            out.clear();
            form.of_source(value, &mut out);
            out.first() == Some(&normal::NULL_TAG)
        };
        if let Some((i, _, _)) = nulls.iter().find(|(_, c, form)| is_null(row.get(*c), form)) {
            return push(&mut rows, (number, Why::Key(small(*i))));
        }
        for (i, fit) in fits.iter().enumerate() {
            out.clear();
            if fit.as_ref().is_some_and(|f| f.encode(row.get(i), &mut out).is_some()) {
                return push(&mut rows, (number, Why::Misfit));
            }
        }
        Ok(())
    })?;
    found.add(&table.name, rows)
}

fn push<T>(rows: &mut Vec<T>, row: T) -> Result<()> {
    rows.push(row);
    if rows.len() > MOST { Err(too_many()) } else { Ok(()) }
}

/// Looks now and then whether somebody asked for the end.
struct Ticks<'a>(u64, &'a Cancel);

impl<'a> Ticks<'a> {
    fn new(cancel: &'a Cancel) -> Ticks<'a> {
        Ticks(0, cancel)
    }

    fn tick(&mut self) -> Result<()> {
        self.0 += 1;
        if self.0.is_multiple_of(TICK) { self.1.check() } else { Ok(()) }
    }
}

/// A key over some columns of a row, as PostgreSQL compares it.
struct KeyOf {
    forms: Vec<normal::Column>,
    columns: Vec<usize>,
    bytes: Vec<u8>,
}

impl KeyOf {
    fn new(table: &TablePlan, columns: &[usize]) -> KeyOf {
        let forms = columns.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.form()).collect();
        KeyOf { forms, columns: columns.to_vec(), bytes: Vec::new() }
    }

    /// The hash of the key; `None` where a part of it is NULL or becomes it. The columns stand at `from` in the row.
    fn hash(&mut self, table: &TablePlan, set: &Set, row: &Row<'_>, from: usize, number: i64) -> Option<u128> {
        self.bytes.clear();
        for (i, form) in self.forms.iter().enumerate() {
            let value = row.get(from + i);
            if value == Value::Null || becomes_null(table, set, number, self.columns.get(i).copied()) {
                return None;
            }
            let start = self.bytes.len();
            form.of_key(value, &mut self.bytes);
            // Under a policy a value may become NULL.
            if self.bytes.get(start) == Some(&normal::NULL_TAG) {
                return None;
            }
        }
        let mut half = [0; 16];
        half.copy_from_slice(&digest::row(&self.bytes)[..16]);
        Some(u128::from_be_bytes(half))
    }
}

/// Whether a column of a row belongs to a foreign key that becomes NULL.
#[inline]
fn becomes_null(table: &TablePlan, set: &Set, row: i64, column: Option<usize>) -> bool {
    let Some(column) = column.and_then(|c| table.columns.get(c)).filter(|_| set.changes()) else { return false };
    set.nulls(row).any(|k| table.foreign_keys.get(k).is_some_and(|k| k.columns.contains(&column.target)))
}

/// Rows that repeat a key: all but the first.
fn duplicates(
    reader: &mut Reader,
    table: &TablePlan,
    (exclusion, columns, predicate): (usize, &[usize], Option<&str>),
    found: &mut Excluded,
    cancel: &Cancel,
) -> Result<()> {
    let mut rows = Vec::new();
    repeating(reader, table, (columns, predicate), found, cancel, &mut |number| {
        push(&mut rows, (number, Why::Key(small(exclusion))))
    })?;
    found.add(&table.name, rows)
}

/// Calls `each` for every row that repeats a key of an earlier one.
pub(super) fn repeating(
    reader: &mut Reader,
    table: &TablePlan,
    (columns, predicate): (&[usize], Option<&str>),
    found: &Excluded,
    cancel: &Cancel,
    each: &mut dyn FnMut(i64) -> Result<()>,
) -> Result<()> {
    let passes = u128::from(table.rows / HASHES + 1);
    let mut key = KeyOf::new(table, columns);
    let scan = Scan::new(table, columns.to_vec()).and(predicate);
    for pass in 0..passes {
        let mut seen: Vec<(u128, i64)> = Vec::new();
        let (set, mut ticks) = (found.set(&table.name), Ticks::new(cancel));
        scan.run(reader, Range::default(), |row, number| {
            ticks.tick()?;
            let meant = predicate.is_none() || matches!(row.get(columns.len()), Value::Integer(i) if i != 0);
            if meant
                && set.rejected(number).is_none()
                && let Some(hash) = key.hash(table, set, row, 0, number)
                && hash % passes == pass
            {
                seen.push((hash, number));
            }
            Ok(())
        })?;
        seen.sort_unstable();
        for pair in seen.windows(2) {
            if let [(before, _), (hash, number)] = pair
                && before == hash
            {
                each(*number)?;
            }
        }
    }
    Ok(())
}

/// Why a row was set aside, and the column that is to blame, in words.
pub fn words(table: &TablePlan, why: Why) -> Option<(String, String)> {
    match why {
        Why::Misfit => None,
        Why::Key(i) => table.exclusions.get(usize::from(i)).map(|e| (e.column().to_owned(), e.reason())),
        Why::Orphan(i) => {
            let key = table.foreign_keys.get(usize::from(i))?;
            let columns = places(table, &key.columns, |c| &c.target);
            let names: Vec<&str> =
                columns.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.name.as_str()).collect();
            let reason = format!(
                "refers ({}) to a row of {} that does not exist, or was rejected itself",
                names.join(", "),
                key.parent
            );
            Some(((*names.first()?).to_owned(), reason))
        }
    }
}

/// The places of the columns that become NULL in a row.
pub fn null_columns(table: &TablePlan, set: &Set, row: i64) -> Vec<usize> {
    if !set.changes() {
        return Vec::new();
    }
    let keys = set.nulls(row).filter_map(|k| table.foreign_keys.get(k));
    keys.flat_map(|k| places(table, &k.columns, |c| &c.target)).collect()
}
