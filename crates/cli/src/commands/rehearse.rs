//! `lite2pg rehearse`.
//! Owns what is shown of a rehearsal; the engine does it.

use super::line::Line;
use super::{decide, migrate, observers, warn_about_target};
use crate::args::{Global, Rehearse};
use crate::exit;
use crate::settings::World;
use crate::show::{Show, findings, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::run::{self, Rehearsal, TargetSpec, Where};
use lite2pg_engine::{Error, Kind, Result};

pub fn run(args: &Rehearse, global: &Global, show: &Show) -> Result<u8> {
    let world = World::read(args.way.place.work_dir.as_deref());
    let mut settings = world.settings(&args.way, Some(&args.reading), Some(&args.answers))?;
    settings.chunk_bytes = args.copying.chunk_bytes;
    settings.max_rejects = args.max_rejects;
    world.make_places(&mut settings)?;
    warn_about_target(show, &world, &settings.target);
    let same = again(args, &settings.target).text();
    signals::watch_then(show, &signals::REHEARSAL, format!("to begin again:  {same}"));
    let inspect = Line::new("inspect", &args.way, &settings.target)
        .reading(&args.reading)
        .copying(&args.copying)
        .answers(&args.answers);
    let fan = observers(show, global, &world, "rehearse", true, inspect.word("-v").text())?;
    let outcome = run::rehearse(&settings, args.keep, &fan, &CANCEL);
    drop(fan);
    let rehearsal = outcome.map_err(|mut error| {
        if error.kind == Kind::Interrupted {
            error.hint = Some(format!("nothing is left of the rehearsal; to begin again:  {same}"));
        }
        error
    })?;
    if show.json {
        show.document(&document(&rehearsal));
        return Ok(rehearsal.report.exit);
    }
    people(args, &settings, &rehearsal, show);
    Ok(rehearsal.report.exit)
}

/// The same rehearsal.
pub fn again(args: &Rehearse, target: &TargetSpec) -> Line {
    let line = Line::new("rehearse", &args.way, target);
    let line = if args.keep { line.word("--keep") } else { line };
    answered(line, args)
}

/// The migration that was rehearsed.
fn real(args: &Rehearse, target: &TargetSpec) -> Line {
    answered(Line::new("migrate", &args.way, target), args)
}

fn answered(line: Line, args: &Rehearse) -> Line {
    let line = line.reading(&args.reading).copying(&args.copying).answers(&args.answers);
    match args.max_rejects {
        Some(most) => line.flag("--max-rejects", &most.to_string()),
        None => line,
    }
}

fn document(rehearsal: &Rehearsal) -> serde_json::Value {
    let mut document = serde_json::to_value(&rehearsal.report).unwrap_or_default();
    if let Some(map) = document.as_object_mut() {
        map.insert("rehearsal".into(), true.into());
        map.insert("place".into(), rehearsal.place.words().into());
        map.insert("kept".into(), rehearsal.kept.into());
        map.insert("swept".into(), rehearsal.swept.clone().into());
        map.insert("expected_seconds".into(), rehearsal.report.seconds.into());
        if rehearsal.kept {
            let (connect, remove) = kept(&rehearsal.place);
            map.insert("connect".into(), connect.into());
            map.insert("remove".into(), remove.into());
        }
    }
    document
}

/// How to look into a place that stays, and how to be rid of it.
fn kept(place: &Where) -> (String, String) {
    match place {
        Where::Local { options, dirs } => {
            let dir = |d: &std::path::Path| text::shell(&d.display().to_string());
            let all: Vec<String> = dirs.iter().map(|d| dir(d)).collect();
            (format!("lite2pg serve {}", dir(&options.dir)), format!("rm -r -f {}", all.join(" ")))
        }
        Where::Database { target, name, server } => {
            let at = match target.as_ref() {
                TargetSpec::Server(conninfo) => conninfo.display(),
                TargetSpec::Managed(options) => options.dir.display().to_string(),
            };
            let drop = format!("DROP DATABASE \"{name}\"");
            (format!("psql {}", text::shell(&at)), format!("psql {} -c {}", text::shell(server), text::shell(&drop)))
        }
    }
}

fn people(args: &Rehearse, settings: &run::Settings, rehearsal: &Rehearsal, show: &Show) {
    let report = &rehearsal.report;
    let go_on = real(args, &settings.target);
    let nothing = "it was only a rehearsal, nothing is left of it";
    match report.exit {
        5 => decide::advise(show, report, again(args, &settings.target), nothing),
        exit => {
            migrate::body(settings, report, show);
            show.line("");
            let cost = human::cost(report);
            show.line(&format!(
                "{} in {} · {cost}",
                show.paint().bold("rehearsed"),
                text::clean(&rehearsal.place.words())
            ));
            if exit == 0 {
                let whose = match rehearsal.place {
                    Where::Local { .. } => "with a PostgreSQL of this machine",
                    Where::Database { .. } => "on this server, as busy as it was now",
                };
                let seconds = text::seconds(report.seconds);
                show.line(&human::head(show, "expect", &format!("about {seconds} for the real run {whose}")));
                show.line(&human::head(show, "go on", &go_on.text()));
            } else {
                different(rehearsal, show);
            }
        }
    }
    for swept in &rehearsal.swept {
        show.line(&human::head(show, "removed", &format!("{}, left by a killed rehearsal", text::clean(swept))));
    }
    if rehearsal.kept {
        let (connect, remove) = kept(&rehearsal.place);
        show.line(&human::head(show, "connect", &connect));
        show.line(&human::head(show, "remove", &remove));
    }
}

fn different(rehearsal: &Rehearsal, show: &Show) {
    let only: Vec<_> = rehearsal.report.findings.iter().filter(|f| f.blocks()).cloned().collect();
    for line in findings::lines(&only, usize::MAX - 1, "", show) {
        if show.quiet { text::to_stderr(&line) } else { show.line(&line) }
    }
    let error = Error::new(Kind::Different, "the two sides differ; the real run would publish nothing");
    show.error(&error, &exit::causes(&error));
}
