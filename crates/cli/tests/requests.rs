//! A running migration is looked at and steered from another terminal: real processes on a real server.
//! Owns `status` and `request` as people and programs use them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use lite2pg_testkit::cluster::Cluster;
use serde_json::Value;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::*;

const ROWS: u64 = 120_000;

/// About 14 MB of values in a table of many chunks and a small one.
fn source(bench: &Bench) -> String {
    bench.sqlite(
        "big.db",
        &format!(
            "CREATE TABLE large(id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX by_text ON large(text);
             CREATE TABLE \"sm\u{1b}[31mall\"(id INTEGER PRIMARY KEY);
             INSERT INTO \"sm\u{1b}[31mall\" VALUES (1), (2);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO large SELECT i, printf('%0100d', i) FROM n;"
        ),
    )
}

/// A run that is still at its first rows, because it is throttled.
fn begin(bench: &Bench, args: &[&str], target: &str) -> Child {
    let mut child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while rows_done(bench, target).is_none_or(|rows| rows == 0) {
        assert!(child.try_wait().unwrap().is_none() && Instant::now() < until, "no run was seen");
        std::thread::sleep(Duration::from_millis(100));
    }
    child
}

fn status(bench: &Bench, target: &str) -> Value {
    bench.run(&["status", target, "--json"]).exits(0).json()
}

/// Rows that are copied, of the newest run, if it is running.
fn rows_done(bench: &Bench, target: &str) -> Option<u64> {
    let run = &status(bench, target)["runs"][0];
    (run["status"] == "running").then(|| run["rows_done"].as_u64()).flatten()
}

fn ended(child: Child) -> Out {
    let out = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Out { exit: out.status.code().unwrap(), stdout: text(out.stdout), stderr: text(out.stderr) }
}

#[test]
fn a_running_migration_is_seen_paused_slowed_and_ended_from_outside() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (source(&bench), target(&cluster, "big"));
    let slow = ["migrate", &source, &target, "--jobs", "2", "--chunk-bytes", "2MiB", "--throttle", "600KiB"];
    let child = begin(&bench, &[&slow[..], &["--log-format", "json"]].concat(), &target);
    let ask = |what: &[&str]| bench.run(&[&["request", &target], what].concat());

    let seen = status(&bench, &target);
    let live = &seen["runs"][0]["live"];
    assert_eq!((live["pid"].as_u64(), live["throttle"].as_u64()), (Some(child.id().into()), Some(600 << 10)), "{seen}");
    assert_eq!((live["paused"].as_bool(), live["tables"][0]["rows"].as_u64()), (Some(false), Some(ROWS)), "{seen}");
    assert!(live["tasks"].as_array().unwrap().iter().any(|t| t["what"] == "copy" && t["table"] == "large"), "{seen}");
    let text = bench.run(&["status", &target]).exits(0).stdout;
    assert!(text.contains("running  ") && text.contains("600 KiB/s over all workers"), "{text}");
    assert!(text.contains("lite2pg request ") && !text.contains('\u{1b}'), "{text}");
    // Another terminal looks until the end.
    let watch = bench.command(&["status", &target, "--watch=1"]).stdout(Stdio::piped()).spawn().unwrap();

    // Paused, nothing moves; then it does again.
    let before = Instant::now();
    ask(&["pause"]).exits(0);
    assert!(before.elapsed() < Duration::from_secs(5));
    assert_eq!(status(&bench, &target)["runs"][0]["live"]["paused"], true);
    let held = rows_done(&bench, &target);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(rows_done(&bench, &target), held);
    ask(&["continue"]).exits(0);
    let until = Instant::now() + Duration::from_secs(20);
    while rows_done(&bench, &target) == held {
        assert!(Instant::now() < until, "it does not go on");
        std::thread::sleep(Duration::from_millis(100));
    }
    let document = bench.run(&["request", &target, "throttle", "100KiB", "--json"]).exits(0).json();
    assert_eq!((&document["request"], &document["bytes_a_second"]), (&"throttle".into(), &(100 << 10).into()));
    assert_eq!(status(&bench, &target)["runs"][0]["live"]["throttle"], 100 << 10);

    // What cannot be.
    assert!(ask(&["pause", "7"]).exits(2).stderr.contains("only throttle"), "a rate of a pause");
    ask(&["throttle"]).exits(2);
    assert!(ask(&["pause", "--run", "none"]).exits(4).stderr.contains("no such run"));

    ask(&["abort"]).exits(0);
    let out = ended(child).exits(8);
    let events: Vec<Value> = out.stderr.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let asked: Vec<&str> =
        events.iter().filter(|e| e["event"] == "request").map(|e| e["request"].as_str().unwrap()).collect();
    assert_eq!(asked, ["pause", "continue", "throttle", "abort"]);
    assert!(events.iter().filter(|e| e["event"] == "request").all(|e| e["by"].as_str().unwrap().contains('@')));
    assert!(ended(watch).exits(0).stdout.contains("interrupted"), "the watch ends with the run");

    // Nobody is there to be asked; what to type is said.
    let late = ask(&["pause"]).exits(4);
    assert!(late.stderr.contains("it was interrupted"), "{}", late.stderr);
    let text = bench.run(&["status", &target]).exits(0).stdout;
    assert!(text.contains("go on    lite2pg migrate ") && text.contains("undo     lite2pg rollback "), "{text}");

    // What was asked of the dead process does not hold the next one.
    let done = bench.run(&["migrate", &source, &target, "--jobs", "2", "--chunk-bytes", "2MiB"]).exits(0);
    assert!(done.stdout.contains("resumed") && done.stdout.contains("published"), "{}", done.stdout);
    assert!(ask(&["abort"]).exits(4).stderr.contains("it is published"));
    let audit =
        "SELECT string_agg(detail->>'request', ' ' ORDER BY id) FROM lite2pg.audit_event WHERE event = 'request'";
    let asked: String = cluster.client("big").query_one(audit, &[]).unwrap().get(0);
    assert_eq!(asked, "pause continue throttle 102400 abort");
    assert_eq!(bench.run(&["history", &target, "--json"]).exits(0).json()["broken_audit"], Value::Null);
}

#[test]
fn ctrl_c_ends_a_paused_run_at_once() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (source(&bench), target(&cluster, "big"));
    let child = begin(&bench, &["migrate", &source, &target, "--throttle", "300KiB"], &target);
    bench.run(&["request", &target, "pause"]).exits(0);
    std::thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    signal("-INT", child.id());
    let out = ended(child).exits(8);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(out.stderr.contains("asked by ") && out.stderr.contains("to go on:"), "{}", out.stderr);
}

#[test]
fn a_role_that_may_not_look_sees_what_the_ledger_has() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (source(&bench), target(&cluster, "big"));
    let child = begin(&bench, &["migrate", &source, &target, "--throttle", "300KiB"], &target);
    let grant = |sql: &str| cluster.client("big").batch_execute(sql).unwrap();
    grant(
        "CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA lite2pg TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA lite2pg TO guest",
    );
    let guest = target.replace("postgres@", "guest@");
    let seen = status(&bench, &guest);
    let live = &seen["runs"][0]["live"];
    assert_eq!(
        (&seen["runs"][0]["status"], live["pid"].as_u64()),
        (&"running".into(), Some(child.id().into())),
        "{seen}"
    );
    assert_eq!((&live["eta_seconds"], &live["working_seconds"]), (&Value::Null, &Value::Null), "{seen}");
    assert!(live["tasks"].as_array().unwrap().iter().all(|t| t["what"] == "unseen"), "{seen}");
    // It may not ask either, and is told so.
    let refused = bench.run(&["request", &guest, "abort"]).exits(4);
    assert!(refused.stderr.contains("permission denied"), "{}", refused.stderr);
    bench.run(&["request", &target, "abort"]).exits(0);
    ended(child).exits(8);
}
