//! Finds the native PostgreSQL installations of a machine, 13 or later.
//! Owns where to look and how to tell a real installation from a stray link; never starts a server.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::process::{Ids, command};
use super::{OLDEST_MAJOR, Options};
use crate::{Error, Result};

/// One installation: a directory that really holds `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Its `bin` directory, without links.
    pub bin: PathBuf,
    /// Its version, such as `15.18`.
    pub version: String,
    /// Its major version.
    pub major: u32,
}

/// All usable installations, the preferred one first: the one asked for, those of `PATH`, of `pg_config`, then those in
/// the usual places, newest first. `ids` is the user that will run it: it must be able to execute the programs.
///
/// # Errors
/// Usage, if one was asked for that is none.
pub fn installs(o: &Options, ids: Option<Ids>) -> Result<Vec<Install>> {
    let search = o.search_path.as_deref();
    if let Some(bin) = &o.pg_bin {
        let found = probe(bin, search, ids).filter(|i| i.major >= OLDEST_MAJOR);
        return found.map(|i| vec![i]).ok_or_else(|| {
            Error::usage(format!("no PostgreSQL {OLDEST_MAJOR} or later there that can be run"))
                .about(bin.display().to_string())
                .hint("name the directory that holds initdb and postgres")
        });
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut add = |dir: &Path, to: &mut Vec<Install>| {
        let Ok(real) = fs::canonicalize(dir) else { return };
        if seen.insert(real.clone())
            && let Some(install) = probe(&real, search, ids)
            && install.major >= OLDEST_MAJOR
        {
            to.push(install);
        }
    };
    for dir in search.map(std::env::split_paths).into_iter().flatten() {
        // A link such as /usr/local/bin/initdb says nothing of its neighbours: follow it home.
        if let Ok(initdb) = fs::canonicalize(dir.join("initdb"))
            && let Some(bin) = initdb.parent()
        {
            add(bin, &mut found);
        }
        if dir.join("pg_config").is_file()
            && let Some(bin) = bindir_of(&dir.join("pg_config"), search, ids)
        {
            add(&bin, &mut found);
        }
    }
    let mut usual = Vec::new();
    for dir in usual_places() {
        add(&dir, &mut usual);
    }
    usual.sort_by_key(|i| std::cmp::Reverse(i.major));
    found.extend(usual);
    Ok(found)
}

fn usual_places() -> Vec<PathBuf> {
    let mut out = Vec::new();
    for (parent, below) in [
        ("/usr/lib/postgresql", "bin"),
        ("/usr/local/lib/postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
    ] {
        out.extend(children(Path::new(parent), "").map(|d| d.join(below)));
    }
    for (parent, prefix) in [
        ("/usr", "pgsql-"),
        ("/usr/local", "pgsql"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
    ] {
        out.extend(children(Path::new(parent), prefix).map(|d| d.join("bin")));
    }
    // Fedora and Arch put the programs straight into /usr/bin.
    out.push(PathBuf::from("/usr/bin"));
    out
}

fn children<'a>(parent: &Path, prefix: &'a str) -> impl Iterator<Item = PathBuf> + use<'a> {
    fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(move |e| e.file_name().to_string_lossy().starts_with(prefix))
        .map(|e| e.path())
}

fn bindir_of(pg_config: &Path, search: Option<&OsStr>, ids: Option<Ids>) -> Option<PathBuf> {
    let out = command(pg_config, search, ids).arg("--bindir").output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    (!text.trim().is_empty()).then(|| PathBuf::from(text.trim()))
}

fn probe(bin: &Path, search: Option<&OsStr>, ids: Option<Ids>) -> Option<Install> {
    let bin = fs::canonicalize(bin).ok()?;
    if !bin.join("initdb").is_file() {
        return None;
    }
    let out = command(&bin.join("postgres"), search, ids).arg("--version").output().ok()?;
    let (version, major) = parse_version(std::str::from_utf8(&out.stdout).ok()?)?;
    Some(Install { bin, version, major })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; also `17beta1`.
fn parse_version(text: &str) -> Option<(String, u32)> {
    let version = text.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_are_read_as_postgres_prints_them() {
        let of = |t| parse_version(t).map(|v| v.1);
        assert_eq!(of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(of("postgres (PostgreSQL) 17beta1"), Some(17));
        assert_eq!(of("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(of("bash: postgres"), None);
        assert_eq!(of(""), None);
    }
}
