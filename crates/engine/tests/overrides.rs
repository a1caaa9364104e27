//! What a person says in the plan's file and with flags is what arrives; a file that nobody edited changes nothing.
//! Owns these cases; the oracle is SQLite's own answer to the same question, and PostgreSQL's.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod running;

use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::{Report, Silent};
use lite2pg_engine::run::{Accept, Cancel, Settings, inspect, migrate};
use lite2pg_engine::safety::rollback::{RollbackOptions, rollback};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::plan::file::{self, Page};
use lite2pg_model::plan::overrides::Overrides;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, settings, settings_for, target};
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

struct Place {
    dir: PathBuf,
    cluster: Cluster,
}

impl Place {
    fn new() -> Place {
        Place { dir: directory(), cluster: Cluster::start(&["fsync = off"], &[]) }
    }

    fn settings(&self, sql: &str, plan: &str) -> Settings {
        Settings { overrides: said(plan), ..settings(&source(&self.dir, sql), &self.cluster, "postgres", &self.dir) }
    }

    fn texts(&self, query: &str) -> Vec<String> {
        self.cluster
            .client("postgres")
            .query(query, &[])
            .unwrap()
            .iter()
            .map(|r| r.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".into()))
            .collect()
    }

    fn text(&self, query: &str) -> String {
        self.texts(query).join("\n")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn directory() -> PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("l2-overrides-{}-{n}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn source(dir: &Path, sql: &str) -> PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let path = dir.join(format!("s{}.db", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    db.execute_batch(sql).unwrap();
    path
}

fn said(plan: &str) -> Overrides {
    file::read(&format!("version = 1\n{plan}"), "p.toml").unwrap_or_else(|p| panic!("{plan}: {p:?}"))
}

/// A look at a source without any server.
fn look(sql: &str, plan: &str) -> lite2pg_engine::Result<lite2pg_engine::run::Inspection> {
    let dir = directory();
    let path = source(&dir, sql);
    let settings = Settings { overrides: said(plan), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    let looked = inspect(&settings, false, &Silent, &Cancel::new());
    let _ = std::fs::remove_dir_all(&dir);
    looked
}

fn findings(sql: &str, plan: &str) -> Vec<Finding> {
    look(sql, plan).unwrap_or_else(|e| panic!("{plan}: {e}")).plan.findings
}

fn blocking(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().filter(|f| f.blocks()).map(|f| (f.code.as_str(), f.object.as_str())).collect()
}

#[track_caller]
fn done(report: &Report) {
    let blocking: Vec<_> = report.findings.iter().filter(|f| f.blocks()).collect();
    assert_eq!(report.exit, 0, "{blocking:?}");
    assert!(report.tables.iter().all(|t| t.verified && t.source_sha256 == t.target_sha256), "{:?}", report.tables);
}

const SHOP: &str = "
    CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, secret TEXT, region TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id), amount REAL, \"odd.name\" TEXT,
        colour TEXT, day TEXT, CHECK(amount >= 0));
    CREATE TABLE log(line TEXT);
    CREATE INDEX by_day ON orders(day);
    INSERT INTO customers VALUES(1, 'Ann', 's1', 'north'), (2, 'Bob', 's2', 'south'), (3, 'Cy', NULL, 'north');
    INSERT INTO orders VALUES(1, 1, 1.005, 'a', NULL, '2024-01-01'), (2, 1, 2.499, 'b', 'red', '2024-01-02'),
        (3, 3, 3.14159, NULL, NULL, NULL), (4, 3, 0.0, 'd', 'blue', '2024-02-01');
    INSERT INTO log VALUES('x');";

const SHOP_PLAN: &str = r#"
[tables.log]
skip = true
[tables.CUSTOMERS]
to = "clients"
where = "region = 'north' -- only these"
extra = [{ name = "made", type = "timestamptz", default = "now()", not-null = true }, { name = "note", type = "text" }]
[tables.CUSTOMERS.columns]
secret = { skip = true }
name = { expression = "upper(name)", to = "full name" }
[tables.orders.columns]
"amount" = "round(amount, 2)"
"odd.name" = { to = "plain", null = "none", not-null = true, default = "'none'" }
colour = { null = 0 }
"#;

#[test]
fn what_is_said_arrives() {
    let place = Place::new();
    let settings = place.settings(SHOP, SHOP_PLAN);
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    done(&report);
    let tables =
        "SELECT string_agg(tablename::text, ', ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(place.text(tables), "clients, orders");
    let columns = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '!' ELSE '' END,
        ', ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = ";
    assert_eq!(
        place.text(&format!("{columns} 'clients'::regclass")),
        "id bigint!, full name text!, region text, made timestamp with time zone!, note text"
    );
    let odd = place.text("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE attname = 'plain'");
    assert_eq!(odd, "'none'::text");

    // The oracle: SQLite, asked the same.
    let db = Connection::open(&settings.source).unwrap();
    let ask = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |r| r.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        place.texts("SELECT id || ' ' || \"full name\" || ' ' || region FROM clients ORDER BY id"),
        ask("SELECT id || ' ' || upper(name) || ' ' || region FROM customers WHERE region = 'north' ORDER BY id")
    );
    assert_eq!(
        place.texts(
            "SELECT concat_ws(' ', id, customer, to_char(amount, 'FM0.00'), plain, colour, day) FROM orders ORDER BY id"
        ),
        ask(
            "SELECT id || ' ' || customer || ' ' || printf('%.2f', round(amount, 2)) || ' ' || coalesce(\"odd.name\", 'none') \
             || ' ' || coalesce(colour, '0') || coalesce(' ' || day, '') FROM orders ORDER BY id"
        )
    );
    let notes: Vec<(&str, &str)> = report.findings.iter().map(|f| (f.code.as_str(), f.object.as_str())).collect();
    for note in [
        (codes::LEFT_OUT, "log"),
        (codes::LEFT_OUT, "customers.secret"),
        (codes::FILTERED, "customers"),
        (codes::COMPUTED, "orders.amount"),
        (codes::RENAMED, "customers.name"),
    ] {
        assert!(notes.contains(&note), "{note:?} in {notes:?}");
    }
    let filtered = report.findings.iter().find(|f| f.code == codes::FILTERED).unwrap();
    assert!(filtered.message.starts_with("2 of 3 rows are carried"), "{}", filtered.message);
    assert_eq!((report.objects.tables.source, report.objects.tables.carried), (3, 2));

    // Both sides read anew agree, and what is left out is not missed.
    let again = verify(&settings, Level::Rows, &Show, &Cancel::new()).unwrap();
    assert_eq!(again.exit, 0, "{:?}", again.findings);
    // The same plan again is already done; another one is not the same migration.
    assert!(migrate(&settings, &Show, &Cancel::new()).unwrap().already_done);
    let other = Settings { overrides: said("[tables.log]\nskip = true"), ..settings.clone() };
    let error = migrate(&other, &Show, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("other options"), "{error}");
    // The extra column is the run's own, and goes with it.
    let undone = rollback(&settings, RollbackOptions::default(), &Show, &Cancel::new()).unwrap();
    assert_eq!(undone.changed, Vec::<String>::new());
    assert_eq!(place.text("SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"), "0");
}

#[test]
fn a_value_that_changes_in_the_source_is_seen_through_the_expression() {
    let place = Place::new();
    let settings = place.settings(SHOP, SHOP_PLAN);
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    let db = Connection::open(&settings.source).unwrap();
    // Not seen through round(), nor in rows and columns that are left out.
    db.execute_batch("UPDATE orders SET amount = 3.1416 WHERE id = 3; UPDATE customers SET secret = 'other', region = 'east' WHERE id = 2;").unwrap();
    for level in [Level::Counts, Level::Checksums, Level::Rows] {
        assert_eq!(verify(&settings, level, &Show, &Cancel::new()).unwrap().exit, 0, "{level:?}");
    }
    db.execute_batch("UPDATE orders SET amount = 3.2 WHERE id = 3").unwrap();
    assert_eq!(verify(&settings, Level::Rows, &Show, &Cancel::new()).unwrap().exit, Kind::Different.exit());
}

#[test]
fn a_key_that_needs_what_is_left_out_blocks() {
    let sql = "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE);
        CREATE TABLE c(p INTEGER REFERENCES p(id), code TEXT REFERENCES p(code), x INTEGER);";
    let told = findings(sql, "[tables.p]\nskip = true");
    assert_eq!(blocking(&told), [(codes::FOREIGN_KEY, "c.p"), (codes::FOREIGN_KEY, "c.code")]);
    let finding = told.iter().find(|f| f.blocks()).unwrap();
    assert!(finding.message.contains("p is left out: carry it too"), "{}", finding.message);
    assert!(finding.hint.contains("--accept foreign-key-not-carried:c.p"), "{}", finding.hint);
    let told = findings(sql, "[tables.p.columns]\ncode = { skip = true }");
    assert_eq!(blocking(&told), [(codes::INDEX, "p"), (codes::FOREIGN_KEY, "c.code")]);
    assert!(told.iter().any(|f| f.message.contains("it needs code of p, which is left out")), "{told:?}");

    let place = Place::new();
    let settings = Settings { accept: vec![Accept::All], ..place.settings(sql, "[tables.p]\nskip = true") };
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    done(&report);
    assert_eq!(
        place.text("SELECT count(*)::text FROM pg_constraint WHERE contype = 'f' AND conrelid = 'c'::regclass"),
        "0"
    );
}

#[test]
fn orphans_are_counted_among_the_rows_that_are_carried() {
    let orphans = |plan: &str| {
        let told = findings(SHOP, plan);
        told.iter().find(|f| f.code == codes::ORPHANS).map(|f| f.message.clone())
    };
    assert_eq!(orphans(""), None);
    let north = orphans("[tables.customers]\nwhere = \"id <> 3\"").unwrap();
    assert!(north.starts_with("2 of 4 rows refer to a row of customers"), "{north}");
    // The child's own filter takes them away again.
    assert_eq!(orphans("[tables.customers]\nwhere = \"id <> 3\"\n[tables.orders]\nwhere = \"customer <> 3\""), None);
    // A key that is computed points elsewhere.
    let moved = orphans("[tables.orders.columns]\ncustomer = \"customer + 1\"").unwrap();
    assert!(moved.starts_with("2 of 4 rows"), "{moved}");
    assert_eq!(
        orphans("[tables.orders.columns]\ncustomer = \"customer + 1\"\n[tables.customers.columns]\nid = \"id + 1\""),
        None
    );
}

#[test]
fn checks_and_keys_are_those_of_what_is_read() {
    let sql =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER CHECK(n > 0), m INTEGER CHECK(m > '5'));
        INSERT INTO t VALUES(1, 'a', 5, 6), (2, 'A', 7, 7), (3, 'b', 9, 9);";
    assert_eq!(blocking(&findings(sql, "")), [], "nothing stands in the way as it is");
    let told = findings(sql, "[tables.t.columns]\ncode = \"lower(code)\"");
    assert_eq!(blocking(&told), [(codes::DUPLICATE_KEY, "t")], "{told:?}");
    let told = findings(sql, "[tables.t.columns]\nn = \"n - 6\"");
    assert_eq!(blocking(&told), [(codes::CHECK_BROKEN, "t")], "{told:?}");
    assert!(told.iter().any(|f| f.message.starts_with("1 of 3 rows break")), "{told:?}");
    // With affinity '5' is a number, without it is text: what was meant is not sure.
    let told = findings(sql, "[tables.t.columns]\nm = \"m + 1\"");
    assert!(blocking(&told).contains(&(codes::CHECK, "t")), "{told:?}");
    // A number that became text is compared otherwise, too.
    let told = findings(sql, "[tables.t.columns]\nn = \"'n' || n\"");
    assert!(blocking(&told).contains(&(codes::CHECK, "t")), "{told:?}");
    // New rows would get the default as it is; what the expression makes of it is not known.
    let sql = "CREATE TABLE t(a INTEGER DEFAULT 7, b INTEGER DEFAULT 8)";
    let told = findings(sql, "[tables.t.columns]\na = \"a * 10\"\nb = { expression = \"b * 10\", default = \"80\" }");
    assert_eq!(blocking(&told), [(codes::DEFAULT, "t.a")], "{told:?}");
    // NULL where none may be.
    let told = findings(
        "CREATE TABLE t(a TEXT NOT NULL); INSERT INTO t VALUES('x'), ('');",
        "[tables.t.columns]\na = \"nullif(a, '')\"",
    );
    assert_eq!(blocking(&told), [(codes::NULL_KEY, "t.a")], "{told:?}");
}

#[test]
fn an_expression_over_the_rowid_is_no_identity() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES(1, 'a'), (2, 'b');";
    let settings = place.settings(sql, "[tables.t.columns]\nid = { expression = \"'k' || id\", to = \"key\" }");
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    assert_eq!(place.texts("SELECT key || v FROM t ORDER BY key"), ["k1a", "k2b"]);
    assert_eq!(
        place.text("SELECT count(*)::text FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"),
        "0"
    );
    assert_eq!(
        place.text("SELECT conname::text FROM pg_constraint WHERE contype = 'p' AND conrelid = 't'::regclass"),
        "t_pkey"
    );
}

/// A column that is called rowid hides the real one; it does so even if it is left out.
#[test]
fn a_column_called_rowid_is_left_out() {
    let place = Place::new();
    let sql = "CREATE TABLE t(rowid TEXT, v INTEGER);
        WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT 'x', i FROM n;";
    let settings = Settings { chunk_bytes: 4096, ..place.settings(sql, "[tables.t.columns]\nrowid = { skip = true }") };
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    assert_eq!(place.text("SELECT count(*) || ' ' || sum(v) FROM t"), "5000 12502500");
    let chunks: i32 = place.text("SELECT count(*)::text FROM lite2pg.migration_chunk").parse().unwrap();
    assert!(chunks > 3, "{chunks}");
}

#[test]
fn sqlite_is_asked_whether_an_expression_is_one() {
    let refused = |key: &str, sql: &str| {
        let plan = format!("[tables.orders]\n\n{key} = {}", Json::from(sql));
        let error = look(SHOP, &plan).map(|_| ()).unwrap_err();
        assert_eq!(error.kind, Kind::Usage, "{error}");
        assert_eq!(error.object.as_deref(), Some("p.toml:4"), "{error}");
        error.message
    };
    for (sql, says) in [
        ("amuont > 1", "no such column: amuont"),
        ("\"amuont\" > 1", "no such column"),
        ("round(amount", "cannot be used"),
        ("sum(amount)", "misuse of aggregate"),
        ("row_number() OVER ()", "misuse of window function"),
        ("1; DELETE FROM orders", "cannot be used"),
        ("1) OR (1", "not one expression"),
        ("random() > 0", "random() gives something else"),
        ("nosuch(amount)", "no such function"),
        ("amount = ?1", "parameter"),
        ("(SELECT 1, 2)", "cannot be used"),
        ("1, 2", "not one expression"),
    ] {
        let message = refused("where", sql);
        assert!(message.contains(says), "{sql}: {message}");
        let message = refused("columns.amount", sql);
        assert!(message.contains(says) && message.contains("orders.amount"), "{sql}: {message}");
    }
    // What can be used is.
    for sql in
        ["amount > 1 -- why not", "customer IN (SELECT id FROM customers WHERE region = 'north')", "max(amount, 1)"]
    {
        look(SHOP, &format!("[tables.orders]\nwhere = {}", Json::from(sql))).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

#[test]
fn an_expression_that_fails_on_a_row_says_so_before_anything_is_written() {
    let sql = "CREATE TABLE t(j TEXT); INSERT INTO t VALUES('{}'), ('no');";
    let error = look(sql, "[tables.t.columns]\nj = \"json_extract(j, '$.a')\"").map(|_| ()).unwrap_err();
    assert_eq!((error.kind, error.object.as_deref()), (Kind::Usage, Some("p.toml:3")), "{error}");
    assert!(error.message.contains("t.j fails on a row: malformed JSON"), "{error}");
    let where_not = "[tables.t]\nwhere = \"json_extract(j, '$.a') IS NULL\"";
    let error = look(sql, where_not).map(|_| ()).unwrap_err();
    assert_eq!(error.object.as_deref(), Some("p.toml:3"), "{error}");
    assert!(error.message.contains("the condition for t fails on a row: malformed JSON"), "{error}");
}

#[test]
fn all_that_the_source_does_not_have_is_told_with_its_line() {
    let plan = "[tables.order.columns]\nid = { to = 'x' }\n[tables.customers.columns]\nnmae = { to = 'y' }";
    let error = look(SHOP, plan).map(|_| ()).unwrap_err();
    assert_eq!((error.kind, error.object.as_deref()), (Kind::Usage, Some("p.toml:2")));
    assert!(error.message.contains("no table \"order\"") && error.hint.unwrap().contains("`orders`"));
    let plan = "[tables.customers.columns]\nnmae = { to = 'y' }\nregoin = { skip = true }\nname = { to = 'id' }";
    let error = look(SHOP, plan).map(|_| ()).unwrap_err();
    let lines: Vec<&str> = error.message.lines().collect();
    assert_eq!(lines.len(), 4, "{}", error.message);
    assert!(lines[1].starts_with("p.toml:3: customers has no column \"nmae\"; did you mean `name`?"), "{}", lines[1]);
    assert!(lines[2].starts_with("p.toml:4: customers has no column \"regoin\""), "{}", lines[2]);
    assert!(lines[3].starts_with("p.toml:5: two columns of customers would be called \"id\""), "{}", lines[3]);
}

#[test]
fn what_the_file_does_not_name_is_told() {
    let told = findings(SHOP, "[tables.customers.columns]\nid = { type = 'bigint' }");
    let notes: Vec<&str> = told.iter().filter(|f| f.code == codes::BESIDE_PLAN).map(|f| f.message.as_str()).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("2 tables of the source: orders, log"), "{notes:?}");
    assert!(
        notes[1].contains("3 columns of the source: customers.name, customers.secret, customers.region"),
        "{notes:?}"
    );
}

#[test]
fn tables_are_chosen_by_patterns() {
    let choose = |only: &[&str], exclude: &[&str]| {
        let dir = directory();
        let path = source(&dir, SHOP);
        let patterns = |flag: &str, list: &[&str]| list.iter().flat_map(|p| file::flags::patterns(flag, p)).collect();
        let overrides = Overrides {
            only: patterns("--tables", only),
            exclude: patterns("--exclude", exclude),
            ..said("[tables.log]\nskip = true")
        };
        let settings = Settings { overrides, ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
        let looked = inspect(&settings, false, &Silent, &Cancel::new());
        let _ = std::fs::remove_dir_all(&dir);
        looked
            .map(|l| l.plan.tables.iter().map(|t| t.name.clone()).collect::<Vec<_>>().join(" "))
            .map_err(|e| e.to_string())
    };
    assert_eq!(choose(&[], &[]).unwrap(), "customers orders");
    assert_eq!(choose(&["LOG,cust*"], &[]).unwrap(), "customers log");
    assert_eq!(choose(&[], &["*er?"]).unwrap_err(), "--exclude *er?: no table is left");
    assert_eq!(choose(&["*"], &["ord*"]).unwrap(), "customers log");
    assert!(choose(&["ordres"], &[]).unwrap_err().contains("--tables ordres: there is no table \"ordres\""));
    assert!(choose(&[], &["x*"]).unwrap_err().contains("no table fits \"x*\""));
}

/// The part of JSON Schema that ours uses.
fn fits(schema: &Json, value: &Json, path: &str) {
    if let Some(any) = schema["anyOf"].as_array() {
        let word = if value.is_string() { "string" } else { "object" };
        let hit = any.iter().find(|s| s["type"] == word).unwrap_or_else(|| panic!("{path}: {value} fits none"));
        return fits(hit, value, path);
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{path}: {value} is not of {words:?}");
    }
    if !schema["const"].is_null() {
        assert_eq!(&schema["const"], value, "{path}");
    }
    let is = |word: &str| match word {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        other => panic!("{other}"),
    };
    match &schema["type"] {
        Json::String(word) => assert!(is(word), "{path}: {value} is no {word}"),
        Json::Array(words) => assert!(words.iter().any(|w| is(w.as_str().unwrap())), "{path}: {value}"),
        _ => {}
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        assert!(length >= schema["minLength"].as_u64().unwrap_or(0), "{path}: {text:?}");
        assert!(length <= schema["maxLength"].as_u64().unwrap_or(u64::MAX), "{path}: {text:?}");
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(&schema["items"], item, &format!("{path}[{i}]"));
    }
    let Some(object) = value.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(object.contains_key(required.as_str().unwrap()), "{path}: {required} is missing");
    }
    for (key, value) in object {
        let known = schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
        assert_ne!(known, &Json::Bool(false), "{path}: {key} is not known");
        fits(known, value, &format!("{path}.{key}"));
    }
}

fn page(settings: &Settings, plan: &lite2pg_model::plan::Plan) -> String {
    let accept: Vec<String> = settings.accept.iter().map(Accept::word).collect();
    file::write(&Page {
        plan,
        overrides: &settings.overrides,
        choices: &settings.choices,
        accept: &accept,
        collation_database: settings.collation_database,
        source: "shop.db",
        command: "lite2pg migrate shop.db --plan FILE",
    })
}

/// Writes the plan of a source, reads it back, and plans again by the file alone: both plans must be one.
fn reads_back(settings: &Settings, schema: &Json, name: &str) {
    let mut first = inspect(settings, false, &Silent, &Cancel::new()).unwrap_or_else(|e| panic!("{name}: {e}"));
    // The file that is written names everything.
    first.plan.findings.retain(|f| f.code != codes::BESIDE_PLAN);
    let text = page(settings, &first.plan);
    let value: toml::Value = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    fits(schema, &serde_json::to_value(&value).unwrap(), name);
    let mut overrides = file::read(&text, "p.toml").unwrap_or_else(|p| panic!("{name}: {p:?}\n{text}"));
    // What concerns all columns is handed on as the command line does.
    let mut choices = settings.choices.clone();
    choices.types = overrides.types.take().unwrap().value;
    choices.zone = overrides.zone.take().map(|z| z.value);
    choices.policies = std::mem::take(&mut overrides.policies);
    let accept = std::mem::take(&mut overrides.accept).iter().map(|a| Accept::parse(a)).collect();
    let schema = overrides.schema.take().unwrap().value;
    let collation_database = overrides.collation_database.take().unwrap().value;
    let again = Settings { overrides, choices, accept, schema, collation_database, ..settings.clone() };
    let second = inspect(&again, false, &Silent, &Cancel::new()).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    assert_eq!(first.plan, second.plan, "{name}");
    assert_eq!(first.plan.hash(), second.plan.hash(), "{name}");
    assert_eq!(page(&again, &second.plan), text, "{name}: the file is written as it was");
}

#[test]
fn a_file_that_nobody_edited_gives_the_very_same_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let schema: Json =
        serde_json::from_str(&std::fs::read_to_string(root.join("docs/plan.schema.json")).unwrap()).unwrap();
    let dir = directory();
    let (mut databases, mut columns) = (0, 0);
    for entry in std::fs::read_dir(root.join("corpus/databases")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with("-wal") || name.ends_with("-journal") {
            continue;
        }
        let _ = std::fs::remove_dir_all(dir.join("data"));
        std::fs::create_dir_all(dir.join("data")).unwrap();
        for beside in ["", "-wal", "-journal"] {
            let from = root.join("corpus/databases").join(format!("{name}{beside}"));
            if from.exists() {
                std::fs::copy(from, dir.join("data").join(format!("{name}{beside}"))).unwrap();
            }
        }
        let path = dir.join("data").join(&name);
        let settings = settings_for(&path, target("/nowhere", 1, "x"), &dir);
        reads_back(&settings, &schema, &name);
        let plan = inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan;
        columns += plan.tables.iter().map(|t| t.columns.len()).sum::<usize>();
        databases += 1;
    }
    assert!(databases >= 40 && columns > 500, "{databases} databases, {columns} columns");
    // And one in which everything was said.
    let path = source(&dir, SHOP);
    let settings = Settings { overrides: said(SHOP_PLAN), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    reads_back(&settings, &schema, "shop");
    let odd = "CREATE TABLE \"o\"\"d.d\n\"(\"é ü\u{202e}\u{1b}\" TEXT, \"a\\b\" TEXT, \"\" INTEGER, xmin INTEGER, \"xmin_\" TEXT);
        CREATE TABLE \"[x]\"(a); INSERT INTO \"[x]\" VALUES(1), ('b'), (x'00');";
    let settings = settings_for(&source(&dir, odd), target("/nowhere", 1, "x"), &dir);
    reads_back(&settings, &schema, "odd");
    let _ = std::fs::remove_dir_all(&dir);
}

/// What a written file comes to, as the command line reads it.
fn by_file(settings: &Settings, text: &str) -> Settings {
    let mut overrides = file::read(text, "p.toml").unwrap_or_else(|p| panic!("{p:?}\n{text}"));
    let mut choices = settings.choices.clone();
    choices.types = overrides.types.take().unwrap().value;
    choices.zone = overrides.zone.take().map(|z| z.value);
    choices.policies = std::mem::take(&mut overrides.policies);
    (overrides.schema, overrides.collation_database) = (None, None);
    Settings { overrides, choices, ..settings.clone() }
}

const RICH: &str =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, token CHAR(36), at DATETIME, on_ BOOLEAN, j JSON, n INTEGER);
    INSERT INTO t VALUES(1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-01-02 03:04:05', 1, '{}', 5);";

#[test]
fn settings_at_the_head_of_a_written_file_have_effect() {
    let dir = directory();
    let settings = settings_for(&source(&dir, RICH), target("/nowhere", 1, "x"), &dir);
    let types = |settings: &Settings| -> Vec<String> {
        let plan = inspect(settings, false, &Silent, &Cancel::new()).unwrap().plan;
        plan.tables[0].columns.iter().map(|c| format!("{} {}", c.name, c.ty.sql())).collect()
    };
    let native = types(&settings);
    let text = page(&settings, &inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan);
    assert_eq!(types(&by_file(&settings, &text)), native);
    assert!(text.contains("types = \"native\"   #") && text.contains("# assume-tz"), "{text}");
    let edited = [
        text.replace("types = \"native\"   #", "types = \"plain\"   #"),
        text.replace("# assume-tz = \"Europe/Berlin\"", "assume-tz = \"Europe/Berlin\""),
    ];
    for edited in edited {
        let by_file = by_file(&settings, &edited);
        let alone = Settings { choices: by_file.choices.clone(), ..settings.clone() };
        assert_ne!(types(&alone), native);
        assert_eq!(types(&by_file), types(&alone), "{edited}");
        // A line that was edited stays.
        let own = n_as(&edited, "numeric");
        let mut wanted = types(&alone);
        wanted[5] = "n numeric".into();
        assert_eq!(types(&self::by_file(&settings, &own)), wanted, "{own}");
    }
    let _ = std::fs::remove_dir_all(&dir);
}

/// The file with another type for the column `n`.
fn n_as(text: &str, ty: &str) -> String {
    let lines = text.lines().map(|l| match l.starts_with("n ") {
        true => format!("n = {{ type = \"{ty}\" }}"),
        false => l.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_finished_run_is_done_for_the_unedited_file_too() {
    let place = Place::new();
    let settings = place.settings(RICH, "");
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    let plan = inspect(&settings, true, &Silent, &Cancel::new()).unwrap().plan;
    let text = page(&settings, &plan);
    let again = migrate(&by_file(&settings, &text), &Show, &Cancel::new()).unwrap();
    assert!(again.already_done);
    let other = migrate(&by_file(&settings, &n_as(&text, "numeric")), &Show, &Cancel::new()).map(|_| ()).unwrap_err();
    assert!(other.message.contains("other options"), "{other}");
}

#[test]
fn what_was_said_of_what_is_left_out_is_kept_in_the_file() {
    let dir = directory();
    let said_so =
        "[tables.log]\nskip = true\nto = 'diary'\nwhere = \"line <> ''\"\nextra = [{ name = 'x', type = 'integer' }]
        [tables.log.columns]\nline = { type = 'varchar(9)', null = 'none', policy = { nul = 'strip' } }
        [tables.customers.columns]\nsecret = { skip = true, to = 'hidden', default = \"'a'\" }";
    let path = source(&dir, SHOP);
    let settings = Settings { overrides: said(said_so), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    let text = page(&settings, &inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan);
    let again = by_file(&settings, &text).overrides;
    let json = |o: &Overrides, table: &str| serde_json::to_value(o.table(table).unwrap()).unwrap();
    assert_eq!(json(&again, "log"), json(&settings.overrides, "log"), "{text}");
    let secret = |o: &Overrides| serde_json::to_value(o.column("customers", "secret").unwrap()).unwrap();
    assert_eq!(secret(&again), secret(&settings.overrides), "{text}");
    let _ = std::fs::remove_dir_all(&dir);
}

/// The bytes of the source are what they were: nothing that was said writes to it.
#[test]
fn the_source_is_only_read() {
    let dir = directory();
    let path = source(&dir, SHOP);
    let before = std::fs::read(&path).unwrap();
    let settings = Settings { overrides: said(SHOP_PLAN), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    inspect(&settings, false, &Silent, &Cancel::new()).unwrap();
    assert!(before == std::fs::read(&path).unwrap());
    let db = Connection::open(&path).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM orders", [], |r| r.get::<_, Value>(0)).unwrap(), Value::Integer(4));
    let _ = std::fs::remove_dir_all(&dir);
}

/// The plan shapes the result, so that an interrupted run is not continued with another one.
#[test]
fn another_plan_is_another_fingerprint() {
    let place = directory();
    let path = source(&place, SHOP);
    let hash = |plan: &str| {
        Settings { overrides: said(plan), ..settings_for(&path, target("/nowhere", 1, "x"), &place) }.options_hash()
    };
    let plain = hash("[tables.orders]\nwhere = \"id > 1\"");
    assert_eq!(plain, hash("\n\n# a comment\n[tables.orders]\nwhere   = 'id > 1'"), "only what is said counts");
    for other in ["", "[tables.orders]\nwhere = \"id > 2\"", "[tables.orders]\nwhere = \"id > 1\"\nto = \"o\""] {
        assert_ne!(plain, hash(other), "{other}");
    }
    let _ = std::fs::remove_dir_all(&place);
}
