//! Peak memory of this process, and the machine's.
//! Owns these questions to the operating system; never guesses: 0 where it does not tell.

/// Peak resident memory in bytes, from Linux's `/proc/self/status` (`VmHWM`); 0 elsewhere.
pub fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().map_or(0, |kib| kib * 1024)
}

/// Memory of this machine in bytes, from Linux's `/proc/meminfo`; 0 elsewhere.
pub fn of_machine() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|l| l.strip_prefix("MemTotal:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().map_or(0, |kib| kib.saturating_mul(1024))
}
