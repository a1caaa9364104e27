//! One run per source: the second taker is told who holds it, and a dead process holds nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lite2pg_engine::safety::lock::{Holder, SourceLock};

fn holder() -> Holder {
    Holder { pid: std::process::id(), host: "here".into(), started: "today at noon".into(), target: "db on h".into() }
}

fn dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("l2p-lock-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("s.db"), b"").unwrap();
    dir
}

/// The test binary's second role: takes the lock, says so, and waits to be killed.
#[test]
fn other_process() {
    let Some(dir) = std::env::var_os("LITE2PG_TEST_LOCK") else { return };
    let dir = Path::new(&dir);
    let _lock = SourceLock::take(&dir.join("s.db"), &dir.join("state"), &holder()).unwrap();
    println!("@@");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn the_second_taker_is_told_and_a_dead_process_holds_nothing() {
    let dir = dir("dead");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["other_process", "--exact", "--nocapture"])
        .env("LITE2PG_TEST_LOCK", &dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(out.any(|l| l.unwrap().contains("@@")));
    let take = || SourceLock::take(&dir.join("s.db"), &dir.join("state"), &holder());
    let e = take().unwrap_err();
    assert_eq!(e.kind.exit(), 3);
    for word in [&format!("process {}", child.id()) as &str, "here", "today at noon", "db on h"] {
        assert!(e.to_string().contains(word), "{e}");
    }
    assert!(e.hint.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let lock = take().unwrap();
    drop(lock);
    take().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[cfg(unix)]
#[test]
fn two_names_of_one_file_are_one_source_and_two_files_are_two() {
    let dir = dir("names");
    std::os::unix::fs::symlink(dir.join("s.db"), dir.join("link.db")).unwrap();
    std::fs::write(dir.join("t.db"), b"").unwrap();
    let state = dir.join("state");
    let _first = SourceLock::take(&dir.join("s.db"), &state, &holder()).unwrap();
    assert!(SourceLock::take(&dir.join("link.db"), &state, &holder()).is_err());
    let _other = SourceLock::take(&dir.join("t.db"), &state, &holder()).unwrap();
    assert!(SourceLock::take(&dir.join("none.db"), &state, &holder()).is_err());
    std::fs::remove_dir_all(&dir).unwrap();
}
