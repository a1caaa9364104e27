//! The keeper's process for tests: what the hidden command of the real binary does.
//! Owns nothing; everything is in `lite2pg_engine::local::run_child`.

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

static STOP: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    match lite2pg_engine::local::run_child(std::io::stdin(), std::io::stdout(), &STOP) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
