//! The end of a run: verification over the workers, its record, publication.
//! Owns what decides between exit 0 and exit 7; never mends a difference.

use super::execute::{Execution, Worker};
use super::pool;
use crate::error::{Error, Kind, Result};
use crate::observe::report::{Report, StageTime, TableReport};
use crate::observe::{Event, Observer};
use crate::target::control::{self, Run, Status};
use crate::target::{catalog, error_from_pg, programs, publish};
use crate::verify::{checks, views};
use lite2pg_model::finding::Finding;
use lite2pg_model::ident::pg_in;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Plan, Stage};
use postgres::{Client, GenericClient};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Compares what was read back of every table (`read`, by its place in the plan, which began at `since`); then views, keys,
/// foreign keys and sequences. What differs is in the report, with exit 7; a table that was not read back is not verified.
///
/// # Errors
/// The target cannot be read: then nothing was compared, and nothing may be called equal.
pub fn verify(
    execution: &Execution<'_>,
    workers: &mut [Worker<'_>],
    (read, reading): (&BTreeMap<usize, Sum>, Option<f64>),
    report: &mut Report,
    times: &mut Vec<StageTime>,
) -> Result<()> {
    let begin = Instant::now();
    let (plan, observer) = (execution.plan, execution.observer);
    let stage = Stage::Verify.word();
    if reading.is_none() {
        observer.see(&Event::StageStarted { stage, bytes: 0, rows: plan.rows(), steps: plan.tables.len() as u64 });
    }
    for (&index, sum) in read {
        let Some(table) = report.tables.get_mut(index) else { continue };
        table.target_rows = sum.rows;
        table.target_sha256 = sum.hex();
        let counted = plan.tables.get(index).map_or(0, |t| t.rows);
        let arrived = table.rows.saturating_sub(table.rejected);
        table.verified = arrived == sum.rows && table.source_sha256 == table.target_sha256 && counted == table.rows;
        let (name, equal) = (table.name.clone(), table.verified);
        let (source_sha256, target_sha256) = (table.source_sha256.clone(), table.target_sha256.clone());
        if !equal {
            let rejected = match table.rejected {
                0 => String::new(),
                n => format!(", {n} rejected"),
            };
            let counts = format!(
                "{} rows in the source ({counted} when it was counted), {} in the target{rejected}",
                table.rows, sum.rows
            );
            report.findings.push(different(&name, counts));
        }
        observer.see(&Event::Compared { table: name, equal, source_sha256, target_sha256 });
    }
    views(execution, workers, report)?;
    let client = workers.first_mut().ok_or_else(|| Error::internal("no worker to verify with"))?;
    let checks = checks::check(client.client, plan, execution.staging)?;
    report.foreign_keys_valid = checks.foreign_keys_valid;
    report.foreign_keys_not_valid = checks.foreign_keys_not_valid;
    report.sequences_beyond_keys = checks.sequences_beyond_keys;
    let absent = checks::absent(client.client, plan, execution.staging)?;
    let differences = checks.differences.into_iter().chain(absent);
    report.findings.extend(differences.map(|what| different(&plan.schema, what)));
    if report.tables.iter().any(|t| !t.verified) || report.findings.iter().any(|f| f.code == DIFFERENT) {
        report.status = "different".to_owned();
        report.exit = Kind::Different.exit();
    }
    let seconds = reading.unwrap_or(0.0) + begin.elapsed().as_secs_f64();
    times.push(StageTime { name: stage.to_owned(), seconds });
    observer.see(&Event::StageDone { stage, seconds });
    Ok(())
}

/// Runs every view on both sides and compares what they give.
fn views(execution: &Execution<'_>, workers: &mut [Worker<'_>], report: &mut Report) -> Result<()> {
    let plan = execution.plan;
    let altered = views::altered(plan, &report.tables);
    let compared = Mutex::new(Vec::new());
    pool::run(workers, plan.views.iter().enumerate().collect(), execution.cancel, |worker, (i, view)| {
        let which = (plan, execution.staging, view);
        let one = views::compare(worker.reader, worker.client, which, &altered, execution.views)?;
        compared.lock().unwrap_or_else(PoisonError::into_inner).push((i, one));
        Ok(())
    })?;
    let mut compared = compared.into_inner().unwrap_or_else(PoisonError::into_inner);
    compared.sort_by_key(|(i, _)| *i);
    tell_views(report, compared.into_iter().map(|(_, one)| one), execution.observer);
    Ok(())
}

/// Takes what the comparison of views came to into a report.
pub fn tell_views(report: &mut Report, compared: impl Iterator<Item = views::Compared>, observer: &dyn Observer) {
    for (view, difference) in compared {
        let text = match (&difference, &view.not_compared) {
            (Some(what), _) => format!("view {}: {what}", view.name),
            (None, Some(why)) => format!("view {} is not compared: {why}", view.name),
            (None, None) => format!("view {} gives the same {} rows", view.name, view.rows),
        };
        observer.see(&Event::Detail { text });
        report.findings.extend(difference.map(|what| different(&view.name, format!("view: {what}"))));
        report.views.push(view);
    }
    if !report.views.is_empty() {
        report.objects.views.verified = Some(report.views.iter().filter(|v| v.verified).count() as u64);
    }
}

/// The code of a difference in a report.
pub const DIFFERENT: &str = "different";

/// A difference as a line of the report.
pub fn different(object: &str, what: String) -> Finding {
    let mut finding = Finding::warning(
        DIFFERENT,
        object,
        what,
        "nothing was published; lite2pg rollback removes what was built. Please report this: it should not happen",
    );
    finding.severity = lite2pg_model::finding::Severity::Blocking;
    finding
}

/// How many of the plan's tables stand in a schema.
///
/// # Errors
/// The target cannot be asked.
pub fn tables_there(client: &mut impl GenericClient, plan: &Plan, schema: &str) -> Result<usize> {
    let names: Vec<&str> = plan.tables.iter().map(|t| t.target.as_str()).collect();
    let row = client
        .query_one(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY ($2::text[])",
            &[&schema, &names],
        )
        .map_err(|e| error_from_pg(e, "looking for the tables of an earlier run"))?;
    Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

/// What of a finished run's tables is no longer as it was reported, as far as columns and row counts show: a quick look,
/// not a comparison.
///
/// # Errors
/// The target cannot be asked.
pub fn changed_counts(client: &mut impl GenericClient, plan: &Plan, report: &Report) -> Result<Vec<String>> {
    let live = catalog::columns(client, &plan.schema)?;
    let mut changed = Vec::new();
    for (table, line) in plan.tables.iter().zip(&report.tables) {
        let name = format!("{}.{}", plan.schema, table.target);
        if !table.columns.iter().all(|c| live.contains(&(table.target.clone(), c.target.clone(), c.shown()))) {
            changed.push(format!("{name} (its columns are others)"));
            continue;
        }
        let now: i64 = client
            .query_one(&format!("SELECT count(*) FROM ONLY {}", pg_in(&plan.schema, &table.target)), &[])
            .map_err(|e| error_from_pg(e, "counting the rows of an earlier run").about(&name))?
            .get(0);
        let then = line.rows.saturating_sub(line.rejected);
        if now.cast_unsigned() != then {
            changed.push(format!("{name} ({then} rows then, {now} now)"));
        }
    }
    Ok(changed)
}

/// Records what was copied and compared, equal or not; without verification the target's digest is empty.
///
/// # Errors
/// The target refuses.
pub fn write_verification(main: &mut Client, run: &Run, report: &Report) -> Result<()> {
    let doing = "recording the verification";
    let mut tx = main.transaction().map_err(|e| error_from_pg(e, doing))?;
    // Of the rows that its digest counts.
    let rows = |t: &TableReport| t.rows.saturating_sub(t.rejected).cast_signed();
    let names: Vec<&str> = report.tables.iter().map(|t| t.name.as_str()).collect();
    let source_rows: Vec<i64> = report.tables.iter().map(rows).collect();
    let source: Vec<&str> = report.tables.iter().map(|t| t.source_sha256.as_str()).collect();
    let target_rows: Vec<i64> = report.tables.iter().map(|t| t.target_rows.cast_signed()).collect();
    let target: Vec<&str> = report.tables.iter().map(|t| t.target_sha256.as_str()).collect();
    let verified: Vec<bool> = report.tables.iter().map(|t| t.verified).collect();
    tx.execute(
        "INSERT INTO lite2pg.checksum_verification (run, table_name, source_rows, source_sha256, target_rows, \
         target_sha256, verified) SELECT $1, * FROM unnest($2::text[], $3::int8[], $4::text[], $5::int8[], $6::text[], \
         $7::bool[]) ON CONFLICT (run, table_name) DO UPDATE SET \
         source_rows = excluded.source_rows, source_sha256 = excluded.source_sha256, \
         target_rows = excluded.target_rows, target_sha256 = excluded.target_sha256, \
         verified = excluded.verified, verified_at = clock_timestamp()",
        &[&run.id, &names, &source_rows, &source, &target_rows, &target, &verified],
    )
    .map_err(|e| error_from_pg(e, doing))?;
    if report.exit != 0 {
        let detail = serde_json::json!({ "status": report.status });
        control::audit(&mut tx, &run.operator, Some(&run.id), "verification found differences", &detail)?;
    }
    tx.commit().map_err(|e| error_from_pg(e, doing))
}

/// Publishes everything, ends the run and writes its report, in one transaction.
///
/// # Errors
/// A name was taken meanwhile, or the target refuses: nothing is visible, and the same command goes on from here.
pub fn publish(
    main: &mut Client,
    run: &Run,
    plan: &Plan,
    verified: bool,
    report: &mut Report,
    elapsed: impl Fn() -> f64,
    begin: Instant,
) -> Result<()> {
    let doing = "publishing";
    let mut tx = main.transaction().map_err(|e| error_from_pg(e, doing))?;
    let made = publish::publish(&mut tx, plan, &run.staging)?;
    control::set_schema_made(&mut tx, &run.id, made)?;
    report.stages.push(StageTime { name: Stage::Publish.word().to_owned(), seconds: begin.elapsed().as_secs_f64() });
    report.seconds = elapsed();
    let json =
        serde_json::to_value(&*report).map_err(|e| Error::internal("the report cannot be written").because(e))?;
    control::end(&mut tx, &run.id, (Status::Running, Status::Done), verified, Some(&json))?;
    // By these marks rollback sees what was made anew or replaced since.
    let definitions = programs::definitions(&mut tx, plan)?;
    let detail = serde_json::json!({
        "schema": run.schema, "verified": verified, "rows": plan.rows(), "rejected": report.rejected,
        "definitions": definitions,
    });
    control::audit(&mut tx, &run.operator, Some(&run.id), "published", &detail)?;
    tx.commit().map_err(|e| error_from_pg(e, doing))
}
