//! A real PostgreSQL server for one test, gone when the test is.
//! Owns the server's process, directory and port; never touches a server it did not start.
#![allow(clippy::panic, reason = "a test that cannot have its server must fail, and say what to install")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

/// Servers and their sockets live here: a socket's path must be shorter than 108 bytes, and the server's user must be
/// able to enter every directory above it.
const TMP: &str = "/tmp";

/// Keeps the server alive exactly as long as standard input stays open, so that even a killed test leaves nothing.
const KEEPER: &str = r#"
"$1/postgres" -D "$2/data" </dev/null >>"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server
rm -rf "$2" 2>/dev/null
"#;

/// A running PostgreSQL server. Superuser `postgres` enters by the socket without a password. Stops on drop.
#[derive(Debug)]
pub struct Cluster {
    /// The directory with the socket.
    pub socket_dir: PathBuf,
    /// The port on 127.0.0.1, and in the socket's name.
    pub port: u16,
    /// The server's directory: `data`, `log` and the socket.
    pub dir: PathBuf,
    /// The newest is last; each ends the server that it started.
    keepers: Mutex<Vec<Child>>,
    /// Where the data lies if a test chose the place; removed at the end too.
    elsewhere: Option<PathBuf>,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ends every session and writes everything down (SIGINT to the postmaster).
    Fast,
    /// As a crash that the backends notice at once (SIGQUIT to the postmaster).
    Immediate,
    /// The postmaster is gone without a word (SIGKILL); its backends notice it when they next wait for something.
    Kill,
}

impl Stop {
    /// The signal's name, as `kill` takes it.
    pub fn signal(self) -> &'static str {
        match self {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
            Stop::Kill => "KILL",
        }
    }
}

impl Cluster {
    /// Starts a server. `config` are lines of postgresql.conf; `hba` are lines of pg_hba.conf (none: everybody is
    /// trusted). Panics with what to do when there is no PostgreSQL, or it does not come up within a minute.
    pub fn start(config: &[&str], hba: &[&str]) -> Cluster {
        Self::start_with(config, hba, &[])
    }

    /// The same, with files (name, contents) in the data directory, for instance `server.key`.
    pub fn start_with(config: &[&str], hba: &[&str], files: &[(&str, &[u8])]) -> Cluster {
        Self::start_at(None, config, hba, files)
    }

    /// The same as [`Cluster::start`], with the server's data in `data`: a path that does not exist yet, in a directory
    /// that the server's user may enter, for instance on a small file system. It is removed at the end.
    pub fn start_in(data: &Path, config: &[&str], hba: &[&str]) -> Cluster {
        Self::start_at(Some(data), config, hba, &[])
    }

    fn start_at(place: Option<&Path>, config: &[&str], hba: &[&str], files: &[(&str, &[u8])]) -> Cluster {
        // Between choosing a free port and using it, another process may take it: then another port is tried.
        for _ in 0..5 {
            match Self::try_start(place, config, hba, files) {
                Ok(cluster) => return cluster,
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("the test server did not start:\n{log}"),
            }
        }
        panic!("no free port on 127.0.0.1 for a test server")
    }

    fn try_start(
        place: Option<&Path>,
        config: &[&str],
        hba: &[&str],
        files: &[(&str, &[u8])],
    ) -> Result<Cluster, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (bin, user) = (bin_dir(), server_user());
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = Path::new(TMP).join(format!("l2pg-{}-{n}", std::process::id()));
        let data = dir.join("data");
        let template = template(&bin, user);
        must(fs::create_dir(&dir), &dir);
        must(chown(&dir, user.map(|u| u.0), user.map(|u| u.1)), &dir);
        if let Some(place) = place {
            must(std::os::unix::fs::symlink(place, &data), &data);
        }
        must_run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(&template).arg(place.unwrap_or(&data)));

        let port = must(TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()), "127.0.0.1").port();
        let own = format!(
            "listen_addresses='127.0.0.1'\nport={port}\nunix_socket_directories='{}'\nfsync=off\nshared_buffers=32MB\n{}\n",
            dir.display(),
            config.join("\n")
        );
        put(&data, "lite2pg.conf", own.as_bytes(), user);
        let trust = ["local all all trust", "host all all 127.0.0.1/32 trust", "local replication all trust"];
        let hba = if hba.is_empty() { &trust } else { hba };
        put(&data, "pg_hba.conf", format!("local all postgres trust\n{}\n", hba.join("\n")).as_bytes(), user);
        for (name, contents) in files {
            put(&data, name, contents, user);
        }

        let keepers = Mutex::new(vec![keep(&bin, &dir, user)]);
        Cluster { socket_dir: dir.clone(), port, dir, keepers, elsewhere: place.map(Path::to_owned) }.when_ready()
    }

    fn keepers(&self) -> MutexGuard<'_, Vec<Child>> {
        self.keepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the server and waits until its postmaster is gone. [`Cluster::restart`] starts it again.
    pub fn stop(&self, how: Stop) {
        let pid = self.pid();
        must_run(Command::new("kill").arg(format!("-{}", how.signal())).arg(pid.to_string()));
        let end = Instant::now() + Duration::from_secs(60);
        while running(pid) {
            assert!(Instant::now() < end, "the test server did not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts the server again after it was stopped or killed. Panics if it does not come up within a minute.
    pub fn restart(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        // A server that was told to quit removes its pid file; one that was killed does not.
        let gone = || match fs::read_to_string(self.dir.join("data/postmaster.pid")) {
            Ok(text) => text.lines().next().and_then(|l| l.parse().ok()).is_none_or(|pid| !running(pid)),
            Err(_) => true,
        };
        while !gone() {
            assert!(Instant::now() < end, "the test server did not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        // Backends of a killed server notice it only after a moment, and until then it cannot start.
        loop {
            let before = self.log().len();
            let mut keeper = keep(&bin_dir(), &self.dir, server_user());
            if self.comes_up(before, end) {
                self.keepers().push(keeper);
                return;
            }
            assert!(Instant::now() < end, "the test server did not start again:\n{}", self.log());
            // It must not remove the directory as it would when it ends by itself.
            let _ = keeper.kill();
            let _ = keeper.wait();
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the server answers, for instance after a backend of it was killed. Panics if it does not in a minute.
    pub fn wait_until_it_answers(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while Client::connect(&self.conninfo("postgres"), NoTls).is_err() {
            assert!(Instant::now() < end, "the test server does not answer:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the server answers, or has ended by itself: what it wrote to its log from `before` on says so.
    fn comes_up(&self, before: usize, end: Instant) -> bool {
        while Instant::now() < end {
            if Client::connect(&self.conninfo("postgres"), NoTls).is_ok() {
                return true;
            }
            let log = self.log();
            let new = log.get(before..).unwrap_or_default();
            if new.lines().any(|l| l.contains("FATAL:  ") && !l.contains("FATAL:  the database system is")) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn when_ready(self) -> Result<Cluster, String> {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let problem = match Client::connect(&self.conninfo("postgres"), NoTls) {
                Ok(_) => return Ok(self),
                Err(problem) => problem,
            };
            let log = self.log();
            let died = log.lines().any(|l| l.contains("FATAL:  ") && !l.contains("is starting up"));
            if died || Instant::now() > end {
                return Err(format!("{problem}\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A key/value conninfo string for the superuser by the socket.
    pub fn conninfo(&self, dbname: &str) -> String {
        format!("host={} port={} user=postgres dbname={dbname}", self.socket_dir.display(), self.port)
    }

    /// A connection of the superuser.
    pub fn client(&self, dbname: &str) -> Client {
        match Client::connect(&self.conninfo(dbname), NoTls) {
            Ok(client) => client,
            Err(problem) => panic!("{problem}: {:?}\n{}", std::error::Error::source(&problem), self.log()),
        }
    }

    /// Runs statements as the superuser in database `postgres`.
    pub fn sql(&self, sql: &str) {
        if let Err(problem) = self.client("postgres").batch_execute(sql) {
            panic!("{problem}: {:?}\n{sql}", std::error::Error::source(&problem));
        }
    }

    /// What the server wrote to its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// The process id of the postmaster, for tests that kill it.
    pub fn pid(&self) -> u32 {
        let file = self.dir.join("data/postmaster.pid");
        let text = must(fs::read_to_string(&file), &file);
        text.lines().next().and_then(|l| l.parse().ok()).unwrap_or_else(|| panic!("no pid in {text}"))
    }

    /// The path of a PostgreSQL program, for instance `psql`.
    pub fn program(name: &str) -> PathBuf {
        bin_dir().join(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut keepers = self.keepers();
        while let Some(mut keeper) = keepers.pop() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
        drop(keepers);
        if let Some(data) = &self.elsewhere {
            let _ = fs::remove_dir_all(data);
        }
        // What a test put there as another user is left over by the keeper.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Whether a process is there and has not ended: one that nobody has waited for yet has.
fn running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Starts a keeper, which starts the server.
fn keep(bin: &Path, dir: &Path, user: Option<(u32, u32)>) -> Child {
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper"]).args([bin, dir]).current_dir(TMP).stdin(Stdio::piped()).process_group(0);
    must(as_user(&mut keeper, user).spawn(), "sh")
}

/// The directory of the newest PostgreSQL programs: `PG_BINDIR`, Debian's and Red Hat's places, then `pg_config`.
fn bin_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("PG_BINDIR") {
        return dir.into();
    }
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let version = entry.file_name().to_string_lossy().parse().unwrap_or(0);
        found.push((version, entry.path().join("bin")));
    }
    found.sort();
    let mut places: Vec<PathBuf> = found.into_iter().rev().map(|(_, path)| path).collect();
    places.push("/usr/bin".into());
    if let Ok(out) = Command::new("pg_config").arg("--bindir").output() {
        places.push(String::from_utf8_lossy(&out.stdout).trim().into());
    }
    places.into_iter().find(|p| p.join("initdb").exists() && p.join("postgres").exists()).unwrap_or_else(|| {
        panic!("this test needs a PostgreSQL server: install one (./test does; or apt-get install postgresql) or set PG_BINDIR")
    })
}

/// The uid and gid the server runs as: PostgreSQL refuses root, so root becomes `postgres` or `nobody`.
fn server_user() -> Option<(u32, u32)> {
    if must(fs::metadata("/proc/self"), "/proc/self").uid() != 0 {
        return None;
    }
    let passwd = must(fs::read_to_string("/etc/passwd"), "/etc/passwd");
    let find = |name: &str| {
        passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (*fields.first()? == name).then_some(())?;
            Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
        })
    };
    find("postgres").or_else(|| find("nobody")).or_else(|| panic!("root needs a user `postgres` or `nobody`"))
}

/// An initialised data directory to copy from, made once for a version of PostgreSQL: initdb takes a second, a copy less.
fn template(bin: &Path, user: Option<(u32, u32)>) -> PathBuf {
    let version = must(Command::new(bin.join("postgres")).arg("--version").output(), bin);
    let version = String::from_utf8_lossy(&version.stdout).split_whitespace().nth(2).unwrap_or("unknown").to_owned();
    let uid = user.map_or_else(|| must(fs::metadata("/proc/self"), "/proc/self").uid(), |u| u.0);
    let done = Path::new(TMP).join(format!("l2pg-template-{uid}-{version}"));
    if fs::metadata(&done).is_ok_and(|m| m.uid() == uid) {
        return done;
    }
    let thread = format!("{:?}", std::thread::current().id()).replace(|c: char| !c.is_ascii_digit(), "");
    let new = Path::new(TMP).join(format!("l2pg-initdb-{}-{thread}", std::process::id()));
    let mut initdb = Command::new(bin.join("initdb"));
    initdb.args(["--no-sync", "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8", "-D"]).arg(&new);
    must_run(as_user(&mut initdb, user).current_dir(TMP));
    let conf = new.join("postgresql.conf");
    let text = must(fs::read_to_string(&conf), &conf) + "\ninclude 'lite2pg.conf'\n";
    must(fs::write(&conf, text), &conf);
    // Whoever renames first wins; the others throw theirs away.
    if fs::rename(&new, &done).is_err() {
        let _ = fs::remove_dir_all(&new);
    }
    done
}

fn put(data: &Path, name: &str, contents: &[u8], user: Option<(u32, u32)>) {
    let path = data.join(name);
    must(fs::write(&path, contents), &path);
    must(fs::set_permissions(&path, fs::Permissions::from_mode(0o600)), &path);
    must(chown(&path, user.map(|u| u.0), user.map(|u| u.1)), &path);
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>) -> &mut Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn must<T>(result: std::io::Result<T>, about: impl AsRef<Path>) -> T {
    result.unwrap_or_else(|problem| panic!("{}: {problem}", about.as_ref().display()))
}

fn must_run(command: &mut Command) {
    let out = must(command.output(), command.get_program());
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_answers_and_leaves_nothing() {
        let two = [Cluster::start(&[], &[]), Cluster::start(&["work_mem=7MB"], &[])];
        let row = two[1].client("postgres").query_one("SHOW work_mem", &[]).unwrap();
        assert_eq!(row.get::<_, String>(0), "7MB");
        let pids = [two[0].pid(), two[1].pid()];
        let dirs = [two[0].dir.clone(), two[1].dir.clone()];
        drop(two);
        for (pid, dir) in pids.iter().zip(dirs) {
            assert!(!Path::new(&format!("/proc/{pid}")).exists());
            assert!(!dir.exists());
        }
    }

    #[test]
    fn stops_in_every_way_comes_back_and_lies_where_it_is_told() {
        let place = Path::new(TMP).join(format!("l2pg-place-{}", std::process::id()));
        let cluster = Cluster::start_in(&place, &[], &[]);
        assert!(place.join("PG_VERSION").exists());
        cluster.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (7); CHECKPOINT");
        for how in [Stop::Fast, Stop::Immediate, Stop::Kill] {
            let before = cluster.pid();
            cluster.stop(how);
            assert!(Client::connect(&cluster.conninfo("postgres"), NoTls).is_err(), "{how:?}: still there");
            cluster.restart();
            assert_ne!(before, cluster.pid());
            let rows: i64 = cluster.client("postgres").query_one("SELECT count(*) FROM t", &[]).unwrap().get(0);
            assert_eq!(rows, 1, "{how:?}");
        }
        let dir = cluster.dir.clone();
        drop(cluster);
        assert!(!dir.exists() && !place.exists());
    }

    #[test]
    #[should_panic(expected = "no_such_setting")]
    fn a_bad_setting_is_shown() {
        Cluster::start(&["no_such_setting = 1"], &[]);
    }
}
