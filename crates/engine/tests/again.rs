//! One single call survives a target that goes away and comes back, and ends as if nothing had happened.
//! `LITE2PG_LONG=1` cuts at more bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Once, Place, tell};
use lite2pg_engine::error::{Kind, Result};
use lite2pg_engine::observe::{Event, Observer, Report};
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_testkit::cluster::{Cluster, Stop};
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::{compare, source_hash};
use lite2pg_testkit::proxy::{Fault, Proxy, Way};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a place looks like before and after an uninterrupted run.
struct Known {
    before: Vec<String>,
    after: Vec<String>,
}

fn know(place: &mut Place, cluster: &Cluster) -> Known {
    let before = place.picture(cluster);
    place.must_migrate("uninterrupted");
    let after = place.picture(cluster);
    assert_ne!(compare(&before, &after), "");
    place.must_undo("uninterrupted");
    assert_eq!(compare(&before, &place.picture(cluster)), "");
    place.settings.retry_for = Duration::from_secs(60);
    Known { before, after }
}

/// Notes what was tried again; does something at an event that a test chose.
struct Watch<F: Fn(&Event) -> bool + Sync> {
    once: Once<F>,
    again: Mutex<Vec<String>>,
}

impl<F: Fn(&Event) -> bool + Sync> Watch<F> {
    fn new(act: F) -> Self {
        Watch { once: Once::new(act), again: Mutex::default() }
    }

    fn again(&self) -> usize {
        self.again.lock().unwrap().len()
    }
}

impl<F: Fn(&Event) -> bool + Sync> Observer for Watch<F> {
    fn see(&self, event: &Event) {
        if let Event::Note { text } = event
            && text.contains(" again in ")
        {
            self.again.lock().unwrap().push(text.clone());
        }
        running::Show.see(event);
        self.once.see(event);
    }
}

/// The call must have ended as an uninterrupted one; then all is undone.
fn same_end(place: &Place, cluster: &Cluster, known: &Known, outcome: Result<Report>, why: &str) {
    let report = outcome.unwrap_or_else(|e| panic!("{why}: {}", tell(&e)));
    assert_eq!(report.exit, 0, "{why}: {:?}", report.findings);
    assert!(!report.already_done && report.tables.iter().all(|t| t.verified), "{why}");
    assert_eq!(compare(&known.after, &place.picture(cluster)), "", "{why}: another end");
    let left: Vec<_> = std::fs::read_dir(place.dir.join("work")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{why}: private files are left: {left:?}");
    place.must_undo(why);
    assert_eq!(compare(&known.before, &place.picture(cluster)), "", "{why}: not undone");
}

fn is_stage(event: &Event, wanted: &str) -> bool {
    matches!(event, Event::StageStarted { stage, .. } if *stage == wanted)
}

#[test]
fn cuts_at_many_bytes_both_ways() {
    let cluster = Cluster::start(&[], &[]);
    let proxy = Proxy::start(cluster.port);
    let mut place = Place::new(&cluster, fixtures::everything);
    let known = know(&mut place, &cluster);
    let source = source_hash(&place.source);
    place.by("127.0.0.1", proxy.port);
    let mut again = 0;
    for way in [Way::Up, Way::Down] {
        proxy.reset();
        place.must_migrate("counting");
        let all = proxy.passed(way);
        place.must_undo("counting");
        let steps = if std::env::var_os("LITE2PG_LONG").is_some() { 60 } else { 7 };
        let even = (1..=steps).map(|i| all * i / (steps + 1));
        let end = (1..=steps).map(|i| all.saturating_sub(i * i * 40));
        for (i, at) in even.chain(end).enumerate() {
            let fault = if i % 2 == 0 { Fault::Cut } else { Fault::Truncate };
            let watch = Watch::new(|_| false);
            proxy.arm(way, at, fault);
            let outcome = migrate(&place.settings, &watch, &Cancel::new());
            let hit = !proxy.reset();
            assert!(hit || at + 4000 > all, "byte {at} of {all} never came");
            again += watch.again();
            same_end(&place, &cluster, &known, outcome, &format!("{fault:?} at byte {at} of {all} {way:?}"));
            assert_eq!(source_hash(&place.source), source);
        }
    }
    assert!(again >= 14, "only {again} times something was tried again");
}

/// The server has committed, and the answer never comes: nothing may be done twice, and what is published is told.
#[test]
fn the_answer_to_a_commit_is_lost() {
    let cluster = Cluster::start(&[], &[]);
    let proxy = Proxy::start(cluster.port);
    let mut place = Place::new(&cluster, fixtures::everything);
    let known = know(&mut place, &cluster);
    place.settings.jobs = 1;
    place.settings.chunk_bytes = 2 << 10;
    place.by("127.0.0.1", proxy.port);
    // The last thing that comes before a chunk is told as done, and before the end, is the answer to its COMMIT.
    let chunks = AtomicUsize::new(0);
    let third =
        |e: &Event| matches!(e, Event::Done { stage: "copy", .. }) && chunks.fetch_add(1, Ordering::SeqCst) + 1 == 3;
    let proven = |e: &Event| matches!(e, Event::StageDone { stage: "verify", .. });
    type Moment<'a> = &'a (dyn Fn(&Event) -> bool + Sync);
    let (mut lost, mut cases) = (0, 0);
    for (what, moment) in [("a chunk", &third as Moment<'_>), ("the publication", &proven)] {
        chunks.store(0, Ordering::SeqCst);
        let (from, to) = (AtomicBool::new(false), AtomicU64::new(0));
        let counting = Watch::new(|e| {
            if from.load(Ordering::SeqCst) && matches!(e, Event::Done { stage: "copy", .. }) {
                to.store(proxy.passed(Way::Down), Ordering::SeqCst);
                return true;
            }
            if moment(e) {
                proxy.reset();
                from.store(true, Ordering::SeqCst);
            }
            false
        });
        migrate(&place.settings, &counting, &Cancel::new()).unwrap();
        let all = if counting.once.acted() { to.load(Ordering::SeqCst) } else { proxy.passed(Way::Down) };
        assert!(from.load(Ordering::SeqCst) && all > 20, "{what}: {all}");
        place.must_undo("counting");
        for (i, short) in [1, 5, 6, 7, 12, 17].into_iter().enumerate() {
            let fault = if i % 2 == 0 { Fault::Cut } else { Fault::Truncate };
            chunks.store(0, Ordering::SeqCst);
            let watch = Watch::new(|e| {
                let due = moment(e);
                if due {
                    proxy.arm(Way::Down, all - short, fault);
                }
                due
            });
            let outcome = migrate(&place.settings, &watch, &Cancel::new());
            assert!(!proxy.reset(), "the fault never came");
            let sql = "SELECT count(*) FROM lite2pg.audit_event WHERE event = 'published'";
            let published: i64 = place.client(&cluster).query_one(sql, &[]).unwrap().get(0);
            assert_eq!(published, 1);
            lost += watch.again();
            cases += 1;
            same_end(&place, &cluster, &known, outcome, &format!("{fault:?} {short} bytes before the end of {what}"));
        }
    }
    // A few bytes may come in another order.
    assert!(cases == 12 && lost >= 10, "an answer was lost only {lost} times");
}

#[test]
fn the_server_goes_away_and_comes_back() {
    let cluster = Cluster::start(&["fsync = on"], &[]);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 20_000));
    let known = know(&mut place, &cluster);
    let cases = [
        (Stop::Immediate, "copy"),
        (Stop::Fast, "keys"),
        (Stop::Kill, "indexes"),
        (Stop::Immediate, "verify"),
        (Stop::Fast, "census"),
    ];
    for (how, stage) in cases {
        std::thread::scope(|scope| {
            let cluster = &cluster;
            let watch = Watch::new(|e| {
                let due = match e {
                    Event::Progress { stage: s, .. } if stage == "copy" => *s == stage,
                    e => is_stage(e, stage),
                };
                if due {
                    cluster.stop(how);
                    scope.spawn(|| {
                        std::thread::sleep(Duration::from_millis(700));
                        cluster.restart();
                    });
                }
                due
            });
            let outcome = migrate(&place.settings, &watch, &Cancel::new());
            assert!(watch.once.acted() && watch.again() > 0, "{how:?} {stage}");
            same_end(&place, cluster, &known, outcome, &format!("{how:?} at {stage}"));
        });
    }
}

#[test]
fn sessions_are_ended_by_an_administrator() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 20_000));
    let known = know(&mut place, &cluster);
    // The coordinator holds its lock alone, the workers share theirs.
    for (who, mode) in [("coordinator", "ExclusiveLock"), ("workers", "ShareLock")] {
        for stage in ["copy", "indexes", "verify"] {
            let watch = Watch::new(|e| {
                let due = is_stage(e, stage);
                if due {
                    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks \
                               WHERE locktype = 'advisory' AND objsubid = 1 AND mode = $1 AND granted";
                    let ended: i64 = cluster.client("postgres").query_one(sql, &[&mode]).unwrap().get(0);
                    assert!(ended >= 1, "no {who}");
                }
                due
            });
            let outcome = migrate(&place.settings, &watch, &Cancel::new());
            assert!(watch.once.acted() && watch.again() == 1, "{who} at {stage}: {:?}", watch.again.lock().unwrap());
            same_end(&place, &cluster, &known, outcome, &format!("{who} at {stage}"));
        }
    }
}

#[test]
fn no_connection_is_free_for_a_while() {
    let cluster = Cluster::start(
        &["max_connections = 6", "superuser_reserved_connections = 0", "max_wal_senders = 0", "autovacuum = off"],
        &[],
    );
    let mut place = Place::new(&cluster, fixtures::everything);
    let known = know(&mut place, &cluster);
    let others: Vec<_> = (0..6).map(|_| cluster.client("postgres")).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(900));
            drop(others);
        });
        let watch = Watch::new(|_| false);
        let outcome = migrate(&place.settings, &watch, &Cancel::new());
        let again = watch.again.lock().unwrap();
        assert!(again.iter().any(|a| a.contains("53300")), "{again:?}");
        drop(again);
        same_end(&place, &cluster, &known, outcome, "53300");
    });
}

/// Another session and ours wait for each other, and the server chooses ours to undo.
#[test]
fn a_deadlock_is_only_a_delay() {
    let cluster = Cluster::start(&["deadlock_timeout = 200ms"], &[]);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 5_000));
    let known = know(&mut place, &cluster);
    std::thread::scope(|scope| {
        let (cluster, place) = (&cluster, &place);
        let watch = Watch::new(|e| {
            let due = is_stage(e, "indexes");
            if due {
                let mut other = place.client(cluster);
                other
                    .batch_execute("SET deadlock_timeout = '1h'; BEGIN; LOCK lite2pg.migration_step IN EXCLUSIVE MODE")
                    .unwrap();
                scope.spawn(move || {
                    // Once ours wait for the ledger with a lock on the table that they index, ask for that table.
                    let end = Instant::now() + Duration::from_secs(30);
                    let waiting = "SELECT t.relation::regclass::text FROM pg_locks w JOIN pg_locks t ON t.pid = w.pid \
                        WHERE NOT w.granted AND w.relation = 'lite2pg.migration_step'::regclass \
                        AND t.granted AND t.mode = 'ShareLock' AND t.locktype = 'relation' LIMIT 1";
                    let table: String = loop {
                        if let Some(row) = other.query_opt(waiting, &[]).unwrap() {
                            break row.get(0);
                        }
                        assert!(Instant::now() < end, "no step ever waited");
                        std::thread::sleep(Duration::from_millis(10));
                    };
                    other.batch_execute(&format!("LOCK {table} IN ACCESS EXCLUSIVE MODE; COMMIT")).unwrap();
                });
            }
            due
        });
        let outcome = migrate(&place.settings, &watch, &Cancel::new());
        let again = watch.again.lock().unwrap();
        assert!(again.iter().any(|a| a.contains("40P01")), "{again:?}");
        drop(again);
        same_end(place, cluster, &known, outcome, "40P01");
    });
}

#[test]
fn patience_has_an_end_and_a_wrong_address_none() {
    let cluster = Cluster::start(&[], &[]);
    let proxy = Proxy::start(cluster.port);
    let mut place = Place::new(&cluster, fixtures::everything);
    let known = know(&mut place, &cluster);
    // Nobody listens there.
    place.by("127.0.0.1", 1);
    let begin = Instant::now();
    let error = place.migrate().unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(5) && error.kind == Kind::Target, "{}", tell(&error));
    assert!(error.message.contains("refuses connections") && error.hint.unwrap().contains("check host and port"));

    place.by("127.0.0.1", proxy.port);
    place.settings.retry_for = Duration::from_secs(1);
    let watch = Watch::new(|e| {
        is_stage(e, "copy") && {
            proxy.down();
            true
        }
    });
    let begin = Instant::now();
    let error = migrate(&place.settings, &watch, &Cancel::new()).unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(error.kind == Kind::Target && error.hint.as_ref().unwrap().contains("--retry-for"), "{}", tell(&error));
    assert!(watch.again() >= 3);
    proxy.up();
    same_end(&place, &cluster, &known, place.migrate(), "after it gave up");

    // Ctrl-C ends a wait at once.
    place.settings.retry_for = Duration::from_secs(600);
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        let watch = Watch::new(|e| {
            let due = is_stage(e, "copy");
            if due {
                proxy.down();
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_millis(1500));
                    cancel.request();
                });
            }
            due
        });
        let begin = Instant::now();
        let error = migrate(&place.settings, &watch, &cancel).unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
        assert_eq!(error.kind, Kind::Interrupted, "{}", tell(&error));
    });
    proxy.up();
    same_end(&place, &cluster, &known, place.migrate(), "after Ctrl-C in a wait");
}

#[test]
fn on_failure_rollback_waits_first() {
    let cluster = Cluster::start(&[], &[]);
    let proxy = Proxy::start(cluster.port);
    let mut place = Place::new(&cluster, fixtures::everything);
    let known = know(&mut place, &cluster);
    place.by("127.0.0.1", proxy.port);
    place.settings.rollback_on_failure = true;
    let watch = Watch::new(|e| {
        is_stage(e, "copy") && {
            proxy.cut();
            true
        }
    });
    same_end(&place, &cluster, &known, migrate(&place.settings, &watch, &Cancel::new()), "a cut with rollback");
    assert!(watch.again() > 0);
    // A key that is gone does not come back by waiting: the run fails, and is undone.
    let watch = Watch::new(|e| {
        let due = matches!(e, Event::StageDone { stage: "create", .. });
        if due {
            let staging: String = place
                .client(&cluster)
                .query_one("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'lite2pg_staging%'", &[])
                .unwrap()
                .get(0);
            place.client(&cluster).batch_execute(&format!("DROP SCHEMA {staging} CASCADE")).unwrap();
        }
        due
    });
    let error = migrate(&place.settings, &watch, &Cancel::new()).unwrap_err();
    assert!(watch.once.acted() && watch.again() == 0, "{}", tell(&error));
    assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
}

/// What others write to the source while the target is away is not of this run.
#[test]
fn the_snapshot_is_the_same_over_attempts() {
    let cluster = Cluster::start(&[], &[]);
    for mode in [SnapshotMode::Pin, SnapshotMode::Copy] {
        let mut place = Place::new(&cluster, |path| {
            fixtures::million(path, 5_000);
            rusqlite::Connection::open(path).unwrap().pragma_update(None, "journal_mode", "wal").unwrap();
        });
        place.settings.snapshot = mode;
        let known = know(&mut place, &cluster);
        let writer = Mutex::new(rusqlite::Connection::open(&place.source).unwrap());
        let watch = Watch::new(|e| {
            let due = is_stage(e, "copy");
            if due {
                let writer = writer.lock().unwrap();
                writer.execute_batch("DELETE FROM mixed; UPDATE users SET score = score + 1").unwrap();
                let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE application_name LIKE 'lite2pg %' AND datname = $1";
                let ended: i64 = cluster.client("postgres").query_one(sql, &[&place.db]).unwrap().get(0);
                assert!(ended >= 2);
            }
            due
        });
        let outcome = migrate(&place.settings, &watch, &Cancel::new());
        assert!(watch.once.acted() && watch.again() == 1);
        same_end(&place, &cluster, &known, outcome, &format!("{mode:?}"));
    }
}
