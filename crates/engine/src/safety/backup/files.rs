//! Files of a backup: copied and hashed in one go, put in their place without overwriting, synced.
//! Owns names and order; never knows what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Backup;
use crate::error::{Error, Result};
use crate::pool::Cancel;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// What went by: how many bytes, and their SHA-256.
pub(super) struct Tally {
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Counts and hashes what is written through it.
pub(super) struct Counted<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Counted<W> {
    pub(super) fn new(out: W) -> Self {
        Counted { out, hash: Sha256::new(), bytes: 0 }
    }

    pub(super) fn end(self) -> (W, Tally) {
        let sha256 = self.hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        (self.out, Tally { bytes: self.bytes, sha256 })
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(bytes.get(..n).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads everything, and writes and hashes it; `tick` is told how many more bytes went by. `from` and `to` are named in
/// errors.
pub(super) fn pour(
    mut input: impl Read,
    out: impl Write,
    from: &Path,
    to: &Path,
    tick: &dyn Fn(u64) -> Result<()>,
) -> Result<Tally> {
    let mut out = Counted::new(out);
    let mut piece = vec![0u8; PIECE];
    loop {
        let n = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(failed("cannot be read", from, e)),
        };
        out.write_all(piece.get(..n).unwrap_or_default()).map_err(|e| failed("cannot be written", to, e))?;
        tick(u64::try_from(n).unwrap_or(0))?;
    }
    out.flush().map_err(|e| failed("cannot be written", to, e))?;
    Ok(out.end().1)
}

/// The error of a file that cannot be used.
pub(super) fn failed(what: &str, path: &Path, e: io::Error) -> Error {
    let hint = match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free some space there, or choose another place"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "choose a place that you may read and write"
        }
        io::ErrorKind::NotFound => "check the path",
        _ => "check the path and the disk",
    };
    Error::source(format!("{what}: {e}")).hint(hint).about(path.display().to_string()).because(e)
}

/// The path of a file beside another: `FILE.sha256`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The directory that a path lies in.
pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a file that only we may read.
pub(super) fn create_private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| failed("cannot be written", path, e))
}

/// Puts a finished backup in its place, its companions first: where the backup is, they are. `dir` is the directory it
/// was made in; a note in it tells the next sweep what to take back after a kill in the middle.
pub(super) fn publish(dir: &Path, finished: &Path, target: &Path, backup: &Backup, cancel: &Cancel) -> Result<()> {
    let name = target.file_name().unwrap_or_default();
    write_whole(&dir.join("backup.sha256"), &sum_line(&backup.sha256, name.as_encoded_bytes()))?;
    let mut manifest =
        serde_json::to_value(backup).map_err(|e| Error::internal("a manifest is not JSON").because(e))?;
    if let Some(map) = manifest.as_object_mut() {
        map.retain(|key, _| key != "backup" && key != "seconds");
    }
    let json = format!("{manifest:#}\n");
    write_whole(&dir.join("backup.json"), json.as_bytes())?;
    write_whole(&dir.join("placing"), name.as_encoded_bytes())?;
    private(finished)?;
    File::open(finished).and_then(|f| f.sync_all()).map_err(|e| failed("cannot be synced", finished, e))?;
    sync_dir(dir)?;
    cancel.check()?;
    let places = [
        (dir.join("backup.sha256"), beside(target, ".sha256")),
        (dir.join("backup.json"), beside(target, ".json")),
        (finished.to_owned(), target.to_owned()),
    ];
    for (at, (from, to)) in places.iter().enumerate() {
        if let Err(e) = rename_new(from, to) {
            for (_, placed) in places.iter().take(at) {
                let _ = fs::remove_file(placed);
            }
            return Err(failed("cannot be put in its place", to, e));
        }
    }
    sync_dir(directory(target))
}

/// A line as `sha256sum` writes it, which `sha256sum -c` reads: a name with a backslash or a line's end is escaped.
/// Source: <https://www.gnu.org/software/coreutils/manual/html_node/cksum-output-modes.html>.
fn sum_line(sha256: &str, name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'\\' => escaped.extend(br"\\"),
            b'\n' => escaped.extend(br"\n"),
            b'\r' => escaped.extend(br"\r"),
            b => escaped.push(*b),
        }
    }
    let mark = if escaped.len() > name.len() { "\\" } else { "" };
    let mut line = format!("{mark}{sha256}  ").into_bytes();
    line.extend(escaped);
    line.push(b'\n');
    line
}

/// The SHA-256 that a file beside a backup names: that of its only line, whatever the backup is called by now.
pub(super) fn read_sum(path: &Path) -> Result<Option<String>> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("cannot be read", path, e)),
    };
    let mut lines = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let sum = lines.next().and_then(|l| l.trim_start_matches('\\').split_whitespace().next()).unwrap_or_default();
    if lines.next().is_some() || sum.len() != 64 || !sum.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::source("is no file of one SHA-256, as sha256sum writes it")
            .hint("restore that file too from where the backup came; --no-checksum restores without it")
            .about(path.display().to_string()));
    }
    Ok(Some(sum.to_ascii_lowercase()))
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create_private(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| failed("cannot be written", path, e))
}

/// Nobody else may read it.
pub(super) fn private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(|e| failed("its permissions cannot be set", path, e))?;
    }
    Ok(())
}

/// Renames; if something has that name by now this fails, and it stays.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Some file systems cannot do that.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
            done => return Ok(done?),
        }
    }
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

/// After this the names in a directory outlive a crash of the machine.
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| failed("the directory cannot be synced", dir, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_never_replaced() {
        let dir = std::env::temp_dir().join(format!("l2p-files-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (a, b) = (dir.join("a"), dir.join("b"));
        fs::write(&a, "a").unwrap();
        fs::write(&b, "b").unwrap();
        assert_eq!(rename_new(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&a).unwrap(), fs::read(&b).unwrap()), (b"a".to_vec(), b"b".to_vec()));
        fs::remove_file(&b).unwrap();
        rename_new(&a, &b).unwrap();
        assert!(!a.exists() && b.exists());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn sums_are_read_as_sha256sum_writes_them() {
        let dir = std::env::temp_dir().join(format!("l2p-sums-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("s");
        let sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for name in ["a", "with \\ and \n", "b c"] {
            fs::write(&path, sum_line(sum, name.as_bytes())).unwrap();
            assert_eq!(read_sum(&path).unwrap().unwrap(), sum);
        }
        for bad in ["", "x  a\n", &format!("{sum}  a\n{sum}  b\n"), &sum[1..]] {
            fs::write(&path, bad).unwrap();
            assert!(read_sum(&path).is_err(), "{bad}");
        }
        assert!(read_sum(&dir.join("none")).unwrap().is_none());
        fs::remove_dir_all(&dir).unwrap();
    }
}
