//! The servers a conninfo string names: a list of names, addresses or socket directories, with ports.
//! Owns how the lists are matched and what an empty entry means; never connects.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use super::Secret;
use super::conninfo::Values;
use super::options::given;
use crate::{Error, Result};

/// PostgreSQL's port when nobody says.
pub(crate) const DEFAULT_PORT: u16 = 5432;

/// Where packagers (Debian, Red Hat) and a build from source put the socket.
pub(crate) const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One server to try.
#[derive(Clone, Debug)]
pub struct Host {
    /// A host name, an address, or the directory of a Unix socket (`/dir`, or `@name` in the abstract namespace).
    pub name: String,
    /// The address to use instead of looking the name up.
    pub addr: Option<IpAddr>,
    /// The port, also part of a socket's name.
    pub port: u16,
    pub(crate) password: Option<Secret>,
}

impl Host {
    /// Whether it is reached by a Unix socket.
    pub fn is_socket(&self) -> bool {
        self.addr.is_none() && is_socket_dir(&self.name)
    }

    /// The names under which a password file may mention it.
    pub(crate) fn names_for_passwords(&self) -> Vec<&str> {
        if self.is_socket() && SOCKET_DIRS.contains(&&*self.name) { vec!["localhost"] } else { vec![&self.name] }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_socket() {
            write!(f, "{}/.s.PGSQL.{}", self.name, self.port)
        } else if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

pub(crate) fn is_socket_dir(name: &str) -> bool {
    name.starts_with(['/', '@'])
}

/// Matches the lists of `host`, `hostaddr` and `port`.
pub(crate) fn resolve(values: &Values) -> Result<Vec<Host>> {
    let list =
        |key| given(values, key).map(|v| v.split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default();
    let (names, addrs, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = if addrs.is_empty() { names.len().max(1) } else { addrs.len() };
    if !names.is_empty() && names.len() != count {
        return Err(Error::usage(format!("host names {} servers and hostaddr {count}", names.len())));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::usage(format!("there are {} ports for {count} hosts", ports.len()))
            .hint("give one port for all, or one for each"));
    }
    let mut hosts = Vec::new();
    for i in 0..count {
        let port = port(ports.get(i).or(ports.first()).map_or("", String::as_str))?;
        let addr = match addrs.get(i).map(String::as_str) {
            None | Some("") => None,
            Some(text) => Some(text.parse::<IpAddr>().map_err(|_| {
                Error::usage(format!("hostaddr \"{text}\" is not an address")).hint("a name goes into host")
            })?),
        };
        let name = match (names.get(i).map_or("", String::as_str), addr) {
            ("", Some(addr)) => addr.to_string(),
            ("", None) => default_host(port),
            (name, _) => name.to_owned(),
        };
        hosts.push(Host { name, addr, port, password: None });
    }
    Ok(hosts)
}

fn port(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    // The text itself is not shown: a badly encoded URI may have put a part of the password there.
    text.trim().parse().ok().filter(|p| *p > 0).ok_or_else(|| Error::usage("a port is not a number from 1 to 65535"))
}

/// The socket directory where a server listens, else this machine by name.
fn default_host(port: u16) -> String {
    let found = SOCKET_DIRS.iter().find(|dir| Path::new(dir).join(format!(".s.PGSQL.{port}")).exists());
    found.map_or("localhost", |dir| dir).to_owned()
}
