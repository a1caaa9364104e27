//! Promises that were once broken, each by a case of its own: lost answers, runs of others, kept copies, purging.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Once, Place, tell};
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Event;
use lite2pg_engine::run::{Cancel, clock, dry_run, history, migrate};
use lite2pg_engine::safety::rollback::RollbackOptions;
use lite2pg_engine::source::SnapshotMode;
use lite2pg_engine::target::control::Operator;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;
use lite2pg_testkit::proxy::Proxy;
use std::time::{Duration, Instant};

const PLAIN: RollbackOptions = RollbackOptions { discard_changes: false, dry_run: false, purge: false };
const PURGE: RollbackOptions = RollbackOptions { purge: true, ..PLAIN };

/// A run that is interrupted as its rows are copied, and stays so.
fn interrupt(place: &Place) {
    let cancel = Cancel::new();
    let stop = Once::new(|e: &Event| {
        let due = matches!(e, Event::StageDone { stage: "copy", .. });
        if due {
            cancel.request();
        }
        due
    });
    let error = migrate(&place.settings, &stop, &cancel).unwrap_err();
    assert_eq!(error.kind, Kind::Interrupted, "{}", tell(&error));
}

fn text(place: &Place, cluster: &Cluster, sql: &str) -> String {
    place.client(cluster).query_one(sql, &[]).unwrap().get::<_, Option<String>>(0).unwrap_or_default()
}

fn status(place: &Place, cluster: &Cluster) -> String {
    text(place, cluster, "SELECT string_agg(status, ',' ORDER BY started_at) FROM lite2pg.migration_history")
}

fn change(place: &Place, n: u32) {
    let sql = format!("INSERT INTO empty VALUES ({n}, 'written meanwhile')");
    rusqlite::Connection::open(&place.source).unwrap().execute_batch(&sql).unwrap();
}

#[test]
fn a_published_run_whose_answer_was_lost_stays_and_is_told() {
    let cluster = Cluster::start(&[], &[]);
    let proxy = Proxy::start(cluster.port);
    let mut place = Place::new(&cluster, fixtures::everything);
    place.by("127.0.0.1", proxy.port);
    place.settings.rollback_on_failure = true;
    place.settings.snapshot = SnapshotMode::Copy;
    // The server takes its time over the COMMIT that publishes; meanwhile the connection is cut.
    let slow = Once::new(|e: &Event| {
        let due = matches!(e, Event::StageStarted { stage: "verify", .. });
        if due {
            let sql = "CREATE FUNCTION elsewhere.slow() RETURNS trigger LANGUAGE plpgsql AS
                           'BEGIN PERFORM pg_catalog.pg_sleep(3); RETURN NULL; END';
                       CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON lite2pg.migration_history DEFERRABLE
                           INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status = 'done') EXECUTE FUNCTION elsewhere.slow()";
            place.client(&cluster).batch_execute(sql).unwrap();
        }
        due
    });
    let error = std::thread::scope(|scope| {
        let run = scope.spawn(|| migrate(&place.settings, &slow, &Cancel::new()));
        let mut client = cluster.client("postgres");
        let until = Instant::now() + Duration::from_secs(60);
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        while client.query_one(sleeping, &[]).unwrap().get::<_, i64>(0) == 0 {
            assert!(Instant::now() < until && !run.is_finished(), "never published");
            std::thread::sleep(Duration::from_millis(20));
        }
        proxy.cut();
        run.join().unwrap().unwrap_err()
    });
    assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("run the same command again")), "{}", tell(&error));
    assert_eq!(status(&place, &cluster), "done");
    assert_eq!(text(&place, &cluster, "SELECT count(*)::text FROM public.orders"), "295");
    // The source lives on; the run that was published is of the copy.
    change(&place, 1);
    let again = place.must_migrate("the same command");
    assert!(again.already_done);
    let error = place.migrate().unwrap_err();
    assert!(error.message.contains("changed since"), "{}", tell(&error));
    place.client(&cluster).batch_execute("DROP FUNCTION elsewhere.slow CASCADE").unwrap();
}

#[test]
fn a_run_that_is_refused_is_not_taken_back() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    interrupt(&place);
    let mut other = place.settings.clone();
    other.rollback_on_failure = true;
    other.collation_database = true;
    let error = migrate(&other, &running::Show, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("options"), "{}", tell(&error));
    assert_eq!(status(&place, &cluster), "running");
    place.must_migrate("goes on");
    assert_eq!(status(&place, &cluster), "done");
}

#[test]
fn what_people_made_on_our_tables_is_not_thrown_away() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    place.must_migrate("first");
    let mut client = place.client(&cluster);
    let function = "CREATE FUNCTION elsewhere.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";
    client.batch_execute(function).unwrap();
    for (name, make, undo) in [
        ("column note", "ALTER TABLE public.orders ADD COLUMN note text", Some("ALTER TABLE public.orders DROP note")),
        (
            "trigger mine",
            "CREATE TRIGGER mine BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION elsewhere.t()",
            Some("DROP TRIGGER mine ON public.orders"),
        ),
        ("index mine", "CREATE INDEX mine ON public.orders (total)", Some("DROP INDEX public.mine")),
        ("policy mine", "CREATE POLICY mine ON public.orders USING (true)", Some("DROP POLICY mine ON public.orders")),
        (
            "rule mine",
            "CREATE RULE mine AS ON DELETE TO public.orders DO ALSO NOTHING",
            Some("DROP RULE mine ON public.orders"),
        ),
        ("constraint mine", "ALTER TABLE public.orders ADD CONSTRAINT mine CHECK (total > -1e9)", None),
    ] {
        client.batch_execute(make).unwrap();
        let error = place.rollback(PLAIN).err().unwrap_or_else(|| panic!("{name}: thrown away"));
        assert!(error.message.contains(&format!("{name} of public.orders")), "{}", tell(&error));
        assert!(error.hint.as_deref().is_some_and(|h| h.contains("--discard-changes")), "{}", tell(&error));
        if let Some(undo) = undo {
            client.batch_execute(undo).unwrap();
        }
    }
    let undone = place.rollback(RollbackOptions { discard_changes: true, ..PURGE }).map_err(|e| tell(&e)).unwrap();
    assert_eq!(undone.changed, ["constraint mine of public.orders"]);
    client.batch_execute("DROP FUNCTION elsewhere.t").unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

#[test]
fn a_kept_copy_survives_until_its_own_run_ends() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    place.settings.snapshot = SnapshotMode::Copy;
    let mut other = Place::new(&cluster, |_| {});
    other.settings = lite2pg_engine::run::Settings { target: other.settings.target.clone(), ..place.settings.clone() };
    // The same source to another target, while the first is interrupted.
    interrupt(&place);
    let copy = text(&place, &cluster, "SELECT snapshot_copy FROM lite2pg.migration_history");
    assert!(std::path::Path::new(&copy).exists());
    change(&place, 1);
    let report = migrate(&other.settings, &running::Show, &Cancel::new()).unwrap();
    assert_eq!(report.tables.iter().find(|t| t.name == "empty").unwrap().rows, 1);
    assert!(std::path::Path::new(&copy).exists(), "the copy of another run was removed");
    let rows = |place: &Place| place.must_migrate("goes on").tables.iter().find(|t| t.name == "empty").unwrap().rows;
    assert_eq!(rows(&place), 0);
    place.must_undo("first");
    // Gone on with from another work directory, where no note is.
    interrupt(&place);
    change(&place, 2);
    let own = std::mem::replace(&mut place.settings.work_dir, place.dir.join("elsewhere"));
    assert_eq!(rows(&place), 1);
    place.must_undo("second");
    place.settings.work_dir = own;
    // The copy is gone, so that going on makes another: that one is in the ledger then.
    interrupt(&place);
    let first = text(&place, &cluster, "SELECT snapshot_copy FROM lite2pg.migration_history");
    std::fs::remove_dir_all(std::path::Path::new(&first).parent().unwrap()).unwrap();
    interrupt_later(&place);
    let second = text(&place, &cluster, "SELECT snapshot_copy FROM lite2pg.migration_history");
    assert!(std::path::Path::new(&second).exists(), "{first} {second}");
    change(&place, 3);
    assert_eq!(rows(&place), 2);
}

/// As [`interrupt`], of a run whose rows are copied already.
fn interrupt_later(place: &Place) {
    let cancel = Cancel::new();
    let stop = Once::new(|e: &Event| {
        let due = matches!(e, Event::StageStarted { stage: "keys", .. });
        if due {
            cancel.request();
        }
        due
    });
    let error = migrate(&place.settings, &stop, &cancel).unwrap_err();
    assert_eq!(error.kind, Kind::Interrupted, "{}", tell(&error));
}

#[test]
fn only_a_process_of_this_very_world_is_called_dead() {
    let who = |host: &str| Operator { name: "tester".to_owned(), host: host.to_owned() };
    let ours = clock::application(&who("short-host"));
    let words: Vec<&str> = ours.split(' ').collect();
    let [word, host, pid, mark] = words.as_slice() else { panic!("{ours}") };
    assert_eq!((*word, *host, *pid), ("lite2pg", "short-host", std::process::id().to_string().as_str()));
    let (start, world) = mark.split_once('-').unwrap();
    let (gone, other) = ("4194999", if world == "00000000" { "00000001" } else { "00000000" });
    assert!(!clock::is_dead(&ours), "we live");
    assert!(clock::is_dead(&format!("lite2pg short-host {gone} {start}-{world}")), "no such process");
    assert!(clock::is_dead(&format!("lite2pg short-host {pid} 1-{world}")), "another process has the number now");
    // A container with the host's name, another boot, an older lite2pg, somebody else.
    for living in [
        format!("lite2pg short-host {gone} {start}-{other}"),
        format!("lite2pg short-host {gone}"),
        format!("lite2pg short-host {gone} {start}"),
        format!("psql short-host {gone} {start}-{world}"),
    ] {
        assert!(!clock::is_dead(&living), "{living}");
    }
    let long = ["a", "b"].map(|end| clock::application(&who(&format!("{}{end}", "very-long-host-name-".repeat(12)))));
    assert!(long[0] != long[1] && long.iter().all(|n| n.len() <= 63), "{long:?}");
}

#[test]
fn a_dry_run_with_findings_that_block_reports_them_all() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| {
        let wide: Vec<String> = (0..1601).map(|i| format!("c{i} INTEGER")).collect();
        let sql = format!(
            "CREATE TABLE good (id INTEGER PRIMARY KEY, t TEXT); INSERT INTO good VALUES (1, 'x'), (2, 'y');
             CREATE TABLE nul (id INTEGER PRIMARY KEY, t TEXT); INSERT INTO nul VALUES (1, 'a' || char(0) || 'b');
             CREATE TABLE wide ({}); INSERT INTO wide (c0) VALUES (1);",
            wide.join(", ")
        );
        fixtures::make(path, &sql);
    });
    place.settings.choices = Default::default();
    place.settings.accept = Vec::new();
    let before = place.picture(&cluster);
    let dry = dry_run(&place.settings, &running::Show, &Cancel::new()).map_err(|e| tell(&e)).unwrap();
    assert_eq!((dry.report.exit, dry.report.status.as_str()), (5, "needs-decision"));
    assert!(dry.report.findings.iter().any(|f| f.blocks()));
    for table in ["nul", "wide"] {
        let told: Vec<_> = dry.report.findings.iter().filter(|f| f.object.contains(table)).collect();
        assert!(!told.is_empty(), "{table}: {:?}", dry.report.findings);
    }
    assert!(dry.sample_rows >= 2, "{} rows", dry.sample_rows);
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

#[test]
fn done_is_said_only_of_what_still_stands() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    place.must_migrate("first");
    let again = place.must_migrate("again");
    assert!(again.already_done && again.compared_now == "counts");
    place.client(&cluster).batch_execute("DELETE FROM public.keyless").unwrap();
    let error = place.migrate().unwrap_err();
    assert_eq!(error.kind, Kind::Target);
    assert!(error.message.contains("public.keyless (4 rows then, 0 now)"), "{}", tell(&error));
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("verify") && h.contains("rollback")), "{}", tell(&error));

    let empty = Place::new(&cluster, |path| fixtures::make(path, "PRAGMA user_version = 1"));
    let first = empty.must_migrate("no tables");
    let second = empty.must_migrate("no tables again");
    assert!(second.already_done && first.run == second.run);
}

#[test]
fn purging_leaves_what_others_keep_beside_us() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    place.must_migrate("first");
    place.client(&cluster).batch_execute("CREATE TABLE lite2pg.theirs AS SELECT 1 AS a").unwrap();
    let there = place.picture(&cluster);
    let error = place.rollback(PURGE).expect_err("theirs was removed");
    assert!(tell(&error).contains("theirs") && tell(&error).contains("schema lite2pg"), "{}", tell(&error));
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("--purge")), "{}", tell(&error));
    assert_eq!(compare(&there, &place.picture(&cluster)), "", "half done");
    place.client(&cluster).batch_execute("DROP TABLE lite2pg.theirs").unwrap();
    place.must_undo("all");
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

#[test]
fn a_run_that_cannot_begin_leaves_nothing() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let refuse = "CREATE FUNCTION elsewhere.no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
            IF EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname LIKE 'lite2pg_staging%') THEN
                RAISE EXCEPTION 'not here'; END IF; END$$;
        CREATE EVENT TRIGGER no ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION elsewhere.no()";
    place.client(&cluster).batch_execute(refuse).unwrap();
    let before = place.picture(&cluster);
    let error = place.migrate().unwrap_err();
    assert!(error.message.contains("not here"), "{}", tell(&error));
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
    let left = "SELECT count(*)::text FROM pg_namespace WHERE nspname LIKE 'lite2pg%'";
    assert_eq!(text(&place, &cluster, left), "0");
}

#[test]
fn a_run_of_another_version_is_in_nobodys_way() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    interrupt(&place);
    let mut client = place.client(&cluster);
    // It makes other statements of the same plan.
    client.batch_execute("UPDATE lite2pg.migration_history SET steps_hash = 'of others'").unwrap();
    let refused = |place: &Place, word: &str| {
        let error = place.migrate().unwrap_err();
        assert_eq!(error.kind, Kind::Target);
        assert!(error.message.contains(word), "{}", tell(&error));
        assert!(error.hint.as_deref().is_some_and(|h| h.contains("lite2pg rollback undoes it")), "{}", tell(&error));
    };
    refused(&place, "another version");
    // It did not write that down, and its marks are of other steps.
    let marks = "UPDATE lite2pg.migration_history SET steps_hash = NULL;
        UPDATE lite2pg.migration_step SET object = 'of others' WHERE step = 1";
    client.batch_execute(marks).unwrap();
    refused(&place, "none of this lite2pg");
    // Its plan cannot even be read.
    client.batch_execute("UPDATE lite2pg.migration_history SET plan = '{\"version\": 99}'").unwrap();
    refused(&place, "cannot be read");
    assert_eq!(history(&place.settings.target, &place.settings.operator).unwrap().runs.len(), 1);
    let own = std::mem::replace(&mut place.settings.schema, "beside".to_owned());
    place.must_migrate("beside it");
    place.rollback(PLAIN).unwrap();
    place.settings.schema = own;
    place.rollback(PURGE).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}
