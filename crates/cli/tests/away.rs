//! A target that goes away, or says nothing any more, as the person at the terminal sees it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use lite2pg_testkit::cluster::{Cluster, Stop};
use lite2pg_testkit::proxy::Proxy;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::*;

const ROWS: i64 = 300_000;

fn large(bench: &Bench) -> String {
    bench.sqlite(
        "large.db",
        &format!(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO t SELECT i, printf('%0100d', i) FROM n;"
        ),
    )
}

/// A run in small chunks, once the first of them is done.
fn started(bench: &Bench, args: &[&str], client: &mut postgres::Client) -> Child {
    let child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(120);
    let there = "SELECT to_regclass('lite2pg.migration_chunk') IS NOT NULL";
    // Runs that were rolled back keep their marks.
    let done = "SELECT count(*) FROM lite2pg.migration_chunk JOIN lite2pg.migration_history USING (run) \
                WHERE done AND status = 'running'";
    while !client.query_one(there, &[]).unwrap().get::<_, bool>(0)
        || client.query_one(done, &[]).unwrap().get::<_, i64>(0) == 0
    {
        assert!(Instant::now() < end, "no chunk was done");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn rows(cluster: &Cluster) -> (i64, i64) {
    let row = cluster.client("large").query_one("SELECT count(*), count(DISTINCT id) FROM t", &[]).unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn a_restart_of_the_server_is_waited_for() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (large(&bench), target(&cluster, "large"));
    let args = ["migrate", &source, &target, "--chunk-bytes", "256KiB", "--jobs", "1"];
    let child = started(&bench, &args, &mut cluster.client("large"));
    cluster.stop(Stop::Immediate);
    std::thread::sleep(Duration::from_millis(500));
    cluster.restart();
    let out = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("trying again in 0.1 s"), "{stderr}");
    assert_eq!(rows(&cluster), (ROWS, ROWS));
    bench.run(&["rollback", &source, &target]).exits(0);
    // Whoever does not want to wait is told at once, and goes on later.
    let args = [&args[..], &["--retry-for", "0"]].concat();
    let child = started(&bench, &args, &mut cluster.client("large"));
    cluster.stop(Stop::Fast);
    let out = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("run the same command again to resume") && !stderr.contains("again in"), "{stderr}");
    cluster.restart();
    bench.run(&args).exits(0);
    assert_eq!(rows(&cluster), (ROWS, ROWS));
}

/// The server acknowledges and never answers: the second signal ends the wait, and what that run left in the server
/// does not keep the next one out.
#[test]
fn a_target_that_says_nothing_is_left_by_the_second_signal() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, direct) = (large(&bench), target(&cluster, "large"));
    let proxy = Proxy::start(cluster.port);
    let far = format!("postgresql://postgres@127.0.0.1:{}/large", proxy.port);
    let args = |target| ["migrate", &source, target, "--chunk-bytes", "256KiB", "--jobs", "1"].map(str::to_owned);
    let first = args(&far);
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let mut client = cluster.client("large");
    let mut child = started(&bench, &first, &mut client);
    proxy.stall();
    signal("-INT", child.id());
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it cannot have ended in order");
    signal("-INT", child.id());
    let begin = Instant::now();
    let out = child.wait_with_output().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(out.status.code(), Some(8), "{}", String::from_utf8_lossy(&out.stderr));
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lite2pg %'";
    assert!(client.query_one(ours, &[]).unwrap().get::<_, i64>(0) > 0, "the server noticed it by itself");
    let begin = Instant::now();
    let second = args(&direct);
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    let again = bench.run(&second).exits(0);
    assert!(again.stdout.contains("resumed "), "{}", again.stdout);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    assert_eq!(rows(&cluster), (ROWS, ROWS));
}
