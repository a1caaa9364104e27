//! Events as JSON lines: for `--log-format json` and the log file of a run.
//! Owns that form; never shows anything to a person.

use super::text;
use lite2pg_engine::observe::{Event, Observer};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many log files are kept.
const KEPT: usize = 20;

/// The run that this process is at, once it is known: every later line carries it.
static RUN: Mutex<Option<String>> = Mutex::new(None);
/// The log file of this process, for what is said besides events.
static FILE: Mutex<Option<Lines<File>>> = Mutex::new(None);

#[derive(Serialize)]
struct Line {
    time: String,
    event: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<serde_json::Value>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// Writes every event as one line.
pub struct Lines<W: Write + Send>(Mutex<W>);

impl<W: Write + Send> Lines<W> {
    /// To anything that takes bytes.
    pub fn new(out: W) -> Self {
        Lines(Mutex::new(out))
    }

    /// One line, with the time and the run. A log that cannot be written must not stop a run.
    pub fn put<T: Serialize>(&self, event: &T) {
        let Ok(serde_json::Value::Object(mut rest)) = serde_json::to_value(event) else { return };
        let event = rest.remove("event").unwrap_or_default();
        let run = rest.remove("run").or_else(|| lock(&RUN).clone().map(Into::into));
        let line = Line { time: lite2pg_engine::run::clock::stamp(), event, run, rest };
        let Ok(mut json) = serde_json::to_string(&line).map(|j| text::clean_json(&j).into_owned()) else { return };
        json.push('\n');
        let mut out = lock(&self.0);
        let _ = out.write_all(json.as_bytes()).and_then(|()| out.flush());
    }
}

/// A line for the log file of this process, if it has one.
pub fn to_file(line: &serde_json::Value) {
    if let Some(file) = lock(&FILE).as_ref() {
        file.put(line);
    }
}

/// From now on [`to_file`] writes there too.
pub fn remember(file: &File) {
    if let Ok(file) = file.try_clone() {
        *lock(&FILE) = Some(Lines::new(file));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Write + Send> Observer for Lines<W> {
    fn see(&self, event: &Event) {
        if let Event::RunStarted { run } | Event::Resumed { run, .. } = event {
            *lock(&RUN) = Some(run.clone());
        }
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
