//! `lite2pg plan`.
//! Owns where the plan is written; the engine makes it.

use super::line::Line;
use super::{decide, observers, warn_about_target};
use crate::args::{Global, Plan};
use crate::outputs::write_text;
use crate::settings::World;
use crate::show::{Show, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::run::{self, Accept, Settings, TargetSpec};
use lite2pg_engine::{Error, Result};
use lite2pg_model::plan::file;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

pub fn run(args: &Plan, global: &Global, show: &Show) -> Result<u8> {
    let world = World::read(args.way.place.work_dir.as_deref());
    let mut settings = world.settings(&args.way, Some(&args.reading), Some(&args.answers))?;
    settings.chunk_bytes = args.copying.chunk_bytes;
    warn_about_target(show, &world, &settings.target);
    signals::watch(show, &signals::LOOK);
    let to_stdout = args.output == Path::new("-");
    let line = Line::new("inspect", &args.way, &settings.target)
        .reading(&args.reading)
        .copying(&args.copying)
        .answers(&args.answers);
    // The plan itself may go to standard output; then nothing else does.
    let told = if to_stdout { show.silent() } else { show.clone() };
    let fan = observers(&told, global, &world, "plan", false, line.word("-v").text())?;
    let inspection = run::inspect(&settings, args.way.target.is_some(), &fan, &CANCEL)?;
    drop(fan);
    let plan =
        if args.sql { inspection.plan.script(&inspection.details) } else { page(args, &settings, &inspection.plan) };
    if !to_stdout {
        if !args.sql {
            keep_edits(&args.output, args.answers.plan.as_deref(), &plan)?;
        }
        write_text(&args.output, "-o", &plan)?;
    }
    if show.json {
        let mut document = serde_json::to_value(&inspection.report).unwrap_or_default();
        if let Some(map) = document.as_object_mut() {
            match to_stdout {
                true => map.insert(if args.sql { "sql" } else { "plan" }.into(), plan.into()),
                false => map.insert("written".into(), args.output.display().to_string().into()),
            };
        }
        show.document(&document);
        return Ok(inspection.report.exit);
    }
    if to_stdout {
        let shown = if std::io::stdout().is_terminal() { text::clean_lines(&plan) } else { plan };
        // A reader that went away has seen enough.
        let _ = std::io::stdout().lock().write_all(shown.as_bytes());
    } else {
        show.line(&format!("plan written to {}", text::clean(&args.output.display().to_string())));
    }
    let line = next(args, &settings.target);
    if inspection.report.exit == 0 && !to_stdout {
        show.line(&human::head(show, "next", &line.text()));
    }
    if inspection.report.exit != 0 {
        let to_stderr = if to_stdout { show.silent() } else { show.clone() };
        decide::advise(&to_stderr, &inspection.report, line, "no table was made");
    }
    Ok(inspection.report.exit)
}

/// The migration that was planned. What was chosen stands in the file, if one was written; only where it goes and how it
/// is read are flags.
pub fn next(args: &Plan, target: &TargetSpec) -> Line {
    let line = Line::new("migrate", &args.way, target).reading(&args.reading).copying(&args.copying);
    match args.sql || args.output == Path::new("-") {
        true => line.answers(&args.answers),
        false => line.plan(&args.output),
    }
}

/// The plan as the file that a person edits.
fn page(args: &Plan, settings: &Settings, plan: &lite2pg_model::plan::Plan) -> String {
    let accept: Vec<String> = settings.accept.iter().map(Accept::word).collect();
    let name = if args.output == Path::new("-") { Path::new("FILE") } else { &args.output };
    let line = Line::new("migrate", &args.way, &settings.target).reading(&args.reading).copying(&args.copying);
    let command = line.plan(name).text();
    file::write(&file::Page {
        plan,
        overrides: &settings.overrides,
        choices: &settings.choices,
        accept: &accept,
        collation_database: settings.collation_database,
        source: &args.way.source.display().to_string(),
        command: &command,
    })
}

/// A file that is there may have been edited: it is not written over by a plan that does not know of that.
fn keep_edits(path: &Path, read: Option<&Path>, plan: &str) -> Result<()> {
    let same = |other: &Path| other == path || std::fs::canonicalize(other).ok() == std::fs::canonicalize(path).ok();
    let there = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 0);
    if !there || read.is_some_and(same) || std::fs::read(path).is_ok_and(|old| old == plan.as_bytes()) {
        return Ok(());
    }
    let name = path.display();
    Err(Error::usage("is there already, and this plan is another")
        .about(name.to_string())
        .hint(format!("--plan {name} keeps what was changed in it; or remove it first, or choose another with -o")))
}
