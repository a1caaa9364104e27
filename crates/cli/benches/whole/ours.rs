//! One migration by the binary itself.
//! Owns its call and what its report says; never a measurement of anything else.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// How it went.
pub struct Ours {
    /// From start to exit.
    pub seconds: f64,
    /// Most memory of the process, in bytes.
    pub peak: u64,
    /// Its stages; they overlap.
    pub stages: Vec<(String, f64)>,
}

/// Migrates. Everything counts, from the process's start to its exit.
pub fn run(source: &Path, target: &str, more: &[&str], dir: &Path) -> Ours {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lite2pg"));
    command.arg("migrate").arg(source).arg(target).args(["--json", "-q"]).args(more);
    command.arg("--work-dir").arg(dir.join("work"));
    let begin = Instant::now();
    let out = command.output().expect("the binary");
    let seconds = begin.elapsed().as_secs_f64();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("a report");
    let peak = report["peak_rss_bytes"].as_u64().expect("its peak memory");
    let stages = report["stages"].as_array().expect("its stages").iter();
    let stage = |s: &serde_json::Value| Some((s["name"].as_str()?.to_owned(), s["seconds"].as_f64()?));
    Ours { seconds, peak, stages: stages.filter_map(stage).collect() }
}
