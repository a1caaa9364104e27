//! `lite2pg migrate`.
//! Owns what is shown of a migration; the engine does it.

use super::line::Line;
use super::{decide, observers, warn_about_target};
use crate::args::{Global, Migrate, OnFailure, RETRY_FOR};
use crate::exit;
use crate::settings::World;
use crate::show::connect::Address;
use crate::show::progress::Fan;
use crate::show::table::{self, Side};
use crate::show::{Show, findings, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::observe::{Event, Observer, Report};
use lite2pg_engine::run::estimate::Estimate;
use lite2pg_engine::run::{self, Settings, TargetSpec};
use lite2pg_engine::{Error, Kind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    signals::watch_then(
        show,
        match (args.dry_run, settings.rollback_on_failure) {
            // One transaction.
            _ if args.retry_rejected => &signals::UNDO,
            (true, _) => &signals::TRIAL,
            (false, true) => &signals::BACK,
            (false, false) => &signals::KEEP,
        },
        if args.dry_run || args.retry_rejected { String::new() } else { ways_on(args, &settings) },
    );
    let inspect = Line::new("inspect", &args.way, &settings.target)
        .reading(&args.reading)
        .copying(&args.copying)
        .answers(&args.answers);
    let mut fan = observers(show, global, &world, "migrate", !args.dry_run, inspect.word("-v").text())?;
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
    let begun = Begun::default();
    fan.0.push(Box::new(begun.clone()));
    CANCEL.throttle(args.throttle.unwrap_or(0));
    let outcome = run::migrate(&settings, &fan, &CANCEL);
    drop(fan);
    match outcome {
        Ok(mut report) => {
            // The engine's time ends before a managed server has stopped; a person waits for that too.
            report.seconds = begin.elapsed().as_secs_f64();
            finished(args, &settings, &report, show);
            Ok(report.exit)
        }
        Err(error) => Err(next_command(args, &settings, begun.0.load(Ordering::Relaxed), error)),
    }
}

/// Whether there is a run that can be gone on with or undone.
#[derive(Clone, Default)]
struct Begun(Arc<AtomicBool>);

impl Observer for Begun {
    fn see(&self, event: &Event) {
        if matches!(event, Event::RunStarted { .. } | Event::Resumed { .. }) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// The hint of an interrupted run is the very command to type.
fn next_command(args: &Migrate, settings: &Settings, begun: bool, mut error: Error) -> Error {
    if error.kind != Kind::Interrupted {
        return error;
    }
    let again = again(args, &settings.target).text();
    let hint = match (settings.rollback_on_failure, begun) {
        (false, true) => ways_on(args, settings),
        (false, false) => format!("no table was made; to begin again:  {again}{}", password(settings)),
        (true, _) => {
            let taken_back = error.hint.filter(|_| begun).unwrap_or_else(|| "no table was made".to_owned());
            format!("{taken_back}\nto begin again:  {again}{}", password(settings))
        }
    };
    error.hint = Some(hint);
    error
}

/// Both ways on from an unfinished run, each as it is typed.
fn ways_on(args: &Migrate, settings: &Settings) -> String {
    let again = again(args, &settings.target).text();
    let undo = Line::new("rollback", &args.way, &settings.target).text();
    format!("to go on:  {again}\nto undo:   {undo}{}", password(settings))
}

/// What a command that is told cannot hold.
fn password(settings: &Settings) -> &'static str {
    match &settings.target {
        TargetSpec::Server(conninfo) if conninfo.password_was_in_text() => {
            "\n(the password is not repeated: give it by PGPASSWORD or ~/.pgpass)"
        }
        _ => "",
    }
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
    if let Some(rate) = args.throttle {
        line = line.flag("--throttle", &super::line::size_text(rate));
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

pub(super) fn body(settings: &Settings, report: &Report, show: &Show) {
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
            map.insert("estimate_seconds".into(), dry.estimate.seconds.into());
            map.insert("estimate_bytes".into(), dry.estimate.table_bytes.into());
            map.insert("estimate".into(), serde_json::to_value(&dry.estimate).unwrap_or_default());
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
    estimated(&dry.estimate, show);
    match report.exit {
        0 => show.line(&human::head(show, "go on", &again(args, &settings.target).text())),
        5 => decide::advise(show, report, again(args, &settings.target), "nothing was kept in the target"),
        _ => different(args, settings, report, show),
    }
    Ok(report.exit)
}

/// Tables that are shown without `-v`: those that take longest.
const SLOWEST: usize = 5;

/// How long it may take and how much room it needs, as a short table.
fn estimated(estimate: &Estimate, show: &Show) {
    let workers = text::counted(estimate.workers as u64, "worker", "workers");
    let all = text::seconds(estimate.seconds);
    show.line(&human::head(show, "estimate", &format!("about {all} with {workers}, from the rates of the sample")));
    let stages = estimate.stages.iter().filter(|s| s.seconds >= 0.001 && s.seconds >= estimate.seconds / 100.0);
    let stages: Vec<String> = stages.map(|s| format!("{} {}", s.name, text::seconds(s.seconds))).collect();
    show.line(&human::head(show, "", &stages.join(" · ")));
    let mut tables: Vec<_> = estimate.tables.iter().collect();
    tables.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let most = if show.verbose { usize::MAX } else { SLOWEST };
    let titles = ["table", "rows", "about", "rows/s", "table", "indexes"].map(str::to_owned).to_vec();
    let rows = tables.iter().take(most).map(|t| {
        vec![
            table::cut(&text::clean(&t.name), 48),
            text::count(t.rows),
            text::seconds(t.seconds),
            text::count(t.rows_a_second as u64),
            text::bytes(t.table_bytes),
            text::bytes(t.index_bytes),
        ]
    });
    let sides = [Side::Left, Side::Right, Side::Right, Side::Right, Side::Right, Side::Right];
    let lines = table::lines(&sides, &std::iter::once(titles).chain(rows).collect::<Vec<_>>());
    lines.iter().for_each(|line| show.line(&format!("  {line}")));
    let (tables, indexes) = (text::bytes(estimate.table_bytes), text::bytes(estimate.index_bytes));
    let wal = text::bytes(estimate.wal_bytes);
    show.line(&human::head(
        show,
        "space",
        &format!("about {tables} for tables, {indexes} for indexes, {wal} of log meanwhile"),
    ));
    show.line(&human::head(show, "", "on the target's disk; how much is free there cannot be asked over SQL"));
    if estimate.source_copy_bytes > 0 {
        let copy = text::bytes(estimate.source_copy_bytes);
        show.line(&human::head(show, "", &format!("and {copy} here for a private copy of the source")));
    }
}
