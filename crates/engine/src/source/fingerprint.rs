//! What tells whether a database file is still the one that was read: identity, size, time, header, WAL.
//! Owns the raw reads of the file; never opens it once a SQLite connection of ours is on it, because closing any
//! descriptor of a file drops all POSIX locks of the process on it (<https://sqlite.org/howtocorrupt.html>, 2.2).

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::header::be32;

/// Bytes of the file's beginning that are looked at.
const SAMPLE: u64 = 512;

/// The state of a database file at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Device number of the file.
    pub device: u64,
    /// Inode number of the file.
    pub inode: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last change, nanoseconds since 1970.
    pub modified_ns: u64,
    /// The 100 bytes of the header (it holds change counter and schema cookie), in hexadecimal; empty for an empty file.
    pub header: String,
    /// The WAL, if there is one that holds frames.
    pub wal: Option<WalMark>,
}

/// Where a WAL ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalMark {
    /// Salt 1 and 2, in hexadecimal: they change whenever the WAL begins anew.
    pub salts: String,
    /// Number of the last frame that ends a commit, 0 if there is none.
    pub last_commit: u64,
    /// Header of that frame; its running checksum covers every frame before it.
    pub frame: String,
}

/// What lies beside a database file, and its first bytes.
#[derive(Debug)]
pub(super) struct Survey {
    pub fingerprint: Fingerprint,
    /// Up to 512 bytes of the beginning.
    pub sample: Vec<u8>,
    /// Size of `-wal`, if it exists.
    pub wal_bytes: Option<u64>,
    /// Whether `-shm` exists.
    pub shm: bool,
    /// `-journal`, if it exists and is not empty: its size and first bytes.
    pub journal: Option<(u64, Vec<u8>)>,
}

/// The path of a companion file (`-wal`, `-shm`, `-journal`).
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Fingerprint {
    /// What differs, in words; `None` if nothing does.
    pub fn differs_from(&self, other: &Fingerprint) -> Option<String> {
        let mut said: Vec<String> = Vec::new();
        if (self.device, self.inode) != (other.device, other.inode) {
            said.push("it is another file (replaced)".to_owned());
        }
        if self.bytes != other.bytes {
            said.push(format!("its size was {} and is {} bytes", other.bytes, self.bytes));
        }
        if self.header != other.header {
            said.push("its header (change counter, schema) changed".to_owned());
        }
        if self.modified_ns != other.modified_ns {
            said.push("it was written (modification time changed)".to_owned());
        }
        match (&self.wal, &other.wal) {
            (Some(now), Some(then)) if now.salts != then.salts => said.push("its WAL began anew".to_owned()),
            (Some(now), Some(then)) if now != then => {
                said.push(format!("its WAL ended at frame {} and ends at frame {}", then.last_commit, now.last_commit))
            }
            (Some(_), None) => said.push("a WAL appeared".to_owned()),
            (None, Some(_)) => said.push("its WAL is gone".to_owned()),
            _ => {}
        }
        if said.is_empty() { None } else { Some(said.join("; ")) }
    }
}

/// Looks at a file and its companions by ordinary reads. No connection of this process may be on the file.
pub(super) fn survey(path: &Path) -> io::Result<Survey> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    let mut sample = Vec::new();
    (&mut file).take(SAMPLE).read_to_end(&mut sample)?;
    drop(file);
    around(path, &meta, sample)
}

/// As [`survey`], where this process has connections on the file: its head is read by SQLite (`-wal` and `-journal`
/// carry no locks and may be opened).
pub(super) fn survey_by_sqlite(path: &Path, head: impl FnOnce(usize) -> Option<Vec<u8>>) -> io::Result<Survey> {
    let meta = std::fs::metadata(path)?;
    let sample =
        head(usize::try_from(SAMPLE).unwrap_or(512)).ok_or_else(|| io::Error::other("SQLite cannot read it"))?;
    around(path, &meta, sample)
}

fn around(path: &Path, meta: &Metadata, sample: Vec<u8>) -> io::Result<Survey> {
    let wal = match File::open(beside(path, "-wal")) {
        Ok(wal) => Some((wal.metadata()?.len(), wal)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let wal_bytes = wal.as_ref().map(|(bytes, _)| *bytes);
    let mark = match wal {
        Some((_, wal)) => wal_mark(io::BufReader::new(wal))?,
        None => None,
    };
    let (device, inode) = identity(meta);
    let header: String = sample.iter().take(super::header::LENGTH).map(|b| format!("{b:02x}")).collect();
    let fingerprint =
        Fingerprint { device, inode, bytes: meta.len(), modified_ns: modified_ns(meta), header, wal: mark };
    let shm = beside(path, "-shm").try_exists()?;
    Ok(Survey { fingerprint, sample, wal_bytes, shm, journal: journal(path)? })
}

/// Device and inode: what makes a file the same file.
#[cfg(unix)]
pub(super) fn identity(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (meta.dev(), meta.ino())
}

/// Elsewhere the standard library does not tell; size, time and header must do.
#[cfg(not(unix))]
pub(super) fn identity(_meta: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// Time of the last change in nanoseconds since 1970; 0 if the file system has none.
pub(super) fn modified_ns(meta: &Metadata) -> u64 {
    let since = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    since.and_then(|d| u64::try_from(d.as_nanos()).ok()).unwrap_or(0)
}

fn journal(path: &Path) -> io::Result<Option<(u64, Vec<u8>)>> {
    match File::open(beside(path, "-journal")) {
        Ok(file) => {
            let bytes = file.metadata()?.len();
            let mut head = Vec::new();
            file.take(28).read_to_end(&mut head)?;
            Ok(if bytes == 0 { None } else { Some((bytes, head)) })
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Finds the last frame that ends a commit, by salts (a torn frame changes nothing: the mark only has to differ when
/// the content does). Source: <https://sqlite.org/fileformat2.html#the_write_ahead_log>.
fn wal_mark(mut wal: impl Read + Seek) -> io::Result<Option<WalMark>> {
    let mut head = [0u8; 32];
    if !read_full(&mut wal, &mut head)? || be32(&head, 0) & 0xffff_fffe != 0x377f_0682 {
        return Ok(None);
    }
    let page = i64::from(be32(&head, 8));
    let mut last: Option<(u64, [u8; 24])> = None;
    let mut frame = [0u8; 24];
    let mut number: u64 = 0;
    while read_full(&mut wal, &mut frame)? && frame[8..16] == head[16..24] {
        number = number.saturating_add(1);
        // A frame that ends a commit holds the size of the database after it.
        if be32(&frame, 4) != 0 {
            last = Some((number, frame));
        }
        wal.seek(SeekFrom::Current(page))?;
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    Ok(last.map(|(last_commit, frame)| WalMark { salts: hex(&head[16..24]), last_commit, frame: hex(&frame) }))
}

fn read_full(from: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}
