//! `verify`: both sides of a finished run read anew and compared.
//! Owns that command; never changes a row on either side.

use crate::error::{Error, Kind, Result};
use crate::observe::report::{Report, StageTime};
use crate::observe::{Event, Observer, memory};
use crate::run::finish::different;
use crate::run::pool::Cancel;
use crate::run::session::Session;
use crate::run::settings::Settings;
use crate::run::{clock, prepare};
use crate::target::catalog;
use crate::target::control::{self, Run, Status};
use crate::verify::{checks, digest};
use lite2pg_model::finding::Finding;
use lite2pg_model::plan::Plan;
use lite2pg_model::schema::{Schema, TableKind};
use lite2pg_model::sql::resolve::resolve;
use postgres::Client;
use std::collections::BTreeSet;
use std::time::Instant;

/// Reads the source and the published tables of its finished run, and compares: digests of every table, foreign keys,
/// keys, indexes and sequences. Differences are in the report, with exit 7.
///
/// # Errors
/// There is no finished run of this schema, or a side cannot be read: then nothing is called equal.
pub fn verify(settings: &Settings, observer: &dyn Observer, cancel: &Cancel) -> Result<Report> {
    let begin = Instant::now();
    let source = prepare::open_source(settings, None, observer)?;
    let session = Session::open(&settings.target, &clock::application(&settings.operator))?;
    let outcome = (|| {
        let mut client = session.connect()?;
        let facts = catalog::facts(&mut client, &settings.schema)?;
        prepare::tell_target(&session, &facts, settings, observer);
        let run = finished_run(&mut client, &settings.schema)?;
        let path = source.facts().canonical.display().to_string();
        if run.source_path != path {
            return Err(Error::target(format!("schema {} holds {}, not {path}", run.schema, run.source_path))
                .hint("name the source that was migrated, or the schema that holds this one (--schema)"));
        }
        let plan = run.plan()?;
        let mut reader = source.reader()?;
        let mut report = prepare::report(settings, &plan, &session.display());
        report.run.clone_from(&run.id);
        report.findings.clear();
        observer.see(&Event::StageStarted {
            stage: "verify",
            bytes: 0,
            rows: plan.rows().saturating_mul(2),
            steps: plan.tables.len() as u64,
        });
        let (schema, _) = resolve(&source.raw_schema()?);
        let missing = beside_the_plan(&schema, &plan, &mut report.findings);
        for (table, line) in plan.tables.iter().zip(&mut report.tables) {
            if missing.contains(&table.name) {
                continue;
            }
            let begin = Instant::now();
            let (here, bytes) = digest::of_source(&mut reader, table, observer, cancel)?;
            let there = digest::of_target(&mut client, &run.schema, table, observer, cancel)?;
            line.rows = here.rows;
            line.target_rows = there.rows;
            line.bytes = bytes;
            line.source_sha256 = here.hex();
            line.target_sha256 = there.hex();
            line.verified = here == there;
            line.seconds = begin.elapsed().as_secs_f64();
            if !line.verified {
                let counts = format!("{} rows in the source, {} in the target", here.rows, there.rows);
                report.findings.push(different(&table.name, counts));
            }
            observer.see(&Event::Compared {
                table: table.name.clone(),
                equal: line.verified,
                source_sha256: line.source_sha256.clone(),
                target_sha256: line.target_sha256.clone(),
            });
        }
        let checks = checks::check(&mut client, &plan, &run.schema)?;
        report.foreign_keys_valid = checks.foreign_keys_valid;
        report.foreign_keys_not_valid = checks.foreign_keys_not_valid;
        report.sequences_beyond_keys = checks.sequences_beyond_keys;
        report.findings.extend(checks.differences.into_iter().map(|what| different(&run.schema, what)));
        Ok(report)
    })();
    let closed = session.close();
    source.check_unchanged()?;
    source.discard_copy()?;
    let mut report = outcome?;
    closed?;
    for finding in &mut report.findings {
        finding.hint = "look at the rows on both sides; lite2pg rollback removes what was published".to_owned();
    }
    if !report.findings.is_empty() {
        report.status = "different".to_owned();
        report.exit = Kind::Different.exit();
    }
    report.seconds = begin.elapsed().as_secs_f64();
    report.stages = vec![StageTime { name: "verify".to_owned(), seconds: report.seconds }];
    report.peak_rss_bytes = memory::peak_rss();
    Ok(report)
}

/// What the source has that the run did not carry, and what it has no longer: nothing of that is compared, so nothing of
/// it may be called equal. Returns the tables that cannot be read as the plan wants.
fn beside_the_plan(schema: &Schema, plan: &Plan, findings: &mut Vec<Finding>) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    let ordinary = || schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary);
    for planned in &plan.tables {
        let Some(table) = ordinary().find(|t| t.name == planned.name) else {
            findings.push(different(&planned.name, "the source has no such table any more".to_owned()));
            missing.insert(planned.name.clone());
            continue;
        };
        let has = |name: &str| table.columns.iter().any(|c| c.name == name);
        for column in planned.columns.iter().filter(|c| !has(&c.name)) {
            let object = format!("{}.{}", planned.name, column.name);
            findings.push(different(&object, "the source has no such column any more".to_owned()));
            missing.insert(planned.name.clone());
        }
        let known = |name: &String| planned.left_out.contains(name) || planned.columns.iter().any(|p| p.name == *name);
        for column in table.columns.iter().filter(|c| !known(&c.name)) {
            let object = format!("{}.{}", planned.name, column.name);
            findings.push(different(&object, "the source has this column, the migration had not".to_owned()));
        }
    }
    let known = |name: &String| plan.left_out.contains(name) || plan.tables.iter().any(|p| p.name == *name);
    for table in ordinary().filter(|t| !known(&t.name)) {
        findings.push(different(&table.name, "the source has this table, the migration had not".to_owned()));
    }
    missing
}

fn finished_run(client: &mut Client, schema: &str) -> Result<Run> {
    let runs = control::runs(client, Some(schema))?;
    runs.into_iter().find(|r| r.status == Status::Done).ok_or_else(|| {
        Error::target(format!("no finished run of lite2pg is recorded for schema {schema}"))
            .hint("run lite2pg migrate first; lite2pg history TARGET lists what was run")
    })
}
