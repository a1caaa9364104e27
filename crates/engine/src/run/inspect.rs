//! `inspect`, `plan` and `--dry-run`: everything that is known before the first lasting change.
//! Owns these looks; never writes to the source, and to the target only what it rolls back.

use super::copy::{Copied, rows};
use super::estimate::{self, Estimate, Measured, Sampled};
use super::execute::look_in;
use super::pool::Cancel;
use super::prepare::{self, Prepared};
use super::reject::{Limit, Rules};
use super::session::Session;
use super::settings::{Settings, TargetSpec};
use super::{clock, finish, tryout};
use crate::error::{Error, Kind, Result};
use crate::observe::report::Report;
use crate::observe::{Observer, Silent, memory};
use crate::source::{self, Reader, Source};
use crate::target::catalog::{self, Facts};
use crate::target::copy::CopyIn;
use crate::target::ledger::Range;
use crate::target::{error_from_pg, publish};
use crate::verify::digest;
use lite2pg_model::finding::Finding;
use lite2pg_model::ident::pg_in;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::detail::{Detail, details};
use lite2pg_model::plan::{Effect, Plan, Stage, TablePlan, dollar_quoted};
use postgres::{Client, Transaction};
use std::collections::BTreeMap;
use std::time::Instant;

/// What a look at the source gave.
pub struct Inspection {
    /// The report: exit 5 if findings block.
    pub report: Report,
    /// The plan.
    pub plan: Plan,
    /// What the columns hold, by table.
    pub profiles: BTreeMap<String, TableProfile>,
    /// What became of each object that had to be translated.
    pub details: Vec<Detail>,
    /// What is known of the file itself.
    pub facts: source::Facts,
}

/// What a dry run gave.
pub struct DryRun {
    /// The report: exit 5 if findings block, 7 if a sample came back otherwise than it went.
    pub report: Report,
    /// The plan.
    pub plan: Plan,
    /// Rows that were encoded, copied, read back and rolled back.
    pub sample_rows: u64,
    /// How long everything may take and how much room it needs, from the measured rates of the sample.
    pub estimate: Estimate,
}

/// Rows of each table that a dry run copies at least, and at most; in between as many as have about so many bytes of values.
const SAMPLE: (u64, u64) = (1000, 20_000);
const SAMPLE_BYTES: u64 = 4 << 20;

/// How many rows of a table are copied.
fn sample_rows(table: &TablePlan) -> u64 {
    let width = (table.bytes / table.rows.max(1)).max(1);
    (SAMPLE_BYTES / width).clamp(SAMPLE.0, SAMPLE.1)
}

/// Reads the source, and the target's catalog if `with_target`; writes nothing anywhere. A managed target that does not
/// exist yet is not made for this.
///
/// # Errors
/// The source or the target cannot be read.
pub fn inspect(settings: &Settings, with_target: bool, observer: &dyn Observer, cancel: &Cancel) -> Result<Inspection> {
    settings.check()?;
    let begin = Instant::now();
    let source = prepare::open_source(settings, None, observer)?;
    let (facts, target) = if with_target && matches!(settings.target, TargetSpec::Server(_)) {
        let session = Session::open(&settings.target, &clock::application(&settings.operator))?;
        let facts = catalog::facts(&mut session.connect()?, &settings.schema)?;
        prepare::tell_target(&session, &facts, settings, observer);
        (facts, session.display())
    } else {
        // A managed server orders text by bytes.
        (Facts { collation_c: true, ..Facts::default() }, String::new())
    };
    let mut times = Vec::new();
    let mut readers = prepare::readers(&source, settings.jobs)?;
    let prepared = prepare::decide(settings, &source, &mut readers, (&facts, None), observer, cancel, &mut times)?;
    drop(readers);
    source.check_unchanged()?;
    let seen = source.facts().clone();
    source.discard_copy()?;
    let mut report = report(settings, &prepared, &target);
    report.stages = times;
    report.seconds = begin.elapsed().as_secs_f64();
    report.peak_rss_bytes = memory::peak_rss();
    let details = details(&prepared.schema, &prepared.plan);
    Ok(Inspection { report, plan: prepared.plan, profiles: prepared.profiles, details, facts: seen })
}

fn report(settings: &Settings, prepared: &Prepared, target: &str) -> Report {
    let mut report = prepare::report(settings, &prepared.plan, target);
    if prepared.plan.blocking().next().is_some() {
        report.status = "needs-decision".to_owned();
        report.exit = Kind::NeedsDecision.exit();
    }
    report
}

/// Everything up to the first lasting change: the whole DDL is applied and rolled back; then sample rows of every table
/// are encoded, copied, read back, compared and rolled back. Blocking findings are reported, and the rest still tried.
///
/// # Errors
/// The source or the target fails, or refuses a statement.
pub fn dry_run(settings: &Settings, observer: &dyn Observer, cancel: &Cancel) -> Result<DryRun> {
    settings.check()?;
    let begin = Instant::now();
    let source = prepare::open_source(settings, None, observer)?;
    let session = Session::open(&settings.target, &clock::application(&settings.operator))?;
    let outcome = try_out(settings, &source, &session, observer, cancel, begin);
    let closed = session.close();
    source.discard_copy()?;
    let dry = outcome?;
    closed?;
    Ok(dry)
}

fn try_out(
    settings: &Settings,
    source: &Source,
    session: &Session,
    observer: &dyn Observer,
    cancel: &Cancel,
    begin: Instant,
) -> Result<DryRun> {
    let mut client = session.connect()?;
    let facts = catalog::facts(&mut client, &settings.schema)?;
    prepare::tell_target(session, &facts, settings, observer);
    facts.check(&settings.schema)?;
    let mut times = Vec::new();
    let mut readers = prepare::readers(source, settings.jobs)?;
    let prepared =
        prepare::decide(settings, source, &mut readers, (&facts, Some(&mut client)), observer, cancel, &mut times)?;
    facts.check_free(&prepared.plan, &prepare::published_names(&prepared.plan))?;
    let staging = format!("lite2pg_dry_run_{}", std::process::id());
    // Where findings block, the rest is still tried, and what the server refuses belongs to the report.
    let blocked = prepared.plan.blocking().next().is_some();
    let mut refused = Vec::new();
    apply_ddl(&mut client, &prepared.plan, &staging, blocked.then_some(&mut refused))?;
    let reader = readers.first_mut().ok_or_else(|| crate::Error::internal("no reader"))?;
    let sample = copy_sample(&mut client, reader, &prepared, &staging, blocked.then_some(&mut refused), cancel)?;
    let mut report = report(settings, &prepared, &session.display());
    report.findings.extend(refused);
    report.findings.extend(sample.failing);
    for name in &sample.different {
        report.findings.push(finish::different(name, "sample rows came back otherwise than they went".to_owned()));
        if !blocked {
            report.status = "different".to_owned();
            report.exit = Kind::Different.exit();
        }
    }
    report.stages = times;
    report.seconds = begin.elapsed().as_secs_f64();
    report.peak_rss_bytes = memory::peak_rss();
    let copied = match &source.facts().read_from {
        source::ReadFrom::Pinned => 0,
        source::ReadFrom::Copied { .. } => source.facts().bytes,
    };
    let workers = session.extra_workers(settings.jobs, facts.free_connections).min(readers.len()).max(1);
    Ok(DryRun {
        estimate: estimate::add_up(&prepared.plan, &sample.measured, &report.stages, workers, copied),
        report,
        sample_rows: sample.rows,
        plan: prepared.plan,
    })
}

/// Applies every statement of the plan to empty tables, in one transaction that is rolled back. With `refused`, what the
/// server refuses goes there and the rest is still tried.
fn apply_ddl(client: &mut Client, plan: &Plan, staging: &str, mut refused: Option<&mut Vec<Finding>>) -> Result<()> {
    let doing = "trying the statements";
    let mut tx = client.transaction().map_err(|e| error_from_pg(e, doing))?;
    publish::make_staging(&mut tx, staging, "a dry run")?;
    let mut path_set = false;
    for step in plan.steps(staging) {
        let Effect::Sql(sql) = &step.effect else { continue };
        // The helper functions have a path of their own.
        if step.stage != Stage::Helpers && !std::mem::replace(&mut path_set, true) {
            look_in(&mut tx, plan, staging)?;
        }
        let Some(refused) = refused.as_deref_mut() else {
            tx.batch_execute(sql).map_err(|e| about(error_from_pg(e, doing), &step.object))?;
            continue;
        };
        attempt(&mut tx, &step.object, refused, |tx| tx.batch_execute(sql).map_err(|e| error_from_pg(e, doing)))?;
    }
    tx.rollback().map_err(|e| error_from_pg(e, "taking the dry run back"))
}

/// Tries something within a savepoint. What fails is told as a finding, unless the connection or the person ended it.
fn attempt<T>(
    tx: &mut Transaction<'_>,
    object: &str,
    refused: &mut Vec<Finding>,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut inner = tx.transaction().map_err(|e| error_from_pg(e, "trying"))?;
    let error = match work(&mut inner) {
        Ok(out) => return inner.commit().map(|()| Some(out)).map_err(|e| error_from_pg(e, "trying")),
        Err(error) => about(error, object),
    };
    if !matches!(error.kind, Kind::Target | Kind::Rejected) || inner.rollback().is_err() {
        return Err(error);
    }
    // What hangs on a table that was refused is refused for that alone.
    if !error.message.contains("SQLSTATE 42P01") {
        let object = error.object.clone().unwrap_or_default();
        let hint = error.hint.clone().unwrap_or_else(|| "answer the findings that block, then try again".to_owned());
        refused.push(Finding::warning(REFUSED, object, error.message, hint));
    }
    Ok(None)
}

/// The code of what failed in a dry run: where findings block anyway, and views that fail on the sample.
pub const REFUSED: &str = "refused-in-dry-run";

fn about(mut error: Error, object: &str) -> Error {
    error.object.get_or_insert_with(|| object.to_owned());
    error
}

struct Sample {
    rows: u64,
    measured: Sampled,
    different: Vec<String>,
    failing: Vec<Finding>,
}

/// Makes the views over the sample and runs each: what fails on some rows may fail on all.
fn views_on_sample(tx: &mut Transaction<'_>, plan: &Plan, staging: &str, cancel: &Cancel) -> Result<Vec<Finding>> {
    let mut failing = Vec::new();
    tx.batch_execute(&format!("SET LOCAL statement_timeout = {}", SAMPLE_SECONDS * 1000))
        .map_err(|e| error_from_pg(e, "trying the views"))?;
    for view in &plan.views {
        cancel.check()?;
        let make = plan.create_view(staging, view);
        if tryout::attempt(tx, &make)?.is_some() {
            // What it stands on was refused; that is told already.
            continue;
        }
        // All rows are computed, none is sent.
        let from = pg_in(staging, &view.target);
        let run = format!("DO {}", dollar_quoted(&format!("BEGIN PERFORM * FROM {from}; END")));
        match tryout::attempt(tx, &run)? {
            Some(words) if !words.contains("57014") => failing.push(Finding::warning(
                REFUSED,
                &view.name,
                format!("view {} fails in PostgreSQL on the sample rows: {words}; it was: {}", view.name, tryout::one_line(&view.sql)),
                "the migration would run it on all rows, and end with exit 7 if it still fails: lite2pg plan --sql shows the translation",
            )),
            _ => {}
        }
    }
    Ok(failing)
}

/// How long a view may take over the sample.
const SAMPLE_SECONDS: u64 = 10;

fn copy_sample(
    client: &mut Client,
    reader: &mut Reader,
    prepared: &Prepared,
    staging: &str,
    mut refused: Option<&mut Vec<Finding>>,
    cancel: &Cancel,
) -> Result<Sample> {
    let mut tx = client.transaction().map_err(|e| error_from_pg(e, "copying a sample"))?;
    publish::make_staging(&mut tx, staging, "a dry run")?;
    let plan = &prepared.plan;
    let steps = plan.steps(staging);
    for step in steps.iter().filter(|s| s.stage == Stage::Helpers) {
        let Effect::Sql(sql) = &step.effect else { continue };
        tx.batch_execute(sql).map_err(|e| error_from_pg(e, "making the helper functions"))?;
    }
    look_in(&mut tx, plan, staging)?;
    let limit = Limit::new(None, 0);
    let log = estimate::log_position(&mut tx)?;
    let measured = Sampled { tables: vec![None; plan.tables.len()], wal: 0 };
    let mut sample = Sample { rows: 0, measured, different: Vec::new(), failing: Vec::new() };
    for (i, table) in plan.tables.iter().enumerate() {
        let create = steps.iter().find(|s| s.stage == Stage::Create && s.object == table.name);
        let Some(Effect::Sql(create)) = create.map(|s| &s.effect) else { continue };
        let mut one = |tx: &mut Transaction<'_>| {
            let begin = Instant::now();
            tx.batch_execute(create).map_err(|e| error_from_pg(e, "copying a sample").about(&table.name))?;
            let create = begin.elapsed().as_secs_f64();
            let rules = Rules::of(plan, &prepared.excluded, &limit, table);
            let (sum, bytes) = sample_table(tx, reader, (table, rules), staging, cancel)?;
            let copy = begin.elapsed().as_secs_f64() - create;
            let read = digest::of_target(tx, staging, table, &Silent, cancel)?;
            let back = begin.elapsed().as_secs_f64() - create - copy;
            Ok((sum, read, Measured { rows: sum.rows, bytes, create, copy, back, ..Measured::default() }))
        };
        let sampled = match refused.as_deref_mut() {
            Some(refused) => attempt(&mut tx, &table.name, refused, one)?,
            None => Some(one(&mut tx)?),
        };
        let Some((sum, back, measured)) = sampled else { continue };
        sample.rows += sum.rows;
        if let Some(place) = sample.measured.tables.get_mut(i) {
            *place = Some(measured);
        }
        if back != sum {
            sample.different.push(table.name.clone());
        }
    }
    estimate::measure(&mut tx, plan, &steps, staging, &mut sample.measured.tables)?;
    sample.measured.wal = estimate::log_position(&mut tx)?.saturating_sub(log);
    sample.failing = views_on_sample(&mut tx, plan, staging, cancel)?;
    tx.rollback().map_err(|e| error_from_pg(e, "taking the dry run back"))?;
    Ok(sample)
}

fn sample_table(
    tx: &mut Transaction<'_>,
    reader: &mut Reader,
    (table, rules): (&TablePlan, Rules<'_>),
    staging: &str,
    cancel: &Cancel,
) -> Result<(lite2pg_model::normal::Sum, u64)> {
    let mut copy = CopyIn::start(tx, staging, table, false)?;
    let mut copied = Copied::new(&Silent, table, rules.limit);
    rows(reader, table, rules, (Range::default(), Some(sample_rows(table))), &mut copied, &mut copy, cancel)?;
    copy.finish()?;
    Ok((copied.sum, copied.bytes))
}
