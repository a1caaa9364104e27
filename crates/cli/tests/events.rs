//! `--log-format json` and the log file: every line is JSON, and every event and field is one that docs/json.md lists.
//! Owns the comparison with that list.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use lite2pg_testkit::cluster::Cluster;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use support::*;

/// Events by name, with their fields, as the documentation's table has them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json.md")).unwrap();
    let (_, events) = text.split_once("\n## Events\n").unwrap();
    let ticked = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(|w| w.trim_end_matches("[]").to_owned()).collect()
    };
    let rows = events.lines().filter(|l| l.starts_with("| `") && !l.starts_with("| `event`"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        (ticked(cells[0]).remove(0), ticked(cells[2]).into_iter().collect())
    })
    .collect()
}

/// Lines that are whole, known events; the names that were seen.
#[track_caller]
fn check(lines: &str, documented: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut run = None;
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let name = event["event"].as_str().unwrap_or_else(|| panic!("{line}"));
        let fields = documented.get(name).unwrap_or_else(|| panic!("{name} is not documented: {line}"));
        for (field, value) in event.as_object().unwrap() {
            let common = ["time", "event", "run"].contains(&field.as_str());
            assert!(common || fields.contains(field), "{name}.{field} is not documented");
            // What the list says in parentheses are values, or fields of fields.
            if let Some(inner) =
                value.as_array().and_then(|a| a.first()).and_then(Value::as_object).filter(|_| name == "ahead")
            {
                assert!(inner.keys().all(|k| fields.contains(k)), "{line}");
            }
        }
        let time = event["time"].as_str().unwrap();
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00 00:00:00.000 UTC");
        if let "run-started" | "resumed" = name {
            run = Some(event["run"].clone());
        }
        assert_eq!(event.get("run"), run.as_ref(), "{line}");
        seen.insert(name.to_owned());
    }
    seen
}

#[test]
fn every_line_is_an_event_of_the_list() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    bench.sqlite(
        "shop.db",
        "CREATE VIEW spent AS SELECT customer, count(*) AS n FROM orders GROUP BY customer;
         CREATE TABLE \"line\nbreak\u{1b}[2J\"(a TEXT); INSERT INTO \"line\nbreak\u{1b}[2J\" VALUES ('x');",
    );
    let documented = documented();
    assert!(documented.len() > 15 && documented["progress"].contains("table"), "{documented:?}");
    let log = ["--log-format", "json", "--log-file", "events.jsonl"];
    let run = |args: &[&str], exit| bench.run(&[args, &log].concat()).exits(exit).stderr;

    let mut seen = check(&run(&["migrate", &source, &target], 0), &documented);
    seen.extend(check(&run(&["verify", &source, &target], 0), &documented));
    seen.extend(check(&run(&["rollback", &source, &target], 0), &documented));
    let failed = run(&["migrate", "nowhere.db", &target], 3);
    seen.extend(check(&failed, &documented));
    assert!(failed.lines().last().unwrap().contains("\"event\":\"error\""), "{failed}");
    for name in [
        "source",
        "target",
        "stage-started",
        "stage-done",
        "progress",
        "started",
        "done",
        "planned",
        "run-started",
        "ahead",
        "compared",
        "published",
        "error",
    ] {
        assert!(seen.contains(name), "{name} was not told: {seen:?}");
    }
    // The file has what standard error had, command by command, errors too.
    let kept = std::fs::read_to_string(bench.path("events.jsonl")).unwrap();
    let names = |text: &str| -> Vec<String> {
        let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned();
        text.lines().map(event).collect()
    };
    assert!(names(&kept).starts_with(&names(&run(&["migrate", &source, &target], 0))[..3]), "{kept}");
    assert!(kept.contains("\"event\":\"error\"") && kept.contains("\"event\":\"published\""), "{kept}");
    assert!(!kept.contains('\u{1b}'));
}
