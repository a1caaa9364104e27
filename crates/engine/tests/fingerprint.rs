//! The fingerprint of a target sees what DDL makes and what is in small tables; an undo leaves it as it was, says what others
//! changed meanwhile, and takes nothing with it that is not its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Place, tell};
use lite2pg_engine::safety::fingerprint::{Change, Fingerprint, Rows, stored, take};
use lite2pg_engine::safety::rollback::RollbackOptions;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;
use postgres::Client;

const PLAIN: RollbackOptions = RollbackOptions { discard_changes: false, dry_run: false, purge: false };

fn print(client: &mut Client, control: bool) -> Fingerprint {
    let mut tx = client.transaction().unwrap();
    take(&mut tx, control, &Rows::Of("public".to_owned())).map_err(|e| tell(&e)).unwrap()
}

/// One of each kind of object that a database may have, and what it is called in the fingerprint.
const KINDS: &[(&str, &str)] = &[
    ("CREATE SCHEMA s", "schema s"),
    ("COMMENT ON SCHEMA s IS 'x'", "schema s"),
    ("GRANT USAGE ON SCHEMA s TO someone", "schema s"),
    ("CREATE TABLE s.\"A b\" (i int, t text)", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ALTER t SET DEFAULT 'x'", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ALTER t TYPE varchar(9)", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ALTER i SET NOT NULL", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ALTER i ADD GENERATED ALWAYS AS IDENTITY", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ALTER t SET STATISTICS 7", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ALTER t SET STORAGE plain", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" SET (fillfactor = 70)", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ENABLE ROW LEVEL SECURITY", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" OWNER TO someone", "table s.\"A b\""),
    ("GRANT SELECT (t) ON s.\"A b\" TO someone", "table s.\"A b\""),
    ("COMMENT ON COLUMN s.\"A b\".t IS 'x'", "table s.\"A b\""),
    ("ALTER TABLE s.\"A b\" ADD CONSTRAINT c CHECK (i > 0) NOT VALID", "constraint c of s.\"A b\""),
    ("ALTER TABLE s.\"A b\" VALIDATE CONSTRAINT c", "constraint c of s.\"A b\""),
    ("CREATE INDEX x ON s.\"A b\" (lower(t))", "index s.x"),
    ("ALTER TABLE s.\"A b\" CLUSTER ON x", "index s.x"),
    ("CREATE POLICY p ON s.\"A b\" USING (i > 1)", "policy p of s.\"A b\""),
    ("CREATE RULE r AS ON DELETE TO s.\"A b\" DO INSTEAD NOTHING", "rule r of s.\"A b\""),
    ("CREATE STATISTICS s.st ON i, t FROM s.\"A b\"", "statistics s.st"),
    ("CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "function s.f()"),
    ("ALTER FUNCTION s.f() SECURITY DEFINER", "function s.f()"),
    ("CREATE TRIGGER g BEFORE INSERT ON s.\"A b\" FOR EACH ROW EXECUTE FUNCTION s.f()", "trigger g of s.\"A b\""),
    ("ALTER TABLE s.\"A b\" DISABLE TRIGGER g", "trigger g of s.\"A b\""),
    ("CREATE VIEW s.v AS SELECT 1 AS one", "view s.v"),
    ("CREATE OR REPLACE VIEW s.v AS SELECT 2 AS one", "view s.v"),
    ("CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS one WITH NO DATA", "materialized view s.m"),
    ("CREATE SEQUENCE s.q", "sequence s.q"),
    ("ALTER SEQUENCE s.q CACHE 5", "sequence s.q"),
    ("SELECT nextval('s.q')", "position of sequence s.q"),
    ("CREATE TYPE s.mood AS ENUM ('a')", "type s.mood"),
    ("ALTER TYPE s.mood ADD VALUE 'b' BEFORE 'a'", "type s.mood"),
    ("CREATE DOMAIN s.d AS int CHECK (VALUE > 0)", "type s.d"),
    ("ALTER DOMAIN s.d ADD CONSTRAINT dc CHECK (VALUE < 9)", "constraint dc of s.d"),
    ("CREATE TYPE s.comp AS (a int)", "type s.comp"),
    ("ALTER TYPE s.comp ADD ATTRIBUTE b int", "type s.comp"),
    ("CREATE AGGREGATE s.agg (int) (sfunc = int4pl, stype = int)", "aggregate s.agg(integer)"),
    ("CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'", "procedure s.p()"),
    ("CREATE COLLATION s.c FROM \"C\"", "collation s.c"),
    ("CREATE OPERATOR s.=== (leftarg = int, rightarg = int, function = int4eq)", "operator s.===(integer,integer)"),
    ("CREATE TEXT SEARCH CONFIGURATION s.ts (COPY = simple)", "text search configuration s.ts"),
    ("CREATE CAST (s.mood AS s.comp) WITH INOUT", "cast (s.mood AS s.comp)"),
    ("CREATE PUBLICATION pub FOR TABLE s.\"A b\"", "publication pub"),
    ("CREATE FOREIGN DATA WRAPPER w", "foreign-data wrapper w"),
    ("CREATE SERVER sv FOREIGN DATA WRAPPER w", "server sv"),
    ("CREATE FOREIGN TABLE s.ft (a int) SERVER sv", "foreign table s.ft"),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO someone",
        "default privileges of postgres in s for r",
    ),
    ("CREATE FUNCTION public.ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", "function public.ev()"),
    ("CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION public.ev()", "event trigger et"),
    ("ALTER DATABASE kinds SET work_mem = '5MB'", "settings of every role in kinds"),
    ("COMMENT ON DATABASE kinds IS 'x'", "database kinds"),
    ("SELECT lo_create(0)", "large objects"),
    ("CREATE TABLE public.t AS SELECT 1 AS a", "table public.t"),
    ("INSERT INTO public.t VALUES (2)", "rows of public.t"),
    ("UPDATE public.t SET a = 3 WHERE a = 2", "rows of public.t"),
];

#[test]
fn it_sees_every_kind_of_object_and_every_change_of_one() {
    let cluster = Cluster::start(&[], &[]);
    cluster.sql("CREATE ROLE someone");
    cluster.sql("CREATE DATABASE kinds");
    let mut client = cluster.client("kinds");
    let mut before = print(&mut client, false);
    assert_eq!(before, print(&mut client, false), "not the same twice");
    for (sql, object) in KINDS {
        client.batch_execute(sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let now = print(&mut client, false);
        let changes: Vec<_> = before.changes(&now).collect();
        assert!(changes.iter().any(|(name, how)| name == object && *how != Change::Gone), "{sql}: {changes:?}");
        assert_ne!(before.sha256, now.sha256, "{sql}");
        before = now;
    }
    // The rows of a table that may not be read have no line, and fail nothing.
    client.batch_execute("GRANT SELECT ON s.v TO someone; SET ROLE someone").unwrap();
    let seen = print(&mut client, false);
    assert!(!seen.objects.contains_key("rows of public.t") && seen.objects.contains_key("table public.t"));
    // What stays the same for all its statistics and its files.
    for sql in ["RESET ROLE", "VACUUM FULL", "ANALYZE", "SET extra_float_digits = 0", "SET timezone = 'Asia/Tokyo'"] {
        client.batch_execute(sql).unwrap();
    }
    // Somebody was given a right above.
    assert_eq!(before.changes(&print(&mut client, false)).collect::<Vec<_>>(), [("view s.v", Change::Altered)]);
}

#[test]
fn an_undo_leaves_the_target_as_it_was_before_the_run() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    let (picture, whole) = (place.picture(&cluster), print(&mut place.client(&cluster), true));
    for (schema, purge) in [("public", false), ("made", false), ("public", true), ("made", true)] {
        place.settings.schema = schema.to_owned();
        let report = place.must_migrate(schema);
        let mut client = place.client(&cluster);
        let then = stored(&mut client, &report.run).map_err(|e| tell(&e)).unwrap().expect("none was stored");
        assert_ne!(print(&mut client, true).sha256, whole.sha256, "the run is not seen");
        let undone = place.rollback(RollbackOptions { purge, ..PLAIN }).map_err(|e| tell(&e)).unwrap();
        assert!(undone.proof.verified && undone.proof.as_before, "{schema} {purge}: {:?}", undone.proof);
        assert_eq!((&undone.proof.before_sha256, &undone.proof.after_sha256), (&then.sha256, &then.sha256));
        assert!(undone.proof.others.is_empty(), "{:?}", undone.proof);
        assert_eq!(compare(&picture, &place.picture(&cluster)), "");
        if purge {
            // Nothing at all of ours is left, the control tables' schema included.
            assert_eq!(whole.changes(&print(&mut client, true)).collect::<Vec<_>>(), []);
            assert_eq!(whole.sha256, print(&mut client, true).sha256);
        }
    }
}

#[test]
fn what_others_changed_meanwhile_is_told_and_stays() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    place.must_migrate("first");
    place
        .client(&cluster)
        .batch_execute(
            "CREATE TABLE elsewhere.new (a int); DROP VIEW elsewhere.v; SELECT nextval('public.counter'); \
             ALTER TABLE public.of_others ADD COLUMN more int; DELETE FROM public.of_others WHERE id = 7",
        )
        .unwrap();
    let dry = place.rollback(RollbackOptions { dry_run: true, ..PLAIN }).map_err(|e| tell(&e)).unwrap();
    assert!(dry.refusals.is_empty(), "{:?}", dry.refusals);
    let expected = [
        "position of sequence public.counter (changed)",
        "rows of public.of_others (changed)",
        "table public.of_others (changed)",
        "view elsewhere.v (gone)",
        "table elsewhere.new (made)",
    ];
    let without_rows: Vec<&str> = expected.iter().copied().filter(|o| !o.starts_with("rows")).collect();
    assert_eq!(dry.proof.others, without_rows);
    let undone = place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    assert!(undone.proof.verified && !undone.proof.as_before);
    assert_eq!(undone.proof.others, expected);
    assert_eq!(place.client(&cluster).query("SELECT * FROM elsewhere.new", &[]).unwrap().len(), 0);
}

#[test]
fn an_undo_that_would_take_more_than_its_own_is_not_done() {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, fixtures::everything);
    place.must_migrate("first");
    // An event trigger of the application's that removes more than was asked for, and one that only keeps a log.
    let mut client = place.client(&cluster);
    client
        .batch_execute(
            "CREATE TABLE elsewhere.log (what text); \
             CREATE FUNCTION elsewhere.noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO elsewhere.log VALUES (tg_tag); END $$; \
             CREATE FUNCTION elsewhere.bad() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
                 DROP VIEW IF EXISTS elsewhere.v; END $$; \
             CREATE EVENT TRIGGER noted ON sql_drop EXECUTE FUNCTION elsewhere.noted(); \
             CREATE EVENT TRIGGER bad ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION elsewhere.bad()",
        )
        .unwrap();
    let there = place.picture(&cluster);
    let error = place.rollback(PLAIN).err().unwrap_or_else(|| panic!("somebody else's view was removed"));
    assert!(error.message.contains("view elsewhere.v"), "{}", tell(&error));
    assert_eq!(compare(&there, &place.picture(&cluster)), "", "half done");
    client.batch_execute("DROP EVENT TRIGGER bad").unwrap();
    let undone = place.rollback(PLAIN).map_err(|e| tell(&e)).unwrap();
    let log = "rows of elsewhere.log (written by an event trigger while undoing)".to_owned();
    assert!(undone.proof.others.contains(&log), "{:?}", undone.proof);
}
