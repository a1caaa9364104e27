//! One consistent snapshot that leaves the source alone: every trap of locks, journals and write-ahead logs, sprung.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod common;

use std::path::Path;

use common::{Other, Temp, one};
use lite2pg_engine::source::{Claim, JournalMode, ReadFrom, SnapshotMode, Source};
use rusqlite::Connection;

const PAIR: &str = "CREATE TABLE a(x); CREATE TABLE b(x); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0);";

const ROWS: &str = "CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) \
                    INSERT INTO t SELECT 1 FROM n;";

#[test]
fn other_process() {
    common::serve();
}

fn pinned(source: &Source) -> bool {
    source.facts().read_from == ReadFrom::Pinned
}

#[test]
fn nobody_commits_while_we_are_pinned() {
    let t = Temp::new();
    let path = t.database("p.db", PAIR);
    let source = t.open(&path).unwrap();
    assert!(pinned(&source));
    let mut reader = source.reader().unwrap();
    let mut more = source.reader().unwrap();
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    let said = other.ask("INSERT INTO a VALUES (1)");
    assert!(said.contains("locked"), "the commit went through: {said}");
    assert_eq!((one(&mut reader, "SELECT count(*) FROM a"), one(&mut more, "SELECT count(*) FROM a")), (1, 1));
    source.check_unchanged().unwrap();
    // Only the main connection goes; a reader keeps the snapshot.
    drop((source, more));
    assert!(other.ask("INSERT INTO a VALUES (1)").contains("locked"));
    drop(reader);
    other.must("INSERT INTO a VALUES (1)");
}

#[test]
fn a_second_source_on_the_same_file_drops_no_lock() {
    let t = Temp::new();
    let path = t.database("p.db", PAIR);
    let first = t.open(&path).unwrap();
    let second = t.open(&path).unwrap();
    assert!(!pinned(&second), "somebody (we) has it open");
    assert_eq!(first.fingerprint(), second.fingerprint());
    drop(second);
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    assert!(other.ask("INSERT INTO a VALUES (1)").contains("locked"), "the lock was lost");
    drop(first);
    other.must("INSERT INTO a VALUES (1)");
}

#[test]
fn a_claimed_connection_keeps_its_lock_when_a_source_is_opened() {
    let t = Temp::new();
    let path = t.database("p.db", PAIR);
    let claim = Claim::take(&path).unwrap();
    let fence = Connection::open(&path).unwrap();
    fence.execute_batch("BEGIN IMMEDIATE").unwrap();
    let source = t.open(&path).unwrap();
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    let said = other.ask("BEGIN IMMEDIATE");
    assert!(said.contains("locked"), "the fence was lost: {said}");
    drop((source, fence, claim));
    other.must("BEGIN IMMEDIATE");
}

#[test]
fn a_reader_that_meets_a_waiting_writer_sees_the_same_state_or_is_left_out() {
    let t = Temp::new();
    let path = t.database("p.db", PAIR);
    let source = t.open(&path).unwrap();
    let mut first = source.reader().unwrap();
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    // A writer that waits for us in its commit lets nobody else in; but the readers of one process share its lock.
    other.must("spin");
    let started = std::time::Instant::now();
    while started.elapsed().as_millis() < 300 {
        if let Some(mut more) = source.try_reader().unwrap() {
            assert_eq!(one(&mut more, "SELECT count(*) FROM a"), 1);
        }
    }
    assert_eq!(one(&mut first, "SELECT count(*) FROM a"), 1);
    drop((source, first));
    other.must("halt");
    assert!(other.must("SELECT count(*) FROM a") != "Integer(1)", "the writer never came");
}

#[test]
fn a_wal_at_rest_is_read_and_nothing_beside_it_changes() {
    let t = Temp::new();
    let path = t.data("w.db");
    // The writer dies: -wal and -shm stay, and hold what is not in the file.
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    other.must("PRAGMA journal_mode = WAL");
    other.must("PRAGMA wal_autocheckpoint = 0");
    other.must("CREATE TABLE t(x); INSERT INTO t VALUES (42)");
    other.kill();
    for shm in [true, false] {
        if !shm {
            std::fs::remove_file(t.data("w.db-shm")).unwrap();
        }
        let before = t.listing();
        let source = t.open(&path).unwrap();
        assert!(!pinned(&source) && source.facts().journal_mode == JournalMode::Wal);
        assert!(source.facts().wal_bytes > 0 && source.fingerprint().wal.is_some());
        assert_eq!(one(&mut source.reader().unwrap(), "SELECT x FROM t"), 42);
        assert!(source.quick_check(&|| false).unwrap().is_empty());
        assert!(before == t.listing(), "changed while open (shm {shm})");
        drop(source);
        assert!(before == t.listing(), "changed by closing (shm {shm})");
        assert_eq!(t.copies(), 0);
    }
}

#[test]
fn a_wal_database_that_was_closed_leaves_no_files_behind() {
    let t = Temp::new();
    let path = t.database("w.db", &format!("PRAGMA journal_mode = WAL; {PAIR}"));
    let before = t.listing();
    assert_eq!(before.len(), 1);
    let source = t.open(&path).unwrap();
    assert_eq!(one(&mut source.reader().unwrap(), "SELECT count(*) FROM a"), 1);
    drop(source);
    assert!(before == t.listing());
}

#[test]
fn a_live_wal_is_neither_checkpointed_nor_deleted() {
    let t = Temp::new();
    let path = t.data("w.db");
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    other.must("PRAGMA journal_mode = WAL");
    other.must("PRAGMA wal_autocheckpoint = 0");
    other.must("CREATE TABLE t(x); INSERT INTO t VALUES (42)");
    let files = || ["w.db", "w.db-wal"].map(|f| std::fs::read(t.data(f)).unwrap());
    for mode in [SnapshotMode::Auto, SnapshotMode::Copy, SnapshotMode::Pin] {
        let before = files();
        let mut o = t.options();
        o.snapshot = mode;
        let source = Source::open(&path, &o).unwrap();
        assert_eq!(pinned(&source), mode == SnapshotMode::Pin);
        let mut reader = source.reader().unwrap();
        assert!(before == files());
        // A writer is never stopped in WAL mode, and we do not see what it does.
        other.must("UPDATE t SET x = 43");
        let before = files();
        assert_eq!(one(&mut reader, "SELECT x FROM t"), 42);
        match source.try_reader().unwrap() {
            Some(mut more) => assert_eq!(one(&mut more, "SELECT x FROM t"), 42),
            None => assert_eq!(mode, SnapshotMode::Pin),
        }
        drop((reader, source));
        assert!(before == files());
        other.must("UPDATE t SET x = 42");
    }
    // We are the last to close: SQLite would checkpoint and delete the WAL.
    let mut o = t.options();
    o.snapshot = SnapshotMode::Pin;
    let source = Source::open(&path, &o).unwrap();
    other.kill();
    let before = files();
    drop(source);
    assert!(before == files());
}

#[test]
fn a_hot_journal_is_rolled_back_in_the_copy_only() {
    let t = Temp::new();
    let path = t.database("h.db", ROWS);
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    // A cache of a few pages spills the uncommitted rows into the file; then the writer dies.
    other.must("PRAGMA cache_size = 2; PRAGMA cache_spill = 1; BEGIN; UPDATE t SET x = 1000000");
    other.kill();
    assert!(t.listing().contains_key("h.db-journal"));
    for mode in [SnapshotMode::Auto, SnapshotMode::Copy, SnapshotMode::Pin] {
        let before = t.listing();
        let mut o = t.options();
        o.snapshot = mode;
        let source = Source::open(&path, &o).unwrap();
        assert!(!pinned(&source));
        assert_eq!(one(&mut source.reader().unwrap(), "SELECT sum(x) FROM t"), 2000);
        drop(source);
        assert!(before == t.listing(), "the source changed");
    }
}

/// Two databases in one transaction whose writer dies with the first one's journal still naming the super-journal.
fn with_super_journal(t: &Temp) -> std::path::PathBuf {
    let path = t.database("h.db", ROWS);
    let journal = t.data("h.db-journal");
    let mut other = Other::start();
    other.must(&format!("open {}", path.display()));
    other.must("PRAGMA cache_size = 2; PRAGMA cache_spill = 1; BEGIN; UPDATE t SET x = 1000000");
    other.kill();
    // The end of a journal as SQLite writes it before a commit over several files.
    let name = t.data("h.db-mj12AB5F9CD").to_str().unwrap().to_owned();
    let sum: u32 = name.bytes().map(u32::from).sum();
    let mut bytes = std::fs::read(&journal).unwrap();
    // SQLite puts it on a sector border.
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes.extend(0x4000_0000_u32.div_euclid(4096).wrapping_add(1).to_be_bytes());
    bytes.extend(name.as_bytes());
    bytes.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    bytes.extend(sum.to_be_bytes());
    bytes.extend([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    std::fs::write(&journal, bytes).unwrap();
    path
}

#[test]
fn a_super_journal_decides_and_stays() {
    for exists in [true, false] {
        let t = Temp::new();
        let path = with_super_journal(&t);
        let superj = t.data("h.db-mj12AB5F9CD");
        if exists {
            // Its journals are nowhere: SQLite, let near it, would delete it.
            std::fs::write(&superj, b"/nowhere/x.db-journal\0").unwrap();
        }
        // What SQLite makes of the same files elsewhere is the oracle.
        let oracle_dir = t.0.join("oracle");
        std::fs::create_dir(&oracle_dir).unwrap();
        for f in ["h.db", "h.db-journal"] {
            std::fs::copy(t.data(f), oracle_dir.join(f)).unwrap();
        }
        let expected: i64 = {
            let kept = std::fs::read(&superj).ok();
            let c = Connection::open(oracle_dir.join("h.db")).unwrap();
            let x = c.query_row("SELECT sum(x) FROM t", [], |r| r.get(0)).unwrap();
            if let Some(bytes) = kept {
                std::fs::write(&superj, bytes).unwrap();
            }
            x
        };
        assert_eq!(expected == 2000, exists, "the test's own journal is wrong");
        let before = t.listing();
        let source = t.open(&path).unwrap();
        assert_eq!(one(&mut source.reader().unwrap(), "SELECT sum(x) FROM t"), expected);
        drop(source);
        assert!(before == t.listing(), "the source or its super-journal changed");
    }
}

fn both_readers_agree(t: &Temp, path: &Path, other: &mut Other, mode: SnapshotMode) {
    const READERS: usize = 8;
    other.must("spin");
    let mut last = 0;
    for round in 0..12 {
        let mut o = t.options();
        o.snapshot = mode;
        o.readers = READERS;
        o.busy_timeout = std::time::Duration::from_secs(10);
        let source = Source::open(path, &o).unwrap();
        let mut r1 = source.reader().unwrap();
        let state = |r: &mut lite2pg_engine::source::Reader| {
            let sums = one(r, "SELECT (SELECT sum(x) FROM a) + (SELECT sum(x) FROM b)");
            assert_eq!(sums, 0, "half a transaction was seen");
            (one(r, "SELECT count(*) FROM a"), one(r, "SELECT count(*) FROM b"), one(r, "SELECT sum(x) FROM a"))
        };
        let seen = state(&mut r1);
        for _ in 1..READERS {
            // So many were asked for at the beginning: they are there.
            assert_eq!(state(&mut source.reader().unwrap()), seen, "two readers, two states (round {round})");
        }
        assert!(seen.0 >= last);
        last = seen.0;
        source.check_unchanged().unwrap();
        drop((r1, source));
        // Let the writer get on.
        let written =
            || ["c.db", "c.db-wal"].map(|f| std::fs::metadata(t.data(f)).ok().and_then(|m| m.modified().ok()));
        let (started, before) = (std::time::Instant::now(), written());
        while written() == before && started.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    other.must("halt");
    assert!(last > 1, "the writer wrote nothing");
}

#[test]
fn readers_agree_while_a_writer_commits() {
    for journal in ["WAL", "DELETE"] {
        for mode in [SnapshotMode::Auto, SnapshotMode::Pin] {
            let t = Temp::new();
            let path = t.database("c.db", &format!("PRAGMA journal_mode = {journal}; {PAIR}"));
            let mut other = Other::start();
            other.must(&format!("open {}", path.display()));
            other.must("SELECT count(*) FROM a");
            both_readers_agree(&t, &path, &mut other, mode);
        }
    }
}

#[test]
fn a_database_others_have_open_is_copied() {
    let t = Temp::new();
    let path = t.database("o.db", PAIR);
    let mut other = Other::start();
    // Open, but without a lock at this moment: only its descriptor shows.
    other.must(&format!("open {}", path.display()));
    let source = t.open(&path).unwrap();
    let ReadFrom::Copied { reason, .. } = &source.facts().read_from else { panic!("pinned under a live application") };
    assert!(reason.contains(&other.pid().to_string()), "{reason}");
    other.must("INSERT INTO a VALUES (7)");
    assert_eq!(one(&mut source.reader().unwrap(), "SELECT count(*) FROM a"), 1);
    source.check_unchanged().unwrap();
}

#[test]
fn a_kept_copy_is_read_again_and_then_removed() {
    let t = Temp::new();
    let path = t.database("w.db", &format!("PRAGMA journal_mode = WAL; {PAIR}"));
    let source = t.open(&path).unwrap();
    let (kept, fingerprint) = (source.keep_copy().unwrap().to_owned(), source.fingerprint().clone());
    drop(source);
    Connection::open(&path).unwrap().execute_batch("INSERT INTO a VALUES (1)").unwrap();
    let mut o = t.options();
    o.kept_copy = Some(kept.clone());
    let again = Source::open(&path, &o).unwrap();
    assert_eq!(again.fingerprint(), &fingerprint);
    assert_eq!(one(&mut again.reader().unwrap(), "SELECT count(*) FROM a"), 1);
    // Only we may look into it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(kept.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
    again.discard_copy().unwrap();
    assert_eq!(t.copies(), 0);
    let e = Source::open(&path, &o).err().unwrap();
    assert!(e.kind.exit() == 3 && e.hint.is_some());
    let now = t.open(&path).unwrap();
    assert!(now.fingerprint().differs_from(&fingerprint).is_some());
}

#[test]
fn replaced_or_rewritten_behind_sqlites_back() {
    let t = Temp::new();
    let path = t.database("r.db", PAIR);
    let source = t.open(&path).unwrap();
    let new = t.database("new.db", PAIR);
    std::fs::rename(new, &path).unwrap();
    let e = source.check_unchanged().unwrap_err();
    assert!(e.kind.exit() == 3 && e.message.contains("another file"), "{e}");

    let path = t.database("s.db", PAIR);
    let source = t.open(&path).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut other = Other::start();
    other.must(&format!("open {}", t.data("other.db").display()));
    // Written by ordinary I/O, in another process so that our locks stay.
    let status = std::process::Command::new("sh")
        .args(["-c", "printf x | dd of=\"$0\" bs=1 seek=5000 conv=notrunc 2>/dev/null"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    assert!(source.check_unchanged().unwrap_err().message.contains("written"));
}
