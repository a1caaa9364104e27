//! A directory for one rehearsal, which a killed one leaves behind for the next to remove.
//! Owns `WORK_DIR/rehearsals`; never removes a directory whose rehearsal lives, was kept, or was none.

use crate::error::{Error, Result};
use crate::local;
use crate::run::clock;
use crate::run::settings::Settings;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The directory of one rehearsal and its lock, which the system lets go if the process dies.
pub struct Place {
    id: String,
    root: PathBuf,
    /// Where PostgreSQL's data lies if it cannot lie in `root`.
    elsewhere: Option<PathBuf>,
    lock: File,
    removed: bool,
}

fn failed(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::usage(format!("cannot {what}: {e}"))
        .about(path.display().to_string())
        .hint("the work directory must be writable; choose another with --work-dir")
        .because(e)
}

/// Names this process and this rehearsal of it, so that another process can tell whether it lives: PID_START_WORLD_N.
fn id(settings: &Settings) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = clock::application(&settings.operator);
    let words: Vec<&str> = name.split(' ').skip(2).collect();
    format!("{}_{n}", words.join("_").replace('-', "_"))
}

/// Whether the process that a rehearsal's name tells of is known to be gone.
pub fn is_dead(id: &str) -> bool {
    let words: Vec<&str> = id.split('_').collect();
    let [pid, start, world, _] = words.as_slice() else { return false };
    clock::is_dead(&format!("lite2pg - {pid} {start}-{world}"))
}

impl Place {
    /// Makes one, after removing those that killed rehearsals left; says in words what was removed.
    ///
    /// # Errors
    /// The work directory cannot be written.
    pub fn make(settings: &Settings) -> Result<(Place, Vec<String>)> {
        let all = settings.work_dir.join("rehearsals");
        fs::create_dir_all(&all).map_err(|e| failed("make the directory", &all, e))?;
        let swept = sweep(&all);
        let id = id(settings);
        let root = all.join(&id);
        let path = lock_of(&root);
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).read(true).write(true);
        // The last rehearsal of another process may just have removed the directory.
        let again = |_| fs::create_dir_all(&all).and_then(|()| options.open(&path));
        let lock = options.open(&path).or_else(again).map_err(|e| failed("make the lock", &path, e))?;
        lock.lock().map_err(|e| failed("take the lock", &path, e))?;
        // One that sweeps may have met the file before it was locked.
        let same = |m: fs::Metadata| lock.metadata().is_ok_and(|own| own.ino() == m.ino());
        if !fs::metadata(&path).is_ok_and(same) {
            return Err(Error::internal("another rehearsal removed the lock of this one").hint("run it again"));
        }
        let place = Place { id, root, elsewhere: None, lock, removed: false };
        let work = place.work_dir();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&work).map_err(|e| failed("make", &work, e))?;
        Ok((place, swept))
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// For private copies of the source.
    pub fn work_dir(&self) -> PathBuf {
        self.root.join("work")
    }

    /// A managed PostgreSQL in this place, started as another one is.
    pub fn managed(&mut self, other: &local::Options) -> local::Options {
        let elsewhere = other.fallback_dir.join(format!("rehearsal-{}", self.id));
        // Before anything lies there: a killed process must leave word of it.
        let _ = std::io::Write::write_all(&mut &self.lock, elsewhere.as_os_str().as_encoded_bytes());
        self.elsewhere = Some(elsewhere.clone());
        local::Options { dir: self.root.join("rehearsal.pg"), fallback_dir: elsewhere, ..other.clone() }
    }

    /// What must be removed to remove it.
    pub fn dirs(&self) -> Vec<PathBuf> {
        [Some(&self.root), self.elsewhere.as_ref()].into_iter().flatten().cloned().collect()
    }

    /// Leaves it: nobody removes it any more.
    ///
    /// # Errors
    /// The private files in it cannot be removed.
    pub fn keep(mut self) -> Result<()> {
        self.removed = true;
        let work = self.work_dir();
        fs::remove_dir_all(&work).map_err(|e| failed("remove", &work, e))?;
        let lock = lock_of(&self.root);
        fs::remove_file(&lock).map_err(|e| failed("remove", &lock, e))
    }

    /// Removes it and all that is in it.
    ///
    /// # Errors
    /// Something in it cannot be removed.
    pub fn remove(mut self) -> Result<()> {
        self.clear()
    }

    fn clear(&mut self) -> Result<()> {
        self.removed = true;
        for dir in self.dirs() {
            remove(&dir)?;
        }
        let lock = lock_of(&self.root);
        fs::remove_file(&lock).map_err(|e| failed("remove", &lock, e))?;
        // Unless another one is there.
        let _ = self.root.parent().map(fs::remove_dir);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.removed {
            // An error is on its way already; what stays is removed by the next rehearsal.
            let _ = self.clear();
        }
    }
}

fn lock_of(root: &Path) -> PathBuf {
    root.with_extension("lock")
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", dir, e)),
        _ => Ok(()),
    }
}

/// Removes the places of killed rehearsals: those whose lock nobody holds. A kept one has no lock.
fn sweep(all: &Path) -> Vec<String> {
    let mut swept = Vec::new();
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "lock") {
            continue;
        }
        let Ok(mut lock) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        let (root, mut text) = (path.with_extension(""), String::new());
        let _ = std::io::Read::read_to_string(&mut lock, &mut text);
        let id = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let elsewhere = PathBuf::from(&text);
        // Only a directory of that very rehearsal, whatever the file says.
        let named = elsewhere.file_name().is_some_and(|n| *n == *format!("rehearsal-{id}"));
        let dirs: Vec<PathBuf> = [Some(root.clone()), named.then_some(elsewhere)].into_iter().flatten().collect();
        // Its server may still be about to end.
        if dirs.iter().any(|dir| is_served(dir)) || dirs.iter().any(|dir| remove(dir).is_err()) {
            continue;
        }
        if fs::remove_file(&path).is_ok() {
            swept.push(root.display().to_string());
        }
    }
    swept
}

/// Whether a managed server runs on a directory below this one.
fn is_served(dir: &Path) -> bool {
    let homes = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path().join("lite2pg.lock"));
    homes.filter_map(|lock| OpenOptions::new().read(true).write(true).open(lock).ok()).any(|f| f.try_lock().is_err())
}
