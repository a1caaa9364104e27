//! `backup`: one committed state of a database as one file, checked whole, with its SHA-256 beside it, encrypted if
//! that is wanted. Owns how a backup is made, named and put in its place; never writes to the source.
//!
//! What holds after a kill at any instant: a file under the backup's name is a whole and checked backup with its
//! companions beside it. What was in the making lies in a directory `lite2pg-backup-…` beside it (and, when encrypting,
//! the plain copy in `lite2pg-copy-…` below the work directory), which the next backup or restore there removes.

mod crypt;
mod files;
mod restore;

pub use crypt::{Lock, Unlock};
pub use restore::{RestoreOptions, Restored, restore};

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lite2pg_model::finding::Finding;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::observe::{Event, Observer};
use crate::pool::Cancel;
use crate::run::clock;
use crate::source::backup::{self as sqlite, Bench, Copy};
use crate::source::{JournalMode, sweep_copies};
use crate::space;
use files::{Tally, beside, failed};

/// How to make a backup.
#[derive(Debug, Default)]
pub struct BackupOptions {
    /// The backup's file, or the directory it is to lie in; nothing: beside the source. It must not exist yet.
    pub to: Option<PathBuf>,
    /// Who may read it; nothing: it is not encrypted.
    pub lock: Option<Lock>,
    /// Where the plain copy lies for as long as an encrypted backup is made, in a directory that only we may enter.
    pub work_dir: PathBuf,
}

/// A backup that was made. Written beside it as `FILE.json`, but for where it lies and how long it took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backup {
    /// Its file.
    #[serde(skip_deserializing)]
    pub backup: PathBuf,
    /// The database, without symbolic links.
    pub source: PathBuf,
    /// When it was made, UTC.
    pub made: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, as in `FILE.sha256`.
    pub sha256: String,
    /// `age`, or nothing for a plain database.
    pub encrypted: Option<String>,
    /// The database in it.
    pub database: Plain,
    /// What the check says of its rows, and what it could not check. Damage is an error instead.
    pub findings: Vec<Finding>,
    /// How long it took.
    #[serde(skip_deserializing)]
    pub seconds: f64,
}

/// The database that a backup holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plain {
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Its journal mode.
    pub journal_mode: JournalMode,
}

/// Makes a backup of a database that others may use meanwhile, by SQLite's backup: the last state that was committed
/// when the copying began. Writers of a database in WAL mode are not kept waiting; with a rollback journal they wait as
/// long as the copying takes. The finished copy passes SQLite's `integrity_check` before it gets its name. Nothing that
/// exists is overwritten, and whatever way this ends but well, nothing new is left.
///
/// Source: <https://sqlite.org/backup.html>.
///
/// # Errors
/// The source cannot be read or is damaged, there is no room, the place cannot be written or is taken, or
/// `Interrupted`.
pub fn backup(source: &Path, options: &BackupOptions, observer: &dyn Observer, cancel: &Cancel) -> Result<Backup> {
    let begin = Instant::now();
    let target = place(source, options)?;
    let dir = files::directory(&target).to_owned();
    let made = clock::now();
    let work = Work { observer, cancel };
    let mut backup = match &options.lock {
        None => work.plain(source, &target, &dir, made)?,
        Some(lock) => {
            sweep_work_dir(&options.work_dir);
            work.encrypted(source, &target, &dir, lock, &options.work_dir, made)?
        }
    };
    backup.seconds = begin.elapsed().as_secs_f64();
    Ok(backup)
}

/// Plain copies that a killed process left; those that an interrupted run still needs stay.
fn sweep_work_dir(work_dir: &Path) {
    let kept = crate::run::prepare::copies_told_of(work_dir);
    sweep_copies(work_dir, &|copy| kept.contains(copy));
}

/// Where the backup will lie; nothing lies there yet.
fn place(source: &Path, options: &BackupOptions) -> Result<PathBuf> {
    let name = || {
        let stamp: String = clock::now().chars().filter(char::is_ascii_digit).collect();
        let (day, time) = stamp.split_at_checked(8).unwrap_or((&stamp, ""));
        let end = if options.lock.is_some() { ".age" } else { "" };
        let mut name = source.file_name().unwrap_or_default().to_owned();
        name.push(format!(".backup-{day}T{time}Z{end}"));
        name
    };
    let target = match &options.to {
        None => source.with_file_name(name()),
        Some(to) if to.is_dir() => to.join(name()),
        Some(to) => to.clone(),
    };
    let wrong = |what: &str, hint: &str| {
        Err(Error::usage(what.to_owned()).about(target.display().to_string()).hint(hint.to_owned()))
    };
    if target.file_name().is_none() {
        return wrong("is no name of a file", "name a file or a directory with -o");
    }
    if !files::directory(&target).is_dir() {
        return wrong("its directory does not exist", "make the directory first, or choose another with -o");
    }
    // Before the look: a killed backup of that very name may have left its companions.
    sqlite::sweep(files::directory(&target));
    for path in [target.clone(), beside(&target, ".sha256"), beside(&target, ".json")] {
        if path.symlink_metadata().is_ok() {
            let what = "exists already, and nothing is overwritten";
            return Err(Error::usage(what)
                .about(path.display().to_string())
                .hint("choose another name with -o, or move that file away"));
        }
    }
    Ok(target)
}

struct Work<'a> {
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
}

impl Work<'_> {
    fn plain(&self, source: &Path, target: &Path, dir: &Path, made: String) -> Result<Backup> {
        let copy = self.copy(source, dir, true)?;
        let findings = self.check(copy.path(), source)?;
        let sum = self.sum("digest", copy.path(), None)?;
        let backup = describe(&copy, target, made, (&sum, &sum), false, findings);
        files::publish(copy.dir(), copy.path(), target, &backup, self.cancel)?;
        Ok(backup)
    }

    fn encrypted(
        &self,
        source: &Path,
        target: &Path,
        dir: &Path,
        lock: &Lock,
        work_dir: &Path,
        made: String,
    ) -> Result<Backup> {
        room_for_both(source, dir, work_dir)?;
        let copy = self.copy(source, work_dir, false)?;
        let findings = self.check(copy.path(), source)?;
        let bytes = std::fs::metadata(copy.path()).map_err(|e| failed("cannot be read", copy.path(), e))?.len();
        let bench = Bench::new(dir, crypt::sealed_bytes(bytes))?;
        let sealed = bench.dir().join("backup");
        let out = files::create_private(&sealed)?;
        let (plain, sum) = self.staged("encrypt", bytes, |tick| crypt::seal(copy.path(), out, &sealed, lock, tick))?;
        let backup = describe(&copy, target, made, (&plain, &sum), true, findings);
        // The plain copy goes first: once the backup is there, nothing else is.
        drop(copy);
        files::publish(bench.dir(), &sealed, target, &backup, self.cancel)?;
        Ok(backup)
    }

    fn copy(&self, source: &Path, place: &Path, beside: bool) -> Result<Copy> {
        let bytes = std::fs::metadata(source).map_or(0, |m| m.len());
        self.staged("backup", bytes, |tick| {
            let last = std::cell::Cell::new(0u64);
            Copy::make(source, place, beside, &|done, _| tick(done.saturating_sub(last.replace(done))))
        })
    }

    /// SQLite's own check of the copy; what it says of damage is about the source.
    fn check(&self, copy: &Path, source: &Path) -> Result<Vec<Finding>> {
        let checked = self.staged("check", 0, |_| sqlite::check_whole(copy, &|| self.cancel.requested()));
        checked.map_err(|e| {
            let hint = "no backup was made, since it would be damaged too: if only indexes are named, `sqlite3 FILE REINDEX` \
                        mends them; else restore an older backup, or save what can be read with `sqlite3 FILE .recover`";
            let e = e.about(source.display().to_string());
            if e.kind == Kind::Source { e.hint(hint) } else { e }
        })
    }

    fn sum(&self, stage: &'static str, path: &Path, all: Option<u64>) -> Result<Tally> {
        let bytes = all.unwrap_or_else(|| std::fs::metadata(path).map_or(0, |m| m.len()));
        self.staged(stage, bytes, |tick| {
            let file = File::open(path).map_err(|e| failed("cannot be read", path, e))?;
            files::pour(file, std::io::sink(), path, path, tick)
        })
    }

    /// Tells a stage's begin, its bytes and its end; `work` says how many more bytes went by, and hears of a wish to end.
    fn staged<T>(
        &self,
        stage: &'static str,
        bytes: u64,
        work: impl FnOnce(&dyn Fn(u64) -> Result<()>) -> Result<T>,
    ) -> Result<T> {
        let begin = Instant::now();
        self.cancel.check()?;
        self.observer.see(&Event::StageStarted { stage, bytes, rows: 0, steps: 0 });
        let out = work(&|bytes| {
            self.observer.see(&Event::Progress { stage, table: String::new(), rows: 0, bytes });
            self.cancel.check()
        })?;
        self.observer.see(&Event::StageDone { stage, seconds: begin.elapsed().as_secs_f64() });
        Ok(out)
    }
}

/// An encrypted backup and the plain copy may share a file system: then it must have room for both.
fn room_for_both(source: &Path, dir: &Path, work_dir: &Path) -> Result<()> {
    let plain = std::fs::metadata(source).map_or(0, |m| m.len());
    let wal = std::fs::metadata(beside(source, "-wal")).map_or(0, |m| m.len());
    let all = plain.saturating_add(wal);
    let needs = crypt::sealed_bytes(all).saturating_add(space::MARGIN);
    let needs = if space::same_file_system(dir, work_dir) { needs.saturating_add(all) } else { needs };
    match space::free(dir) {
        Some(free) if free < needs => Err(Error::source(format!(
            "no space for the backup: it needs {} ({needs} bytes), {} ({free} bytes) are free in {}",
            space::words(needs),
            space::words(free),
            dir.display()
        ))
        .hint("free some space there, or choose another place for it with -o, or for the copy it is made of with --work-dir")),
        _ => Ok(()),
    }
}

fn describe(
    copy: &Copy,
    target: &Path,
    made: String,
    (plain, sum): (&Tally, &Tally),
    encrypted: bool,
    findings: Vec<Finding>,
) -> Backup {
    let facts = copy.facts();
    Backup {
        backup: target.to_owned(),
        source: facts.canonical.clone(),
        made,
        bytes: sum.bytes,
        sha256: sum.sha256.clone(),
        encrypted: encrypted.then(|| "age".to_owned()),
        database: Plain { bytes: plain.bytes, sha256: plain.sha256.clone(), journal_mode: facts.journal_mode },
        findings,
        seconds: 0.0,
    }
}
