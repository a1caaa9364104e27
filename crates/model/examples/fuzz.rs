//! Breaks the statements of `corpus/fuzz` for as long as it is told to, and sees that every one comes back: no panic, no
//! translation that takes a second, no stack that overflows, no object that is neither in the plan nor in a finding.
//! Owns the watching of the process that does it; cases and mutations are those of the tests.
//!
//! `cargo run --release -p lite2pg-model --example fuzz -- --seconds 600`
//! `cargo run --release -p lite2pg-model --example fuzz -- --case SEED:NUMBER` shows one case and runs it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    clippy::exit,
    reason = "a command of the testing kind"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::os::unix::fs::FileExt as _;
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::fuzz::{self, Seeds};

/// How long one case may take.
const LIMIT: Duration = Duration::from_secs(1);
/// What a thread of the engine has.
const STACK: usize = 2 << 20;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["--seconds", seconds] => watch(seconds, &new_seed()),
        ["--seconds", seconds, "--seed", seed] => watch(seconds, seed),
        ["--child", seconds, seed, place] => child(seconds, seed, place),
        ["--case", case] => one(case),
        _ => {
            eprintln!("usage: fuzz --seconds N [--seed SEED] | --case SEED:NUMBER");
            ExitCode::from(2)
        }
    }
}

fn new_seed() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().to_string()
}

/// The work is done by another process: a stack that overflows ends a process, and somebody must be there to tell.
fn watch(seconds: &str, seed: &str) -> ExitCode {
    println!("seed {seed}");
    let place = std::env::temp_dir().join(format!("lite2pg-fuzz-{}", std::process::id()));
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program).args(["--child", seconds, seed]).arg(&place).status().unwrap();
    let last = std::fs::read(&place).unwrap_or_default();
    let _ = std::fs::remove_file(&place);
    if status.code().is_some() {
        return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let number = u64::from_le_bytes(last.try_into().unwrap_or_default());
    println!("{status} at --case {seed}:{number}");
    let case = Seeds::read(&fuzz::corpus()).case(seed.parse().unwrap(), number);
    println!("{}", case.raw.objects[case.at].sql.as_deref().unwrap_or_default());
    ExitCode::FAILURE
}

fn child(seconds: &str, seed: &str, place: &str) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        if !lite2pg_model::sql::guard::is_guarded() {
            eprintln!("{info}");
        }
    }));
    let (seconds, seed): (u64, u64) = (seconds.parse().unwrap(), seed.parse().unwrap());
    let place = std::fs::File::create(place).unwrap();
    let work = move || {
        let seeds = Seeds::read(&fuzz::corpus());
        let mut at = |number: u64| drop(place.write_at(&number.to_le_bytes(), 0));
        seeds.run(seed, 0, Duration::from_secs(seconds), LIMIT, &mut at)
    };
    let tally = std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
    for fault in tally.faults.iter().take(20) {
        println!("--case {seed}:{}: {}\n{}\n", fault.number, fault.what, fault.sql);
    }
    println!(
        "{} cases in {seconds} s, {} carried though broken, the longest took {:?}, {} faults",
        tally.cases,
        tally.carried,
        tally.slowest,
        tally.faults.len()
    );
    if tally.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(case: &str) -> ExitCode {
    let (seed, number) = case.split_once(':').unwrap_or_default();
    let case = Seeds::read(&fuzz::corpus()).case(seed.parse().unwrap(), number.parse().unwrap());
    println!("{}", case.raw.objects[case.at].sql.as_deref().unwrap_or_default());
    println!("{:?}", fuzz::check(&case));
    ExitCode::SUCCESS
}
