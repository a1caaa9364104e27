//! `lite2pg status` and `lite2pg history`.
//! Owns what is asked how often; the control tables and the server know the answers (see `show::live` for a running run).

use super::line::Line;
use super::{must_exist, warn_about_target};
use crate::args::{History as Args, Status};
use crate::settings::World;
use crate::show::live;
use crate::show::table::{self, Side};
use crate::show::text::{clean, count};
use crate::show::{Show, human};
use lite2pg_engine::run::{History, RunStatus, TargetSpec, history};
use lite2pg_engine::{Error, Result};
use std::time::Duration;

/// `lite2pg status`.
pub fn run(args: &Status, show: &Show) -> Result<u8> {
    if args.watch.is_some() && show.json {
        return Err(Error::usage("--json prints one document, and --watch would print many")
            .hint("call lite2pg status --json as often as needed"));
    }
    let (world, target) = target(&args.history, show)?;
    let Some(seconds) = args.watch else {
        let mut found = history(&target, &world.operator)?;
        newest_of_each_schema(&mut found);
        return tell(&found, &target, &args.history, show, &mut live::Screen::default());
    };
    let mut screen = live::Screen::new(show);
    loop {
        let mut found = history(&target, &world.operator)?;
        newest_of_each_schema(&mut found);
        tell(&found, &target, &args.history, show, &mut screen)?;
        if found.runs.iter().all(|r| r.status != "running") {
            return Ok(0);
        }
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

/// `lite2pg history`.
pub fn history_of(args: &Args, show: &Show) -> Result<u8> {
    let (world, target) = target(args, show)?;
    let found = history(&target, &world.operator)?;
    tell(&found, &target, args, show, &mut live::Screen::default())
}

fn target(args: &Args, show: &Show) -> Result<(World, TargetSpec)> {
    let world = World::read(args.managed.work_dir.as_deref());
    let target = world.target_or_source(&args.place, &args.managed)?;
    warn_about_target(show, &world, &target);
    must_exist(&target)?;
    Ok((world, target))
}

fn tell(found: &History, target: &TargetSpec, args: &Args, show: &Show, screen: &mut live::Screen) -> Result<u8> {
    if show.json {
        show.document(found);
        return Ok(0);
    }
    let mut lines = vec![human::head(show, "target", &clean(&found.target))];
    if found.runs.is_empty() {
        lines.push("no run of lite2pg is recorded here".to_owned());
    }
    let (running, others): (Vec<&RunStatus>, Vec<&RunStatus>) = found.runs.iter().partition(|r| r.live.is_some());
    for run in running {
        lines.extend(live::lines(show, run));
        let ask = Line::to("request", target, &args.managed).text();
        lines.push(human::head(show, "ask", &format!("{ask} pause|continue|throttle RATE|abort")));
    }
    if !others.is_empty() {
        let titles = ["run", "status", "schema", "rows", "steps", "began (UTC)", "by", "source"];
        let mut rows = vec![titles.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()];
        rows.extend(others.iter().map(|r| row(r)));
        let sides = [Side::Left, Side::Left, Side::Left, Side::Right, Side::Right, Side::Left, Side::Left, Side::Left];
        lines.extend(table::lines(&sides, &rows).iter().map(|l| format!("  {l}")));
    }
    for run in others.iter().filter(|r| r.status == "interrupted") {
        let schema = (run.schema != crate::settings::DEFAULT_SCHEMA).then_some(run.schema.as_str());
        let next = |word| Line::between(word, &run.source, target, &args.managed, schema).text();
        lines.push(human::head(show, "go on", &format!("{} (and the flags it was begun with)", next("migrate"))));
        lines.push(human::head(show, "undo", &next("rollback")));
    }
    screen.put(show, &lines);
    if let Some(id) = found.broken_audit {
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
