//! What an error of SQLite means to a person: kind, message, hint.
//! Owns the translation; never decides whether to go on.

use rusqlite::{ErrorCode, ffi};

use crate::error::{Error, Kind};

/// Turns an error of SQLite met while doing `what` into ours. Interrupts are `Kind::Interrupted` (only we interrupt),
/// all else is `Kind::Source`.
pub(super) fn fault(what: &str, error: rusqlite::Error) -> Error {
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map_or(0, |e| e.extended_code);
    let (kind, hint) = match code {
        Some(ErrorCode::OperationInterrupted) => (Kind::Interrupted, None),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Kind::Source,
            Some(
                "another process is writing to the database: let it finish or stop it, or wait longer with a larger busy timeout",
            ),
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            Kind::Source,
            Some(
                "the file is damaged: restore it from a backup, or save what can be read with `sqlite3 FILE .recover` into a new file",
            ),
        ),
        Some(ErrorCode::NotADatabase) => {
            (Kind::Source, Some("the file is no SQLite database, or an encrypted one; decrypt it first"))
        }
        Some(ErrorCode::OutOfMemory) => {
            (Kind::Source, Some("a value is larger than the memory at hand: run where more memory is allowed"))
        }
        Some(ErrorCode::SystemIoFailure)
            if extended == ffi::SQLITE_IOERR_LOCK || extended == ffi::SQLITE_IOERR_RDLOCK =>
        {
            (
                Kind::Source,
                Some(
                    "the file system does not support locks: copy the database to a local disk, or use --snapshot copy",
                ),
            )
        }
        Some(ErrorCode::SystemIoFailure) => {
            (Kind::Source, Some("the disk or file system reported an error: look at the system log"))
        }
        Some(ErrorCode::CannotOpen) => {
            (Kind::Source, Some("check the path and the permissions of the file and its directory"))
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            (Kind::Source, Some("the file cannot be used as it lies there: try --snapshot copy"))
        }
        Some(ErrorCode::DiskFull) => (
            Kind::Source,
            Some(
                "make space where private copies and SQLite's temporary files (SQLITE_TMPDIR, else /var/tmp) are kept, then run the same command again",
            ),
        ),
        _ => (Kind::Source, Some("see what SQLite itself says: `sqlite3 FILE 'PRAGMA integrity_check'`")),
    };
    let words = match &error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    let mut told = Error::new(kind, format!("{what}: {words}"));
    told.hint = hint.map(str::to_owned);
    told.because(error)
}

/// Whether SQLite said that somebody else holds a lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether SQLite said that the file is damaged or no database.
pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether an error of ours says that SQLite found no room: for a temporary file while it sorted, or for a copy. That says
/// nothing about what was asked. Source: <https://sqlite.org/rescode.html#full>.
pub fn is_disk_full(error: &Error) -> bool {
    let cause = error.source.as_ref().and_then(|s| s.downcast_ref::<rusqlite::Error>());
    cause.is_some_and(|e| e.sqlite_error_code() == Some(ErrorCode::DiskFull))
}

/// Whether an error of ours says that a value was longer than was allowed.
pub(super) fn is_too_big(error: &Error) -> bool {
    let cause = error.source.as_ref().and_then(|s| s.downcast_ref::<rusqlite::Error>());
    cause.is_some_and(|e| e.sqlite_error_code() == Some(ErrorCode::TooBig))
}
