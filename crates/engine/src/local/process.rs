//! Processes: under which user they run, with which environment, and the keeper as its parent sees it.
//! Owns spawning, waiting and signals; never decides where data lies or what the server is told.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use super::Options;
use super::child::{Config, Reply};
use crate::{Error, Result};

/// How long a keeper may take to end; a fast shutdown writes all dirty pages of the server.
const STOP_LIMIT: Duration = Duration::from_secs(300);

/// A user and a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Whether we are root, which PostgreSQL refuses to run as.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The user that runs PostgreSQL when we are root: `postgres`, else `nobody`.
pub fn unprivileged() -> Ids {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        passwd.lines().find_map(|line| {
            let mut f = line.split(':');
            (f.next() == Some(name)).then_some(())?;
            let ids = Ids { uid: f.nth(1)?.parse().ok()?, gid: f.next()?.parse().ok()? };
            (ids.uid != 0).then_some(ids)
        })
    };
    ["postgres", "_postgres", "nobody"].iter().find_map(|n| find(n)).unwrap_or(Ids { uid: 65534, gid: 65534 })
}

/// A command in a clean environment (no `PG*`, no locale of the user's), as the given user, without input, in `/`.
pub fn command(program: &Path, search: Option<&OsStr>, ids: Option<Ids>) -> Command {
    let mut c = Command::new(program);
    c.env_clear().env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
    c.env("PATH", search.unwrap_or(OsStr::new("/usr/bin:/bin")));
    if let Some(ids) = ids {
        c.uid(ids.uid).gid(ids.gid);
    }
    c
}

/// Whether that user can enter the directory: tried, because modes alone don't tell (ACLs, security modules).
pub fn can_enter(dir: &Path, ids: Ids) -> bool {
    // std sets the user before it changes the directory, so this fails exactly where a server would.
    ["/bin/true", "/usr/bin/true"].iter().any(|t| {
        command(Path::new(t), None, Some(ids))
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    })
}

/// Makes one directory with exactly that mode, whatever the umask.
pub fn make_dir(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::DirBuilder::new().mode(mode & 0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Whether a process of that id exists.
pub fn alive(pid: u32) -> bool {
    if fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|s| s.rsplit(')').next().is_some_and(|r| r.starts_with(" Z")))
    {
        // Ended, and its parent (a container's first process, say) never asked how.
        return false;
    }
    let Some(pid) = to_pid(pid) else { return false };
    match rustix::process::test_kill_process(pid) {
        Ok(()) => true,
        Err(e) => e == rustix::io::Errno::PERM,
    }
}

/// Sends a signal; whether the process existed and we may.
pub fn signal(pid: u32, signal: Signal) -> bool {
    to_pid(pid).is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
}

fn to_pid(pid: u32) -> Option<Pid> {
    // Never 0 (our whole group) and never 1.
    i32::try_from(pid).ok().filter(|p| *p > 1).and_then(Pid::from_raw)
}

/// The command line of a process, its arguments apart by NUL, or `None` if it can't be told.
pub fn command_line(pid: u32) -> Option<Vec<u8>> {
    if let Ok(text) = fs::read(format!("/proc/{pid}/cmdline")) {
        return Some(text);
    }
    let out = command(Path::new("/bin/ps"), None, None).args(["-o", "command=", "-p", &pid.to_string()]).output();
    out.ok().filter(|o| o.status.success()).map(|o| o.stdout)
}

/// Waits until `done` says so; whether it did within the limit.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if done() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// The server's log, made if it does not exist, emptied if it has grown beyond 8 MiB.
pub fn open_log(path: &Path) -> std::io::Result<File> {
    let log = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    if log.metadata()?.len() > 8 << 20 {
        log.set_len(0)?;
    }
    Ok(log)
}

/// The last lines of a log after `from`, for an error message.
pub fn tail(path: &Path, from: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from.max(end.saturating_sub(8192)).min(end)))?;
        file.take(8192).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
}

/// The keeper, as its parent sees it.
#[derive(Debug)]
pub struct Keeper {
    child: Child,
    log: PathBuf,
    ended: bool,
}

impl Keeper {
    /// Starts a keeper and waits until its server is ready.
    pub fn start(o: &Options, config: &Config) -> Result<(Keeper, super::child::Ready)> {
        let mut c = keeper_command(o, config)?;
        let mut child = c.spawn().map_err(|e| {
            Error::internal(format!("can't start our own binary: {e}")).about(o.exe.display().to_string()).because(e)
        })?;
        let reply = ask(&mut child, config);
        let mut keeper = Keeper { child, log: config.log_path(), ended: false };
        match reply {
            Ok(Reply::Ready(ready)) => Ok((keeper, ready)),
            Ok(Reply::Failed(failed)) => {
                let _ = keeper.stop();
                Err(failed.into_error())
            }
            Ok(Reply::Schema { .. }) => Err(Error::internal("the keeper answered another question")),
            Err(e) => {
                let _ = keeper.stop();
                Err(e)
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Closes its input, which tells it to shut down, and waits.
    pub fn stop(&mut self) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        drop(self.child.stdin.take());
        let child = &mut self.child;
        let mut status = None;
        let ended = wait_until(STOP_LIMIT, || {
            status = child.try_wait().ok().flatten();
            status.is_some()
        });
        if !ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
            return Err(Error::target("the managed PostgreSQL did not stop in time and was ended")
                .hint("nothing is lost: it recovers at its next start"));
        }
        match status {
            Some(s) if s.success() => Ok(()),
            _ => Err(Error::target(format!("the managed PostgreSQL ended badly:\n{}", tail(&self.log, 0)))
                .hint("nothing that was committed is lost: it recovers at its next start")),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Runs a keeper that answers one question and ends.
pub fn ask_once(o: &Options, config: &Config) -> Result<Reply> {
    let mut child = keeper_command(o, config)?
        .spawn()
        .map_err(|e| Error::internal("can't start our own binary").about(o.exe.display().to_string()).because(e))?;
    let reply = ask(&mut child, config);
    drop(child.stdin.take());
    let _ = child.wait();
    reply
}

fn keeper_command(o: &Options, config: &Config) -> Result<Command> {
    let log = config.log_path();
    let mut c = command(&o.exe, o.search_path.as_deref(), None);
    c.args(&o.exe_args).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    // Where the embedded runtime unpacks its program; its crate asks the environment for it.
    c.env("HOME", &config.cache).env("XDG_CACHE_HOME", &config.cache).env("TMPDIR", config.home_path().join("tmp"));
    c.stderr(open_log(&log).map_err(|e| super::disk_error("write the server's log", &log, e))?);
    Ok(c)
}

fn ask(child: &mut Child, config: &Config) -> Result<Reply> {
    let lost = |e: &dyn std::fmt::Display| {
        let log = tail(&config.log_path(), 0);
        Error::target(format!("the managed PostgreSQL's keeper ended without an answer ({e}):\n{log}"))
    };
    let mut line =
        serde_json::to_string(config).map_err(|e| Error::internal("can't write a keeper's order").because(e))?;
    line.push('\n');
    if let Some(stdin) = &mut child.stdin {
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).map_err(|e| lost(&e))?;
    }
    let Some(stdout) = child.stdout.take() else { return Err(lost(&"no output")) };
    let mut answer = String::new();
    BufReader::new(stdout).read_line(&mut answer).map_err(|e| lost(&e))?;
    serde_json::from_str(&answer).map_err(|e| lost(&e))
}

#[cfg(test)]
mod tests {
    use super::{alive, signal, unprivileged};
    use rustix::process::Signal;

    #[test]
    fn the_whole_group_and_init_are_never_signalled() {
        assert!(!signal(0, Signal::TERM));
        assert!(!signal(1, Signal::TERM));
        assert!(!signal(u32::MAX, Signal::TERM));
        assert!(alive(std::process::id()));
        assert_ne!(unprivileged().uid, 0);
    }
}
