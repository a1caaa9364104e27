//! A conninfo as text for people and for the control tables.
//! Owns that form, which parses back to the same target; never includes a password.

use super::conninfo::{Conninfo, Origin};
use super::hosts::{DEFAULT_PORT, Host};
use super::options::given;
use super::uri::encode;

/// The settings shown beside the place and the database, where they are not defaults.
const SHOWN: [&str; 9] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "channel_binding",
    "target_session_attrs",
    "load_balance_hosts",
    "options",
    "hostaddr",
];

impl Conninfo {
    /// A URI without password that names the same target, with every name percent-encoded where it must be.
    pub fn display(&self) -> String {
        let mut parameters: Vec<String> = Vec::new();
        let place = match self.hosts.as_slice() {
            [socket] if socket.is_socket() => {
                parameters.push(format!("host={}", encode(&socket.name, "/@,")));
                if socket.port != DEFAULT_PORT {
                    parameters.push(format!("port={}", socket.port));
                }
                String::new()
            }
            hosts => hosts.iter().map(place).collect::<Vec<_>>().join(","),
        };
        for key in SHOWN {
            let shown = self
                .values
                .get(key)
                .filter(|s| matches!(s.origin, Origin::Text | Origin::Service(_) | Origin::Environment(_)));
            if let Some(value) = shown.and(given(&self.values, key)) {
                parameters.push(format!("{key}={}", encode(value, "/:,")));
            }
        }
        let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
        format!("postgresql://{}@{place}/{}{query}", encode(self.user(), ""), encode(self.dbname(), ""))
    }

    /// The servers as people write them: `host:port`, `[::1]:5432`, or the path of a socket.
    pub fn host_display(&self) -> String {
        self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

fn place(host: &Host) -> String {
    let name = if host.name.contains(':') && !host.is_socket() {
        format!("[{}]", encode(&host.name, ":"))
    } else {
        encode(&host.name, "")
    };
    if host.port == DEFAULT_PORT { name } else { format!("{name}:{}", host.port) }
}
