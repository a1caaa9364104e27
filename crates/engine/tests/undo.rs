//! Rollback takes back what a run made and nothing else, or refuses with a clear word; the audit stays whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Once, Place, tell};
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Event;
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_engine::safety::rollback::{RollbackOptions, rollback};
use lite2pg_engine::target::control::broken_audit;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;

const PLAIN: RollbackOptions = RollbackOptions { discard_changes: false, dry_run: false, purge: false };
const DISCARD: RollbackOptions = RollbackOptions { discard_changes: true, ..PLAIN };

#[test]
fn rows_that_changed_since_are_not_thrown_away() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    for (table, change) in [
        ("orders", "UPDATE public.orders SET total = total + 1 WHERE id = 10"),
        ("keyless", "INSERT INTO public.keyless VALUES (1, 'same')"),
        ("lines", "DELETE FROM public.lines WHERE no = 3 AND \"order\" = 20"),
        ("empty", "INSERT INTO public.empty VALUES (1, 'new')"),
        ("tree", "ALTER TABLE public.tree DROP COLUMN label"),
        ("loose", "ALTER TABLE public.loose RENAME COLUMN b TO b2"),
        ("strict_one", "ALTER TABLE public.strict_one ALTER a TYPE text USING a::text"),
    ] {
        place.must_migrate(table);
        place.client(&cluster).batch_execute(change).unwrap();
        let changed = place.picture(&cluster);
        let dry = place.rollback(RollbackOptions { dry_run: true, ..PLAIN }).map_err(|e| tell(&e)).unwrap();
        assert_eq!((dry.dry_run, dry.changed), (true, vec![format!("public.{table}")]));
        let error = place.rollback(PLAIN).err().unwrap_or_else(|| panic!("{change}: thrown away"));
        assert_eq!(error.kind, Kind::Target);
        assert!(error.message.contains(&format!("public.{table}")), "{}", tell(&error));
        assert!(error.hint.as_deref().is_some_and(|h| h.contains("--discard-changes")));
        assert_eq!(compare(&changed, &place.picture(&cluster)), "", "{change}: refused, and yet something changed");
        let undone = place.rollback(DISCARD).map_err(|e| tell(&e)).unwrap();
        assert_eq!(undone.changed, [format!("public.{table}")]);
        assert_eq!(compare(&before, &place.picture(&cluster)), "", "{change}");
        assert_eq!(broken_audit(&mut place.client(&cluster)).unwrap(), None);
    }
}

#[test]
fn a_row_written_during_the_undo_is_not_lost() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    place.must_migrate("first");
    // A transaction of the application that is open when rollback begins, and commits while it looks at the rows.
    let mut writer = place.client(&cluster);
    writer.batch_execute("BEGIN; INSERT INTO public.empty VALUES (1, 'just in time')").unwrap();
    let thread = {
        let settings = place.settings.clone();
        std::thread::spawn(move || rollback(&settings, PLAIN, &running::Show, &Cancel::new()))
    };
    std::thread::sleep(std::time::Duration::from_millis(1500));
    writer.batch_execute("COMMIT").unwrap();
    let error = thread.join().unwrap().expect_err("the row was thrown away");
    assert!(error.message.contains("public.empty"), "{}", tell(&error));
    assert_eq!(writer.query_one("SELECT count(*) FROM public.empty", &[]).unwrap().get::<_, i64>(0), 1);
}

#[test]
fn what_hangs_on_our_tables_stops_it_whole() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    place.must_migrate("first");
    for (name, make, drop) in [
        ("their_view", "CREATE VIEW public.their_view AS SELECT * FROM public.orders", "DROP VIEW public.their_view"),
        (
            "of_theirs",
            "CREATE TABLE elsewhere.of_theirs (o bigint REFERENCES public.orders)",
            "DROP TABLE elsewhere.of_theirs",
        ),
    ] {
        place.client(&cluster).batch_execute(make).unwrap();
        let there = place.picture(&cluster);
        let error = place.rollback(DISCARD).expect_err("theirs was removed");
        assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
        assert!(error.message.contains(name), "{}", tell(&error));
        assert!(error.hint.as_deref().is_some_and(|h| !h.contains("CASCADE")), "{}", tell(&error));
        assert_eq!(compare(&there, &place.picture(&cluster)), "", "half done");
        place.client(&cluster).batch_execute(drop).unwrap();
    }
    place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");

    // A schema that the run made, into which somebody has put something.
    place.settings.schema = "made".to_owned();
    place.must_migrate("made");
    place.client(&cluster).batch_execute("CREATE TABLE made.theirs (a int)").unwrap();
    let there = place.picture(&cluster);
    let error = place.rollback(PLAIN).expect_err("theirs was removed");
    assert!(error.message.contains("theirs"), "{}", tell(&error));
    assert!(error.hint.as_deref().is_some_and(|h| !h.contains("CASCADE")), "{}", tell(&error));
    assert_eq!(compare(&there, &place.picture(&cluster)), "", "half done");
    place.client(&cluster).batch_execute("DROP TABLE made.theirs").unwrap();
    place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

#[test]
fn dry_run_twice_and_purge() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    let error = place.rollback(PLAIN).unwrap_err();
    assert!(error.message.contains("no run to undo"), "{}", tell(&error));
    place.must_migrate("first");
    let after = place.picture(&cluster);
    let dry = place.rollback(RollbackOptions { dry_run: true, ..PLAIN }).unwrap();
    assert!(dry.dry_run && dry.changed.is_empty() && dry.was_published && dry.rows > 1000);
    assert!(dry.sql.iter().any(|s| s.starts_with("DROP TABLE")));
    assert_eq!(compare(&after, &place.picture(&cluster)), "");
    let control = |place: &Place| -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'lite2pg')";
        place.client(&cluster).query_one(sql, &[]).unwrap().get(0)
    };
    // Two runs; the first can be purged only when the second is undone too.
    place.settings.schema = "two".to_owned();
    place.must_migrate("second");
    place.settings.schema = "public".to_owned();
    let there = place.picture(&cluster);
    let purge = RollbackOptions { purge: true, ..PLAIN };
    let error = place.rollback(purge).unwrap_err();
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("--purge")), "{}", tell(&error));
    assert_eq!(compare(&there, &place.picture(&cluster)), "", "refused, and yet something changed");
    place.rollback(PLAIN).unwrap();
    assert!(place.rollback(PLAIN).unwrap_err().message.contains("no run to undo"), "undone twice");
    assert!(place.rollback(purge).unwrap_err().message.contains("no run to undo"), "another run needs the history");
    place.settings.schema = "two".to_owned();
    assert!(control(&place));
    assert!(place.rollback(purge).unwrap().purged);
    assert!(!control(&place));
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
    // Everything is undone, and only the history is left.
    place.must_migrate("third");
    place.rollback(PLAIN).unwrap();
    let dry = place.rollback(RollbackOptions { dry_run: true, ..purge }).unwrap();
    assert!(dry.dry_run && !dry.purged && control(&place));
    let purged = place.rollback(purge).map_err(|e| tell(&e)).unwrap();
    assert!(purged.purged && purged.run.is_empty() && !control(&place));
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
    assert!(place.rollback(purge).unwrap_err().message.contains("no run to undo"), "there is no history");
}

#[test]
fn where_the_tables_are_gone_already_the_rest_is_undone() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    place.must_migrate("first");
    let dry = place.rollback(RollbackOptions { dry_run: true, ..PLAIN }).unwrap();
    let (last, others) = dry.tables.split_last().unwrap();
    let drop = |tables: &[String]| {
        let tables: Vec<String> =
            tables.iter().map(|t| format!("public.\"{}\"", t["public.".len()..].replace('"', "\"\""))).collect();
        place.client(&cluster).batch_execute(&format!("DROP TABLE {} CASCADE", tables.join(", "))).unwrap();
    };
    drop(others);
    let error = place.rollback(DISCARD).expect_err("one is left");
    assert!(error.message.contains("are gone already"), "{}", tell(&error));
    drop(std::slice::from_ref(last));
    let undone = place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert!(undone.was_published && undone.tables.is_empty() && undone.proof.verified, "{undone:?}");
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
    assert!(place.rollback(PLAIN).unwrap_err().message.contains("no run to undo"), "undone twice");
    // With a schema that the run made.
    place.settings.schema = "made".to_owned();
    place.must_migrate("made");
    place.client(&cluster).batch_execute("DROP SCHEMA made CASCADE").unwrap();
    place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

#[test]
fn on_failure_rollback_and_the_audit() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    let before = place.picture(&cluster);
    place.settings.rollback_on_failure = true;
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
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("rolled back")), "{}", tell(&error));
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
    // A run that somebody else began is not taken back because this one could not begin.
    let mut other = Place::new(&cluster, fixtures::everything);
    let cancel = Cancel::new();
    place.settings.rollback_on_failure = false;
    let stop = Once::new(|e: &Event| {
        let due = matches!(e, Event::StageDone { stage: "copy", .. });
        if due {
            cancel.request();
        }
        due
    });
    assert_eq!(migrate(&place.settings, &stop, &cancel).unwrap_err().kind, Kind::Interrupted);
    let half = place.picture(&cluster);
    other.settings.target = place.settings.target.clone();
    other.settings.rollback_on_failure = true;
    let error = other.migrate().unwrap_err();
    assert!(error.message.contains("cannot go on"), "{}", tell(&error));
    assert_eq!(compare(&half, &place.picture(&cluster)), "", "somebody else's run was taken back");
    place.must_migrate("goes on");
    place.rollback(PLAIN).unwrap();
    for _ in 0..2 {
        place.must_migrate("once more");
        place.rollback(PLAIN).unwrap();
    }
    let mut client = place.client(&cluster);
    assert_eq!(broken_audit(&mut client).unwrap(), None);
    let rows = client.query("SELECT id FROM lite2pg.audit_event ORDER BY id", &[]).unwrap();
    assert!(rows.len() >= 8, "{} rows", rows.len());
    for (id, tamper) in [
        (3_i64, "UPDATE lite2pg.audit_event SET operator = 'nobody' WHERE id = 3"),
        (4, "UPDATE lite2pg.audit_event SET detail = detail || '{\"rows\": 0}' WHERE id = 4"),
        (5, "UPDATE lite2pg.audit_event SET at = at + interval '1 microsecond' WHERE id = 5"),
        (6, "UPDATE lite2pg.audit_event SET event = 'nothing' WHERE id = 6"),
        (3, "DELETE FROM lite2pg.audit_event WHERE id = 2"),
        (1, "UPDATE lite2pg.audit_event SET host = host || 'x' WHERE id = 1"),
    ] {
        let mut tx = client.transaction().unwrap();
        tx.batch_execute(tamper).unwrap();
        assert_eq!(broken_audit(&mut tx).unwrap(), Some(id), "{tamper}");
        tx.rollback().unwrap();
    }
    assert_eq!(broken_audit(&mut client).unwrap(), None);
}
