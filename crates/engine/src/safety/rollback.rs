//! `rollback`: takes back exactly what a run made, finished or not.
//! Owns the undoing; never removes what the run did not make, and nothing that was changed since unless told.

use crate::error::{Error, Kind, Result};
use crate::observe::{Event, Observer};
use crate::run::pool::Cancel;
use crate::run::session::Session;
use crate::run::settings::Settings;
use crate::run::{clock, finish, prepare};
use crate::target::catalog;
use crate::target::control::{self, Run, Status};
use crate::target::error_from_pg;
use crate::target::lock::Keys;
use crate::target::{programs, rejected};
use crate::verify::digest;
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Plan, Stage, TablePlan, ddl, helper_schema};
use postgres::{Client, Transaction};

/// Table, column and type of each column.
type Columns = std::collections::BTreeSet<(String, String, String)>;

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
    /// The run.
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
    /// The control tables were removed.
    pub purged: bool,
    /// The statements, in order.
    pub sql: Vec<String>,
    /// It was only a dry run.
    pub dry_run: bool,
}

/// Undoes the last run of the target schema, all of it in one transaction: afterwards the target is as it was before
/// (schema `lite2pg` keeps the history, unless purged).
///
/// # Errors
/// There is nothing to undo, the run is going on, rows were changed since, or other objects depend on the tables.
pub fn rollback(
    settings: &Settings,
    options: RollbackOptions,
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
        let run = runs.into_iter().find(|r| r.status != Status::RolledBack).ok_or_else(|| {
            Error::target(format!("there is no run to undo in schema {}", settings.schema))
                .hint("lite2pg history TARGET lists what was run")
        })?;
        undo(&mut client, settings, options, &run, observer, cancel)
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
    undo(&mut client, settings, RollbackOptions::default(), &run, observer, cancel)?;
    Ok(true)
}

fn undo(
    client: &mut Client,
    settings: &Settings,
    options: RollbackOptions,
    run: &Run,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Undone> {
    let mut undone = Undone { run: run.id.clone(), was_published: run.status == Status::Done, ..Undone::default() };
    undone.dry_run = options.dry_run;
    let doing = "undoing the run";
    // One transaction from the look at the rows to their removal: else a row written in between would be lost unseen.
    let mut tx = client.transaction().map_err(|e| error_from_pg(e, doing))?;
    tx.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")).map_err(|e| error_from_pg(e, doing))?;
    if undone.was_published {
        published(&mut tx, run, &mut undone, observer, cancel)?;
        if !undone.changed.is_empty() && !options.discard_changes && !options.dry_run {
            return Err(Error::target(format!(
                "what run {} published was changed since: {}",
                run.id,
                undone.changed.join(", ")
            ))
            .about(format!("schema {}", run.schema))
            .hint("save them first (pg_dump), or give --discard-changes to remove them with the tables"));
        }
    } else {
        unfinished(&mut tx, run, &mut undone)?;
    }
    if options.dry_run {
        tx.rollback().map_err(|e| error_from_pg(e, doing))?;
        return Ok(undone);
    }
    cancel.check()?;
    for sql in &undone.sql {
        tx.batch_execute(sql).map_err(|e| error_from_pg(e, doing))?;
    }
    // Their values belong to the application's data: nothing of it stays.
    rejected::forget_run(&mut tx, &run.id)?;
    control::end(&mut tx, &run.id, (run.status, Status::RolledBack), run.verified, None)?;
    let detail = serde_json::json!({
        "published": undone.was_published, "tables": undone.tables.len(), "changed": undone.changed,
    });
    control::audit(&mut tx, &settings.operator, Some(&run.id), "rolled back", &detail)?;
    if options.purge {
        undone.purged = purge(&mut tx)?;
    }
    tx.commit().map_err(|e| error_from_pg(e, doing))?;
    if let Some(copy) = &run.snapshot_copy {
        crate::source::remove_copy(std::path::Path::new(copy))?;
    }
    prepare::forget_copy(settings, run.snapshot_copy.as_ref().map(std::path::Path::new));
    Ok(undone)
}

/// A finished run: its views and tables go, each in one statement, so that it does not matter how they hang on each other;
/// whatever else hangs on them stops it.
fn published(
    client: &mut Transaction<'_>,
    run: &Run,
    undone: &mut Undone,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<()> {
    let plan = run.plan()?;
    let there = finish::tables_there(client, &plan, &run.schema)?;
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
    let digests = client
        .query(
            "SELECT table_name, source_sha256, source_rows FROM lite2pg.checksum_verification WHERE run = $1",
            &[&run.id],
        )
        .map_err(|e| error_from_pg(e, "reading the verification"))?;
    if !undone.dry_run && !plan.tables.is_empty() {
        let tables: Vec<String> = plan.tables.iter().map(|t| pg_in(&run.schema, &t.target)).collect();
        client
            .batch_execute(&format!("LOCK TABLE ONLY {} IN SHARE MODE", tables.join(", ONLY ")))
            .map_err(|e| error_from_pg(e, "keeping writers away while the rows are looked at"))?;
    }
    let live = catalog::columns(client, &run.schema)?;
    observer.see(&Event::StageStarted { stage: "verify", bytes: 0, rows: plan.rows(), steps: 0 });
    for table in &plan.tables {
        let now = now(client, run, table, &live, observer, cancel)?;
        undone.rows += now.map_or(0, |n| n.rows);
        undone.tables.push(format!("{}.{}", run.schema, table.target));
        let before = digests.iter().find(|r| r.get::<_, &str>(0) == table.name);
        let same = before
            .zip(now)
            .is_some_and(|(r, now)| r.get::<_, &str>(1) == now.hex() && r.get::<_, i64>(2).cast_unsigned() == now.rows);
        if !same {
            undone.changed.push(format!("{}.{}", run.schema, table.target));
        }
    }
    undone.changed.extend(made_since(client, &plan, &run.schema, &live)?);
    let there = programs::definitions(client, &plan)?;
    undone.changed.extend(programs::redefined(client, &run.id, &there)?);
    removal(client, &plan, &there, &mut undone.sql)?;
    if run.schema_made {
        undone.schema_removed = true;
        undone.sql.push(format!("DROP SCHEMA {}", pg(&run.schema)));
    }
    Ok(())
}

/// The statements that remove what a run published. Each kind goes in one statement and nothing with CASCADE: where
/// something of others hangs on it, nothing is undone. Triggers go with their tables and views.
fn removal(
    client: &mut Transaction<'_>,
    plan: &Plan,
    there: &programs::Definitions,
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
    remove("TABLE", plan.tables.iter().map(|t| named(&t.target)).collect());
    let functions = plan.triggers.iter().filter(|t| there.contains_key(&format!("function {}()", t.function)));
    remove("FUNCTION", functions.map(|t| format!("{}()", named(&t.function))).collect());
    remove("TYPE", plan.tables.iter().flat_map(ddl::enums).map(|(name, _)| pg_in(&plan.schema, name)).collect());
    if !plan.helpers.is_empty() {
        let schema = plan.helper_schema();
        remove("ROUTINE", programs::routines(client, &schema, &plan.helper_routines())?);
        if catalog::schema_exists(client, &schema)? {
            remove("SCHEMA", vec![pg(&schema)]);
        }
    }
    Ok(())
}

/// The digest of a published table as it is now; `None` if its columns are no longer those that were published.
fn now(
    client: &mut Transaction<'_>,
    run: &Run,
    table: &TablePlan,
    live: &Columns,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Option<Sum>> {
    if !table.columns.iter().all(|c| live.contains(&(table.target.clone(), c.target.clone(), c.shown()))) {
        return Ok(None);
    }
    digest::of_target(client, &run.schema, table, observer, cancel).map(Some)
}

/// What people have made on our tables since, which would go with them: columns, triggers, rules, policies, indexes,
/// constraints and statistics.
fn made_since(client: &mut Transaction<'_>, plan: &Plan, schema: &str, live: &Columns) -> Result<Vec<String>> {
    let mut made = Vec::new();
    let ours = |table: &str| plan.tables.iter().find(|t| t.target == table);
    for (table, column, _) in live {
        // Where a column of the plan is missing, this may be that one: the table is told as changed already.
        let has = |name: &str| live.iter().any(|(t, c, _)| t == table && c == name);
        let added = |t: &TablePlan| {
            t.columns.iter().all(|c| c.target != *column && has(&c.target))
                && t.extra.iter().all(|e| e.target != *column)
        };
        if ours(table).is_some_and(added) {
            made.push(format!("column {column} of {schema}.{table}"));
        }
    }
    let mut known = prepare::published_names(plan);
    for table in &plan.tables {
        known.extend(table.checks.iter().map(|c| c.name.clone()));
        known.extend(table.foreign_keys.iter().map(|k| k.name.clone()));
    }
    let our_view = |table: &str| plan.views.iter().any(|v| v.target == table);
    for (kind, name, table) in catalog::attachments(client, schema)? {
        let of_plan = match kind.as_str() {
            "index" | "constraint" => known.contains(&name),
            "trigger" => plan.triggers.iter().any(|t| t.target == name && t.table == table),
            _ => false,
        };
        if (ours(&table).is_some() || our_view(&table)) && !of_plan {
            made.push(format!("{kind} {name} of {schema}.{table}"));
        }
    }
    Ok(made)
}

/// An unfinished run: all it made is in its staging schema and in that of the helper functions.
fn unfinished(client: &mut Transaction<'_>, run: &Run, undone: &mut Undone) -> Result<()> {
    let rows = client
        .query_one(
            "SELECT coalesce(sum(rows), 0)::int8 FROM lite2pg.migration_chunk WHERE run = $1 AND done",
            &[&run.id],
        )
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    undone.rows = rows.get::<_, i64>(0).cast_unsigned();
    // An unfinished run is undone with its staging schema alone, also if its plan is of another version.
    let plan = run.plan().ok();
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
        let routines = match &plan {
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

fn purge(tx: &mut Transaction<'_>) -> Result<bool> {
    let open: i64 = tx
        .query_one("SELECT count(*) FROM lite2pg.migration_history WHERE status <> 'rolled-back'", &[])
        .map_err(|e| error_from_pg(e, "reading the history"))?
        .get(0);
    if open > 0 {
        return Err(Error::new(Kind::Target, "other runs still need the control tables")
            .about("schema lite2pg")
            .hint("roll those back first, or leave out --purge"));
    }
    control::remove(tx)?;
    Ok(true)
}
