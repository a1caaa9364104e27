//! `lite2pg request`: asks a running migration to pause, to go on, to go slower or to end.
//! Owns what is asked in which words; the run itself answers.

use super::{must_exist, warn_about_target};
use crate::args::{Request, What};
use crate::settings::World;
use crate::show::{Show, text};
use lite2pg_engine::run::requests::{self, Ask};
use lite2pg_engine::{Error, Result};

pub fn run(args: &Request, show: &Show) -> Result<u8> {
    let what = match (args.what, args.rate) {
        (What::Pause, None) => Ask::Pause,
        (What::Continue, None) => Ask::Continue,
        (What::Abort, None) => Ask::Abort,
        (What::Throttle, Some(rate)) => Ask::Throttle(rate),
        _ => return Err(Error::usage("only throttle takes a RATE").hint("see lite2pg help request")),
    };
    let world = World::read(args.managed.work_dir.as_deref());
    let target = world.target_or_source(&args.place, &args.managed)?;
    warn_about_target(show, &world, &target);
    must_exist(&target)?;
    let run = requests::ask(&target, &world.operator, args.run.as_deref(), what)?;
    if show.json {
        let rate = if let Ask::Throttle(rate) = what { Some(rate) } else { None };
        let request = what.text();
        let request = request.split(' ').next().unwrap_or_default();
        show.document(&serde_json::json!({
            "status": "done", "exit": 0, "run": run, "request": request, "bytes_a_second": rate,
        }));
        return Ok(0);
    }
    let run = text::clean(&run).into_owned();
    show.line(&match what {
        Ask::Pause => {
            format!("run {run} pauses: every worker holds, with its transaction open, until lite2pg request … continue")
        }
        Ask::Continue => format!("run {run} goes on"),
        Ask::Throttle(0) => format!("run {run} goes as fast as it can"),
        Ask::Throttle(rate) => format!("run {run} moves at most {}/s over all workers", text::bytes(rate)),
        Ask::Abort => format!("run {run} ends as after Ctrl-C; the same migrate command goes on with it"),
    });
    Ok(0)
}
