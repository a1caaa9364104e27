//! `migrate` and what belongs to it, by the real binary on a real server: exit statuses, second runs, interruption.
//! Owns the checks of what the command does; the wording is checked in `seen.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use lite2pg_testkit::cluster::Cluster;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::*;

#[test]
fn first_run_second_run_change_and_undo() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    let first = bench.run(&["migrate", &source, &target]).exits(0);
    assert!(first.stdout.contains("published to schema public"), "{}", first.stdout);
    let mut client = cluster.client("shop");
    let sum = "SELECT count(*), sum(total)::text FROM orders JOIN customers c ON c.id = customer";
    let row = client.query_one(sum, &[]).unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, String>(1)), (4, "29.55".to_owned()));
    // Its next value lies beyond every key.
    assert_eq!(
        client.query_one("INSERT INTO customers(name) VALUES ('x') RETURNING id", &[]).unwrap().get::<_, i64>(0),
        8
    );
    let changed = bench.run(&["verify", &source, &target]).exits(7);
    assert!(changed.stdout.contains("DIFFERENT: 4 rows in the target"), "{}", changed.stdout);
    let kept = bench.run(&["rollback", &source, &target]).exits(4);
    assert!(kept.stderr.contains("--discard-changes"), "{}", kept.stderr);
    client.batch_execute("DELETE FROM customers WHERE id = 8").unwrap();

    let second = bench.run(&["migrate", &source, &target]).exits(0);
    assert!(second.stdout.contains("already done"), "{}", second.stdout);
    assert!(second.stdout.lines().count() <= 6, "{}", second.stdout);
    bench.run(&["verify", &source, &target]).exits(0);
    bench.run(&["rollback", &source, &target, "--dry-run"]).exits(0);
    assert_eq!(client.query_one("SELECT count(*) FROM orders", &[]).unwrap().get::<_, i64>(0), 4);
    bench.run(&["rollback", &source, &target, "--purge"]).exits(0);
    let left = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                WHERE nspname = 'public' OR nspname LIKE 'lite2pg%'";
    assert_eq!(client.query_one(left, &[]).unwrap().get::<_, i64>(0), 0);
}

#[test]
fn exit_statuses_tell_what_happened() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, here) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    for usage in [
        &["migrate"][..],
        &["migrate", &source, "shop"],
        &["migrate", &source, &here, "--policy", "colour=red"],
        &["migrate", &source, &here, "--chunk-bytes", "many"],
        &["migrate", &source, &here, "--jobs", "0"],
        &["fly"],
    ] {
        let out = bench.run(usage).exits(2);
        assert!(out.stderr.starts_with("error: ") && out.stdout.is_empty(), "{usage:?} {}", out.stderr);
    }
    std::fs::write(
        bench.path("text.db"),
        "no database at all, but long enough for a header of SQLite, one would hope….",
    )
    .unwrap();
    for bad in ["nowhere.db", "text.db"] {
        let out = bench.run(&["migrate", bad, &here]).exits(3);
        assert!(out.stderr.contains(bad) && out.stderr.contains(" hint: "), "{}", out.stderr);
    }
    cluster.client("shop").batch_execute("CREATE TABLE orders()").unwrap();
    let taken = bench.run(&["migrate", &source, &here]).exits(4);
    assert!(taken.stderr.contains("orders") && taken.stderr.contains("--schema"), "{}", taken.stderr);
    bench.run(&["migrate", &source, "postgresql://nobody@127.0.0.1:1/x"]).exits(4);
    bench.run(&["verify", &source, &here]).exits(4);
    bench.run(&["status", "nowhere.pg"]).exits(4);
    assert!(!std::path::Path::new(&bench.path("nowhere.pg")).exists(), "a question must not make a server");
    bench.run(&["migrate", &source, &here, "--schema", "beside"]).exits(0);
}

const NUL: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO t VALUES (1, 'a'), (2, 'b' || char(0) || 'c');
    CREATE TRIGGER \"it's\" AFTER INSERT ON t BEGIN SELECT RAISE(ABORT, 'no'); END;";

#[test]
fn the_command_that_is_offered_for_a_decision_works() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("my shop.db", NUL), target(&cluster, "shop"));
    let out = bench.run(&["migrate", &source, &target]).exits(5);
    assert!(out.stdout.contains("nul-in-text") && out.stdout.contains("t.name"), "{}", out.stdout);
    assert_eq!(
        cluster
            .client("shop")
            .query_one("SELECT count(*) FROM pg_namespace WHERE nspname = 'lite2pg'", &[])
            .unwrap()
            .get::<_, i64>(0),
        0
    );
    let offered = out.stdout.lines().map(str::trim).find(|l| l.starts_with("lite2pg migrate ")).unwrap().to_owned();
    let typed = offered.replacen("lite2pg", env!("CARGO_BIN_EXE_lite2pg"), 1);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &typed]).env_clear().env("HOME", bench.path("home")).current_dir(&bench.dir);
    Bench::finish(&mut shell).exits(0);
    let row = cluster.client("shop").query_one("SELECT name FROM t WHERE id = 2", &[]).unwrap();
    assert_eq!(row.get::<_, Vec<u8>>(0), b"b\0c");
    // Quiet, it still says what must be decided, but on standard error.
    let quiet = bench.run(&["migrate", &source, &target, "--schema", "q", "-q"]).exits(5);
    assert!(quiet.stdout.is_empty() && quiet.stderr.contains("--policy nul=bytea"), "{quiet:?}");
}

/// About 60 MB in one table.
fn large(bench: &Bench) -> String {
    bench.sqlite(
        "large.db",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600000)
         INSERT INTO t SELECT i, printf('%0100d', i) FROM n;",
    )
}

fn chunks_done(client: &mut postgres::Client) -> i64 {
    let there = client.query_one("SELECT to_regclass('lite2pg.migration_chunk') IS NOT NULL", &[]).unwrap();
    if !there.get::<_, bool>(0) {
        return 0;
    }
    client.query_one("SELECT count(*) FROM lite2pg.migration_chunk WHERE done", &[]).unwrap().get(0)
}

#[test]
fn an_interrupted_run_goes_on_with_the_same_command() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (large(&bench), target(&cluster, "large"));
    let args = ["migrate", &source, &target, "--chunk-bytes", "256KiB", "--jobs", "1"];
    let mut client = cluster.client("large");
    let child = bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(120);
    while chunks_done(&mut client) == 0 {
        assert!(Instant::now() < end, "no chunk was done");
        std::thread::sleep(Duration::from_millis(10));
    }
    signal("-INT", child.id());
    let out = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(8), "{stderr}");
    assert!(
        stderr.contains("finishing the current chunk") && stderr.contains("to go on:  lite2pg migrate "),
        "{stderr}"
    );
    let done = chunks_done(&mut client);
    let all: i64 = client.query_one("SELECT count(*) FROM lite2pg.migration_chunk", &[]).unwrap().get(0);
    assert!(done > 0 && done < all, "{done} of {all}");
    let status = bench.run(&["status", &target]).exits(0);
    assert!(status.stdout.contains("interrupted"), "{}", status.stdout);

    let again = bench.run(&args).exits(0);
    assert!(again.stdout.contains("resumed "), "{}", again.stdout);
    let row = client.query_one("SELECT count(*), count(DISTINCT id), min(v), max(v) FROM t", &[]).unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (600_000, 600_000));
    assert_eq!(row.get::<_, String>(3), format!("{:0100}", 600_000));
}

#[test]
fn on_failure_rollback_leaves_nothing_of_an_interrupted_run() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (large(&bench), target(&cluster, "large"));
    let args =
        ["migrate", &source, &target, "--chunk-bytes", "256KiB", "--jobs", "1", "--on-failure", "rollback", "--json"];
    let mut client = cluster.client("large");
    let child = bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while chunks_done(&mut client) == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Meanwhile others see it, and cannot move the same source.
    let status = bench.run(&["status", &target]).exits(0);
    assert!(status.stdout.lines().any(|l| l.starts_with("running ")), "{}", status.stdout);
    let second = bench.run(&["migrate", &source, &target, "--schema", "b"]).exits(3);
    assert!(second.stderr.contains(&format!("by process {}", child.id())), "{}", second.stderr);
    signal("-INT", child.id());
    let out = child.wait_with_output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), document["exit"].as_u64()), (Some(8), Some(8)), "{document}");
    assert!(document["error"]["hint"].as_str().unwrap().contains("rolled back"), "{document}");
    let staging = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'lite2pg\\_staging%'";
    assert_eq!(client.query_one(staging, &[]).unwrap().get::<_, i64>(0), 0);
}

#[test]
fn the_second_signal_ends_at_once() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (large(&bench), target(&cluster, "large"));
    let args = ["migrate", &source, &target, "--chunk-bytes", "256KiB", "--jobs", "1", "--json"];
    let (mut client, mut other) = (cluster.client("large"), cluster.client("large"));
    let mut child = bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while chunks_done(&mut client) == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Now the run waits for a lock, and cannot end in order.
    let mut lock = other.transaction().unwrap();
    lock.batch_execute("LOCK TABLE lite2pg.migration_chunk IN ACCESS EXCLUSIVE MODE").unwrap();
    signal("-TERM", child.id());
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it cannot have ended while the lock is held");
    signal("-TERM", child.id());
    let begin = Instant::now();
    let status = child.wait().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(status.code(), Some(8));
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((document["status"].as_str(), document["exit"].as_u64()), (Some("interrupted"), Some(8)));
    lock.rollback().unwrap();
    bench.run(&args).exits(0);
}

/// A command that waits for a lock is asked to end, once or twice.
fn interrupted(bench: &Bench, cluster: &Cluster, args: &[&str], twice: bool) -> Out {
    let mut other = cluster.client("shop");
    let mut lock = other.transaction().unwrap();
    lock.batch_execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE").unwrap();
    let child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut watch = cluster.client("postgres");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'shop'";
    let end = Instant::now() + Duration::from_secs(20);
    while watch.query_one(waits, &[]).unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < end, "{args:?} does not wait");
        std::thread::sleep(Duration::from_millis(10));
    }
    signal("-INT", child.id());
    std::thread::sleep(Duration::from_millis(300));
    if twice {
        signal("-INT", child.id());
        std::thread::sleep(Duration::from_millis(300));
    }
    lock.rollback().unwrap();
    let out = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Out { exit: out.status.code().unwrap(), stdout: text(out.stdout), stderr: text(out.stderr) }
}

#[test]
fn every_command_tells_its_own_way_on_after_an_interruption() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    bench.run(&["migrate", &source, &target]).exits(0);
    for (command, once, at_once) in [
        (&["verify", "--jobs", "1"][..], "", "ended at once; no table was touched"),
        (&["rollback"], "nothing was undone; the same command begins again", "ended at once; it was done whole or not"),
    ] {
        let args = [command, &[&source, &target]].concat();
        // Once: a comparison as short as this one may come to its end before it looks whether it is to end.
        let out = interrupted(&bench, &cluster, &args, false);
        assert!(out.exit == 8 || out.exit == 0 && once.is_empty(), "{out:?}");
        assert!(out.stderr.contains(once) && !out.stderr.contains("goes on"), "{}", out.stderr);
        let out = interrupted(&bench, &cluster, &args, true).exits(8);
        assert!(out.stderr.contains(at_once) && !out.stderr.contains("goes on"), "{}", out.stderr);
        let document = interrupted(&bench, &cluster, &[&args[..], &["--json"]].concat(), true).exits(8).json();
        assert!(document["error"]["hint"].as_str().unwrap().starts_with(at_once), "{document}");
    }
    bench.run(&["verify", &source, &target]).exits(0);
}

#[test]
fn a_managed_postgresql_from_first_to_last() {
    let bench = Bench::new();
    let source = bench.sqlite("shop.db", SHOP);
    let first = bench.run(&["migrate", "shop.db", "--managed", "native"]).exits(0);
    assert!(
        first.stdout.contains("lite2pg serve shop.db.pg")
            && first.stdout.contains("undo     lite2pg rollback shop.db\n"),
        "{}",
        first.stdout
    );
    let again = bench.run(&["migrate", &source]).exits(0);
    assert!(again.stdout.contains("already done"), "{}", again.stdout);
    bench.run(&["history", "shop.db.pg"]).exits(0);
    let dump = bench.run(&["dump", "shop.db", "-o", "-"]).exits(0);
    assert!(dump.stdout.contains("Bjørn") && dump.stdout.contains("CREATE TABLE"), "{}", dump.stdout);

    let mut child = bench.command(&["serve", "shop.db.pg", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    let said: serde_json::Value = loop {
        let n = stdout.read(&mut buffer).unwrap();
        assert!(n > 0, "serve ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        if let Ok(said) = serde_json::from_str(&text) {
            break said;
        }
    };
    let password = std::fs::read_to_string(said["password_file"].as_str().unwrap()).unwrap();
    let password = password.trim().rsplit(':').next().unwrap().to_owned();
    assert!(!text.contains(&password));
    let psql = std::process::Command::new(Cluster::program("psql"))
        .args(["-XAtc", "SELECT count(*) FROM orders", said["uri"].as_str().unwrap()])
        .env("PGPASSFILE", said["password_file"].as_str().unwrap())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&psql.stdout), "4\n", "{}", String::from_utf8_lossy(&psql.stderr));
    // It ends by itself: standard output still has the one document.
    signal("-INT", said["pid"].as_u64().unwrap().try_into().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(4));
    stdout.read_to_string(&mut text).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|s| s == said), "{text}");

    let mut child = bench.command(&["serve", "shop.db.pg"]).stdout(Stdio::piped()).spawn().unwrap();
    assert!(child.stdout.as_mut().unwrap().read(&mut buffer).unwrap() > 0);
    signal("-INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    bench.run(&["rollback", &source, "--purge"]).exits(0);
}
