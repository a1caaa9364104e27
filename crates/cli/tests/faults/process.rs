//! The binary as a process that can be watched, broken and waited for.
//! Owns the process; never says how it should have ended.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// Longer than any command of a scenario may take, on a machine that does other things too.
const LONGEST: Duration = Duration::from_secs(180);

/// A running lite2pg.
pub struct Running {
    child: Child,
    begin: Instant,
    log: PathBuf,
    out: PathBuf,
    ended: Option<ExitStatus>,
    /// Events told so far, and how much of the log they took.
    events: Vec<serde_json::Value>,
    read: usize,
}

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub struct Ended {
    pub exit: Option<i32>,
    pub killed: bool,
    pub said: String,
    pub last: String,
}

impl Running {
    /// Starts it; its events go to `log`, what it says to `out`.
    pub fn start(mut command: Command, log: PathBuf, out: PathBuf) -> Running {
        let file = std::fs::File::create(&out).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap();
        Running { child, begin: Instant::now(), log, out, ended: None, events: Vec::new(), read: 0 }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Sends it a signal, if it still runs.
    pub fn signal(&mut self, name: &str) {
        if !self.has_ended() {
            // It has not been waited for: the number is still its own.
            let _ = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        }
    }

    /// SIGKILL, at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    pub fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended.is_some()
    }

    /// Whether it takes longer than anything may.
    pub fn too_long(&self) -> bool {
        self.begin.elapsed() > LONGEST
    }

    /// The events that it has told so far, progress left out.
    pub fn events(&mut self) -> &[serde_json::Value] {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let new = text.get(self.read..).unwrap_or_default();
        // The last line may be half there.
        let whole = new.rfind('\n').map_or(0, |end| end + 1);
        for line in new[..whole].lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            if event["event"] != "progress" {
                self.events.push(event);
            }
        }
        self.read += whole;
        &self.events
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end: it is killed then.
    pub fn wait(mut self) -> Result<Ended, String> {
        while !self.has_ended() {
            if self.too_long() {
                self.kill();
                let _ = self.child.wait();
                let last = self.events().last().map(ToString::to_string);
                return Err(format!("it does not end; its last event: {last:?}\n{}", self.said()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let status = self.ended.unwrap();
        let last = self.events().last().map(ToString::to_string).unwrap_or_default();
        Ok(Ended { exit: status.code(), killed: status.signal() == Some(9), said: self.said(), last })
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.out).unwrap_or_default()).into_owned()
    }
}
