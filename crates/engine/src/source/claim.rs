//! Which database files this process has SQLite connections on: those must not be opened by ordinary I/O, because
//! closing any descriptor of a file drops every POSIX lock of the process on it.
//! Owns that list; never opens a file. Source: <https://sqlite.org/howtocorrupt.html>, section 2.2.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::fingerprint::identity;
use super::lock;
use crate::error::{Error, Result};

type Identity = (u64, u64);

/// What this process does with a file.
enum Use {
    /// Reads it by ordinary I/O; nobody may connect meanwhile.
    Raw,
    /// This many have connections on it.
    Connected(u64),
}

static USES: Mutex<BTreeMap<Identity, Use>> = Mutex::new(BTreeMap::new());
static CHANGED: Condvar = Condvar::new();

/// Held as long as SQLite connections of this process may be on a file. Anyone who connects to the source outside of
/// [`super::Source`] takes one first (a capture, a fence, a fall-back): else opening a `Source` drops their locks.
#[derive(Debug)]
pub struct Claim(Identity);

impl Claim {
    /// Announces connections on `path`; waits while the file is read by ordinary I/O.
    pub fn take(path: &Path) -> Result<Arc<Claim>> {
        let meta = std::fs::metadata(path).map_err(|e| {
            Error::source(format!("cannot be read: {e}")).hint("check the path").about(path.display().to_string())
        })?;
        let id = identity(&meta);
        let mut uses = lock(&USES);
        loop {
            match uses.get_mut(&id) {
                Some(Use::Raw) => uses = CHANGED.wait(uses).unwrap_or_else(PoisonError::into_inner),
                Some(Use::Connected(n)) => {
                    *n = n.saturating_add(1);
                    break;
                }
                None => {
                    uses.insert(id, Use::Connected(1));
                    break;
                }
            }
        }
        Ok(Arc::new(Claim(id)))
    }

    /// Runs `read`, which may use ordinary I/O on the file, if no connection but the holder's is announced; the holder
    /// must have none open at this moment. `None` if there are others.
    pub(super) fn raw<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        {
            let mut uses = lock(&USES);
            match uses.get_mut(&self.0) {
                Some(u @ Use::Connected(1)) => *u = Use::Raw,
                _ => return None,
            }
        }
        // Also when `read` panics the others must not wait for ever.
        let _end = EndRaw(self.0);
        Some(read())
    }
}

struct EndRaw(Identity);

impl Drop for EndRaw {
    fn drop(&mut self) {
        lock(&USES).insert(self.0, Use::Connected(1));
        CHANGED.notify_all();
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut uses = lock(&USES);
        match uses.get_mut(&self.0) {
            Some(Use::Connected(n)) if *n > 1 => *n = n.saturating_sub(1),
            _ => drop(uses.remove(&self.0)),
        }
        CHANGED.notify_all();
    }
}
