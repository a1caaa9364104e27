//! What the census takes for an address, a duration, a time, a UUID, JSON: PostgreSQL reads it too, and shows the same.
//! Owns the generator; the oracle is PostgreSQL. `LITE2PG_SEED` and `LITE2PG_CASES` repeat and lengthen a run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

#[path = "../../model/tests/support/mod.rs"]
mod support;

use lite2pg_model::mapping::forms::{self, Form};
use lite2pg_testkit::cluster::Cluster;
use support::{Dice, from_environment};

/// A form, the type that must read it, the texts that candidates are made of, and whether PostgreSQL shows the same
/// text, letter case aside.
type Kind = (Form, &'static str, &'static [&'static str], bool);

const KINDS: [Kind; 11] = [
    (Form::Ipv4, "inet", &["10.", "255.", "0.", "192.168.", "1", "256.", "01.", "99"], true),
    (Form::Ipv6, "inet", &[":", "::", "ffff", "0", "2001:db8", "1", "ABCD", "1.2.3.4", "12345"], false),
    (
        Form::Cidr,
        "cidr",
        &[
            "10.",
            "0.0.0",
            "1.2.3.4",
            "128.",
            "0.",
            "0",
            "/8",
            "/32",
            "/12",
            "/1",
            "/0",
            "::",
            "2001:db8::",
            "/64",
            "/127",
            "1",
        ],
        false,
    ),
    (Form::Mac, "macaddr", &["08:00:2b:", "01:02:03", "01:", "aa", "08-00-", "2B-01-", "02-03", "0"], false),
    (
        Form::Interval,
        "interval",
        &["P", "P1Y", "P9999999Y", "2M", "3W", "4D", "9999999D", "T", "T5H", "999999999M", "6M", "7S", "0.5S", "8"],
        false,
    ),
    (Form::Clock, "time", &["10", ":", "59", "00", ".5", "23:59:59", ".123456", "24", "0"], false),
    (Form::ClockCanonical, "time", &["10:00", ":", "59", "00", ".5", "23:59:59", ".123456", ".10"], true),
    (
        Form::UuidLower,
        "uuid",
        &["0b2a9d4e-", "0b2a9d4e-0000-4000-8000-", "-4000", "0000", "-8000-", "00000000000a", "00ff", "f", "-"],
        true,
    ),
    (Form::UuidHexLower, "uuid", &["0b2a9d4e000040008000000000000", "00a", "a", "0"], false),
    (
        Form::JsonValid,
        "json",
        &["{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u0000\"", "\"\\ud834\"", "-0", "1e9", " "],
        true,
    ),
    (
        Form::Json,
        "jsonb",
        &["{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"\\u0001\"", "-0", "1.50", "1e9", " "],
        false,
    ),
];

fn candidate(dice: &mut Dice, parts: &[&str]) -> String {
    let count = 1 + dice.roll(9);
    (0..count).map(|_| dice.pick(parts)).collect()
}

#[test]
fn what_has_a_form_postgresql_reads_as_its_type() {
    let cases = from_environment("LITE2PG_CASES").unwrap_or(20_000);
    let mut dice = Dice::seeded();
    let cluster = Cluster::start(&[], &[]);
    let mut client = cluster.client("postgres");
    for (form, ty, parts, same) in KINDS {
        let mut found: Vec<String> = (0..cases)
            .map(|_| candidate(&mut dice, parts))
            .filter(|text| form.is_in(forms::of(form.group(), text.as_bytes())))
            .collect();
        found.sort();
        found.dedup();
        assert!(!found.is_empty(), "no candidate is {form:?}");
        for text in &found {
            let read = client.query_one(&format!("SELECT format('%s', ($1::text)::{ty})"), &[text]);
            let shown: String = read.unwrap_or_else(|e| panic!("{form:?} {text:?}: {e}")).get(0);
            assert!(!same || shown.eq_ignore_ascii_case(text), "{form:?} {text:?} is shown as {shown:?}");
        }
        println!("{form:?}: {} texts read as {ty}", found.len());
    }
}

/// The other way round: what jsonb refuses is never taken for what it holds.
#[test]
fn what_jsonb_refuses_has_no_such_form() {
    let cluster = Cluster::start(&[], &[]);
    let mut client = cluster.client("postgres");
    let refused = [r#""\u0000""#, r#""\ud834""#, r#"{"a":"\udd1e"}"#, "1e131073", "[1e200000]", "{", "01", "nul"];
    for text in refused {
        assert!(client.query_one("SELECT ($1::text)::jsonb::text", &[&text]).is_err(), "{text}");
        assert!(!Form::Json.is_in(forms::of(Form::Json.group(), text.as_bytes())), "{text}");
    }
}
