//! Broken and strange statements: parser, resolver and translator come back, whatever they are given.
//! Owns the mutation; `$LITE2PG_CORPUS` (a directory of SQLite files) and `LITE2PG_CASES` make it longer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

mod support;

use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::schema::{IndexOn, RawSchema, Schema};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::sql::translate::{Scope, ScopeColumn, condition, default_value, expression};
use rusqlite::{Connection, OpenFlags};
use support::{Dice, from_environment};

const SCHEMA: &str = "
    CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT COLLATE NOCASE NOT NULL DEFAULT 'x' CHECK (length(a) <= 5),
        [b c] DECIMAL(10,2) DEFAULT (-1.5e3), d DATETIME DEFAULT CURRENT_TIMESTAMP, e BLOB DEFAULT x'00ff',
        f BOOLEAN CHECK (f IN (0, 1)), g AS (a || 'x') STORED, UNIQUE(a, d) ON CONFLICT REPLACE,
        CONSTRAINT z CHECK (CASE WHEN a IS NULL THEN 1 ELSE substr(a, 2, 3) <> '' END AND id BETWEEN 1 AND 0x7f));
    CREATE TABLE c(x REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, y TEXT, FOREIGN KEY(y) REFERENCES p(a));
    CREATE UNIQUE INDEX i ON p(lower(a) DESC, d COLLATE RTRIM) WHERE f = TRUE AND a NOT LIKE '%x' ESCAPE '!';
    CREATE VIEW v AS SELECT 1;
    CREATE TABLE w(k TEXT PRIMARY KEY, v ANY DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))) STRICT, WITHOUT ROWID;";

const TOKENS: &[&str] = &[
    "(",
    ")",
    ",",
    "'",
    "\"",
    "[",
    "]",
    "`",
    "''",
    "\"\"",
    "/*",
    "*/",
    "--",
    "\n",
    "CHECK",
    "DEFAULT",
    "AS",
    "WHERE",
    "COLLATE",
    "NOT",
    "NULL",
    "-",
    "x'",
    "0x",
    "1e999",
    "9223372036854775808",
    "CASE",
    "END",
    "IN ()",
    "CAST(",
    "PRIMARY KEY",
    "UNIQUE",
    "REFERENCES",
    "DEFERRABLE",
    "CONSTRAINT",
    "ON CONFLICT",
    "é",
    "\u{1F600}",
    "\0",
    ".",
    ";",
    "EXISTS (SELECT 1)",
    "IS TRUE",
    "BETWEEN",
    "||",
    "%",
    "/ 0",
    "strftime(",
    "GENERATED ALWAYS AS (1)",
    "WITHOUT ROWID",
    "?1",
    ":a",
    "@b",
    "\\",
];

fn border(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn mutate(dice: &mut Dice, text: &str) -> String {
    let mut out = text.to_owned();
    for _ in 0..=dice.roll(3) {
        let at = border(&out, dice.roll(out.len() + 1));
        let end = border(&out, (at + dice.roll(12)).min(out.len()));
        match dice.roll(5) {
            0 => out.replace_range(at..end.max(at), ""),
            1 => out.insert_str(at, TOKENS[dice.roll(TOKENS.len())]),
            2 => {
                let copy = out[at..end.max(at)].to_owned();
                let to = border(&out, dice.roll(out.len() + 1));
                out.insert_str(to, &copy);
            }
            3 => out.insert_str(at, &TOKENS[dice.roll(TOKENS.len())].repeat(1 + dice.roll(600))),
            _ => out.truncate(at),
        }
    }
    out
}

fn translate_all(schema: &Schema) {
    use PgType::{BigInt, Boolean, Bytea, Date, Double, Integer, Jsonb, Numeric, Text, Timestamp, TimestampTz, Uuid};
    let types = [
        BigInt,
        Text,
        Double,
        Bytea,
        Boolean,
        Timestamp,
        Numeric(Some((5, 2))),
        Integer,
        Date,
        TimestampTz,
        Uuid,
        Jsonb,
    ];
    for (n, table) in schema.tables.iter().enumerate() {
        let columns: Vec<ScopeColumn> = table
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| ScopeColumn {
                target: &c.name,
                ty: types[(i + n) % types.len()],
                source: c,
                class: None,
                mixed: false,
                crossing: None,
                stamp: None,
            })
            .collect();
        let scope = Scope::of_columns(&columns, true);
        let predicates = table.indexes.iter().filter_map(|i| i.predicate.as_ref());
        let terms = table.indexes.iter().flat_map(|i| &i.terms).filter_map(|t| match &t.on {
            IndexOn::Expression(e) => Some(e),
            IndexOn::Column(_) => None,
        });
        for e in table.checks.iter().map(|c| &c.expr).chain(predicates).chain(terms).filter_map(|e| e.ast.as_ref()) {
            let _ = condition(e, &scope);
            let _ = expression(e, &scope);
        }
        for column in &columns {
            if let Some(e) = column.source.default.as_ref().and_then(|d| d.ast.as_ref()) {
                for ty in types {
                    let _ = default_value(e, column.source, &Crossing::new(ty, Normal::Exact));
                }
            }
        }
    }
}

/// Every statement broken `cases` times, under the pragmas of the whole one.
fn break_it(dice: &mut Dice, raw: &RawSchema, cases: u64) -> usize {
    let mut done = 0;
    for object in 0..raw.objects.len() {
        let Some(sql) = raw.objects[object].sql.clone() else { continue };
        let mut one = raw.clone();
        for _ in 0..cases {
            one.objects[object].sql = Some(mutate(dice, &sql));
            translate_all(&resolve(&one).0);
            done += 1;
        }
    }
    for columns in raw.columns.keys() {
        let mut one = raw.clone();
        for column in one.columns.get_mut(columns).into_iter().flatten() {
            column.default = column.default.as_ref().map(|d| mutate(dice, d));
        }
        translate_all(&resolve(&one).0);
        // Pragmas and text of different tables: columns that are not there.
        one.columns.get_mut(columns).into_iter().for_each(Vec::clear);
        translate_all(&resolve(&one).0);
        done += 2;
    }
    done
}

#[test]
fn broken_statements_come_back_as_findings() {
    let cases = from_environment("LITE2PG_CASES").unwrap_or(400);
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(SCHEMA).unwrap();
    let raw = support::introspect(&db).unwrap();
    support::panics::watch();
    let done = break_it(&mut Dice::seeded(), &raw, cases);
    println!("{done} mutants");
    assert!(done as u64 >= cases);
    assert_eq!(support::panics::ours(), None, "the guard is for the parser");
}

#[test]
fn deep_nesting_comes_back() {
    let n = 20_000;
    for check in [
        format!("{}a{}", "(".repeat(n), ")".repeat(n)),
        format!("{}a", "NOT ".repeat(n)),
        format!("{}a", "- ".repeat(n)),
        format!("a{}", " + a".repeat(n)),
        format!("a{}", " AND a".repeat(n)),
        format!("{}a{}", "abs(".repeat(400), ")".repeat(400)),
        format!("a{}", " BETWEEN a AND a".repeat(n)),
    ] {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t(a INT)").unwrap();
        let mut raw = support::introspect(&db).unwrap();
        raw.objects[0].sql = Some(format!("CREATE TABLE t(a INT, CHECK ({check}))"));
        translate_all(&resolve(&raw).0);
    }
}

#[test]
fn broken_statements_of_real_databases_come_back() {
    let Some(dir) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let cases = from_environment("LITE2PG_CASES").unwrap_or(3);
    let (mut dice, mut done) = (Dice::seeded(), 0);
    let mut open = vec![std::path::PathBuf::from(dir)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().flatten().map(|e| e.path()));
        } else if let Ok(db) = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            && let Ok(raw) = support::introspect(&db)
        {
            done += break_it(&mut dice, &raw, cases);
        }
    }
    println!("{done} mutants");
}

/// A short run of `--example fuzz`: token by token, over whole schemas and their plans.
#[test]
fn statements_broken_token_by_token_come_back() {
    let seconds = from_environment("LITE2PG_FUZZ_SECONDS").unwrap_or(5);
    let seed = Dice::seeded().roll(1 << 30) as u64;
    println!("--case {seed}:NUMBER");
    let seeds = support::fuzz::Seeds::read(&support::fuzz::corpus());
    // A build without optimisation beside other tests is slow.
    let (time, limit) = (std::time::Duration::from_secs(seconds), std::time::Duration::from_secs(10));
    let tally = seeds.run(seed, 0, time, limit, &mut |_| {});
    println!("{} cases, {} carried though broken, the longest took {:?}", tally.cases, tally.carried, tally.slowest);
    let told: Vec<String> = tally.faults.iter().map(|f| format!("{}: {}\n{}", f.number, f.what, f.sql)).collect();
    assert!(told.is_empty(), "{} faults, such as --case {seed}:{}", told.len(), told[0]);
    assert!(tally.cases > 100, "only {} cases", tally.cases);
}

/// Each level of a query in a query is translated once: twenty levels are no more work than twenty.
#[test]
fn queries_in_queries_are_translated_once() {
    let db = Connection::open_in_memory().unwrap();
    let nested = |inner: &str| format!("{}{inner}{}", "(SELECT ".repeat(25), ")".repeat(25));
    let sql = format!(
        "CREATE TABLE t(a TEXT, b DATE);
         CREATE VIEW v AS SELECT {} AS a, {} AS b, {} AS c FROM t;
         CREATE TRIGGER g AFTER DELETE ON t BEGIN DELETE FROM t WHERE a = {}; END;",
        nested("a"),
        nested("b"),
        nested("1 + 1"),
        nested("OLD.a"),
    );
    db.execute_batch(&sql).unwrap();
    let begin = std::time::Instant::now();
    let plan = support::planned::of(&db).unwrap().plan;
    assert!(begin.elapsed() < std::time::Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!((plan.views.len(), plan.triggers.len()), (1, 1), "{:?}", plan.findings);
}
