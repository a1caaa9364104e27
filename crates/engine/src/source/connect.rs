//! Opening one SQLite connection, hardened, and standing it in a read transaction.
//! Owns the settings every connection of ours has; never chooses the file.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::fault::is_busy;
use super::standin;

/// Longest wait for a lock that SQLite can express (milliseconds in 32 bits).
const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// How a connection is opened.
#[derive(Clone, Debug, Default)]
pub(super) struct How {
    /// Wait for locks.
    pub wait: Duration,
    /// Load what can be loaded of a schema of which some statement is no longer SQL.
    pub tolerant: bool,
    /// Functions that only the application has.
    pub functions: Vec<String>,
}

/// Opens read-only. SQLite takes no lock before the first statement.
/// Path: absolute, so that `SQLITE_USE_URI` never takes it for a URI.
pub(super) fn open(path: &Path, how: &How) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    harden(&conn, how.wait)?;
    conn.pragma_update(None, "query_only", true)?;
    teach(&conn, how)?;
    Ok(conn)
}

/// Makes a connection to a file that nobody else uses like every other one of ours.
pub(super) fn settle(conn: &Connection) -> rusqlite::Result<()> {
    harden(conn, Duration::ZERO)?;
    conn.pragma_update(None, "query_only", true)?;
    standin::register(conn, &[])
}

/// Gives a connection what was learned about the schema after it was opened.
pub(super) fn teach(conn: &Connection, how: &How) -> rusqlite::Result<()> {
    if how.tolerant {
        // On our connection only: without it one broken statement in sqlite_schema makes every table unreadable.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    }
    standin::register(conn, &how.functions)
}

/// Opens a private copy for writing, so that SQLite can roll back a journal or take in a WAL there.
pub(super) fn open_private(path: &Path, create: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let conn = Connection::open_with_flags(path, flags)?;
    harden(&conn, Duration::from_secs(5))?;
    standin::register(&conn, &[])?;
    Ok(conn)
}

fn harden(conn: &Connection, wait: Duration) -> rusqlite::Result<()> {
    conn.busy_timeout(wait.min(LONGEST_WAIT))?;
    // Never checkpoint, and never delete the WAL, because we were the last to close it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Statements of the schema must not do more than compute.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // The bundled SQLite turns foreign keys on by default.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A quoted name that names no column must be an error: as a string literal it would be read as every row's value.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    // A page whose cells overlap is an error, not rows.
    conn.pragma_update(None, "cell_size_check", true)?;
    // A mapped file that shrinks is a SIGBUS.
    // The page cache stays at its default of 2 MB: a scan does not read a page twice. (`PRAGMA cache_size` would also
    // read the schema here, and so take a lock.)
    conn.pragma_update(None, "mmap_size", 0)
}

/// Begins a read transaction and reads, which is what takes the snapshot (a bare BEGIN takes nothing).
pub(super) fn pin(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN")?;
    // Reads the header only, so that it works where the schema cannot be read.
    let got = conn.query_row("PRAGMA schema_version", [], |_| Ok(()));
    if got.is_err() {
        let _ = conn.execute_batch("ROLLBACK");
    }
    got
}

/// As [`pin`], trying for `wait` while others keep readers away. Tries far more often than SQLite's own busy handler
/// (which ends up at ten times a second): a writer that commits without pause leaves only short gaps.
pub(super) fn pin_patiently(conn: &Connection, wait: Duration) -> rusqlite::Result<()> {
    /// A live writer's journal can look hot for the moment between its locks; a dead one's looks so for ever.
    const HOT_FOR: u32 = 20;
    conn.busy_timeout(Duration::ZERO)?;
    let started = Instant::now();
    let mut hot = 0;
    loop {
        let Err(e) = pin(conn) else { return Ok(()) };
        let looks_hot = e.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_READONLY_ROLLBACK);
        hot += u32::from(looks_hot);
        let again = if looks_hot { hot < HOT_FOR } else { is_busy(&e) && started.elapsed() < wait };
        if !again {
            return Err(e);
        }
        thread::sleep(Duration::from_millis(1));
    }
}
