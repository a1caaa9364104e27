//! `lite2pg rollback`.
//! Owns what is shown of an undo; the engine undoes.

use super::line::Line;
use super::{observers, settings_of_existing};
use crate::args::{Global, Rollback};
use crate::settings::World;
use crate::show::{Show, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::Result;
use lite2pg_engine::run::TargetSpec;
use lite2pg_engine::safety::rollback::{RollbackOptions, Undone, rollback};

pub fn run(args: &Rollback, global: &Global, show: &Show) -> Result<u8> {
    let world = World::read(args.way.place.work_dir.as_deref());
    let settings = settings_of_existing(show, &world, world.settings(&args.way, None, None))?;
    signals::watch(show, &signals::UNDO);
    let fan = observers(show, global, &world, "rollback", !args.dry_run, String::new())?;
    let options = RollbackOptions { dry_run: args.dry_run, discard_changes: args.discard_changes, purge: args.purge };
    let undone = rollback(&settings, options, &fan, &CANCEL)?;
    drop(fan);
    if show.json {
        let mut document = serde_json::to_value(&undone).unwrap_or_default();
        if let Some(map) = document.as_object_mut() {
            map.insert("status".into(), "done".into());
            map.insert("exit".into(), 0.into());
        }
        show.document(&document);
        return Ok(0);
    }
    people(args, &undone, show);
    if args.dry_run {
        let line = again(args, &settings.target, !undone.changed.is_empty());
        show.line(&human::head(show, "go on", &line.text()));
    }
    Ok(0)
}

/// The undo itself; what was `changed` since must be given up for it.
pub fn again(args: &Rollback, target: &TargetSpec, changed: bool) -> Line {
    let mut line = Line::new("rollback", &args.way, target);
    if args.discard_changes || changed {
        line = line.word("--discard-changes");
    }
    if args.purge {
        line = line.word("--purge");
    }
    line
}

fn people(args: &Rollback, undone: &Undone, show: &Show) {
    let tables = text::counted(undone.tables.len() as u64, "table", "tables");
    let rows = text::counted(undone.rows, "row", "rows");
    let what = if undone.was_published { "published" } else { "unfinished" };
    let done = if undone.dry_run { "would undo" } else { "undone" };
    let run = text::clean(&undone.run);
    show.line(&format!("{} · the {what} run {run}: {tables} with {rows}", show.paint().bold(done)));
    if undone.schema_removed {
        show.line("  and the schema, which the run had made");
    }
    if undone.purged {
        show.line("  and the control tables (schema lite2pg)");
    } else if !args.dry_run {
        show.line("  schema lite2pg keeps the history (--purge removes that too)");
    }
    if !undone.changed.is_empty() {
        let names = undone.changed.iter().map(|t| text::clean(t).into_owned()).collect::<Vec<_>>().join(", ");
        show.line(&format!("  {} {names}", show.paint().warn("changed since they were published:")));
    }
    if undone.dry_run || show.verbose {
        undone.sql.iter().for_each(|s| show.line(&format!("  {}", text::clean(s))));
    }
}
