//! Who else uses a database file: locks that are held on it, processes that have it open.
//! Owns the looking; never takes a lock. Only to be asked while no connection of this process is on the file.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// What others do with the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Others {
    /// Somebody holds a lock of SQLite on it.
    pub locked: bool,
    /// Somebody holds a lock that keeps readers away.
    pub excludes: bool,
    /// A process that holds a lock on it or has it open, if one could be found.
    pub pid: Option<u32>,
}

impl Others {
    /// Whether anybody but us uses the file.
    pub(super) fn any(&self) -> bool {
        self.locked || self.pid.is_some()
    }

    /// The process in words, for a message.
    pub(super) fn who(&self) -> String {
        match self.pid {
            Some(pid) => {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                format!("process {pid} ({})", if name.trim().is_empty() { "unknown" } else { name.trim() })
            }
            None => "another process".to_owned(),
        }
    }
}

/// Looks at the locks and the open files of other processes.
pub(super) fn look(path: &Path, identity: (u64, u64)) -> Others {
    let mut others = locks(path).unwrap_or_default();
    if others.pid.is_none() {
        others.pid = opened_by(identity);
    }
    others
}

/// SQLite's lock bytes. Source: <https://sqlite.org/src/file/src/os.h>, PENDING_BYTE and after.
#[cfg(unix)]
fn locks(path: &Path) -> std::io::Result<Others> {
    use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};
    const PENDING: u64 = 0x4000_0000;
    const SHARED: u64 = PENDING + 2;
    const SHARED_LENGTH: u64 = 510;
    let file = File::open(path)?;
    // F_GETLK tests and takes nothing. A read lock meets only writers, a write lock everybody.
    let ask = |typ: FlockType, start: u64, length: u64| {
        let lock = Flock { start, length, pid: None, typ, offset_type: FlockOffsetType::Set };
        fcntl_getlk(&file, &lock)
    };
    let held = ask(FlockType::WriteLock, PENDING, SHARED + SHARED_LENGTH - PENDING)?;
    let excludes = match ask(FlockType::ReadLock, PENDING, 1)? {
        None => ask(FlockType::ReadLock, SHARED, SHARED_LENGTH)?,
        some => some,
    };
    let pid = excludes.as_ref().or(held.as_ref()).and_then(|l| l.pid);
    Ok(Others {
        locked: held.is_some(),
        excludes: excludes.is_some(),
        pid: pid.and_then(|p| u32::try_from(p.as_raw_nonzero().get()).ok()),
    })
}

#[cfg(not(unix))]
fn locks(_path: &Path) -> std::io::Result<Others> {
    Ok(Others::default())
}

/// The first other process that has the file open, of those whose descriptors we may see (Linux only).
fn opened_by(identity: (u64, u64)) -> Option<u32> {
    let me = std::process::id();
    let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != me).find(|pid| {
        // Twice: a child that we are just starting holds copies of our descriptors until it runs its own program.
        has_open(*pid, identity) && {
            thread::sleep(Duration::from_millis(20));
            has_open(*pid, identity)
        }
    })
}

fn has_open(pid: u32, identity: (u64, u64)) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    // The link is followed, so a file of the same name elsewhere does not match.
    open.flatten().any(|fd| fs::metadata(fd.path()).is_ok_and(|m| super::fingerprint::identity(&m) == identity))
}
