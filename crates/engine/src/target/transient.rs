//! What is done about an error of the target: one table of rules, from SQLSTATEs and conditions of the network to an
//! answer and an advice.
//! Owns that table; never waits and never tries anything again (see `run/again.rs`).
//!
//! The codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind as Io};

use crate::error::{Error, Kind};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The connection lives and the transaction was undone: do the task once more, all of it.
    Repeat,
    /// End this attempt, wait, and make another one, which takes the locks anew and believes only the ledger.
    Again(Reached),
    /// End the run; a person has something to do first.
    Stop,
}

/// Reached when on another attempt is worth waiting for. Before, the same sign more likely means a wrong address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// At once: the server is there, but has no time or room.
    Start,
    /// This process has been connected to the target before.
    Connected,
    /// The ledger holds the run.
    Begun,
}

/// By what an error is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A SQLSTATE.
    State(&'static str),
    /// The first two characters of a SQLSTATE, where no rule names the whole.
    Class(&'static str),
    /// What the system said of the connection.
    Io(Io),
    /// What we found out ourselves.
    Own(Own),
}

/// A condition that no SQLSTATE stands for; it is put beneath the error that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The connection had ended when it was used.
    Closed,
    /// The server did not answer in time.
    NoAnswer,
    /// The name of the host could not be looked up.
    NoHost,
    /// The server is not of the kind that is needed (a standby, read-only).
    OtherRole,
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Own::Closed => "the connection had ended",
            Own::NoAnswer => "no answer in time",
            Own::NoHost => "the host's name could not be looked up",
            Own::OtherRole => "the server is read-only or a standby",
        })
    }
}

impl StdError for Own {}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is known by.
    pub sign: Sign,
    /// What is done.
    pub answer: Answer,
    /// The connection is gone with it.
    pub gone: bool,
    /// What it is, in PostgreSQL's or the system's words.
    pub name: &'static str,
    /// What a person can do about it, once we have given up or did not try.
    pub advice: Option<&'static str>,
}

const fn state(state: &'static str, name: &'static str, answer: Answer, advice: &'static str) -> Rule {
    Rule { sign: Sign::State(state), answer, gone: false, name, advice: Some(advice) }
}

const fn class(class: &'static str, name: &'static str, answer: Answer, advice: &'static str) -> Rule {
    Rule { sign: Sign::Class(class), answer, gone: false, name, advice: Some(advice) }
}

/// The same with a connection that is gone.
const fn gone(sign: Sign, name: &'static str, answer: Answer) -> Rule {
    Rule { sign, answer, gone: true, name, advice: None }
}

const IN_THE_WAY: &str = "another session was in the way: run the same command again";
const BROKEN_FILES: &str = "the server has trouble with its files: see its log before going on";
const BREAKS: &str = "a row breaks a constraint of the target: see the findings, or the target's own schema";
const EXISTS: &str = "something of that name exists in the target already: choose another --schema";

use self::Reached::{Begun, Connected, Start};
use Answer::{Again, Repeat, Stop};
use Sign::Class;
use Sign::State;

/// The table. A SQLSTATE that no row names, and whose class none names, ends the run.
pub const RULES: &[Rule] = &[
    // The server undid the transaction because of others; it says itself that trying again helps:
    // https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
    state("40001", "serialization_failure", Repeat, IN_THE_WAY),
    state("40P01", "deadlock_detected", Repeat, IN_THE_WAY),
    state(
        "55P03",
        "lock_not_available",
        Repeat,
        "another session holds a lock: see pg_locks, end that session or wait, then run the command again",
    ),
    // Whether it was done, only the ledger knows.
    gone(State("40003"), "statement_completion_unknown", Again(Connected)),
    // The connection is gone: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-TERMINATION
    gone(Class("08"), "connection_exception", Again(Connected)),
    gone(State("57P01"), "admin_shutdown", Again(Connected)),
    gone(State("57P02"), "crash_shutdown", Again(Connected)),
    gone(State("57P03"), "cannot_connect_now", Again(Start)),
    gone(State("57P05"), "idle_session_timeout", Again(Connected)),
    gone(State("25P03"), "idle_in_transaction_session_timeout", Again(Connected)),
    gone(State("25P04"), "transaction_timeout", Again(Connected)),
    gone(Sign::Own(Own::Closed), "connection closed", Again(Connected)),
    gone(Sign::Own(Own::NoAnswer), "no answer", Again(Connected)),
    gone(Sign::Own(Own::NoHost), "name resolution failed", Again(Connected)),
    gone(Sign::Io(Io::ConnectionRefused), "connection refused", Again(Connected)),
    gone(Sign::Io(Io::ConnectionReset), "connection reset", Again(Connected)),
    gone(Sign::Io(Io::ConnectionAborted), "connection aborted", Again(Connected)),
    gone(Sign::Io(Io::NotConnected), "not connected", Again(Connected)),
    gone(Sign::Io(Io::BrokenPipe), "broken pipe", Again(Connected)),
    gone(Sign::Io(Io::UnexpectedEof), "unexpected end of the stream", Again(Connected)),
    gone(Sign::Io(Io::TimedOut), "timed out", Again(Connected)),
    gone(Sign::Io(Io::HostUnreachable), "host unreachable", Again(Connected)),
    gone(Sign::Io(Io::NetworkUnreachable), "network unreachable", Again(Connected)),
    gone(Sign::Io(Io::NetworkDown), "network down", Again(Connected)),
    // The client's words for a stream that ended inside a message.
    gone(Sign::Io(Io::Other), "bytes remaining on stream", Again(Connected)),
    // A server that restarts takes its socket away for a moment.
    gone(Sign::Io(Io::NotFound), "no socket", Again(Connected)),
    // There is no room for us now.
    state(
        "53300",
        "too_many_connections",
        Again(Start),
        "too many connections: close others, raise max_connections, or use fewer --jobs",
    ),
    // Perhaps the primary is just becoming another server.
    state(
        "25006",
        "read_only_sql_transaction",
        Again(Begun),
        "the target is read-only: name the primary server, or turn off default_transaction_read_only",
    ),
    Rule {
        sign: Sign::Own(Own::OtherRole),
        answer: Again(Begun),
        gone: false,
        name: "not the server that is needed",
        advice: None,
    },
    // Waiting does not help: a person has to do something.
    state(
        "53100",
        "disk_full",
        Stop,
        "the server's disk is full: free space there, then run the same command again to resume",
    ),
    state(
        "53200",
        "out_of_memory",
        Stop,
        "the server is out of memory, or of lock slots: use fewer --jobs, or raise max_locks_per_transaction",
    ),
    state(
        "57014",
        "query_canceled",
        Stop,
        "the statement was cancelled, perhaps by statement_timeout: raise it for this role, then run again",
    ),
    state("58030", "io_error", Stop, BROKEN_FILES),
    state("58P01", "undefined_file", Stop, BROKEN_FILES),
    state("XX001", "data_corrupted", Stop, BROKEN_FILES),
    state("XX002", "index_corrupted", Stop, BROKEN_FILES),
    // PostgreSQL's own hint is CASCADE, which would remove what is not ours.
    state(
        "2BP01",
        "dependent_objects_still_exist",
        Stop,
        "something of yours hangs on what would be removed (see the detail): drop or move that first; nothing was changed",
    ),
    state(
        "23503",
        "foreign_key_violation",
        Stop,
        "a row points to a row that does not exist: see the finding about orphan rows",
    ),
    state("23505", "unique_violation", Stop, "two rows have the same key: see the findings about keys and collations"),
    state("23502", "not_null_violation", Stop, BREAKS),
    state("23514", "check_violation", Stop, BREAKS),
    class(
        "22",
        "data_exception",
        Stop,
        "a value does not fit the type of its column: choose a wider type or a policy for it",
    ),
    class("23", "integrity_constraint_violation", Stop, "a row breaks a constraint of the target"),
    state("42P06", "duplicate_schema", Stop, EXISTS),
    state("42P07", "duplicate_table", Stop, EXISTS),
    state("42710", "duplicate_object", Stop, EXISTS),
    state("3F000", "invalid_schema_name", Stop, "the schema does not exist: create it, or choose another --schema"),
];

/// The rule for a SQLSTATE: the one that names it, else that of its class.
pub fn of_state(code: &str) -> Option<&'static Rule> {
    let named = |r: &&Rule| matches!(r.sign, Sign::State(s) if s == code);
    let of_class = |r: &&Rule| matches!(r.sign, Sign::Class(c) if code.get(..2) == Some(c));
    RULES.iter().find(named).or_else(|| RULES.iter().find(of_class))
}

fn of_sign(sign: Sign) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.sign == sign)
}

/// The rule for an error of the client; `None`: none of them, so the run ends.
pub fn of_client(error: &postgres::Error) -> Option<&'static Rule> {
    if let Some(db) = error.as_db_error() {
        return of_state(db.code().code());
    }
    if error.is_closed() {
        return of_sign(Sign::Own(Own::Closed));
    }
    error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).and_then(of_io)
}

/// What the socket said; what is inside of it counts more: TLS and COPY wrap errors of their own.
fn of_io(error: &io::Error) -> Option<&'static Rule> {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<postgres::Error>()) {
        Some(inner) => of_client(inner),
        None => of_sign(Sign::Io(error.kind())),
    }
}

/// The rule for an error of ours: what lies beneath it decides. Only errors about the target have one.
pub fn of(error: &Error) -> Option<&'static Rule> {
    if error.kind != Kind::Target {
        return None;
    }
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(problem) = cause {
        if let Some(own) = problem.downcast_ref::<Own>() {
            return of_sign(Sign::Own(*own));
        }
        if let Some(pg) = problem.downcast_ref::<postgres::Error>() {
            return of_client(pg);
        }
        // A file of ours that is not there is no sign of the connection.
        if let Some(io) = problem.downcast_ref::<io::Error>() {
            return of_io(io).filter(|r| !matches!(r.sign, Sign::Io(Io::NotFound | Io::Other)));
        }
        cause = problem.source();
    }
    None
}

/// What to do about an error of ours.
pub fn answer(error: &Error) -> Answer {
    of(error).map_or(Stop, |rule| rule.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_one_row() {
        for (i, rule) in RULES.iter().enumerate() {
            assert!(!RULES.iter().skip(i + 1).any(|other| other.sign == rule.sign), "{:?}", rule.sign);
            match rule.sign {
                Sign::State(s) => assert_eq!(s.len(), 5, "{s}"),
                Sign::Class(c) => assert_eq!(c.len(), 2, "{c}"),
                _ => {}
            }
            assert!(!(rule.gone && rule.answer == Repeat), "{}: nothing is repeated on a lost connection", rule.name);
        }
    }

    #[test]
    fn the_closest_row_counts() {
        assert_eq!(of_state("23505").map(|r| r.name), Some("unique_violation"));
        assert_eq!(of_state("23P01").map(|r| r.name), Some("integrity_constraint_violation"));
        assert_eq!(of_state("08006").map(|r| r.answer), Some(Again(Connected)));
        assert!(of_state("42P01").is_none() && of_state("").is_none() && of_state("0").is_none());
    }

    #[test]
    fn only_the_target_is_tried_again() {
        let lost = || io::Error::from(Io::ConnectionReset);
        assert_eq!(answer(&Error::target("copying").because(lost())), Again(Connected));
        assert_eq!(answer(&Error::source("reading").because(lost())), Stop);
        assert_eq!(answer(&Error::target("making a directory").because(io::Error::from(Io::NotFound))), Stop);
        assert_eq!(answer(&Error::target("connecting").because(Own::NoHost)), Again(Connected));
        assert_eq!(answer(&Error::target("something else")), Stop);
    }
}
