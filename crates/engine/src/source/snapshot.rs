//! Taking one consistent snapshot: in place or from a private copy, whichever leaves the source and its writers alone.
//! Owns the choice and its reasons; never makes a file beside the source unless `--snapshot pin` asked for it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

use super::claim::Claim;
use super::connect::{self, How};
use super::copy::{self, Draft, Making};
use super::fault::{fault, is_busy, is_corrupt};
use super::fingerprint::{self, Survey};
use super::header::{self, Encoding, Header, JOURNAL_MAGIC, be32};
use super::others::{self, Others};
use super::{Facts, JournalMode, Options, ReadFrom, SnapshotMode, lock, raw};
use crate::error::{Error, Kind, Result};

/// How long a moment between two commits is waited for.
const CATCH: Duration = Duration::from_secs(5);

/// A snapshot that was taken.
pub(super) struct Taken {
    pub facts: Facts,
    pub snapshot: Snapshot,
    /// The connection that holds it.
    pub main: Connection,
    /// Readers that had to begin with it.
    pub readers: Vec<Connection>,
}

/// What is needed to open further readers on a snapshot, and to let it go.
pub(super) struct Snapshot {
    path: PathBuf,
    place: Place,
    /// The file when it was pinned; `None` for a copy.
    stat: Option<Stat>,
    keep: AtomicBool,
    claim: Option<Arc<Claim>>,
    /// Keeps others from sweeping the copy away.
    _lock: Option<File>,
}

/// What `stat` says of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    identity: (u64, u64),
    bytes: u64,
    modified_ns: u64,
}

impl Stat {
    fn of(path: &Path) -> io::Result<Stat> {
        let meta = fs::metadata(path)?;
        Ok(Stat {
            identity: fingerprint::identity(&meta),
            bytes: meta.len(),
            modified_ns: fingerprint::modified_ns(&meta),
        })
    }

    fn seen(survey: &Survey) -> Stat {
        let f = &survey.fingerprint;
        Stat { identity: (f.device, f.inode), bytes: f.bytes, modified_ns: f.modified_ns }
    }
}

enum Place {
    /// In place; the shared lock of the first connection keeps everybody from committing.
    Rollback,
    /// In place; others may commit. A connection outside any transaction tells whether somebody did.
    Wal { watch: Mutex<Connection>, version: i64 },
    /// A private copy.
    Copy,
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
    making: &'a Making<'a>,
    claim: Arc<Claim>,
}

/// Takes a snapshot for a run.
pub(super) fn take(given: &Path, options: &Options) -> Result<Taken> {
    take_for(given, options, &Making::RUN)
}

/// Takes a snapshot; `making` says what a copy would be for.
pub(super) fn take_for(given: &Path, options: &Options, making: &Making<'_>) -> Result<Taken> {
    if let Some(kept) = &options.kept_copy {
        return of_copy(copy::facts(kept)?, kept, true, copy::hold(kept));
    }
    let path = locate(given)?;
    let claim = Claim::take(&path)?;
    for last in [false, false, true] {
        let before = look(given, &path, (options, making), &claim)?;
        before.empty_is_whole()?;
        let taken = match before.file_copy_reason() {
            // A writer that came between the look and the copy is seen by the next look.
            Some(reason) => match before.copy_files(&reason) {
                Err(e) if !last && e.kind != Kind::Interrupted => None,
                copied => Some(copied?),
            },
            None => before.in_place(last)?,
        };
        if let Some(taken) = taken {
            return Ok(taken);
        }
    }
    Err(Error::internal("the last try gave nothing"))
}

/// Looks at the file before any connection of ours is on it, or through SQLite if others of this process have some.
fn look<'a>(
    given: &'a Path,
    path: &Path,
    (options, making): (&'a Options, &'a Making<'a>),
    claim: &Arc<Claim>,
) -> Result<Before<'a>> {
    let raw = claim.raw(|| -> io::Result<(Survey, Others)> {
        let survey = fingerprint::survey(path)?;
        let others = others::look(path, (survey.fingerprint.device, survey.fingerprint.inode));
        Ok((survey, others))
    });
    let (survey, others) = match raw {
        Some(looked) => looked.map_err(|e| unreadable(&e))?,
        None => {
            let conn = connect::open(path, &How::default()).map_err(|e| fault("cannot be opened", e))?;
            let survey = fingerprint::survey_by_sqlite(path, |n| raw::head(&conn, n)).map_err(|e| unreadable(&e))?;
            (survey, Others { locked: true, excludes: false, pid: Some(std::process::id()) })
        }
    };
    let header = if survey.sample.is_empty() { None } else { Some(header::parse(&survey.sample)?) };
    Ok(Before { given, path: path.to_owned(), survey, header, others, options, making, claim: claim.clone() })
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
        let draft = Draft::new(&self.options.work_dir, bytes, self.making)?;
        let copied = self.claim.raw(|| {
            let first = draft.by_files(&self.path, &self.survey, self.making);
            if first.is_ok() {
                return first;
            }
            // Once more: somebody may just have finished.
            draft.clear();
            let again = fingerprint::survey(&self.path).map_err(|e| unreadable(&e))?;
            draft.by_files(&self.path, &again, self.making)
        });
        copied.unwrap_or_else(|| {
            Err(Error::internal("the database must be copied file by file, but this process has it open"))
        })?;
        draft.settle().map_err(|e| self.explain(e))?;
        let facts = self.facts(ReadFrom::Copied { path: draft.path(), reason: reason.to_owned() });
        let (copy, lock) = draft.finish(&facts)?;
        of_copy(facts, &copy, false, lock)
    }

    /// Reads where the file lies; `None` if somebody wrote between the look and the pin, so that the look is stale
    /// (unless it is the last try: then the snapshot is taken all the same).
    fn in_place(&self, last: bool) -> Result<Option<Taken>> {
        let how = How { wait: self.options.busy_timeout, ..How::default() };
        let main = connect::open(&self.path, &how).map_err(|e| fault("cannot be opened", e))?;
        if let Err(e) = connect::pin_patiently(&main, self.options.busy_timeout) {
            drop(main);
            return self.not_pinned(e).map(Some);
        }
        let seen = Stat::of(&self.path).map_err(|e| unreadable(&e))?;
        if !last && seen != Stat::seen(&self.survey) {
            return Ok(None);
        }
        let reason = match self.options.snapshot {
            SnapshotMode::Copy => Some("--snapshot copy".to_owned()),
            SnapshotMode::Auto if self.others.any() => Some(format!("{} has it open", self.others.who())),
            SnapshotMode::Auto | SnapshotMode::Pin => None,
        };
        match reason {
            Some(reason) => self.copy_by_backup(main, &reason),
            None => self.pinned(main, seen),
        }
        .map(Some)
    }

    /// What to do when SQLite could not read in place. No connection of ours is on the file any more.
    fn not_pinned(&self, e: rusqlite::Error) -> Result<Taken> {
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
        let draft = Draft::new(&self.options.work_dir, self.survey.fingerprint.bytes.saturating_add(wal), self.making)?;
        draft.by_backup(&main, self.making)?;
        drop(main);
        draft.settle()?;
        let facts = self.facts(ReadFrom::Copied { path: draft.path(), reason: reason.to_owned() });
        let (copy, lock) = draft.finish(&facts)?;
        of_copy(facts, &copy, false, lock)
    }

    fn pinned(&self, main: Connection, stat: Stat) -> Result<Taken> {
        let facts = self.facts(ReadFrom::Pinned);
        let taken = |place, main, facts| {
            let snapshot = Snapshot {
                path: self.path.clone(),
                place,
                stat: Some(stat),
                keep: AtomicBool::new(false),
                claim: Some(self.claim.clone()),
                _lock: None,
            };
            Taken { facts, snapshot, main, readers: Vec::new() }
        };
        if !self.is_wal() {
            return Ok(taken(Place::Rollback, main, facts));
        }
        let what = "cannot watch for writers";
        let how = How { wait: self.options.busy_timeout, ..How::default() };
        let open = || connect::open(&self.path, &how).map_err(|e| fault(what, e));
        let watch = open()?;
        let readers = (0..self.options.readers.max(1)).map(|_| open()).collect::<Result<Vec<_>>>()?;
        // Everything is open now, so that all can begin anew within microseconds, between two looks that must agree.
        let begin = || -> rusqlite::Result<Option<i64>> {
            main.execute_batch("ROLLBACK")?;
            let version = data_version(&watch)?;
            std::iter::once(&main).chain(&readers).try_for_each(connect::pin)?;
            Ok((data_version(&watch)? == version).then_some(version))
        };
        let started = Instant::now();
        while started.elapsed() < CATCH {
            if let Some(version) = begin().map_err(|e| fault(what, e))? {
                let place = Place::Wal { watch: Mutex::new(watch), version };
                let mut taken = taken(place, main, facts);
                taken.readers = readers;
                return Ok(taken);
            }
            readers.iter().try_for_each(|r| r.execute_batch("ROLLBACK")).map_err(|e| fault(what, e))?;
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
fn of_copy(facts: Facts, copy: &Path, kept: bool, lock: Option<File>) -> Result<Taken> {
    let (path, keep) = (copy.to_owned(), AtomicBool::new(kept));
    let snapshot = Snapshot { path, place: Place::Copy, stat: None, keep, claim: None, _lock: lock };
    let main = connect::open(copy, &How::default()).map_err(|e| fault("cannot open the private copy", e))?;
    connect::pin(&main).map_err(|e| fault("cannot read the private copy", e))?;
    Ok(Taken { facts, snapshot, main, readers: Vec::new() })
}

/// Puts what the snapshot itself says in place of what the header said: in WAL mode the header may lag behind.
/// What cannot be read (a damaged schema) stays as it is.
pub(super) fn refine(main: &Connection, facts: &mut Facts) {
    let number = |pragma: &str| main.query_row(&format!("PRAGMA {pragma}"), [], |r| r.get::<_, i32>(0)).ok();
    facts.user_version = number("user_version").unwrap_or(facts.user_version);
    facts.application_id = number("application_id").unwrap_or(facts.application_id);
    let encoding = main.query_row("PRAGMA encoding", [], |r| r.get::<_, String>(0)).unwrap_or_default();
    facts.encoding = match encoding.as_str() {
        "UTF-8" => Encoding::Utf8,
        "UTF-16le" => Encoding::Utf16le,
        "UTF-16be" => Encoding::Utf16be,
        _ => facts.encoding,
    };
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
    pub(super) fn check_unchanged(&self) -> Result<()> {
        let Some(then) = self.stat else { return Ok(()) };
        let hint = "what was read may be a mixture: stop what replaces the file, and begin a new run";
        // A look by name only: opening the file would drop our locks.
        let now =
            Stat::of(&self.path).map_err(|e| Error::source(format!("is gone while it was read: {e}")).hint(hint))?;
        // In WAL mode a checkpoint by others may rightly write to the file.
        let in_wal = matches!(self.place, Place::Wal { .. });
        let words = if now.identity != then.identity {
            "another file has taken its place".to_owned()
        } else if !in_wal && now.bytes != then.bytes {
            format!("its size was {} and is {} bytes", then.bytes, now.bytes)
        } else if !in_wal && now.modified_ns != then.modified_ns {
            "it was written (modification time changed)".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::source(format!("changed behind SQLite's back while it was read: {words}")).hint(hint))
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
