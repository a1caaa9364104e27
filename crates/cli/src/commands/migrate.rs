//! `lite2pg migrate`.
//! Owns what is shown of a migration; the engine does it.

use super::line::Line;
use super::{decide, observers, warn_about_target};
use crate::args::{Global, Migrate, OnFailure, RETRY_FOR};
use crate::exit;
use crate::settings::World;
use crate::show::connect::Address;
use crate::show::progress::Fan;
use crate::show::{Show, findings, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::observe::Report;
use lite2pg_engine::run::{self, Settings, TargetSpec};
use lite2pg_engine::{Error, Kind, Result};
use std::time::{Duration, Instant};

pub fn run(args: &Migrate, global: &Global, show: &Show) -> Result<u8> {
    let world = World::read(args.way.place.work_dir.as_deref());
    let mut settings = world.settings(&args.way, Some(&args.reading), Some(&args.answers))?;
    settings.chunk_bytes = args.copying.chunk_bytes;
    settings.verify = !args.no_verify;
    settings.max_rejects = args.max_rejects;
    settings.retry_for = Duration::from_secs(args.retry_for);
    settings.rollback_on_failure = args.on_failure == OnFailure::Rollback;
    if !args.dry_run {
        world.make_places(&mut settings)?;
    }
    warn_about_target(show, &world, &settings.target);
    signals::watch(
        show,
        match (args.dry_run, settings.rollback_on_failure) {
            // One transaction.
            _ if args.retry_rejected => &signals::UNDO,
            (true, _) => &signals::TRIAL,
            (false, true) => &signals::BACK,
            (false, false) => &signals::KEEP,
        },
    );
    let inspect = Line::new("inspect", &args.way, &settings.target)
        .reading(&args.reading)
        .copying(&args.copying)
        .answers(&args.answers);
    let fan = observers(show, global, &world, "migrate", !args.dry_run, inspect.word("-v").text())?;
    if args.dry_run {
        return dry_run(args, &settings, &fan, show);
    }
    let begin = Instant::now();
    if args.retry_rejected {
        let report = run::retry(&settings, &fan, &CANCEL)?;
        drop(fan);
        retried(&report, show);
        return Ok(report.exit);
    }
    let outcome = run::migrate(&settings, &fan, &CANCEL);
    drop(fan);
    match outcome {
        Ok(mut report) => {
            // The engine's time ends before a managed server has stopped; a person waits for that too.
            report.seconds = begin.elapsed().as_secs_f64();
            finished(args, &settings, &report, show);
            Ok(report.exit)
        }
        Err(error) => Err(next_command(args, &settings, error)),
    }
}

/// The hint of an interrupted run is the very command to type.
fn next_command(args: &Migrate, settings: &Settings, mut error: Error) -> Error {
    if error.kind == Kind::Interrupted && !settings.rollback_on_failure {
        let again = again(args, &settings.target).text();
        let undo = Line::new("rollback", &args.way, &settings.target).text();
        error.hint = Some(format!("to go on:  {again}\nto undo:   {undo}"));
    }
    if error.kind == Kind::Interrupted && error.hint == run::pool::interrupted().hint {
        // No run had begun that could be rolled back.
        error.hint = Some("no table was made; the same command begins again".to_owned());
    }
    error
}

/// The same command.
pub fn again(args: &Migrate, target: &TargetSpec) -> Line {
    let mut line =
        Line::new("migrate", &args.way, target).reading(&args.reading).copying(&args.copying).answers(&args.answers);
    if args.no_verify {
        line = line.word("--no-verify");
    }
    if let Some(most) = args.max_rejects {
        line = line.flag("--max-rejects", &most.to_string());
    }
    if args.retry_for.to_string() != RETRY_FOR {
        line = line.flag("--retry-for", &args.retry_for.to_string());
    }
    match args.on_failure {
        OnFailure::Keep => line,
        OnFailure::Rollback => line.flag("--on-failure", "rollback"),
    }
}

/// The command that tries rejected rows again.
pub fn retry(args: &Migrate, target: &TargetSpec) -> Line {
    Line::new("migrate", &args.way, target).readers(&args.reading).word("--retry-rejected")
}

fn compare(args: &Migrate, target: &TargetSpec) -> Line {
    Line::new("verify", &args.way, target).reading(&args.reading)
}

fn finished(args: &Migrate, settings: &Settings, report: &Report, show: &Show) {
    if show.json {
        return show.document(report);
    }
    match report.exit {
        0 if report.already_done => already_done(args, settings, report, show),
        0 => done(args, settings, report, show),
        5 => decide::advise(show, report, again(args, &settings.target), "no table was made"),
        _ => different(args, settings, report, show),
    }
}

fn done(args: &Migrate, settings: &Settings, report: &Report, show: &Show) {
    body(settings, report, show);
    show.line("");
    let schema = text::clean(&report.schema);
    let what = show.paint().bold(&format!("published to schema {schema}"));
    let unverified = if args.no_verify { " · not verified (--no-verify)" } else { "" };
    show.line(&format!("{what} · {}{unverified}", human::cost(report)));
    if report.rejected > 0 {
        rejected(args, settings, report, show);
    }
    ways(args, settings, show);
}

/// Rows that did not arrive: how many, where they lie, and what to do about them. Loud: they are not in their tables.
fn rejected(args: &Migrate, settings: &Settings, report: &Report, show: &Show) {
    let rows = text::counted(report.rejected, "row was", "rows were");
    show.warning(&format!("{rows} rejected and not copied; whole in lite2pg.rejected_row of the target"));
    let run = text::clean(&report.run).replace('\'', "''");
    let see = format!("SELECT table_name, key, column_name, reason FROM lite2pg.rejected_row WHERE run = '{run}'");
    show.line(&human::head(show, "see", &see));
    show.line(&human::head(show, "retry", &retry(args, &settings.target).text()));
}

/// What another try of rejected rows came to.
fn retried(report: &Report, show: &Show) {
    if show.json {
        return show.document(report);
    }
    let arrived = text::counted(report.retried, "rejected row", "rejected rows");
    let what = show.paint().bold(&format!("{arrived} arrived"));
    show.line(&format!("{what} · {} left · {}", text::count(report.rejected), human::cost(report)));
    let told = |code: &str| code == run::retry::REJECTED || code == run::finish::DIFFERENT;
    let left: Vec<_> = report.findings.iter().filter(|f| told(&f.code)).cloned().collect();
    for line in findings::lines(&left, usize::MAX - 1, "", show) {
        if show.quiet { text::to_stderr(&line) } else { show.line(&line) }
    }
}

fn body(settings: &Settings, report: &Report, show: &Show) {
    show.line("");
    human::tables(show, report).iter().for_each(|l| show.line(l));
    if !report.tables.is_empty() {
        show.line("");
    }
    let objects = human::objects(&report.objects);
    if !objects.is_empty() {
        show.line(&format!("  {} {objects}", show.paint().dim("carried")));
    }
    if let Some(proven) = human::proven(report) {
        show.line(&format!("  {}  {proven}", show.paint().dim("proven")));
    }
    for line in human::not_compared(report) {
        show.line(&format!("  {} {line}", show.paint().dim("not compared")));
    }
    let stages = human::stages(report, matches!(settings.target, TargetSpec::Managed(_)));
    if !stages.is_empty() {
        show.line(&format!("  {}    {stages}", show.paint().dim("time")));
    }
}

fn already_done(args: &Migrate, settings: &Settings, report: &Report, show: &Show) {
    let tables = text::counted(report.tables.len() as u64, "table", "tables");
    let rows = text::counted(report.tables.iter().map(|t| t.rows).sum(), "row", "rows");
    let equal = !report.tables.is_empty() && report.tables.iter().all(|t| t.verified);
    let proven = if equal { "; both sides were equal then, as many rows are there now, and" } else { ";" };
    let run = text::clean(&report.run);
    let what = show.paint().bold("already done");
    show.line(&format!("{what} · run {run} published {tables} with {rows}{proven} the source has not changed since"));
    // Rows of the target may have changed: this looks at them.
    show.line(&human::head(show, "compare", &compare(args, &settings.target).text()));
    show.line(&human::head(show, "undo", &Line::new("rollback", &args.way, &settings.target).text()));
}

fn different(args: &Migrate, settings: &Settings, report: &Report, show: &Show) {
    body(settings, report, show);
    show.line("");
    let only: Vec<_> = report.findings.iter().filter(|f| f.blocks()).cloned().collect();
    for line in findings::lines(&only, usize::MAX - 1, "", show) {
        if show.quiet { text::to_stderr(&line) } else { show.line(&line) }
    }
    let mut error = Error::new(Kind::Different, "the two sides differ; nothing was published");
    if !args.dry_run {
        error = error.hint(format!("to undo:  {}", Line::new("rollback", &args.way, &settings.target).text()));
    }
    show.error(&error, &exit::causes(&error));
}

/// How to connect, how to carry it away, how to undo.
fn ways(args: &Migrate, settings: &Settings, show: &Show) {
    let undo = Line::new("rollback", &args.way, &settings.target).text();
    match &settings.target {
        TargetSpec::Managed(options) => {
            let serve = Line::of_dir("serve", &options.dir, &args.way.place).text();
            show.line(&human::head(show, "connect", &serve));
            show.line(
                "         (runs it until Ctrl-C and prints its address for psql, SQLAlchemy, Django, Rails and Node)",
            );
            let sql = format!("{}.sql", options.dbname);
            let dump = Line::of_dir("dump", &options.dir, &args.way.place).flag("-o", &sql).text();
            show.line(&human::head(show, "carry", &dump));
        }
        TargetSpec::Server(conninfo) => {
            let forms = Address::of(conninfo, &settings.schema).map(|a| a.forms()).unwrap_or_default();
            for (i, (name, form)) in forms.iter().enumerate() {
                let form = format!("{name:<11} {}", text::clean(form));
                show.line(&human::head(show, if i == 0 { "connect" } else { "" }, &form));
            }
        }
    }
    show.line(&human::head(show, "undo", &undo));
}

fn dry_run(args: &Migrate, settings: &Settings, fan: &Fan, show: &Show) -> Result<u8> {
    let dry = run::dry_run(settings, fan, &CANCEL)?;
    let report = &dry.report;
    if show.json {
        let mut document = serde_json::to_value(report).unwrap_or_default();
        if let Some(map) = document.as_object_mut() {
            map.insert("dry_run".into(), true.into());
            map.insert("sample_rows".into(), dry.sample_rows.into());
            map.insert("estimate_seconds".into(), dry.estimate_seconds.into());
            map.insert("estimate_bytes".into(), dry.estimate_bytes.into());
        }
        show.document(&document);
        return Ok(report.exit);
    }
    let rows = text::counted(dry.sample_rows, "sample row", "sample rows");
    show.line("");
    show.line(&format!(
        "{} · every statement was tried, {rows} were copied and read back; all of it was taken back",
        show.paint().bold("dry run")
    ));
    let (seconds, bytes) = (text::seconds(dry.estimate_seconds), text::bytes(dry.estimate_bytes));
    show.line(&human::head(show, "estimate", &format!("about {seconds} for the rows, {bytes} without indexes")));
    match report.exit {
        0 => show.line(&human::head(show, "go on", &again(args, &settings.target).text())),
        5 => decide::advise(show, report, again(args, &settings.target), "nothing was kept in the target"),
        _ => different(args, settings, report, show),
    }
    Ok(report.exit)
}
