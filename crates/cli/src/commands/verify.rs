//! `lite2pg verify`.
//! Owns what is shown of a comparison; the engine compares.

use super::line::Line;
use super::{observers, settings_of_existing};
use crate::args::{self, Global, Verify};
use crate::exit;
use crate::settings::World;
use crate::show::{Show, findings, human, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::run::TargetSpec;
use lite2pg_engine::{Error, Kind, Result, verify};

pub fn run(args: &Verify, global: &Global, show: &Show) -> Result<u8> {
    let world = World::read(args.way.place.work_dir.as_deref());
    let settings = settings_of_existing(show, &world, world.settings(&args.way, Some(&args.reading), None))?;
    signals::watch(show, &signals::LOOK);
    let inspect = Line::new("inspect", &args.way, &settings.target).reading(&args.reading).word("-v").text();
    let fan = observers(show, global, &world, "verify", true, inspect)?;
    let level = match args.level {
        args::Level::Counts => verify::Level::Counts,
        args::Level::Checksums => verify::Level::Checksums,
        args::Level::Rows => verify::Level::Rows,
    };
    let begin = std::time::Instant::now();
    let mut report = verify::verify(&settings, level, &fan, &CANCEL)?;
    drop(fan);
    // A managed server has stopped by now; a person waited for that too.
    report.seconds = begin.elapsed().as_secs_f64();
    if show.json {
        show.document(&report);
        return Ok(report.exit);
    }
    show.line("");
    human::tables(show, &report).iter().for_each(|l| show.line(l));
    if let Some(proven) = human::proven(&report) {
        show.line("");
        show.line(&format!("  {proven}"));
    }
    for line in human::not_compared(&report) {
        show.line(&format!("  {} {line}", show.paint().dim("not compared")));
    }
    show.line("");
    if report.rejected > 0 {
        let rows = text::counted(report.rejected, "row of the source was", "rows of the source were");
        show.warning(&format!("{rows} rejected: whole in lite2pg.rejected_row of the target, not in the tables"));
    }
    if report.exit == 0 {
        let run = text::clean(&report.run);
        let what = match level {
            verify::Level::Counts => "as many rows",
            verify::Level::Checksums => "equal",
            verify::Level::Rows => "every row equal",
        };
        show.line(&format!("{} · run {run} · {}", show.paint().bold(what), human::cost(&report)));
        if level == verify::Level::Counts {
            let line = again(args, &settings.target).text();
            show.line(&human::head(show, "compare", &format!("{line}   (every value, not only the number of rows)")));
        }
        return Ok(0);
    }
    for line in findings::lines(&report.findings, usize::MAX - 1, "", show) {
        if show.quiet { text::to_stderr(&line) } else { show.line(&line) }
    }
    for line in human::differences(&report) {
        if show.quiet { text::to_stderr(&line) } else { show.line(&line) }
    }
    if level != verify::Level::Rows {
        let line = again(args, &settings.target).flag("--level", "rows").text();
        show.line(&human::head(show, "rows", &format!("{line}   (names the rows that differ)")));
    }
    let error = Error::new(Kind::Different, "the two sides differ");
    show.error(&error, &exit::causes(&error));
    Ok(report.exit)
}

/// The same comparison, as close as it is by default.
pub fn again(args: &Verify, target: &TargetSpec) -> Line {
    Line::new("verify", &args.way, target).reading(&args.reading)
}
