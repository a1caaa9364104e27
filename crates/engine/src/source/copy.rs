//! Private copies of a database: made by SQLite's backup or file by file, settled into one file, kept for a resume.
//! Owns everything inside a copy's directory; never writes anywhere else.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;

use super::fault::fault;
use super::fingerprint::{self, Survey, beside};
use super::header::JOURNAL_MAGIC;
use super::{Facts, connect};
use crate::error::{Error, Result};
use crate::space;

/// The database in a copy's directory.
const NAME: &str = "source.db";
/// Written last: its presence says that the copy is complete.
const FACTS: &str = "source.json";
/// Locked (shared) as long as a process makes or reads the copy; the system lets go of it if the process dies.
const LOCK: &str = "lock";
/// What a copy's directory is called before its number.
const PREFIX: &str = "lite2pg-copy-";
/// What the directory of a backup (or of a database that is restored) in the making is called before its number.
const BACKUP: &str = "lite2pg-backup-";
/// What else may lie in the directory of a backup in the making.
pub(super) const PARTS: [&str; 4] = ["backup", "backup.sha256", "backup.json", "placing"];
/// Pages that are copied between two looks at whether it is still wanted.
const PAGES: i32 = 1024;
/// The same for copies by ordinary file I/O, in bytes.
const PIECE: u64 = 64 << 20;

/// What a copy is made for, and who is told how far it is.
pub(super) struct Making<'a> {
    /// It becomes a backup: its directory lies where the backup will lie.
    pub backup: bool,
    /// Told bytes that are copied and bytes in all; an error ends the copying.
    pub tick: &'a dyn Fn(u64, u64) -> Result<()>,
}

impl Making<'_> {
    /// For a run, which tells nobody.
    pub(super) const RUN: Making<'static> = Making { backup: false, tick: &|_, _| Ok(()) };

    fn prefix(&self) -> &'static str {
        if self.backup { BACKUP } else { PREFIX }
    }
}

/// A directory of ours that is being filled; removed again unless it is finished.
pub(super) struct Draft {
    dir: PathBuf,
    lock: Option<File>,
    done: bool,
}

impl Draft {
    /// Makes a directory only we may enter below `work_dir`, where `bytes` fit.
    pub(super) fn new(work_dir: &Path, bytes: u64, making: &Making<'_>) -> Result<Draft> {
        fs::create_dir_all(work_dir)
            .map_err(|e| in_dir("cannot make the directory for private copies", work_dir, e))?;
        room(work_dir, bytes, making)?;
        for n in 0..10_000u32 {
            let dir = work_dir.join(format!("{}{}-{n}", making.prefix(), std::process::id()));
            match make_private(&dir) {
                Ok(()) => {
                    let lock = File::create(dir.join(LOCK)).ok().filter(|f| f.try_lock_shared().is_ok());
                    return Ok(Draft { dir, lock, done: false });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(in_dir("cannot make the directory for a private copy", work_dir, e)),
            }
        }
        Err(Error::source("there are too many private copies")
            .hint("remove old ones")
            .about(work_dir.display().to_string()))
    }

    /// Where the copy's database is.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(NAME)
    }

    /// Copies what a connection sees in its read transaction, which lasts, so that no writer can make it begin anew.
    pub(super) fn by_backup(&self, from: &Connection, making: &Making<'_>) -> Result<()> {
        let what = "cannot copy the database";
        // Before SQLite makes it: it is nobody else's to read, not even for a moment.
        File::create(self.path()).and_then(|_| own(&self.path())).map_err(|e| in_dir(what, &self.dir, e))?;
        let mut to = connect::open_private(&self.path(), true).map_err(|e| fault(what, e))?;
        // Nothing is lost if this copy is cut short: it counts only once it has been synced and its facts are written.
        to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").map_err(|e| fault(what, e))?;
        let backup = Backup::new(from, &mut to).map_err(|e| fault(what, e))?;
        let page: i64 = from.query_row("PRAGMA page_size", [], |r| r.get(0)).map_err(|e| fault(what, e))?;
        let bytes = |pages: i32| u64::try_from(i64::from(pages).saturating_mul(page)).unwrap_or(0);
        loop {
            let step = backup.step(PAGES).map_err(|e| fault(what, e))?;
            let at = backup.progress();
            (making.tick)(bytes(at.pagecount.saturating_sub(at.remaining)), bytes(at.pagecount))?;
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                other => return Err(Error::source(format!("{what}: SQLite says {other:?}")).hint("try again")),
            }
        }
    }

    /// Copies the file and what belongs to it (`-wal`, and `-journal` if it is hot) by ordinary file copies, and makes
    /// sure that nobody wrote meanwhile. No connection of this process may be on the file.
    pub(super) fn by_files(&self, from: &Path, before: &Survey, making: &Making<'_>) -> Result<()> {
        let failed = |e: io::Error| in_dir("cannot copy the database", &self.dir, e);
        let to = self.path();
        copy_in_pieces(from, &to, making)?.map_err(failed)?;
        if before.wal_bytes.is_some_and(|b| b > 0) {
            copy_file(&beside(from, "-wal"), &beside(&to, "-wal")).map_err(failed)?;
        } else if before.journal.as_ref().is_some_and(|(_, head)| head.starts_with(&JOURNAL_MAGIC)) {
            // A super-journal that it names is asked for where it always was: if it is gone the journal is stale, as
            // SQLite says; SQLite does not delete it, because it does not list the copy's journal.
            copy_file(&beside(from, "-journal"), &beside(&to, "-journal")).map_err(failed)?;
        }
        let after = fingerprint::survey(from).map_err(failed)?;
        let journal = |s: &Survey| s.journal.as_ref().map(|(bytes, head)| (*bytes, head.clone()));
        match after.fingerprint.differs_from(&before.fingerprint) {
            None if journal(&after) == journal(before) && after.wal_bytes == before.wal_bytes => Ok(()),
            words => Err(Error::source(format!(
                "was written while it was copied: {}",
                words.unwrap_or_else(|| "its journal changed".to_owned())
            ))
            .hint("stop the process that writes to it, or try again")),
        }
    }

    /// Empties the directory for another try.
    pub(super) fn clear(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(beside(&self.path(), suffix));
        }
    }

    /// Makes one file of it: a hot journal is rolled back, a WAL taken in, here and only here.
    pub(super) fn settle(&self) -> Result<()> {
        let what = "cannot read the private copy";
        let conn = connect::open_private(&self.path(), false).map_err(|e| fault(what, e))?;
        // Read once while SQLite is strict: a file shorter than its header says must fail here.
        connect::pin(&conn).map_err(|e| fault(what, e))?;
        conn.execute_batch("ROLLBACK").map_err(|e| fault(what, e))?;
        // From here a broken statement in the schema does not matter.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true).map_err(|e| fault(what, e))?;
        let mode: String =
            conn.query_row("PRAGMA journal_mode = DELETE", [], |r| r.get(0)).map_err(|e| fault(what, e))?;
        if mode != "delete" {
            return Err(Error::internal(format!("the private copy stayed in journal mode {mode}")));
        }
        Ok(())
    }

    /// Syncs it and writes the facts beside it; from now on it is complete and stays. Its lock is handed on.
    pub(super) fn finish(mut self, facts: &Facts) -> Result<(PathBuf, Option<File>)> {
        let failed = |e: io::Error| in_dir("cannot write the private copy", &self.dir, e);
        File::open(self.path()).and_then(|f| f.sync_all()).map_err(failed)?;
        let json = serde_json::to_vec_pretty(facts).map_err(|e| Error::internal("facts are not JSON").because(e))?;
        let draft = self.dir.join("source.json.new");
        fs::write(&draft, json).map_err(failed)?;
        File::open(&draft).and_then(|f| f.sync_all()).map_err(failed)?;
        fs::rename(&draft, self.dir.join(FACTS)).map_err(failed)?;
        File::open(&self.dir).and_then(|d| d.sync_all()).map_err(failed)?;
        self.done = true;
        Ok((self.path(), self.lock.take()))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            let _ = remove(&self.path());
        }
    }
}

/// The facts of a kept copy; an error if it is gone or was never finished.
pub(super) fn facts(copy: &Path) -> Result<Facts> {
    let failed = |e: io::Error| {
        in_dir("the kept copy cannot be read", copy, e).hint("the copy of the interrupted run is gone: begin a new run")
    };
    let json = fs::read(copy.with_file_name(FACTS)).map_err(failed)?;
    fs::metadata(copy).map_err(failed)?;
    serde_json::from_slice(&json).map_err(|e| {
        Error::source("the facts of the kept copy are damaged")
            .hint("begin a new run")
            .about(copy.display().to_string())
            .because(e)
    })
}

/// Removes a copy and its directory; nothing that is not ours. It is no error if it is gone already.
pub fn remove(copy: &Path) -> Result<()> {
    let Some(dir) = copy.parent() else { return Ok(()) };
    let name = dir.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let ours = [PREFIX, BACKUP].iter().any(|prefix| name.starts_with(prefix));
    if !ours || !dir.exists() {
        return Ok(());
    }
    let names = ["", "-wal", "-shm", "-journal"].map(|s| beside(&dir.join(NAME), s));
    let others = [FACTS, "source.json.new"].into_iter().chain(PARTS).chain([LOCK]).map(|name| dir.join(name));
    for file in names.iter().cloned().chain(others) {
        match fs::remove_file(&file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(in_dir("cannot remove the private copy", dir, e));
            }
            _ => {}
        }
    }
    fs::remove_dir(dir).map_err(|e| in_dir("cannot remove the private copy", dir, e))
}

/// Holds a finished copy for a reader.
pub(super) fn hold(copy: &Path) -> Option<File> {
    File::open(copy.with_file_name(LOCK)).ok().filter(|f| f.try_lock_shared().is_ok())
}

/// Removes the copies below `work_dir` that a killed process left behind and that nobody needs (`needed` is asked with
/// the copy's path). A copy that a living process makes or reads is locked, and stays.
pub fn sweep(work_dir: &Path, needed: &dyn Fn(&Path) -> bool) {
    sweep_all(work_dir, PREFIX, &|copy| !needed(copy));
}

/// Removes what killed backups and restores left in a directory; `last` sees the path in each before it goes.
pub(super) fn sweep_backups(dir: &Path, last: &dyn Fn(&Path)) {
    sweep_all(dir, BACKUP, &|copy| {
        last(copy);
        true
    });
}

/// Removes what nobody holds; `may` is asked while it is locked.
fn sweep_all(dir: &Path, prefix: &str, may: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let copy = entry.path().join(NAME);
        if !entry.file_name().to_string_lossy().starts_with(prefix) || !made_by_us(&entry.path()) {
            continue;
        }
        // Held until it is gone. Without a lock file it is not known whose it is.
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() && may(&copy) {
            let _ = remove(&copy);
        }
    }
}

/// A directory itself, no link to one, and of the user we act as: in a directory that many may write to, others can give
/// theirs our names.
#[cfg(unix)]
fn made_by_us(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(dir).is_ok_and(|m| m.is_dir() && m.uid() == rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn made_by_us(dir: &Path) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|m| m.is_dir())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    own(to)
}

/// As [`copy_file`], telling how far it is. The outer error is that of who is told.
fn copy_in_pieces(from: &Path, to: &Path, making: &Making<'_>) -> Result<io::Result<()>> {
    let opened = || -> io::Result<_> { Ok((File::open(from)?, File::create(to)?)) };
    let (mut from, mut out) = match opened() {
        Ok((file, out)) => (file, out),
        Err(e) => return Ok(Err(e)),
    };
    let all = from.metadata().map_or(0, |m| m.len());
    let mut done = 0u64;
    loop {
        match io::copy(&mut io::Read::take(&mut from, PIECE), &mut out) {
            Ok(0) => return Ok(own(to)),
            Ok(n) => done = done.saturating_add(n),
            Err(e) => return Ok(Err(e)),
        }
        (making.tick)(done, all)?;
    }
}

/// The copy carries the permissions of the file; it is ours to write, and nobody else's to read.
#[cfg(unix)]
fn own(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn own(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn make_private(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)
}

/// Refuses a copy that cannot fit.
fn room(dir: &Path, bytes: u64, making: &Making<'_>) -> Result<()> {
    let needed = bytes.saturating_add(space::MARGIN);
    let (what, hint) = match making.backup {
        true => ("no space for the backup", "free some space there, or choose another place for it with -o"),
        false => (
            "no space for a private copy",
            "free some space there, choose another directory for private copies with --work-dir, or read the file in \
             place with --snapshot pin",
        ),
    };
    match space::free(dir) {
        Some(free) if free < needed => Err(Error::source(format!(
            "{what}: it needs {} ({needed} bytes), {} ({free} bytes) are free in {}",
            space::words(needed),
            space::words(free),
            dir.display()
        ))
        .hint(hint)),
        _ => Ok(()),
    }
}

fn in_dir(what: &str, dir: &Path, e: io::Error) -> Error {
    Error::source(format!("{what} ({}): {e}", dir.display()))
        .hint("check the permissions and the free space of that directory, or choose another one")
        .because(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_written_while_it_is_copied_is_noticed() {
        let dir = std::env::temp_dir().join(format!("l2p-copy-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("s.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t(x)").unwrap();
        let before = fingerprint::survey(&path).unwrap();
        let draft = Draft::new(&dir, 0, &Making::RUN).unwrap();
        draft.by_files(&path, &before, &Making::RUN).unwrap();
        draft.clear();
        // The file itself stays as it is: only the end of the WAL tells.
        conn.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        let e = draft.by_files(&path, &before, &Making::RUN).unwrap_err();
        assert!(e.message.contains("WAL"), "{e}");
        drop(conn);
        let before = fingerprint::survey(&path).unwrap();
        draft.clear();
        Connection::open(&path)
            .unwrap()
            .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 3")
            .unwrap();
        assert!(draft.by_files(&path, &before, &Making::RUN).is_err());
        drop(draft);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn nothing_that_is_not_ours_is_removed() {
        let dir = std::env::temp_dir().join(format!("l2p-notours-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(NAME), b"x").unwrap();
        remove(&dir.join(NAME)).unwrap();
        assert!(dir.join(NAME).exists());
        fs::remove_dir_all(&dir).unwrap();
    }
}
