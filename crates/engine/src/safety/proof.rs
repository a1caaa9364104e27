//! Whether an undo left the target as it was before the run, judged by fingerprints: of before the run, of before the undo,
//! and of after it, all read inside the undo's own transaction.
//! Owns that judgement; never undoes anything.

use super::fingerprint::{self, Change, Fingerprint, Object, Rows};
use crate::error::{Error, Kind, Result};
use crate::run::prepare;
use crate::target::control::Run;
use crate::target::error_from_pg;
use lite2pg_model::plan::{Plan, helper_schema};
use postgres::Transaction;
use std::collections::BTreeSet;

/// What an undo left, compared with what was there before.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Proof {
    /// Nothing of the run is left, and the undo changed nothing else.
    pub verified: bool,
    /// The target is to the last line what it was before the run.
    pub as_before: bool,
    /// SHA-256 of the fingerprint of before the run; empty: none was taken.
    pub before_sha256: String,
    /// SHA-256 of the fingerprint after the undo; empty: it was only a dry run.
    pub after_sha256: String,
    /// What is not as it was before the run because others changed it since, in words.
    pub others: Vec<String>,
}

/// What a run makes, by name.
pub struct Ours {
    staging: String,
    helpers: String,
    schema: String,
    schema_made: bool,
    names: BTreeSet<String>,
}

impl Ours {
    /// Of a run; without its plan (another version's) an unfinished run is its staging schema.
    pub fn of(run: &Run, plan: Option<&Plan>, published: bool) -> Ours {
        let mut names = BTreeSet::new();
        if let Some(plan) = plan.filter(|_| published) {
            names = prepare::published_names(plan);
            names.extend(plan.triggers.iter().map(|t| t.function.clone()));
        }
        Ours {
            staging: run.staging.clone(),
            helpers: helper_schema(&run.schema),
            schema: run.schema.clone(),
            schema_made: published && run.schema_made,
            names,
        }
    }

    /// Relations, types and trigger functions in the schema it was published to.
    pub fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    fn owns(&self, object: &str, at: &Object) -> bool {
        let in_schema = at.schema == self.schema && self.names.contains(&at.name);
        let of_the_schema = at.schema == self.schema && (object.starts_with("schema ") || is_default(object));
        at.schema == self.staging || at.schema == self.helpers || in_schema || (self.schema_made && of_the_schema)
    }
}

/// What hangs on a schema itself.
fn is_default(object: &str) -> bool {
    object.starts_with("default privileges")
}

/// What was there before, on two occasions.
pub struct Before {
    run: Option<Fingerprint>,
    undo: Fingerprint,
    ours: Ours,
    own_id: String,
}

impl Before {
    /// Looks at the target before anything is undone, in the transaction that will undo it.
    ///
    /// # Errors
    /// The target cannot be asked.
    pub fn look(tx: &mut Transaction<'_>, run: &Run, ours: Ours) -> Result<Before> {
        let stored = fingerprint::stored(tx, &run.id)?;
        let undo = fingerprint::take(tx, false, &Rows::None)?;
        Ok(Before { run: stored, undo, ours, own_id: run.id.clone() })
    }

    /// What stands in the schema that the run made and is not the run's.
    pub fn strangers(&self) -> Vec<String> {
        if !self.ours.schema_made {
            return Vec::new();
        }
        let objects = self.undo.objects.iter().filter(|(name, at)| {
            at.schema == self.ours.schema && !self.is_ours(name, at) && !fingerprint::is_data(name)
        });
        objects.map(|(name, _)| name.clone()).collect()
    }

    /// Without undoing anything: what others have changed since the run began.
    pub fn so_far(&self) -> Proof {
        let others = self.others(&self.undo, false);
        Proof {
            before_sha256: self.run.as_ref().map_or_else(String::new, |r| r.sha256.clone()),
            others,
            ..Proof::default()
        }
    }

    /// The run made it: what was there before it cannot be its.
    fn is_ours(&self, name: &str, at: &Object) -> bool {
        self.ours.owns(name, at) && self.run.as_ref().is_none_or(|r| !r.objects.contains_key(name))
    }

    fn others(&self, now: &Fingerprint, rows: bool) -> Vec<String> {
        let Some(then) = &self.run else { return Vec::new() };
        let theirs = |name: &str| now.objects.get(name).is_none_or(|at| !self.is_ours(name, at));
        let seen = |name: &str| rows || !name.starts_with("rows of ");
        let changes = then.changes(now).filter(|(name, _)| theirs(name) && seen(name));
        changes.map(|(name, how)| format!("{name} ({})", how.word())).collect()
    }

    /// After the undo, before its COMMIT: nothing of ours may be left and nothing else may be touched.
    ///
    /// # Errors
    /// Something is left, or something of others is no longer what it was when the undo began: the caller takes everything
    /// back.
    pub fn check(&self, tx: &mut Transaction<'_>, purged: bool) -> Result<Proof> {
        let rows = self.run.clone().map_or(Rows::None, Rows::As);
        let after = fingerprint::take(tx, purged, &rows)?;
        let left = after.objects.iter().filter(|(name, at)| self.is_ours(name, at) || at.schema == "lite2pg");
        let left: Vec<&str> = left.map(|(name, _)| name.as_str()).collect();
        if !left.is_empty() {
            return Err(Error::internal(format!("the undo of run {} would leave behind: {}", self.own_id, few(&left)))
                .hint("nothing was undone; please report this"));
        }
        let touched: Vec<&str> = self
            .undo
            .changes(&after)
            .filter(|(name, _)| !fingerprint::is_data(name))
            .filter(|(name, how)| match self.undo.objects.get(*name) {
                // What another run builds moves when it publishes.
                Some(at) => !self.is_ours(name, at) && !at.schema.starts_with("lite2pg_staging_"),
                // Made by another session in this very moment; of ours it is not.
                None => *how != Change::Made,
            })
            .map(|(name, _)| name)
            .collect();
        if !touched.is_empty() {
            return Err(Error::new(
                Kind::Target,
                format!("the undo of run {} would not leave others' objects as they are: {}", self.own_id, few(&touched)),
            )
            .hint("nothing was undone; if another session has just changed them the same command works, else please report this"));
        }
        let mut others = self.others(&after, true);
        others.extend(self.written(tx)?);
        let as_before = self.run.as_ref().is_some_and(|r| r.sha256 == after.sha256);
        Ok(Proof {
            verified: true,
            as_before,
            before_sha256: self.run.as_ref().map_or_else(String::new, |r| r.sha256.clone()),
            after_sha256: after.sha256,
            others,
        })
    }

    /// Tables of others into which this transaction has written: only their own event triggers could.
    fn written(&self, tx: &mut Transaction<'_>) -> Result<Vec<String>> {
        let row = tx
            .query_one(
                "SELECT EXISTS (SELECT 1 FROM pg_event_trigger), (SELECT array_agg(format('%I.%I', schemaname, relname)) \
                 FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND schemaname <> 'lite2pg')",
                &[],
            )
            .map_err(|e| error_from_pg(e, "looking at what the undo wrote"))?;
        let tables: Vec<String> = row.get::<_, Option<Vec<String>>>(1).unwrap_or_default();
        if !tables.is_empty() && !row.get::<_, bool>(0) {
            return Err(Error::internal(format!(
                "the undo of run {} wrote rows of tables that are not its own: {}",
                self.own_id,
                tables.join(", ")
            ))
            .hint("nothing was undone; please report this"));
        }
        Ok(tables.into_iter().map(|t| format!("rows of {t} (written by an event trigger while undoing)")).collect())
    }
}

/// The first of many.
fn few(names: &[&str]) -> String {
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
