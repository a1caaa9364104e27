//! The source: one consistent snapshot of a SQLite database, its facts, its schema and its rows.
//! Owns every access to the user's SQLite file; never writes to it and never opens it behind SQLite's back.

pub mod backup;
pub mod census;
mod check;
mod claim;
mod connect;
mod copy;
mod damage;
pub mod duplicates;
mod fault;
mod fingerprint;
mod header;
pub mod huge;
mod introspect;
mod others;
mod raw;
mod reader;
pub mod select;
mod snapshot;
mod standin;
pub mod trial;
pub mod widest;
pub mod written;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lite2pg_model::finding::Finding;
use lite2pg_model::schema::RawSchema;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

pub use claim::Claim;
pub use copy::{remove as remove_copy, sweep as sweep_copies};
pub use fingerprint::{Fingerprint, WalMark};
pub use header::Encoding;
pub use reader::{Reader, Row};

use crate::error::{Error, Result};
use fault::fault;
pub use fault::is_disk_full;

/// How the snapshot is taken (`--snapshot`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotMode {
    /// A copy where others have the file open or reading in place would leave traces, else in place.
    #[default]
    Auto,
    /// In place, whatever the price: writers wait (rollback mode) or the WAL grows.
    Pin,
    /// A private copy.
    Copy,
}

/// How a source is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where private copies live, each in a directory of its own that only we may enter.
    pub work_dir: PathBuf,
    /// How the snapshot is taken.
    pub snapshot: SnapshotMode,
    /// A copy that an interrupted run kept ([`Source::copy_path`]): it is read instead of the file.
    pub kept_copy: Option<PathBuf>,
    /// How long to wait for a lock that another process holds.
    pub busy_timeout: Duration,
    /// How many readers are held ready from the beginning (at least one). More may be had later where nobody writes.
    pub readers: usize,
}

impl Options {
    /// The usual: `auto`, five seconds of patience, one reader, copies below `work_dir`.
    pub fn new(work_dir: impl Into<PathBuf>) -> Self {
        Options {
            work_dir: work_dir.into(),
            snapshot: SnapshotMode::Auto,
            kept_copy: None,
            busy_timeout: Duration::from_secs(5),
            readers: 1,
        }
    }
}

/// The journal mode the header shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalMode {
    /// A write-ahead log.
    Wal,
    /// A rollback journal of any kind.
    Rollback,
}

/// How the snapshot is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "how")]
pub enum ReadFrom {
    /// In place, in a read transaction that lasts until the source is dropped.
    Pinned,
    /// From a private copy.
    Copied {
        /// Where it is.
        path: PathBuf,
        /// Why it was made.
        reason: String,
    },
}

/// What is known about the file before its schema is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The path as given.
    pub path: PathBuf,
    /// The path without symbolic links.
    pub canonical: PathBuf,
    /// Size of the database file in bytes.
    pub bytes: u64,
    /// Size of its WAL in bytes, 0 if there is none.
    pub wal_bytes: u64,
    /// Page size in bytes, 0 for an empty file.
    pub page_size: u32,
    /// Encoding of its text.
    pub encoding: Encoding,
    /// Journal mode.
    pub journal_mode: JournalMode,
    /// `PRAGMA user_version`.
    pub user_version: i32,
    /// `PRAGMA application_id`.
    pub application_id: i32,
    /// The state of the file when it was opened.
    pub fingerprint: Fingerprint,
    /// How it is read.
    pub read_from: ReadFrom,
    /// The file has no bytes: a valid database without tables.
    pub is_empty: bool,
}

/// One consistent snapshot of a database, held until it is dropped.
pub struct Source {
    facts: Facts,
    /// Holds the snapshot, and answers everything but the reading of rows.
    main: Mutex<Connection>,
    /// Readers opened with it and not handed out yet.
    ready: Mutex<Vec<Connection>>,
    snapshot: snapshot::Snapshot,
    stand_ins: standin::StandIns,
    damage: damage::Damage,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Source {
    /// Opens a database and takes a snapshot of it. Every way in which that can fail is a `Kind::Source` error that
    /// names the file and says what to do.
    pub fn open(path: &Path, options: &Options) -> Result<Source> {
        let taken = snapshot::take(path, options).map_err(|e| named(e, path))?;
        let snapshot::Taken { mut facts, snapshot, main, readers } = taken;
        snapshot::refine(&main, &mut facts);
        let damage = damage::survey(&main).map_err(|e| named(e, path))?;
        let stand_ins = standin::discover(&main, &damage.tables, &damage.views);
        let source = Source { facts, main: Mutex::new(main), ready: Mutex::new(readers), snapshot, stand_ins, damage };
        source.ready_readers(options.readers.max(1)).map_err(|e| named(e, path))?;
        Ok(source)
    }

    fn ready_readers(&self, wanted: usize) -> Result<()> {
        let how = self.how();
        let mut ready = std::mem::take(&mut *lock(&self.ready));
        ready.iter().try_for_each(|conn| connect::teach(conn, &how)).map_err(|e| fault("cannot open a reader", e))?;
        while ready.len() < wanted {
            match self.snapshot.another(&how)? {
                Some(conn) => ready.push(conn),
                None => break,
            }
        }
        *lock(&self.ready) = ready;
        Ok(())
    }

    /// What is known about the file.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The state of the file when it was opened (for a kept copy: when the copy was made).
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.facts.fingerprint
    }

    /// Everything `sqlite_schema` and the pragmas say. Objects whose SQL SQLite itself cannot read any more are left
    /// out; [`Source::damage`] names them.
    pub fn raw_schema(&self) -> Result<RawSchema> {
        let raw = introspect::raw_schema(&self.main()).map_err(|e| self.named(e))?;
        Ok(self.damage.without(raw))
    }

    /// Objects that can no longer be read because their text in `sqlite_schema` is no SQL.
    pub fn damage(&self) -> Vec<Finding> {
        self.damage.findings()
    }

    /// Collations and functions that only the application has, for which stand-ins are used.
    pub fn stand_ins(&self) -> Vec<Finding> {
        self.stand_ins.findings()
    }

    /// SQLite's own check of the file's structure. Damage is an error that names the first problems and what can still
    /// be read; broken
    /// NOT NULLs and types, and what could not be checked because of stand-ins, are findings. CHECK constraints and
    /// foreign keys are not looked at. Calls `cancelled` often, and ends with `Kind::Interrupted` once it says yes.
    pub fn quick_check(&self, cancelled: &dyn Fn() -> bool) -> Result<Vec<Finding>> {
        check::quick_check(&mut self.main(), self.damage.tolerant, &self.damage.tables, cancelled)
            .map_err(|e| self.named(e))
    }

    /// A connection of its own on the same snapshot, for a thread of its own. An error if there can be no more.
    pub fn reader(&self) -> Result<Reader> {
        self.try_reader()?.ok_or_else(|| {
            Error::source("no further reader sees the same state: others write to the file")
                .hint("use fewer readers, or --snapshot copy")
                .about(self.facts.path.display().to_string())
        })
    }

    /// As [`Source::reader`]; `None` if a writer waits or has written, so that no further reader can see the same
    /// state: the run goes on with those it has. The first [`Options::readers`] readers are always there, unless a
    /// writer was already waiting.
    pub fn try_reader(&self) -> Result<Option<Reader>> {
        let ready = lock(&self.ready).pop();
        let conn = match ready {
            Some(conn) => Some(conn),
            None => self.snapshot.another(&self.how()).map_err(|e| self.named(e))?,
        };
        Ok(conn.map(|conn| Reader::new(conn, self.snapshot.claim())))
    }

    /// At the end of a run: was the file replaced, or rewritten without SQLite's locks? An error says how. A copy
    /// cannot be touched by others, so what happened to the file meanwhile does not matter.
    pub fn check_unchanged(&self) -> Result<()> {
        self.snapshot.check_unchanged().map_err(|e| self.named(e))
    }

    /// The private copy, if one is read: what [`Options::kept_copy`] takes to resume.
    pub fn copy_path(&self) -> Option<&Path> {
        match &self.facts.read_from {
            ReadFrom::Copied { path, .. } => Some(path),
            ReadFrom::Pinned => None,
        }
    }

    /// Keeps the private copy, if there is one, when this is dropped; its path is what [`Options::kept_copy`] takes.
    /// To be called once the run's ledger knows of it.
    pub fn keep_copy(&self) -> Option<&Path> {
        self.snapshot.keep();
        self.copy_path()
    }

    /// Drops the snapshot and removes the private copy, if there is one (a kept one too).
    pub fn discard_copy(self) -> Result<()> {
        let copy = self.copy_path().map(Path::to_owned);
        drop(self);
        copy.map_or(Ok(()), |path| copy::remove(&path))
    }

    fn how(&self) -> connect::How {
        connect::How {
            wait: Duration::ZERO,
            tolerant: self.damage.tolerant,
            functions: self.stand_ins.function_names(),
        }
    }

    fn main(&self) -> MutexGuard<'_, Connection> {
        lock(&self.main)
    }

    fn named(&self, e: Error) -> Error {
        named(e, &self.facts.path)
    }
}

/// The content of a mutex, also after a panic elsewhere: what is inside is a connection, which has no half state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn named(e: Error, path: &Path) -> Error {
    if e.object.is_some() { e } else { e.about(path.display().to_string()) }
}
