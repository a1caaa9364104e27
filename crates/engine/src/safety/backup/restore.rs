//! `restore`: a backup becomes a database again, once everything about it has proven right.
//! Owns what happens to a file that lies there already; never changes it before the new one is whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use lite2pg_model::finding::Finding;
use serde::Serialize;

use super::files::{self, Tally, beside, failed};
use super::{Backup, Unlock, Work, crypt};
use crate::error::{Error, Kind, Result};
use crate::observe::Observer;
use crate::pool::Cancel;
use crate::run::clock;
use crate::source::backup::{self as sqlite, Bench};

/// What SQLite puts beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-journal", "-shm"];

/// How to restore.
#[derive(Debug, Default)]
pub struct RestoreOptions {
    /// What opens an encrypted backup.
    pub unlock: Option<Unlock>,
    /// A database that is there already is kept under another name, and makes way.
    pub force: bool,
    /// Restore although no `.sha256` lies beside the backup, or without looking at it.
    pub no_checksum: bool,
}

/// A database that was restored.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// The backup.
    pub backup: PathBuf,
    /// The database.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Whether the SHA-256 beside the backup was compared.
    pub checksum_compared: bool,
    /// Whether it had been encrypted.
    pub encrypted: bool,
    /// What lay there before is kept here.
    pub kept: Option<PathBuf>,
    /// What SQLite's check says of its rows, and what it could not check.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub seconds: f64,
}

/// Restores a backup to `file`. In this order: its SHA-256 is compared with the one beside it, it is decrypted, the
/// database's SHA-256 is compared with the one in `BACKUP.json` if that is there, SQLite's `integrity_check` passes, and
/// only then is `file` made, by renaming. A backup that fails in any of these leaves `file` untouched. A kill leaves at
/// most a directory `lite2pg-backup-…` beside `file`, which the next backup or restore there removes; if it comes while
/// an old database makes way, that one is whole under the name it is kept by.
///
/// # Errors
/// The backup is damaged, truncated or no backup, the key does not fit (all exit 3), something lies at `file`, others
/// use it, there is no room, or `Interrupted`.
pub fn restore(
    backup: &Path,
    file: &Path,
    options: &RestoreOptions,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Restored> {
    let begin = Instant::now();
    let work = Work { observer, cancel };
    check_place(file, options.force)?;
    let size = fs::metadata(backup).map_err(|e| failed("cannot be read", backup, e))?;
    if !size.is_file() {
        return Err(Error::usage("is no file").about(backup.display().to_string()).hint("name the backup's file"));
    }
    let dir = files::directory(file);
    sqlite::sweep(dir);
    compare_sum(&work, backup, size.len(), options.no_checksum)?;
    let encrypted = crypt::is_sealed(backup)?;
    let unlock = key(backup, encrypted, options)?;
    let bench = Bench::new(dir, size.len())?;
    let draft = bench.dir().join("backup");
    let tally = work.staged("restore", size.len(), |tick| {
        let out = files::create_private(&draft)?;
        let keep = out.try_clone().map_err(|e| failed("cannot be written", &draft, e))?;
        let tally = match unlock {
            Some(unlock) => crypt::open(backup, out, &draft, unlock, tick).map_err(damaged)?,
            None => {
                let from = File::open(backup).map_err(|e| failed("cannot be read", backup, e))?;
                files::pour(from, out, backup, &draft, tick)?
            }
        };
        keep.sync_all().map_err(|e| failed("cannot be written", &draft, e))?;
        Ok(tally)
    })?;
    compare_manifest(backup, &tally)?;
    let findings = check(&work, backup, &draft)?;
    cancel.check()?;
    as_before(file, &draft)?;
    let kept = make_way(file, options.force)?;
    files::rename_new(&draft, file).map_err(|e| {
        let e = failed("cannot be put in its place", file, e);
        match &kept {
            Some(kept) => e.hint(format!("what lay there is {} now", kept.display())),
            None => e,
        }
    })?;
    files::sync_dir(dir)?;
    Ok(Restored {
        backup: backup.to_owned(),
        file: file.to_owned(),
        bytes: tally.bytes,
        sha256: tally.sha256,
        checksum_compared: !options.no_checksum,
        encrypted,
        kept,
        findings,
        seconds: begin.elapsed().as_secs_f64(),
    })
}

/// Nothing may lie at the database's place, nor beside it what SQLite would take for its journal, unless that was said.
fn check_place(file: &Path, force: bool) -> Result<()> {
    let about = |path: &Path, error: Error| Err(error.about(path.display().to_string()));
    if file.file_name().is_none() || file.is_dir() {
        return about(file, Error::usage("is no name of a file").hint("name the database's file"));
    }
    if !files::directory(file).is_dir() {
        return about(file, Error::usage("its directory does not exist").hint("make the directory first"));
    }
    let there = [""].into_iter().chain(COMPANIONS).map(|c| beside(file, c)).find(|p| p.symlink_metadata().is_ok());
    if let Some(path) = there.filter(|_| !force) {
        let hint = "choose another name, or add --force: what lies there is then kept under another name";
        return about(&path, Error::usage("exists already, and nothing is overwritten").hint(hint));
    }
    if let Some(who) = sqlite::in_use(file)? {
        let what = format!("is in use by {who}, which would go on with the old database");
        return about(file, Error::source(what).hint("stop that process first"));
    }
    Ok(())
}

fn compare_sum(work: &Work<'_>, backup: &Path, bytes: u64, declined: bool) -> Result<()> {
    if declined {
        return Ok(());
    }
    let beside = beside(backup, ".sha256");
    let Some(wanted) = files::read_sum(&beside)? else {
        return Err(Error::source("no SHA-256 lies beside the backup, so it cannot be told whether it is whole")
            .about(beside.display().to_string())
            .hint("fetch that file too, or restore with --no-checksum: SQLite's own check is then all that vouches for it"));
    };
    let found = work.sum("digest", backup, Some(bytes))?;
    if found.sha256 == wanted {
        return Ok(());
    }
    let shorter = manifest(backup).filter(|m| m.bytes != found.bytes);
    let why = shorter.map_or_else(String::new, |m| format!("; it has {} bytes, and had {}", found.bytes, m.bytes));
    Err(Error::source(format!("is damaged: its SHA-256 is {}, and was {wanted}{why}", found.sha256))
        .about(backup.display().to_string())
        .hint("fetch the backup again from where it came, or take another one; nothing was restored"))
}

/// The key that is needed, if one is.
fn key<'a>(backup: &Path, encrypted: bool, options: &'a RestoreOptions) -> Result<Option<&'a Unlock>> {
    let about = |error: Error| Err(error.about(backup.display().to_string()));
    match (&options.unlock, encrypted) {
        (None, true) => about(
            Error::usage("is encrypted")
                .hint("give --identity FILE, or --passphrase-file FILE if it was made with one"),
        ),
        (Some(_), false) => about(Error::usage("is not encrypted").hint("leave out --identity and --passphrase-file")),
        (unlock, _) => Ok(unlock.as_ref()),
    }
}

/// What came before it failed was authentic, so the rest is cut off or altered.
fn damaged(e: Error) -> Error {
    let reading = e.kind == Kind::Source && e.hint.as_deref() == Some("check the path and the disk");
    if reading {
        e.hint("it is truncated or damaged: fetch the backup again, or take another one; nothing was restored")
    } else {
        e
    }
}

fn manifest(backup: &Path) -> Option<Backup> {
    serde_json::from_slice(&fs::read(beside(backup, ".json")).ok()?).ok()
}

fn compare_manifest(backup: &Path, tally: &Tally) -> Result<()> {
    match manifest(backup) {
        Some(m) if m.database.sha256 != tally.sha256 => Err(Error::source(format!(
            "holds another database than its .json says: its SHA-256 is {}, and was {}",
            tally.sha256, m.database.sha256
        ))
        .about(backup.display().to_string())
        .hint("the two do not belong together: fetch both again; nothing was restored")),
        _ => Ok(()),
    }
}

fn check(work: &Work<'_>, backup: &Path, draft: &Path) -> Result<Vec<Finding>> {
    let checked = work.staged("check", 0, |_| sqlite::check_whole(draft, &|| work.cancel.requested()));
    checked.map_err(|e| {
        let e = e.about(backup.display().to_string());
        if e.kind == Kind::Source { e.hint("nothing was restored; take another backup") } else { e }
    })
}

/// Whoever might use the database that lies there may use the restored one; only root may give a file away.
fn as_before(file: &Path, draft: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Ok(old) = fs::metadata(file) {
        use std::os::unix::fs::MetadataExt as _;
        let _ = std::os::unix::fs::chown(draft, Some(old.uid()), Some(old.gid()));
        fs::set_permissions(draft, old.permissions()).map_err(|e| failed("its permissions cannot be set", draft, e))?;
    }
    Ok(())
}

/// What lies at the database's place gets another name, journal and log with it: first a second name for all of them,
/// then the first ones go, the database's own before the others. So at every instant it is whole under one of the two,
/// and no journal of the old database lies beside the new one.
fn make_way(file: &Path, force: bool) -> Result<Option<PathBuf>> {
    let old: Vec<&str> =
        [""].into_iter().chain(COMPANIONS).filter(|c| beside(file, c).symlink_metadata().is_ok()).collect();
    if old.is_empty() || !force {
        return Ok(None);
    }
    let stamp: String = clock::now().chars().filter(char::is_ascii_digit).collect();
    let free = |n: u32| {
        let tail = if n == 0 { String::new() } else { format!("-{n}") };
        let name = beside(file, &format!(".before-restore-{stamp}{tail}"));
        let taken = [""].into_iter().chain(COMPANIONS).any(|c| beside(&name, c).symlink_metadata().is_ok());
        (!taken).then_some(name)
    };
    let kept = (0..1000).find_map(free).ok_or_else(|| Error::internal("no name is free for what lies there"))?;
    let failed = |e| failed("cannot be kept under another name", file, e);
    let linked = old.iter().try_for_each(|c| fs::hard_link(beside(file, c), beside(&kept, c)));
    if linked.is_ok() {
        files::sync_dir(files::directory(file))?;
        old.iter().try_for_each(|c| fs::remove_file(beside(file, c))).map_err(failed)?;
    } else {
        // The file system has no second names: one after the other.
        old.iter().for_each(|c| drop(fs::remove_file(beside(&kept, c))));
        old.iter().try_for_each(|c| fs::rename(beside(file, c), beside(&kept, c))).map_err(failed)?;
    }
    files::sync_dir(files::directory(file))?;
    Ok(Some(kept))
}
