//! Who we are to other processes: the name our sessions carry, and whether the process behind such a name still lives.
//! Owns that name's form; never ends a process.

use crate::target::control::Operator;
use sha2::{Digest as _, Sha256};

/// The longest host name that is shown whole.
const HOST: usize = 18;

/// What our sessions are called in `pg_stat_activity`: `lite2pg HOST PID START-WORLD`, at most 63 bytes. START is when
/// the process began, in clock ticks since the boot; WORLD is a hash of host, boot and process namespace. Where the
/// system does not tell them the last word is missing.
pub fn application(operator: &Operator) -> String {
    let pid = std::process::id();
    let name = format!("lite2pg {} {pid}", short(&operator.host));
    match (started(pid), world()) {
        (Some(start), Some(world)) => format!("{name} {start:x}-{world}"),
        _ => name,
    }
}

/// Host and process that a session's name tells, if it is one of ours.
pub fn whose(application: &str) -> Option<(&str, u32)> {
    let mut words = application.split(' ');
    let (word, host, pid) = (words.next()?, words.next()?, words.next()?);
    (word == "lite2pg").then_some(())?;
    Some((host, pid.parse().ok()?))
}

/// Whether a session's name is one of ours and its process is gone: it was of this host, this boot and this process
/// namespace, and no such process is there or it is another one by now. Whatever we cannot see from here counts as
/// living.
pub fn is_dead(application: &str) -> bool {
    let words: Vec<&str> = application.split(' ').collect();
    let [word, _, pid, mark] = words.as_slice() else { return false };
    let (Ok(pid), Some((start, of))) = (pid.parse::<u32>(), mark.split_once('-')) else { return false };
    let Ok(start) = u64::from_str_radix(start, 16) else { return false };
    *word == "lite2pg" && world().is_some_and(|ours| ours == of) && started(pid) != Some(start)
}

/// When a living process began, in clock ticks since the boot (field 22 of `/proc/PID/stat`); `None`: there is none, or
/// only what its parent has not buried yet. Source: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?;
    fields.nth(18)?.parse().ok().filter(|_| !matches!(state, "Z" | "X"))
}

/// What names the host, its boot and our process namespace: only there a process's number means the same to two
/// processes.
fn world() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(hash(&format!("{}\n{}\n{}", boot.trim(), host.trim(), namespace.display())))
}

fn short(host: &str) -> String {
    let shown: String = host.chars().filter(char::is_ascii_graphic).collect();
    if shown.len() <= HOST {
        return shown;
    }
    let front: String = shown.chars().take(HOST - 9).collect();
    format!("{front}~{}", hash(host))
}

/// Eight hexadecimal digits.
fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(4).map(|b| format!("{b:02x}")).collect()
}

/// Now, in UTC, as `YYYY-MM-DD HH:MM:SS UTC`, for people.
pub fn now() -> String {
    let (micros, _) = since_2000();
    lite2pg_model::mapping::datetime::format_stamp(micros).map_or_else(String::new, |s| format!("{s} UTC"))
}

/// Now, in UTC, to the millisecond: `YYYY-MM-DD HH:MM:SS.mmm UTC`, for logs.
pub fn stamp() -> String {
    let (micros, millis) = since_2000();
    lite2pg_model::mapping::datetime::format_stamp(micros).map_or_else(String::new, |s| format!("{s}.{millis:03} UTC"))
}

/// Whole seconds as microseconds since 2000-01-01, where the calendar counts from, and the milliseconds beyond.
fn since_2000() -> (i64, u32) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_secs()).unwrap_or(0).saturating_mul(1_000_000);
    (micros.saturating_sub(10_957 * 86_400_000_000), since.subsec_millis())
}
