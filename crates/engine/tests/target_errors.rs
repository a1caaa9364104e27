//! What a real server's errors become: every one with its SQLSTATE and with what to do.
//! Owns the cases; the errors are the server's own.

use lite2pg_engine::Kind;
use lite2pg_engine::target::{error_from_pg, is_connection_lost};
use lite2pg_testkit::cluster::Cluster;

#[test]
fn hints_by_sqlstate() {
    let cluster = Cluster::start(&[], &[]);
    cluster.sql(
        "CREATE ROLE app LOGIN; CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, s varchar(2)); INSERT INTO t VALUES (1, 1);
         CREATE TABLE c (t int REFERENCES t); CREATE SCHEMA \"se\"\"cret\"; GRANT SELECT ON t TO app",
    );
    for (sql, state, object, hint) in [
        ("INSERT INTO t VALUES (1, 1)", "23505", Some("public.t.t_pkey"), "same key"),
        ("INSERT INTO t VALUES (2, NULL)", "23502", Some("public.t.n"), "constraint"),
        ("INSERT INTO c VALUES (9)", "23503", Some("public.c.c_t_fkey"), "orphan"),
        ("INSERT INTO t VALUES (2, 1, 'abc')", "22001", None, "wider type"),
        ("CREATE TABLE t ()", "42P07", None, "--schema"),
        ("SET transaction_read_only = on; CREATE TABLE u ()", "25006", None, "primary"),
        (
            "SET ROLE app; CREATE TABLE \"se\"\"cret\".u ()",
            "42501",
            None,
            "GRANT USAGE, CREATE ON SCHEMA \"se\"\"cret\"",
        ),
        (
            "SET ROLE app; INSERT INTO t VALUES (2, 2)",
            "42501",
            None,
            "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON TABLE \"t\"",
        ),
        ("SET ROLE app; CREATE SCHEMA x", "42501", None, "GRANT CONNECT, CREATE, TEMPORARY ON DATABASE \"postgres\""),
        ("SET ROLE app; DROP TABLE t", "42501", None, "connect as the owner of table t"),
        ("SET ROLE app; CREATE ROLE x", "42501", None, "administrator"),
        ("SET statement_timeout = 10; SELECT pg_sleep(5)", "57014", None, "statement_timeout"),
        ("SELECT 1 FROM nowhere.x", "42P01", None, ""),
    ] {
        let error = cluster.client("postgres").batch_execute(sql).unwrap_err();
        assert!(!is_connection_lost(&error));
        let error = error_from_pg(error, "trying");
        assert_eq!(error.kind, Kind::Target);
        assert!(error.message.starts_with("trying: ") && error.message.contains(state), "{sql}: {error:?}");
        assert_eq!(error.object.as_deref(), object, "{sql}");
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{sql}: {error:?}");
    }
}

#[test]
fn locks() {
    let cluster = Cluster::start(&[], &[]);
    cluster.sql("CREATE TABLE t ()");
    let mut holder = cluster.client("postgres");
    holder.batch_execute("BEGIN; LOCK t").unwrap();
    let error = cluster.client("postgres").batch_execute("SET lock_timeout = 50; SELECT * FROM t").unwrap_err();
    let error = error_from_pg(error, "reading t");
    assert!(error.message.contains("55P03") && error.hint.unwrap().contains("pg_locks"));
}

#[test]
fn a_lost_connection_can_be_resumed() {
    let cluster = Cluster::start(&["idle_session_timeout = 300"], &[]);
    let ended = |how: &str, cluster: &Cluster| {
        let mut client = cluster.client("postgres");
        let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        match how {
            "terminate" => cluster.sql(&format!("SELECT pg_terminate_backend({pid})")),
            "idle" => std::thread::sleep(std::time::Duration::from_millis(800)),
            signal => {
                let kill = std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
                assert!(kill.success());
            }
        }
        let mut errors = Vec::new();
        for _ in 0..2 {
            std::thread::sleep(std::time::Duration::from_millis(200));
            errors.push(client.batch_execute("SELECT 1").unwrap_err());
        }
        for error in errors {
            assert!(is_connection_lost(&error), "{how}: {error:?}");
            assert!(error_from_pg(error, "copying").hint.unwrap().contains("resume"));
        }
    };
    ended("terminate", &cluster);
    ended("idle", &cluster);
    ended("-KILL", &cluster);
}

/// docs/resume.md has every row of the table, under the answer that it gives.
#[test]
fn the_page_about_trying_again_has_every_rule() {
    use lite2pg_engine::target::transient::{Answer, RULES, Reached, Sign};
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/resume.md");
    let page = std::fs::read_to_string(page).unwrap();
    let part = |from: &str| page.split(from).nth(1).unwrap().split("\n**").next().unwrap().to_owned();
    for rule in RULES {
        let part = part(match rule.answer {
            Answer::Repeat => "**Repeated**",
            Answer::Again(Reached::Start) => "**Another attempt, from the very first",
            Answer::Again(Reached::Connected) => "**Another attempt**",
            Answer::Again(Reached::Begun) => "**Another attempt, once the run",
            Answer::Stop => "**The run stops",
        });
        assert!(part.contains(rule.name), "{} is not where it belongs", rule.name);
        match rule.sign {
            // The rows of a class stand for their members.
            Sign::State(code) if !code.starts_with("23") => assert!(part.contains(&format!("`{code}`")), "{code}"),
            Sign::Class(class) => assert!(part.contains(&format!("`{class}…`")), "{class}"),
            _ => {}
        }
    }
}
