//! Targets that cannot be reached, may not be written to, are full, cut the connection or are set up in odd ways: a clear
//! error with what to do, or a run that ends all the same; and the same command goes on once the cause is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Once, Place, tell};
use lite2pg_engine::Error;
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Event;
use lite2pg_engine::run::{Cancel, TargetSpec, migrate};
use lite2pg_engine::target::{Conninfo, Surroundings};
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;
use lite2pg_testkit::proxy::{Fault, Proxy, Way};
use std::process::Command;
use std::time::Duration;

fn refused(place: &Place, why: &str, words: &[&str], hint: &str) -> Error {
    let error = place.migrate().err().unwrap_or_else(|| panic!("{why}: it was taken"));
    assert_eq!((error.kind, error.kind.exit()), (Kind::Target, 4), "{why}: {}", tell(&error));
    for word in words {
        assert!(error.to_string().contains(word), "{why}: no {word:?} in {}", tell(&error));
    }
    assert!(error.hint.as_deref().is_some_and(|h| h.contains(hint)), "{why}: no {hint:?} in {}", tell(&error));
    assert!(
        !place.dir.join("work").exists() || std::fs::read_dir(place.dir.join("work")).unwrap().count() == 0,
        "{why}"
    );
    error
}

#[test]
fn not_reached_or_not_let_in() {
    let hba = ["host all all 127.0.0.1/32 scram-sha-256", "local all all trust"];
    let cluster = Cluster::start(&["password_encryption = 'scram-sha-256'"], &hba);
    cluster.sql("CREATE ROLE app LOGIN PASSWORD 'right-secret'; CREATE ROLE bare LOGIN");
    let mut place = Place::new(&cluster, fixtures::everything);
    cluster.sql(&format!("GRANT CREATE ON DATABASE {} TO app", place.db));
    let before = place.picture(&cluster);
    let db = place.db.clone();
    place.to(&format!("host=127.0.0.1 port=1 user=app dbname={db} sslmode=disable"));
    refused(&place, "no server", &["127.0.0.1"], "");
    place.to(&format!("host=127.0.0.1 port={} user=app password=right-secret dbname=nowhere", cluster.port));
    refused(&place, "no database", &["nowhere"], "CREATE DATABASE");
    place.to(&format!("host=127.0.0.1 port={} user=app password=wrong-secret dbname={db}", cluster.port));
    let error = refused(&place, "wrong password", &["28P01"], "PGPASSWORD");
    let said = format!("{error:?} {}", tell(&error));
    assert!(!said.contains("wrong-secret"), "a secret in {said}");
    place.to(&format!("host=127.0.0.1 port={} user=app dbname={db}", cluster.port));
    refused(&place, "no password", &["password"], "PGPASSWORD");
    let bare = format!("host={} port={} user=bare dbname={db}", cluster.socket_dir.display(), cluster.port);
    place.to(&bare);
    refused(&place, "no right", &["bare"], &format!("GRANT CREATE ON DATABASE \"{db}\" TO \"bare\""));
    // What the hint says is enough but for the schema, which has a hint of its own.
    cluster.sql(&format!("GRANT CREATE ON DATABASE {db} TO bare"));
    refused(&place, "no right in the schema", &["bare"], "GRANT CREATE ON SCHEMA \"public\" TO \"bare\"");
    cluster.client(&db).batch_execute("GRANT CREATE ON SCHEMA public TO bare").unwrap();
    place.must_migrate("with what the hints said");
    place.must_undo("bare");
    cluster.client(&db).batch_execute("REVOKE CREATE ON SCHEMA public FROM bare").unwrap();
    place.settings.schema = "of_bare".to_owned();
    place.must_migrate("a schema of its own");
    place.must_undo("bare");
    let seen = compare(&before, &place.picture(&cluster));
    assert!(seen.lines().all(|l| l.contains("schema public")), "{seen}");
}

#[test]
fn settings_of_the_role_and_the_database() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    let db = place.db.clone();
    let set = |what: &str| cluster.sql(&format!("ALTER ROLE app {what}"));
    cluster.sql("CREATE ROLE app LOGIN");
    cluster
        .client(&db)
        .batch_execute(&format!("GRANT CREATE ON DATABASE {db} TO app; GRANT CREATE ON SCHEMA public TO app"))
        .unwrap();
    let granted = place.picture(&cluster);
    place.to(&format!("host={} port={} user=app dbname={db}", cluster.socket_dir.display(), cluster.port));
    set("SET default_transaction_read_only = on");
    refused(&place, "read-only", &["read-only"], "target_session_attrs");
    set("RESET ALL");
    for setting in [
        "statement_timeout = '5ms'",
        "lock_timeout = '1ms'",
        "idle_session_timeout = '30ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_isolation = 'repeatable read'",
        "synchronous_commit = off",
        "search_path = 'elsewhere', 'public'",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'sql_standard'",
        "timezone = 'Asia/Kathmandu'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "standard_conforming_strings = off",
        "client_encoding = 'LATIN1'",
        "transform_null_equals = on",
        "quote_all_identifiers = on",
        "row_security = off",
        "default_with_oids = off",
        "check_function_bodies = off",
        "work_mem = '64kB'",
        "array_nulls = off",
    ] {
        set(&format!("SET {setting}"));
        place.must_migrate(setting);
        place.must_undo(setting);
        set("RESET ALL");
        assert_eq!(compare(&granted, &place.picture(&cluster)), "", "{setting}");
    }
}

#[test]
fn hardly_a_connection_is_left() {
    let cluster = Cluster::start(&["max_connections = 12"], &[]);
    cluster.sql("CREATE ROLE app LOGIN");
    let mut place = Place::new(&cluster, fixtures::everything);
    let db = place.db.clone();
    let rights = format!("GRANT CREATE ON DATABASE {db} TO app; GRANT CREATE ON SCHEMA public TO app");
    cluster.client(&db).batch_execute(&rights).unwrap();
    place.settings.jobs = 4;
    place.to(&format!("host={} port={} user=app dbname={db}", cluster.socket_dir.display(), cluster.port));
    for limit in [1, 2, 3] {
        cluster.sql(&format!("ALTER ROLE app CONNECTION LIMIT {limit}"));
        place.must_migrate(&format!("connection limit {limit}"));
        // The server needs a moment to see that a connection was closed.
        std::thread::sleep(Duration::from_millis(300));
        place.must_undo("limit");
        std::thread::sleep(Duration::from_millis(300));
    }
    cluster.sql("ALTER ROLE app CONNECTION LIMIT -1");
    // Others hold all but one of the connections that are not kept for superusers.
    let others: Vec<_> = (0..8).map(|_| cluster.client("postgres")).collect();
    std::thread::sleep(Duration::from_millis(300));
    place.must_migrate("one connection is left");
    std::thread::sleep(Duration::from_millis(300));
    place.must_undo("one connection");
    let more = cluster.client("postgres");
    let error = place.migrate().unwrap_err();
    assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
    assert!(error.message.contains("53300") && error.hint.is_some(), "{}", tell(&error));
    drop((others, more));
    std::thread::sleep(Duration::from_millis(300));
    place.must_migrate("connections are free again");
}

#[test]
fn the_connection_is_cut() {
    let cluster = Cluster::start(&[], &[]);
    let proxy = Proxy::start(cluster.port);
    let mut place = Place::new(&cluster, |path| fixtures::million(path, 20_000));
    place.settings.chunk_bytes = 100_000;
    let before = place.picture(&cluster);
    place.must_migrate("uninterrupted");
    let after = place.picture(&cluster);
    place.must_undo("uninterrupted");
    place.by("127.0.0.1", proxy.port);
    for way in [Way::Up, Way::Down] {
        proxy.reset();
        place.must_migrate("counting");
        let all = proxy.passed(way);
        place.must_undo("counting");
        for i in 1..=13_u64 {
            let fault = if i % 3 == 0 { Fault::Truncate } else { Fault::Cut };
            // The first at the very beginning, the last at the very end.
            let at = match i {
                1 => 50,
                13 => all - 60,
                _ => all * i / 14,
            };
            proxy.arm(way, at, fault);
            let why = format!("{fault:?} at byte {at} of {all} {way:?}");
            let outcome = place.migrate();
            proxy.reset();
            match outcome {
                Ok(report) => assert_eq!(report.exit, 0, "{why}"),
                Err(error) => {
                    assert_eq!(error.kind, Kind::Target, "{why}: {}", tell(&error));
                    assert!(error.hint.is_some(), "{why}: {}", tell(&error));
                    assert_ne!(compare(&after, &place.picture(&cluster)), "", "{why}: an error, and yet published");
                }
            }
            place.must_migrate(&why);
            assert_eq!(compare(&after, &place.picture(&cluster)), "", "{why}");
            place.must_undo(&why);
            assert_eq!(compare(&before, &place.picture(&cluster)), "", "{why}");
        }
    }
    // A network that stops for a moment and goes on is no error.
    proxy.arm(Way::Up, 300_000, Fault::Stall);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| place.must_migrate("stalled"));
        // Released only once it has come: else it would come later and last for ever.
        while !proxy.is_stalled() && !run.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(1000));
        assert!(!run.is_finished(), "the stall did nothing");
        proxy.release();
    });
}

#[test]
fn the_disk_is_full() {
    let dir = std::path::PathBuf::from(format!("/tmp/l2p-full-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    let mount = |args: &[&str]| Command::new("mount").args(args).arg(&dir).status().is_ok_and(|s| s.success());
    // More than the least that is needed, which is asked for beforehand; less than all.
    if !mount(&["-t", "tmpfs", "-o", "size=30m", "none"]) {
        std::fs::remove_dir(&dir).unwrap();
        println!("skipped: this needs the right to mount a file system");
        return;
    }
    let done = std::panic::catch_unwind(|| {
        let cluster = Cluster::start(&[], &[]);
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&cluster.dir).unwrap());
        std::os::unix::fs::chown(&dir, Some(owner), None).unwrap();
        cluster.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", dir.display()));
        let place = Place::new(&cluster, |path| fixtures::million(path, 300_000));
        cluster.sql(&format!("ALTER DATABASE {} SET TABLESPACE small", place.db));
        let before = place.picture(&cluster);
        let error = place.migrate().unwrap_err();
        assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
        assert!(error.message.contains("53100"), "{}", tell(&error));
        assert!(error.hint.as_deref().is_some_and(|h| h.contains("disk is full")), "{}", tell(&error));
        // Undoing must be possible on a full disk.
        place.must_undo("on a full disk");
        assert_eq!(compare(&before, &place.picture(&cluster)), "");
        assert_eq!(place.migrate().unwrap_err().kind, Kind::Target);
        assert!(Command::new("mount").args(["-o", "remount,size=400m"]).arg(&dir).status().unwrap().success());
        place.must_migrate("there is space again");
        place.must_undo("there is space again");
        assert_eq!(compare(&before, &place.picture(&cluster)), "");
    });
    Command::new("umount").arg(&dir).status().unwrap();
    std::fs::remove_dir(&dir).unwrap();
    done.unwrap();
}

#[test]
fn collations_and_encodings() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, |path| {
        fixtures::make(
            path,
            "CREATE TABLE words (w TEXT PRIMARY KEY, u TEXT UNIQUE);
             INSERT INTO words VALUES ('a', 'B'), ('B', 'a'), ('b', 'é'), ('A', 'z'), ('é', '_'), ('Z', 'Ä'), ('_', '1'), ('10', 'a b'), ('9', 'ab');
             CREATE INDEX by_u ON words (u DESC);",
        );
    });
    for (encoding, locale) in [("SQL_ASCII", "C"), ("LATIN1", "C")] {
        cluster.sql(&format!(
            "CREATE DATABASE bad ENCODING '{encoding}' LC_COLLATE '{locale}' LC_CTYPE '{locale}' TEMPLATE template0"
        ));
        place.to(&format!("host={} port={} user=postgres dbname=bad", cluster.socket_dir.display(), cluster.port));
        refused(&place, encoding, &["UTF8"], "CREATE DATABASE");
        cluster.sql("DROP DATABASE bad");
    }
    let order = |db: &str, column: &str| -> Vec<String> {
        let sql = format!("SELECT {column} FROM public.words ORDER BY {column}");
        cluster.client(db).query(&sql, &[]).unwrap().iter().map(|r| r.get(0)).collect()
    };
    let source = rusqlite::Connection::open(&place.source).unwrap();
    let mut tried = 0;
    for (name, how) in [
        ("icu", "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'"),
        ("icu_nocase", "LOCALE_PROVIDER icu ICU_LOCALE 'und-u-ks-level2' LOCALE 'C.UTF-8'"),
        ("libc", "LOCALE 'en_US.UTF-8'"),
        ("c_utf8", "LOCALE 'C.UTF-8'"),
    ] {
        let sql = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0 {how}");
        if let Err(e) = cluster.client("postgres").batch_execute(&sql) {
            println!("not on this machine: {name} ({})", e.as_db_error().unwrap().message());
            continue;
        }
        tried += 1;
        place.to(&format!("host={} port={} user=postgres dbname={name}", cluster.socket_dir.display(), cluster.port));
        place.must_migrate(name);
        for column in ["w", "u"] {
            let mut q = source.prepare(&format!("SELECT {column} FROM words ORDER BY {column}")).unwrap();
            let wanted: Vec<String> = q.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(order(name, column), wanted, "{name}: {column} is ordered otherwise than in SQLite");
        }
        place.must_undo(name);
    }
    assert!(tried > 1, "no collation but C on this machine");
}

#[test]
fn what_is_in_public_does_no_harm() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, fixtures::everything);
    // Functions and types that a search path could pick up in place of PostgreSQL's own, each of which fails or lies.
    let shadows = "
        CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'shadow lower'; END$$;
        CREATE FUNCTION public.length(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'shadow length'; END$$;
        CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'shadow lower'; END$$;
        CREATE FUNCTION public.count(bigint) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE 'shadow count'; END$$;
        CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE 'shadow now'; END$$;
        CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'shadow setting'; END$$;
        CREATE FUNCTION public.eq(text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'shadow ='; END$$;
        CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.eq);
        CREATE DOMAIN public.text AS pg_catalog.int4;
        CREATE DOMAIN public.bigint AS pg_catalog.text;
        CREATE TABLE public.pg_class (theirs int); CREATE TABLE public.pg_namespace (theirs int);";
    place.client(&cluster).batch_execute(shadows).unwrap();
    cluster.sql(&format!("ALTER DATABASE {} SET search_path = public, pg_catalog", place.db));
    let shadowed = place.picture(&cluster);
    place.must_migrate("with shadows");
    place.must_undo("with shadows");
    assert_eq!(compare(&shadowed, &place.picture(&cluster)), "");
    // Event triggers run for our statements too: one that writes a log, and one that forbids.
    place.settings.schema = "logged".to_owned();
    let watch = "
        CREATE TABLE elsewhere.ddl (tag pg_catalog.text, at timestamptz DEFAULT pg_catalog.now());
        CREATE FUNCTION elsewhere.note() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO elsewhere.ddl (tag) VALUES (tg_tag); END$$;
        CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION elsewhere.note();";
    place.client(&cluster).batch_execute(watch).unwrap();
    place.must_migrate("with an event trigger");
    place.must_undo("with an event trigger");
    let forbid = "
        CREATE FUNCTION elsewhere.forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no indexes on Fridays'; END$$;
        CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION elsewhere.forbid();";
    place.client(&cluster).batch_execute(forbid).unwrap();
    let error = place.migrate().unwrap_err();
    assert!(error.kind == Kind::Target && error.message.contains("no indexes on Fridays"), "{}", tell(&error));
    place.client(&cluster).batch_execute("DROP EVENT TRIGGER forbid").unwrap();
    place.must_migrate("allowed again");
    place.must_undo("allowed again");
}

#[test]
fn rights_that_go_in_the_middle_and_a_password_that_stays_ours() {
    // The role loses its rights in the middle: an error, nothing visible; with the rights back the same command goes on.
    let cluster = Cluster::start(&[], &[]);
    cluster.sql("CREATE ROLE app LOGIN");
    let mut place = Place::new(&cluster, fixtures::everything);
    let db = place.db.clone();
    let rights = |word: &str, to: &str| {
        let sql = format!("{word} CREATE ON DATABASE {db} {to} app; {word} CREATE ON SCHEMA public {to} app");
        cluster.client(&db).batch_execute(&sql).unwrap();
    };
    rights("GRANT", "TO");
    place.to(&format!("host={} port={} user=app dbname={db}", cluster.socket_dir.display(), cluster.port));
    let observer = Once::new(|e: &Event| {
        let due = matches!(e, Event::StageStarted { stage: "verify", .. });
        if due {
            rights("REVOKE", "FROM");
        }
        due
    });
    let error = migrate(&place.settings, &observer, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, Kind::Target, "{}", tell(&error));
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("GRANT")), "{}", tell(&error));
    let there: i64 = place
        .client(&cluster)
        .query_one("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", &[])
        .unwrap()
        .get(0);
    assert_eq!(there, 1, "only of_others");
    rights("GRANT", "TO");
    place.must_migrate("with the rights back");
    // A password that is wrong is in no message, nor in the control tables.
    let conninfo = Conninfo::parse(
        &format!(
            "host={} port={} user=app password=secret-word dbname={db}",
            cluster.socket_dir.display(),
            cluster.port
        ),
        &Surroundings::default(),
    )
    .unwrap();
    place.must_undo("rights");
    place.settings.target = TargetSpec::Server(conninfo);
    let report = place.must_migrate("with a password");
    assert!(!serde_json::to_string(&report).unwrap().contains("secret-word"));
    let mut client = place.client(&cluster);
    for table in ["migration_history", "audit_event", "migration_step"] {
        let sql = format!("SELECT count(*) FROM lite2pg.{table} t WHERE t::text LIKE '%secret-word%'");
        assert_eq!(client.query_one(&sql, &[]).unwrap().get::<_, i64>(0), 0, "{table}");
    }
}
