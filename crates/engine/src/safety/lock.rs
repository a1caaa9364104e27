//! One run per source: a lock file that a dead process does not leave behind.
//! Owns the files in the state directory; never opens the source (that would drop SQLite's locks on it).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Who holds a source. Holds no secret: the target is named without a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// When the run began, as text for people.
    pub started: String,
    /// Where it goes, as text for people.
    pub target: String,
}

/// Holds a source for one run until it is dropped; the system lets go of it if the process dies.
#[derive(Debug)]
pub struct SourceLock {
    file: File,
    path: PathBuf,
}

impl SourceLock {
    /// Takes the lock on `source` in `state_dir` (which is made if need be). If another process has it, a
    /// `Kind::Source` error says who, since when and where to. The file is known by device and inode, so two names of
    /// one file are one source.
    pub fn take(source: &Path, state_dir: &Path, holder: &Holder) -> Result<SourceLock> {
        let failed = |what: &str, e: std::io::Error| {
            Error::source(format!("cannot {what} the lock of the source in {}: {e}", state_dir.display()))
                .hint("choose a state directory that you may write to")
                .about(source.display().to_string())
                .because(e)
        };
        fs::create_dir_all(state_dir).map_err(|e| failed("make", e))?;
        let path = state_dir.join(format!("source-{}.lock", key(source)?));
        let mut file = open(&path).map_err(|e| failed("open", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(source, &mut file)),
            Err(TryLockError::Error(e)) => return Err(failed("take", e)),
        }
        let json = serde_json::to_vec(holder).map_err(|e| Error::internal("a lock's holder is not JSON").because(e))?;
        file.set_len(0)
            .and_then(|()| file.write_all(&json))
            .and_then(|()| file.flush())
            .map_err(|e| failed("write", e))?;
        Ok(SourceLock { file, path })
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SourceLock {
    /// Lets go at once: a child that is just being started holds a copy of the descriptor for a moment.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Opens the lock file, or makes it so that every user may take the lock. Nothing is truncated: what is in it says who
/// holds it. In a directory that all users share, a symbolic link is never followed, and a file of another user is
/// opened without asking for its making, which Linux would refuse (`fs.protected_regular`).
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    match options.open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let file = options.create(true).truncate(false).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o666))?;
    }
    Ok(file)
}

/// What names the source's lock file: the same for every path of one file.
#[cfg(unix)]
fn key(source: &Path) -> Result<String> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::metadata(source).map_err(|e| gone(source, e))?;
    Ok(format!("{:x}-{:x}", meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn key(source: &Path) -> Result<String> {
    use sha2::{Digest as _, Sha256};
    let path = fs::canonicalize(source).map_err(|e| gone(source, e))?;
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    Ok(hash.iter().take(16).map(|b| format!("{b:02x}")).collect())
}

fn gone(source: &Path, e: std::io::Error) -> Error {
    Error::source(format!("cannot be read: {e}")).hint("check the path").about(source.display().to_string()).because(e)
}

fn held(source: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let holder = read.ok().and_then(|_| serde_json::from_str::<Holder>(&text).ok());
    let who = match holder {
        Some(h) => format!("by process {} on {} since {}, to {}", h.pid, h.host, h.started, h.target),
        None => "by another run".to_owned(),
    };
    Error::source(format!("is being moved already {who}"))
        .hint("wait for that run to end, or stop it; `lite2pg status` shows it")
        .about(source.display().to_string())
}
