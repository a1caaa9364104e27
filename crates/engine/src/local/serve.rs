//! `lite2pg serve DIR`: a managed PostgreSQL in the foreground.
//! Owns the wait; never prints: how to connect goes to a callback.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{Engine, Options, Server};
use crate::{Error, Result};

/// How to connect to a server that is being served.
#[derive(Clone, Debug)]
pub struct Connect {
    /// Which kind runs.
    pub engine: Engine,
    /// Its version.
    pub version: String,
    /// Where the data really is.
    pub dir: PathBuf,
    /// The TCP port on 127.0.0.1.
    pub port: u16,
    /// The directory of the unix socket, which needs no password.
    pub socket_dir: PathBuf,
    /// The role.
    pub user: String,
    /// The database.
    pub dbname: String,
    /// The file with the password, to be named by `PGPASSFILE`.
    pub password_file: Option<PathBuf>,
    /// How many connections at once.
    pub max_connections: usize,
    /// The id of the server's process.
    pub pid: u32,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Runs the managed PostgreSQL of `o` on 127.0.0.1 (`o.tcp`; a free port if that is `None`) and on a unix socket until
/// `stop` is set; `ready` hears how to connect.
///
/// # Errors
/// Those of [`Server::start`]; `Kind::Target` if the server ends by itself.
pub fn serve(o: &Options, stop: &AtomicBool, ready: impl FnOnce(&Connect)) -> Result<()> {
    let mut server = Server::start(&Options { tcp: Some(o.tcp.unwrap_or(0)), ..o.clone() })?;
    ready(&Connect {
        engine: server.engine(),
        version: server.version().to_owned(),
        dir: server.dir().to_owned(),
        port: server.port(),
        socket_dir: server.socket_dir().to_owned(),
        user: server.user().to_owned(),
        dbname: server.dbname().to_owned(),
        password_file: server.password_file(),
        max_connections: server.max_connections(),
        pid: server.server_pid(),
        notes: server.notes().to_vec(),
    });
    while !stop.load(Ordering::Relaxed) {
        if !server.is_running() {
            server.stop()?;
            return Err(Error::target("the managed PostgreSQL ended by itself"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    server.stop()
}
