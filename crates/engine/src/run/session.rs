//! The target's side of a command: the server (started if it is ours) and the connections to it.
//! Owns how many connections there are and how they are set up; never what runs over them.

use super::settings::TargetSpec;
use crate::error::Result;
use crate::local::Server;
use crate::observe::memory;
use crate::target::connect::Host;
use crate::target::tuning::Machine;
use crate::target::{Conninfo, error_from_pg};
use postgres::{Client, SimpleQueryMessage};
use std::sync::{Mutex, PoisonError};

/// A target that can be connected to.
pub struct Session {
    conninfo: Conninfo,
    server: Option<Server>,
    /// The directory of a managed server that another process runs.
    dir: Option<String>,
    application: String,
    /// The server's processes behind the connections made so far.
    backends: Mutex<Vec<i32>>,
}

/// Set on every connection: names resolve to the catalog alone, so that nothing in the user's schemas is called by
/// accident; times are UTC; only our own sessions are concerned. What a role's or a database's settings say about
/// time-outs is meant for the application: the coordinator idles while workers copy, and an index takes its time. A
/// stricter isolation would make the audit's chain read an old end. What is published must be on disk. Functions are
/// checked when they are made.
const SETUP: &str = "SET search_path = pg_catalog; SET client_min_messages = warning; SET timezone = 'UTC'; \
    SET datestyle = 'ISO, YMD'; SET idle_in_transaction_session_timeout = 0; \
    SET standard_conforming_strings = on; SET row_security = off; SET quote_all_identifiers = off; \
    SET check_function_bodies = on; \
    SET default_transaction_isolation = 'read committed'; SET lock_timeout = 0; \
    SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout'); \
    SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'; \
    SELECT pg_backend_pid() AS lite2pg_backend";

impl Session {
    /// Starts the managed server if the target is one; connects nowhere else yet.
    ///
    /// # Errors
    /// The managed server does not start.
    pub fn open(target: &TargetSpec, application: &str) -> Result<Session> {
        let (application, backends) = (application.to_owned(), Mutex::default());
        match target {
            TargetSpec::Server(conninfo) => {
                Ok(Session { conninfo: conninfo.clone(), server: None, dir: None, application, backends })
            }
            TargetSpec::Managed(options) => {
                let server = Server::start(options)?;
                let socket = server.socket_dir().display().to_string();
                let conninfo = Conninfo::from_parts(&socket, server.port(), server.user(), server.dbname())?;
                Ok(Session { conninfo, server: Some(server), dir: None, application, backends })
            }
        }
    }

    /// As [`Session::open`], but a managed server that another process of ours is running is asked as it runs.
    ///
    /// # Errors
    /// As [`Session::open`]; also: another process runs the embedded one, which serves that process alone.
    pub fn visit(target: &TargetSpec, application: &str) -> Result<Session> {
        if let TargetSpec::Managed(options) = target
            && let Some(running) = crate::local::running(options)?
        {
            let socket = running.socket_dir.display().to_string();
            let conninfo = Conninfo::from_parts(&socket, running.port, running.user, &running.dbname)?;
            let (dir, application) = (Some(running.dir.display().to_string()), application.to_owned());
            return Ok(Session { conninfo, server: None, dir, application, backends: Mutex::default() });
        }
        Session::open(target, application)
    }

    /// The managed server, if it is one.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Where it is, without a secret.
    pub fn display(&self) -> String {
        match (&self.server, &self.dir) {
            (Some(server), _) => server.dir().display().to_string(),
            (None, Some(dir)) => dir.clone(),
            (None, None) => self.conninfo.display(),
        }
    }

    /// Opens a connection, set up for our use.
    ///
    /// # Errors
    /// The target is unreachable or refuses.
    pub fn connect(&self) -> Result<Client> {
        let mut client = self.conninfo.connect(&self.application)?;
        // First and by itself: it must not run into the very limit that it lifts.
        let said = client
            .batch_execute("SET statement_timeout = 0")
            .and_then(|()| client.simple_query(SETUP))
            .map_err(|e| error_from_pg(e, "setting up the session"))?;
        let backend = said.iter().find_map(|m| match m {
            SimpleQueryMessage::Row(row) => row.try_get("lite2pg_backend").ok().flatten()?.parse::<i32>().ok(),
            _ => None,
        });
        self.backends.lock().unwrap_or_else(PoisonError::into_inner).extend(backend);
        Ok(client)
    }

    /// The server's processes behind every connection that was made, living or not.
    pub fn backends(&self) -> Vec<i32> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This machine, if the server is known to run on it: it is ours, or behind a socket.
    pub fn machine(&self) -> Option<Machine> {
        let here = self.server.is_some() || self.conninfo.hosts().iter().all(Host::is_socket);
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        Some(Machine { memory: memory::of_machine(), cores }).filter(|m| here && m.memory > 0)
    }

    /// How many workers can have a connection of their own beside the coordinator's; 0: everything goes over one.
    pub fn extra_workers(&self, wanted: usize, free_connections: i64) -> usize {
        if self.server.as_ref().is_some_and(|s| s.max_connections() <= 1) {
            return 0;
        }
        // Some are left for the application and for people.
        let free = usize::try_from(free_connections.saturating_sub(3)).unwrap_or(0);
        wanted.min(free)
    }

    /// Stops the managed server cleanly.
    ///
    /// # Errors
    /// It did not stop in time.
    pub fn close(self) -> Result<()> {
        self.server.map_or(Ok(()), Server::stop)
    }
}
