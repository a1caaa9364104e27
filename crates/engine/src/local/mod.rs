//! The managed PostgreSQL: a native one found on the machine, or the one compiled into the binary.
//! Owns where its data lies, how its process starts and stops, and how it is carried away (`dump`);
//! never sends a user's SQL and never reads the environment: the caller passes what it needs.
//!
//! How it runs. A **keeper** (our own binary again, see [`run_child`]) holds the lock of the directory and starts the
//! server: `postgres` as its child, or the embedded server inside itself. Its standard input is a pipe held by us: when
//! it ends, because we stopped, crashed or were killed, the keeper shuts the server down. It sits in a process group of
//! its own, so a Ctrl-C at the terminal does not take the server from under a run that is ending in order. Only killing
//! the keeper too leaves a `postgres` behind; the next start finds it by its pid file, proves that it is ours and stops it.
//!
//! What a directory holds: `data/lite2pg.json` (which engine and major version made it), `data/pg` (the data itself),
//! `lite2pg.lock`, `run.json` (who serves it now), `server.log`, `pgpass` (made by `serve` on TCP), `tmp` (embedded). Where PostgreSQL
//! can't work in the directory that was asked for, the directory holds only `lite2pg.json` with `moved_to`.

mod child;
mod discover;
mod dump;
#[cfg(feature = "embedded")]
mod embedded;
mod native;
mod place;
mod process;
mod running;
#[cfg(feature = "embedded")]
mod scram;
mod serve;
#[cfg(feature = "embedded")]
mod wire;

pub use child::run_child;
pub use dump::dump;
pub use running::{Running, running};
pub use serve::{Connect, serve};

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The role that owns everything in a managed PostgreSQL; a superuser there, since the server is the user's own.
/// Not `lite2pg`: a role of the control schema's name would find that schema first in its search path.
pub const USER: &str = "postgres";
/// The oldest native PostgreSQL that is used.
pub const OLDEST_MAJOR: u32 = 13;

/// Which kind of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// One installed on the machine.
    Native,
    /// The one compiled into the binary: one connection at a time; its files can't be opened by a native server.
    Embedded,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Engine::Native => "native",
            Engine::Embedded => "embedded",
        })
    }
}

/// What a managed PostgreSQL is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory wanted, such as `shop.db.pg`. Its parent must exist.
    pub dir: PathBuf,
    /// Our own binary, to start the keeper.
    pub exe: PathBuf,
    /// The arguments that make the binary call [`run_child`].
    pub exe_args: Vec<OsString>,
    /// The engine; `None` for automatic: native if one is found, else embedded. A directory remembers its own.
    pub engine: Option<Engine>,
    /// The value of `PATH`, to look for PostgreSQL.
    pub search_path: Option<OsString>,
    /// The `bin` directory of the PostgreSQL to use, instead of looking.
    pub pg_bin: Option<PathBuf>,
    /// The name of the database; made on first use. A directory remembers its own.
    pub dbname: String,
    /// Where short-lived socket directories may be made; another is taken if its path is too long for a socket.
    pub temp_dir: PathBuf,
    /// Where data is put if PostgreSQL can't work in `dir`.
    pub fallback_dir: PathBuf,
    /// Where the embedded PostgreSQL unpacks its program, once per version.
    pub cache_dir: PathBuf,
    /// Also listen on 127.0.0.1, with a password: `Some(0)` picks a free port.
    pub tcp: Option<u16>,
}

/// A running managed PostgreSQL. Stops cleanly on [`Server::stop`] and on drop.
#[derive(Debug)]
pub struct Server {
    keeper: process::Keeper,
    ready: child::Ready,
    engine: Engine,
    home: PathBuf,
    dbname: String,
    notes: Vec<String>,
}

impl Server {
    /// Makes the data directory on first use, else opens it again, and starts the server.
    ///
    /// # Errors
    /// `Kind::Target` with the last lines of the server's log and a hint: no PostgreSQL found, not the version that made
    /// the directory, served by someone else, disk full, missing rights.
    pub fn start(o: &Options) -> Result<Server> {
        let plan = place::resolve(o)?;
        let mut notes = plan.notes;
        let (keeper, ready) = process::Keeper::start(o, &plan.config)?;
        notes.extend(ready.notes.iter().cloned());
        Ok(Server {
            keeper,
            engine: plan.config.engine,
            home: plan.config.home_path(),
            dbname: ready.dbname.clone(),
            ready,
            notes,
        })
    }

    /// Which kind runs.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Its version, such as `15.18`.
    pub fn version(&self) -> &str {
        &self.ready.version
    }

    /// Where the data really is.
    pub fn dir(&self) -> &Path {
        &self.home
    }

    /// What a person should know about this start, such as that the data lies elsewhere and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The directory of its unix socket: the `host` to connect to.
    pub fn socket_dir(&self) -> &Path {
        Path::new(&self.ready.sockets)
    }

    /// The port: part of the socket's name, and the TCP port if it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.ready.port
    }

    /// The role to connect as.
    pub fn user(&self) -> &str {
        USER
    }

    /// The database to connect to.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// How many connections it serves at once: 1 for the embedded one.
    pub fn max_connections(&self) -> usize {
        self.ready.max_connections
    }

    /// The file with the password for TCP, in the format of `PGPASSFILE`, if it listens on TCP.
    pub fn password_file(&self) -> Option<PathBuf> {
        self.ready.password_file.as_ref().map(PathBuf::from)
    }

    /// The process id of the keeper.
    pub fn pid(&self) -> u32 {
        self.keeper.pid()
    }

    /// The process id of the server itself: of `postgres`, or of the keeper if embedded.
    pub fn server_pid(&self) -> u32 {
        self.ready.pid
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.keeper.is_running()
    }

    /// Shuts it down cleanly and waits for the end.
    ///
    /// # Errors
    /// `Kind::Target` if it did not end cleanly.
    pub fn stop(mut self) -> Result<()> {
        self.keeper.stop().map_err(|e| e.about(self.home.display().to_string()))
    }
}

fn disk_error(what: &str, path: &Path, e: std::io::Error) -> Error {
    let hint = match e.kind() {
        std::io::ErrorKind::StorageFull => "free some space on that disk, or choose another directory",
        std::io::ErrorKind::PermissionDenied => "choose a directory that you may write, or run as its owner",
        std::io::ErrorKind::ReadOnlyFilesystem => "choose a directory on a disk that can be written",
        _ => "check the directory, or choose another one",
    };
    Error::target(format!("can't {what}: {e}")).about(path.display().to_string()).hint(hint).because(e)
}

/// Whether a managed PostgreSQL was made for `o.dir` before. Makes nothing.
///
/// # Errors
/// Something is there that cannot be read.
pub fn exists(o: &Options) -> Result<bool> {
    let dir = std::path::absolute(&o.dir).map_err(|e| disk_error("find", &o.dir, e))?;
    Ok(place::find(o, &dir)?.is_some())
}
