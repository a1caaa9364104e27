//! The connection attempts: hosts in order, their addresses, with and without TLS.
//! Owns when the next one is tried; never words an error (see `explain`).

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::config::{SslMode as Wire, SslNegotiation};
use postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls_improved::MakeRustlsConnect;

use super::conninfo::Conninfo;
use super::explain;
use super::hosts::Host;
use super::options::{Session, SslMode, given};
use super::tls;
use crate::{Error, Result};

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing came back in time.
    Timeout,
    /// The name could not be looked up.
    Lookup(io::Error),
    /// The server or the way to it refused.
    Postgres(postgres::Error),
    /// The server is not of the kind that `target_session_attrs` asks for.
    Session(&'static str),
    /// Our own settings or files.
    Ours(Error),
}

impl Failure {
    /// Whether the next host may do better. As in libpq, a server that refuses who we are ends the list.
    fn try_next_host(&self) -> bool {
        match self {
            Failure::Postgres(e) => {
                e.code().is_none_or(|code| matches!(code.code().get(..2), Some("57" | "53" | "08")))
            }
            Failure::Ours(_) => false,
            _ => true,
        }
    }

    /// Whether authentication failed (SQLSTATE class 28).
    fn is_authentication(&self) -> bool {
        matches!(self, Failure::Postgres(e) if e.code().is_some_and(|code| code.code().starts_with("28")))
    }

    /// Whether no line of the server's pg_hba.conf lets this kind of connection in.
    pub(crate) fn is_hba(&self) -> bool {
        // The name of the function in the server is the same in every language.
        let db = if let Failure::Postgres(e) = self { e.as_db_error() } else { None };
        db.is_some_and(|db| db.code().code() == "28000" && db.routine() == Some("ClientAuthentication"))
    }

    /// Whether the server refused TLS or the handshake failed.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Failure::Postgres(e) if e.to_string().contains("TLS handshake"))
    }
}

/// Opens a connection; see [`Conninfo::connect`].
pub(crate) fn connect(info: &Conninfo, application_name: &str) -> Result<Client> {
    let sessions: &[Session] = match info.options.session {
        Session::PreferStandby => &[Session::Standby, Session::Any],
        ref one => std::slice::from_ref(one),
    };
    let mut hosts: Vec<&Host> = info.hosts.iter().collect();
    if info.options.shuffle {
        let random = RandomState::new();
        hosts.sort_by_cached_key(|host| random.hash_one((&host.name, host.port)));
    }
    let mut failures: Vec<(&Host, Failure)> = Vec::new();
    for session in sessions {
        failures.clear();
        for host in &hosts {
            match connect_host(info, host, *session, application_name) {
                Ok(client) => return Ok(client),
                Err(failure) => {
                    let next = failure.try_next_host();
                    failures.push((host, failure));
                    if !next {
                        break;
                    }
                }
            }
        }
    }
    Err(explain::connecting(info, failures))
}

fn connect_host(
    info: &Conninfo,
    host: &Host,
    session: Session,
    application_name: &str,
) -> std::result::Result<Client, Failure> {
    let addresses: Vec<Option<IpAddr>> = match host.addr {
        Some(addr) => vec![Some(addr)],
        None if host.is_socket() => vec![None],
        None => look_up(&host.name, host.port, info.options.timeout)?,
    };
    let mut last = Failure::Lookup(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    for address in addresses {
        match connect_address(info, host, address, application_name) {
            Ok(client) => return check_session(client, session),
            Err(failure) if !failure.try_next_host() => return Err(failure),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

fn look_up(name: &str, port: u16, limit: Option<Duration>) -> std::result::Result<Vec<Option<IpAddr>>, Failure> {
    let name = name.to_owned();
    let found = within(limit, move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>))?;
    Ok(found.map_err(Failure::Lookup)?.into_iter().map(|a| Some(a.ip())).collect())
}

/// One address: by the order of plain and TLS that `sslmode` asks for.
fn connect_address(
    info: &Conninfo,
    host: &Host,
    address: Option<IpAddr>,
    application_name: &str,
) -> std::result::Result<Client, Failure> {
    let order: &[Wire] = match info.options.sslmode {
        _ if address.is_none() => &[Wire::Disable],
        SslMode::Disable => &[Wire::Disable],
        SslMode::Allow => &[Wire::Disable, Wire::Require],
        SslMode::Prefer => &[Wire::Prefer, Wire::Disable],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Wire::Require],
    };
    let mut first: Option<Failure> = None;
    for wire in order {
        let failure = match attempt(info, host, address, *wire, application_name) {
            Ok(client) => return Ok(client),
            Err(failure) => failure,
        };
        let again = match info.options.sslmode {
            SslMode::Allow => failure.is_authentication(),
            // A wrong password is not tried a second time in the clear.
            SslMode::Prefer => failure.is_tls() || failure.is_hba(),
            _ => false,
        };
        // Of two failures the one tells more that is not "this kind of connection is not let in".
        first = Some(match first {
            Some(earlier) if failure.is_hba() || failure.is_tls() => earlier,
            _ => failure,
        });
        if !again {
            break;
        }
    }
    Err(first.unwrap_or(Failure::Timeout))
}

fn attempt(
    info: &Conninfo,
    host: &Host,
    address: Option<IpAddr>,
    wire: Wire,
    application_name: &str,
) -> std::result::Result<Client, Failure> {
    let config = config(info, host, address, wire, application_name);
    if wire == Wire::Disable {
        return within(info.options.timeout, move || config.connect(NoTls))?.map_err(Failure::Postgres);
    }
    let tls = MakeRustlsConnect::new(tls::config(info).map_err(Failure::Ours)?);
    within(info.options.timeout, move || config.connect(tls))?.map_err(Failure::Postgres)
}

fn config(info: &Conninfo, host: &Host, address: Option<IpAddr>, wire: Wire, application_name: &str) -> Config {
    let options = &info.options;
    let value = |key| given(&info.values, key);
    let mut config = Config::new();
    config.user(info.user()).dbname(info.dbname()).port(host.port).ssl_mode(wire);
    let name = value("application_name").or(Some(application_name).filter(|n| !n.is_empty()));
    if let Some(name) = name.or(value("fallback_application_name")) {
        config.application_name(name);
    }
    if let Some(text) = value("options") {
        config.options(text);
    }
    if let Some(password) = &host.password {
        config.password(&password.0);
    }
    match (address, host.name.strip_prefix('@')) {
        (Some(address), _) => config.host(&host.name).hostaddr(address),
        (None, Some(name)) => config.host_path(format!("\0{name}")),
        (None, None) => config.host_path(&host.name),
    };
    config.channel_binding(options.channel_binding);
    if options.direct_tls && wire != Wire::Disable {
        config.ssl_negotiation(SslNegotiation::Direct);
    }
    if let Some(limit) = options.timeout {
        config.connect_timeout(limit);
    }
    config.keepalives(options.keepalives);
    // libpq leaves these to the system, whose defaults find a dead network after hours: a run would hang for as long.
    config.keepalives_idle(options.keepalives_idle.unwrap_or(Duration::from_secs(60)));
    config.keepalives_interval(options.keepalives_interval.unwrap_or(Duration::from_secs(10)));
    config.keepalives_retries(options.keepalives_count.unwrap_or(6));
    config.tcp_user_timeout(options.tcp_user_timeout.unwrap_or(Duration::from_secs(120)));
    config.notice_callback(|_| {});
    config
}

/// Runs something that may hang (a name server, a server that accepts and never answers) for a limited time. Past the
/// limit its thread is left behind, blocked on a socket that nobody uses any more.
fn within<T: Send + 'static>(
    limit: Option<Duration>,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::result::Result<T, Failure> {
    let Some(limit) = limit else { return Ok(work()) };
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("connect".to_owned()).spawn(move || {
        let _ = sender.send(work());
    });
    thread.map_err(|e| Failure::Ours(Error::internal("a thread for connecting cannot be started").because(e)))?;
    receiver.recv_timeout(limit).map_err(|e| match e {
        mpsc::RecvTimeoutError::Timeout => Failure::Timeout,
        mpsc::RecvTimeoutError::Disconnected => Failure::Ours(
            Error::internal("connecting failed on this machine").hint("perhaps too many files are open: ulimit -n"),
        ),
    })
}

/// Sends a cancel request by the same kind of connection; see [`Conninfo::cancel`].
pub(crate) fn cancel(info: &Conninfo, token: CancelToken) -> Result<()> {
    // TLS cannot be set up for a socket, which has no name; a token knows its own host and whether it used TLS.
    if info.options.sslmode > SslMode::Disable && info.hosts.iter().any(|host| !host.is_socket()) {
        let tls = MakeRustlsConnect::new(tls::config(info)?);
        let by_tls = token.clone();
        if let Ok(Ok(())) = within(info.options.timeout, move || by_tls.cancel_query(tls)) {
            return Ok(());
        }
    }
    let done = within(info.options.timeout, move || token.cancel_query(NoTls));
    match done.and_then(|sent| sent.map_err(Failure::Postgres)) {
        Ok(()) => Ok(()),
        Err(failure) => Err(explain::connecting(info, info.hosts.first().map(|h| (h, failure)).into_iter().collect())),
    }
}

fn check_session(mut client: Client, wanted: Session) -> std::result::Result<Client, Failure> {
    if wanted == Session::Any {
        return Ok(client);
    }
    let sql = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')";
    let answer = client.simple_query(sql).map_err(Failure::Postgres)?;
    let row = answer.iter().find_map(|m| if let SimpleQueryMessage::Row(row) = m { Some(row) } else { None });
    let is = |column, value| row.and_then(|row| row.try_get(column).ok().flatten()) == Some(value);
    let (standby, read_only) = (is(0, "t"), is(1, "on"));
    match wanted {
        Session::ReadWrite if standby || read_only => Err(Failure::Session("it is read-only")),
        Session::ReadOnly if !standby && !read_only => Err(Failure::Session("it is not read-only")),
        Session::Primary if standby => Err(Failure::Session("it is a standby")),
        Session::Standby if !standby => Err(Failure::Session("it is not a standby")),
        _ => Ok(client),
    }
}
