//! A run can be killed at any instant: the same command then ends it, or rollback undoes it, and the source is as it was.
//! `LITE2PG_LONG=1` kills at every event, at 200 instants and at more bytes, on both branches; `LITE2PG_SEED` repeats the
//! instants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Once, Place, ended, ended_anyhow, tell};
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Event;
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_engine::verify::{Level, verify};
use lite2pg_testkit::cluster::{Cluster, Stop};
use lite2pg_testkit::dice::Dice;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::{compare, source_hash};
use lite2pg_testkit::proxy::{Fault, Proxy, Way};
use std::process::Child;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn child() {
    breaking::be_child();
}

fn long() -> bool {
    std::env::var_os("LITE2PG_LONG").is_some()
}

/// What a place looks like before and after an uninterrupted run, and its source.
struct Known {
    before: Vec<String>,
    after: Vec<String>,
    rows: u64,
    source: std::collections::BTreeMap<String, (u64, u64)>,
}

fn know(place: &Place, cluster: &Cluster) -> Known {
    let (before, source) = (place.picture(cluster), source_hash(&place.source));
    let report = place.must_migrate("uninterrupted");
    let after = place.picture(cluster);
    assert_ne!(compare(&before, &after), "", "the picture does not show the tables");
    place.must_undo("uninterrupted");
    assert_eq!(compare(&before, &place.picture(cluster)), "", "undo of a finished run leaves something");
    Known { before, after, rows: report.tables.iter().map(|t| t.target_rows).sum(), source }
}

/// After a kill: go on to the end (and undo that), or undo at once. Nothing else may be seen either way.
fn recover(place: &Place, cluster: &Cluster, known: &Known, resume: bool, why: &str) {
    assert_eq!(source_hash(&place.source), known.source, "{why}: the source changed");
    if resume {
        let report = place.must_migrate(why);
        assert_eq!(report.tables.iter().map(|t| t.target_rows).sum::<u64>(), known.rows, "{why}");
        assert_eq!(compare(&known.after, &place.picture(cluster)), "", "{why}: resumed to another end");
        let rows = verify(&place.settings, Level::Rows, &running::Show, &Cancel::new()).map_err(|e| tell(&e)).unwrap();
        assert!(rows.exit == 0 && rows.tables.iter().all(|t| t.verified), "{why}: rows differ: {rows:?}");
        assert_eq!(source_hash(&place.source), known.source, "{why}: the source changed");
    }
    place.must_undo(why);
    assert_eq!(compare(&known.before, &place.picture(cluster)), "", "{why}: not undone");
}

#[test]
fn at_every_event_of_a_small_run() {
    let cluster = Cluster::start(&[], &[]);
    // Two places at once; one takes the odd events, one the even ones. Their snapshots differ in kind.
    std::thread::scope(|scope| {
        for half in [1, 2] {
            let cluster = &cluster;
            scope.spawn(move || {
                let mut place = Place::new(cluster, fixtures::everything);
                place.settings.snapshot = if half == 1 { SnapshotMode::Auto } else { SnapshotMode::Copy };
                let known = know(&place, cluster);
                let (events, killed) = place.run_child(usize::MAX);
                assert!(!killed && events.len() > 40, "only {} events", events.len());
                place.must_undo("the child's run");
                for n in (half..=events.len()).step_by(2) {
                    for resume in [n % 4 < 2, n % 4 >= 2].into_iter().take(if long() { 2 } else { 1 }) {
                        let (told, killed) = place.run_child(n);
                        let why = format!("killed at event {n}: {:?}", told.last());
                        assert!(killed || told.len() < n, "{why}: still alive");
                        recover(&place, cluster, &known, resume, &why);
                    }
                }
            });
        }
    });
}

/// Kills while bytes are on their way: also inside transactions, and between COMMIT and its answer.
#[test]
fn at_bytes_on_the_wire() {
    let cluster = Cluster::start(&[], &[]);
    let proxy = Proxy::start(cluster.port);
    let mut place = Place::new(&cluster, fixtures::everything);
    let known = know(&place, &cluster);
    place.by("127.0.0.1", proxy.port);
    for way in [Way::Up, Way::Down] {
        proxy.reset();
        assert!(!place.run_child(usize::MAX).1);
        let all = proxy.passed(way);
        place.must_undo("counting");
        let steps = if long() { 60 } else { 9 };
        // Evenly over the run, and closely over its end, where it publishes.
        let even = (1..=steps).map(|i| all * i / (steps + 1));
        let end = (1..=steps).map(|i| all.saturating_sub(i * i * 40));
        for (i, at) in even.chain(end).enumerate() {
            let child = place.child(usize::MAX);
            proxy.arm(way, at, Fault::Kill(child.id()));
            let killed = ended(child).1;
            proxy.reset();
            let why = format!("killed at byte {at} of {all} {way:?} ({killed})");
            recover(&place, &cluster, &known, i % 2 == 0, &why);
        }
    }
}

/// Whom a random instant hits.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Lite2pg,
    Backend,
    Server,
}

impl Victim {
    const ALL: [Victim; 3] = [Victim::Lite2pg, Victim::Backend, Victim::Server];

    /// Strikes, and sees to it that the server answers again.
    fn strike(self, child: &mut Child, place: &Place, cluster: &Cluster, dice: &mut Dice) {
        match self {
            Victim::Lite2pg => drop(child.kill()),
            Victim::Backend => {
                let sql = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'lite2pg %' ORDER BY pid";
                let pids = place.client(cluster).query(sql, &[]).unwrap();
                // Before its first and after its last connection nobody is there to be hit.
                if let Some(row) = pids.get(dice.below(pids.len().max(1) as u64) as usize) {
                    let pid = rustix::process::Pid::from_raw(row.get(0)).unwrap();
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            Victim::Server => {
                cluster.stop([Stop::Kill, Stop::Immediate, Stop::Fast][dice.below(3) as usize]);
                std::thread::sleep(Duration::from_millis(dice.below(300)));
                cluster.restart();
            }
        }
        cluster.wait_until_it_answers();
    }
}

/// Instants are drawn evenly from the whole length of an uninterrupted run; victims and branches take turns.
#[test]
fn at_random_instants_of_a_large_run() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 100_000));
    place.settings.chunk_bytes = 256 << 10;
    let known = know(&place, &cluster);
    let begin = Instant::now();
    assert!(!place.run_child(usize::MAX).1);
    let whole = begin.elapsed();
    place.must_undo("timing");
    let seed = seed();
    println!("LITE2PG_SEED={seed}, a run takes {whole:?}");
    let mut dice = Dice(seed);
    let mut struck = 0;
    for i in 0..if long() { 200 } else { 25 } {
        let at = whole.mul_f64(dice.share());
        let victim = Victim::ALL[i % Victim::ALL.len()];
        // Every victim meets both branches.
        let branch = (i / Victim::ALL.len()).is_multiple_of(2);
        for resume in [branch, !branch].into_iter().take(if long() { 2 } else { 1 }) {
            let mut child = place.child(usize::MAX);
            std::thread::sleep(at);
            victim.strike(&mut child, &place, &cluster, &mut dice);
            let (told, status) = ended_anyhow(child);
            struck += usize::from(!status.success());
            let why = format!("LITE2PG_SEED={seed} {i}: {victim:?} after {at:?}, {status}: {:?}", told.last());
            recover(&place, &cluster, &known, resume, &why);
        }
    }
    assert!(struck >= 5, "only {struck} runs were stopped");
}

fn seed() -> u64 {
    let given = std::env::var("LITE2PG_SEED").ok().and_then(|s| s.parse().ok());
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

#[test]
fn a_resumed_run_reads_its_own_copy() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    place.settings.snapshot = SnapshotMode::Copy;
    let known = know(&place, &cluster);
    let copied = r#""event":"done","stage":"copy""#;
    let (events, _) = place.run_child(usize::MAX);
    place.must_undo("counting");
    let nth = events.iter().position(|e| e.contains(copied)).unwrap() + 1;
    let change = |sql: &str| rusqlite::Connection::open(&place.source).unwrap().execute_batch(sql).unwrap();
    assert!(place.run_child(nth + 2).1);
    change("INSERT INTO empty VALUES (1, 'written after the kill')");
    // A look at the source must not take the copy away.
    let seen = lite2pg_engine::run::inspect(&place.settings, false, &running::Show, &Cancel::new()).unwrap();
    assert_eq!(seen.report.tables.iter().find(|t| t.name == "empty").unwrap().rows, 1);
    place.must_migrate("resumed from the copy");
    assert_eq!(compare(&known.after, &place.picture(&cluster)), "");
    let error = place.migrate().unwrap_err();
    assert!(error.kind == Kind::Target && error.message.contains("changed since"), "{}", tell(&error));
    place.must_undo("first");
    // The copy of a run that somebody else has undone is never taken for the source.
    assert!(place.run_child(nth + 2).1);
    change("INSERT INTO empty VALUES (2, 'written after the second kill')");
    let elsewhere = place.dir.join("elsewhere");
    let own = std::mem::replace(&mut place.settings.work_dir, elsewhere);
    place.must_undo("undone from elsewhere");
    place.settings.work_dir = own;
    let report = place.must_migrate("anew");
    assert_eq!(report.tables.iter().find(|t| t.name == "empty").unwrap().rows, 2, "old rows were migrated");
}

#[test]
fn a_worker_is_ended_by_the_server() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, |path| fixtures::million(path, 50_000));
    let known = know(&place, &cluster);
    for stage in ["create", "copy", "keys", "indexes", "views", "triggers", "verify"] {
        let observer = Once::new(|e: &Event| {
            let due = matches!(e, Event::StageStarted { stage: s, .. } if *s == stage);
            if due {
                let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE application_name LIKE 'lite2pg %' AND pid <> pg_backend_pid()";
                let ended: i64 = cluster.client("postgres").query_one(sql, &[]).unwrap().get(0);
                assert!(ended >= 2, "{ended} sessions");
            }
            due
        });
        let error = migrate(&place.settings, &observer, &Cancel::new()).unwrap_err();
        assert!(observer.acted());
        assert_eq!(error.kind, Kind::Target, "{stage}: {}", tell(&error));
        assert!(error.hint.is_some_and(|h| h.contains("again")), "{stage}");
        recover(&place, &cluster, &known, stage != "keys", stage);
    }
}

#[test]
fn the_server_is_killed_and_comes_back() {
    let cluster = Cluster::start(&["fsync = on"], &[]);
    let place = Place::new(&cluster, |path| fixtures::million(path, 50_000));
    let known = know(&place, &cluster);
    for (signal, stage) in [("QUIT", "copy"), ("KILL", "indexes"), ("KILL", "verify")] {
        let pid = cluster.pid();
        let observer = Once::new(|e: &Event| {
            let due = match e {
                Event::Progress { stage: s, .. } | Event::StageStarted { stage: s, .. } => *s == stage,
                _ => false,
            };
            if due {
                let kill = format!("kill -{signal} {pid}");
                std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
                std::thread::sleep(Duration::from_millis(100));
            }
            due
        });
        let error = migrate(&place.settings, &observer, &Cancel::new()).unwrap_err();
        assert!(observer.acted());
        assert_eq!(error.kind, Kind::Target, "{stage}: {}", tell(&error));
        let while_down = place.migrate().unwrap_err();
        assert_eq!(while_down.kind, Kind::Target, "{}", tell(&while_down));
        cluster.restart();
        recover(&place, &cluster, &known, true, &format!("SIG{signal} at {stage}"));
    }
}
