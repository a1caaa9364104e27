//! Arguments and environment → what the engine needs: settings, target, operator, places of our own files.
//! Owns every default that depends on the machine; never prints and never opens the source.

use crate::args::{self, Answers, Managed, Place, Reading, Snapshot, Way};
use crate::said::{self, Said};
use lite2pg_engine::local::{self, Engine};
use lite2pg_engine::run::{Accept, Settings, TargetSpec};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_engine::target::control::Operator;
use lite2pg_engine::target::{Conninfo, Surroundings};
use lite2pg_engine::{Error, Result};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The schema in the target, where none is named.
pub const DEFAULT_SCHEMA: &str = "public";

/// What the surroundings say, read once.
pub struct World {
    /// For libpq's rules.
    around: Surroundings,
    /// Who runs us.
    pub operator: Operator,
    /// For private copies, logs and state; only ours.
    pub work_dir: PathBuf,
    root: bool,
    cache_dir: PathBuf,
    /// How the target was read, where that is not as it stands.
    read_as: OnceCell<String>,
}

fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty())
}

impl World {
    /// Reads the environment.
    pub fn read(work_dir: Option<&Path>) -> World {
        let uid = rustix::process::geteuid().as_raw();
        let (name, passwd_home) = account(uid);
        let home = var("HOME").map(PathBuf::from).or(passwd_home);
        let wanted = |name: &str| name.starts_with("PG") || name == "SSL_CERT_FILE";
        let env = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .filter(|(k, _)| wanted(k))
            .collect();
        let own = PathBuf::from(format!("/var/tmp/lite2pg-{uid}"));
        let state = var("XDG_STATE_HOME").map(PathBuf::from).or_else(|| home.as_ref().map(|h| h.join(".local/state")));
        let default = state.filter(|s| s.is_absolute()).map_or_else(|| own.clone(), |s| s.join("lite2pg"));
        let work_dir = work_dir.map_or_else(
            || if ours(&default, uid) { default } else { own.clone() },
            |dir| std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
        );
        let cache = var("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| home.as_ref().map(|h| h.join(".cache")));
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        World {
            operator: Operator { name: name.clone(), host },
            cache_dir: cache.map_or_else(|| work_dir.join("cache"), |c| c.join("lite2pg")),
            around: Surroundings { env, home, user: Some(name) },
            work_dir,
            root: uid == 0,
            read_as: OnceCell::new(),
        }
    }

    /// The target of a command: a server where one is named, else the managed PostgreSQL.
    pub fn target(&self, source: &Path, target: Option<&OsStr>, place: &Place) -> Result<TargetSpec> {
        let Some(given) = target else {
            let mut dir = source.as_os_str().to_owned();
            dir.push(".pg");
            return Ok(TargetSpec::Managed(self.managed(Path::new(&dir), place)));
        };
        if is_managed_dir(Path::new(given)) {
            return Ok(TargetSpec::Managed(self.managed(Path::new(given), place)));
        }
        let text = given.to_str().ok_or_else(|| Error::usage("the target is not valid UTF-8"))?;
        let (text, driver) = without_driver(text);
        if let Some(driver) = driver {
            let _ = self.read_as.set(format!("the target's {driver}:// is read as postgresql://"));
        }
        let text = text.as_ref();
        if !text.trim().is_empty() && !Conninfo::looks_like_target(text) {
            let hint = "a target is postgresql://user@host/db, \"host=… dbname=…\", or a directory such as shop.db.pg; \
                        for a database's name alone write dbname=NAME";
            return Err(Error::usage("is no target").about(beginning(text)).hint(hint));
        }
        Conninfo::parse(text, &self.around).map(TargetSpec::Server)
    }

    /// What a person should know of how the target was read.
    pub fn read_as(&self) -> Option<&str> {
        self.read_as.get().map(String::as_str)
    }

    /// The target of `status` and `history`, which take a source as well.
    pub fn target_or_source(&self, text: &OsStr, place: &Place) -> Result<TargetSpec> {
        let path = Path::new(text);
        let is_target = text.is_empty() || text.to_str().is_some_and(Conninfo::looks_like_target);
        match !is_target && !is_managed_dir(path) && path.is_file() {
            true => self.target(path, None, place),
            false => self.target(path, Some(text), place),
        }
    }

    /// A managed PostgreSQL in `dir`.
    pub fn managed(&self, dir: &Path, place: &Place) -> local::Options {
        local::Options {
            dir: dir.to_owned(),
            exe: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("lite2pg")),
            exe_args: vec![args::KEEPER.into()],
            engine: place.managed.map(|m| match m {
                Managed::Native => Engine::Native,
                Managed::Embedded => Engine::Embedded,
            }),
            search_path: var("PATH"),
            pg_bin: place.pg_bin.clone(),
            dbname: dbname_of(dir),
            temp_dir: std::env::temp_dir(),
            // A PostgreSQL that root starts runs as an ordinary user, who must be able to enter.
            fallback_dir: if self.root { "/var/lib/lite2pg".into() } else { self.work_dir.join("managed") },
            cache_dir: self.cache_dir.clone(),
            tcp: None,
        }
    }

    /// The settings of a command that reads a source.
    pub fn settings(&self, way: &Way, reading: Option<&Reading>, answers: Option<&Answers>) -> Result<Settings> {
        no_target_here("SOURCE", &way.source)?;
        let said = answers.map_or_else(|| Ok(Said::default()), said::read)?;
        let jobs = reading.and_then(|r| r.jobs).map_or_else(default_jobs, usize::from);
        Ok(Settings {
            source: way.source.clone(),
            target: self.target(&way.source, way.target.as_deref(), &way.place)?,
            schema: way.schema.clone().or(said.schema).unwrap_or_else(|| DEFAULT_SCHEMA.to_owned()),
            choices: said.choices,
            overrides: said.overrides,
            accept: said.accept.iter().map(|a| Accept::parse(a)).collect(),
            snapshot: reading.map_or(SnapshotMode::Auto, |r| match r.snapshot {
                Snapshot::Auto => SnapshotMode::Auto,
                Snapshot::Pin => SnapshotMode::Pin,
                Snapshot::Copy => SnapshotMode::Copy,
            }),
            work_dir: self.check_work_dir()?,
            lock_dir: self.work_dir.join("locks"),
            jobs,
            chunk_bytes: 64 << 20,
            memory: reading.map_or(128 << 20, |r| r.memory),
            verify: true,
            view_timeout: Duration::from_secs(reading.map_or(60, |r| r.view_timeout)),
            collation_database: said.collation_database,
            max_rejects: None,
            // Whoever reads only, and does it in a moment, does not wait.
            retry_for: Duration::ZERO,
            rollback_on_failure: false,
            operator: self.operator.clone(),
        })
    }

    /// Makes the directories of a command that changes something; a look at a source makes none unless it must copy it.
    ///
    /// # Errors
    /// The work directory cannot be made.
    pub fn make_places(&self, settings: &mut Settings) -> Result<()> {
        make_private(&self.work_dir).map_err(|e| self.bad_work_dir(&format!("cannot be made: {e}")))?;
        settings.lock_dir = self.lock_dir();
        Ok(())
    }

    /// One that is there already must be ours: what lies in it is believed.
    ///
    /// # Errors
    /// It belongs to another user.
    pub fn check_work_dir(&self) -> Result<PathBuf> {
        let uid = rustix::process::geteuid().as_raw();
        match std::fs::metadata(&self.work_dir) {
            Ok(m) if m.uid() != uid && uid != 0 => Err(self.bad_work_dir("belongs to another user")),
            _ => Ok(self.work_dir.clone()),
        }
    }

    /// The error of a work directory that cannot be used.
    pub fn bad_work_dir(&self, what: &str) -> Error {
        Error::usage(what)
            .about(self.work_dir.display().to_string())
            .hint("name a directory that you may write with --work-dir")
    }

    /// Where locks on sources lie: one directory for every user of the machine, so that two of them cannot move one
    /// file at once; our own where that cannot be used.
    fn lock_dir(&self) -> PathBuf {
        let shared = std::env::temp_dir().join("lite2pg-locks");
        if std::fs::create_dir(&shared).is_ok() {
            // Like /tmp itself: everybody may add a file, nobody may remove another's.
            let _ = std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o1777));
        }
        let usable = std::fs::symlink_metadata(&shared).is_ok_and(|m| m.is_dir() && m.mode() & 0o7777 == 0o1777);
        if usable { shared } else { self.work_dir.join("locks") }
    }
}

/// A directory that the tool manages, by its name or by what is in it.
fn is_managed_dir(path: &Path) -> bool {
    let named = path.extension().is_some_and(|e| e == "pg");
    // A server's database may be called so too.
    named && (path.is_dir() || !may_hold_secret(&path.to_string_lossy()))
        || path.join("data/lite2pg.json").exists()
        || path.join("lite2pg.json").exists()
}

/// `serve` and `dump` take the source as well as the directory.
///
/// # Errors
/// It is a server's address.
pub fn managed_dir_of(path: &Path) -> Result<PathBuf> {
    no_target_here("DIR", path)?;
    if !is_managed_dir(path) && path.is_file() {
        let mut dir = path.as_os_str().to_owned();
        dir.push(".pg");
        return Ok(dir.into());
    }
    Ok(path.to_owned())
}

/// The source that the directory of a managed PostgreSQL belongs to: `shop.db` of `shop.db.pg`. What is no such directory
/// is the source itself.
pub fn source_of_dir(path: &Path) -> PathBuf {
    let named = path.extension().is_some_and(|e| e == "pg");
    if named && !path.is_file() { path.with_extension("") } else { path.to_owned() }
}

/// A server's address where a file belongs may hold a password, and what is said of files repeats their names.
pub fn no_target_here(place: &str, path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    match may_hold_secret(&text) && std::fs::symlink_metadata(path).is_err() {
        true => Err(Error::usage(format!("there is no such file, and a server's address cannot be the {place}"))
            .about(beginning(&text))
            .hint("the order is: lite2pg COMMAND SOURCE [TARGET]; a file of that name is written ./NAME")),
        false => Ok(()),
    }
}

/// Whether a text that was refused may be the address of a server, with a password in it.
pub fn may_hold_secret(text: &str) -> bool {
    // A path says that it is one.
    let is_path = text.starts_with(['/', '.', '~']) && !text.contains("://");
    let has = |mark: &str| text.contains(mark);
    let words = text.to_ascii_lowercase();
    !is_path && (Conninfo::looks_like_target(text) || has("//") || has("@") || words.contains("password"))
}

/// What a refused text begins with, quoted: what follows may be a password.
fn beginning(text: &str) -> String {
    let end = text.find(|c: char| ":@=/?&;,'\"".contains(c) || c.is_whitespace());
    match end {
        None => format!("{text:?}"),
        Some(end) => format!("{:?}…", &text[..end]),
    }
}

/// SQLAlchemy names its driver in the scheme: `postgresql+psycopg://`. The text as libpq reads it, and that scheme.
fn without_driver(text: &str) -> (Cow<'_, str>, Option<&str>) {
    let text = text.trim_start();
    let Some((scheme, rest)) = text.split_once("://") else { return (text.into(), None) };
    let driver = scheme.strip_prefix("postgresql+").or_else(|| scheme.strip_prefix("postgres+"));
    match driver.is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) {
        true => (format!("postgresql://{rest}").into(), Some(scheme)),
        false => (text.into(), None),
    }
}

/// Name and home of a user, from the system's own list.
fn account(uid: u32) -> (String, Option<PathBuf>) {
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = list
        .lines()
        .map(|l| l.split(':').collect::<Vec<_>>())
        .find(|f| f.get(2).and_then(|u| u.parse::<u32>().ok()) == Some(uid));
    let field = |i: usize| line.as_ref().and_then(|f| f.get(i)).filter(|s| !s.is_empty()).map(ToString::to_string);
    let name = field(0).or_else(|| ["USER", "LOGNAME"].iter().find_map(|n| var(n)?.into_string().ok()));
    (name.unwrap_or_else(|| uid.to_string()), field(5).map(PathBuf::from))
}

/// Whether the directory, or the nearest one above it that exists, is ours to write.
fn ours(dir: &Path, uid: u32) -> bool {
    let nearest = dir.ancestors().find_map(|d| std::fs::metadata(d).ok());
    nearest.is_some_and(|m| m.is_dir() && (m.uid() == uid || uid == 0))
}

/// Makes a directory that only we may enter; one that is there already must be ours.
pub fn make_private(dir: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let owner = std::fs::metadata(dir)?.uid();
    let uid = rustix::process::geteuid().as_raw();
    if owner != uid && uid != 0 {
        return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    Ok(())
}

/// The database in `shop.db.pg` is called `shop`.
fn dbname_of(dir: &Path) -> String {
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix(".pg").unwrap_or(&name);
    let stem = stem.rsplit_once('.').map_or(stem, |(s, _)| s);
    let mut out: String = stem
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' })
        .take(50)
        .collect();
    if !out.chars().any(|c| c.is_ascii_alphanumeric()) || out.starts_with("template") || out == "postgres" {
        out = format!("db_{}", out.trim_matches('_'));
    }
    out
}

/// The processor's cores, at most 4: beyond that the server is the limit.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_get_plain_names() {
        for (dir, name) in [
            ("/a/shop.db.pg", "shop"),
            ("Chinook_Sqlite.sqlite.pg", "chinook_sqlite"),
            ("ü b.pg", "__b"),
            ("x.pg", "x"),
            ("template1.db.pg", "db_template1"),
            ("….db.pg", "db_"),
        ] {
            assert_eq!(dbname_of(Path::new(dir)), name, "{dir}");
        }
    }
}
