//! The rejected rows of one table: each is tried under a savepoint, and leaves, stays, or is gone from the source.
//! Owns what becomes of one row; never says that a table is equal.

use super::again::{as_the_source_has_it, same_value};
use super::restore::Parents;
use crate::error::{Error, Result};
use crate::run::exclude::{self, places};
use crate::run::fit::Fit;
use crate::run::normalised::{self, Tally, Watch};
use crate::run::pool::Cancel;
use crate::source::Reader;
use crate::target::control::Run;
use crate::target::copy::CopyIn;
use crate::target::{error_from_pg, refusal, rejected};
use crate::verify::digest;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Orphans, Plan, TablePlan};
use lite2pg_model::value::Value;
use postgres::Transaction;

/// The rows of one table.
pub(super) struct Rows<'a> {
    pub(super) table: &'a TablePlan,
    /// Those that are left.
    pub(super) left: Vec<i64>,
    /// Those that have arrived.
    pub(super) arrived: Vec<i64>,
    /// Those that the source has no longer, with their keys.
    pub(super) gone: Vec<i64>,
    /// What policies did to those that have arrived.
    pub(super) tally: Tally,
    /// Whether the table is equal by now; `None`: it was not tried.
    pub(super) equal: Option<bool>,
    /// Digest of those that have arrived, as the source holds them.
    pub(super) sum: Sum,
    /// Digest of the table before.
    pub(super) before: Sum,
    /// Digest of the table now.
    pub(super) now: Sum,
    /// Why the first one that is left did not arrive.
    pub(super) first: Option<String>,
}

impl Rows<'_> {
    /// Tries one row; whether it arrived. `lenient`: it may lose references that find no parent.
    pub(super) fn one(
        &mut self,
        tx: &mut Transaction<'_>,
        reader: &mut Reader,
        (run, plan): (&Run, &Plan),
        (id, lenient): (i64, bool),
        parents: &mut Parents,
    ) -> Result<bool> {
        let stored = rejected::one(tx, id)?;
        let Some(values) = as_the_source_has_it(reader, self.table, &stored)? else {
            self.gone.push(id);
            return Ok(false);
        };
        let mut nulls: Vec<usize> = Vec::new();
        let refused = loop {
            let value = |i: usize| match values.get(i) {
                Some(value) if !nulls.contains(&i) => value.as_value(),
                _ => Value::Null,
            };
            let Some(refused) = insert(tx, &run.schema, self.table, value)? else {
                self.sum.add(&digest::row_digest(self.table, |i, _| value(i)));
                self.tally.values(&Watch::of(self.table), self.table, &nulls, value, || stored.place.key.clone());
                parents.came(plan, self.table, value);
                self.arrived.push(id);
                return Ok(true);
            };
            let orphan = refused.orphan.as_ref().filter(|_| lenient);
            let key = orphan.and_then(|name| {
                let keys = self.table.foreign_keys.iter();
                keys.filter(|k| k.orphans == Some(Orphans::SetNull)).find(|k| k.name == *name)
            });
            let new = key.map_or_else(Vec::new, |k| places(self.table, &k.columns, |c| &c.target));
            if new.iter().all(|i| nulls.contains(i)) {
                break refused;
            }
            nulls.extend(new);
        };
        let names: Vec<String> = self.table.columns.iter().map(|c| c.name.clone()).collect();
        if names.iter().zip(&values).any(|(n, v)| !same_value(v.as_value(), stored.value(n))) {
            rejected::renew(tx, id, &names, &values)?;
        }
        let column = refused.column.unwrap_or_else(|| stored.place.column.clone());
        self.stays(tx, id, Some(&column), &refused.reason)?;
        Ok(false)
    }

    /// A row stays rejected.
    pub(super) fn stays(
        &mut self,
        tx: &mut Transaction<'_>,
        id: i64,
        column: Option<&str>,
        reason: &str,
    ) -> Result<()> {
        let place = rejected::one(tx, id)?.place;
        rejected::still(tx, id, column.unwrap_or(&place.column), reason)?;
        self.first.get_or_insert_with(|| format!("the row where {}: {reason}", place.key));
        self.left.push(id);
        Ok(())
    }

    /// Forgets the rows that the source has no longer, if the table is equal without them: else one of them may only have
    /// got another key. Returns the source's digest without what is rejected still.
    pub(super) fn settle(
        &mut self,
        tx: &mut Transaction<'_>,
        run: &Run,
        set: Option<&exclude::Set>,
        whole: Sum,
        cancel: &Cancel,
    ) -> Result<Sum> {
        let doing = "forgetting rows that are gone";
        if !self.gone.is_empty() {
            let mut inner = tx.transaction().map_err(|e| error_from_pg(e, doing))?;
            no_longer_aside(&mut inner, run, self.table, &self.gone)?;
            rejected::forget(&mut inner, &self.gone)?;
            let mut without = whole;
            without.take_away(&digest::of_rejected(&mut inner, &run.id, self.table, set, cancel)?);
            if without == self.now {
                return inner.commit().map(|()| without).map_err(|e| error_from_pg(e, doing));
            }
            inner.rollback().map_err(|e| error_from_pg(e, doing))?;
            for id in std::mem::take(&mut self.gone) {
                self.stays(tx, id, None, GONE)?;
            }
        }
        let mut without = whole;
        without.take_away(&digest::of_rejected(tx, &run.id, self.table, set, cancel)?);
        Ok(without)
    }
}

/// Why a row that the source has no longer is kept.
const GONE: &str = "the source has no such row any more: it was deleted, or its key was changed; with a changed key it is \
                    not found again (lite2pg rollback, then migrate anew)";

/// Rows that are set aside no longer count no more where they were counted.
pub(super) fn no_longer_aside(tx: &mut Transaction<'_>, run: &Run, table: &TablePlan, ids: &[i64]) -> Result<()> {
    for id in ids {
        let place = rejected::one(tx, *id)?.place;
        normalised::no_longer_aside(tx, &run.id, &table.name, &place.key, &place.reason)?;
    }
    Ok(())
}

/// Why a row did not arrive.
struct Refused {
    /// The column that is to blame, if one is.
    column: Option<String>,
    reason: String,
    /// The foreign key under which it has no parent.
    orphan: Option<String>,
}

/// Tries one row under a savepoint. `Some`: it did not arrive.
fn insert<'v>(
    tx: &mut Transaction<'_>,
    schema: &str,
    table: &TablePlan,
    value: impl Fn(usize) -> Value<'v>,
) -> Result<Option<Refused>> {
    let doing = "trying a row again";
    let mut inner = tx.transaction().map_err(|e| error_from_pg(e, doing))?;
    let mut one = || -> Result<Option<Refused>> {
        let mut copy = CopyIn::start(&mut inner, schema, table, false)?;
        let out = copy.row();
        for (i, column) in table.columns.iter().enumerate().filter(|(_, c)| c.generated.is_none()) {
            if let Some(reason) = Fit::of(column).encode(value(i), out) {
                let reason = format!("does not fit {}: {reason}", column.ty.sql());
                return Ok(Some(Refused { column: Some(column.name.clone()), reason, orphan: None }));
            }
        }
        copy.row_end()?;
        copy.finish().map(|_| None)
    };
    match one() {
        Ok(None) => inner.commit().map(|()| None).map_err(|e| error_from_pg(e, doing)),
        Ok(refused) => inner.rollback().map(|()| refused).map_err(|e| error_from_pg(e, doing)),
        // A lock, a full disk or a lost connection say nothing about the row.
        Err(error) if refusal(&error).is_none() => Err(error),
        Err(error) => match inner.rollback() {
            Ok(()) => {
                let orphan = missing_parent(&error);
                Ok(Some(Refused { column: None, reason: error.message, orphan }))
            }
            Err(_) => Err(error),
        },
    }
}

/// The foreign key that PostgreSQL found broken.
fn missing_parent(error: &Error) -> Option<String> {
    let cause = std::error::Error::source(error)?.downcast_ref::<postgres::Error>()?.as_db_error()?;
    let broken = *cause.code() == postgres::error::SqlState::FOREIGN_KEY_VIOLATION;
    cause.constraint().filter(|_| broken).map(str::to_owned)
}
