//! What a person and a program see: the whole text of a small migration, JSON, secrets, hostile names, pipes, help.
//! Owns the checks of the wording and of what must never be shown.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use lite2pg_testkit::cluster::Cluster;
use std::process::Stdio;
use support::*;

/// `0.1 s` and `38 ms` become `# s`, with the gap before them; run identifiers, memory and paths become words.
fn normal(text: &str, bench: &Bench, cluster: &Cluster) -> String {
    let text = text.replace(&cluster.socket_dir.display().to_string(), "/SOCKET");
    let port = |before: &str| (format!("{before}{}", cluster.port), format!("{before}PORT"));
    let ((a, b), (c, d)) = (port("port="), port("'PORT': "));
    let text = text.replace(&a, &b).replace(&c, &d).replace(&bench.dir.display().to_string(), "/DIR");
    text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

fn line(line: &str) -> String {
    if line.starts_with("  time    ") {
        return "  time    …".to_owned();
    }
    let mut out = String::new();
    let words: Vec<&str> = line.split(' ').collect();
    let mut i = 0;
    while i < words.len() {
        let number = words[i].chars().all(|c| c.is_ascii_digit() || c == '.') && !words[i].is_empty();
        let unit = words.get(i + 1).copied().unwrap_or_default();
        if number && matches!(unit, "s" | "ms") {
            let gap = out.len() - out.trim_end().len();
            out.truncate(out.trim_end().len());
            out.push_str(if gap > 1 { "   # s " } else { " # s " });
            i += 2;
        } else if number && words[..i].ends_with(&["memory"]) {
            out.push_str("# ");
            i += 1;
        } else if i > 0 && words[i - 1] == "run" {
            out.push_str(if words[i].ends_with(':') { "RUN: " } else { "RUN " });
            i += 1;
        } else if i > 0 && words[i - 1] == "PostgreSQL" {
            out.push_str("VERSION ");
            i += 1;
        } else {
            out.push_str(words[i]);
            out.push(' ');
            i += 1;
        }
    }
    let mut out = out.trim_end().to_owned();
    // The column is as wide as its widest time.
    if let Some((before, after)) = out.clone().split_once("   time ") {
        out = format!("{}   time   {}", before.trim_end(), after.trim_start());
    }
    out
}

/// Compares with a file that people read. `UPDATE_SEEN=1` writes it anew.
#[track_caller]
fn seen(name: &str, text: &str) {
    let path = format!("{}/tests/seen/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SEEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{name} is not what it was; expected:\n{expected}\ngot:\n{text}\nUPDATE_SEEN=1 writes it anew"
    );
}

#[test]
fn a_whole_migration_as_people_read_it() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let target = target(&cluster, "shop");
    bench.sqlite("shop.db", SHOP);
    bench.sqlite("shop.db", "PRAGMA foreign_keys = off; CREATE VIEW big AS SELECT group_concat(name) FROM customers; CREATE VIEW odd AS SELECT application(name) FROM customers; CREATE VIEW spent AS SELECT customer, count(*) AS orders FROM orders WHERE customer < 50 GROUP BY customer; INSERT INTO orders VALUES (5, 99, 1)");
    let mut all = String::new();
    for args in [
        &["inspect", "shop.db"][..],
        &["migrate", "shop.db", &target],
        &["migrate", "shop.db", &target, "--accept", "all", "--policy", "lossless"],
        &["migrate", "shop.db", &target, "--accept", "all", "--policy", "lossless"],
        &["verify", "shop.db", &target],
        &["rollback", "shop.db", &target],
    ] {
        let out = bench.run(args);
        assert!(!out.stdout.contains('\u{1b}') && !out.stderr.contains('\u{1b}'), "no colours into a pipe");
        assert_eq!(out.stderr, "", "short stages have no lines of their own");
        times_add_up(&out.stdout);
        all.push_str(&format!("$ lite2pg {}\n{}(exit {})\n\n", args.join(" "), out.stdout, out.exit));
    }
    seen("migration", &normal(&all, &bench, &cluster));
}

/// The parts of the line `time` are the whole that the last line tells, as exactly as that is written; where stages were at work
/// at once they are more.
#[track_caller]
fn times_add_up(stdout: &str) {
    let Some(parts) = stdout.lines().find_map(|l| l.strip_prefix("  time    ")) else { return };
    let published = stdout.lines().find(|l| l.starts_with("published ")).unwrap();
    let seconds = |part: &str| {
        let (rest, unit) = part.rsplit_once(' ').unwrap();
        let number: f64 = rest.rsplit(' ').next().unwrap().parse().unwrap();
        if unit == "ms" { number / 1000.0 } else { number }
    };
    let (parts, at_once) = parts.strip_suffix(" · at once in part").map_or((parts, false), |p| (p, true));
    let sum: f64 = parts.split(" · ").map(seconds).sum();
    let whole = seconds(published.split(" · ").nth(1).unwrap());
    let adds_up = if at_once { sum > whole - 0.0511 } else { (sum - whole).abs() < 0.0511 };
    assert!(adds_up, "{parts}\n{published}");
}

#[test]
fn json_is_one_document_in_every_case() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    for (args, exit, status) in [
        (&["inspect", &source][..], 0, "done"),
        (&["inspect", &source, &target], 0, "done"),
        (&["plan", &source], 0, "done"),
        (&["migrate", &source, &target, "--dry-run"], 0, "done"),
        (&["verify", &source, &target], 4, "failed"),
        (&["migrate", &source, &target], 0, "done"),
        (&["migrate", &source, &target], 0, "done"),
        (&["verify", &source, &target], 0, "done"),
        (&["rollback", &source, &target], 0, "done"),
        (&["rollback", &source, &target], 4, "failed"),
        (&["migrate", "nowhere.db", &target], 3, "failed"),
        (&["migrate", &source, "what"], 2, "failed"),
        (&["migrate", &source, &target, "--no-such-flag"], 2, "failed"),
        (&["migrate"], 2, "failed"),
    ] {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let out = bench.run(&args).exits(exit);
        let document = out.json();
        assert_eq!(
            (document["status"].as_str(), document["exit"].as_i64()),
            (Some(status), Some(exit.into())),
            "{args:?}"
        );
        if exit != 0 {
            assert!(document["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{document}");
        }
    }
    let report = bench.run(&["migrate", &source, &target, "--json"]).exits(0).json();
    let orders = report["tables"].as_array().unwrap().iter().find(|t| t["name"] == "orders").unwrap();
    assert_eq!(
        (orders["rows"].as_u64(), orders["target"].as_str(), &orders["verified"]),
        (Some(4), Some("public.orders"), &true.into())
    );
    assert_eq!(orders["source_sha256"], orders["target_sha256"]);
    assert_eq!(orders["source_sha256"].as_str().unwrap().len(), 64);
    assert!(report["seconds"].as_f64().unwrap() > 0.0 && report["peak_rss_bytes"].as_u64().unwrap() > 0);
    assert_eq!(report["objects"]["indexes"], serde_json::json!({"source": 1, "carried": 1}));
    let history = bench.run(&["history", &target, "--json"]).exits(0).json();
    assert_eq!(history["runs"].as_array().unwrap().len(), 2);
    // Events are JSON lines, all of them.
    let out = bench.run(&["migrate", &source, &target, "--schema", "b", "--log-format", "json", "--json"]).exits(0);
    let events: Vec<serde_json::Value> = out.stderr.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(events.iter().any(|e| e["event"] == "published" && e["schema"] == "b"), "{}", out.stderr);
    assert!(events.iter().all(|e| e["time"].as_str().is_some_and(|t| t.ends_with(" UTC"))));
}

#[test]
fn a_password_is_never_shown_nor_kept() {
    let hba = ["host all all 127.0.0.1/32 scram-sha-256"];
    let (bench, cluster) = (Bench::new(), Cluster::start(&["password_encryption='scram-sha-256'"], &hba));
    let secret = "geh$im9%zw@lf";
    cluster.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{secret}'"));
    cluster.sql("CREATE DATABASE shop OWNER app");
    let source = bench.sqlite("shop.db", SHOP);
    let encoded = "geh%24im9%25zw%40lf";
    let uri = format!("postgresql://app:{encoded}@127.0.0.1:{}/shop", cluster.port);
    let pairs = format!("host=127.0.0.1 port={} user=app dbname=shop password='{secret}'", cluster.port);
    let wrong = uri.replace("shop", "no_such_database");
    let hostile = format!("postgresql://app:{encoded}@127.0.0.1:{}/shop?no_such_keyword=1", cluster.port);
    let mut said = String::new();
    for (args, exit) in [
        (&["inspect", &source, &uri, "-v"][..], 0),
        (&["plan", &source, &uri], 0),
        (&["migrate", &source, &uri, "--dry-run"], 0),
        (&["migrate", &source, &uri, "-v"], 0),
        (&["migrate", &source, &pairs], 0),
        (&["migrate", &source, &uri, "--schema", "b", "--log-format", "json", "--json"], 0),
        (&["verify", &source, &uri], 0),
        (&["history", &pairs], 0),
        (&["migrate", &source, &wrong, "--json"], 4),
        (&["migrate", &source, &hostile, "--json"], 2),
        (&["migrate", &source, &hostile], 2),
        (&["migrate", &source, &source, &uri, "--json"], 2),
        (&["migrate", &source, &source, &pairs], 2),
        (&["rollback", &source, &uri], 0),
    ] {
        let out = bench.run(args).exits(exit);
        if exit == 0 {
            assert_eq!(
                out.stderr.matches("the password in the target can be read").count(),
                1,
                "{args:?} {}",
                out.stderr
            );
        }
        said.push_str(&(out.stdout + &out.stderr));
    }
    let mut kept = bench.kept();
    assert!(kept.contains("\"event\":\"published\""), "the logs must have been looked at");
    let mut client = cluster.client("shop");
    for table in client.query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'lite2pg'", &[]).unwrap() {
        let sql = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM lite2pg.{} t", table.get::<_, String>(0));
        kept.push_str(&client.query_one(&sql, &[]).unwrap().get::<_, String>(0));
    }
    assert!(kept.contains("127.0.0.1") || kept.contains("shop.db"));
    for form in [secret, encoded, "geh$im", "geh%24im"] {
        assert!(!said.contains(form), "{form} in {said}");
        assert!(!kept.contains(form), "{form} in what was kept");
    }
}

#[test]
fn names_and_values_cannot_steer_the_terminal() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let target = target(&cluster, "evil");
    let source = bench.path("evil\u{1b}[2J.db");
    let evil = "a\u{1b}[31m\"'\n$(touch x)\u{9b}\u{202e}\u{7}";
    let name = evil.replace('"', "\"\"");
    rusqlite::Connection::open(&source)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TABLE \"{name}\"(id INTEGER PRIMARY KEY, \"c{name}\" TEXT);
             INSERT INTO \"{name}\" VALUES (1, '\u{1b}]0;title\u{7}' || char(0)), (2, 'x');
             CREATE TRIGGER \"t{name}\" AFTER INSERT ON \"{name}\" BEGIN SELECT 1; END;"
        ))
        .unwrap();
    let mut outs = vec![];
    for args in [
        &["inspect", &source, "-v"][..],
        &["plan", &source, "-o", "plan.toml"],
        &["migrate", &source, &target],
        &["migrate", &source, &target, "--json"],
        &["migrate", &source, &target, "--accept", "all", "--policy", "lossless", "-v"],
        &["verify", &source, &target, "--log-format", "json", "--json"],
        &["status", &target],
        &["migrate", "no\u{1b}[2Jfile", &target],
        &["migrate", &source, "no\u{1b}[2Jtarget"],
        &["fly\u{1b}[2J"],
        &["rollback", &source, &target, "-v"],
    ] {
        outs.push(bench.run(args));
    }
    for out in &outs {
        for text in [&out.stdout, &out.stderr] {
            let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(bad), "{text:?}");
        }
    }
    let exits: Vec<i32> = outs.iter().map(|o| o.exit).collect();
    assert_eq!(exits, [5, 5, 5, 5, 0, 0, 0, 3, 2, 2, 0]);
    // JSON still says the true name.
    assert!(outs[5].json()["tables"].as_array().unwrap().iter().any(|t| t["name"] == evil));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let bench = Bench::new();
    let source = bench.sqlite("shop.db", SHOP);
    for args in [
        &["inspect", &source][..],
        &["inspect", &source, "--json"],
        &["plan", &source],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.code() == Some(0) && !stderr.contains("panic"), "{args:?} {stderr}");
    }
}

#[test]
fn quiet_is_quiet_and_colours_come_when_asked() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    let out = bench.run(&["migrate", &source, &target, "-q"]).exits(0);
    assert_eq!((out.stdout.as_str(), out.stderr.as_str()), ("", ""));
    let out = bench.run(&["verify", &source, &target, "--color", "always"]).exits(0);
    assert!(out.stdout.contains("\u{1b}[32mequal\u{1b}[0m"), "{}", out.stdout);
    let out = bench.run(&["migrate", "nowhere.db", "-q"]).exits(3);
    assert!(out.stderr.starts_with("error: nowhere.db"), "{}", out.stderr);
}

#[test]
fn manual_and_completions_name_every_command() {
    let bench = Bench::new();
    let man = bench.run(&["man"]).exits(0).stdout;
    bench.run(&["man", "--dir", "pages"]).exits(0);
    let commands = [
        "inspect",
        "plan",
        "migrate",
        "verify",
        "rollback",
        "status",
        "history",
        "serve",
        "dump",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(man.contains(&format!("lite2pg\\-{command}")), "{command}\n{man}");
        let page = std::fs::read_to_string(bench.path(&format!("pages/lite2pg-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
        assert!(bench.run(&[command, "--help"]).exits(0).stdout.contains("Usage: lite2pg"), "{command}");
        for shell in ["bash", "zsh", "fish"] {
            assert!(bench.run(&["completions", shell]).exits(0).stdout.contains(command), "{shell} {command}");
        }
    }
    assert!(!man.contains("managed-keeper") && !bench.run(&["--help"]).stdout.contains("managed-keeper"));
    assert!(!std::path::Path::new(&bench.path("pages/lite2pg-managed-keeper.1")).exists());
}

#[test]
fn the_environment_alone_is_a_target_only_when_asked() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let source = bench.sqlite("shop.db", SHOP);
    cluster.sql("CREATE DATABASE shop");
    let mut command = bench.command(&["migrate", &source, ""]);
    command.env("PGHOST", &cluster.socket_dir).env("PGPORT", cluster.port.to_string());
    command.env("PGUSER", "postgres").env("PGDATABASE", "shop");
    let out = Bench::finish(&mut command).exits(0);
    assert!(out.stdout.contains("database shop") && !out.stdout.contains("managed"), "{}", out.stdout);
    assert_eq!(cluster.client("shop").query_one("SELECT count(*) FROM orders", &[]).unwrap().get::<_, i64>(0), 4);
}
