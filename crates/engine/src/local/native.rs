//! The native PostgreSQL: making its data directory, starting it, watching it, stopping it.
//! Owns its settings and its pid file; runs inside the keeper, never in the process of a run.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres::NoTls;
use rustix::process::Signal;

use super::child::{Config, Keep, Marker, Ready, Run, write_whole};
use super::process::{alive, command, command_line, make_dir, open_log, signal, tail, wait_until};
use super::{Engine, USER, disk_error};
use crate::{Error, Result};

/// Recovery after a crash replays at most `max_wal_size`, which a slow disk may take minutes for.
const READY_LIMIT: Duration = Duration::from_secs(600);
const STOP_LIMIT: Duration = Duration::from_secs(240);
const CONNECTIONS: usize = 50;

/// For one load on a laptop, then for use: durable, no replication, few checkpoints, many locks (a publish of ten
/// thousand tables in one transaction), moderate memory. On the command line, so a plain start later has the defaults.
const SETTINGS: &[&str] = &[
    "fsync=on",
    "wal_level=minimal",
    "max_wal_senders=0",
    "archive_mode=off",
    "shared_buffers=256MB",
    "maintenance_work_mem=256MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "checkpoint_completion_target=0.9",
    "max_locks_per_transaction=1024",
    "jit=off",
    "logging_collector=off",
    "log_destination=stderr",
    "log_checkpoints=off",
    "log_statement=none",
    "shared_preload_libraries=",
];

/// Runs the server from start to stop.
pub fn run(keep: Keep) -> Result<()> {
    let config = keep.config;
    let home = config.home_path();
    let data = config.data_path();
    let mut notes = Vec::new();
    let log = config.log_path();
    if Marker::read(&data)?.is_none() {
        make(config)?;
    }
    let marker = Marker::read(&data)?.ok_or_else(|| Error::internal("the new data directory has no marker"))?;
    let pg = data.join("pg");
    notes.extend(clear_orphan(&home, &pg)?);
    let sockets = Sockets::make(config)?;
    let tcp = config.tcp.map(port).transpose()?;
    let hba = write_hba(config, tcp.is_some())?;
    let log_file = open_log(&log).map_err(|e| disk_error("write the server's log", &log, e))?;
    let mut server = launch(config, &pg, &sockets.dir, tcp, &hba, log_file)?;
    let ready = prepare(config, &marker, &sockets.dir, tcp).map(|password_file| Ready {
        pid: server.id(),
        version: config.version.clone(),
        sockets: sockets.dir.clone().into(),
        port: tcp.unwrap_or(5432),
        dbname: marker.dbname.clone(),
        max_connections: CONNECTIONS - 5,
        password_file: password_file.map(Into::into),
        notes,
    });
    let told = ready.and_then(|r| (keep.ready)(r));
    let outcome = match told {
        Ok(()) => watch(&keep, &mut server),
        Err(e) => Err(e),
    };
    let stopped = halt(&mut server, STOP_LIMIT);
    drop(sockets);
    outcome?;
    stopped?;
    sync(config, marker)
}

/// Makes `data` whole or not at all: `initdb` works in a sibling, which is then renamed.
fn make(config: &Config) -> Result<()> {
    clear_unfinished(config)?;
    let new = config.home_path().join("data.new");
    let pg = new.join("pg");
    let failed = |e| disk_error("make the data directory", &new, e);
    make_dir(&new, if config.ids.is_some() { 0o711 } else { 0o700 }).map_err(failed)?;
    make_dir(&pg, 0o700).map_err(failed)?;
    if let Some(ids) = config.ids {
        chown(&pg, Some(ids.uid), Some(ids.gid)).map_err(failed)?;
    }
    let made = initdb(config, &pg).and_then(|()| {
        let major = config.version.split(|c: char| !c.is_ascii_digit()).next().and_then(|m| m.parse().ok());
        let major = major.ok_or_else(|| Error::internal("a version without a number"))?;
        let dbname = config.dbname.clone();
        let version = config.version.clone();
        Marker { format: Marker::FORMAT, engine: Engine::Native, major, version, dbname, synced: false }.write(&new)?;
        fs::rename(&new, config.data_path()).map_err(failed)
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&new);
    }
    made
}

/// Removes what a start that was killed left behind (we hold the lock); data without its marker is never touched.
pub fn clear_unfinished(config: &Config) -> Result<()> {
    let home = config.home_path();
    for entry in fs::read_dir(&home).map_err(|e| disk_error("read", &home, e))?.flatten() {
        // Left by a start that was killed; we hold the lock.
        if entry.file_name().to_string_lossy().starts_with("data.new") {
            fs::remove_dir_all(entry.path()).map_err(|e| disk_error("remove", &entry.path(), e))?;
        }
    }
    if config.data_path().exists() {
        return Err(Error::target("holds data without the file that says what made it; nothing was touched")
            .about(config.data_path().display().to_string())
            .hint(format!("put {} back, or choose another directory", Marker::FILE)));
    }
    Ok(())
}

fn initdb(config: &Config, pg: &Path) -> Result<()> {
    let out = program(config, "initdb")?
        .args(["--username", USER, "--encoding=UTF8", "--locale=C", "--no-sync"])
        .args(["--auth-local=trust", "--auth-host=scram-sha-256", "-D"])
        .arg(pg)
        .output()
        .map_err(|e| Error::target("can't run initdb").because(e))?;
    if out.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&out.stderr);
    let hint = if text.contains("No space left") {
        "free some space on that disk, or choose another directory"
    } else {
        "see the message of initdb"
    };
    Err(Error::target(format!("initdb of PostgreSQL {} failed:\n{}", config.version, text.trim()))
        .about(config.home_path().display().to_string())
        .hint(hint))
}

fn program(config: &Config, name: &str) -> Result<Command> {
    let bin = config.bin.as_ref().ok_or_else(|| Error::internal("no programs of PostgreSQL in the order"))?;
    Ok(command(&Path::new(bin).join(name), config.search_path.as_deref(), config.ids))
}

/// The directory of the socket; removed when the server has stopped.
pub struct Sockets {
    pub dir: PathBuf,
}

impl Sockets {
    pub const PREFIX: &str = "lite2pg-";

    /// Makes one that only the server's user (and root) can enter.
    pub fn make(config: &Config) -> Result<Sockets> {
        let temp = Path::new(&config.temp);
        let name: String = random(6)?.iter().map(|b| format!("{b:02x}")).collect();
        let dir = temp.join(format!("{}{name}", Self::PREFIX));
        let failed = |e| disk_error("make a directory for the server's socket", temp, e);
        make_dir(&dir, 0o700).map_err(failed)?;
        if let Some(ids) = config.ids {
            chown(&dir, Some(ids.uid), Some(ids.gid)).map_err(failed)?;
        }
        Ok(Sockets { dir })
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Bytes that nobody can guess.
pub fn random(count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let read = File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut bytes));
    read.map_err(|e| Error::internal("can't read /dev/urandom").because(e))?;
    Ok(bytes)
}

/// The TCP port to listen on: the given one if it is free, or a free one for 0.
pub fn port(wanted: u16) -> Result<u16> {
    let tried = TcpListener::bind(("127.0.0.1", wanted)).and_then(|l| l.local_addr());
    tried.map(|a| a.port()).map_err(|e| {
        Error::target(format!("can't listen on 127.0.0.1:{wanted}: {e}"))
            .hint("choose another port, or none to have a free one picked")
            .because(e)
    })
}

/// Who may connect: over the socket everyone who can enter its 0700 directory; over TCP only with the password.
fn write_hba(config: &Config, tcp: bool) -> Result<PathBuf> {
    let mut text = "# Written by lite2pg at every start.\nlocal all all trust\n".to_owned();
    if tcp {
        text.push_str("host all all 127.0.0.1/32 scram-sha-256\n");
    }
    let path = config.data_path().join("lite2pg_hba.conf");
    write_whole(&path, text.as_bytes(), 0o644)?;
    // The umask may have taken away what the server's user needs.
    let open = fs::set_permissions(&path, fs::Permissions::from_mode(0o644));
    open.map_err(|e| disk_error("write", &path, e))?;
    Ok(path)
}

fn launch(config: &Config, pg: &Path, sockets: &Path, tcp: Option<u16>, hba: &Path, log: File) -> Result<Child> {
    let path = config.log_path();
    let started = Instant::now();
    loop {
        let from = fs::metadata(&path).map_or(0, |m| m.len());
        let mut c = program(config, "postgres")?;
        c.arg("-D").arg(pg).arg("-k").arg(sockets).arg("-p").arg(tcp.unwrap_or(5432).to_string());
        let mut hba_setting = std::ffi::OsString::from("hba_file=");
        hba_setting.push(hba);
        c.arg("-c").arg(hba_setting);
        c.args(["-c", if tcp.is_some() { "listen_addresses=127.0.0.1" } else { "listen_addresses=" }]);
        c.args(["-c", "unix_socket_permissions=0700", "-c", "password_encryption=scram-sha-256"]);
        c.args(["-c", &format!("max_connections={CONNECTIONS}")]);
        for setting in SETTINGS {
            c.args(["-c", setting]);
        }
        let log = log.try_clone().map_err(|e| disk_error("write the server's log", &path, e))?;
        c.stdout(Stdio::null()).stderr(log);
        let mut child = c.spawn().map_err(|e| Error::target("can't run postgres").because(e))?;
        let mut status = None;
        let up = wait_until(READY_LIMIT, || {
            status = child.try_wait().ok().flatten();
            status.is_some() || is_ready(pg, child.id())
        });
        if up && status.is_none() {
            return Ok(child);
        }
        let said = tail(&path, from);
        let _ = halt(&mut child, Duration::from_secs(10));
        // Processes of a server that was killed hold its shared memory until they notice.
        let lingering = said.contains("pre-existing shared memory block") || said.contains("is still in use");
        if lingering && started.elapsed() < Duration::from_secs(30) {
            thread::sleep(Duration::from_millis(200));
            continue;
        }
        return Err(Error::target(format!("PostgreSQL {} did not start:\n{said}", config.version))
            .about(config.home_path().display().to_string())
            .hint(start_hint(&said)));
    }
}

fn start_hint(said: &str) -> &'static str {
    if said.contains("No space left") {
        "free some space on that disk, or choose another directory"
    } else if said.contains("could not bind") || said.contains("Address already in use") {
        "choose another port"
    } else if said.contains("shared memory") {
        "another server uses these files or the machine is out of shared memory"
    } else if said.contains("Permission denied") {
        "the files must belong to the user that runs PostgreSQL"
    } else {
        "see the lines of the server's log above"
    }
}

/// The last line of `postmaster.pid` says `ready`; asked of the file because it needs no right to connect.
fn is_ready(pg: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(pg.join("postmaster.pid")).unwrap_or_default();
    let mut lines = text.lines();
    lines.next().and_then(|l| l.trim().parse().ok()) == Some(pid) && lines.nth(6).is_some_and(|l| l.trim() == "ready")
}

/// Deals with what an earlier server left: stops a living orphan of ours, forgets a pid file that means nobody.
fn clear_orphan(home: &Path, pg: &Path) -> Result<Option<String>> {
    let last = Run::read(home);
    let file = pg.join("postmaster.pid");
    let pid = fs::read_to_string(&file).ok().and_then(|t| t.lines().next()?.trim().parse::<u32>().ok());
    let mut note = None;
    if let Some(pid) = pid.filter(|p| alive(*p)) {
        if !serves(pid, pg) {
            // The number was given to another process since, and PostgreSQL would take that for itself.
            fs::remove_file(&file).map_err(|e| disk_error("remove", &file, e))?;
        } else if last.as_ref().is_some_and(|r| r.server == pid) || started_by_us(pid) {
            stop_orphan(pid)?;
            note = Some(format!("stopped the server of an earlier run that was killed (process {pid})"));
        } else {
            return Err(Error::target(format!(
                "a PostgreSQL that lite2pg did not start serves this directory (process {pid})"
            ))
            .about(pg.display().to_string())
            .hint("stop it with pg_ctl, or give its address as target"));
        }
    }
    if let Some(last) = last {
        remove_stale_sockets(Path::new(&last.sockets));
    }
    Ok(note)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && haystack.windows(needle.len()).any(|w| w == needle)
}

/// Whether that process is a postgres on these files.
fn serves(pid: u32, pg: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Some(line) = command_line(pid) else { return true };
    contains(&line, b"postgres") && contains(&line, pg.as_os_str().as_bytes())
}

/// Whether its command line is one that only we write.
fn started_by_us(pid: u32) -> bool {
    command_line(pid).is_some_and(|l| contains(&l, b"lite2pg_hba.conf"))
}

fn stop_orphan(pid: u32) -> Result<()> {
    for (how, limit) in [(Signal::INT, 120), (Signal::QUIT, 20), (Signal::KILL, 5)] {
        signal(pid, how);
        if wait_until(Duration::from_secs(limit), || !alive(pid)) {
            return Ok(());
        }
    }
    Err(Error::target(format!("the server of an earlier run does not stop (process {pid})"))
        .hint("end that process, then try again"))
}

/// Removes the socket directory of a server that is gone, if it is one of ours.
pub fn remove_stale_sockets(dir: &Path) {
    let ours = dir.file_name().is_some_and(|n| n.to_string_lossy().starts_with(Sockets::PREFIX));
    if ours && dir.is_absolute() && fs::symlink_metadata(dir).is_ok_and(|m| m.is_dir()) {
        let _ = fs::remove_dir_all(dir);
    }
}

/// Makes the database, and the password if it listens on TCP.
fn prepare(config: &Config, marker: &Marker, sockets: &Path, tcp: Option<u16>) -> Result<Option<PathBuf>> {
    let failed = |e: postgres::Error| {
        let said = e.as_db_error().map_or_else(|| e.to_string(), |d| d.message().to_owned());
        Error::target(format!("can't prepare the database {:?}: {said}", marker.dbname))
    };
    let mut client = postgres::Config::new()
        .host_path(sockets)
        .port(tcp.unwrap_or(5432))
        .user(USER)
        .dbname("postgres")
        .application_name("lite2pg keeper")
        .connect(NoTls)
        .map_err(failed)?;
    let there = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&marker.dbname]).map_err(failed)?;
    if there.is_none() {
        let name = marker.dbname.replace('"', "\"\"");
        client.batch_execute(&format!("CREATE DATABASE \"{name}\" OWNER {USER}")).map_err(failed)?;
    }
    if tcp.is_none() {
        return Ok(None);
    }
    let (path, password) = password_file(&config.home_path())?;
    client.batch_execute(&format!("ALTER ROLE {USER} PASSWORD '{password}'")).map_err(failed)?;
    Ok(Some(path))
}

/// The password for TCP, made once, in a file that only its owner can read, in the format of `PGPASSFILE`
/// (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).
pub fn password_file(home: &Path) -> Result<(PathBuf, String)> {
    let path = home.join("pgpass");
    let failed = |e| disk_error("keep the password", &path, e);
    let wanted = |p: &str| p.len() == 40 && p.bytes().all(|b| b.is_ascii_hexdigit());
    if let Ok(text) = fs::read_to_string(&path)
        && let Some(password) = text.trim_end().rsplit(':').next().filter(|p| wanted(p))
    {
        return Ok((path.clone(), password.to_owned()));
    }
    let password: String = random(20)?.iter().map(|b| format!("{b:02x}")).collect();
    let _ = fs::remove_file(&path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    writeln!(file, "127.0.0.1:*:*:{USER}:{password}").and_then(|()| file.sync_all()).map_err(failed)?;
    Ok((path.clone(), password))
}

/// Waits for the order to stop, or for a server that ends by itself.
fn watch(keep: &Keep, server: &mut Child) -> Result<()> {
    while !keep.stopping() {
        if let Ok(Some(status)) = server.try_wait() {
            return Err(Error::target(format!("PostgreSQL ended by itself ({status})")));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A fast shutdown; harder ways if it takes too long.
fn halt(server: &mut Child, limit: Duration) -> Result<()> {
    for (how, limit) in
        [(Signal::INT, limit), (Signal::QUIT, Duration::from_secs(20)), (Signal::KILL, Duration::from_secs(5))]
    {
        if matches!(server.try_wait(), Ok(Some(_))) {
            return Ok(());
        }
        signal(server.id(), how);
        if wait_until(limit, || matches!(server.try_wait(), Ok(Some(_)))) {
            return if how == Signal::INT { Ok(()) } else { Err(Error::target("PostgreSQL had to be ended by force")) };
        }
    }
    Err(Error::target("PostgreSQL does not stop"))
}

/// Flushes the files that `initdb --no-sync` left to the system, once.
fn sync(config: &Config, marker: Marker) -> Result<()> {
    if marker.synced {
        return Ok(());
    }
    let out = program(config, "initdb")?.arg("--sync-only").arg("-D").arg(config.data_path().join("pg")).output();
    let done = out.is_ok_and(|o| o.status.success());
    if !done {
        return Err(Error::target("can't flush the new data directory to the disk")
            .about(config.home_path().display().to_string())
            .hint("check the disk"));
    }
    Marker { synced: true, ..marker }.write(&config.data_path())
}
