//! What is refused before anything is opened: targets in other forms, streams that cannot take the output.
//! Owns the checks that a refusal never repeats a password and is one document with `--json`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::File;
use support::*;

#[test]
fn a_refused_target_is_never_repeated() {
    let bench = Bench::new();
    let source = bench.sqlite("a.db", SHOP);
    for (args, begins) in [
        (&["migrate", &source, "user:geheim@host/db"][..], "\"user\"…"),
        (&["migrate", &source, "postgres//u:geheim@h"], "\"postgres\"…"),
        (&["migrate", &source, "psql \"host=h password=geheim\""], "\"psql\"…"),
        (&["migrate", &source, "jdbc:postgresql://h/d?user=u&password=geheim"], "\"jdbc\"…"),
        (&["migrate", &source, "postgresql+://u:geheim@h/d"], "\"postgresql+\"…"),
        (&["migrate", &source, "u:geheim@h/shop.pg"], "\"u\"…"),
        (&["history", "user:geheim@host/db"], "\"user\"…"),
        // In the place of something else.
        (&["migrate", "postgresql://u:geheim@h/d"], "\"postgresql\"…"),
        (&["verify", "postgresql+psycopg://u:geheim@h/d", &source], "\"postgresql+psycopg\"…"),
        (&["serve", "postgresql://u:geheim@h/d"], "\"postgresql\"…"),
        (&["dump", "u:geheim@h/d", "-o", "x.sql"], "\"u\"…"),
        // clap repeats what it refuses.
        (&["migrate", &source, "--jobs=postgresql://u:geheim@h/d"], "(a target)"),
        (&["migrate", &source, "--jobs", "u:geheim@h/d"], "(a target)"),
        (&["migrate", &source, "--assume-tz=postgresql://u:geheim@h/d"], "a target is no time zone"),
        (&["migrate", &source, "--types=u:geheim@h/d"], "(a target)"),
        (&["migrate", &source, "--chunk-bytes=host=h password=geheim"], "(a target)"),
        (&["migrate", &source, "--postgresql://u:geheim@h/d"], ""),
        (&["migrate", &source, "-postgresql://u:geheim@h/d"], ""),
        (&["migrate", &source, &source, "u:geheim@h/d"], "(a target)"),
        (&["u:geheim@h/d"], "(a target)"),
    ] {
        let people = bench.run(args).exits(2);
        assert!(people.stderr.contains(begins) && people.stdout.is_empty(), "{args:?} {}", people.stderr);
        let args: Vec<&str> = [&["--json"], args].concat();
        let program = bench.run(&args).exits(2);
        assert_eq!(program.json()["exit"], 2, "{args:?}");
        for said in [people.stderr, program.stdout, program.stderr] {
            assert!(!said.contains("geheim"), "{args:?} {said}");
        }
    }
    assert!(!bench.kept().contains("geheim") && !std::path::Path::new(&bench.path("u:geheim@h")).exists());
    // A file may be called anything.
    let odd = bench.sqlite("u@h.db", SHOP);
    bench.run(&["inspect", &odd]).exits(0);
    bench.run(&["inspect", "u@h.db"]).exits(0);
}

#[test]
fn sqlalchemys_scheme_is_read_as_postgresql() {
    let cluster = lite2pg_testkit::cluster::Cluster::start(&[], &[]);
    let bench = Bench::new();
    let source = bench.sqlite("a.db", SHOP);
    let target = target(&cluster, "shop").replace("postgresql://", "postgresql+psycopg://");
    let out = bench.run(&["migrate", &source, &target]).exits(0);
    assert!(out.stderr.contains("note: the target's postgresql+psycopg:// is read as postgresql://"), "{}", out.stderr);
    let undo = out.stdout.lines().find(|l| l.starts_with("undo ")).unwrap();
    assert!(undo.contains("'postgresql://postgres@/shop"), "{undo}");
    assert_eq!(bench.run(&["history", &target, "--json"]).exits(0).json()["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_dump_does_not_go_to_a_terminal() {
    let bench = Bench::new();
    // The master's side of a terminal is one too.
    let terminal = File::options().read(true).write(true).open("/dev/ptmx").unwrap();
    let mut child = bench.command(&["dump", "a.db.pg", "-o", "-"]);
    let out = child.stdout(terminal).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("terminal") && stderr.contains("redirect"), "{stderr}");
    // Into a pipe it may go: then it is the directory that is missing.
    bench.run(&["dump", "a.db.pg", "-o", "-"]).exits(4);
}

#[test]
fn what_is_no_document_is_refused_with_json() {
    let bench = Bench::new();
    for args in [&["man", "--json"][..], &["completions", "bash", "--json"], &["dump", "a.db.pg", "-o", "-", "--json"]]
    {
        let document = bench.run(args).exits(2).json();
        assert_eq!((document["status"].as_str(), document["exit"].as_u64()), (Some("failed"), Some(2)), "{args:?}");
    }
    assert_eq!(bench.run(&["man", "--dir", "pages", "--json"]).exits(0).json()["written"], "pages");
}

#[test]
fn how_rich_types_may_be_is_asked_for() {
    let bench = Bench::new();
    let source = bench.sqlite(
        "a.db",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, b BOOLEAN, d TEXT, at DATETIME, n TEXT);
         INSERT INTO t VALUES(1, 1, '2024-01-31', '2024-07-01 12:00:00', 'a' || char(0));",
    );
    let columns = |args: &[&str]| {
        let sql = bench.run(&[&["plan", &source, "--sql", "--policy", "nul=bytea"], args].concat()).exits(0).stdout;
        let of = |name: &str| {
            let line = sql.lines().find(|l| l.trim_start().starts_with(&format!("\"{name}\" "))).unwrap_or_default();
            line.trim().trim_end_matches(',').split_once(' ').map(|(_, ty)| ty.to_owned()).unwrap_or_default()
        };
        ["b", "d", "at"].map(of).join(" ")
    };
    assert_eq!(columns(&[]), "boolean text timestamp");
    assert_eq!(columns(&["--types", "inferred"]), "boolean date timestamp");
    assert_eq!(columns(&["--types", "plain"]), "bigint text text");
    assert_eq!(columns(&["--assume-tz", "Europe/Berlin"]), "boolean text timestamptz");
    assert_eq!(columns(&["--assume-tz", "-05:30"]), "boolean text timestamptz");
    for bad in ["Berlin", "+5"] {
        let said = bench.run(&["plan", &source, "--assume-tz", bad]).exits(2).stderr;
        assert!(said.contains("no such time zone") && said.contains("Europe/Berlin, UTC or +02:00"), "{said}");
    }
    let said = bench.run(&["plan", &source, "--types", "rich"]).exits(2).stderr;
    assert!(said.contains("native") && said.contains("inferred") && said.contains("plain"), "{said}");
    // What is typed next decides the same.
    let stopped = bench.run(&["migrate", &source, "--types", "plain", "--assume-tz", "+02:00"]).exits(5);
    let said = stopped.stdout + &stopped.stderr;
    assert!(said.contains("--types plain --assume-tz +02:00"), "{said}");
}

#[test]
fn a_retry_takes_no_flags_that_would_do_nothing() {
    let bench = Bench::new();
    let source = bench.sqlite("a.db", SHOP);
    for flag in [
        "--set=orders.total.type=text",
        "--tables=orders",
        "--exclude=orders",
        "--plan=p.toml",
        "--types=plain",
        "--assume-tz=UTC",
        "--accept=all",
        "--collation=source",
        "--on-failure=keep",
        "--retry-for=5",
        "--chunk-bytes=1MiB",
        "--memory=64MiB",
        "--view-timeout=5",
    ] {
        let said = bench.run(&["migrate", &source, "--retry-rejected", flag]).exits(2).stderr;
        let name = flag.split('=').next().unwrap();
        assert!(said.contains("--retry-rejected") && said.contains(name) && said.contains("cannot be used"), "{said}");
    }
    assert!(!bench.dir.join("a.db.pg").exists());
}

#[test]
fn more_memory_is_offered_and_enough() {
    let bench = Bench::new();
    let source = bench.sqlite(
        "a.db",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB) WITHOUT ROWID; INSERT INTO t VALUES(1, zeroblob(20000000));",
    );
    let given = ["--memory", "32MiB", "--jobs", "1"];
    let out = bench.run(&[&["inspect", &source][..], &given].concat()).exits(5);
    assert!(!out.stdout.contains("no ready flag"), "{}", out.stdout);
    let line = out.stdout.lines().find(|l| l.contains("lite2pg migrate")).unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(2).collect();
    assert_eq!((words.len(), words[1], words[3]), (5, "--jobs", "--memory"), "{line}");
    bench.run(&[&["inspect"], &words[..]].concat()).exits(0);
    bench.run(&[&["inspect", &source, "--report", "page.html"][..], &given].concat()).exits(5);
    let page = std::fs::read_to_string(bench.path("page.html")).unwrap();
    assert!(page.contains(&words[3..].join(" ")) && !page.contains("No ready flag"), "{page}");
}

#[test]
fn what_only_the_plan_answers_is_not_laid_on_the_source() {
    let bench = Bench::new();
    let source = bench.sqlite("a.db", SHOP);
    let out = bench.run(&["inspect", &source, "--set", "customers.name.type=enum", "--report", "page.html"]).exits(5);
    let line = out.stdout.lines().find(|l| l.contains("no ready flag")).unwrap();
    assert!(line.contains("in the plan's file") && line.ends_with(": customers.name"), "{line}");
    assert!(std::fs::read_to_string(bench.path("page.html")).unwrap().contains("No ready flag"));
}
