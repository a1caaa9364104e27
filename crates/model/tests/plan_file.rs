//! The plan's file: what is wrong with it is told with its line, every key is known to the reader and to the JSON Schema,
//! and no text makes the reader panic.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod support;

use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::Types;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::policy::{Choice, Kind};
use lite2pg_model::plan::file::{self, MOST_PROBLEMS, flags, keys, schema};
use lite2pg_model::plan::overrides::{Literal, Origin, Overrides, Problem};
use proptest::prelude::*;
use std::path::Path;

fn read(text: &str) -> Result<Overrides, Vec<Problem>> {
    file::read(text, "p.toml")
}

fn line(problem: &Problem) -> usize {
    match &problem.at {
        Origin::File(name, line) => {
            assert_eq!(name, "p.toml");
            *line
        }
        Origin::Flag(flag) => panic!("{flag}"),
    }
}

/// A file in which everything is said.
const ALL: &str = r#"
version = 1
schema = "shop"
types = "inferred"
assume-tz = "Europe/Berlin"
collation = "database"
accept = ["view-not-carried:v", "trigger-not-carried"]

[policies]
nul = "strip"
orphans = "set-null"

[tables.users]
to = "people"
skip = false
where = "id > 7"
extra = [{ name = "made", type = "timestamptz", default = "now()", not-null = true }]

[tables.users.columns]
id = { type = "uuid" }
"amount" = "round(amount, 2)"
long = { to = "LONG", expression = "trim(long)", null = "x", policy = { mixed = "text" }, not-null = true, default = "'a'" }
state = { type = "enum", labels = ["a", "b"] }
at = { values = "epoch-millis" }
on = { type = "boolean", values = "yes/no" }

[tables.users.columns."a.b"]
skip = true

[tables."odd name"]
skip = true
"#;

#[test]
fn everything_that_can_be_said_is_read() {
    let o = read(ALL).unwrap();
    assert_eq!(o.schema.as_ref().unwrap().value, "shop");
    assert_eq!(o.types.as_ref().unwrap().value, Types::Inferred);
    assert_eq!(o.zone.as_ref().unwrap().value.name(), "Europe/Berlin");
    assert!(o.collation_database.as_ref().unwrap().value);
    assert_eq!(o.accept, ["view-not-carried:v", "trigger-not-carried"]);
    assert_eq!((o.policies.get(Kind::Nul), o.policies.get(Kind::Orphans)), (Choice::Strip, Choice::SetNull));
    let users = o.table("USERS").unwrap();
    assert_eq!(users.to.as_ref().unwrap().value, "people");
    assert_eq!(users.filter.as_ref().unwrap().value, "id > 7");
    assert_eq!(users.filter.as_ref().unwrap().at, Origin::File("p.toml".into(), 16));
    let extra = &users.extra[0].value;
    assert_eq!((extra.name.as_str(), extra.ty, extra.not_null), ("made", PgType::TimestampTz, true));
    assert_eq!(extra.default.as_deref(), Some("now()"));
    let column = |name: &str| o.column("users", name).unwrap();
    assert_eq!(column("id").ty.as_ref().unwrap().value, PgType::Uuid);
    assert_eq!(column("amount").read.as_ref().unwrap().value, "round(amount, 2)");
    let long = column("long");
    assert_eq!(
        (long.to.as_ref().unwrap().value.as_str(), &long.null.as_ref().unwrap().value),
        ("LONG", &Literal::Text("x".into()))
    );
    assert_eq!(long.policies.get(Kind::Mixed), Choice::Text);
    assert!(long.policies.chose(Kind::Mixed) && long.not_null.as_ref().unwrap().value);
    assert_eq!(long.default.as_ref().unwrap().value, "'a'");
    assert_eq!(column("state").labels.as_ref().unwrap().value, ["a", "b"]);
    // How values are written says the type, too.
    assert_eq!(column("at").ty.as_ref().unwrap().value, PgType::TimestampTz);
    assert_eq!(column("at").values.as_ref().unwrap().value, Normal::EpochMillis);
    assert_eq!(column("on").values.as_ref().unwrap().value, Normal::BooleanWords(5));
    assert!(column("A.B").is_skipped() && o.table("odd name").unwrap().is_skipped());
}

/// Text, the line at fault, and what the message must say.
const WRONG: &[(&str, usize, &[&str])] = &[
    ("schema = 'x'", 1, &["version", "version = 1"]),
    ("version = 2", 1, &["version 2", "reads version 1"]),
    ("version = 1\nshcema = 'x'", 2, &["shcema", "did you mean `schema`?"]),
    ("version = 1\nwhere = 'x'", 2, &["where", "belongs to [tables.NAME]"]),
    ("version = 1\n[tables.t.columns]\na = { tpye = 'uuid' }", 3, &["tpye", "did you mean `type`?"]),
    ("version = 1\n[tables.t.columns]\na = { type = 'uiud' }", 3, &["uiud", "did you mean `uuid`?"]),
    ("version = 1\n[tables.t.columns]\na = { type = 'geometry' }", 3, &["geometry", "double precision"]),
    ("version = 1\n[tables.t.columns]\na = { type = 'numeric(2000)' }", 3, &["numeric(2000)", "numeric(p,s)"]),
    ("version = 1\n[tables.t.columns]\na = { type = 7 }", 3, &["type takes text, not an integer"]),
    ("version = 1\n[tables.t.columns]\na = { skip = 'yes' }", 3, &["skip takes true or false"]),
    ("version = 1\n[tables.t.columns]\na = 7", 3, &["a column takes a table or an expression"]),
    ("version = 1\n[tables.t.columns]\na = { policy = { mixed = 'drop' } }", 3, &["mixed cannot be", "quarantine"]),
    ("version = 1\n[tables.t.columns]\na = { policy = { mxied = 'text' } }", 3, &["mxied", "did you mean `mixed`?"]),
    ("version = 1\n[policies]\n\nnul = 'repalce'", 4, &["did you mean `replace`?"]),
    ("version = 1\n[tables.t.columns]\na = { values = 'epoch-second' }", 3, &["did you mean `epoch-seconds`?"]),
    (
        "version = 1\n[tables.t.columns]\na = { type = 'text', values = 'epoch-seconds' }",
        3,
        &["cannot become text", "timestamptz"],
    ),
    ("version = 1\n[tables.t.columns]\na = { type = 'text', labels = ['x'] }", 3, &["labels are for an enum"]),
    ("version = 1\n[tables.t.columns]\na = { labels = ['x', 'x'] }", 3, &["twice"]),
    ("version = 1\n[tables.t.columns]\na = { labels = 'x' }", 3, &["list of texts"]),
    ("version = 1\n[tables.t.columns]\na = { null = inf }", 3, &["infinity"]),
    ("version = 1\n[tables.t.columns]\na = { null = [] }", 3, &["not a list"]),
    ("version = 1\n[tables.t.columns]\na = { default = 0 }", 3, &["SQL of PostgreSQL", "\"0\""]),
    ("version = 1\n[tables.t.columns]\na = { default = \"x'\" }", 3, &["quote is not closed"]),
    ("version = 1\n[tables.t.columns]\na = { expression = '  ' }", 3, &["SQL of SQLite"]),
    ("version = 1\n[tables.t]\nextra = [{ name = 'x' }]", 3, &["needs a type"]),
    ("version = 1\n[tables.t]\nextra = [{ name = 'x', type = 'int', not-null = true }]", 3, &["needs a default"]),
    ("version = 1\n[tables.t]\nextra = 'x'", 3, &["list of columns"]),
    ("version = 1\n[tables.T]\n[tables.t]", 3, &["stands there twice"]),
    ("version = 1\ntypes = 'rich'", 2, &["native, inferred, plain"]),
    ("version = 1\nassume-tz = 'Berlin'", 2, &["Berlin", "Europe/Berlin"]),
    ("version = 1\ncollation = 'icu'", 2, &["source, database"]),
    ("version = 1\naccept = 'all'", 2, &["accept takes a list"]),
    ("version = 1\ntables = 3", 2, &["tables takes a table"]),
    ("version = 1\n[tables.t\nto = 'x'", 2, &["no TOML"]),
    ("version = 1\na = 1\na = 2", 3, &["no TOML"]),
];

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_to_write() {
    for (text, at, says) in WRONG {
        let problems = read(text).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let hit = problems.iter().any(|p| line(p) == *at && says.iter().all(|s| p.to_string().contains(s)));
        assert!(hit, "{text:?} at {at}: {says:?} in {told:?}");
        assert!(told[0].starts_with("p.toml:"), "{told:?}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let mut text = "version = 1\n[tables.t.columns]\n".to_owned();
    for i in 0..30 {
        text.push_str(&format!("c{i} = {{ tpye = 'text' }}\n"));
    }
    let problems = read(&text).unwrap_err();
    assert_eq!(problems.len(), MOST_PROBLEMS);
    let lines: Vec<usize> = problems.iter().map(line).collect();
    assert_eq!(lines, (3..3 + MOST_PROBLEMS).collect::<Vec<_>>());
}

/// A value that each key takes, in a file of its own.
fn sample(key: &keys::Key) -> &'static str {
    match key.takes {
        keys::Takes::Version => "1",
        keys::Takes::Name | keys::Takes::SourceSql | keys::Takes::TargetSql | keys::Takes::Literal => "'x'",
        keys::Takes::Types => "'plain'",
        keys::Takes::Names => "'snake'",
        keys::Takes::Zone => "'UTC'",
        keys::Takes::Collation => "'database'",
        keys::Takes::Accepts => "['all']",
        keys::Takes::Policies => "{ nul = 'strip' }",
        keys::Takes::DecidedWith => "{ types = 'plain', assume-tz = 'UTC', policies = { nul = 'strip' } }",
        keys::Takes::Tables => "{ x = { } }",
        keys::Takes::Columns => "{ x = { } }",
        keys::Takes::Extras => "[{ name = 'x', type = 'int' }]",
        keys::Takes::Flag => "true",
        keys::Takes::Type => "'enum'",
        keys::Takes::Writing => "'julian-day'",
        keys::Takes::Labels => "['a']",
    }
}

#[test]
fn every_key_is_known_to_the_reader() {
    let said = |text: String| read(&text).unwrap_or_else(|p| panic!("{text}: {p:?}"));
    let nothing = said("version = 1\n[tables.t.columns]\nc = { }".into());
    for key in keys::TOP.iter().filter(|k| k.word != "version") {
        let value = sample(key);
        let text = format!("version = 1\n{} = {value}\n[tables.t.columns]\nc = {{ }}", key.word);
        let text = if key.word == "tables" { "version = 1\ntables = { x = { } }".to_owned() } else { text };
        assert_ne!(said(text), nothing, "{}", key.word);
    }
    for key in keys::TABLE.iter().filter(|k| k.word != "columns") {
        let text = format!("version = 1\n[tables.t]\n{} = {}\n[tables.t.columns]\nc = {{ }}", key.word, sample(key));
        assert_ne!(said(text), nothing, "{}", key.word);
    }
    for key in keys::COLUMN {
        let text = format!("version = 1\n[tables.t.columns]\nc = {{ {} = {} }}", key.word, sample(key));
        assert_ne!(said(text), nothing, "{}", key.word);
    }
    let extra = |more: &str| said(format!("version = 1\n[tables.t]\nextra = [{{ name = 'x', type = 'int'{more} }}]"));
    assert_ne!(extra(", default = '1'"), extra(""));
    assert_ne!(extra(", default = '1', not-null = true"), extra(", default = '1'"));
}

fn docs(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_json_schema_knows_the_same_keys() {
    let schema = schema::document();
    let words = |value: &serde_json::Value| -> Vec<String> {
        let mut words: Vec<String> = value["properties"].as_object().unwrap().keys().cloned().collect();
        words.sort();
        words
    };
    let known = |keys: &[keys::Key]| {
        let mut words: Vec<String> = keys.iter().map(|k| k.word.to_owned()).collect();
        words.sort();
        words
    };
    let table = &schema["properties"]["tables"]["additionalProperties"];
    let column = &table["properties"]["columns"]["additionalProperties"]["anyOf"][1];
    assert_eq!(words(&schema), known(keys::TOP));
    assert_eq!(words(table), known(keys::TABLE));
    assert_eq!(words(column), known(keys::COLUMN));
    assert_eq!(words(&schema["properties"]["decided-with"]), known(keys::DECIDED_WITH));
    assert_eq!(words(&table["properties"]["extra"]["items"]), known(keys::EXTRA));
    let mut kinds: Vec<String> = Kind::all().map(|k| k.word().to_owned()).collect();
    kinds.sort();
    assert_eq!(words(&schema["properties"]["policies"]), kinds);
    assert_eq!(words(&column["properties"]["policy"]), kinds);
    if std::env::var_os("LITE2PG_WRITE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plan.schema.json");
        std::fs::write(path, schema::text()).unwrap();
    }
    assert!(
        docs("plan.schema.json") == schema::text(),
        "docs/plan.schema.json is another; LITE2PG_WRITE=1 writes it anew"
    );
}

#[test]
fn the_page_about_the_file_names_every_key() {
    let page = docs("plan.md");
    for key in keys::TOP.iter().chain(keys::TABLE).chain(keys::COLUMN).chain(keys::EXTRA) {
        assert!(page.contains(&format!("`{}`", key.word)), "docs/plan.md does not name {}", key.word);
    }
    // Its examples are read.
    let mut examples = 0;
    for example in page.split("```toml\n").skip(1) {
        let text = example.split("```").next().unwrap();
        let whole = if text.contains("version =") { text.to_owned() } else { format!("version = 1\n{text}") };
        read(&whole).unwrap_or_else(|p| panic!("{whole}\n{p:?}"));
        examples += 1;
    }
    assert!(examples >= 5, "{examples}");
}

#[test]
fn labels_are_given_as_words_or_as_the_file_writes_them() {
    let labels = |text: &str| {
        let overrides = flags::read([text]).unwrap_or_else(|p| panic!("{p:?}"));
        let column = &overrides.tables["t"].columns["b"];
        column.labels.as_ref().unwrap().value.clone()
    };
    assert_eq!(labels("t.b.labels=x, yes"), ["x", "yes"]);
    assert_eq!(labels(r#"t.b.labels=["x","yes"]"#), ["x", "yes"]);
    assert_eq!(labels(r#"t.b.labels=[ "a,b", 'c"' ]"#), ["a,b", "c\""]);
    for bad in [r#"t.b.labels=["x""#, "t.b.labels=[x,yes]", "t.b.labels=[1]", "t.b.labels=[]"] {
        assert!(flags::read([bad]).is_err(), "{bad}");
    }
}

#[test]
fn flags_say_the_same() {
    let o = flags::read([
        "users.id.type=numeric(10,2)",
        "users.amount.expression=round(amount, 2) = 3",
        "users.\"a.b\".skip=true",
        "\"odd \"\"name\"\"\".where=x = 'y'",
        "users.to=people",
        "users.state.labels=a, b",
        "users.state.policy.mixed=text",
        "users.n.null=0",
        "users.m.null=none",
        "users.n.default=now()",
    ])
    .unwrap();
    let column = |name: &str| o.column("users", name).unwrap();
    assert_eq!(column("id").ty.as_ref().unwrap().value, PgType::Numeric(Some((10, 2))));
    assert_eq!(column("amount").read.as_ref().unwrap().value, "round(amount, 2) = 3");
    assert!(column("a.b").is_skipped());
    assert_eq!(o.table("odd \"name\"").unwrap().filter.as_ref().unwrap().value, "x = 'y'");
    assert_eq!(column("state").ty.as_ref().unwrap().value, PgType::Enum);
    assert_eq!(column("state").policies.get(Kind::Mixed), Choice::Text);
    assert_eq!(column("n").null.as_ref().unwrap().value, Literal::Integer(0));
    assert_eq!(column("m").null.as_ref().unwrap().value, Literal::Text("none".into()));
    for (bad, says) in [
        ("users", "is no choice"),
        ("users.id", "is no choice"),
        ("users=1", "names no key"),
        ("users.id.tpye=text", "did you mean `type`?"),
        ("users.id.type=txt", "did you mean `text`?"),
        ("users.wher=x", "did you mean `where`?"),
        ("users.id.skip=maybe", "true or false"),
        ("users.id.policy.mixed=x", "mixed cannot be"),
        ("users.id.policy=x", "has no key"),
        ("users.\"id.type=text", "is no choice"),
        ("a.b.c.d.e=1", "names no key"),
    ] {
        let told = flags::read([bad]).unwrap_err()[0].to_string();
        assert!(told.starts_with(&format!("--set {bad}: ")) && told.contains(says), "{told}");
    }
}

#[test]
fn flags_win_over_the_file() {
    let flags =
        flags::read(["users.to=folk", "users.id.type=text", "users.at.type=bigint", "other.skip=true"]).unwrap();
    let both = read(ALL).unwrap().with(flags);
    assert_eq!(both.table("users").unwrap().to.as_ref().unwrap().value, "folk");
    assert_eq!(both.column("users", "id").unwrap().ty.as_ref().unwrap().value, PgType::Text);
    // What the file said of how values are written was said of another type.
    assert!(both.column("users", "at").unwrap().values.is_none());
    assert_eq!(both.table("users").unwrap().filter.as_ref().unwrap().value, "id > 7");
    assert!(both.table("other").unwrap().is_skipped());
}

fn lines_exist(text: &str) {
    let Err(problems) = read(text) else { return };
    assert!(!problems.is_empty() && problems.len() <= MOST_PROBLEMS);
    let last = text.matches('\n').count() + 1;
    for problem in &problems {
        assert!((1..=last).contains(&line(problem)), "{problem} of {last} lines");
        assert!(!problem.message.is_empty() && !problem.message.contains('\n'), "{problem:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Any text at all.
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*|(?s).*") {
        lines_exist(&text);
    }

    /// A good file with pieces cut out, doubled, and put in.
    #[test]
    fn no_change_of_a_good_file_makes_the_reader_panic(
        cuts in prop::collection::vec((0..ALL.len(), 0..40_usize, "[\\]\\[{}=\"'.,#a-z0-9 \\n\\\\]{0,6}"), 1..6),
    ) {
        let mut bytes = ALL.as_bytes().to_vec();
        for (at, length, put) in cuts {
            let start = at.min(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, put.bytes());
        }
        lines_exist(&String::from_utf8_lossy(&bytes));
    }

    /// Words for keys and values that were never meant for each other.
    #[test]
    fn no_key_with_any_value_makes_the_reader_panic(
        key in prop::sample::select(keys::words(keys::COLUMN)),
        value in prop::sample::select(vec![
            "1", "-9223372036854775808", "0x7fffffffffffffffff", "1e999", "nan", "true", "'x'", "''", "[]", "['']", "{}",
            "{ nul = 'strip' }", "1979-05-27", "'numeric(1,2'", "'varchar(99999999999)'", "\"\\u0000\"", "[[1]]", "'/'",
        ]),
    ) {
        lines_exist(&format!("version = 1\n[tables.t.columns]\nc = {{ {key} = {value} }}"));
        let _ = flags::read([format!("t.c.{key}={value}")]);
    }

    /// Any flag at all.
    #[test]
    fn no_flag_makes_its_reader_panic(text in "\\PC*|[a-z.=\"]{0,20}") {
        if let Err(problems) = flags::read([&text]) {
            prop_assert!(!problems.is_empty());
        }
    }
}
