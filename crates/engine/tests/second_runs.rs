//! What a second run finds: the work done, another run at it, or things of somebody else in the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Once, Place, tell};
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Event;
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_engine::safety::rollback::RollbackOptions;
use lite2pg_model::plan::overrides::{Origin, Said};
use lite2pg_model::plan::style::NameStyle;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::{compare, fingerprint};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

#[test]
fn a_finished_run_again_is_quick_and_a_changed_source_is_told() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    let first = place.must_migrate("first");
    let after = place.picture(&cluster);
    let looked = Once::new(|e: &Event| matches!(e, Event::StageStarted { .. } | Event::Planned { .. }));
    let again = migrate(&place.settings, &looked, &Cancel::new()).unwrap();
    assert!(again.already_done && !looked.acted(), "it was counted or planned again");
    // Times may lose their last digit on the way through the ledger.
    let digests = |r: &lite2pg_engine::observe::Report| -> Vec<_> {
        r.tables.iter().map(|t| (t.target.clone(), t.rows, t.source_sha256.clone(), t.target_sha256.clone())).collect()
    };
    assert_eq!((again.exit, &again.run, digests(&again)), (0, &first.run, digests(&first)));
    assert!(!first.already_done);
    // Other answers shape another result.
    let mut other = Place::new(&cluster, fixtures::everything);
    other.settings.target = place.settings.target.clone();
    let error = other.migrate().unwrap_err();
    assert!(error.kind == Kind::Target && error.message.contains("source.db already"), "{}", tell(&error));
    let mut changed = place.settings.clone();
    changed.collation_database = true;
    let error = migrate(&changed, &running::Show, &Cancel::new()).unwrap_err();
    assert!(error.kind == Kind::Target && error.message.contains("other options"), "{}", tell(&error));
    let mut renamed = place.settings.clone();
    renamed.overrides.names = Some(Said { value: NameStyle::Lower, at: Origin::Flag("--names".to_owned()) });
    let error = migrate(&renamed, &running::Show, &Cancel::new()).unwrap_err();
    assert!(error.kind == Kind::Target && error.message.contains("other options"), "{}", tell(&error));
    rusqlite::Connection::open(&place.source).unwrap().execute_batch("INSERT INTO empty VALUES (1, 'new')").unwrap();
    let error = place.migrate().unwrap_err();
    assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
    assert!(error.message.contains("changed since") && error.hint.is_some());
    assert_eq!(compare(&after, &place.picture(&cluster)), "");
}

/// Runs `first` until its copy has begun, then `second` from another thread, then lets the first go on.
fn at_once<T: Send>(first: &Place, second: impl FnOnce() -> T + Send) -> (lite2pg_engine::Result<u8>, T) {
    let (began, begun) = channel();
    let (done, go_on) = channel::<()>();
    let (began, go_on) = (Mutex::new(began), Mutex::new(go_on));
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let observer = Once::new(|e: &Event| {
                let due = matches!(e, Event::StageDone { stage: "create", .. });
                if due {
                    began.lock().unwrap().send(()).unwrap();
                    let _ = go_on.lock().unwrap().recv_timeout(Duration::from_secs(60));
                }
                due
            });
            migrate(&first.settings, &observer, &Cancel::new()).map(|r| r.exit)
        });
        begun.recv_timeout(Duration::from_secs(60)).expect("the first run never came to its copy");
        let seen = second();
        drop(done);
        (thread.join().unwrap(), seen)
    })
}

#[test]
fn two_runs_at_once() {
    let cluster = Cluster::start(&[], &[]);
    let first = Place::new(&cluster, fixtures::everything);
    // The same schema of the same target, from another source and another process.
    let mut second = Place::new(&cluster, fixtures::everything);
    second.settings.target = first.settings.target.clone();
    second.settings.operator.host = "another-host".to_owned();
    let (one, two) = at_once(&first, || (second.migrate(), first.rollback(RollbackOptions::default())));
    assert_eq!(one.unwrap(), 0);
    let error = two.0.unwrap_err();
    assert_eq!(error.kind, Kind::Target);
    assert!(error.message.contains("another run holds this target"), "{}", tell(&error));
    assert!(
        error.message.contains(&format!("lite2pg {} {}", breaking::hostname(), std::process::id())),
        "{}",
        tell(&error)
    );
    let error = two.1.unwrap_err();
    assert!(error.message.contains("another run holds this target"), "rollback of a living run: {}", tell(&error));
    first.must_undo("first");

    // The same source, to another target.
    let mut third = Place::new(&cluster, |_| {});
    third.settings.source = first.source.clone();
    third.settings.lock_dir = first.settings.lock_dir.clone();
    let (one, two) = at_once(&first, || third.migrate());
    assert_eq!(one.unwrap(), 0);
    let error = two.unwrap_err();
    assert_eq!(error.kind, Kind::Source, "{}", tell(&error));
    assert!(error.message.contains(&format!("process {}", std::process::id())), "{}", tell(&error));
    first.must_undo("first");

    // Two sources, two schemas, one database.
    second.settings.schema = "beside".to_owned();
    let (one, two) = at_once(&first, || second.migrate());
    assert_eq!((one.unwrap(), two.map_err(|e| tell(&e)).unwrap().exit), (0, 0));
    let mut client = first.client(&cluster);
    let whole = lite2pg_engine::target::control::broken_audit(&mut client).unwrap();
    assert_eq!(whole, None, "two runs at once broke the audit");
    let tables = |schema: &str| {
        let lines = fingerprint(&mut cluster.client(&first.db), Some(schema));
        lines.iter().filter(|l| l.starts_with("data") && !l.contains("of_others")).count()
    };
    assert!(tables("beside") > 10 && tables("public") >= tables("beside"));
}

#[test]
fn things_in_the_way_are_named_and_stay() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    for (kind, name, make) in [
        ("table", "orders", "CREATE TABLE public.orders (theirs int); INSERT INTO public.orders VALUES (42)"),
        ("view", "lines", "CREATE VIEW public.lines AS SELECT 1 AS theirs"),
        ("materialized view", "tree", "CREATE MATERIALIZED VIEW public.tree AS SELECT 1 AS theirs"),
        ("type", "loose", "CREATE TYPE public.loose AS ENUM ('theirs')"),
        ("type", "keyless", "CREATE TYPE public.keyless AS (theirs int)"),
        ("index", "orders_by_state", "CREATE INDEX orders_by_state ON public.of_others (id)"),
        ("sequence", "customers_id_seq", "CREATE SEQUENCE public.customers_id_seq"),
        ("index", "orders_pkey", "ALTER TABLE public.of_others RENAME CONSTRAINT of_others_pkey TO orders_pkey"),
    ] {
        place.client(&cluster).batch_execute(make).unwrap();
        let before = place.picture(&cluster);
        let error = place.migrate().err().unwrap_or_else(|| panic!("{kind} {name} was not seen"));
        assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
        assert!(error.message.contains(kind) && error.message.contains(name), "{}", tell(&error));
        assert!(error.hint.is_some());
        assert_eq!(compare(&before, &place.picture(&cluster)), "", "{kind} {name}: something is left behind");
        let undo = match (kind, name) {
            ("index", "orders_pkey") => {
                "ALTER TABLE public.of_others RENAME CONSTRAINT orders_pkey TO of_others_pkey".to_owned()
            }
            _ => format!("DROP {kind} public.{name}"),
        };
        place.client(&cluster).batch_execute(&undo).unwrap();
    }
    // Taken only after the look: nothing of ours may appear, theirs stays, and the same command goes on afterwards.
    let before = place.picture(&cluster);
    let observer = Once::new(|e: &Event| {
        let due = matches!(e, Event::StageStarted { stage: "verify", .. });
        if due {
            place.client(&cluster).batch_execute("CREATE TABLE public.tree (theirs int)").unwrap();
        }
        due
    });
    let error = migrate(&place.settings, &observer, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, Kind::Target);
    assert!(error.to_string().contains("tree"), "{}", tell(&error));
    let public = |lines: Vec<String>| lines.into_iter().filter(|l| l.contains("public.")).collect::<Vec<_>>();
    let seen = compare(&public(before.clone()), &public(place.picture(&cluster)));
    assert!(seen.lines().all(|l| l.contains("tree")), "{seen}");
    place.client(&cluster).batch_execute("DROP TABLE public.tree").unwrap();
    place.must_migrate("the name is free again");
    place.must_undo("all");
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

#[test]
fn a_schema_with_other_tables_one_that_is_made_and_default_privileges() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    cluster.sql("CREATE ROLE reader LOGIN; CREATE ROLE \"odd role\" LOGIN");
    place
        .client(&cluster)
        .batch_execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader;
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO \"odd role\" WITH GRANT OPTION;
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO reader;
             ALTER DEFAULT PRIVILEGES GRANT UPDATE ON TABLES TO reader;
             GRANT USAGE ON SCHEMA public TO reader",
        )
        .unwrap();
    let before = place.picture(&cluster);
    place.must_migrate("into public");
    let gone = compare(&before, &place.picture(&cluster));
    assert!(!gone.lines().any(|l| l.starts_with('-')), "something of others changed: {gone}");
    let mut reader = postgres::Client::connect(
        &format!("host={} port={} user=reader dbname={}", place.host, place.port, place.db),
        postgres::NoTls,
    )
    .unwrap();
    let rows: i64 = reader.query_one("SELECT count(*) FROM public.orders", &[]).unwrap().get(0);
    assert_eq!(rows, 295);
    // The oracle is a table that PostgreSQL itself makes in that schema.
    let mut client = place.client(&cluster);
    client.batch_execute("CREATE TABLE public.oracle (id int GENERATED BY DEFAULT AS IDENTITY)").unwrap();
    for (ours, theirs) in [("orders", "oracle"), ("customers_id_seq", "oracle_id_seq")] {
        let sql = "SELECT relacl::text FROM pg_class WHERE oid = to_regclass('public.' || $1)";
        let acl =
            |c: &mut postgres::Client, name: &str| c.query_one(sql, &[&name]).unwrap().get::<_, Option<String>>(0);
        let sorted = |acl: Option<String>| {
            let mut parts: Vec<String> =
                acl.unwrap_or_default().trim_matches(['{', '}']).split(',').map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert_eq!(sorted(acl(&mut client, ours)), sorted(acl(&mut client, theirs)), "{ours}");
    }
    client.batch_execute("DROP TABLE public.oracle").unwrap();
    drop((client, reader));
    place.must_undo("public");
    assert_eq!(compare(&before, &place.picture(&cluster)), "");

    place.settings.schema = "New Schema".to_owned();
    place.must_migrate("into a new schema");
    let new = fingerprint(&mut place.client(&cluster), Some("New Schema"));
    assert!(new.iter().any(|l| l.starts_with("schema \"New Schema\"") && l.ends_with("comment ")), "{:?}", new.last());
    assert!(place.rollback(RollbackOptions::default()).unwrap().schema_removed);
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}
