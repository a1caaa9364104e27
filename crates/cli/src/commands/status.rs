//! `lite2pg status` and `lite2pg history`.
//! Owns what is shown of the runs; the control tables know them.

use super::{must_exist, warn_about_target};
use crate::args::Status;
use crate::settings::World;
use crate::show::table::{self, Side};
use crate::show::text::{clean, count};
use crate::show::{Show, human};
use lite2pg_engine::Result;
use lite2pg_engine::run::{History, RunStatus, history};

pub fn run(args: &Status, all: bool, show: &Show) -> Result<u8> {
    let world = World::read(args.managed.work_dir.as_deref());
    let target = world.target_or_source(&args.place, &args.managed)?;
    warn_about_target(show, &world, &target);
    must_exist(&target)?;
    let mut history = history(&target, &world.operator)?;
    if !all {
        newest_of_each_schema(&mut history);
    }
    if show.json {
        show.document(&history);
        return Ok(0);
    }
    show.must_line(&human::head(show, "target", &clean(&history.target)));
    if history.runs.is_empty() {
        show.must_line("no run of lite2pg is recorded here");
        return Ok(0);
    }
    let titles = ["run", "status", "schema", "rows", "steps", "began (UTC)", "by", "source"];
    let mut rows = vec![titles.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()];
    rows.extend(history.runs.iter().map(row));
    let sides = [Side::Left, Side::Left, Side::Left, Side::Right, Side::Right, Side::Left, Side::Left, Side::Left];
    table::lines(&sides, &rows).iter().for_each(|l| show.must_line(&format!("  {l}")));
    if let Some(id) = history.broken_audit {
        show.warning(&format!("the audit was changed by somebody: its row {id} does not follow from the one before"));
    }
    Ok(0)
}

fn row(run: &RunStatus) -> Vec<String> {
    let status = match (run.status.as_str(), run.verified) {
        ("done", true) => "done, verified".to_owned(),
        ("done", false) => "done, not verified".to_owned(),
        (other, _) => other.to_owned(),
    };
    let of = |done: u64, all: u64| if done == all { count(all) } else { format!("{} of {}", count(done), count(all)) };
    vec![
        clean(&run.run).into_owned(),
        status,
        clean(&run.schema).into_owned(),
        of(run.rows_done, run.rows),
        of(run.steps_done, run.steps),
        clean(run.started_at.split('.').next().unwrap_or_default()).into_owned(),
        clean(&format!("{}@{}", run.operator, run.host)).into_owned(),
        clean(&run.source).into_owned(),
    ]
}

/// The runs are newest first.
fn newest_of_each_schema(history: &mut History) {
    let mut seen: Vec<String> = Vec::new();
    history.runs.retain(|run| {
        let new = !seen.contains(&run.schema);
        seen.push(run.schema.clone());
        new || run.status == "running"
    });
}
