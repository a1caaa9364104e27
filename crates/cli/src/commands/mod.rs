//! The commands: each asks the engine for one thing and shows what came of it.
//! Owns the way from arguments to an exit status; never touches a database itself.

mod backup;
mod decide;
mod dump;
mod inspect;
mod line;
mod man;
mod migrate;
mod plan;
mod rehearse;
mod request;
mod restore;
mod rollback;
mod serve;
mod status;
mod verify;

use crate::args::{Cli, Command, Global};
use crate::exit;
use crate::outputs;
use crate::settings::{World, source_of_dir};
use crate::show::Show;
use crate::show::log::{self, Lines};
use crate::show::progress::{Fan, People};
use crate::signals;
use lite2pg_engine::observe::Observer;
use lite2pg_engine::run::{Settings, TargetSpec};
use lite2pg_engine::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command that was asked for.
pub fn run(cli: &Cli) -> ExitCode {
    let show = Show::new(&cli.global);
    // First of all: nothing is opened yet that may not be written over.
    if let Err(error) = check_outputs(cli) {
        return exit::failed(&show, &error);
    }
    let out = match &cli.command {
        Command::Inspect(args) => inspect::run(args, &cli.global, &show),
        Command::Plan(args) => plan::run(args, &cli.global, &show),
        Command::Migrate(args) => migrate::run(args, &cli.global, &show),
        Command::Rehearse(args) => rehearse::run(args, &cli.global, &show),
        Command::Verify(args) => verify::run(args, &cli.global, &show),
        Command::Rollback(args) => rollback::run(args, &cli.global, &show),
        Command::Status(args) => status::run(args, &show),
        Command::History(args) => status::history_of(args, &show),
        Command::Request(args) => request::run(args, &show),
        Command::Backup(args) => backup::run(args, &cli.global, &show),
        Command::Restore(args) => restore::run(args, &cli.global, &show),
        Command::Serve(args) => serve::run(args, &show),
        Command::Dump(args) => dump::run(args, &show),
        Command::Completions { shell } => man::completions(*shell, &show),
        Command::Man { dir } => man::run(dir.as_deref(), &show),
        Command::Keeper => return serve::keeper(),
    };
    match out {
        Ok(status) => ExitCode::from(status),
        Err(error) => exit::failed(&show, &signals::next_step(error)),
    }
}

/// No file that a flag names may be the source, or another database.
fn check_outputs(cli: &Cli) -> Result<()> {
    let stdout = Path::new("-");
    let (source, output): (Option<PathBuf>, _) = match &cli.command {
        Command::Inspect(args) => (Some(args.way.source.clone()), args.report.as_deref().map(|p| ("--report", p))),
        Command::Plan(args) => (Some(args.way.source.clone()), Some(("-o", args.output.as_path()))),
        Command::Migrate(args) => (Some(args.way.source.clone()), None),
        Command::Rehearse(args) => (Some(args.way.source.clone()), None),
        Command::Verify(args) => (Some(args.way.source.clone()), None),
        Command::Rollback(args) => (Some(args.way.source.clone()), args.save_to.as_deref().map(|p| ("--save-to", p))),
        // What these write is never there before; the engine refuses.
        Command::Backup(args) => (Some(args.source.clone()), None),
        Command::Restore(args) => (Some(args.file.clone()), None),
        Command::Dump(args) => (Some(source_of_dir(&args.dir)), Some(("-o", args.output.as_path()))),
        Command::Status(_) | Command::History(_) | Command::Request(_) | Command::Serve(_) => (None, None),
        Command::Completions { .. } | Command::Man { .. } | Command::Keeper => (None, None),
    };
    let log = cli.global.log_file.as_deref().map(|p| ("--log-file", p));
    let output = output.filter(|(flag, path)| *flag != "-o" || *path != stdout);
    outputs::check(source.as_deref(), &output.into_iter().chain(log).collect::<Vec<_>>())
}

/// Who is told of events: people, the log file, JSON lines.
fn observers(
    show: &Show,
    global: &Global,
    world: &World,
    command: &str,
    writes_log: bool,
    inspect: String,
) -> Result<Fan> {
    let mut all: Vec<Box<dyn Observer + Send>> = Vec::new();
    if show.log_json {
        all.push(Box::new(Lines::new(std::io::stderr())));
    } else {
        all.push(Box::new(People::new(show, inspect, command == "migrate" && writes_log)));
    }
    if writes_log || global.log_file.is_some() {
        match log::open(global.log_file.as_deref(), &world.work_dir.join("logs"), command) {
            Ok((_, file)) => {
                log::remember(&file);
                all.push(Box::new(Lines::new(file)));
            }
            Err(e) if global.log_file.is_some() => {
                let path = global.log_file.as_deref().unwrap_or(Path::new("")).display().to_string();
                return Err(Error::usage(format!("the log file cannot be written: {e}")).about(path));
            }
            Err(e) => show.warning(&format!("no log of this run: {e}")),
        }
    }
    Ok(Fan(all))
}

/// Warnings about the target's text and files, once.
fn warn_about_target(show: &Show, world: &World, target: &TargetSpec) {
    world.read_as().into_iter().for_each(|note| show.aside(&format!("note: {note}")));
    let TargetSpec::Server(conninfo) = target else { return };
    if conninfo.password_was_in_text() {
        show.warning(
            "the password in the target can be read by every user of this machine (process list, shell history): \
             use PGPASSWORD or ~/.pgpass",
        );
    }
    conninfo.warnings().iter().for_each(|w| show.warning(w));
}

/// A command that needs a managed PostgreSQL that is there already must not make an empty one.
fn must_exist(target: &TargetSpec) -> Result<()> {
    let TargetSpec::Managed(options) = target else { return Ok(()) };
    if lite2pg_engine::local::exists(options)? {
        return Ok(());
    }
    Err(Error::target("no managed PostgreSQL of lite2pg is here")
        .about(options.dir.display().to_string())
        .hint("lite2pg migrate SOURCE makes it; for a server of your own name the TARGET"))
}

/// Settings of a command that only works where a migration was.
fn settings_of_existing(show: &Show, world: &World, settings: Result<Settings>) -> Result<Settings> {
    let settings = settings?;
    warn_about_target(show, world, &settings.target);
    must_exist(&settings.target)?;
    Ok(settings)
}
