//! How the target is named and reached, by the rules of libpq.
//! Owns conninfo strings, password and service files, TLS and the connection attempts; never reads the environment.
//!
//! The rules: <https://www.postgresql.org/docs/current/libpq-connect.html>.

mod client;
mod conninfo;
mod display;
mod explain;
mod hosts;
mod keyvalue;
mod keyword;
mod options;
mod pgpass;
mod service;
mod tls;
mod uri;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

pub use conninfo::{Conninfo, Origin, Setting};
pub use hosts::Host;

/// What the caller read from its surroundings; the engine never reads the environment itself.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// The environment variables; only those that begin with `PG`, and `SSL_CERT_FILE`, are looked at.
    pub env: BTreeMap<String, String>,
    /// The home directory, where `.pgpass`, `.pg_service.conf` and `.postgresql/` are looked for.
    pub home: Option<PathBuf>,
    /// The name of the operating system's user: the default of `user`.
    pub user: Option<String>,
}

impl fmt::Debug for Surroundings {
    /// Names the variables only: a value may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.env.keys().filter(|k| k.starts_with("PG")).collect();
        f.debug_struct("Surroundings").field("env", &names).field("home", &self.home).field("user", &self.user).finish()
    }
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
