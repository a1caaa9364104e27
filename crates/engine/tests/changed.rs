//! A run that was interrupted does not go on over what was changed meanwhile, and says what it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Place, tell};
use lite2pg_engine::error::Kind;
use lite2pg_engine::run::{Cancel, MaxRejects, Settings, migrate};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_model::mapping::choices::Types;
use lite2pg_model::plan::overrides::{Origin, Said};
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;

#[test]
fn child() {
    breaking::be_child();
}

/// An event in the middle of a run, of one that was undone again.
fn in_the_middle(place: &Place) -> usize {
    let (events, killed) = place.run_child(usize::MAX);
    assert!(!killed);
    place.must_undo("counting");
    events.iter().position(|e| e.contains(r#""event":"stage-done","stage":"copy""#)).unwrap() + 1
}

/// Kills a run there, and tells its staging schema.
fn interrupted(place: &Place, cluster: &Cluster, nth: usize) -> String {
    let (told, killed) = place.run_child(nth);
    assert!(killed, "{:?}", told.last());
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'lite2pg_staging%'";
    place.client(cluster).query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn the_target() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 2_000));
    place.settings.jobs = 1;
    let before = place.picture(&cluster);
    place.must_migrate("uninterrupted");
    let after = place.picture(&cluster);
    place.must_undo("uninterrupted");
    let (events, _) = place.run_child(usize::MAX);
    place.must_undo("counting");
    // One worker does the same in the same order each time: then all of these are done.
    let ended =
        |stage: &str| events.iter().position(|e| e.contains(&format!(r#""event":"stage-done","stage":"{stage}""#)));
    let nth =
        ["create", "copy", "keys", "indexes", "constraints"].map(|s| ended(s).unwrap()).into_iter().max().unwrap() + 1;
    for (change, told) in [
        ("DROP TABLE S.mixed", "table mixed is gone"),
        ("ALTER TABLE S.users DROP COLUMN score", "column users.score is gone"),
        ("ALTER TABLE S.users ADD COLUMN mine int", "column users.mine is not of the run"),
        ("ALTER TABLE S.users ALTER score TYPE numeric", "column users.score is numeric, and was double precision"),
        ("ALTER TABLE S.users ALTER email DROP NOT NULL", "column users.email is text, and was text NOT NULL"),
        ("ALTER TABLE S.events DROP CONSTRAINT X", "of events is gone"),
        ("DROP INDEX S.I", "is gone"),
        ("ALTER TABLE S.users ADD CHECK (id <> 7777777)", "of users is not of the run"),
        ("DELETE FROM S.events WHERE id = 3", "table events has 999 rows, and 1000 were copied"),
        ("TRUNCATE S.pairs", "table pairs has 0 rows"),
        ("INSERT INTO S.pairs SELECT * FROM S.pairs LIMIT 0; CREATE TABLE S.mine ()", "table mine is not of the run"),
        ("DROP SCHEMA S CASCADE", "where it was built, is gone"),
        ("UPDATE lite2pg.control_version SET version = 99", "have version 99"),
    ] {
        let staging = interrupted(&place, &cluster, nth);
        let mut client = place.client(&cluster);
        let name = |sql: &str| -> String {
            client.query_opt(sql, &[&staging]).unwrap().map(|r| r.get(0)).expect("something to change")
        };
        let mut sql = change.replace("S.", &format!("{staging}.")).replace("SCHEMA S", &format!("SCHEMA {staging}"));
        if change.contains("CONSTRAINT X") {
            let foreign = "SELECT quote_ident(conname) FROM pg_constraint WHERE contype = 'f' \
                           AND connamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) LIMIT 1";
            sql = sql.replace("CONSTRAINT X", &format!("CONSTRAINT {}", { name }(foreign)));
        } else if change.contains(".I") {
            let index = "SELECT quote_ident(indexname) FROM pg_indexes i WHERE schemaname = $1 AND NOT EXISTS \
                         (SELECT 1 FROM pg_constraint WHERE conname = i.indexname) LIMIT 1";
            sql = sql.replace(&format!("{staging}.I"), &format!("{staging}.{}", { name }(index)));
        }
        place.client(&cluster).batch_execute(&sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let error = place.migrate().expect_err(change);
        assert_eq!(error.kind, Kind::Target, "{change}: {}", tell(&error));
        assert!(error.message.contains(told), "{change}: {}", tell(&error));
        if change.contains("control_version") {
            place.client(&cluster).batch_execute("UPDATE lite2pg.control_version SET version = 3").unwrap();
            place.must_migrate("after the version was put back");
            assert_eq!(compare(&after, &place.picture(&cluster)), "");
        }
        place.must_undo(change);
        assert_eq!(compare(&before, &place.picture(&cluster)), "", "{change}");
    }
}

/// Nothing was changed: at every point the comparison finds nothing, whatever a plan has.
#[test]
fn nothing() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    let nth = in_the_middle(&place);
    let (events, _) = place.run_child(usize::MAX);
    place.must_undo("counting");
    for n in [nth, events.len() - 4, events.len() - 1] {
        interrupted(&place, &cluster, n);
        place.must_migrate("resumed");
        place.must_undo("resumed");
        assert_eq!(compare(&before, &place.picture(&cluster)), "");
    }
}

#[test]
fn the_options_and_the_source() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    place.settings.snapshot = SnapshotMode::Pin;
    let nth = in_the_middle(&place);
    interrupted(&place, &cluster, nth);
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = place.settings.clone();
        change(&mut settings);
        let error = migrate(&settings, &running::Show, &Cancel::new()).unwrap_err();
        assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
        error.message
    };
    let lower = |s: &mut Settings| {
        let at = Origin::Flag("--names".to_owned());
        s.overrides.names = Some(Said { value: lite2pg_model::plan::style::NameStyle::Lower, at });
    };
    for (said, told) in [
        (with(&|s| s.choices.types = Types::Plain), "--types was native, is plain"),
        (with(&|s| s.collation_database = true), "--collation was source, is database"),
        (with(&|s| s.verify = false), "--no-verify was not given, is given"),
        (with(&|s| s.accept.clear()), "--accept was [\"all\"], is not given"),
        (with(&|s| s.max_rejects = Some(MaxRejects::Rows(3))), "--max-rejects was not given, is given"),
        (with(&lower), "--names was not given, is lower"),
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    rusqlite::Connection::open(&place.source).unwrap().execute_batch("INSERT INTO empty VALUES (1, 'new')").unwrap();
    let error = place.migrate().unwrap_err();
    assert!(error.message.contains("the source has changed since"), "{}", tell(&error));
    place.must_undo("at last");
}
