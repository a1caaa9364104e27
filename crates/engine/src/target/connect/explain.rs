//! Says in plain words why no connection came about, and what to do.
//! Owns those words; never a password, and never decides what is tried next.

use std::error::Error as _;
use std::io;

use postgres::error::DbError;
use rustls::{AlertDescription, CertificateError};

use super::client::Failure;
use super::conninfo::Conninfo;
use super::hosts::Host;
use super::options::SslMode;
use crate::Error;
use crate::target::transient::Own;

/// The error for the failures of all hosts that were tried.
pub(crate) fn connecting(info: &Conninfo, mut failures: Vec<(&Host, Failure)>) -> Error {
    let Some((host, failure)) = failures.pop() else {
        return Error::internal("no host was tried");
    };
    if let Failure::Ours(error) = failure {
        return error;
    }
    let (why, hint) = reason(info, host, &failure);
    let mut message = format!("cannot connect: {why}");
    if !failures.is_empty() {
        message = format!("cannot connect: {host}: {why}");
        for (host, failure) in &failures {
            message.push_str(&format!("; {host}: {}", reason(info, host, failure).0));
        }
    }
    let error = Error::target(message).hint(hint).about(info.display());
    match failure {
        Failure::Postgres(cause) => error.because(cause),
        Failure::Lookup(_) => error.because(Own::NoHost),
        Failure::Timeout => error.because(Own::NoAnswer),
        Failure::Session(_) => error.because(Own::OtherRole),
        Failure::Ours(_) => error,
    }
}

/// What happened, and what to do.
fn reason(info: &Conninfo, host: &Host, failure: &Failure) -> (String, String) {
    match failure {
        Failure::Timeout => timeout(info, host),
        Failure::Lookup(e) => (
            format!("there is no host \"{}\" ({e})", host.name),
            "check the spelling of the host name, or the network".to_owned(),
        ),
        Failure::Session(why) => (
            format!("{host} does not fit target_session_attrs: {why}"),
            "name the primary server, or change target_session_attrs".to_owned(),
        ),
        Failure::Ours(error) => (error.message.clone(), error.hint.clone().unwrap_or_default()),
        Failure::Postgres(e) => match e.as_db_error() {
            Some(db) => refused(info, host, failure, db),
            None => unanswered(info, host, e),
        },
    }
}

fn timeout(info: &Conninfo, host: &Host) -> (String, String) {
    let seconds = info.options.timeout.map_or(0, |t| t.as_secs());
    (
        format!("{host} did not answer within {seconds} s"),
        "check host, port and firewall; a slow network needs connect_timeout=SECONDS".to_owned(),
    )
}

/// The server answered with an error.
fn refused(info: &Conninfo, host: &Host, failure: &Failure, db: &DbError) -> (String, String) {
    let (user, dbname) = (info.user(), info.dbname());
    let hint = match (db.code().code(), db.routine()) {
        ("28P01", _) => format!("{}; a password may be in PGPASSWORD or .pgpass", info.looked_for_password),
        ("28000", Some("InitializeSessionUserId")) => {
            format!("create the role (CREATE ROLE {} LOGIN) or name another user", quoted(user))
        }
        ("28000", _) if db.message().contains("certificate") => client_certificate(info),
        ("28000", _) if failure.is_hba() => {
            let kind = if host.is_socket() { "local" } else { "host" };
            let tls = if info.options.sslmode < SslMode::Prefer { "; or use sslmode=prefer if it wants TLS" } else { "" };
            format!("add a {kind} line for database {dbname} and user {user} to the server's pg_hba.conf and reload it{tls}")
        }
        ("28000", _) if host.is_socket() => {
            "the socket lets in only the system's user of that name: run as that user, or use host=localhost and a password"
                .to_owned()
        }
        ("3D000", _) => format!("create it first: CREATE DATABASE {}", quoted(dbname)),
        ("42501", _) => format!("GRANT CONNECT ON DATABASE {} TO {}", quoted(dbname), quoted(user)),
        ("53300", _) => "close other connections, raise max_connections, or use fewer --jobs".to_owned(),
        ("57P03", _) => "the server is starting, stopping or recovering: try again in a moment".to_owned(),
        _ => db.hint().unwrap_or("the server's log may say more").to_owned(),
    };
    (format!("{} (SQLSTATE {})", db.message(), db.code().code()), hint)
}

/// There was no answer from a PostgreSQL server, or one that we do not accept.
fn unanswered(info: &Conninfo, host: &Host, error: &postgres::Error) -> (String, String) {
    let cause = error.source();
    let text = cause.map_or_else(|| error.to_string(), ToString::to_string);
    match text.as_str() {
        "password missing" => {
            return (
                "the server wants a password and there is none".to_owned(),
                format!(
                    "{}; set PGPASSWORD, or add a line host:port:database:user:password to .pgpass",
                    info.looked_for_password
                ),
            );
        }
        "server does not support TLS" => {
            return (
                format!("{host} does not do TLS"),
                "turn it on (ssl=on in postgresql.conf), or use sslmode=prefer where the network is trusted".to_owned(),
            );
        }
        "server did not use channel binding" => {
            return (
                "the server did not use channel binding".to_owned(),
                "it needs TLS and a password stored as SCRAM; else use channel_binding=prefer".to_owned(),
            );
        }
        "unsupported authentication method" => {
            return (
                "the server asks for GSSAPI, SSPI or another method that is not supported".to_owned(),
                "let this user in with a password (scram-sha-256) or a client certificate".to_owned(),
            );
        }
        _ => {}
    }
    let Some(io) = cause.and_then(|c| c.downcast_ref::<io::Error>()) else {
        return (format!("{error}: {text}"), format!("is {host} a PostgreSQL server?"));
    };
    match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => handshake(info, host, tls),
        None => broken(info, host, io),
    }
}

fn broken(info: &Conninfo, host: &Host, error: &io::Error) -> (String, String) {
    use io::ErrorKind as Kind;
    let check = "check host and port, and that the server runs and listens there (listen_addresses)";
    let (why, hint) = match error.kind() {
        Kind::ConnectionRefused => (format!("{host} refuses connections"), check),
        Kind::NotFound if host.is_socket() => {
            (format!("there is no socket {host}"), "start the server, or give its unix_socket_directories as host")
        }
        Kind::PermissionDenied if host.is_socket() => {
            (format!("the socket {host} cannot be opened"), "your user may not enter its directory; use host=localhost")
        }
        Kind::TimedOut => return timeout(info, host),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::BrokenPipe => (
            format!("{host} closed the connection"),
            "is it a PostgreSQL server? its log may say more; a proxy may want sslmode=require",
        ),
        _ => (format!("{host}: {error}"), check),
    };
    (why, hint.to_owned())
}

fn handshake(info: &Conninfo, host: &Host, error: &rustls::Error) -> (String, String) {
    use CertificateError as C;
    let roots = "sslrootcert must hold the certificate of the authority that signed the server's";
    let (why, hint) = match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            C::NotValidForName | C::NotValidForNameContext { .. } => (
                format!("its certificate is not for the name \"{}\"", host.name),
                "use the name in the certificate as host (hostaddr may give the address), or sslmode=verify-ca",
            ),
            C::Expired | C::ExpiredContext { .. } => {
                ("its certificate has expired".to_owned(), "renew it on the server")
            }
            C::NotValidYet | C::NotValidYetContext { .. } => {
                ("its certificate is not valid yet".to_owned(), "check the clocks of both machines")
            }
            C::UnknownIssuer => {
                ("its certificate is not signed by an authority that is trusted here".to_owned(), roots)
            }
            C::Revoked => ("its certificate is revoked".to_owned(), "renew it on the server"),
            other => (format!("its certificate is not accepted ({other})"), roots),
        },
        rustls::Error::AlertReceived(alert) => {
            let why = format!("the server ended TLS with \"{alert:?}\"");
            let about_us = [
                AlertDescription::CertificateRequired,
                AlertDescription::UnknownCA,
                AlertDescription::BadCertificate,
                AlertDescription::CertificateExpired,
                AlertDescription::CertificateRevoked,
                AlertDescription::CertificateUnknown,
                AlertDescription::DecryptError,
            ];
            if about_us.contains(alert) {
                return (format!("TLS with {host}: {why}"), client_certificate(info));
            }
            (why, "the server's log may say more")
        }
        other => (other.to_string(), "the server's log may say more"),
    };
    (format!("TLS with {host}: {why}"), hint.to_owned())
}

fn client_certificate(info: &Conninfo) -> String {
    let file = info.file("sslcert", "postgresql.crt").map_or_else(|| "none".to_owned(), |f| f.display().to_string());
    let exists = if std::path::Path::new(&file).exists() { "used" } else { "looked for" };
    format!(
        "the server wants a client certificate for user {} that it trusts ({exists}: {file}); set sslcert and sslkey",
        info.user()
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
