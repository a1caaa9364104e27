//! Who we are to other processes: the name our sessions carry, and whether the process behind such a name still lives.
//! Owns that name's form; never ends a process.

use crate::target::control::Operator;

/// What our sessions are called in `pg_stat_activity`: `lite2pg HOST PID`, at most 63 bytes.
pub fn application(operator: &Operator) -> String {
    let mut host: String = operator.host.chars().filter(|c| c.is_ascii_graphic()).collect();
    host.truncate(40);
    format!("lite2pg {host} {}", std::process::id())
}

/// Whether a session's name is one of ours and its process on this host is gone. A name of another host is never dead:
/// we cannot see it from here.
pub fn is_dead(application: &str) -> bool {
    let mut words = application.split(' ');
    let (Some("lite2pg"), Some(host), Some(pid), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let here = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let Ok(pid) = pid.parse::<u32>() else { return false };
    !here.trim().is_empty()
        && application_host(here.trim()) == host
        && pid != std::process::id()
        && !std::path::Path::new(&format!("/proc/{pid}")).exists()
}

fn application_host(host: &str) -> String {
    let mut host: String = host.chars().filter(|c| c.is_ascii_graphic()).collect();
    host.truncate(40);
    host
}

/// Now, in UTC, as `YYYY-MM-DD HH:MM:SS`, for people.
pub fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_secs()).unwrap_or(0).saturating_mul(1_000_000);
    // The calendar counts from 2000-01-01.
    let since_2000 = micros.saturating_sub(10_957 * 86_400_000_000);
    lite2pg_model::mapping::datetime::format_stamp(since_2000).map_or_else(String::new, |s| format!("{s} UTC"))
}
