//! Where the data of a managed PostgreSQL lies, and which engine it belongs to.
//! Owns the choice of directory, user and installation; makes directories but never data.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::child::{Config, Marker, Task, write_json};
use super::discover::{Install, installs};
use super::process::{Ids, can_enter, is_root, make_dir, unprivileged};
use super::{Engine, OLDEST_MAJOR, Options, disk_error};
use crate::{Error, Result};

/// The room that a socket's name needs in the 107 bytes of an address: `/lite2pg-…/.s.PGSQL.65535`.
const SOCKET_ROOM: usize = 45;

/// What is to be started, and what a person should know about the choice.
pub struct Plan {
    pub config: Config,
    pub notes: Vec<String>,
}

/// Left where the data was wanted and could not be put.
#[derive(Serialize, Deserialize)]
struct Moved {
    format: u32,
    moved_to: OsString,
    /// For a person who looks into the file.
    read_as: String,
}

/// Chooses engine and place; makes the directories but not the data.
pub fn resolve(o: &Options) -> Result<Plan> {
    check_dbname(&o.dbname)?;
    let dir = std::path::absolute(&o.dir).map_err(|e| disk_error("find", &o.dir, e))?;
    match find(o, &dir)? {
        Some((home, marker)) => reopen(o, home, &marker),
        None => create(o, &dir),
    }
}

/// The directory that already holds data for `o.dir`, with what made it.
pub fn find(o: &Options, dir: &Path) -> Result<Option<(PathBuf, Marker)>> {
    let mut homes = vec![dir.to_path_buf()];
    if let Ok(text) = fs::read_to_string(dir.join(Marker::FILE)) {
        let moved: Moved = serde_json::from_str(&text)
            .map_err(|e| Error::target("not a file that lite2pg wrote").about(dir.display().to_string()).because(e))?;
        homes.push(PathBuf::from(moved.moved_to));
    }
    homes.push(fallback(o, dir));
    for home in homes {
        if let Some(marker) = Marker::read(&home.join("data"))? {
            return Ok(Some((home, marker)));
        }
    }
    Ok(None)
}

fn reopen(o: &Options, home: PathBuf, marker: &Marker) -> Result<Plan> {
    let about = home.display().to_string();
    if let Some(wanted) = o.engine
        && wanted != marker.engine
    {
        return Err(Error::usage(format!(
            "the directory was made by the {} PostgreSQL, not the {wanted} one",
            marker.engine
        ))
        .about(about)
        .hint("leave the engine to be chosen, or carry the data over with `lite2pg dump`"));
    }
    let mut config = config(o, marker.engine, home.clone())?;
    config.dbname.clone_from(&marker.dbname);
    if marker.engine == Engine::Native {
        config.ids = owner(&home)?;
        let found = installs(o, config.ids)?;
        let Some(install) = found.iter().find(|i| i.major == marker.major) else {
            return Err(missing(marker, &found).about(about));
        };
        adopt(&mut config, install);
        if let Some(ids) = config.ids
            && !can_enter(&home, ids)
        {
            return Err(Error::target(format!(
                "PostgreSQL runs as user {} here and can't enter this directory",
                ids.uid
            ))
            .about(about)
            .hint("move it to where every directory above it can be entered, or run lite2pg as an ordinary user"));
        }
    }
    let moved =
        (std::path::absolute(&o.dir).ok().as_ref() != Some(&home)).then(|| format!("data in {}", home.display()));
    Ok(Plan { config, notes: moved.into_iter().collect() })
}

/// The user that owns existing data, if we are root and must become it.
fn owner(home: &Path) -> Result<Option<Ids>> {
    let pg = home.join("data").join("pg");
    let meta = fs::metadata(&pg).map_err(|e| disk_error("open the data", &pg, e))?;
    let about = pg.display().to_string();
    if is_root() {
        if meta.uid() == 0 {
            return Err(Error::target("the data belongs to root, and PostgreSQL refuses to run as root")
                .about(about)
                .hint("give it to an ordinary user: chown -R postgres"));
        }
        return Ok(Some(Ids { uid: meta.uid(), gid: meta.gid() }));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::target(format!("the data belongs to another user (id {})", meta.uid()))
            .about(about)
            .hint("run lite2pg as that user or as root"));
    }
    Ok(None)
}

fn missing(marker: &Marker, found: &[Install]) -> Error {
    let have = found.iter().map(|i| i.version.as_str()).collect::<Vec<_>>().join(", ");
    let have = if have.is_empty() { "none is here".to_owned() } else { format!("here: {have}") };
    Error::target(format!("the data was made by PostgreSQL {}, which is not on this machine ({have})", marker.version))
        .hint(format!(
            "install PostgreSQL {0} (Debian, Ubuntu: postgresql-{0}; Fedora: postgresql{0}-server; Homebrew: postgresql@{0}), \
             or name its bin directory",
            marker.major
        ))
}

fn create(o: &Options, dir: &Path) -> Result<Plan> {
    refuse_foreign(dir)?;
    let ids = is_root().then(unprivileged);
    let (engine, install) = choose(o, ids)?;
    let mut notes = Vec::new();
    let home = match usable(dir, engine, ids) {
        Ok(()) => dir.to_path_buf(),
        Err(why) => {
            let home = fallback(o, dir);
            make_parents(&o.fallback_dir, if ids.is_some() { 0o711 } else { 0o700 })
                .map_err(|e| disk_error("make the directory for the data", &o.fallback_dir, e))?;
            usable(&home, engine, ids).map_err(|also| {
                Error::target(format!("no place for the data: {why}; {also}"))
                    .about(dir.display().to_string())
                    .hint("name another directory for the data")
            })?;
            point(dir, &home);
            notes.push(format!("data in {}, because {why}", home.display()));
            home
        }
    };
    let mut config = config(o, engine, home)?;
    if let Some(install) = &install {
        adopt(&mut config, install);
        config.ids = ids;
    }
    Ok(Plan { config, notes })
}

fn make_parents(path: &Path, mode: u32) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_parents(parent, mode)?;
    }
    make_dir(path, mode)
}

/// A directory with anything in it that is not ours is not touched.
fn refuse_foreign(dir: &Path) -> Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(disk_error("look into this directory", dir, e)),
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = ["lite2pg.lock", "server.log", "run.json", "run.new", "tmp", "cache", Marker::FILE, "lite2pg.new"];
        if !ours.contains(&name.as_ref()) && !name.starts_with("data.new") {
            let hint = if dir.join("PG_VERSION").exists() {
                "it is a PostgreSQL's data directory: start that server and give its address as target"
            } else {
                "choose a directory that does not exist yet, or an empty one"
            };
            return Err(Error::target(format!("holds {name:?}, which lite2pg did not make; nothing was touched"))
                .about(dir.display().to_string())
                .hint(hint));
        }
    }
    Ok(())
}

fn choose(o: &Options, ids: Option<Ids>) -> Result<(Engine, Option<Install>)> {
    if o.engine == Some(Engine::Embedded) {
        return embedded().map(|e| (e, None));
    }
    if let Some(install) = installs(o, ids)?.into_iter().next() {
        return Ok((Engine::Native, Some(install)));
    }
    if o.engine.is_none() && cfg!(feature = "embedded") {
        return Ok((Engine::Embedded, None));
    }
    Err(Error::target(format!("no PostgreSQL {OLDEST_MAJOR} or later was found on this machine"))
        .hint("install one, name its bin directory, or give the address of a server as target"))
}

#[cfg(feature = "embedded")]
fn embedded() -> Result<Engine> {
    Ok(Engine::Embedded)
}

#[cfg(not(feature = "embedded"))]
fn embedded() -> Result<Engine> {
    Err(super::child::no_embedded())
}

/// Makes `home` if need be; the reason why PostgreSQL can't work there, if it can't.
fn usable(home: &Path, engine: Engine, ids: Option<Ids>) -> std::result::Result<(), String> {
    let ids = ids.filter(|_| engine == Engine::Native);
    let mode = if ids.is_some() { 0o711 } else { 0o700 };
    match make_dir(home, mode) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(format!("{} can't be made ({e})", home.display()));
        }
        _ => {}
    }
    let probe = home.join("data.new-probe");
    let tried = make_dir(&probe, 0o711)
        .and_then(|()| ids.map_or(Ok(()), |i| std::os::unix::fs::chown(&probe, Some(i.uid), Some(i.gid))));
    let entered = ids.is_none_or(|i| can_enter(&probe, i));
    let _ = fs::remove_dir(&probe);
    tried.map_err(|e| format!("{} can't be written ({e})", home.display()))?;
    if entered {
        return Ok(());
    }
    let closed = home.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev();
    let closed = closed.filter_map(|a| ids.filter(|i| !can_enter(a, *i)).map(|_| a)).next();
    let closed = closed.unwrap_or(home).display().to_string();
    Err(format!("PostgreSQL, which must not run as root, can't enter {closed}"))
}

/// Where the data of `dir` goes if it can't be in `dir`: always the same place for the same directory.
fn fallback(o: &Options, dir: &Path) -> PathBuf {
    let real = dir.parent().and_then(|p| fs::canonicalize(p).ok()).zip(dir.file_name()).map(|(p, n)| p.join(n));
    let real = real.unwrap_or_else(|| dir.to_path_buf());
    let hash = Sha256::digest(real.as_os_str().as_bytes());
    let hash: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let stem: String = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let stem: String = stem.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.' || *c == '-').take(60).collect();
    o.fallback_dir.join(format!("{}-{hash}", stem.trim_start_matches('.')))
}

/// Leaves word in the wanted directory, if that can be written at all; the fallback's name is the same every time anyway.
fn point(dir: &Path, home: &Path) {
    let moved = Moved { format: 1, moved_to: home.into(), read_as: home.display().to_string() };
    if dir.is_dir() {
        let _ = write_json(&dir.join(Marker::FILE), &moved, 0o644);
    }
}

fn adopt(config: &mut Config, install: &Install) {
    config.bin = Some(install.bin.clone().into());
    config.version.clone_from(&install.version);
}

fn config(o: &Options, engine: Engine, home: PathBuf) -> Result<Config> {
    let ids = (is_root() && engine == Engine::Native).then(unprivileged);
    Ok(Config {
        task: Task::Serve,
        engine,
        bin: None,
        version: String::new(),
        ids: None,
        temp: temp_dir(o, ids)?.into(),
        cache: cache_dir(o, &home).into(),
        home: home.into(),
        search_path: o.search_path.clone(),
        dbname: o.dbname.clone(),
        tcp: o.tcp,
        parent: std::process::id(),
    })
}

/// Where the embedded one unpacks its program. That is machine code which will be run, so the directory must be ours and
/// closed to others (as root with someone else's `HOME` it is not); else it is unpacked beside the data.
fn cache_dir(o: &Options, home: &Path) -> PathBuf {
    let _ = make_parents(&o.cache_dir, 0o700);
    let ours = fs::metadata(&o.cache_dir).is_ok_and(|m| {
        m.is_dir() && m.uid() == rustix::process::geteuid().as_raw() && m.mode() & 0o022 == 0 && m.mode() & 0o200 != 0
    });
    if ours { o.cache_dir.clone() } else { home.join("cache") }
}

/// A directory for sockets: short enough for an address, and one that the server's user can enter.
fn temp_dir(o: &Options, ids: Option<Ids>) -> Result<PathBuf> {
    let mut places = vec![o.temp_dir.clone()];
    places.extend(["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from));
    let fits = |p: &PathBuf| {
        let real = fs::canonicalize(p).ok()?;
        let short = real.as_os_str().len() + SOCKET_ROOM <= 107;
        let writable = rustix::fs::access(&real, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok();
        (short && writable && ids.is_none_or(|i| can_enter(&real, i))).then_some(real)
    };
    places.iter().find_map(fits).ok_or_else(|| {
        Error::target(
            "no directory for the server's socket: none is short enough, writable and open to the server's user",
        )
        .about(o.temp_dir.display().to_string())
        .hint("set TMPDIR to a short path")
    })
}

fn check_dbname(name: &str) -> Result<()> {
    let bad = name.is_empty() || name.len() > 63 || name.contains('\0') || name.starts_with("template");
    if !bad {
        return Ok(());
    }
    Err(Error::usage(format!("{name:?} can't be the name of a database"))
        .hint("a name has 1 to 63 bytes and is not that of a template"))
}
