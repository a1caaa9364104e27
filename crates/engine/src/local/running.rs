//! A managed PostgreSQL that another process of ours is using right now: where its socket is.
//! Owns how that is found out; starts nothing, stops nothing, takes no lock.

use std::path::PathBuf;

use super::child::Run;
use super::process::alive;
use super::{Engine, Options, USER, disk_error, place};
use crate::{Error, Result};

/// A server that somebody else started.
#[derive(Clone, Debug)]
pub struct Running {
    /// The directory of its socket.
    pub socket_dir: PathBuf,
    /// The port, which is part of the socket's name.
    pub port: u16,
    /// The role to connect as.
    pub user: &'static str,
    /// The database.
    pub dbname: String,
    /// Where the data really is.
    pub dir: PathBuf,
}

/// The server that runs in `o.dir`, if a living process of ours has started one.
///
/// # Errors
/// The directory cannot be read, or the server is the embedded one, which answers nobody but the process that started it.
pub fn running(o: &Options) -> Result<Option<Running>> {
    let dir = std::path::absolute(&o.dir).map_err(|e| disk_error("find", &o.dir, e))?;
    let Some((home, marker)) = place::find(o, &dir)? else { return Ok(None) };
    // A file of a process that was killed may still lie there: the start that follows looks closer.
    let Some(run) = Run::read(&home).filter(|r| alive(r.parent) && alive(r.keeper)) else { return Ok(None) };
    if marker.engine == Engine::Embedded {
        return Err(Error::target(format!(
            "process {} is using the embedded PostgreSQL in this directory, which serves one connection: it cannot be \
             asked meanwhile",
            run.parent
        ))
        .about(home.display().to_string())
        .hint("the log file of that process tells where it is: the newest one in logs/ of its work directory"));
    }
    Ok(Some(Running {
        socket_dir: PathBuf::from(run.sockets),
        port: run.port,
        user: USER,
        dbname: marker.dbname,
        dir: home,
    }))
}
