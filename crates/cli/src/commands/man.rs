//! `lite2pg man` and `lite2pg completions`: made from the grammar itself.
//! Owns where they are written; never a word of their text.

use crate::args;
use crate::show::Show;
use clap_complete::Shell;
use clap_mangen::Man;
use lite2pg_engine::{Error, Result};
use std::io::Write as _;
use std::path::Path;

/// Prints the page of `lite2pg` with every command, or writes one page per command.
pub fn run(dir: Option<&Path>, show: &Show) -> Result<u8> {
    let mut grammar = args::grammar();
    grammar.build();
    let failed = |path: &Path, e: std::io::Error| {
        Error::usage(format!("cannot be written: {e}"))
            .about(path.display().to_string())
            .hint("choose another directory")
    };
    let Some(dir) = dir else {
        not_json(show, "the manual page")?;
        let page = page(grammar).map_err(|e| failed(Path::new("the manual page"), e))?;
        // A reader that went away has seen enough.
        let _ = std::io::stdout().lock().write_all(&page);
        return Ok(0);
    };
    std::fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
    clap_mangen::generate_to(args::grammar().disable_help_subcommand(true), dir).map_err(|e| failed(dir, e))?;
    if show.json {
        show.document(&serde_json::json!({ "status": "done", "exit": 0, "written": dir.display().to_string() }));
    }
    Ok(0)
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    Man::new(command).render(&mut out)?;
    Ok(out)
}

/// Prints the completions of a shell.
pub fn completions(shell: Shell, show: &Show) -> Result<u8> {
    not_json(show, "a shell's completions")?;
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut args::grammar(), "lite2pg", &mut out);
    // A reader that went away has seen enough.
    let _ = std::io::stdout().lock().write_all(&out);
    Ok(0)
}

/// Standard output has one JSON document or this text, never both.
fn not_json(show: &Show, what: &str) -> Result<()> {
    match show.json {
        true => Err(Error::usage(format!("{what} is no JSON document")).hint("leave out --json")),
        false => Ok(()),
    }
}
