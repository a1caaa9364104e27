//! The binary `lite2pg`: reads the arguments, runs one command, ends with its exit status.
//! Owns nothing but that order; never knows what a command does.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod exit;
mod outputs;
mod panics;
mod said;
mod settings;
mod show;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    let as_json = exit::wants_json(&std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>());
    panics::told(as_json, || match args::read(std::env::args_os()) {
        Ok(cli) => commands::run(&cli),
        Err(refused) => exit::refused(&refused, std::env::args_os()),
    })
}
