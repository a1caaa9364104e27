//! A rehearsal is the whole migration, into a database of its own of which nothing stays: after its end, an interruption, a
//! failure, or a kill; and it never removes what is not a rehearsal's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Once, Place, tell};
use lite2pg_engine::Result;
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::{Event, Observer};
use lite2pg_engine::run::{Cancel, Rehearsal, Where, clock, rehearse};
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::{compare, source_hash};
use std::collections::BTreeSet;

fn all_databases(cluster: &Cluster) -> BTreeSet<String> {
    let rows = cluster.client("postgres").query("SELECT datname::text FROM pg_database", &[]).unwrap();
    rows.iter().map(|r| r.get(0)).collect()
}

fn private_files(place: &Place) -> Vec<String> {
    fn walk(dir: &std::path::Path, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            out.push(entry.path().display().to_string());
            walk(&entry.path(), out);
        }
    }
    let mut out = Vec::new();
    walk(&place.dir.join("work/rehearsals"), &mut out);
    out
}

fn run(place: &Place, keep: bool) -> Result<Rehearsal> {
    rehearse(&place.settings, keep, &running::Show, &Cancel::new())
}

#[test]
fn it_is_the_whole_migration_and_leaves_nothing() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let before = (all_databases(&cluster), place.picture(&cluster), source_hash(&place.source));
    let rehearsal = run(&place, false).map_err(|e| tell(&e)).unwrap();
    let report = &rehearsal.report;
    assert_eq!((report.exit, report.status.as_str()), (0, "done"), "{:?}", report.findings);
    assert!(report.tables.iter().all(|t| t.verified) && report.tables.iter().any(|t| t.rows > 100));
    assert!(report.stages.iter().any(|s| s.name == "copy") && report.seconds > 0.0);
    assert!(!rehearsal.kept && rehearsal.swept.is_empty());
    assert_eq!(before.0, all_databases(&cluster));
    assert_eq!(compare(&before.1, &place.picture(&cluster)), "", "the target's own database was touched");
    assert_eq!(before.2, source_hash(&place.source));
    assert_eq!(private_files(&place), [""; 0]);
    // What was rehearsed is what happens.
    let real = place.must_migrate("the real one");
    let digests = |r: &lite2pg_engine::observe::Report| -> Vec<_> {
        r.tables.iter().map(|t| (t.name.clone(), t.rows, t.target_sha256.clone())).collect()
    };
    assert_eq!(digests(&real), digests(report));
    // A target that holds a migration already stands in the way of the real run only.
    assert_eq!(run(&place, false).map_err(|e| tell(&e)).unwrap().report.exit, 0);
}

#[test]
fn a_kept_one_stays_and_is_never_swept() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let kept = run(&place, true).map_err(|e| tell(&e)).unwrap();
    let Where::Database { name, .. } = &kept.place else { panic!("{:?}", kept.place) };
    assert!(kept.kept && all_databases(&cluster).contains(name));
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert!(cluster.client(name).query_one(sql, &[]).unwrap().get::<_, i64>(0) > 3);
    let next = run(&place, false).map_err(|e| tell(&e)).unwrap();
    assert!(next.swept.is_empty(), "{:?}", next.swept);
    assert!(all_databases(&cluster).contains(name), "what was kept is gone");
}

#[test]
fn nothing_stays_of_one_that_was_interrupted_or_failed() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let before = all_databases(&cluster);
    for stage in ["census", "copy", "keys"] {
        let cancel = Cancel::new();
        let stop = Once::new(|e: &Event| {
            let due = matches!(e, Event::StageDone { stage: done, .. } if *done == stage);
            if due {
                cancel.request();
            }
            due
        });
        let error = rehearse(&place.settings, false, &stop as &dyn Observer, &cancel)
            .err()
            .unwrap_or_else(|| panic!("{stage}"));
        assert_eq!(error.kind, Kind::Interrupted, "{stage}: {}", tell(&error));
        assert!(error.hint.as_deref().is_some_and(|h| h.contains("removed")), "{}", tell(&error));
        assert_eq!((before.clone(), private_files(&place)), (all_databases(&cluster), Vec::new()), "{stage}");
    }
    // One that needs a decision.
    let mut place = Place::new(&cluster, |path| {
        let sql = "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x' || char(0) || 'y')";
        rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    });
    place.settings.choices = Default::default();
    let before = all_databases(&cluster);
    let report = run(&place, false).map_err(|e| tell(&e)).unwrap().report;
    assert_eq!((report.exit, report.status.as_str()), (5, "needs-decision"));
    assert_eq!(before, all_databases(&cluster));
    // One whose role may not make a database.
    cluster.sql("CREATE ROLE \"no body\" LOGIN");
    let (host, port) = (cluster.socket_dir.display().to_string(), cluster.port);
    place.to(&format!("host={host} port={port} user='no body' dbname={}", place.db));
    let Err(error) = run(&place, false) else { panic!("it may not") };
    assert_eq!((error.kind, error.kind.exit()), (Kind::Target, 4));
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("ALTER ROLE \"no body\" CREATEDB")), "{}", tell(&error));
    assert_eq!((before, private_files(&place)), (all_databases(&cluster), Vec::new()));
}

#[test]
fn only_what_killed_rehearsals_left_is_swept() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let comment = "lite2pg rehearses here; removed when it ends";
    // PID_START_WORLD of a process that is not there, of this one, and of another host.
    let name = clock::application(&place.settings.operator);
    let words: Vec<&str> = name.split(' ').collect();
    let mark = words[3].replace('-', "_");
    let dead = format!("lite2pg_rehearsal_4194305_{mark}_0");
    let living = format!("lite2pg_rehearsal_{}_{mark}_99", std::process::id());
    let (far, used, other, theirs) = (
        "lite2pg_rehearsal_7_ab_12345678_0",
        "lite2pg_rehearsal_8_ab_12345678_0",
        "lite2pg_rehearsal_9_ab_12345678_0",
        "lite2pg_rehearsal_notes",
    );
    cluster.sql("CREATE ROLE somebody");
    for name in [dead.as_str(), &living, far, used, other, theirs] {
        cluster.sql(&format!("CREATE DATABASE {name}"));
    }
    cluster.sql(&format!("COMMENT ON DATABASE {far} IS '{comment}'"));
    cluster.sql(&format!("COMMENT ON DATABASE {used} IS '{comment}'"));
    cluster.sql(&format!("COMMENT ON DATABASE {other} IS '{comment}'"));
    cluster.sql(&format!("ALTER DATABASE {other} OWNER TO somebody"));
    // A killed one's session of a moment ago, and a rehearsal of another host.
    let mut orphan = cluster.client(&dead);
    let _holder = cluster.client(used);
    let swept = run(&place, false).map_err(|e| tell(&e)).unwrap().swept;
    assert_eq!(swept, [format!("database {dead}"), format!("database {far}")]);
    assert!(orphan.simple_query("SELECT 1").is_err());
    let left = all_databases(&cluster);
    for name in [living.as_str(), used, other, theirs] {
        assert!(left.contains(name), "{name} was dropped");
    }
    assert!(!left.contains(&dead) && !left.contains(far));
}

#[test]
fn the_database_orders_text_as_the_target_does() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    for options in [
        "LC_COLLATE 'C' LC_CTYPE 'C'",
        "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
        "LOCALE_PROVIDER icu ICU_LOCALE 'und' LC_COLLATE 'C' LC_CTYPE 'C'",
    ] {
        cluster.sql("DROP DATABASE IF EXISTS ordered");
        let made =
            cluster.client("postgres").batch_execute(&format!("CREATE DATABASE ordered TEMPLATE template0 {options}"));
        if made.is_err() {
            println!("not on this server: {options}");
            continue;
        }
        place.db = "ordered".to_owned();
        let (host, port) = (place.host.clone(), place.port);
        place.by(&host, port);
        let kept = run(&place, true).map_err(|e| tell(&e)).unwrap();
        let Where::Database { name, .. } = &kept.place else { panic!("{:?}", kept.place) };
        let sql = "SELECT (to_jsonb(d) - 'oid' - 'datname' - 'datfrozenxid' - 'datminmxid')::text FROM pg_database d WHERE datname = $1";
        let row = |name: &str| cluster.client("postgres").query_one(sql, &[&name]).unwrap().get::<_, String>(0);
        assert_eq!(row(name), row("ordered"), "{options}");
    }
}
