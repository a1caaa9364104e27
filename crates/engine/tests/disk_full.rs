//! Full disks for real: small file systems under the target's data, the private copies, backups and temporary files.
//! Owns the checks that nothing is published or lost, that the reason is said, and that the same command goes on.
//!
//! A file system can be mounted by root alone, and not in every container: where it cannot, the tests say so on
//! standard error, and prove nothing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on must fail")]

mod common;
mod running;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use lite2pg_engine::observe::{Event, Observer, Silent};
use lite2pg_engine::run::{Cancel, Settings, TargetSpec, migrate};
use lite2pg_engine::safety::backup::{BackupOptions, backup};
use lite2pg_engine::safety::rollback::{RollbackOptions, rollback};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_engine::target::{Conninfo, Surroundings};
use lite2pg_engine::{Error, Kind};
use lite2pg_testkit::cluster::{Cluster, Stop};
use lite2pg_testkit::picture::{compare, fingerprint};

/// A small file system in memory; unmounted at the end.
struct Small(PathBuf);

impl Small {
    /// `None` where nothing may be mounted; said on standard error.
    fn mount(mebibytes: u32) -> Option<Small> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = PathBuf::from(format!("/tmp/l2p-small-{}-{n}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        let size = format!("size={mebibytes}m,mode=755");
        let out = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&dir).output();
        match out {
            Ok(out) if out.status.success() => Some(Small(dir)),
            problem => {
                let why = problem.map_or_else(|e| e.to_string(), |o| String::from_utf8_lossy(&o.stderr).into_owned());
                eprintln!("SKIPPED: no file system can be mounted here, so no disk gets full: {}", why.trim());
                let _ = fs::remove_dir(&dir);
                None
            }
        }
    }

    fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        assert!(Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap().success());
    }

    /// Leaves so many bytes free.
    fn fill_but(&self, bytes: u64) -> PathBuf {
        let free = lite2pg_engine::space::free(&self.0).unwrap();
        let path = self.0.join("ballast");
        fs::write(&path, vec![1u8; usize::try_from(free.saturating_sub(bytes)).unwrap()]).unwrap();
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // What is still open there is let go of when it is closed.
        let _ = Command::new("umount").args(["-l"]).arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

/// About so many MiB that cannot be compressed, in rows of a kilobyte, with an index.
fn database(path: &Path, mebibytes: u32) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0})
         INSERT INTO t SELECT i, 'row ' || i, randomblob(1000) FROM n;
         CREATE TABLE small(x); INSERT INTO small VALUES (1), (2);",
        mebibytes * 1024
    ))
    .unwrap();
}

/// A server whose data lies on a small file system.
fn server_on(small: &Small, config: &[&str]) -> Cluster {
    let place = small.0.join("pg");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    let mut all = vec!["max_wal_size=32MB", "min_wal_size=32MB"];
    all.extend(config);
    Cluster::start_in(&place.join("data"), &all, &[])
}

/// Settings to a database of the server, as a role that may not see where the server's data lies.
fn settings(cluster: &Cluster, work: &Path, source: &Path, role: &str) -> Settings {
    let text = cluster.conninfo("brim").replace("user=postgres", &format!("user={role}"));
    let target = Conninfo::parse(&text, &Surroundings::default()).unwrap();
    Settings {
        retry_for: Duration::from_secs(3),
        jobs: 2,
        chunk_bytes: 4 << 20,
        snapshot: SnapshotMode::Auto,
        ..running::settings_for(source, TargetSpec::Server(target), work)
    }
}

fn prepare(cluster: &Cluster) {
    cluster.sql("CREATE ROLE plain LOGIN");
    cluster.sql("CREATE DATABASE brim OWNER plain");
    cluster.client("brim").batch_execute("GRANT ALL ON SCHEMA public TO plain").unwrap();
}

#[track_caller]
fn says(error: &Error, kind: Kind, words: &[&str]) {
    let text = format!("{error} {}", error.hint.clone().unwrap_or_default());
    assert_eq!(error.kind, kind, "{text}");
    assert!(words.iter().all(|w| text.contains(w)), "{words:?}: {text}");
}

/// The target's disk gets full in the middle; then there is room and the same command goes on, or rollback undoes it.
#[test]
fn a_full_target_publishes_nothing_and_goes_on_when_there_is_room() {
    for undo in [false, true] {
        let Some(small) = Small::mount(160) else { return };
        let (cluster, temp) = (server_on(&small, &[]), common::Temp::new());
        prepare(&cluster);
        // What is free is enough to begin with, not to end with.
        small.fill_but(40 << 20);
        let error = runs_full(&cluster, &temp, &small, undo);
        says(&error, Kind::Target, &["No space left on device", "53100", "free space there", "to resume"]);
    }
}

/// Where the write-ahead log cannot be written PostgreSQL gives up as a whole, and does not come up again by itself.
#[test]
fn a_server_that_dies_of_a_full_log_is_survived() {
    for undo in [false, true] {
        let Some(small) = Small::mount(64) else { return };
        let (cluster, temp) = (Cluster::start(&["max_wal_size=1GB"], &[]), common::Temp::new());
        prepare(&cluster);
        cluster.stop(Stop::Fast);
        let (here, there) = (cluster.dir.join("data/pg_wal"), small.0.join("wal"));
        assert!(Command::new("cp").arg("-a").args([&here, &there]).status().unwrap().success());
        fs::remove_dir_all(&here).unwrap();
        std::os::unix::fs::symlink(&there, &here).unwrap();
        cluster.restart();
        let error = runs_full(&cluster, &temp, &small, undo);
        assert_eq!(error.kind, Kind::Target, "{error}");
        // What this process saw last: a server that is gone, or the words of the backend that gave up.
        assert!(error.hint.is_some(), "{error}");
        assert!(cluster.log().contains("PANIC"), "the log did not get full:\n{}", cluster.log());
    }
}

/// Migrates onto a disk that gets full, makes room, and does it again, perhaps after an undo. The first one's error.
fn runs_full(cluster: &Cluster, temp: &common::Temp, small: &Small, undo: bool) -> Error {
    let source = temp.data("s.db");
    database(&source, 60);
    let bytes = fs::read(&source).unwrap();
    let before = fingerprint(&mut cluster.client("brim"), None);
    let settings = settings(cluster, &temp.0, &source, "plain");
    let error = migrate(&settings, &Silent, &Cancel::new()).unwrap_err();
    assert_eq!(fs::read(&source).unwrap(), bytes);
    assert_eq!(temp.listing().len(), 1, "something lies beside the source");
    small.remount("size=400m");
    // A server that could not write its log is gone; somebody starts it again.
    if postgres::Client::connect(&cluster.conninfo("brim"), postgres::NoTls).is_err() {
        cluster.restart();
    }
    let published =
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'";
    assert_eq!(cluster.client("brim").query_one(published, &[]).unwrap().get::<_, i64>(0), 0);
    let copied = "SELECT count(*) FROM lite2pg.migration_chunk WHERE table_name = 't' AND done";
    let chunks: i64 = cluster.client("brim").query_one(copied, &[]).unwrap().get(0);
    if undo {
        rollback(&settings, RollbackOptions { purge: true, ..Default::default() }, &Silent, &Cancel::new()).unwrap();
        assert_eq!(compare(&before, &fingerprint(&mut cluster.client("brim"), None)), "");
    }
    let resumed = Resumed::default();
    let report = migrate(&settings, &resumed, &Cancel::new()).unwrap();
    assert_eq!((report.status.as_str(), report.exit), ("done", 0), "{:?}", report.findings);
    assert!(report.tables.iter().all(|t| t.verified && t.rows == t.target_rows));
    assert_eq!(report.tables.iter().map(|t| t.rows).max(), Some(60 * 1024));
    // It went on where it was: what was copied before is not copied again.
    assert!(chunks > 0, "the disk was full before the first chunk");
    assert_eq!(resumed.0.load(Ordering::Relaxed) > 0, !undo);
    error
}

/// How many rows were there already when a run went on.
#[derive(Default)]
struct Resumed(AtomicU64);

impl Observer for Resumed {
    fn see(&self, event: &Event) {
        if let Event::Resumed { rows, .. } = event {
            self.0.store(*rows, Ordering::Relaxed);
        }
    }
}

/// A disk that can be seen is asked before anything is written.
#[test]
fn what_cannot_fit_is_refused_before_anything_is_written() {
    let Some(small) = Small::mount(160) else { return };
    let (cluster, temp) = (server_on(&small, &[]), common::Temp::new());
    prepare(&cluster);
    let source = temp.data("s.db");
    database(&source, 60);
    let ballast = small.fill_but(20 << 20);
    let before = fingerprint(&mut cluster.client("brim"), None);
    let settings = settings(&cluster, &temp.0, &source, "postgres");
    let error = migrate(&settings, &Silent, &Cancel::new()).unwrap_err();
    says(&error, Kind::Target, &["no room", "MiB", "are free in", "free ", "nothing was written"]);
    assert_eq!(compare(&before, &fingerprint(&mut cluster.client("brim"), None)), "");
    let control = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'lite2pg%'";
    assert_eq!(cluster.client("brim").query_one(control, &[]).unwrap().get::<_, i64>(0), 0, "not even control tables");
    fs::remove_file(ballast).unwrap();
    small.remount("size=400m");
    assert_eq!(migrate(&settings, &Silent, &Cancel::new()).unwrap().exit, 0);
}

/// A view that is compared sorts in the server's temporary files.
#[test]
fn a_full_temporary_space_of_the_server_ends_the_run_which_goes_on_later() {
    let Some(small) = Small::mount(16) else { return };
    let (cluster, temp) = (Cluster::start(&[], &[]), common::Temp::new());
    prepare(&cluster);
    // A tablespace of its own for temporary files.
    let place = small.0.join("temp");
    fs::create_dir(&place).unwrap();
    let owner = fs::metadata(cluster.dir.join("data")).unwrap();
    chown(&place, Some(std::os::unix::fs::MetadataExt::uid(&owner)), None).unwrap();
    cluster.sql(&format!("CREATE TABLESPACE little LOCATION '{}'", place.display()));
    cluster.sql("GRANT CREATE ON TABLESPACE little TO plain");
    cluster.sql("ALTER ROLE plain SET temp_tablespaces = little");
    cluster.sql("ALTER ROLE plain SET work_mem = '64kB'");
    let source = temp.data("s.db");
    rusqlite::Connection::open(&source)
        .unwrap()
        .execute_batch(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             INSERT INTO t SELECT i, hex(randomblob(60)) FROM n;
             CREATE VIEW v AS SELECT DISTINCT x FROM t",
        )
        .unwrap();
    let ballast = small.fill_but(2 << 20);
    let settings = settings(&cluster, &temp.0, &source, "plain");
    match migrate(&settings, &Silent, &Cancel::new()) {
        Err(error) => {
            says(&error, Kind::Target, &["53100", "disk is full"]);
            fs::remove_file(ballast).unwrap();
            small.remount("size=300m");
            assert_eq!(migrate(&settings, &Silent, &Cancel::new()).unwrap().exit, 0);
        }
        Ok(report) => panic!("the view did not need the place: {:?}", report.stages),
    }
}

/// Private copies, backups and restored databases: sizes are said before anything is written, and nothing stays.
#[test]
fn a_full_disk_on_the_source_side_is_told_with_its_sizes() {
    let Some(small) = Small::mount(32) else { return };
    let temp = common::Temp::new();
    let source = temp.data("s.db");
    database(&source, 20);
    let before = fs::read(&source).unwrap();
    small.fill_but(8 << 20);
    let work = small.0.join("work");
    let options = lite2pg_engine::source::Options { snapshot: SnapshotMode::Copy, ..temp.options() };
    let options = lite2pg_engine::source::Options { work_dir: work.clone(), ..options };
    let error = lite2pg_engine::source::Source::open(&source, &options).unwrap_err();
    says(&error, Kind::Source, &["no space for a private copy", "MiB", "are free", "--snapshot pin"]);
    assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
    let none = Cancel::new();
    let to = |place: PathBuf| BackupOptions { to: Some(place), lock: None, work_dir: temp.0.join("work") };
    let error = backup(&source, &to(small.0.join("b")), &Silent, &none).unwrap_err();
    says(&error, Kind::Source, &["no space for the backup", "MiB", "are free", "-o"]);
    let entries = || fs::read_dir(&small.0).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(entries().len(), 2, "{:?}", entries());
    // Read-only.
    fs::remove_file(small.0.join("ballast")).unwrap();
    small.remount("ro");
    let error = backup(&source, &to(small.0.join("b")), &Silent, &none).unwrap_err();
    says(&error, Kind::Source, &["ead-only file system"]);
    small.remount("rw");
    // The source itself on a read-only file system: it can still be backed up elsewhere.
    let on_small = small.0.join("s.db");
    fs::copy(&source, &on_small).unwrap();
    small.remount("ro");
    let made = backup(&on_small, &to(temp.0.join("ok")), &Silent, &none).unwrap();
    assert_eq!(made.database.bytes, before.len() as u64);
    assert_eq!(fs::read(&source).unwrap(), before);
}

/// The disk gets full while the backup is written: others wrote too since its space was looked at.
#[test]
fn a_disk_that_gets_full_during_a_backup_leaves_nothing() {
    let Some(small) = Small::mount(32) else { return };
    let temp = common::Temp::new();
    let source = temp.data("s.db");
    database(&source, 20);
    /// Takes the space away when the copying begins.
    struct Greedy<'a>(&'a Small);
    impl Observer for Greedy<'_> {
        fn see(&self, event: &Event) {
            if matches!(event, Event::Progress { stage: "backup", .. }) {
                self.0.fill_but(64 << 10);
            }
        }
    }
    let options = BackupOptions { to: Some(small.0.join("b")), lock: None, work_dir: temp.0.join("work") };
    let error = backup(&source, &options, &Greedy(&small), &Cancel::new()).unwrap_err();
    says(&error, Kind::Source, &["full"]);
    let left: Vec<_> = fs::read_dir(&small.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["ballast"]);
}
