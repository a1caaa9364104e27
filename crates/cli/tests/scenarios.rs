//! Plays every file of `corpus/scenarios`: a fault, then resume or rollback, and everything must be as it was promised.
//! Owns nothing but the order; `LITE2PG_SCENARIO=word` plays only files whose name contains the word.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod faults;

use faults::file::Scenario;
use faults::{place, play};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

/// So many are played at once: each waits for a server more than it works.
const AT_ONCE: usize = 4;

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_ends_as_it_says() {
    let only = std::env::var("LITE2PG_SCENARIO").unwrap_or_default();
    let all = files();
    assert!(all.len() >= 25, "only {} scenarios", all.len());
    let left: Mutex<Vec<PathBuf>> =
        Mutex::new(all.into_iter().rev().filter(|f| f.to_string_lossy().contains(&only)).collect());
    let broken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // One server for all that leave it alone.
                let shared = OnceCell::new();
                loop {
                    let Some(file) = left.lock().unwrap().pop() else { return };
                    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let begin = Instant::now();
                    let text = std::fs::read_to_string(&file).unwrap();
                    let play = |s: &Scenario| match s.spares_the_server() {
                        true => play::play_on(s, shared.get_or_init(|| place::server(s))),
                        false => play::play(s),
                    };
                    let outcome = Scenario::read(&text).and_then(|s| play(&s).map(|p| (s, p)));
                    let took = begin.elapsed().as_secs_f64();
                    match outcome {
                        Ok((s, p)) => println!("{took:5.1} s  {name}: {} {:?}", s.says, p.ends),
                        Err(e) => broken.lock().unwrap().push(format!("{name}: {e}")),
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{} broken:\n\n{}", broken.len(), broken.join("\n\n"));
}
