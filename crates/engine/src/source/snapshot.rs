//! Taking one consistent snapshot: in place or from a private copy, whichever leaves the source and its writers alone.
//! Owns the choice and its reasons; never makes a file beside the source unless `--snapshot pin` asked for it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, ffi};

use super::connect::{self, How};
use super::copy::{self, Draft};
use super::fault::{fault, is_busy, is_corrupt};
use super::fingerprint::{self, Survey};
use super::header::{self, Encoding, Header, JOURNAL_MAGIC, be32};
use super::others::{self, Others};
use super::{Facts, JournalMode, Options, ReadFrom, SnapshotMode, lock};
use crate::error::{Error, Result};

/// Tries at things that a writer may disturb.
const TRIES: u32 = 10;

/// A snapshot that was taken.
pub(super) struct Taken {
    pub facts: Facts,
    pub snapshot: Snapshot,
    /// The connection that holds it.
    pub main: Connection,
}

/// What is needed to open further readers on a snapshot, and to let it go.
pub(super) struct Snapshot {
    path: PathBuf,
    place: Place,
    keep: AtomicBool,
    claim: Option<Arc<Claim>>,
}

enum Place {
    /// In place; the shared lock of the first connection keeps everybody from committing.
    Rollback,
    /// In place; others may commit. A connection outside any transaction tells whether somebody did.
    Wal { watch: Mutex<Connection>, version: i64 },
    /// A private copy.
    Copy,
}

/// Files on which this process has connections: they must not be opened by ordinary I/O.
static CLAIMED: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// Holds a file's place in [`CLAIMED`].
#[derive(Debug)]
pub(super) struct Claim((u64, u64));

impl Claim {
    fn new(identity: (u64, u64)) -> Result<Arc<Claim>> {
        if lock(&CLAIMED).insert(identity) {
            Ok(Arc::new(Claim(identity)))
        } else {
            Err(Error::internal("this process reads that database already; opening it twice would drop its locks"))
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&CLAIMED).remove(&self.0);
    }
}

/// Everything that is known before a connection is opened.
struct Before<'a> {
    given: &'a Path,
    path: PathBuf,
    survey: Survey,
    /// `None` for an empty file.
    header: Option<Header>,
    others: Others,
    options: &'a Options,
}

/// Takes a snapshot.
pub(super) fn take(given: &Path, options: &Options) -> Result<Taken> {
    if let Some(kept) = &options.kept_copy {
        return of_copy(copy::facts(kept)?, kept, true);
    }
    let path = locate(given)?;
    let meta = fs::metadata(&path).map_err(|e| unreadable(&e))?;
    let identity = fingerprint::identity(&meta);
    let claim = Claim::new(identity)?;
    let survey = fingerprint::survey(&path).map_err(|e| unreadable(&e))?;
    let header = if survey.sample.is_empty() { None } else { Some(header::parse(&survey.sample)?) };
    let before = Before { given, others: others::look(&path, identity), path, survey, header, options };
    before.empty_is_whole()?;
    match before.file_copy_reason() {
        Some(reason) => before.copy_files(&reason),
        None => before.in_place(claim),
    }
}

/// The file without symbolic links; SQLite names `-wal` and `-journal` after that.
fn locate(given: &Path) -> Result<PathBuf> {
    let path = fs::canonicalize(given).map_err(|e| unreadable(&e))?;
    let meta = fs::metadata(&path).map_err(|e| unreadable(&e))?;
    if meta.is_dir() {
        return Err(Error::source("is a directory").hint("give the database file inside it"));
    }
    if !meta.is_file() {
        return Err(Error::source("is no regular file").hint("copy the database to a regular file first"));
    }
    Ok(path)
}

fn unreadable(e: &io::Error) -> Error {
    match e.kind() {
        io::ErrorKind::NotFound => Error::source("no such file").hint("check the path"),
        io::ErrorKind::PermissionDenied => Error::source("permission denied")
            .hint("the user who runs this must be allowed to read the file and its -wal"),
        _ => Error::source(format!("cannot be read: {e}")).hint("check the path and the disk"),
    }
}

impl Before<'_> {
    fn is_wal(&self) -> bool {
        self.header.as_ref().is_some_and(|h| h.wal) || self.survey.wal_bytes.is_some()
    }

    /// An empty file is a valid database, but not beside a WAL or journal with content: then it is half a copy, and
    /// SQLite would delete that WAL.
    fn empty_is_whole(&self) -> Result<()> {
        if self.header.is_some() {
            return Ok(());
        }
        let had_pages =
            self.survey.journal.as_ref().is_some_and(|(_, j)| j.starts_with(&JOURNAL_MAGIC) && be32(j, 16) > 0);
        let beside = if self.survey.wal_bytes.is_some_and(|b| b > 0) {
            "-wal"
        } else if had_pages {
            "-journal"
        } else {
            return Ok(());
        };
        Err(Error::source(format!("is empty, but its {beside} file is not: the copy is incomplete"))
            .hint("copy the database file together with its -wal or -journal while no program writes to it"))
    }

    /// Why the file must be copied as files before anything is read, if it must.
    fn file_copy_reason(&self) -> Option<String> {
        if self.options.snapshot == SnapshotMode::Pin || self.others.excludes {
            return None;
        }
        // With somebody connected the WAL index is in use, and reading in place adds nothing to it.
        let live = self.survey.shm && self.others.locked;
        if self.is_wal() && !live {
            return Some(
                "it has a write-ahead log that nobody has open; reading in place would make or change files beside it"
                    .to_owned(),
            );
        }
        None
    }

    fn copy_files(&self, reason: &str) -> Result<Taken> {
        let wal = self.survey.wal_bytes.unwrap_or(0);
        let journal = self.survey.journal.as_ref().map_or(0, |(bytes, _)| *bytes);
        // The WAL is counted twice: it is copied, and then its pages move into the copy.
        let bytes = self.survey.fingerprint.bytes.saturating_add(wal.saturating_mul(2)).saturating_add(journal);
        let draft = Draft::new(&self.options.work_dir, bytes)?;
        let mut result = draft.by_files(&self.path, &self.survey);
        if result.is_err() {
            // Once more: somebody may just have finished.
            draft.clear();
            let again = fingerprint::survey(&self.path).map_err(|e| unreadable(&e))?;
            result = draft.by_files(&self.path, &again);
        }
        result?;
        draft.settle().map_err(|e| self.explain(e))?;
        let facts = self.facts(ReadFrom::Copied { path: draft.path(), reason: reason.to_owned() });
        let copy = draft.finish(&facts)?;
        of_copy(facts, &copy, false)
    }

    fn in_place(self, claim: Arc<Claim>) -> Result<Taken> {
        let how = How { wait: self.options.busy_timeout, ..How::default() };
        let main = connect::open(&self.path, &how).map_err(|e| fault("cannot be opened", e))?;
        if let Err(e) = connect::pin(&main) {
            drop(main);
            return self.not_pinned(e);
        }
        let shared = self.others.any();
        let reason = match self.options.snapshot {
            SnapshotMode::Copy => Some("--snapshot copy".to_owned()),
            SnapshotMode::Auto if shared => Some(format!("{} has it open", self.others.who())),
            SnapshotMode::Auto | SnapshotMode::Pin => None,
        };
        match reason {
            Some(reason) => self.copy_by_backup(main, &reason),
            None => self.pinned(main, claim),
        }
    }

    /// What to do when SQLite could not read in place. No connection of ours is on the file any more.
    fn not_pinned(self, e: rusqlite::Error) -> Result<Taken> {
        let code = e.sqlite_error().map_or(0, |e| e.extended_code);
        let elsewhere = match code {
            ffi::SQLITE_READONLY_ROLLBACK => {
                Some("it has a hot journal, which must be rolled back before it can be read")
            }
            ffi::SQLITE_READONLY_RECOVERY | ffi::SQLITE_READONLY_CANTINIT | ffi::SQLITE_READONLY_DIRECTORY => {
                Some("its write-ahead log cannot be read where it lies")
            }
            c if c & 0xff == ffi::SQLITE_CANTOPEN => Some("it cannot be opened where it lies"),
            _ => None,
        };
        match elsewhere {
            // A hot journal or a lacking WAL index cannot be read in place by any reader, so --snapshot pin gives way.
            Some(reason) => self.copy_files(reason),
            None if is_busy(&e) => {
                let who =
                    others::look(&self.path, (self.survey.fingerprint.device, self.survey.fingerprint.inode)).who();
                let told = fault(&format!("is locked by {who}"), e);
                Err(told.hint(format!("let {who} finish, or stop it")))
            }
            None => Err(self.explain(fault("cannot be read", e))),
        }
    }

    /// Says "truncated" where SQLite says "malformed" for that reason.
    fn explain(&self, e: Error) -> Error {
        let corrupt = e.source.as_ref().and_then(|s| s.downcast_ref::<rusqlite::Error>()).is_some_and(is_corrupt);
        let Some(h) = self.header.as_ref().filter(|_| corrupt) else { return e };
        let whole = u64::from(h.pages).saturating_mul(u64::from(h.page_size));
        if self.survey.fingerprint.bytes >= whole {
            return e;
        }
        let mut told = Error::source(format!(
            "is truncated: its header counts {} pages of {} bytes, but the file has {} bytes",
            h.pages, h.page_size, self.survey.fingerprint.bytes
        ))
        .hint("the copy is incomplete: copy the file again while no program writes to it");
        told.source = e.source;
        told
    }

    fn copy_by_backup(&self, main: Connection, reason: &str) -> Result<Taken> {
        let wal = self.survey.wal_bytes.unwrap_or(0);
        let draft = Draft::new(&self.options.work_dir, self.survey.fingerprint.bytes.saturating_add(wal))?;
        draft.by_backup(&main)?;
        drop(main);
        draft.settle()?;
        let facts = self.facts(ReadFrom::Copied { path: draft.path(), reason: reason.to_owned() });
        let copy = draft.finish(&facts)?;
        of_copy(facts, &copy, false)
    }

    fn pinned(&self, main: Connection, claim: Arc<Claim>) -> Result<Taken> {
        let facts = self.facts(ReadFrom::Pinned);
        let taken = |place, main, facts| {
            let snapshot =
                Snapshot { path: self.path.clone(), place, keep: AtomicBool::new(false), claim: Some(claim.clone()) };
            Ok(Taken { facts, snapshot, main })
        };
        if !self.is_wal() {
            return taken(Place::Rollback, main, facts);
        }
        let what = "cannot watch for writers";
        let how = How { wait: self.options.busy_timeout, ..How::default() };
        for _ in 0..TRIES {
            let watch = connect::open(&self.path, &how).map_err(|e| fault(what, e))?;
            let version = data_version(&watch).map_err(|e| fault(what, e))?;
            // The main connection begins anew between two looks that agree: so its state is the watched one.
            main.execute_batch("ROLLBACK").map_err(|e| fault(what, e))?;
            connect::pin(&main).map_err(|e| fault(what, e))?;
            if data_version(&watch).map_err(|e| fault(what, e))? == version {
                return taken(Place::Wal { watch: Mutex::new(watch), version }, main, facts);
            }
        }
        Err(Error::source("others write so fast that no moment between two commits could be caught")
            .hint("use --snapshot copy"))
    }

    fn facts(&self, read_from: ReadFrom) -> Facts {
        let h = self.header.as_ref();
        Facts {
            path: self.given.to_owned(),
            canonical: self.path.clone(),
            bytes: self.survey.fingerprint.bytes,
            wal_bytes: self.survey.wal_bytes.unwrap_or(0),
            page_size: h.map_or(0, |h| h.page_size),
            encoding: h.map_or(Encoding::Utf8, |h| h.encoding),
            journal_mode: if h.is_some_and(|h| h.wal) { JournalMode::Wal } else { JournalMode::Rollback },
            user_version: h.map_or(0, |h| h.user_version),
            application_id: h.map_or(0, |h| h.application_id),
            fingerprint: self.survey.fingerprint.clone(),
            read_from,
            is_empty: h.is_none(),
        }
    }
}

/// The snapshot that a finished copy is.
fn of_copy(facts: Facts, copy: &Path, kept: bool) -> Result<Taken> {
    let snapshot = Snapshot { path: copy.to_owned(), place: Place::Copy, keep: AtomicBool::new(kept), claim: None };
    let main = connect::open(copy, &How::default()).map_err(|e| fault("cannot open the private copy", e))?;
    connect::pin(&main).map_err(|e| fault("cannot read the private copy", e))?;
    Ok(Taken { facts, snapshot, main })
}

/// Changes whenever another connection has committed. Source: <https://sqlite.org/pragma.html#pragma_data_version>.
fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA data_version", [], |r| r.get(0))
}

impl Snapshot {
    /// Another connection that sees the same state; `None` if there can be none because of a writer.
    pub(super) fn another(&self, how: &How) -> Result<Option<Connection>> {
        let what = "cannot open another reader";
        let conn = connect::open(&self.path, how).map_err(|e| fault(what, e))?;
        match connect::pin(&conn) {
            Ok(()) => {}
            Err(e) if is_busy(&e) => return Ok(None),
            Err(e) => return Err(fault(what, e)),
        }
        if let Place::Wal { watch, version } = &self.place
            && data_version(&lock(watch)).map_err(|e| fault(what, e))? != *version
        {
            return Ok(None);
        }
        Ok(Some(conn))
    }

    /// See [`super::Source::check_unchanged`].
    pub(super) fn check_unchanged(&self, facts: &Facts) -> Result<()> {
        if matches!(self.place, Place::Copy) {
            return Ok(());
        }
        let hint = "what was read may be a mixture: stop what replaces the file, and begin a new run";
        // A look by name only: opening the file would drop our locks.
        let meta = fs::metadata(&facts.canonical)
            .map_err(|e| Error::source(format!("is gone while it was read: {e}")).hint(hint))?;
        let then = &facts.fingerprint;
        let mut now = then.clone();
        (now.device, now.inode) = fingerprint::identity(&meta);
        // In WAL mode a checkpoint by others may rightly write to the file.
        if matches!(self.place, Place::Rollback) {
            now.bytes = meta.len();
            now.modified_ns = fingerprint::modified_ns(&meta);
        }
        match now.differs_from(then) {
            None => Ok(()),
            Some(words) => {
                Err(Error::source(format!("changed behind SQLite's back while it was read: {words}")).hint(hint))
            }
        }
    }

    /// The private copy stays when this is dropped.
    pub(super) fn keep(&self) {
        self.keep.store(true, Ordering::Relaxed);
    }

    /// What keeps this process from opening the file by ordinary I/O; a reader holds it as long as it lives.
    pub(super) fn claim(&self) -> Option<Arc<Claim>> {
        self.claim.clone()
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if matches!(self.place, Place::Copy) && !self.keep.load(Ordering::Relaxed) {
            let _ = copy::remove(&self.path);
        }
    }
}
