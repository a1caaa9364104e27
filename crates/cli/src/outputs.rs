//! The files that a command writes because a flag names them: `-o`, `--report`, `--log-file`.
//! Owns what may be written over and how; never opens the source or a file beside it (the locks of SQLite would be gone).

use lite2pg_engine::{Error, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

/// What SQLite puts behind the name of a database for the files beside it.
const BESIDE: [&str; 4] = ["", "-wal", "-journal", "-shm"];
/// How a database, a write-ahead log (of either order of bytes) and a rollback journal begin.
const MAGIC: [&[u8]; 4] = [
    b"SQLite format 3",
    &[0x37, 0x7f, 6, 0x82],
    &[0x37, 0x7f, 6, 0x83],
    &[0xd9, 0xd5, 5, 0xf9, 0x20, 0xa1, 0x63, 0xd7],
];
/// Links that are followed; the system follows no more either.
const LINKS: usize = 40;

/// Refuses to write into the source, into a file beside it, or into any other database. Must be asked before anything is
/// opened: whether a file is a database is seen by reading it.
///
/// # Errors
/// One of `outputs`, each with the flag that names it, is such a file.
pub fn check(source: Option<&Path>, outputs: &[(&str, &Path)]) -> Result<()> {
    for (flag, output) in outputs {
        let refused = |what: &str| {
            Err(Error::usage(what.to_owned())
                .about(output.display().to_string())
                .hint(format!("choose another file with {flag}")))
        };
        if source.is_some_and(|s| belongs_to(s, output)) {
            return refused("is the source, or a file of SQLite beside it: it is only read, never written over");
        }
        // A pipe or a terminal holds no database, and reading it would wait or take something away.
        if fs::metadata(output).is_ok_and(|m| m.is_file()) && is_database(output) {
            return refused("is a database of SQLite already, or its journal: it is not written over");
        }
    }
    Ok(())
}

/// Whether `output` is the source or one of its side files: the same file by whatever name, or the place where one would be.
fn belongs_to(source: &Path, output: &Path) -> bool {
    let output = end_of_links(output);
    let real = end_of_links(source);
    [source, &real].into_iter().flat_map(|s| BESIDE.map(|end| with_end(s, end))).any(|ours| {
        match (identity(&ours), identity(&output)) {
            (Some(one), Some(other)) => one == other,
            (None, None) => same_place(&ours, &output),
            _ => false,
        }
    })
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut out = path.as_os_str().to_owned();
    out.push(end);
    out.into()
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// Two files that are not there yet: the same name (some file systems do not tell a from A) in the same directory.
fn same_place(one: &Path, other: &Path) -> bool {
    let names = (one.file_name(), other.file_name());
    let same_name = matches!(names, (Some(a), Some(b)) if a.eq_ignore_ascii_case(b));
    same_name && identity(directory(one)).is_some_and(|d| Some(d) == identity(directory(other)))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where a path leads, also if nothing is there yet.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = directory(&path).join(next),
            Err(_) => break,
        }
    }
    path
}

fn is_database(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|f| f.take(16).read_to_end(&mut head));
    read.is_ok() && MAGIC.iter().any(|magic| head.starts_with(magic))
}

/// Writes a file as a whole: what is there is either the old one or all of the new one.
///
/// # Errors
/// It cannot be written; or what `fill` fails with.
pub fn write(path: &Path, flag: &str, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::usage(format!("cannot be written: {e}"))
            .about(path.display().to_string())
            .hint(format!("choose another file with {flag}"))
    };
    let place = end_of_links(path);
    let old = fs::metadata(&place).ok();
    if old.as_ref().is_some_and(|m| !m.is_file()) {
        // A pipe or a device (or a directory, which cannot be opened so) takes bytes; nothing may take its place.
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(&place).map_err(failed)?);
        return fill(&mut out).and_then(|()| out.flush().map_err(failed));
    }
    let draft = draft_of(&place);
    let mut out = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&draft).map_err(failed)?);
    let written = fill(&mut out).and_then(|()| {
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(failed)?;
        if let Some(old) = &old {
            // Who may read the old one may read the new one. Only root may give a file away.
            let _ = chown(&draft, Some(old.uid()), Some(old.gid()));
            fs::set_permissions(&draft, old.permissions()).map_err(failed)?;
        }
        fs::rename(&draft, &place).map_err(failed)
    });
    if written.is_err() {
        // What is half written is of no use.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// [`write()`] of a text.
///
/// # Errors
/// It cannot be written.
pub fn write_text(path: &Path, flag: &str, text: &str) -> Result<()> {
    write(path, flag, |out| {
        out.write_all(text.as_bytes())
            .map_err(|e| Error::usage(format!("cannot be written: {e}")).about(path.display().to_string()))
    })
}

/// A name beside the file that nobody else has.
fn draft_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or(OsStr::new("output")));
    name.push(format!(".{}.part", std::process::id()));
    directory(path).join(name)
}
