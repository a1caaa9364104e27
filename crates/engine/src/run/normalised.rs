//! What a policy changed or loosened: which column, under which policy, how many rows, and the keys of the first of them.
//! Owns the rows of `normalisation`: what is known before the copy with the run's first transaction, what only a value
//! tells with its chunk. Never changes a value itself.

use super::examples::{Examples, Loosened};
use super::exclude::Why;
use super::prepare::Prepared;
use super::scan;
use crate::error::Result;
use crate::source::Row;
use crate::target::error_from_pg;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Codec, Normal};
use lite2pg_model::mapping::decide::KeyFate;
use lite2pg_model::mapping::forms::{self, Flaw};
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::mapping::treat::Treatment;
use lite2pg_model::plan::{ColumnPlan, TablePlan};
use lite2pg_model::schema::{Check, Table};
use lite2pg_model::value::{Class, Value};
use postgres::GenericClient;

/// Keys that are kept of each column and policy.
pub const KEYS: usize = 100;

/// Rows that one policy changed in one column.
#[derive(Clone, Debug, Default)]
struct Count {
    rows: u64,
    keys: Vec<String>,
}

/// What policies changed in the rows of one chunk, by column and policy.
#[derive(Clone, Debug, Default)]
pub struct Tally(Vec<(String, String, Count)>);

/// What to look at in a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// What is no text becomes text.
    AsText,
    /// Texts become bytes.
    AsBytes,
    /// Texts become numbers.
    AsNumber,
    /// What JSON has no scalar for becomes an object.
    AsScalar,
    /// NULL in a key, or where there was NOT NULL.
    NullKey,
}

/// The columns of a table whose values must be looked at.
pub struct Watch {
    looks: Vec<(usize, Look)>,
    /// Columns whose values are treated first.
    treated: Vec<(usize, Codec)>,
}

impl Watch {
    /// Those of a table.
    pub fn of(table: &TablePlan) -> Watch {
        let mut looks = Vec::new();
        for (i, column) in table.columns.iter().enumerate() {
            match (column.ty, column.normal) {
                (PgType::Text, Normal::Text) => looks.push((i, Look::AsText)),
                (PgType::Bytea, Normal::Bytes | Normal::TextBytes) => looks.push((i, Look::AsBytes)),
                (PgType::BigInt | PgType::Numeric(_), Normal::Number) if column.widest => {
                    looks.push((i, Look::AsNumber))
                }
                (PgType::Jsonb, Normal::JsonScalar) => looks.push((i, Look::AsScalar)),
                _ => {}
            }
            if table.null_keys.contains(&column.name) {
                looks.push((i, Look::NullKey));
            }
        }
        let treated = table.columns.iter().enumerate().filter(|(_, c)| !c.treatments.is_empty());
        Watch { looks, treated: treated.map(|(i, c)| (i, c.codec())).collect() }
    }

    /// Whether nothing must be looked at.
    pub fn is_empty(&self) -> bool {
        self.looks.is_empty() && self.treated.is_empty()
    }
}

/// The policy behind a treatment.
pub fn policy_of(treatment: Treatment) -> &'static str {
    match treatment {
        Treatment::InvalidLatin1 => "invalid-utf8=latin1",
        Treatment::InvalidCp1252 => "invalid-utf8=cp1252",
        Treatment::InvalidReplace => "invalid-utf8=replace",
        Treatment::NulReplace => "nul=replace",
        Treatment::NulStrip => "nul=strip",
        Treatment::EmptyNull => "empty=null",
        Treatment::UnfitNull => "dates=null",
    }
}

/// The policy under which a row is set aside because a column does not hold its value.
fn policy_of_misfit(column: &ColumnPlan) -> String {
    match column.quarantined_by {
        Some(kind) => format!("{}=quarantine", kind.word()),
        None => "--max-rejects".to_owned(),
    }
}

impl Look {
    /// The policy that changed a value, if one did.
    fn policy(self, table: &TablePlan, column: &ColumnPlan, value: Value<'_>) -> Option<&'static str> {
        match (self, value) {
            (Look::NullKey, Value::Null) => {
                let replaced = table.surrogate_for.contains(&column.name);
                Some(if replaced { "null-key=surrogate" } else { "null-key=keep" })
            }
            (_, Value::Null) | (Look::NullKey, _) => None,
            (Look::AsText, value) => (value.class() != Class::Text).then_some("mixed=text"),
            (Look::AsBytes, Value::Text(b)) => match forms::flaw(b) {
                Flaw::Nul => Some("nul=bytea"),
                Flaw::InvalidUtf8 => Some("invalid-utf8=bytea"),
                Flaw::None => (column.normal == Normal::Bytes).then_some("mixed=text"),
            },
            (Look::AsNumber, value) => (value.class() == Class::Text).then_some("mixed=widest"),
            // Numbers and texts are what they were.
            (Look::AsScalar, Value::Real(r)) => {
                (!r.is_finite() || (r == 0.0 && r.is_sign_negative())).then_some("mixed=jsonb")
            }
            (Look::AsScalar, value) => (value.class() == Class::Blob).then_some("mixed=jsonb"),
            (Look::AsBytes, _) => None,
        }
    }
}

impl Tally {
    fn add(&mut self, column: &str, policy: &str, key: impl FnOnce() -> String) {
        let at = self.0.iter().position(|(c, p, _)| c == column && p == policy);
        let at = at.unwrap_or_else(|| {
            self.0.push((column.to_owned(), policy.to_owned(), Count::default()));
            self.0.len() - 1
        });
        let Some((_, _, count)) = self.0.get_mut(at) else { return };
        count.rows += 1;
        if count.keys.len() < KEYS {
            count.keys.push(key());
        }
    }

    /// Looks at a row that is copied.
    pub fn row(&mut self, watch: &Watch, table: &TablePlan, nulls: &[usize], number: i64, row: &Row<'_>) {
        self.values(watch, table, nulls, |i| row.get(i), || scan::key(table, number, |i| row.get(i)));
    }

    /// The same of a row whose values are at hand, and how it is named.
    pub fn values<'v>(
        &mut self,
        watch: &Watch,
        table: &TablePlan,
        nulls: &[usize],
        get: impl Fn(usize) -> Value<'v>,
        key: impl Fn() -> String,
    ) {
        for (i, codec) in watch.treated.iter().filter(|(i, _)| !nulls.contains(i)) {
            let Some(column) = table.columns.get(*i) else { continue };
            for treatment in codec.changes(get(*i)) {
                self.add(&column.name, policy_of(treatment), &key);
            }
        }
        for (i, look) in &watch.looks {
            let Some(column) = table.columns.get(*i) else { continue };
            let value = if nulls.contains(i) { Value::Null } else { get(*i) };
            if let Some(policy) = look.policy(table, column, value) {
                self.add(&column.name, policy, &key);
            }
        }
        for column in nulls.iter().filter_map(|i| table.columns.get(*i)) {
            self.add(&column.name, "orphans=set-null", &key);
        }
    }

    /// A row was set aside; because of a misfit: of this column.
    pub fn rejected(&mut self, table: &TablePlan, (why, misfit): (Why, Option<usize>), number: i64, row: &Row<'_>) {
        let key = || scan::key(table, number, |i| row.get(i));
        let (column, policy) = match why {
            Why::Misfit => match misfit.and_then(|i| table.columns.get(i)) {
                Some(c) => (c.name.clone(), policy_of_misfit(c)),
                None => ("(row)".to_owned(), "--max-rejects".to_owned()),
            },
            Why::Key(i) => match table.exclusions.get(usize::from(i)) {
                Some(e) => (e.column().to_owned(), format!("{}=quarantine", e.kind().word())),
                None => return,
            },
            Why::Orphan(i) => match table.foreign_keys.get(usize::from(i)) {
                Some(k) => (k.columns.join(", "), "orphans=quarantine".to_owned()),
                None => return,
            },
        };
        self.add(&column, &policy, key);
    }

    /// Adds what a chunk changed, in its transaction.
    ///
    /// # Errors
    /// The target refuses.
    pub fn write(&self, tx: &mut impl GenericClient, run: &str, table: &str) -> Result<()> {
        let mut counts: Vec<&(String, String, Count)> = self.0.iter().collect();
        // One order for all workers: none of them waits for a row that waits for it.
        counts.sort_by_key(|(column, policy, _)| (column, policy));
        counts.into_iter().try_for_each(|(column, policy, count)| {
            let (rows, keys) = (count.rows.cast_signed(), count.keys.clone());
            put(tx, run, table, &Record { column: column.clone(), policy: policy.clone(), rows, keys })
        })
    }
}

/// A row that was set aside is no longer: it counts no more where it was counted.
///
/// # Errors
/// The target refuses.
pub fn no_longer_aside(tx: &mut impl GenericClient, run: &str, table: &str, key: &str, reason: &str) -> Result<()> {
    // A row beyond the first hundred is not named: its reason says under which policy it was counted.
    let policy = match reason {
        r if r.starts_with("NULL in") => "null-key=quarantine",
        r if r.starts_with("repeats") => "duplicate-key=quarantine",
        r if r.starts_with("refers") => "orphans=quarantine",
        _ => "--max-rejects",
    };
    let doing = "recording what is no longer set aside";
    tx.execute(
        "UPDATE lite2pg.normalisation SET rows = rows - 1, keys = array_remove(keys, $3) WHERE ctid = ( \
             SELECT ctid FROM lite2pg.normalisation WHERE run = $1 AND table_name = $2 AND rows > 0 \
             AND (policy = '--max-rejects' OR policy LIKE '%=quarantine') \
             ORDER BY $3 = ANY(keys) DESC, rows > cardinality(keys) DESC, policy = $4 DESC LIMIT 1)",
        &[&run, &table, &key, &policy],
    )
    .map_err(|e| error_from_pg(e, doing).about(table))?;
    forget_nothing(tx, run, table)
}

/// So many references that a policy had made NULL are there again.
///
/// # Errors
/// The target refuses.
pub fn restored(
    tx: &mut impl GenericClient,
    run: &str,
    table: &str,
    column: &str,
    (rows, keys): (u64, &[String]),
) -> Result<()> {
    tx.execute(
        "UPDATE lite2pg.normalisation SET rows = greatest(rows - $4, 0), \
         keys = ARRAY(SELECT k FROM unnest(keys) k WHERE k <> ALL ($5)) WHERE run = $1 AND table_name = $2 \
         AND column_name = $3 AND policy = 'orphans=set-null'",
        &[&run, &table, &column, &rows.cast_signed(), &keys],
    )
    .map_err(|e| error_from_pg(e, "recording references that are there again").about(table))?;
    forget_nothing(tx, run, table)
}

fn forget_nothing(tx: &mut impl GenericClient, run: &str, table: &str) -> Result<()> {
    tx.execute("DELETE FROM lite2pg.normalisation WHERE run = $1 AND table_name = $2 AND rows = 0", &[&run, &table])
        .map_err(|e| error_from_pg(e, "recording what a policy changes").about(table))?;
    Ok(())
}

struct Record {
    column: String,
    policy: String,
    rows: i64,
    keys: Vec<String>,
}

fn put(tx: &mut impl GenericClient, run: &str, table: &str, r: &Record) -> Result<()> {
    let most = i32::try_from(KEYS).unwrap_or(i32::MAX);
    tx.execute(
        "INSERT INTO lite2pg.normalisation VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (run, table_name, column_name, policy) DO UPDATE \
         SET rows = normalisation.rows + excluded.rows, keys = (normalisation.keys || excluded.keys)[1:$7]",
        &[&run, &table, &r.column, &r.policy, &r.rows, &r.keys, &most],
    )
    .map_err(|e| error_from_pg(e, "recording what a policy changes").about(table))?;
    Ok(())
}

/// Records what is loosened for whole tables, in the transaction that begins the run.
///
/// # Errors
/// The target refuses.
pub fn record(tx: &mut impl GenericClient, run: &str, prepared: &Prepared, examples: &Examples) -> Result<()> {
    for table in &prepared.plan.tables {
        let source = prepared.schema.tables.iter().find(|t| t.name == table.name);
        let (Some(profile), Some(source)) = (prepared.profiles.get(&table.name), source) else { continue };
        let mut records = orphans(table, source, profile, examples);
        records.extend(broken_checks(table, source, profile, examples));
        records.extend(loosened_keys(source, profile, prepared, examples));
        for r in records {
            put(tx, run, &table.name, &r)?;
        }
    }
    Ok(())
}

/// Rows without parent, of the foreign keys that are kept NOT VALID.
fn orphans(table: &TablePlan, source: &Table, profile: &TableProfile, examples: &Examples) -> Vec<Record> {
    let counted = source.foreign_keys.iter().zip(&profile.orphans).filter(|(_, rows)| **rows > 0);
    let kept = counted.filter_map(|(key, rows)| {
        let columns: Vec<&str> =
            key.columns.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.target.as_str()).collect();
        let at = table.foreign_keys.iter().position(|k| k.not_valid && k.columns == columns)?;
        let column = format!("{} ({})", columns.join(", "), table.foreign_keys.get(at)?.name);
        let keys = examples.of(&table.name, Loosened::ForeignKey(at));
        Some(Record { column, policy: "orphans=not-valid".to_owned(), rows: rows.cast_signed(), keys })
    });
    kept.collect()
}

/// Rows that break a check which is kept NOT VALID.
fn broken_checks(table: &TablePlan, source: &Table, profile: &TableProfile, examples: &Examples) -> Vec<Record> {
    let kept = table.checks.iter().any(|c| c.not_valid);
    let checks = source.checks.iter().zip(&profile.check_broken).enumerate();
    let broken = checks.filter(|(_, (_, rows))| kept && **rows > 0);
    let record = |(i, (check, rows)): (usize, (&Check, &u64))| Record {
        column: format!("CHECK ({})", check.expr.sql),
        policy: "checks=not-valid".to_owned(),
        rows: rows.cast_signed(),
        keys: examples.of(&table.name, Loosened::Check(i)),
    };
    broken.map(record).collect()
}

/// Keys that are no longer unique, with the rows that repeat them, and those that are left out.
fn loosened_keys(source: &Table, profile: &TableProfile, prepared: &Prepared, examples: &Examples) -> Vec<Record> {
    let Some(mapping) = prepared.mappings.get(&source.name) else { return Vec::new() };
    let words = |columns: &[lite2pg_model::schema::KeyColumn]| {
        let names: Vec<&str> =
            columns.iter().filter_map(|k| source.columns.get(k.column)).map(|c| c.name.as_str()).collect();
        names.join(", ")
    };
    let primary = source.primary_key.iter().map(|k| {
        let what = format!("primary key ({})", words(&k.columns));
        (what, Loosened::Primary, mapping.primary_key, profile.primary_duplicates, mapping.surrogate)
    });
    let count = |list: &[u64], i: usize| list.get(i).copied().unwrap_or(0);
    let uniques = source.uniques.iter().zip(&mapping.uniques).enumerate().map(|(i, (k, fate))| {
        (
            format!("unique ({})", words(&k.columns)),
            Loosened::Unique(i),
            *fate,
            count(&profile.unique_duplicates, i),
            false,
        )
    });
    let indexes = source.indexes.iter().zip(&mapping.indexes).enumerate().map(|(i, (index, fate))| {
        (format!("index {}", index.name), Loosened::Index(i), *fate, count(&profile.index_duplicates, i), false)
    });
    let record = |(column, what, fate, rows, surrogate): (String, Loosened, KeyFate, u64, bool)| {
        let policy = match fate {
            KeyFate::Plain if surrogate => "duplicate-key=surrogate",
            KeyFate::Plain => "duplicate-key=keep",
            KeyFate::Drop => "too-large=skip-index",
            KeyFate::Keep | KeyFate::Unique => return None,
        };
        let keys = examples.of(&source.name, what);
        Some(Record { column, policy: policy.to_owned(), rows: rows.cast_signed(), keys })
    };
    primary.chain(uniques).chain(indexes).filter_map(record).collect()
}
