//! Tables, keys, indexes and constraints: each case of `corpus/ddl` is applied on a real PostgreSQL, and the statements
//! of its probe are taken or refused by both databases alike and leave the same rows.
//! Owns that comparison; the oracle is SQLite.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

mod support;

use lite2pg_model::finding::{Severity, codes};
use lite2pg_model::ident::{pg_in, sqlite};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::decide::decide;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::overrides::{Origin, Overrides, Said};
use lite2pg_model::plan::style::NameStyle;
use lite2pg_model::plan::{ColumnPlan, Effect, Plan, TablePlan, build};
use lite2pg_model::schema::TableKind;
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Value;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

/// A case: what makes the database, the findings that are expected (`-- finding CODE OBJECT`), statements for both sides.
struct Case {
    name: String,
    source: String,
    findings: Vec<(String, String)>,
    probes: Vec<String>,
}

fn cases() -> Vec<Case> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus/ddl");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "sql"));
    paths.sort();
    assert!(paths.len() >= 10, "where are the cases?");
    let only = std::env::var("LITE2PG_CASE").unwrap_or_default();
    paths.retain(|p| p.to_string_lossy().contains(&only));
    assert!(!paths.is_empty(), "no case is called {only}");
    paths.iter().map(|p| case(p)).collect()
}

fn case(path: &std::path::Path) -> Case {
    let text = std::fs::read_to_string(path).unwrap();
    let (source, probes) = text.split_once("\n-- probe\n").unwrap_or((&text, ""));
    let finding = |l: &str| {
        let (code, object) = l.strip_prefix("-- finding ")?.split_once(' ')?;
        Some((code.to_owned(), object.to_owned()))
    };
    Case {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        findings: source.lines().filter_map(finding).collect(),
        source: source.to_owned(),
        probes: probes.lines().filter(|l| !l.is_empty() && !l.starts_with("--")).map(str::to_owned).collect(),
    }
}

fn value(v: ValueRef<'_>) -> Value<'_> {
    match v {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => Value::Integer(i),
        ValueRef::Real(r) => Value::Real(r),
        ValueRef::Text(t) => Value::Text(t),
        ValueRef::Blob(b) => Value::Blob(b),
    }
}

/// The plan of a database, from a census of its own.
fn planned(db: &Connection, server: u32) -> Plan {
    planned_as(db, server, NameStyle::Keep)
}

fn planned_as(db: &Connection, server: u32, style: NameStyle) -> Plan {
    let (schema, findings) = resolve(&support::introspect(db).unwrap());
    let mut profiles = BTreeMap::new();
    let mut max_rowid = BTreeMap::new();
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let mut profile = TableProfile::for_table(table);
        let list: Vec<String> = table.columns.iter().map(|c| sqlite(&c.name)).collect();
        let mut query = db.prepare(&format!("SELECT {} FROM {}", list.join(", "), sqlite(&table.name))).unwrap();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            profile.rows += 1;
            for (i, column) in profile.columns.iter_mut().enumerate() {
                column.observe(value(row.get_ref(i).unwrap()));
            }
        }
        if let Some(i) = table.rowid_alias
            && profile.rows > 0
        {
            max_rowid.insert(table.name.clone(), profile.columns[i].integer_max);
        }
        profiles.insert(table.name.clone(), profile);
    }
    let choices = Choices::default();
    let (mappings, of_types) = decide(&schema, &profiles, &choices);
    let findings = findings.into_iter().chain(of_types).collect();
    let names = Some(Said { value: style, at: Origin::Flag("--names".to_owned()) });
    let overrides = Overrides { names, ..Overrides::default() };
    let input = build::Input {
        schema: "final",
        max_rowid,
        server,
        choices: Some(&choices),
        overrides: Some(&overrides),
        ..build::Input::default()
    };
    build::build(&schema, &profiles, &mappings, findings, &input)
}

/// Every statement of the plan, and the rows by COPY BINARY.
fn apply(db: &Connection, pg: &mut Client, plan: &Plan) {
    pg.batch_execute("CREATE SCHEMA final").unwrap();
    for step in plan.steps("final") {
        match &step.effect {
            Effect::Sql(sql) => {
                let all = format!("BEGIN; SET LOCAL search_path TO {}; {sql}; COMMIT", plan.search_path("final"));
                pg.batch_execute(&all).unwrap_or_else(|e| panic!("{sql}\n{e:?}"));
            }
            Effect::Copy(table) => copy(db, pg, &plan.tables[*table]),
            Effect::Verify(_) | Effect::Publish => {}
        }
    }
    for sql in plan.enable_triggers("final") {
        pg.batch_execute(&sql).unwrap();
    }
    pg.batch_execute(&format!("SET search_path TO {}", plan.search_path("final"))).unwrap();
}

fn copy(db: &Connection, pg: &mut Client, table: &TablePlan) {
    let sent: Vec<&ColumnPlan> = table.sent().collect();
    let from: Vec<String> = sent.iter().map(|c| sqlite(&c.name)).collect();
    let to: Vec<String> = sent.iter().map(|c| lite2pg_model::ident::pg(&c.target)).collect();
    let target = pg_in("final", &table.target);
    let sql = format!("COPY {target} ({}) FROM STDIN (FORMAT binary)", to.join(", "));
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    let mut query = db.prepare(&format!("SELECT {} FROM {}", from.join(", "), sqlite(&table.name))).unwrap();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        bytes.extend(i16::try_from(sent.len()).unwrap().to_be_bytes());
        for (i, column) in sent.iter().enumerate() {
            column.codec().encode(value(row.get_ref(i).unwrap()), &mut bytes).unwrap();
        }
    }
    bytes.extend([0xff, 0xff]);
    let mut writer = pg.copy_in(&sql).unwrap();
    writer.write_all(&bytes).unwrap();
    writer.finish().unwrap();
}

/// All rows of all tables as texts, from either side.
fn rows(db: &Connection, pg: &mut Client, plan: &Plan) -> [Vec<String>; 2] {
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for table in &plan.tables {
        let mut both = [Vec::new(), Vec::new()];
        let bytes = |c: &ColumnPlan| c.ty == PgType::Bytea;
        let of_sqlite = |c: &ColumnPlan| match bytes(c) {
            true => format!("hex({})", sqlite(&c.name)),
            false => format!("CAST({} AS TEXT)", sqlite(&c.name)),
        };
        let of_pg = |c: &ColumnPlan| {
            let name = lite2pg_model::ident::pg(&c.target);
            match c.ty {
                PgType::Bytea => format!("upper(coalesce(encode({name}, 'hex'), ''))"),
                PgType::Boolean => format!("{name}::integer::text"),
                // The cases write a midnight as the day alone.
                PgType::Timestamp => format!("regexp_replace({name}::text, ' 00:00:00$', '')"),
                _ => format!("{name}::text"),
            }
        };
        let line = |values: Vec<Option<String>>| {
            let number = |text: String| text.parse::<f64>().map_or(text, |f| format!("{f:?}"));
            let shown: Vec<String> = values.into_iter().map(|v| v.map_or("NULL".to_owned(), number)).collect();
            format!("{}: {}", table.name, shown.join("|"))
        };
        let list: Vec<String> = table.columns.iter().map(of_sqlite).collect();
        let mut query = db.prepare(&format!("SELECT {} FROM {}", list.join(", "), sqlite(&table.name))).unwrap();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            both[0].push(line((0..list.len()).map(|i| row.get(i).unwrap()).collect()));
        }
        let list: Vec<String> = table.columns.iter().map(of_pg).collect();
        let sql = format!("SELECT {} FROM {}", list.join(", "), pg_in("final", &table.target));
        for row in pg.query(&sql, &[]).unwrap() {
            both[1].push(line((0..list.len()).map(|i| row.get(i)).collect()));
        }
        both.iter_mut().for_each(|b| b.sort());
        let [a, b] = both;
        here.extend(a);
        there.extend(b);
    }
    [here, there]
}

#[test]
fn both_databases_take_and_refuse_the_same() {
    let cluster = Cluster::start(&[], &[]);
    for (n, case) in cases().into_iter().enumerate() {
        let name = &case.name;
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&case.source).unwrap_or_else(|e| panic!("{name}: {e}"));
        db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        let plan = planned(&db, 150_000);
        // What is not listed must not block, and what is listed must be there.
        for finding in plan.findings.iter().filter(|f| f.severity == Severity::Blocking) {
            let listed = case.findings.iter().any(|(c, o)| *c == finding.code && *o == finding.object);
            assert!(listed, "{name}: {finding:?}");
        }
        for (code, object) in &case.findings {
            let there = plan.findings.iter().any(|f| f.code == *code && f.object == *object);
            assert!(there, "{name}: no finding {code} {object} in {:#?}", plan.findings);
        }
        cluster.sql(&format!("CREATE DATABASE d{n}"));
        let mut pg = cluster.client(&format!("d{n}"));
        apply(&db, &mut pg, &plan);
        let [here, there] = rows(&db, &mut pg, &plan);
        assert_eq!(here, there, "{name}: the rows that were copied\n{}", plan.script(&[]));
        for probe in &case.probes {
            let here = db.execute_batch(probe);
            if !db.is_autocommit() {
                db.execute_batch("ROLLBACK").unwrap();
            }
            let there = pg.batch_execute(probe);
            if there.is_err() {
                pg.batch_execute("ROLLBACK").unwrap();
            }
            assert_eq!(
                here.is_ok(),
                there.is_ok(),
                "{name}: {probe}\nSQLite: {here:?}\nPostgreSQL: {there:?}\n{}",
                plan.script(&[])
            );
            let [here, there] = rows(&db, &mut pg, &plan);
            assert_eq!(here, there, "{name}: {probe}\n{}", plan.script(&[]));
        }
    }
}

fn opened(sql: &str) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(sql).unwrap_or_else(|e| panic!("{e}: {sql}"));
    db
}

/// Two tables with every kind of named object, `n(i)` giving each its name.
fn everything_named(n: &dyn Fn(usize) -> String) -> Connection {
    let q = |i: usize| sqlite(&n(i));
    let (t, u, a, b, c) = (q(0), q(1), q(2), q(3), q(4));
    opened(&format!(
        "CREATE TABLE {t} ({a} INTEGER PRIMARY KEY AUTOINCREMENT, {b} TEXT COLLATE NOCASE CONSTRAINT {k1} UNIQUE ON CONFLICT REPLACE,
             {c} SMALLINT DEFAULT 5 CONSTRAINT {k2} CHECK ({c} > 0), {g} INTEGER AS ({c} * 2) STORED);
         CREATE TABLE {u} ({a} INTEGER CONSTRAINT {k3} REFERENCES {t} ({a}) ON DELETE CASCADE, {b} TEXT, {c} BOOLEAN,
             CONSTRAINT {k4} PRIMARY KEY ({a}, {b}));
         CREATE INDEX {i1} ON {t} ({c} DESC, lower({b})) WHERE {g} > 1;
         CREATE UNIQUE INDEX {i2} ON {u} ({b} COLLATE RTRIM, {c});
         INSERT INTO {t} ({b}, {c}) VALUES ('x', 1), ('y', 2); INSERT INTO {u} VALUES (1, 'z', 1);",
        k1 = q(5),
        g = q(6),
        k2 = q(7),
        k3 = q(8),
        k4 = q(9),
        i1 = q(10),
        i2 = q(11),
    ))
}

#[test]
fn any_name_stands_in_every_statement() {
    const HOSTILE: [&str; 16] = [
        "select",
        "user",
        "a b",
        "we\"\"ird",
        "quo\"te",
        "it's",
        "back\\slash",
        "per%cent",
        "$1",
        "$$",
        "$function$",
        "Ünï",
        "semi;colon",
        "--",
        "/*",
        "tab\tnew\nline",
    ];
    let cluster = Cluster::start(&[], &[]);
    let mut dice = support::Dice::seeded();
    for n in 0..12 {
        let style = [NameStyle::Keep, NameStyle::Lower, NameStyle::Snake][n % 3];
        let chosen: Vec<String> = (0..12)
            .map(|i| match dice.roll(4) {
                0 => format!("{}{i}{}", dice.pick(&HOSTILE), "é".repeat(40)),
                _ => format!("{}{}{i}", dice.pick(&HOSTILE), dice.pick(&HOSTILE)),
            })
            .collect();
        let db = everything_named(&|i| chosen[i].clone());
        let plan = planned_as(&db, 150_000, style);
        if plan.findings.iter().any(|f| f.code == codes::NAMES) {
            continue;
        }
        assert!(plan.blocking().next().is_none(), "{:?}", plan.findings);
        cluster.sql(&format!("CREATE DATABASE n{n}"));
        let mut pg = cluster.client(&format!("n{n}"));
        apply(&db, &mut pg, &plan);
        let [here, there] = rows(&db, &mut pg, &plan);
        assert_eq!(here, there, "{}", plan.script(&[]));
        // The triggers fire, whatever they are called.
        let again = |table: &str, column: &str, quoted: &dyn Fn(&str) -> String| {
            format!("INSERT INTO {} ({}) VALUES ('x')", quoted(table), quoted(column))
        };
        let (table, column) = (&plan.tables[0], &plan.tables[0].columns[1]);
        db.execute_batch(&again(&table.name, &column.name, &sqlite)).unwrap();
        pg.batch_execute(&again(&table.target, &column.target, &lite2pg_model::ident::pg)).unwrap();
        let [here, there] = rows(&db, &mut pg, &plan);
        assert_eq!(here, there, "{}", plan.script(&[]));
        // Nothing is longer than PostgreSQL keeps, and nothing was cut by it.
        let cut = pg.query("SELECT conname::text FROM pg_constraint UNION SELECT tgname FROM pg_trigger UNION SELECT proname FROM pg_proc WHERE pronamespace = 'final'::regnamespace", &[]);
        let there: Vec<String> = cut.unwrap().iter().map(|r| r.get(0)).collect();
        for trigger in &plan.triggers {
            assert!(there.contains(&trigger.target) && there.contains(&trigger.function), "{trigger:?}");
        }
    }
}

#[test]
fn names_in_a_style_are_told_and_never_collide_in_silence() {
    let db = opened(
        "CREATE TABLE OrderItem (ItemID INTEGER PRIMARY KEY, \"item id\" TEXT, XMIN TEXT, CONSTRAINT OneCheck CHECK (ItemID > 0));
         CREATE TABLE order_item (a INTEGER); CREATE INDEX ByA ON order_item (a); CREATE INDEX by_a ON order_item (a, a);
         CREATE VIEW TheView AS SELECT a FROM order_item;",
    );
    let plan = planned_as(&db, 150_000, NameStyle::Snake);
    let table = &plan.tables[0];
    let names: Vec<&str> = table.columns.iter().map(|c| c.target.as_str()).collect();
    assert_eq!((table.target.as_str(), names), ("order_item", vec!["item_id", "item_id_1", "xmin_"]));
    assert_eq!((plan.tables[1].target.as_str(), table.checks[0].name.as_str()), ("order_item_1", "one_check"));
    let told = |object: &str| plan.findings.iter().find(|f| f.code == codes::NAMES && f.object == object);
    for object in ["order_item", "OrderItem.item id"] {
        let finding = told(object).unwrap_or_else(|| panic!("{object}: {:?}", plan.findings));
        assert!(finding.blocks() && finding.hint.contains("_1"), "{finding:?}");
    }
    assert!(
        told("OrderItem").is_none() && told("order_item").unwrap().message.contains("\"OrderItem\" and \"order_item\"")
    );
    assert!(told("by_a").is_some_and(|f| !f.blocks() && f.message.contains("by_a_1")));
    let renamed: Vec<&str> =
        plan.findings.iter().filter(|f| f.code == codes::RENAMED).map(|f| f.object.as_str()).collect();
    for object in ["OrderItem", "OrderItem.ItemID", "ByA", "TheView", "OrderItem.OneCheck"] {
        assert!(renamed.contains(&object), "{object} in {renamed:?}");
    }
    // In lower case they are four different ones, and nothing needs to be chosen.
    let plan = planned_as(&db, 150_000, NameStyle::Lower);
    assert!(!plan.findings.iter().any(|f| f.code == codes::NAMES), "{:?}", plan.findings);
    assert_eq!(plan.tables[0].target, "orderitem");
}

#[test]
fn a_column_is_computed_when_it_is_read_where_the_server_can() {
    let db = opened(
        "CREATE TABLE t (a SMALLINT, v INTEGER AS (a * 2), s INTEGER AS (a * 3) STORED, i INTEGER AS (a * 4), k INTEGER AS (a * 5) UNIQUE);
         CREATE INDEX by_i ON t (a) WHERE i > 0;",
    );
    let stored = |server: u32| -> Vec<bool> {
        let plan = planned(&db, server);
        plan.tables[0].columns.iter().filter_map(|c| c.generated.as_ref().map(|g| g.stored)).collect()
    };
    assert_eq!(stored(180_000), [false, true, true, true]);
    assert_eq!(stored(170_005), [true; 4]);
    assert_eq!(stored(0), [true; 4]);
    assert!(planned(&db, 180_000).script(&[]).contains("VIRTUAL"));
}

/// The measure that foresees rows of indexes which are too large: PostgreSQL's own compression is the oracle.
#[test]
fn long_values_are_as_small_as_postgresql_makes_them() {
    let cluster = Cluster::start(&[], &[]);
    let mut pg = cluster.client("postgres");
    pg.batch_execute("CREATE TABLE t (v text); ALTER TABLE t ALTER v SET STORAGE MAIN").unwrap();
    let mut dice = support::Dice::seeded();
    for n in 0..120 {
        // From chance alone to much that repeats, near and far.
        let words: Vec<String> = (0..1 + dice.roll(40))
            .map(|_| {
                "abcdefghijklmnopqrstuvwxyzé".chars().cycle().skip(dice.roll(27)).take(1 + dice.roll(30)).collect()
            })
            .collect();
        let length = 2100 + dice.roll(5500);
        let mut text = String::new();
        while text.len() < length {
            match n % 3 {
                0 => text.push(char::from(33 + u8::try_from(dice.roll(90)).unwrap())),
                1 => text.push_str(&words[dice.roll(words.len())]),
                _ if dice.roll(3) == 0 => text.push_str(&words[dice.roll(words.len())]),
                _ => text.push(char::from(33 + u8::try_from(dice.roll(90)).unwrap())),
            }
        }
        pg.execute("TRUNCATE t", &[]).unwrap();
        pg.execute("INSERT INTO t VALUES ($1)", &[&text]).unwrap();
        let size: i32 = pg.query_one("SELECT pg_column_size(v) FROM t", &[]).unwrap().get(0);
        assert_eq!(lite2pg_model::mapping::packed::packed(text.as_bytes()), u64::try_from(size).unwrap(), "{text}");
    }
}
