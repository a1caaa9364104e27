//! The keeper: the hidden process that holds a data directory's lock and its server.
//! Owns the talk between parent and keeper, the lock and `run.json`; never outlives its parent by more than a shutdown.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::process::{Ids, alive, wait_until};
use super::{Engine, disk_error};
use crate::{Error, Kind, Result};

/// How long a new run waits for the keeper of a dead one to finish its shutdown.
const ORPHAN_LIMIT: Duration = Duration::from_secs(120);

/// What a keeper is told: one line of JSON on its standard input. Paths as the system has them, not as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    pub task: Task,
    pub engine: Engine,
    /// The directory with the lock, the log and `data`.
    pub home: OsString,
    /// Native: where the programs are.
    pub bin: Option<OsString>,
    /// Native: the version of the programs.
    pub version: String,
    /// Native, as root: the user that runs the server.
    pub ids: Option<Ids>,
    /// Where to make the socket directory.
    pub temp: OsString,
    /// Where the embedded one unpacks its program.
    pub cache: OsString,
    /// For the programs that are started.
    pub search_path: Option<OsString>,
    /// The database to make on first use.
    pub dbname: String,
    /// The TCP port on 127.0.0.1: `Some(0)` picks one.
    pub tcp: Option<u16>,
    /// The process that started the keeper.
    pub parent: u32,
}

/// What a keeper is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Run the server until the input ends.
    Serve,
    /// Embedded: print the schema as SQL and end.
    Schema,
}

impl Config {
    pub fn home_path(&self) -> PathBuf {
        PathBuf::from(&self.home)
    }
    pub fn data_path(&self) -> PathBuf {
        self.home_path().join("data")
    }
    pub fn log_path(&self) -> PathBuf {
        self.home_path().join("server.log")
    }
}

/// What a keeper answers: one line of JSON on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    Ready(Ready),
    Failed(Failed),
    /// The schema without data, before and after the rows.
    Schema {
        before: String,
        after: String,
        version: String,
    },
}

/// A server that answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    pub pid: u32,
    pub version: String,
    pub sockets: OsString,
    pub port: u16,
    pub dbname: String,
    pub max_connections: usize,
    pub password_file: Option<OsString>,
    pub notes: Vec<String>,
}

/// An error on its way to the parent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failed {
    exit: u8,
    message: String,
    hint: Option<String>,
    object: Option<String>,
}

impl Failed {
    fn of(e: &Error) -> Failed {
        let mut message = e.message.clone();
        if let Some(cause) = &e.source {
            let cause = cause.to_string();
            if !message.contains(&cause) {
                message = format!("{message}: {cause}");
            }
        }
        Failed { exit: e.kind.exit(), message, hint: e.hint.clone(), object: e.object.clone() }
    }

    pub fn into_error(self) -> Error {
        let kind = match self.exit {
            1 => Kind::Internal,
            2 => Kind::Usage,
            _ => Kind::Target,
        };
        Error { kind, message: self.message, hint: self.hint, object: self.object, source: None }
    }
}

/// What `data/lite2pg.json` says: which engine and version made the data, and whether it is all on the disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Marker {
    pub format: u32,
    pub engine: Engine,
    pub major: u32,
    pub version: String,
    pub dbname: String,
    /// Whether the files made by the first start have been flushed to the disk.
    pub synced: bool,
}

impl Marker {
    pub const FORMAT: u32 = 1;
    pub const FILE: &str = "lite2pg.json";

    /// Reads the marker of a data directory; `None` if there is none.
    pub fn read(data: &Path) -> Result<Option<Marker>> {
        let path = data.join(Self::FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(disk_error("read what made this directory", &path, e)),
        };
        let marker: Marker = serde_json::from_str(&text)
            .map_err(|e| Error::target("not a file that lite2pg wrote").about(path.display().to_string()).because(e))?;
        if marker.format > Self::FORMAT {
            return Err(Error::target("the directory was made by a newer lite2pg")
                .about(path.display().to_string())
                .hint("use that version, or a newer one"));
        }
        Ok(Some(marker))
    }

    /// Writes the marker so that a crash leaves the old one or the new one.
    pub fn write(&self, data: &Path) -> Result<()> {
        write_json(&data.join(Self::FILE), self, 0o644)
    }
}

/// What `run.json` says while a keeper runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    pub keeper: u32,
    pub parent: u32,
    pub server: u32,
    pub sockets: OsString,
    pub port: u16,
    pub started: u64,
}

impl Run {
    pub fn path(home: &Path) -> PathBuf {
        home.join("run.json")
    }
    pub fn read(home: &Path) -> Option<Run> {
        serde_json::from_str(&fs::read_to_string(Self::path(home)).ok()?).ok()
    }
    pub fn write(&self, home: &Path) -> Result<()> {
        write_json(&Self::path(home), self, 0o600)
    }
}

/// Writes a file whole or not at all.
pub fn write_json(path: &Path, value: &impl Serialize, mode: u32) -> Result<()> {
    let text = serde_json::to_vec(value).map_err(|e| Error::internal("can't write JSON").because(e))?;
    write_whole(path, &text, mode)
}

/// Writes a file whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let temp = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(&temp);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temp, path)
    };
    write().map_err(|e| disk_error("write", path, e))
}

/// What a keeper's server needs to know of its surroundings.
pub struct Keep<'a> {
    pub config: &'a Config,
    /// Set when the server shall stop.
    pub stop: Arc<AtomicBool>,
    /// Says to the parent that the server is ready.
    pub ready: &'a mut dyn FnMut(Ready) -> Result<()>,
}

impl Keep<'_> {
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Runs the keeper: what the hidden process does from its start to its end. `input` and `output` are its standard input
/// and output; `stop` may be set by its signal handlers and is one more way to end it.
///
/// # Errors
/// What was also said to the parent, or what went wrong later.
pub fn run_child(input: impl Read + Send + 'static, mut output: impl Write, stop: &'static AtomicBool) -> Result<()> {
    let mut input = BufReader::new(input);
    let mut line = String::new();
    input.read_line(&mut line).map_err(|e| Error::internal("no order for the keeper").because(e))?;
    let config: Config =
        serde_json::from_str(&line).map_err(|e| Error::usage("this command is lite2pg's own").because(e))?;
    let ended = Arc::new(AtomicBool::new(false));
    watch(input, stop, &ended);
    let mut said = false;
    let result = keep(&config, &ended, &mut |reply| {
        said = true;
        say(&mut output, reply)
    });
    if let Err(e) = &result
        && !said
    {
        say(&mut output, &Reply::Failed(Failed::of(e)))?;
    }
    result
}

/// Sets `ended` when the input ends (the parent stopped or died) or a signal asked for it.
fn watch(mut input: impl Read + Send + 'static, stop: &'static AtomicBool, ended: &Arc<AtomicBool>) {
    let by_input = Arc::clone(ended);
    thread::spawn(move || {
        let mut buffer = [0u8; 256];
        while matches!(input.read(&mut buffer), Ok(n) if n > 0) {}
        by_input.store(true, Ordering::Relaxed);
    });
    let by_signal = Arc::clone(ended);
    thread::spawn(move || {
        while !by_signal.load(Ordering::Relaxed) {
            if stop.load(Ordering::Relaxed) {
                by_signal.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
}

fn say(output: &mut impl Write, reply: &Reply) -> Result<()> {
    let mut text = serde_json::to_string(reply).map_err(|e| Error::internal("can't write a reply").because(e))?;
    text.push('\n');
    let sent = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    sent.map_err(|e| Error::internal("the parent is gone").because(e))
}

fn keep(config: &Config, ended: &Arc<AtomicBool>, say: &mut dyn FnMut(&Reply) -> Result<()>) -> Result<()> {
    let home = config.home_path();
    let _lock = lock(&home)?;
    if config.task == Task::Schema {
        return schema(config, say);
    }
    let mut ready = |ready: Ready| {
        let run = Run {
            keeper: std::process::id(),
            parent: config.parent,
            server: ready.pid,
            sockets: ready.sockets.clone(),
            port: ready.port,
            started: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        };
        run.write(&home)?;
        say(&Reply::Ready(ready))
    };
    let keep = Keep { config, stop: Arc::clone(ended), ready: &mut ready };
    let result = match config.engine {
        Engine::Native => super::native::run(keep),
        #[cfg(feature = "embedded")]
        Engine::Embedded => super::embedded::run(keep),
        #[cfg(not(feature = "embedded"))]
        Engine::Embedded => Err(no_embedded()),
    };
    let _ = fs::remove_file(Run::path(&home));
    result
}

#[cfg(feature = "embedded")]
fn schema(config: &Config, say: &mut dyn FnMut(&Reply) -> Result<()>) -> Result<()> {
    say(&super::embedded::schema(config)?)
}

#[cfg(not(feature = "embedded"))]
fn schema(_: &Config, _: &mut dyn FnMut(&Reply) -> Result<()>) -> Result<()> {
    Err(no_embedded())
}

/// The error where the embedded PostgreSQL is asked for and was not compiled in.
#[cfg(not(feature = "embedded"))]
pub fn no_embedded() -> Error {
    Error::target("this build of lite2pg has no PostgreSQL inside")
        .hint("use a release build, or build with --features embedded")
}

/// Takes the lock of a directory. A keeper whose parent is dead is on its way out: it is waited for.
fn lock(home: &Path) -> Result<File> {
    let path = home.join("lite2pg.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| disk_error("open the lock of this directory", &path, e))?;
    let mut refused = false;
    let ended = wait_until(ORPHAN_LIMIT, || match file.try_lock() {
        Ok(()) => true,
        // A file system without locks: PostgreSQL's own pid file still guards the data.
        Err(TryLockError::Error(_)) => true,
        // No `run.json` yet, or that of a dead parent: a start or a shutdown is under way.
        Err(TryLockError::WouldBlock) => {
            refused = Run::read(home).is_some_and(|r| alive(r.parent));
            refused
        }
    });
    if ended && !refused {
        return Ok(file);
    }
    let who = Run::read(home).map_or(String::new(), |r| format!(" by process {}", r.parent));
    Err(Error::target(format!("this directory is being used{who}"))
        .about(home.display().to_string())
        .hint("wait for that run to end, or stop that `lite2pg serve`"))
}
