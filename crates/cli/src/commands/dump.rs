//! `lite2pg dump`.
//! Owns where the SQL is written; the engine makes it.

use super::must_exist;
use crate::args::Dump;
use crate::outputs;
use crate::settings::{World, managed_dir_of};
use crate::show::{Show, human, text};
use lite2pg_engine::run::TargetSpec;
use lite2pg_engine::{Error, Result, local};
use std::fs;
use std::io::{BufWriter, IsTerminal as _};
use std::path::Path;

pub fn run(args: &Dump, show: &Show) -> Result<u8> {
    let world = World::read(args.place.work_dir.as_deref());
    let options = world.managed(&managed_dir_of(&args.dir)?, &args.place);
    let to_stdout = args.output == Path::new("-");
    if to_stdout {
        may_go_to_stdout(show)?;
    }
    must_exist(&TargetSpec::Managed(options.clone()))?;
    if to_stdout {
        local::dump(&options, BufWriter::new(std::io::stdout().lock()))?;
        return Ok(0);
    }
    outputs::write(&args.output, "-o", |file| local::dump(&options, file))?;
    let bytes = fs::metadata(&args.output).map_or(0, |m| m.len());
    if show.json {
        show.document(&serde_json::json!({
            "status": "done", "exit": 0, "written": args.output.display().to_string(), "bytes": bytes,
        }));
        return Ok(0);
    }
    let file = args.output.display().to_string();
    show.line(&format!("{} · {} in {}", show.paint().bold("dumped"), text::bytes(bytes), text::clean(&file)));
    let load = format!("psql -X -v ON_ERROR_STOP=1 -f {} postgresql://user@host/an_empty_database", text::shell(&file));
    show.line(&human::head(show, "load", &load));
    Ok(0)
}

/// Rows are written as they are, and their characters could steer a terminal.
fn may_go_to_stdout(show: &Show) -> Result<()> {
    if show.json {
        return Err(Error::usage("--json and -o - would both write to standard output").hint("name a file with -o"));
    }
    if std::io::stdout().is_terminal() {
        return Err(Error::usage("-o - would write the rows, whatever is in them, to a terminal")
            .hint("redirect standard output (> FILE, or | psql …), or name a file with -o"));
    }
    Ok(())
}
