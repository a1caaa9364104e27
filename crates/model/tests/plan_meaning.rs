//! What a plan's file means for the schema and the rules: what is left out, what is a choice, what cannot be.
//! Owns these cases; the oracle is the rules without a file, and the names that the file says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod support;

use lite2pg_model::finding::{Severity, codes};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::{Choices, Types};
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::decide::{ColumnMapping, TableMapping};
use lite2pg_model::mapping::policy::{Choice, Kind, Policies};
use lite2pg_model::mapping::zone::Zone;
use lite2pg_model::plan::file::{self, flags};
use lite2pg_model::plan::overrides::{Literal, Overrides, Problem};
use lite2pg_model::schema::{IndexOn, Schema};
use lite2pg_model::sql::ast::Expr;
use lite2pg_model::sql::resolve::resolve;
use std::collections::BTreeMap;

fn read(text: &str) -> Result<Overrides, Vec<Problem>> {
    file::read(text, "p.toml")
}

fn source(sql: &str) -> Schema {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch(sql).unwrap();
    resolve(&support::introspect(&db).unwrap()).0
}

#[test]
fn what_needs_a_column_that_is_left_out_is_told() {
    let mut schema = source(
        "CREATE TABLE p(x TEXT PRIMARY KEY, y TEXT UNIQUE, z INTEGER CHECK(z > 0), w INTEGER, v INTEGER,
           CHECK(w < v), UNIQUE(z, w), FOREIGN KEY(v) REFERENCES q(id));
         CREATE TABLE q(id INTEGER PRIMARY KEY, a INTEGER REFERENCES q(id));
         CREATE INDEX gone ON p(w + 1); CREATE INDEX gone2 ON p(z) WHERE w > 1; CREATE INDEX stays ON p(v, z);",
    );
    let overrides = flags::read(["p.w.skip=true", "p.x.skip=true", "q.a.skip=true"]).unwrap();
    let mut findings = Vec::new();
    assert_eq!(overrides.change(&mut schema, &mut findings), []);
    let p = &schema.tables[0];
    let names: Vec<&str> = p.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["y", "z", "v"]);
    assert_eq!(p.left_out, ["x", "w"]);
    assert!(p.primary_key.is_none());
    // What stays means the same columns as before.
    assert_eq!(p.uniques.len(), 1);
    assert_eq!(p.uniques[0].columns[0].column, 0);
    assert_eq!(p.checks.len(), 1);
    assert!(p.checks[0].expr.ast.as_ref().unwrap().any_column(&|c| c == 1), "{:?}", p.checks[0]);
    assert_eq!(p.foreign_keys[0].columns, [2]);
    let indexes: Vec<&str> = p.indexes.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(indexes, ["stays"]);
    let on: Vec<&IndexOn> = p.indexes[0].terms.iter().map(|t| &t.on).collect();
    assert_eq!(on, [&IndexOn::Column(2), &IndexOn::Column(1)]);
    assert!(schema.tables[1].foreign_keys.is_empty() && schema.tables[1].rowid_alias == Some(0));
    let mut told: Vec<(&str, &str)> =
        findings.iter().filter(|f| f.blocks()).map(|f| (f.code.as_str(), f.object.as_str())).collect();
    told.sort_unstable();
    let expected = [
        (codes::CHECK, "p"),
        (codes::FOREIGN_KEY, "q.a"),
        (codes::INDEX, "gone"),
        (codes::INDEX, "gone2"),
        (codes::INDEX, "p"),
        (codes::INDEX, "p"),
    ];
    assert_eq!(told, expected);
    assert_eq!(findings.iter().filter(|f| f.code == codes::LEFT_OUT).count(), 3);
}

#[test]
fn every_name_that_is_not_there_is_told() {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); CREATE VIEW v AS SELECT 1;").unwrap();
    let raw = support::introspect(&db).unwrap();
    let problems = flags::read(["user.to=x", "v.skip=true"]).unwrap().select(&raw).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("there is no table \"user\"; did you mean `users`?"), "{told:?}");
    assert!(told[1].contains("\"v\" is no table: it is a view"), "{told:?}");
    let mut schema = resolve(&raw).0;
    let overrides = flags::read(["users.nmae.to=x", "users.id.type=text", "users.id.default=1", "users.name.to=id"]);
    let problems = overrides.unwrap().change(&mut schema, &mut Vec::new());
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for says in ["did you mean `name`?", "cannot become text", "cannot have a default", "two columns of users"] {
        assert!(told.iter().any(|t| t.contains(says)), "{says}: {told:?}");
    }
}

/// Rules that give every column text, and every linked one what its leader has.
fn rules(schema: &Schema, choices: &Choices) -> BTreeMap<String, TableMapping> {
    let mut tables = BTreeMap::new();
    for table in &schema.tables {
        let leader = choices.column("t", "a").and_then(|c| c.ty).unwrap_or(PgType::Text);
        let of = |name: &str| choices.column(&table.name, name).and_then(|c| c.ty).unwrap_or(leader);
        let columns = table.columns.iter().map(|c| ColumnMapping::new(of(&c.name), Normal::Exact, "")).collect();
        tables.insert(table.name.clone(), TableMapping { columns, ..TableMapping::default() });
    }
    tables
}

/// A file that nobody edited chooses nothing; a type that was changed does not set free what follows it by rule.
#[test]
fn only_what_the_rules_would_not_come_to_is_a_choice() {
    let schema = source("CREATE TABLE t(a, b, c)");
    let settle = |given: [&str; 3]| {
        let overrides = flags::read(given).unwrap();
        let decide = |c: &Choices| Ok::<_, ()>((rules(&schema, c), Vec::new()));
        let (choices, (tables, _)) = overrides.settle(&schema, &Choices::default(), decide).unwrap();
        let types: Vec<PgType> = tables["t"].columns.iter().map(|c| c.ty).collect();
        let mut chosen: Vec<String> = choices.columns.keys().map(|(_, column)| column.clone()).collect();
        chosen.sort();
        (types, chosen.join(""))
    };
    assert_eq!(settle(["t.a.type=text", "t.b.type=text", "t.c.type=text"]).1, "");
    let (types, chosen) = settle(["t.a.type=bigint", "t.b.type=text", "t.c.type=bigint"]);
    assert_eq!(types, [PgType::BigInt, PgType::Text, PgType::BigInt]);
    // c was chosen in the first round, when the rules did not yet know of a.
    assert!(chosen.contains('a') && chosen.contains('b'), "{chosen}");
}

/// A file names every type. One that the rules came to under the settings the file was written with follows other
/// settings; one that was edited stays, and so does one that a flag says.
#[test]
fn types_of_a_file_follow_other_settings_unless_they_were_edited() {
    let schema = source("CREATE TABLE t(a, b, c)");
    let by_rule = |c: &Choices| match (c.types, &c.zone, c.policies.get(Kind::Nul)) {
        (Types::Plain, ..) => PgType::BigInt,
        (_, Some(_), _) => PgType::TimestampTz,
        (_, _, Choice::Strip) => PgType::Text,
        _ => PgType::Json,
    };
    let decide = |c: &Choices| {
        let of = |name: &str| c.column("t", name).and_then(|c| c.ty).unwrap_or_else(|| by_rule(c));
        let columns = ["a", "b", "c"].iter().map(|n| ColumnMapping::new(of(n), Normal::Exact, "")).collect();
        let table = TableMapping { columns, ..TableMapping::default() };
        Ok::<_, ()>((BTreeMap::from([("t".to_owned(), table)]), Vec::new()))
    };
    let file = |with: &str| {
        let types = "[tables.t.columns]\na = { type = 'json' }\nb = { type = 'uuid' }\nc = { type = 'json' }";
        read(&format!("version = 1\n{with}\n{types}")).unwrap()
    };
    let types = |overrides: &Overrides, choices: &Choices| -> Vec<PgType> {
        let (_, (tables, _)) = overrides.settle(&schema, choices, decide).unwrap();
        tables["t"].columns.iter().map(|c| c.ty).collect()
    };
    let with = file("decided-with = { types = 'native' }");
    let native = Choices::default();
    let plain = Choices { types: Types::Plain, ..Choices::default() };
    let zone = Choices { zone: Some(Zone::parse("UTC").unwrap()), ..Choices::default() };
    let text = Choices::of(Policies::parse(["nul=strip"]).unwrap());
    assert_eq!(types(&with, &native), [PgType::Json, PgType::Uuid, PgType::Json]);
    for (choices, ty) in [(&plain, PgType::BigInt), (&zone, PgType::TimestampTz), (&text, PgType::Text)] {
        assert_eq!(types(&with, choices), [ty, PgType::Uuid, ty]);
        // Without the settings that it was written with, a file is taken at its word.
        assert_eq!(types(&file(""), choices), [PgType::Json, PgType::Uuid, PgType::Json]);
        // A flag is a choice, also where the file says the same.
        let flag = with.clone().with(flags::read(["t.c.type=json"]).unwrap());
        assert_eq!(types(&flag, choices), [ty, PgType::Uuid, PgType::Json]);
    }
    // Written under other settings, and back to the first ones.
    let back = read(
        "version = 1\ndecided-with = { types = 'plain' }\n[tables.t.columns]\na = { type = 'bigint' }\n\
        b = { type = 'uuid' }",
    )
    .unwrap();
    assert_eq!(types(&back, &native), [PgType::Json, PgType::Uuid, PgType::Json]);
}

#[test]
fn a_word_of_a_flag_is_a_number_where_it_is_written_as_one() {
    let null = |word: &str| {
        let overrides = flags::read([format!("t.c.null={word}")]).unwrap();
        overrides.column("t", "c").unwrap().null.as_ref().unwrap().value.clone()
    };
    let text = |t: &str| Literal::Text(t.into());
    for (word, value) in [("0", Literal::Integer(0)), ("-7", Literal::Integer(-7)), ("1.5", Literal::Real(1.5))] {
        assert_eq!(null(word), value);
    }
    for word in ["00123", "+1", "1.50", "-0", "", "nan", "1e5", "none", "0x10"] {
        assert_eq!(null(word), text(word));
    }
    assert_eq!((null("'5'"), null("'it''s'"), null("''")), (text("5"), text("it's"), text("")));
    // What is read is what SQLite would have stored.
    let read = |ty: &str, word: &str| {
        let mut schema = source(&format!("CREATE TABLE t(c {ty})"));
        let problems = flags::read([format!("t.c.null={word}")]).unwrap().change(&mut schema, &mut Vec::new());
        assert_eq!(problems, []);
        let sql = schema.tables[0].columns[0].read.clone().unwrap();
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("CREATE TABLE t(c {ty}); CREATE TABLE s(c {ty}); INSERT INTO t VALUES(NULL);"))
            .unwrap();
        db.execute("INSERT INTO s VALUES(?1)", [word]).unwrap();
        let one = |sql: &str| db.query_row(sql, [], |r| r.get::<_, rusqlite::types::Value>(0)).unwrap();
        (one(&format!("SELECT {sql} FROM t")), one("SELECT c FROM s"))
    };
    for ty in ["TEXT", "INTEGER", "REAL", "NUMERIC", "VARCHAR(9)"] {
        for word in ["00123", "5", "1.5", "1.50", "none"] {
            let (ours, stored) = read(ty, word);
            assert_eq!(ours, stored, "{ty} {word}");
        }
    }
}

#[test]
fn what_cannot_be_is_told_before_anything_is_made() {
    let problems = |plan: &str| -> Vec<String> {
        let mut schema = source("CREATE TABLE t(id INTEGER PRIMARY KEY, xmin, b); CREATE TABLE u(c)");
        let whole = schema.clone();
        match read(&format!("version = 1\n{plan}")) {
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
            Ok(o) => {
                let problems = o.change(&mut schema, &mut Vec::new());
                problems.iter().chain(&o.unknown_in_left_out(&whole)).map(ToString::to_string).collect()
            }
        }
    };
    let extra = |name: &str| format!("[tables.t]\nextra = [{{ name = '{name}', type = 'integer' }}]");
    for (plan, says) in [
        (extra("ctid"), "p.toml:3: \"ctid\" is PostgreSQL's own"),
        (extra("xmin_"), "p.toml:3: t has a column \"xmin_\" already: xmin"),
        (extra("b"), "p.toml:3: t has a column \"b\" already"),
        ("[tables.t.columns]\nb = { default = '(select 1)' }".into(), "p.toml:3: \"(select 1)\" cannot be"),
        (
            "accept = ['view-not-carred:v']".into(),
            "p.toml:2: there is no finding \"view-not-carred\"; did you mean `view-not-carried`?",
        ),
        ("[tables.u]\nskip = true\n[tables.u.columns]\nd = { to = 'x' }".into(), "p.toml:5: u has no column \"d\""),
        (
            "[tables.t.columns]\nid = { null = 0 }".into(),
            "p.toml:3: t.id is the rowid (INTEGER PRIMARY KEY), which is never NULL",
        ),
    ] {
        let told = problems(&plan);
        assert!(told.len() == 1 && told[0].starts_with(says), "{plan}: {told:?}");
    }
    assert_eq!(problems(&extra("made")), Vec::<String>::new());
    assert!(flags::no_patterns("--tables", "").is_some() && flags::no_patterns("--exclude", " ,").is_some());
    assert!(flags::no_patterns("--tables", "a").is_none() && flags::no_accept("all").is_none());
    assert!(flags::no_accept("nothing").is_some() && flags::no_accept("trigger-not-carried:x").is_none());
}

/// A key that is computed is not the rowid any more.
#[test]
fn a_computed_rowid_is_told_to_hand_out_no_keys() {
    let mut schema = source("CREATE TABLE t(id INTEGER PRIMARY KEY, n)");
    let mut findings = Vec::new();
    let overrides = flags::read(["t.id.expression=id + 1", "t.n.expression=n"]).unwrap();
    assert_eq!(overrides.change(&mut schema, &mut findings), []);
    let told = |object: &str| findings.iter().find(|f| f.object == object && f.code == codes::COMPUTED).unwrap();
    assert_eq!((told("t.id").severity, told("t.n").severity), (Severity::Warning, Severity::Note));
    assert!(told("t.id").message.contains("hands out no keys any more"));
}

#[test]
fn every_code_of_a_finding_is_listed() {
    let source = include_str!("../src/finding.rs");
    let constants = source.matches(": &str = \"").count();
    assert_eq!(codes::ALL.len(), constants);
}

#[test]
fn expressions_are_renumbered_everywhere() {
    let mut e = Expr::Case(
        Some(Box::new(Expr::Column(3))),
        vec![(Expr::Column(4), Expr::In(Box::new(Expr::Column(5)), vec![Expr::Column(6)], true))],
        Some(Box::new(Expr::Call("f".into(), vec![Expr::Column(7)]))),
    );
    e.renumber(&|i| i - 3);
    for i in 0..5 {
        assert!(e.any_column(&|c| c == i), "{i}");
    }
    assert!(!e.any_column(&|c| c > 4));
}
