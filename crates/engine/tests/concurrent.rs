//! Runs at once: kept apart where they share a source or a schema, undisturbed where they do not; what a killed run left
//! in the server is ended before its ledger is believed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Place, ended, tell};
use lite2pg_engine::error::Kind;
use lite2pg_engine::run::TargetSpec;
use lite2pg_engine::safety::rollback::RollbackOptions;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;
use postgres::Client;
use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

#[test]
fn child() {
    breaking::be_child();
}

/// Another place whose target is a schema of the same database.
fn beside(first: &Place, cluster: &Cluster, schema: &str, rows: u64) -> Place {
    let mut place = Place::new(cluster, |path| fixtures::million(path, rows));
    place.db.clone_from(&first.db);
    place.settings.target = first.settings.target.clone();
    place.settings.schema = schema.to_owned();
    place
}

/// The control tables are made by whoever comes first, and neither run notices the other. Both are processes of their
/// own; both are the first that the target sees.
#[test]
fn two_first_runs_into_two_schemas() {
    let cluster = Cluster::start(&[], &[]);
    for round in 0..4 {
        let first = Place::new(&cluster, fixtures::everything);
        let second = beside(&first, &cluster, "beside", 3_000);
        let before = first.picture(&cluster);
        let children = [first.child(usize::MAX), second.child(usize::MAX)];
        for child in children {
            assert!(!ended(child).1);
        }
        let mut client = first.client(&cluster);
        let runs = client
            .query("SELECT target_schema, status, verified FROM lite2pg.migration_history ORDER BY 1", &[])
            .unwrap()
            .iter()
            .map(|r| (r.get::<_, String>(0), r.get::<_, String>(1), r.get::<_, bool>(2)))
            .collect::<Vec<_>>();
        let done = |schema: &str| (schema.to_owned(), "done".to_owned(), true);
        assert_eq!(runs, [done("beside"), done("public")], "round {round}");
        assert_eq!(lite2pg_engine::target::control::broken_audit(&mut client).unwrap(), None, "round {round}");
        // Each finds its own run finished, and is undone without the other.
        assert!(first.must_migrate("again").already_done && second.must_migrate("again").already_done);
        first.rollback(RollbackOptions::default()).unwrap();
        assert!(second.must_migrate("the other one was undone").already_done);
        second.must_undo("the second");
        assert_eq!(compare(&before, &first.picture(&cluster)), "", "round {round}");
    }
}

/// Both undo what they made at once; one history remembers both.
#[test]
fn two_are_undone_at_once() {
    let cluster = Cluster::start(&[], &[]);
    let first = Place::new(&cluster, fixtures::everything);
    let second = beside(&first, &cluster, "beside", 1_000);
    first.must_migrate("first");
    second.must_migrate("second");
    let undone = std::thread::scope(|scope| {
        let one = scope.spawn(|| first.rollback(RollbackOptions::default()).map_err(|e| tell(&e)));
        let two = second.rollback(RollbackOptions::default()).map_err(|e| tell(&e));
        [one.join().unwrap(), two]
    });
    for one in undone {
        assert!(one.unwrap().was_published);
    }
    let mut client = first.client(&cluster);
    for table in ["public.customers", "beside.users"] {
        let there: bool = client.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&table]).unwrap().get(0);
        assert!(!there, "{table}");
    }
    assert_eq!(lite2pg_engine::target::control::broken_audit(&mut client).unwrap(), None);
}

/// A child that is held up where it wants to mark a chunk: another session has the ledger.
struct HeldUp {
    child: Child,
    events: Receiver<String>,
    holder: Client,
}

fn hold_up(place: &Place, cluster: &Cluster) -> HeldUp {
    // The tables must be there to be locked, and no run be in them.
    let mut child = place.child(usize::MAX);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (to, events) = channel();
    let (begun, begin) = channel();
    std::thread::spawn(move || {
        for line in lines {
            if line.contains("run-started") {
                let _ = begun.send(());
            }
            let _ = to.send(line);
        }
    });
    begin.recv_timeout(Duration::from_secs(60)).expect("the child never began its run");
    let mut holder = place.client(cluster);
    holder.batch_execute("BEGIN; LOCK lite2pg.migration_chunk IN EXCLUSIVE MODE").unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while waiting(&mut place.client(cluster)) == 0 {
        assert!(Instant::now() < end, "no worker came to the ledger: {:?}", events.try_iter().last());
        std::thread::sleep(Duration::from_millis(20));
    }
    HeldUp { child, events, holder }
}

/// How many of our sessions wait for the ledger.
fn waiting(client: &mut Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted \
               AND l.relation = 'lite2pg.migration_chunk'::regclass AND a.application_name LIKE 'lite2pg %'";
    client.query_one(sql, &[]).unwrap().get(0)
}

/// The client is gone at once, but its backend waits in the middle of a transaction, and would commit it later: the next
/// run ends it first.
#[test]
fn a_backend_that_a_killed_run_left_behind() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 20_000));
    place.settings.chunk_bytes = 64 << 10;
    let before = place.picture(&cluster);
    place.must_migrate("uninterrupted");
    let after = place.picture(&cluster);
    place.must_undo("uninterrupted");
    for how in ["resume", "rollback"] {
        let HeldUp { mut child, mut holder, .. } = hold_up(&place, &cluster);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut client = place.client(&cluster);
        assert!(waiting(&mut client) > 0, "the server noticed by itself");
        let begin = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Only once they are gone may the ledger move again.
                while waiting(&mut client) > 0 {
                    assert!(begin.elapsed() < Duration::from_secs(30), "the orphans live");
                    std::thread::sleep(Duration::from_millis(20));
                }
                std::thread::sleep(Duration::from_millis(100));
                holder.batch_execute("ROLLBACK").unwrap();
            });
            if how == "resume" {
                place.must_migrate(how);
                assert_eq!(compare(&after, &place.picture(&cluster)), "", "{how}");
            }
            place.must_undo(how);
        });
        assert_eq!(compare(&before, &place.picture(&cluster)), "", "{how}");
    }
}

/// While a run goes on: another process at its schema, at its source, or undoing it is told who is there.
#[test]
fn who_is_there_already() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 20_000));
    place.settings.chunk_bytes = 64 << 10;
    let mut other = beside(&place, &cluster, "public", 100);
    let mut same_source = beside(&place, &cluster, "elsewhere", 100);
    same_source.settings.source.clone_from(&place.source);
    same_source.settings.lock_dir.clone_from(&place.settings.lock_dir);
    let HeldUp { mut child, events, mut holder } = hold_up(&place, &cluster);
    let pid = child.id().to_string();
    let year = "20";

    let error = other.migrate().unwrap_err();
    assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
    let name = format!("lite2pg {} {pid}", breaking::hostname());
    for word in ["another run holds this target", &name, "connected since 20"] {
        assert!(error.message.contains(word), "{word}: {}", tell(&error));
    }
    assert_eq!(error.object.as_deref(), Some("schema public"));
    let error = place.rollback(Default::default()).unwrap_err();
    assert!(error.message.contains(&name), "{}", tell(&error));

    let error = same_source.migrate().unwrap_err();
    assert_eq!(error.kind, Kind::Source, "{}", tell(&error));
    let TargetSpec::Server(conninfo) = &place.settings.target else { panic!("a server") };
    for word in [&format!("process {pid} on "), &format!("since {year}"), &format!("to {}", conninfo.display())] {
        assert!(error.message.contains(word), "{word}: {}", tell(&error));
    }

    // Undisturbed, it comes to its end; then a dead run's locks do not remain.
    holder.batch_execute("ROLLBACK").unwrap();
    assert!(child.wait().unwrap().success(), "{:?}", events.try_iter().last());
    place.must_undo("the run that went on");
    let HeldUp { mut child, mut holder, .. } = hold_up(&place, &cluster);
    holder.batch_execute("ROLLBACK").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let begin = Instant::now();
    place.must_migrate("after kill -9");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    place.must_undo("after kill -9");
    other.settings.schema = "public".to_owned();
    other.must_migrate("the schema is free");
}
