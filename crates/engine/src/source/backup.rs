//! A copy of a database that may become a backup: one committed state in one file, checked whole.
//! Owns the SQLite part of `backup` and `restore`; never decides where a backup lies or what it is called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lite2pg_model::finding::Finding;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::copy::{self, Draft, Making, PARTS};
use super::fault::fault;
use super::fingerprint::identity;
use super::{Claim, Facts, JournalMode, Options, SnapshotMode, check, connect, damage, others, snapshot, standin};
use crate::error::{Error, Result};

/// How long a lock that keeps readers away is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// A directory in which a backup or a restored database is made, where it will lie; only we may enter it. It goes away
/// with this value, and after a kill with the next [`sweep`].
pub struct Bench {
    dir: PathBuf,
    _made: Draft,
}

impl Bench {
    /// Makes one in `place`, which must be there and have room for `bytes`.
    ///
    /// # Errors
    /// There is no room, or it may not be written.
    pub fn new(place: &Path, bytes: u64) -> Result<Bench> {
        let made = Draft::new(place, bytes, &Making { backup: true, tick: &|_, _| Ok(()) })?;
        let dir = made.path().parent().map(Path::to_owned).unwrap_or_default();
        Ok(Bench { dir, _made: made })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// A private copy of one committed state; it goes away with this value.
pub struct Copy {
    facts: Facts,
    path: PathBuf,
    // Removes it.
    _snapshot: snapshot::Snapshot,
}

impl Copy {
    /// Copies `source` into a directory of its own below `place`; `beside`: that is where the backup will lie, so that
    /// a killed process leaves what [`sweep`] removes, else what `sweep_copies` removes. The source is only read, and
    /// left as it is, whoever writes to it meanwhile: what is copied is the last state that was committed when the
    /// copying began. Where the source has a rollback journal its writers wait until the end. `tick` is told bytes that
    /// are copied and bytes in all; an error of it ends the copying.
    ///
    /// # Errors
    /// The source cannot be read, there is no room, or what `tick` says.
    pub fn make(source: &Path, place: &Path, beside: bool, tick: &dyn Fn(u64, u64) -> Result<()>) -> Result<Copy> {
        let options = Options { snapshot: SnapshotMode::Copy, busy_timeout: BUSY, ..Options::new(place) };
        let taken = snapshot::take_for(source, &options, &Making { backup: beside, tick })
            .map_err(|e| super::named(e, source))?;
        let snapshot::Taken { facts, snapshot, main, readers } = taken;
        drop((main, readers));
        let super::ReadFrom::Copied { path, .. } = &facts.read_from else {
            return Err(Error::internal("a copy was asked for, and the file was read in place"));
        };
        let copy = Copy { path: path.clone(), facts, _snapshot: snapshot };
        copy.as_it_was().map_err(|e| super::named(e, source))?;
        Ok(copy)
    }

    /// What is known about the source.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The copy: one file, with nothing beside it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory it lies in.
    pub fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// A database that had a write-ahead log has one again where the copy is used; settling the copy took that away.
    fn as_it_was(&self) -> Result<()> {
        if self.facts.journal_mode != JournalMode::Wal || self.facts.is_empty {
            return Ok(());
        }
        let what = "cannot set the journal mode of the copy";
        let conn = connect::open_private(&self.path, false).map_err(|e| fault(what, e))?;
        let set = || -> rusqlite::Result<()> {
            // This once the log is to go with the last connection.
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        set().map_err(|e| fault(what, e))?;
        conn.close().map_err(|(_, e)| fault(what, e))
    }
}

/// Removes what killed backups and restores left in a directory, and beside it the companions of a backup that was never
/// put in its place. What a living process makes stays.
pub fn sweep(place: &Path) {
    copy::sweep_backups(place, &|copy| {
        let dir = copy.parent().unwrap_or(place);
        let [backup, sum, manifest, placing] = PARTS.map(|part| dir.join(part));
        let Ok(name) = fs::read_to_string(placing) else { return };
        let name = Path::new(name.trim_end_matches('\n'));
        // A path would lead out of the directory.
        if name.file_name() != Some(name.as_os_str()) {
            return;
        }
        let wanted = place.join(name);
        // Placed companions are no longer in the directory, and the backup itself still is.
        let unplaced = (backup.exists() || copy.exists()) && !wanted.exists();
        for (part, suffix) in [(sum, ".sha256"), (manifest, ".json")] {
            if unplaced && !part.exists() {
                let _ = fs::remove_file(super::fingerprint::beside(&wanted, suffix));
            }
        }
    });
}

/// SQLite's own check of everything, indexes too, of a file that nobody else uses and nothing lies beside. Damage is an
/// error; broken constraints and what could not be checked are findings. The file and its directory stay as they are.
///
/// # Errors
/// Damage, no database, or `Interrupted` once `cancelled` says yes.
pub fn check_whole(path: &Path, cancelled: &dyn Fn() -> bool) -> Result<Vec<Finding>> {
    let what = "cannot be checked";
    let mut conn = open_immutable(path)?;
    if fs::metadata(path).is_ok_and(|m| m.len() == 0) {
        return Ok(Vec::new());
    }
    let damage = damage::survey(&conn)?;
    let stand_ins = standin::discover(&conn, &damage.tables, &damage.views);
    let how = connect::How { tolerant: damage.tolerant, functions: stand_ins.function_names(), ..Default::default() };
    connect::teach(&conn, &how).map_err(|e| fault(what, e))?;
    let foreign = foreign_order(&conn, &damage.tables).map_err(|e| fault(what, e))?;
    let mut findings = check::integrity_check(&mut conn, damage.tolerant, foreign, &damage.tables, cancelled)?;
    findings.extend(damage.findings());
    Ok(findings)
}

/// Opens a file that nobody writes: no lock, no journal and no log is looked for, so that nothing appears beside it.
/// Source: <https://sqlite.org/uri.html#uriimmutable>.
fn open_immutable(path: &Path) -> Result<Connection> {
    let what = "cannot be opened";
    let path = std::path::absolute(path).map_err(|e| Error::source(format!("{what}: {e}")).hint("check the path"))?;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' => uri.push(char::from(*byte)),
            b if b.is_ascii_alphanumeric() => uri.push(char::from(*b)),
            b => uri.push_str(&format!("%{b:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(&uri, flags).map_err(|e| fault(what, e))?;
    connect::settle(&conn).map_err(|e| fault(what, e))?;
    Ok(conn)
}

/// Indexes and tables whose order an unknown collation makes.
fn foreign_order(conn: &Connection, tables: &[String]) -> rusqlite::Result<BTreeSet<String>> {
    let built_in = standin::BUILT_IN.map(|c| format!("'{c}'")).join(", ");
    let mut names = BTreeSet::new();
    let mut statement = conn.prepare(&format!(
        "SELECT DISTINCT l.name, l.origin FROM pragma_index_list(?1, 'main') l, pragma_index_xinfo(l.name, 'main') x \
         WHERE x.key AND upper(x.coll) NOT IN ({built_in})"
    ))?;
    for table in tables {
        let mut rows = statement.query([table])?;
        while let Some(row) = rows.next()? {
            names.insert(row.get::<_, String>(0)?);
            // The key of a WITHOUT ROWID table is the table.
            if row.get::<_, String>(1)? == "pk" {
                names.insert(table.clone());
            }
        }
    }
    Ok(names)
}

/// Who uses a database file: another process that holds a lock on it or has it open, in words. `None`: nobody that can
/// be seen, or there is no such file.
///
/// # Errors
/// It cannot be looked at.
pub fn in_use(path: &Path) -> Result<Option<String>> {
    let Ok(meta) = fs::metadata(path) else { return Ok(None) };
    let claim = Claim::take(path)?;
    let others = claim.raw(|| others::look(path, identity(&meta)));
    Ok(match others {
        Some(others) => others.any().then(|| others.who()),
        None => Some("this very process".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_removes_nothing_outside_of_its_directory() {
        let outer = std::env::temp_dir().join(format!("l2p-sweep-{}", std::process::id()));
        let place = outer.join("backups");
        fs::create_dir_all(&place).unwrap();
        let theirs = ["x.json", "x.sha256"].map(|name| outer.join(name));
        let absolute = outer.join("x").display().to_string();
        for name in ["../x", absolute.as_str(), "..", "a/../../x", "x/"] {
            let dir = place.join("lite2pg-backup-1");
            fs::create_dir(&dir).unwrap();
            theirs.iter().for_each(|file| fs::write(file, "theirs").unwrap());
            for (file, text) in [("lock", ""), ("placing", name), ("backup", "b")] {
                fs::write(dir.join(file), text).unwrap();
            }
            sweep(&place);
            assert!(!dir.exists(), "{name}");
            assert!(theirs.iter().all(|file| file.exists()), "{name}");
        }
        // Of a plain name the companions go.
        let dir = place.join("lite2pg-backup-2");
        fs::create_dir(&dir).unwrap();
        fs::write(place.join("x.json"), "ours").unwrap();
        for (file, text) in [("lock", ""), ("placing", "x"), ("backup", "b")] {
            fs::write(dir.join(file), text).unwrap();
        }
        sweep(&place);
        assert!(!dir.exists() && !place.join("x.json").exists());
        // What a link leads to is not ours to empty.
        #[cfg(unix)]
        {
            let elsewhere = outer.join("lite2pg-backup-3");
            fs::create_dir(&elsewhere).unwrap();
            for file in ["lock", "source.db"] {
                fs::write(elsewhere.join(file), "").unwrap();
            }
            std::os::unix::fs::symlink(&elsewhere, place.join("lite2pg-backup-3")).unwrap();
            sweep(&place);
            assert!(elsewhere.join("source.db").exists());
        }
        fs::remove_dir_all(&outer).unwrap();
    }
}
