//! Events as JSON lines: for `--log-format json` and the log file of a run.
//! Owns that form; never shows anything to a person.

use super::text;
use lite2pg_engine::observe::{Event, Observer};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many log files are kept.
const KEPT: usize = 20;

#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    time: String,
    #[serde(flatten)]
    event: &'a T,
}

/// Writes every event as one line.
pub struct Lines<W: Write + Send>(Mutex<W>);

impl<W: Write + Send> Lines<W> {
    /// To anything that takes bytes.
    pub fn new(out: W) -> Self {
        Lines(Mutex::new(out))
    }

    /// One line, with the time. A log that cannot be written must not stop a run.
    pub fn put<T: Serialize>(&self, event: &T) {
        let line = Line { time: lite2pg_engine::run::clock::now(), event };
        let Ok(mut json) = serde_json::to_string(&line).map(|j| text::clean_json(&j).into_owned()) else { return };
        json.push('\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(json.as_bytes()).and_then(|()| out.flush());
    }
}

impl<W: Write + Send> Observer for Lines<W> {
    fn see(&self, event: &Event) {
        self.put(event);
    }
}

/// Opens the log file that was named, or a new one in `dir`, where the oldest are removed.
pub fn open(named: Option<&Path>, dir: &Path, command: &str) -> std::io::Result<(PathBuf, File)> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => {
            crate::settings::make_private(dir)?;
            forget_oldest(dir);
            let now = lite2pg_engine::run::clock::now().replace([':', ' '], "-").replace("-UTC", "");
            dir.join(format!("{now}-{command}-{}.jsonl", std::process::id()))
        }
    };
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    Ok((path, file))
}

fn forget_oldest(dir: &Path) {
    let mut logs: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    // The names begin with the time.
    logs.sort();
    for old in logs.iter().rev().skip(KEPT - 1) {
        let _ = std::fs::remove_file(old);
    }
}
