//! The plan's file as a person uses it: written, edited, handed back; flags before it; every mistake with its line.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use lite2pg_testkit::cluster::Cluster;
use std::fs;
use support::{Bench, SHOP, target};

#[test]
fn a_plan_is_written_edited_and_handed_back() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    let out = bench.run(&["plan", &source, "-o", "p.toml", "--schema", "moved"]).exits(0);
    let next = format!("lite2pg migrate {source} --schema moved --plan p.toml");
    assert!(out.stdout.lines().any(|l| l.starts_with("next ") && l.ends_with(&next)), "{}", out.stdout);
    let text = fs::read_to_string(bench.path("p.toml")).unwrap();
    assert!(text.starts_with("#:schema plan.schema.json\n"), "{text}");
    assert!(
        text.contains("lite2pg migrate") && text.contains("--plan p.toml") && text.contains("schema = \"moved\""),
        "{text}"
    );
    let line = text.lines().find(|l| l.starts_with("born")).unwrap();
    assert!(
        line.contains("{ type = \"date\" }") && line.contains("# declared DATE; 2 of 2 values are dates"),
        "{line}"
    );
    // Unedited, it says what it said.
    let again = bench.run(&["plan", &source, "--plan", "p.toml"]).exits(0).stdout;
    let own =
        |text: &str| text.lines().filter(|l| !l.contains("lite2pg migrate")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(own(&again), own(&text));

    let edited = text.replacen("to = \"customers\"", "to = \"people\"\nwhere = \"id < 7\"", 1);
    let edited = edited.replacen("[tables.orders]\n", "[tables.orders]\nwhere = \"customer < 7\"\n", 1);
    fs::write(bench.path("p.toml"), edited).unwrap();
    let json = bench.run(&["inspect", &source, "--plan", "p.toml", "--json"]).exits(0).json();
    assert_eq!(json["tables"][0]["target"], "moved.people");
    assert_eq!(json["tables"][0]["rows"], 2);
    let flags = ["--set", "customers.to=folk", "--set", "customers.name.to=full_name"];
    bench.run(&[&["migrate", &source, &target, "--plan", "p.toml"][..], &flags].concat()).exits(0);
    let mut client = cluster.client("shop");
    let names = "SELECT string_agg(full_name, ' ' ORDER BY id) FROM moved.folk";
    assert_eq!(client.query_one(names, &[]).unwrap().get::<_, String>(0), "Anna Bjørn");
    // A flag wins over the file here, too.
    bench.run(&["migrate", &source, &target, "--plan", "p.toml", "--schema", "public"]).exits(0);
    assert_eq!(client.query_one("SELECT count(*) FROM public.people", &[]).unwrap().get::<_, i64>(0), 2);
    bench.run(&["verify", &source, &target, "--schema", "moved"]).exits(0);
}

#[test]
fn what_is_left_out_needs_a_decision_where_something_needs_it() {
    let bench = Bench::new();
    let source = bench.sqlite("shop.db", SHOP);
    let out = bench.run(&["inspect", &source, "--exclude", "cust*"]).exits(5);
    assert!(out.stdout.contains("foreign-key-not-carried"), "{}", out.stdout);
    let said = format!("{}{}", out.stdout, out.stderr);
    assert!(said.contains("--exclude 'cust*'"), "the command that goes on says it again: {said}");
    // With a file that says it, that file.
    let out = bench.run(&["plan", &source, "--exclude", "cust*", "-o", "p.toml"]).exits(5);
    let line = format!("lite2pg migrate {source} --plan p.toml --accept ");
    assert!(out.stdout.lines().any(|l| l.trim_start().starts_with(&line)), "{}", out.stdout);
    bench.run(&["inspect", &source, "--exclude", "cust*", "--accept", "foreign-key-not-carried"]).exits(0);
    bench.run(&["inspect", &source, "--tables", "customers,orders"]).exits(0);
    // The file says again what a flag left out.
    bench.run(&["plan", &source, "--tables", "customers", "-o", "q.toml"]).exits(0);
    let json = bench.run(&["inspect", &source, "--plan", "q.toml", "--json"]).exits(0).json();
    assert_eq!(json["tables"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_was_edited_is_not_written_over() {
    let bench = Bench::new();
    let source = bench.sqlite("shop.db", SHOP);
    bench.run(&["plan", &source, "-o", "p.toml"]).exits(0);
    bench.run(&["plan", &source, "-o", "p.toml"]).exits(0);
    let text = fs::read_to_string(bench.path("p.toml")).unwrap();
    let edited = text.replacen("to = \"customers\"", "to = \"people\"", 1);
    fs::write(bench.path("p.toml"), &edited).unwrap();
    let out = bench.run(&["plan", &source, "-o", "p.toml"]).exits(2);
    assert!(out.stderr.contains("--plan p.toml keeps what was changed"), "{}", out.stderr);
    assert_eq!(fs::read_to_string(bench.path("p.toml")).unwrap(), edited);
    bench.run(&["plan", &source, "--plan", "p.toml", "-o", "p.toml"]).exits(0);
    assert!(fs::read_to_string(bench.path("p.toml")).unwrap().contains("to = \"people\""));
}

#[test]
fn mistakes_are_told_with_file_and_line() {
    let bench = Bench::new();
    let source = bench.sqlite("shop.db", SHOP);
    let plan = "version = 1\n[tables.orders.columns]\ntotal = { tpye = 'text' }\nid = { type = 'txet' }\n";
    fs::write(bench.path("p.toml"), plan).unwrap();
    let out = bench.run(&["migrate", &source, "--plan", "p.toml"]).exits(2);
    for says in [
        "p.toml:3: a column has no key \"tpye\"; did you mean `type`?",
        "p.toml:4: no such type: \"txet\"; did you mean `text`?",
    ] {
        assert!(out.stderr.contains(says), "{}", out.stderr);
    }
    fs::write(bench.path("p.toml"), "version = 1\n\n[tables.orders]\nwhere = 'ttal > 1'\n").unwrap();
    let out = bench.run(&["inspect", &source, "--plan", "p.toml"]).exits(2);
    assert!(
        out.stderr.contains("p.toml:4: the condition for orders cannot be used: no such column: ttal"),
        "{}",
        out.stderr
    );
    for (args, says) in [
        (&["--plan", "nowhere.toml"][..], "nowhere.toml: cannot be read"),
        (&["--plan", &source], "cannot be read: it is not valid UTF-8"),
        (&["--set", "orders.total=1"], "has no key \"total\""),
        (&["--set", "ordres.to=x"], "did you mean `orders`?"),
        (&["--tables", ""], "names no table"),
        (&["--exclude", ","], "names no table"),
        (&["--accept", "view-not-carred"], "did you mean `view-not-carried`?"),
        (&["--tables", "nothing"], "there is no table \"nothing\""),
    ] {
        let out = bench.run(&[&["inspect", &source][..], args].concat()).exits(2);
        assert!(out.stderr.contains(says), "{args:?}: {}", out.stderr);
    }
    assert!(!std::path::Path::new(&bench.path("shop.db.pg")).exists(), "nothing was made");
}
