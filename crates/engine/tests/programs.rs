//! Views, triggers and helper functions in a run: proven, published and taken back with it, or in the report by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Place, tell};
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Report;
use lite2pg_engine::run::Cancel;
use lite2pg_engine::safety::rollback::RollbackOptions;
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::fault;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const PLAIN: RollbackOptions = RollbackOptions { discard_changes: false, dry_run: false, purge: false };
const DISCARD: RollbackOptions = RollbackOptions { discard_changes: true, ..PLAIN };

/// A fault is the whole process's, so tests with one take turns with all others.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHOP: &str = "
    CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL NOT NULL, state TEXT NOT NULL, n INTEGER);
    CREATE TABLE keyless (a INTEGER, b TEXT);
    WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 500)
    INSERT INTO orders SELECT i, i * 0.1, 'state ' || (i % 7), i % 11 FROM i;
    CREATE VIEW big AS SELECT id, total FROM orders WHERE total > 10;
    CREATE VIEW states AS SELECT state, sum(total) AS s FROM orders GROUP BY state;
    CREATE TRIGGER order_sent AFTER UPDATE OF state ON orders BEGIN
        INSERT INTO keyless VALUES (new.id, new.state);
    END;";

fn shop(cluster: &Cluster) -> Place {
    let mut place = Place::new(cluster, |path| fixtures::make(path, SHOP));
    place.settings.accept.clear();
    place
}

fn views(report: &Report) -> Vec<(&str, bool, Option<&str>)> {
    report.views.iter().map(|v| (v.name.as_str(), v.verified, v.not_compared.as_deref())).collect()
}

fn count(place: &Place, cluster: &Cluster, sql: &str) -> i64 {
    place.client(cluster).query_one(&format!("SELECT count(*) FROM {sql}"), &[]).unwrap().get(0)
}

#[test]
fn views_give_the_same_rows_and_triggers_fire_once_published() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let mut place = shop(&cluster);
    let before = place.picture(&cluster);
    // Into a schema that exists, object by object; and into one that the run makes, by its name.
    for schema in ["public", "of its own"] {
        place.settings.schema = schema.to_owned();
        let report = place.must_migrate(schema);
        assert_eq!(views(&report), [("big", true, None), ("states", true, None)]);
        assert_eq!(report.views[0].rows, 400);
        assert_eq!(report.views[1].approximate, ["s"]);
        let objects = report.objects;
        assert_eq!((objects.views.carried, objects.views.verified, objects.triggers.carried), (2, Some(2), 1));
        assert_eq!(count(&place, &cluster, "pg_namespace WHERE nspname LIKE 'lite2pg_staging%'"), 0);
        let staging = "(SELECT p.prosrc || p.proconfig::text AS t FROM pg_proc p UNION ALL SELECT pg_get_viewdef(c.oid) \
                       FROM pg_class c WHERE relkind = 'v') x WHERE t LIKE '%lite2pg_staging%'";
        assert_eq!(count(&place, &cluster, staging), 0, "something names the staging schema");
        // As an application does it, whose search path is its own.
        let mut client = place.client(&cluster);
        client
            .batch_execute(&format!(
                "SET search_path TO pg_catalog; UPDATE \"{schema}\".orders SET state = 'sent' WHERE id = 7"
            ))
            .unwrap();
        assert_eq!(count(&place, &cluster, &format!("\"{schema}\".keyless WHERE a = 7 AND b = 'sent'")), 1);
        let again = verify(&place.settings, Level::Checksums, &running::Show, &Cancel::new()).unwrap();
        let states = again.views.iter().find(|v| v.name == "states").unwrap();
        assert!(!states.verified && again.exit == 7, "{:?}", again.views);
        assert!(again.views.iter().any(|v| v.name == "big" && v.verified), "{:?}", again.views);
        let undone = place.rollback(DISCARD).map_err(|e| tell(&e)).unwrap();
        assert!(undone.sql.iter().all(|s| !s.contains("CASCADE")), "{:?}", undone.sql);
        assert_eq!(compare(&before, &place.picture(&cluster)), "", "{schema}");
    }
}

#[test]
fn a_view_that_gives_other_rows_is_a_difference_and_nothing_is_published() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let place = shop(&cluster);
    for (name, query, words) in [
        ("big", "SELECT id, total FROM orders WHERE total >= 10", "400 rows in the source, 401 in the target"),
        ("big", "SELECT id + 1, total FROM orders WHERE total > 10", "400 rows on both sides, and not the same ones"),
        // Rows that are there twice count twice.
        (
            "states",
            "SELECT 'state 1'::text, sum(total) FROM orders GROUP BY state",
            "7 rows on both sides, and not the same ones",
        ),
        ("states", "SELECT state, sum(total) * 1.0000001 FROM orders GROUP BY state", "column s: "),
        ("states", "SELECT state, NULL::double precision FROM orders GROUP BY state", "column s: "),
        (
            "big",
            "SELECT id, total / (id - 200)::double precision FROM orders WHERE total > 10",
            "PostgreSQL fails: division by zero",
        ),
    ] {
        fault::arm_view(Some((name, query)));
        let report = place.migrate().map_err(|e| tell(&e));
        fault::arm_view(None);
        let report = report.unwrap();
        assert_eq!((report.exit, report.status.as_str()), (Kind::Different.exit(), "different"), "{query}");
        let told: Vec<_> = report.findings.iter().filter(|f| f.code == "different").collect();
        assert!(told.len() == 1 && told[0].object == name && told[0].message.contains(words), "{query}: {told:?}");
        assert_eq!(report.objects.views.verified, Some(1));
        assert_eq!(
            count(&place, &cluster, "pg_class WHERE relname = 'orders' AND relnamespace = 'public'::regnamespace"),
            0
        );
        place.must_undo(query);
    }
    // Sums whose last digits differ are the same.
    fault::arm_view(Some(("states", "SELECT state, sum(total) * (1 + 1e-14) FROM orders GROUP BY state")));
    let report = place.migrate().map_err(|e| tell(&e));
    fault::arm_view(None);
    assert_eq!(views(&report.unwrap()), [("big", true, None), ("states", true, None)]);
}

#[test]
fn what_takes_too_long_or_has_no_certain_answer_is_listed_and_never_equal() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| {
        fixtures::make(
            path,
            "CREATE TABLE t (id INTEGER PRIMARY KEY);
             WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 3000) INSERT INTO t SELECT i FROM i;
             CREATE VIEW chances AS SELECT id, random() AS chance FROM t;
             CREATE VIEW slow AS SELECT max(a.id + b.id + c.id) AS id FROM t AS a, t AS b, t AS c;
             CREATE VIEW plain AS SELECT id FROM t;",
        );
    });
    place.settings.view_timeout = Duration::from_secs(3);
    let report = place.must_migrate("listed");
    let told = views(&report);
    assert_eq!(told[2], ("plain", true, None));
    assert!(!told[0].1 && told[0].2.is_some_and(|w| w.contains("chance")), "{told:?}");
    assert!(!told[1].1 && told[1].2.is_some_and(|w| w.contains("SQLite") && w.contains("time limit")), "{told:?}");
    assert_eq!(report.objects.views.verified, Some(1));
    place.must_undo("listed");
    // PostgreSQL alone is slow; and what cannot be compared must run all the same.
    for (name, query, exit) in [
        ("plain", "SELECT 1::bigint AS id FROM (SELECT pg_sleep(30)) s", 0),
        ("chances", "SELECT id, id / (id - 5)::double precision FROM t", 7),
        ("slow", "SELECT id / (id - 5) FROM t", 7),
    ] {
        fault::arm_view(Some((name, query)));
        let report = place.migrate().map_err(|e| tell(&e));
        fault::arm_view(None);
        let report = report.unwrap();
        assert_eq!(report.exit, exit, "{name}: {:?} {:?}", report.findings, report.views);
        let plain = views(&report)[2];
        match exit {
            0 => assert!(!plain.1 && plain.2.is_some_and(|w| w.contains("PostgreSQL")), "{plain:?}"),
            _ => assert!(report.findings.iter().any(|f| f.object == name && f.message.contains("division by zero"))),
        }
        place.must_undo(name);
    }
}

#[test]
fn rows_that_a_person_left_out_are_no_difference_of_a_view() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| {
        fixtures::make(
            path,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE); CREATE TABLE u (id INTEGER PRIMARY KEY);
             INSERT INTO t VALUES (1, '2024-01-01'), (2, 'never'); INSERT INTO u VALUES (1);
             CREATE VIEW of_t AS SELECT id, d FROM t; CREATE VIEW of_u AS SELECT id FROM u;",
        );
    });
    use lite2pg_model::mapping::choices::Choices;
    use lite2pg_model::mapping::policy::Policies;
    place.settings.choices = Choices::of(Policies::parse(["dates=quarantine"]).unwrap());
    let report = place.must_migrate("quarantine");
    assert_eq!(report.rejected, 1);
    let told = views(&report);
    assert!(!told[0].1 && told[0].2.is_some_and(|w| w.contains("as was chosen")), "{told:?}");
    assert_eq!(told[1], ("of_u", true, None));
    place.must_undo("quarantine");
    // One that fails is a difference whatever was chosen.
    fault::arm_view(Some(("of_t", "SELECT id / (id - 1), d FROM t")));
    let report = place.migrate().map_err(|e| tell(&e));
    fault::arm_view(None);
    let report = report.unwrap();
    assert_eq!(report.exit, Kind::Different.exit());
    let told: Vec<_> = report.findings.iter().filter(|f| f.code == "different").collect();
    assert!(told.len() == 1 && told[0].message.contains("PostgreSQL fails: division by zero"), "{told:?}");
}

#[test]
fn what_people_made_or_replaced_since_is_not_removed_unseen() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let place = shop(&cluster);
    let before = place.picture(&cluster);
    for (make, told) in [
        ("CREATE OR REPLACE VIEW public.big AS SELECT id, total FROM public.orders WHERE total > 11", "view big"),
        ("DROP VIEW public.big", "view big (gone)"),
        (
            "CREATE OR REPLACE FUNCTION public.order_sent_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "function order_sent_trigger()",
        ),
        ("DROP TRIGGER order_sent ON public.orders", "trigger order_sent of orders (gone)"),
        ("ALTER TABLE public.orders DISABLE TRIGGER order_sent", "trigger order_sent of orders"),
        (
            "CREATE TRIGGER theirs AFTER INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.order_sent_trigger()",
            "trigger theirs of public.orders",
        ),
        ("CREATE RULE theirs AS ON INSERT TO public.big DO INSTEAD NOTHING", "rule theirs of public.big"),
    ] {
        place.must_migrate(make);
        place.client(&cluster).batch_execute(make).unwrap();
        let there = place.picture(&cluster);
        let error = place.rollback(PLAIN).err().unwrap_or_else(|| panic!("{make}: removed unseen"));
        assert!(error.kind == Kind::Target && error.message.contains(told), "{make}: {}", tell(&error));
        assert_eq!(compare(&there, &place.picture(&cluster)), "", "{make}: half done");
        place.rollback(DISCARD).map_err(|e| tell(&e)).unwrap();
        assert_eq!(compare(&before, &place.picture(&cluster)), "", "{make}");
    }
    // What hangs on ours stops it whole.
    place.must_migrate("hanging");
    for (make, drop, name) in [
        ("CREATE VIEW public.theirs AS SELECT * FROM public.big", "DROP VIEW public.theirs", "theirs"),
        (
            "CREATE TRIGGER others AFTER INSERT ON public.of_others FOR EACH ROW EXECUTE FUNCTION public.order_sent_trigger()",
            "DROP TRIGGER others ON public.of_others",
            "others",
        ),
    ] {
        place.client(&cluster).batch_execute(make).unwrap();
        let there = place.picture(&cluster);
        let error = place.rollback(DISCARD).expect_err("theirs was removed");
        assert!(error.kind == Kind::Target && error.message.contains(name), "{}", tell(&error));
        assert!(error.hint.as_deref().is_some_and(|h| !h.contains("CASCADE")), "{}", tell(&error));
        assert_eq!(compare(&there, &place.picture(&cluster)), "", "half done");
        place.client(&cluster).batch_execute(drop).unwrap();
    }
    place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

#[test]
fn a_trigger_that_was_switched_off_or_dropped_is_noticed() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let place = shop(&cluster);
    place.must_migrate("shop");
    let look = || verify(&place.settings, Level::Counts, &running::Show, &Cancel::new()).unwrap();
    assert_eq!(look().exit, 0);
    assert!(place.migrate().is_ok_and(|r| r.already_done));
    for (sql, words) in [
        ("ALTER TABLE orders DISABLE TRIGGER order_sent", "trigger order_sent of orders (its definition)"),
        ("DROP TRIGGER order_sent ON orders", "trigger order_sent of orders (gone)"),
    ] {
        place.client(&cluster).batch_execute(sql).unwrap();
        let again = look();
        assert_eq!(again.exit, Kind::Different.exit());
        assert!(
            again.findings.iter().any(|f| f.code == "different" && f.message.contains(words)),
            "{:?}",
            again.findings
        );
        let error = place.migrate().map(|_| ()).unwrap_err();
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[test]
fn names_that_are_taken_stop_it_before_anything_is_written() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let place = shop(&cluster);
    for (make, drop, told) in [
        ("CREATE TABLE public.big (a int)", "DROP TABLE public.big", "\"big\""),
        ("CREATE VIEW public.states AS SELECT 1", "DROP VIEW public.states", "\"states\""),
        (
            "CREATE FUNCTION public.order_sent_trigger() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION public.order_sent_trigger()",
            "\"order_sent_trigger\"()",
        ),
    ] {
        place.client(&cluster).batch_execute(make).unwrap();
        let there = place.picture(&cluster);
        let error = place.migrate().expect_err("nothing stood in the way");
        assert!(error.kind == Kind::Target && error.message.contains(told), "{}", tell(&error));
        assert_eq!(compare(&there, &place.picture(&cluster)), "", "something was written");
        place.client(&cluster).batch_execute(drop).unwrap();
    }
}

#[test]
fn default_privileges_of_the_schema_are_applied_to_views_and_functions() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let place = shop(&cluster);
    place
        .client(&cluster)
        .batch_execute(
            "CREATE ROLE reader; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader; \
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO reader WITH GRANT OPTION",
        )
        .unwrap();
    place.must_migrate("privileges");
    let row = place.client(&cluster).query_one(
        "SELECT has_table_privilege('reader', 'public.big', 'SELECT'), has_table_privilege('reader', 'public.orders', 'SELECT'), \
         has_function_privilege('reader', 'public.order_sent_trigger()', 'EXECUTE WITH GRANT OPTION')",
        &[],
    ).unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), (true, true, true));
}

/// What PostgreSQL refuses of a translation is a finding before anything is written, for each object by itself; with an
/// answer the rest goes on.
#[test]
fn what_the_server_refuses_is_a_finding_and_never_an_end_in_the_middle() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| {
        fixtures::make(
            path,
            &format!("{SHOP} CREATE VIEW upon AS SELECT id FROM big; CREATE VIEW other AS SELECT id FROM orders;"),
        );
    });
    place.settings.accept.clear();
    let before = place.picture(&cluster);
    for query in [
        // Its text, its names, and what is refused only when it is planned.
        "SELECT id, total FROM orders WHERE total > > 10",
        "SELECT id, no_such_column FROM orders",
        "SELECT a.id, b.total FROM orders a FULL JOIN orders b ON a.id > b.id",
    ] {
        fault::arm_view(Some(("big", query)));
        let refused = place.migrate().map_err(|e| tell(&e));
        place.settings.accept = vec![lite2pg_engine::run::Accept::All];
        let accepted = place.migrate().map_err(|e| tell(&e));
        place.settings.accept.clear();
        fault::arm_view(None);
        let (refused, accepted) = (refused.unwrap(), accepted.unwrap());
        assert_eq!(refused.exit, Kind::NeedsDecision.exit(), "{query}");
        let told: Vec<_> = refused.findings.iter().filter(|f| f.blocks()).collect();
        let objects: Vec<_> = told.iter().map(|f| f.object.as_str()).collect();
        assert_eq!(objects, ["big", "upon"], "{told:?}");
        assert!(told[0].code == "view-not-carried" && told[0].message.contains("SQLSTATE"), "{told:?}");
        assert_eq!(refused.objects.views.carried, 2);
        assert_eq!(accepted.exit, 0, "{:?}", accepted.findings);
        assert_eq!(views(&accepted), [("states", true, None), ("other", true, None)]);
        place.must_undo(query);
        assert_eq!(compare(&before, &place.picture(&cluster)), "", "{query}");
    }
}

#[test]
fn the_plan_as_sql_is_taken_by_an_empty_database() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let own = Place::new(&cluster, fixtures::everything);
    let mut scripts = vec![("everything".to_owned(), own.settings.clone())];
    for file in ["Chinook_Sqlite.sqlite", "northwind.db", "twitter.db", "MyVideos107.db", "proj.db", "wc.db"] {
        // The real ones, where they are; their text is judged by PostgreSQL alone.
        let Some(path) = corpus(file) else { continue };
        let settings = lite2pg_engine::run::Settings { source: path, ..own.settings.clone() };
        scripts.push((file.to_owned(), settings));
    }
    for (name, settings) in scripts {
        let seen = lite2pg_engine::run::inspect(&settings, true, &running::Show, &Cancel::new()).unwrap();
        let script = seen.plan.script(&seen.details);
        assert!(!script.contains("SET LOCAL"), "{name}");
        let db = format!("empty_{}", name.replace('.', "_").to_lowercase());
        cluster.sql(&format!("CREATE DATABASE {db}"));
        let mut client = cluster.client(&db);
        client.batch_execute(&script).unwrap_or_else(|e| panic!("{name}: {:?}\n{script}", e.as_db_error()));
        println!("{name}: {} lines taken", script.lines().count());
        let made: i64 = client
            .query_one(
                "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace",
                &[],
            )
            .unwrap()
            .get(0);
        assert_eq!(made.cast_unsigned(), seen.plan.objects.views.carried, "{name}");
        for view in &seen.plan.views {
            let first = view.sql.lines().next().unwrap_or_default().trim_end();
            assert!(script.contains(&format!("--   {first}")), "{name}: {} without its text", view.name);
        }
    }
}

/// A file of the databases that `LITE2PG_CORPUS` names.
fn corpus(file: &str) -> Option<std::path::PathBuf> {
    let root = std::path::PathBuf::from(std::env::var_os("LITE2PG_CORPUS")?);
    let mut dirs = vec![root];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => dirs.push(path),
                path if path.file_name().is_some_and(|n| n == file) => return Some(path),
                _ => {}
            }
        }
    }
    None
}

#[test]
fn a_dry_run_runs_the_views_on_its_sample_and_leaves_nothing() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let place = shop(&cluster);
    let before = place.picture(&cluster);
    let dry = || lite2pg_engine::run::dry_run(&place.settings, &running::Show, &Cancel::new());
    assert_eq!(dry().map_err(|e| tell(&e)).unwrap().report.exit, 0);
    fault::arm_view(Some(("big", "SELECT id, total / (id - 200)::double precision FROM orders")));
    let failing = dry();
    fault::arm_view(None);
    let failing = failing.map_err(|e| tell(&e)).unwrap().report;
    let told = failing.findings.iter().find(|f| f.object == "big").unwrap();
    assert!(told.message.contains("division by zero"), "{told:?}");
    assert_eq!(compare(&before, &place.picture(&cluster)), "", "a dry run left something");
}

/// The names of the helper functions' schema: free before, gone afterwards, and in no other run's way.
#[test]
fn helper_functions_have_a_schema_of_their_own_that_goes_with_the_run() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| {
        fixtures::make(
            path,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'B'), (3, 'b%');
             CREATE VIEW matching AS SELECT id, x GLOB '[a-b]*' AS yes, printf('%05d', id) AS padded FROM t;",
        );
    });
    place.settings.accept.clear();
    let before = place.picture(&cluster);
    let report = place.must_migrate("helpers");
    assert_eq!(views(&report), [("matching", true, None)]);
    assert!(count(&place, &cluster, "pg_proc WHERE pronamespace = 'public_sqlite'::regnamespace") > 0);
    let comments =
        "pg_proc p WHERE pronamespace = 'public_sqlite'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL";
    assert_eq!(count(&place, &cluster, comments), 0, "a helper without a word of what it is for");
    // An application that lives in another schema and knows nothing of ours.
    place.client(&cluster).batch_execute("SET search_path TO elsewhere; SELECT * FROM public.matching").unwrap();
    place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
    // Somebody else's schema of that name; then one of ours in which somebody has put something.
    place.client(&cluster).batch_execute("CREATE SCHEMA public_sqlite").unwrap();
    let error = place.migrate().expect_err("their schema was used");
    assert!(error.kind == Kind::Target && error.message.contains("public_sqlite"), "{}", tell(&error));
    assert!(error.hint.is_some_and(|h| h.contains("--schema")));
    place.client(&cluster).batch_execute("DROP SCHEMA public_sqlite").unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "", "refused, and yet something was written");
    place.must_migrate("once more");
    place.client(&cluster).batch_execute("CREATE TABLE public_sqlite.theirs (a int)").unwrap();
    let there = place.picture(&cluster);
    let error = place.rollback(DISCARD).expect_err("theirs was removed");
    assert!(error.message.contains("theirs"), "{}", tell(&error));
    assert_eq!(compare(&there, &place.picture(&cluster)), "", "half done");
    place.client(&cluster).batch_execute("DROP TABLE public_sqlite.theirs").unwrap();
    place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "");
}

/// A rejected row that arrives later is one that the source holds already: no trigger may take it for a new one.
#[test]
fn triggers_do_not_fire_for_rejected_rows_that_arrive_later() {
    let _turn = alone();
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| {
        fixtures::make(
            path,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE); CREATE TABLE log (id INTEGER);
             INSERT INTO t VALUES (1, '2024-01-01'), (2, 'never');
             CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END;",
        );
    });
    use lite2pg_model::mapping::choices::Choices;
    use lite2pg_model::mapping::policy::Policies;
    place.settings.choices = Choices::of(Policies::parse(["dates=quarantine"]).unwrap());
    assert_eq!(place.must_migrate("quarantine").rejected, 1);
    let mend = "UPDATE t SET d = '2024-01-02' WHERE id = 2";
    rusqlite::Connection::open(&place.source).unwrap().execute_batch(mend).unwrap();
    let report =
        lite2pg_engine::run::retry(&place.settings, &running::Show, &Cancel::new()).map_err(|e| tell(&e)).unwrap();
    assert_eq!((report.retried, count(&place, &cluster, "public.t")), (1, 2));
    assert_eq!(count(&place, &cluster, "public.log"), 0, "the trigger fired for a row that is not new");
    place.client(&cluster).batch_execute("INSERT INTO public.t VALUES (3, '2024-01-03')").unwrap();
    assert_eq!(count(&place, &cluster, "public.log"), 1, "the trigger fires no longer");
}
