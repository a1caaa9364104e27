//! `rollback`: takes back exactly what a run made, finished or not.
//! Owns the undoing; never removes what the run did not make, and nothing that was changed since unless told.

use super::changes::{self, Found, TableChange};
use super::discard;
use super::proof::{Before, Ours, Proof};
use crate::error::{Error, Kind, Result};
use crate::observe::Observer;
use crate::run::pool::Cancel;
use crate::run::session::Session;
use crate::run::settings::Settings;
use crate::run::{clock, finish, prepare};
use crate::target::catalog;
use crate::target::control::{self, Run, Status};
use crate::target::error_from_pg;
use crate::target::lock::Keys;
use crate::target::{programs, rejected};
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::plan::{Plan, Stage, ddl, helper_schema};
use postgres::{Client, Transaction};
use std::path::{Path, PathBuf};

/// How long a lock that another session holds on the tables is waited for.
const LOCK_SECONDS: u32 = 30;

/// How to undo.
#[derive(Clone, Copy, Debug, Default)]
pub struct RollbackOptions {
    /// Undo even if rows were changed since.
    pub discard_changes: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Remove the control tables too, if no other run needs them.
    pub purge: bool,
}

/// What was (or would be) undone.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Undone {
    /// The run; empty: every run was undone already, and the control tables alone were to be removed.
    pub run: String,
    /// Whether it had been published.
    pub was_published: bool,
    /// Tables that were removed, as `schema.table`.
    pub tables: Vec<String>,
    /// Rows they held.
    pub rows: u64,
    /// The schema was made by the run and is removed too.
    pub schema_removed: bool,
    /// Tables whose rows or columns are no longer those that were published, and what people have made on them since.
    pub changed: Vec<String>,
    /// Of the tables among these: which rows, as far as they can be told.
    pub changes: Vec<TableChange>,
    /// Where what was written since was saved before it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_to: Option<PathBuf>,
    /// Of a dry run: why the undo itself would refuse, each with what it is about.
    pub refusals: Vec<String>,
    /// The target compared with what it was before the run.
    pub proof: Proof,
    /// The control tables were removed.
    pub purged: bool,
    /// The statements, in order.
    pub sql: Vec<String>,
    /// It was only a dry run.
    pub dry_run: bool,
}

/// Undoes the last run of the target schema, all of it in one transaction: afterwards the target is as it was before
/// (schema `lite2pg` keeps the history, unless purged). That is proven before the transaction commits.
///
/// # Errors
/// There is nothing to undo, the run is going on, rows were changed since, or other objects depend on the tables.
pub fn rollback(
    settings: &Settings,
    options: RollbackOptions,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Undone> {
    rollback_saving(settings, options, None, observer, cancel)
}

/// As [`rollback`]; what `discard_changes` gives up is saved to this file first, or to one beside the source.
///
/// # Errors
/// As [`rollback`]; or the file is there already or cannot be written.
pub fn rollback_saving(
    settings: &Settings,
    options: RollbackOptions,
    save_to: Option<&Path>,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Undone> {
    let session = Session::open(&settings.target, &clock::application(&settings.operator))?;
    let outcome = (|| {
        let mut client = session.connect()?;
        let facts = catalog::facts(&mut client, &settings.schema)?;
        prepare::tell_target(&session, &facts, settings, observer);
        Keys::of(&settings.schema).take(&mut client, &settings.schema, &clock::is_dead)?;
        let runs = control::runs(&mut client, Some(&settings.schema))?;
        let Some(run) = runs.into_iter().find(|r| r.status != Status::RolledBack) else {
            if options.purge
                && let Some(purged) = history_alone(&mut client, options.dry_run)?
            {
                return Ok(purged);
            }
            return Err(Error::target(format!("there is no run to undo in schema {}", settings.schema))
                .hint("lite2pg history TARGET lists what was run"));
        };
        Undo { settings, options, save_to, run: &run, observer, cancel }.undo(&mut client)
    })();
    let closed = session.close();
    // What a process left that was killed before its run began.
    prepare::sweep_copies(settings);
    let undone = outcome?;
    closed?;
    Ok(undone)
}

/// Undoes a run if it is unfinished, on a session that is open already; whether it was. The lock comes first: the server
/// may still be at the COMMIT whose answer was lost, and a published run must stay.
///
/// # Errors
/// As [`rollback`].
pub(crate) fn unfinished_run(
    session: &Session,
    settings: &Settings,
    own: &str,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<bool> {
    let mut client = session.connect()?;
    Keys::of(&settings.schema).take(&mut client, &settings.schema, &clock::is_dead)?;
    let runs = control::runs(&mut client, Some(&settings.schema))?;
    let Some(run) = runs.into_iter().find(|r| r.id == own && r.status == Status::Running) else { return Ok(false) };
    let never = Cancel::new();
    let cancel = if cancel.requested() { &never } else { cancel };
    let options = RollbackOptions::default();
    Undo { settings, options, save_to: None, run: &run, observer, cancel }.undo(&mut client)?;
    Ok(true)
}

/// One undo.
struct Undo<'a> {
    settings: &'a Settings,
    options: RollbackOptions,
    save_to: Option<&'a Path>,
    run: &'a Run,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
}

const DOING: &str = "undoing the run";

impl Undo<'_> {
    fn undo(&self, client: &mut Client) -> Result<Undone> {
        let (run, options) = (self.run, self.options);
        let published = run.status == Status::Done;
        let mut undone =
            Undone { run: run.id.clone(), was_published: published, dry_run: options.dry_run, ..Undone::default() };
        let failed = |e| error_from_pg(e, DOING);
        // One transaction from the look at the rows to their removal: else a row written in between would be lost unseen.
        let mut tx = client.transaction().map_err(failed)?;
        tx.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")).map_err(failed)?;
        // An unfinished run is undone with its staging schema alone, also if its plan is of another version.
        let plan = if published { Some(run.plan()?) } else { run.plan().ok() };
        let mut saved = None;
        if let Some(plan) = plan.as_ref().filter(|_| published) {
            let gone = !self.keep_writers_away(&mut tx, plan)?;
            let mut found = self.published(&mut tx, plan, gone, &mut undone)?;
            let changed = !undone.changed.is_empty();
            if changed && !options.dry_run && !options.discard_changes {
                close(found)?;
                return Err(self.refused(&undone));
            }
            // Whoever named a file finds it, also if it says that nothing was given up.
            if !options.dry_run && (changed || options.discard_changes && self.save_to.is_some()) {
                let also: Vec<String> = undone.changed.iter().filter(|c| !is_table(&undone, c)).cloned().collect();
                let what = (&mut found, also.as_slice());
                saved = Some(discard::save(&mut tx, self.settings, (run, plan), what, self.save_to, self.cancel)?);
            }
            close(found)?;
        } else {
            unfinished(&mut tx, run, plan.as_ref(), &mut undone)?;
        }
        // As late as can be: others may change what is theirs while our rows are read.
        let before = Before::look(&mut tx, run, Ours::of(run, plan.as_ref(), published))?;
        if options.dry_run {
            undone.proof = before.so_far();
            self.refusals(&mut tx, plan.as_ref(), &before, &mut undone)?;
            tx.rollback().map_err(failed)?;
            return Ok(undone);
        }
        self.cancel.check()?;
        for sql in &undone.sql {
            tx.batch_execute(sql).map_err(failed)?;
        }
        // Their values belong to the application's data: nothing of it stays.
        rejected::forget_run(&mut tx, &run.id)?;
        control::end(&mut tx, &run.id, (run.status, Status::RolledBack), run.verified, None)?;
        if options.purge {
            undone.purged = purge(&mut tx)?;
        }
        undone.proof = before.check(&mut tx, undone.purged)?;
        undone.saved_to = saved.as_ref().map(|s| s.path().to_owned());
        if !undone.purged {
            let detail = serde_json::json!({
                "published": undone.was_published, "tables": undone.tables.len(), "changed": undone.changed,
                "saved_to": undone.saved_to, "as_before": undone.proof.as_before,
            });
            control::audit(&mut tx, &self.settings.operator, Some(&run.id), "rolled back", &detail)?;
        }
        // The answer to the COMMIT may be lost: the file stays from here on.
        saved.iter_mut().for_each(discard::Saved::keep);
        tx.commit().map_err(failed)?;
        if let Some(copy) = &run.snapshot_copy {
            crate::source::remove_copy(Path::new(copy))?;
        }
        prepare::forget_copy(self.settings, run.snapshot_copy.as_ref().map(Path::new));
        Ok(undone)
    }

    /// `false`: somebody has removed all of the tables.
    fn keep_writers_away(&self, tx: &mut Transaction<'_>, plan: &Plan) -> Result<bool> {
        let run = self.run;
        let there = finish::tables_there(tx, plan, &run.schema)?;
        if there == 0 && !plan.tables.is_empty() {
            return Ok(false);
        }
        if there < plan.tables.len() {
            return Err(Error::target(format!(
                "{} of the {} tables that run {} published are gone already",
                plan.tables.len() - there,
                plan.tables.len(),
                run.id
            ))
            .about(format!("schema {}", run.schema))
            .hint("what is left was changed by somebody: remove it by hand"));
        }
        if !self.options.dry_run && !plan.tables.is_empty() {
            let tables: Vec<String> = plan.tables.iter().map(|t| pg_in(&run.schema, &t.target)).collect();
            tx.batch_execute(&format!("LOCK TABLE ONLY {} IN SHARE MODE", tables.join(", ONLY ")))
                .map_err(|e| error_from_pg(e, "keeping writers away while the rows are looked at"))?;
        }
        Ok(true)
    }

    /// A finished run: its views and tables go, each in one statement, so that it does not matter how they hang on each
    /// other; whatever else hangs on them stops it. Where the tables are `gone` already the rest goes.
    fn published(&self, tx: &mut Transaction<'_>, plan: &Plan, gone: bool, undone: &mut Undone) -> Result<Found> {
        let run = self.run;
        let live = catalog::columns(tx, &run.schema)?;
        let found = match gone {
            true => Found { rows: 0, tables: Vec::new(), at_hand: None },
            false => changes::of_rows(tx, self.settings, (run, plan), &live, self.observer, self.cancel)?,
        };
        undone.rows = found.rows;
        if !gone {
            undone.tables = plan.tables.iter().map(|t| format!("{}.{}", run.schema, t.target)).collect();
        }
        undone.changed = found.tables.iter().map(|c| c.table.clone()).collect();
        undone.changes.clone_from(&found.tables);
        undone.changed.extend(changes::made_since(tx, plan, &run.schema, &live)?);
        let there = programs::definitions(tx, plan)?;
        undone.changed.extend(programs::redefined(tx, &run.id, &there)?);
        if gone {
            // Views and triggers went with the tables: nothing of them can be lost.
            undone.changed.retain(|what| !what.ends_with(" (gone)"));
        }
        removal(tx, plan, (&there, gone), &mut undone.sql)?;
        if run.schema_made && catalog::schema_exists(tx, &run.schema)? {
            undone.schema_removed = true;
            undone.sql.push(format!("DROP SCHEMA {}", pg(&run.schema)));
        }
        Ok(found)
    }

    fn refused(&self, undone: &Undone) -> Error {
        let words = changed(undone).join("; ");
        Error::target(format!("what run {} published was changed since: {words}", self.run.id))
            .about(format!("schema {}", self.run.schema))
            .hint(
                "nothing was undone. --dry-run shows more of it; --discard-changes saves the rows to a file and then \
                 removes them with the tables",
            )
    }

    /// What would stop the undo itself.
    fn refusals(
        &self,
        tx: &mut Transaction<'_>,
        plan: Option<&Plan>,
        before: &Before,
        undone: &mut Undone,
    ) -> Result<()> {
        if !self.options.discard_changes {
            undone.refusals.extend(changed(undone).into_iter().map(|what| format!("changed since: {what}")));
        }
        if let Some(plan) = plan.filter(|_| undone.was_published) {
            let ours = Ours::of(self.run, Some(plan), true);
            let dependents = catalog::dependents(tx, &self.run.schema, &ours.names(), &plan.helper_schema())?;
            undone.refusals.extend(dependents.into_iter().map(|what| format!("hangs on what the run made: {what}")));
        }
        let strangers = before.strangers();
        let what = format!("stands in schema {}, which the run made: ", self.run.schema);
        undone.refusals.extend(strangers.into_iter().map(|object| format!("{what}{object}")));
        if self.options.purge {
            let open = open_runs(tx)?;
            if open > 1 {
                let what = format!("--purge: {} other runs still need the control tables", open - 1);
                undone.refusals.push(what);
            }
        }
        Ok(())
    }
}

fn close(found: Found) -> Result<()> {
    found.at_hand.map_or(Ok(()), changes::AtHand::close)
}

fn is_table(undone: &Undone, what: &str) -> bool {
    undone.changes.iter().any(|c| c.table == what)
}

/// What was changed since, tables with their rows.
fn changed(undone: &Undone) -> Vec<String> {
    let others = undone.changed.iter().filter(|c| !is_table(undone, c)).cloned();
    undone.changes.iter().map(TableChange::words).chain(others).collect()
}

/// The statements that remove what a run published. Each kind goes in one statement and nothing with CASCADE: where
/// something of others hangs on it, nothing is undone. Triggers go with their tables and views. `gone`: the tables are.
fn removal(
    client: &mut Transaction<'_>,
    plan: &Plan,
    (there, gone): (&programs::Definitions, bool),
    sql: &mut Vec<String>,
) -> Result<()> {
    let mut remove = |kind: &str, names: Vec<String>| {
        if !names.is_empty() {
            sql.push(format!("DROP {kind} {}", names.join(", ")));
        }
    };
    // What somebody has removed already is told as changed.
    let named = |name: &String| pg_in(&plan.schema, name);
    let views = plan.views.iter().filter(|v| there.contains_key(&format!("view {}", v.target)));
    remove("VIEW", views.map(|v| named(&v.target)).collect());
    let tables = plan.tables.iter().filter(|_| !gone);
    remove("TABLE", tables.map(|t| named(&t.target)).collect());
    let functions = plan.triggers.iter().filter(|t| there.contains_key(&format!("function {}()", t.function)));
    remove("FUNCTION", functions.map(|t| format!("{}()", named(&t.function))).collect());
    // Somebody may have removed the types with the tables.
    let types = if gone { "TYPE IF EXISTS" } else { "TYPE" };
    remove(types, plan.tables.iter().flat_map(ddl::enums).map(|(name, _)| pg_in(&plan.schema, name)).collect());
    if !plan.helpers.is_empty() {
        let schema = plan.helper_schema();
        remove("ROUTINE", programs::routines(client, &schema, &plan.helper_routines())?);
        if catalog::schema_exists(client, &schema)? {
            remove("SCHEMA", vec![pg(&schema)]);
        }
    }
    Ok(())
}

/// An unfinished run: all it made is in its staging schema and in that of the helper functions.
fn unfinished(client: &mut Transaction<'_>, run: &Run, plan: Option<&Plan>, undone: &mut Undone) -> Result<()> {
    let rows = client
        .query_one(
            "SELECT coalesce(sum(rows), 0)::int8 FROM lite2pg.migration_chunk WHERE run = $1 AND done",
            &[&run.id],
        )
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    undone.rows = rows.get::<_, i64>(0).cast_unsigned();
    let tables = plan.iter().flat_map(|p| &p.tables);
    undone.tables = tables.map(|t| format!("{}.{}", run.staging, t.target)).collect();
    // The schema is ours alone, so CASCADE reaches nothing else.
    undone.sql.push(format!("DROP SCHEMA IF EXISTS {} CASCADE", pg(&run.staging)));
    // The schema of the helper functions has its final name already, so others may have found it: no CASCADE there.
    let made = client
        .query_opt(
            "SELECT 1 FROM lite2pg.migration_step WHERE run = $1 AND stage = $2 LIMIT 1",
            &[&run.id, &Stage::Helpers.word()],
        )
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    let schema = helper_schema(&run.schema);
    if made.is_some() && catalog::schema_exists(client, &schema)? {
        let routines = match plan {
            Some(plan) => programs::routines(client, &schema, &plan.helper_routines())?,
            None => programs::helpers_by_comment(client, &schema)?,
        };
        if !routines.is_empty() {
            undone.sql.push(format!("DROP ROUTINE {}", routines.join(", ")));
        }
        undone.sql.push(format!("DROP SCHEMA {}", pg(&schema)));
    }
    Ok(())
}

/// Removes the control tables where they hold nothing but undone runs of any schema; `None`: there is more, or nothing.
fn history_alone(client: &mut Client, dry_run: bool) -> Result<Option<Undone>> {
    if !control::exist(client)? {
        return Ok(None);
    }
    let failed = |e| error_from_pg(e, "removing the control tables");
    let mut tx = client.transaction().map_err(failed)?;
    // A run that begins meanwhile waits, or is seen.
    tx.batch_execute(&format!(
        "SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; LOCK TABLE lite2pg.migration_history IN ACCESS EXCLUSIVE MODE"
    ))
    .map_err(failed)?;
    if open_runs(&mut tx)? > 0 {
        return Ok(None);
    }
    if dry_run {
        return Ok(Some(Undone { dry_run, ..Undone::default() }));
    }
    control::remove(&mut tx)?;
    tx.commit().map_err(failed)?;
    Ok(Some(Undone { purged: true, ..Undone::default() }))
}

fn purge(tx: &mut Transaction<'_>) -> Result<bool> {
    if open_runs(tx)? > 0 {
        return Err(Error::new(Kind::Target, "other runs still need the control tables")
            .about("schema lite2pg")
            .hint("roll those back first, or leave out --purge"));
    }
    control::remove(tx)?;
    Ok(true)
}

/// Runs that are not undone.
fn open_runs(tx: &mut Transaction<'_>) -> Result<i64> {
    let row = tx
        .query_one("SELECT count(*) FROM lite2pg.migration_history WHERE status <> 'rolled-back'", &[])
        .map_err(|e| error_from_pg(e, "reading the history"))?;
    Ok(row.get(0))
}
