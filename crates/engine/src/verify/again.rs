//! `verify`: both sides of a finished run read anew and compared.
//! Owns that command; never changes a row on either side.

use crate::error::{Error, Kind, Result};
use crate::observe::report::{Report, StageTime, TableReport};
use crate::observe::{Event, Observer, memory};
use crate::run::exclude::{self, Excluded};
use crate::run::finish::{self, different};
use crate::run::pool::Cancel;
use crate::run::session::Session;
use crate::run::settings::Settings;
use crate::run::{clock, prepare};
use crate::source::Reader;
use crate::source::select::Reading;
use crate::target::catalog;
use crate::target::control::{self, Run, Status};
use crate::target::{error_from_pg, programs, rejected};
use crate::verify::views::{self, Limits};
use crate::verify::{checks, digest, rows};
use lite2pg_model::finding::Finding;
use lite2pg_model::ident;
use lite2pg_model::plan::{Plan, TablePlan};
use lite2pg_model::schema::{Schema, TableKind};
use lite2pg_model::sql::resolve::resolve;
use postgres::{Client, GenericClient, IsolationLevel};
use std::collections::BTreeSet;
use std::time::Instant;

/// How closely two sides are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// The rows of each table are counted.
    Counts,
    /// The digests of each table, made anew from every value of both sides.
    #[default]
    Checksums,
    /// Besides, every row by itself: each difference is counted, the first are named.
    Rows,
}

impl Level {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Level::Counts => "counts",
            Level::Checksums => "checksums",
            Level::Rows => "rows",
        }
    }
}

/// Reads the source and the published tables of its finished run, and compares: digests of every table, what each view
/// gives, foreign keys, keys, indexes and sequences. Differences are in the report, with exit 7.
///
/// # Errors
/// There is no finished run of this schema, or a side cannot be read: then nothing is called equal.
pub fn verify(settings: &Settings, level: Level, observer: &dyn Observer, cancel: &Cancel) -> Result<Report> {
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
        // One state of the tables, whatever is written to them meanwhile.
        let mut client = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .map_err(|e| error_from_pg(e, "beginning to read back"))?;
        let mut report = prepare::report(settings, &plan, &session.display());
        report.run.clone_from(&run.id);
        report.findings.clear();
        level.word().clone_into(&mut report.compared_now);
        observer.see(&Event::StageStarted {
            stage: "verify",
            bytes: 0,
            rows: plan.rows().saturating_mul(2),
            steps: plan.tables.len() as u64,
        });
        let (schema, _) = resolve(&source.raw_schema()?);
        let missing = beside_the_plan(&schema, &plan, &mut report.findings);
        // The tables that are missing may be asked about; then only the differences told above count.
        let excluded =
            if missing.is_empty() { exclude::find(&mut reader, &plan, cancel)? } else { Excluded::default() };
        let rejected = rejected::counts(&mut client, &run.id)?;
        for (table, line) in plan.tables.iter().zip(&mut report.tables) {
            if missing.contains(&table.name) {
                continue;
            }
            let begin = Instant::now();
            let set = excluded.of(&table.name);
            line.rejected = rejected.get(&table.name).copied().unwrap_or(0);
            if level == Level::Counts {
                counts(&mut reader, &mut client, &run.schema, table, line)?;
            } else {
                let (mut here, bytes) = digest::of_source(&mut reader, table, set, observer, cancel)?;
                line.rows = here.rows;
                if line.rejected > 0 {
                    // Each of them must be there in the source as it was: else what is left is no longer equal.
                    here.take_away(&digest::of_rejected(&mut client, &run.id, table, set, cancel)?);
                }
                let there = digest::of_target(&mut client, &run.schema, table, observer, cancel)?;
                line.target_rows = there.rows;
                line.bytes = bytes;
                line.source_sha256 = here.hex();
                line.target_sha256 = there.hex();
                line.verified = here == there;
            }
            if level == Level::Rows {
                let sides = rows::Sides::of(&run.schema, &run.id, table, set);
                let differences = sides.compare(&mut reader, &mut client, cancel)?;
                line.verified &= differences.count() == 0;
                line.differences = Some(differences);
            }
            line.seconds = begin.elapsed().as_secs_f64();
            if !line.verified {
                let rejected = match line.rejected {
                    0 => String::new(),
                    n => format!(", {n} rejected"),
                };
                let counts = format!("{} rows in the source, {} in the target{rejected}", line.rows, line.target_rows);
                let named = line
                    .differences
                    .as_ref()
                    .map(|d| format!("; {} rows missing, {} extra, {} changed", d.missing, d.extra, d.changed));
                report.findings.push(different(&table.name, counts + &named.unwrap_or_default()));
            }
            observer.see(&Event::Compared {
                table: table.name.clone(),
                equal: line.verified,
                source_sha256: line.source_sha256.clone(),
                target_sha256: line.target_sha256.clone(),
            });
        }
        report.rejected = report.tables.iter().map(|t| t.rejected).sum();
        if level != Level::Counts && missing.is_empty() {
            let limits = Limits::of(settings, cancel);
            let altered = views::altered(&plan, &report.tables);
            let which = |view| (&plan, run.schema.as_str(), view);
            let compared =
                plan.views.iter().map(|v| views::compare(&mut reader, &mut client, which(v), &altered, limits));
            let compared = compared.collect::<Result<Vec<_>>>()?;
            finish::tell_views(&mut report, compared.into_iter(), observer);
        }
        let checks = checks::check(&mut client, &plan, &run.schema)?;
        report.foreign_keys_valid = checks.foreign_keys_valid;
        report.foreign_keys_not_valid = checks.foreign_keys_not_valid;
        report.sequences_beyond_keys = checks.sequences_beyond_keys;
        report.findings.extend(checks.differences.into_iter().map(|what| different(&run.schema, what)));
        let there = programs::definitions(&mut client, &plan)?;
        let redefined = programs::redefined(&mut client, &run.id, &there)?;
        let changed = redefined.into_iter().map(|what| format!("not as it was published: {what}"));
        report.findings.extend(changed.map(|what| different(&run.schema, what)));
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

/// Counts the rows of both sides.
fn counts(
    reader: &mut Reader,
    client: &mut impl GenericClient,
    schema: &str,
    table: &TablePlan,
    line: &mut TableReport,
) -> Result<()> {
    let sql = format!("SELECT count(*) FROM {}", Reading::of_plan(table).clause(None));
    let here = reader.query_i64(&sql, &[]).map_err(|e| e.about(&table.name))?;
    let sql = format!("SELECT count(*) FROM ONLY {}", ident::pg_in(schema, &table.target));
    let there: i64 =
        client.query_one(&sql, &[]).map_err(|e| error_from_pg(e, "counting rows").about(&table.name))?.get(0);
    line.rows = here.unwrap_or(0).cast_unsigned();
    line.target_rows = there.cast_unsigned();
    line.verified = line.rows == line.target_rows + line.rejected;
    Ok(())
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
