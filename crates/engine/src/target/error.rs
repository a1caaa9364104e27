//! Turns an error of the PostgreSQL client into ours, with what to do about it.
//! Owns the words; what to do by SQLSTATE is in `transient`. Never swallows what the server said.
//!
//! The codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::error::Error as _;
use std::io;

use postgres::error::DbError;

use crate::Error;
use crate::target::transient;

/// The error (about the target, exit 4) for a statement that failed while `doing`, such as "creating table users".
/// Its message has what the server said, the SQLSTATE and the detail; its object is what the server named.
pub fn error_from_pg(err: postgres::Error, doing: &str) -> Error {
    let lost = is_connection_lost(&err);
    let error = match err.as_db_error() {
        Some(db) => from_server(db, doing),
        None => {
            let cause = err.source().map(|c| format!(": {c}")).unwrap_or_default();
            Error::target(format!("{doing}: {err}{cause}"))
        }
    };
    let error = if lost { error.hint("the connection was lost: run the same command again to resume") } else { error };
    error.because(err)
}

/// Whether the connection is gone, so that only a new one can go on: it broke, the server ended it or shut down.
pub fn is_connection_lost(err: &postgres::Error) -> bool {
    // Trouble with the socket of any kind, a stream that ended inside a message among them.
    let socket = err.as_db_error().is_none() && err.source().is_some_and(|cause| cause.is::<io::Error>());
    socket || transient::of_client(err).is_some_and(|rule| rule.gone)
}

/// Whether the server (or a limit of the role or the database) has no connection left for us.
pub fn is_too_many_connections(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(problem) = cause {
        if let Some(pg) = problem.downcast_ref::<postgres::Error>() {
            return pg.code() == Some(&postgres::error::SqlState::TOO_MANY_CONNECTIONS);
        }
        cause = problem.source();
    }
    false
}

/// The SQLSTATE and the words of a statement that the server refused for what it says; `None` where the connection, the
/// server's resources or a lock were the trouble, which say nothing about the statement.
pub fn refusal(error: &Error) -> Option<(String, String)> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(problem) = cause {
        if let Some(pg) = problem.downcast_ref::<postgres::Error>() {
            let db = pg.as_db_error().filter(|_| !is_connection_lost(pg))?;
            let code = db.code().code();
            let circumstances = matches!(code.get(..2), Some("08" | "40" | "53" | "55" | "58" | "XX"));
            return (!circumstances).then(|| (code.to_owned(), db.message().to_owned()));
        }
        cause = problem.source();
    }
    None
}

fn from_server(db: &DbError, doing: &str) -> Error {
    let mut message = format!("{doing}: {} (SQLSTATE {})", db.message(), db.code().code());
    // What a row holds does not belong into messages and logs: PostgreSQL quotes whole rows in the detail of a broken
    // check and whole lines of COPY in the context. Keys (23503, 23505) are needed to find the row.
    let code = db.code().code();
    let quotes_rows = matches!(code, "23502" | "23514") || code.starts_with("22");
    if let Some(detail) = db.detail().filter(|_| !quotes_rows) {
        message.push_str(&format!("; detail: {detail}"));
    }
    if let Some(place) = db.where_() {
        let place = if place.starts_with("COPY ") { place.split([':', '"']).next().unwrap_or_default() } else { place };
        message.push_str(&format!("; where: {}", place.trim()));
    }
    let mut error = Error::target(message);
    if let Some(table) = db.table() {
        let parts = [db.schema(), Some(table), db.column().or(db.constraint())];
        error = error.about(parts.into_iter().flatten().collect::<Vec<_>>().join("."));
    }
    match hint(db) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(db: &DbError) -> Option<String> {
    let code = db.code().code();
    if code == "42501" {
        return Some(grant(db.message()));
    }
    let Some(own) = transient::of_state(code).and_then(|rule| rule.advice) else {
        return db.hint().map(str::to_owned);
    };
    // What PostgreSQL advises there is CASCADE.
    Some(match db.hint().filter(|_| code != "2BP01") {
        Some(theirs) => format!("{own} ({theirs})"),
        None => own.to_owned(),
    })
}

/// The GRANT that lifts "permission denied for KIND NAME"; the server does not tell the kind in any other way.
fn grant(message: &str) -> String {
    let words = message.strip_prefix("permission denied for ").and_then(|rest| rest.split_once(' '));
    let Some((kind, name)) = words else {
        return match message.strip_prefix("must be owner of ") {
            Some(what) => format!("connect as the owner of {what}, or as a member of that role"),
            None => "connect as a role that may do this, or have its administrator grant it".to_owned(),
        };
    };
    let privilege = match kind {
        "schema" => "USAGE, CREATE",
        "database" => "CONNECT, CREATE, TEMPORARY",
        "sequence" => "USAGE, SELECT, UPDATE",
        "function" | "procedure" => "EXECUTE",
        "language" | "type" | "foreign-data" => "USAGE",
        "tablespace" => "CREATE",
        _ => "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES",
    };
    let object = if kind == "view" || kind == "relation" { "TABLE".to_owned() } else { kind.to_uppercase() };
    let name = format!("\"{}\"", name.trim_matches('"').replace('"', "\"\""));
    format!("a person who may: GRANT {privilege} ON {object} {name} TO the role of this connection")
}
