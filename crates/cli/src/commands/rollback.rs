//! `lite2pg rollback`.
//! Owns what is shown of an undo; the engine undoes.

use super::line::Line;
use super::{observers, settings_of_existing};
use crate::args::{Global, Rollback};
use crate::settings::World;
use crate::show::{Show, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::run::TargetSpec;
use lite2pg_engine::safety::changes::{TableChange, of_row};
use lite2pg_engine::safety::rollback::{RollbackOptions, Undone, rollback_saving};
use lite2pg_engine::{Kind, Result};

/// Rows that are named for each table.
const ROWS: usize = 20;

pub fn run(args: &Rollback, global: &Global, show: &Show) -> Result<u8> {
    let world = World::read(args.way.place.work_dir.as_deref());
    let settings = settings_of_existing(show, &world, world.settings(&args.way, None, None))?;
    signals::watch(show, &signals::UNDO);
    let fan = observers(show, global, &world, "rollback", !args.dry_run, String::new())?;
    let options = RollbackOptions { dry_run: args.dry_run, discard_changes: args.discard_changes, purge: args.purge };
    let undone = rollback_saving(&settings, options, args.save_to.as_deref(), &fan, &CANCEL)?;
    drop(fan);
    // A dry run ends as the undo itself would.
    let exit = if undone.refusals.is_empty() { 0 } else { Kind::Target.exit() };
    if show.json {
        let mut document = serde_json::to_value(&undone).unwrap_or_default();
        if let Some(map) = document.as_object_mut() {
            map.insert("status".into(), if exit == 0 { "done" } else { "failed" }.into());
            map.insert("exit".into(), exit.into());
        }
        show.document(&document);
        return Ok(exit);
    }
    people(args, &undone, show);
    if args.dry_run {
        let line = again(args, &settings.target, !undone.changed.is_empty());
        show.line(&human::head(show, "go on", &line.text()));
    }
    Ok(exit)
}

/// The undo itself; what was `changed` since must be given up for it.
pub fn again(args: &Rollback, target: &TargetSpec, changed: bool) -> Line {
    let mut line = Line::new("rollback", &args.way, target);
    if args.discard_changes || changed {
        line = line.word("--discard-changes");
    }
    if let Some(file) = &args.save_to {
        line = line.flag("--save-to", &file.display().to_string());
    }
    if args.purge {
        line = line.word("--purge");
    }
    line
}

fn people(args: &Rollback, undone: &Undone, show: &Show) {
    if undone.run.is_empty() {
        let done = if undone.dry_run { "would remove" } else { "removed" };
        let what = "the control tables (schema lite2pg): every run is undone already";
        show.line(&format!("{} · {what}", show.paint().bold(done)));
        return;
    }
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
        undone.changes.iter().for_each(|change| of_table(change, undone, show));
    }
    if let Some(file) = &undone.saved_to {
        let file = file.display().to_string();
        show.line(&human::head(show, "saved", &format!("what was written since: {}", text::clean(&file))));
        show.line(&human::head(show, "", &format!("psql -f {} loads it beside", text::shell(&file))));
    }
    proven(undone, show);
    for refusal in &undone.refusals {
        show.line(&human::head(show, "refuses", &text::clean(refusal)));
    }
    if undone.dry_run || show.verbose {
        undone.sql.iter().for_each(|s| show.line(&format!("  {}", text::clean(s))));
    }
}

/// The rows of one table that were written since.
fn of_table(change: &TableChange, undone: &Undone, show: &Show) {
    show.line(&format!("    {}", text::clean(&change.words())));
    if undone.dry_run || show.verbose {
        let rows = change.named.iter().take(ROWS);
        rows.for_each(|row| show.line(&format!("      {}", text::clean(&of_row(row)))));
    }
}

fn proven(undone: &Undone, show: &Show) {
    let proof = &undone.proof;
    let what = match (proof.verified, proof.as_before, proof.before_sha256.is_empty()) {
        (false, ..) => None,
        (true, true, _) => Some("the target is as it was before the run"),
        (true, false, true) => Some("nothing of the run is left, and nothing else was touched"),
        (true, false, false) => Some("nothing of the run is left; others have changed the target since it began"),
    };
    if let Some(what) = what {
        show.line(&human::head(show, "verified", what));
    }
    let most = if show.verbose { usize::MAX } else { ROWS };
    for other in proof.others.iter().take(most) {
        show.line(&human::head(show, "", &format!("not by lite2pg: {}", text::clean(other))));
    }
    if proof.others.len() > most {
        show.line(&human::head(show, "", &format!("and {} more: -v lists them", proof.others.len() - most)));
    }
}
