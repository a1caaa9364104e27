//! Random expressions and defaults give the same in SQLite and in PostgreSQL, wherever they translate.
//! Owns the generator; the oracle is SQLite. `LITE2PG_SEED` and `LITE2PG_CASES` repeat and lengthen a run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

#[path = "support/mod.rs"]
mod support;

#[path = "expressions/cases.rs"]
mod cases;
#[path = "expressions/stored.rs"]
mod stored;
#[path = "expressions/table.rs"]
mod table;
#[path = "expressions/wide.rs"]
mod wide;

use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::schema::Schema;
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::sql::sqlite::{self, Names};
use lite2pg_model::sql::translate::{Scope, ScopeColumn, condition, default_value, expression};
use lite2pg_model::value::Class;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::Value;
use support::{Dice, from_environment};

/// A column: name, type in SQLite, type in PostgreSQL, the one class of its values, values to draw from (as SQLite
/// literals that PostgreSQL takes for its type in quotes too).
type Sample = (&'static str, &'static str, PgType, Option<Class>, &'static [&'static str]);

const TEXTS: &[&str] = &[
    "''", "'a'", "'A'", "'b'", "'B'", "'ab '", "'ab'", "'AB'", "' a'", "'é'", "'É'", "'10'", "'9'", "'5'", "'it''s'",
    "'😀x'", "'Z'",
];

const COLUMNS: &[Sample] = &[
    ("si", "SMALLINT", PgType::SmallInt, None, &["0", "1", "-1", "5", "32767", "-32768"]),
    ("i", "INTEGER", PgType::Integer, None, &["0", "1", "-1", "2", "10", "2147483647", "-2147483648"]),
    (
        "b",
        "INTEGER",
        PgType::BigInt,
        None,
        &["0", "1", "-1", "7", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
    ),
    ("f", "REAL", PgType::Double, None, &["0.0", "1.0", "-1.5", "0.1", "1e10", "9007199254740992.0"]),
    ("n", "DECIMAL(10,2)", PgType::Numeric(None), None, &["0", "1", "0.1", "-2.5", "100.25", "7"]),
    ("flag", "BOOLEAN", PgType::Boolean, None, &["0", "1"]),
    ("t", "TEXT", PgType::Text, None, TEXTS),
    ("t2", "VARCHAR(10)", PgType::Text, None, TEXTS),
    ("nc", "TEXT COLLATE NOCASE", PgType::Text, None, TEXTS),
    ("rt", "TEXT COLLATE RTRIM", PgType::Text, None, TEXTS),
    ("dt", "DATETIME", PgType::Text, Some(Class::Text), &["'2020-01-01'", "'x'", "'2021-05-05 10:00:00'"]),
    ("loose", "", PgType::Text, None, &["'a'", "5", "'5'", "''", "'B'", "-1"]),
    ("num", "STRING", PgType::Text, None, &["'a'", "5", "''", "'B'", "1.5"]),
    ("x", "BLOB", PgType::Bytea, Some(Class::Blob), &["x''", "x'00'", "x'00ff'", "x'6162'"]),
    ("d", "DATE", PgType::Date, None, &["'2020-01-01'", "'2020-02-29'", "'1999-12-31'"]),
    ("ts", "TIMESTAMP", PgType::Timestamp, None, &["'2020-01-01 00:00:00'", "'2020-02-29 12:30:00'"]),
    (
        "u",
        "TEXT",
        PgType::Uuid,
        None,
        &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"],
    ),
    ("j", "TEXT", PgType::Jsonb, None, &["'{}'", "'[1]'", "'\"a\"'"]),
];

fn column(dice: &mut Dice) -> &'static Sample {
    &COLUMNS[dice.roll(COLUMNS.len())]
}

fn literal(dice: &mut Dice) -> String {
    const NUMBERS: &[&str] =
        &["-1", "5", "2.5", "0x10", "9007199254740993", "1e19", "9223372036854775807", "-1e300", "0.1"];
    const OTHERS: &[&str] = &["'2020-01-01'", "'2020-01-01 00:00:00'", "'2020-1-1'", "'5'", "' 5 '", "\"a\"", "x'00'"];
    match dice.roll(12) {
        0 => "NULL".into(),
        1 => "TRUE".into(),
        2 => "0".into(),
        3 => "1".into(),
        4 => dice.pick(NUMBERS).into(),
        5 => dice.pick(OTHERS).into(),
        6 => "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'".into(),
        7 => dice.pick(TEXTS).into(),
        _ => {
            let sample = column(dice);
            dice.pick(sample.4).into()
        }
    }
}

fn atom(dice: &mut Dice) -> String {
    if dice.roll(3) == 0 { literal(dice) } else { column(dice).0.into() }
}

/// An operand and a literal or column that suits it, so that much of what is made translates.
fn alike(dice: &mut Dice) -> (String, String) {
    let sample = column(dice);
    let others: Vec<&Sample> = COLUMNS.iter().filter(|c| c.2 == sample.2).collect();
    let other =
        if dice.roll(3) == 0 { others[dice.roll(others.len())].0.into() } else { dice.pick(sample.4).to_owned() };
    // Numbers in quotes meet the affinity of the column.
    let bare = other.parse::<f64>().is_ok() && dice.roll(6) == 0;
    (sample.0.into(), if bare { format!("'{other}'") } else { other })
}

fn operand(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return atom(dice);
    }
    let next = depth - 1;
    let text = |d: &mut Dice| {
        if d.roll(2) == 0 { d.pick(&["t", "t2", "nc", "rt", "dt"]).to_owned() } else { operand(d, next) }
    };
    let number = |d: &mut Dice| {
        if d.roll(2) == 0 { d.pick(&["si", "i", "b", "flag"]).to_owned() } else { operand(d, next) }
    };
    match dice.roll(24) {
        0..5 => atom(dice),
        5 => format!("{}({})", dice.pick(&["lower", "upper", "length", "trim", "ltrim", "rtrim"]), text(dice)),
        6 => format!("{} || {}", text(dice), text(dice)),
        7 => format!("coalesce({}, {})", operand(dice, next), atom(dice)),
        8 => {
            let (a, b) = alike(dice);
            format!("ifnull({a}, {b})")
        }
        9 => {
            let (a, b) = alike(dice);
            format!("nullif({a}, {b})")
        }
        10 => format!("abs({})", number(dice)),
        11 => {
            let x = text(dice);
            format!("substr({x}, {}, {})", dice.pick(&["1", "2", "0", "-1"]), dice.pick(&["0", "1", "3", "-1"]))
        }
        12 => format!("substr({}, {})", text(dice), dice.pick(&["1", "2", "0", "-1", "-3"])),
        13 => format!("instr({}, {})", text(dice), dice.pick(TEXTS)),
        14 => format!("replace({}, {}, {})", text(dice), dice.pick(TEXTS), dice.pick(TEXTS)),
        15 => format!("typeof({})", atom(dice)),
        16..19 => {
            let op = dice.pick(&["+", "-", "*", "/", "%", "&", "|"]);
            format!("({} {op} {})", number(dice), number(dice))
        }
        19 => format!("- {}", number(dice)),
        20 => format!("+ {}", atom(dice)),
        21 => format!("CASE WHEN {} THEN {} ELSE {} END", test(dice, next), operand(dice, next), atom(dice)),
        22 => format!("json_valid({})", atom(dice)),
        _ => format!("({})", test(dice, next)),
    }
}

fn test(dice: &mut Dice, depth: usize) -> String {
    let op = dice.pick(&["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT", "==", "!="]);
    let next = depth.saturating_sub(1);
    match dice.roll(14) {
        0..4 => {
            let (a, b) = alike(dice);
            if dice.roll(2) == 0 { format!("{a} {op} {b}") } else { format!("{b} {op} {a}") }
        }
        4..6 => format!("{} {op} {}", operand(dice, depth), operand(dice, depth)),
        6 => format!("{} IS {}NULL", operand(dice, depth), dice.pick(&["", "NOT "])),
        7 => {
            let (a, b) = alike(dice);
            let (_, c) = alike(dice);
            format!("{a} {}IN ({b}, {}, {c})", dice.pick(&["", "NOT "]), literal(dice))
        }
        8 => {
            let (a, b) = alike(dice);
            format!("{a} {}BETWEEN {b} AND {}", dice.pick(&["", "NOT "]), atom(dice))
        }
        9 => format!("NOT ({})", test(dice, next)),
        10 => format!("({} AND {})", test(dice, next), test(dice, next)),
        11 => format!("({} OR {})", test(dice, next), test(dice, next)),
        12 => {
            let (a, b) = alike(dice);
            format!("{a} COLLATE {} {op} {b}", dice.pick(&["NOCASE", "RTRIM", "BINARY"]))
        }
        _ => format!("{} IS {}{}", operand(dice, depth), dice.pick(&["", "NOT "]), dice.pick(&["TRUE", "FALSE"])),
    }
}

struct Both {
    lite: Connection,
    pg: Client,
    schema: Schema,
    names: Names,
    _cluster: Cluster,
}

fn both(dice: &mut Dice) -> Both {
    let cluster = Cluster::start(&[], &[]);
    let mut pg = cluster.client("postgres");
    let lite = Connection::open_in_memory().unwrap();
    // A collation that orders otherwise than by bytes shows where COLLATE "C" is forgotten.
    let icu = pg.query("SELECT 1 FROM pg_collation WHERE collname = 'en-x-icu'", &[]).unwrap();
    let collate = if icu.is_empty() { "C" } else { "en-x-icu" };
    let declared: Vec<String> = COLUMNS.iter().map(|c| format!("{} {}", c.0, c.1)).collect();
    lite.execute_batch(&format!("CREATE TABLE t({})", declared.join(", "))).unwrap();
    let typed: Vec<String> = COLUMNS
        .iter()
        .map(|c| {
            let collate = if c.2.collatable() { format!(" COLLATE \"{collate}\"") } else { String::new() };
            format!("{} {}{collate}", c.0, c.2.sql())
        })
        .collect();
    pg.batch_execute(&format!("CREATE TABLE t(id int, {})", typed.join(", "))).unwrap();
    for row in 0..60 {
        let values: Vec<&str> =
            COLUMNS.iter().map(|c| if dice.roll(6) == 0 || row == 0 { "NULL" } else { dice.pick(c.4) }).collect();
        lite.execute_batch(&format!("INSERT INTO t VALUES({})", values.join(", "))).unwrap();
        let written: Vec<String> = values.iter().map(|v| quoted(v)).collect();
        pg.batch_execute(&format!("INSERT INTO t VALUES({row}, {})", written.join(", "))).unwrap();
    }
    let (schema, findings) = resolve(&support::introspect(&lite).unwrap());
    assert!(findings.iter().all(|f| !f.blocks()), "{findings:?}");
    let names = Names { table: "t".into(), columns: COLUMNS.iter().map(|c| c.0.into()).collect(), rowid_alias: None };
    Both { lite, pg, schema, names, _cluster: cluster }
}

fn quoted(value: &str) -> String {
    match value {
        "NULL" => "NULL".into(),
        v if v.starts_with('x') => format!("'\\x{}'", v[1..].replace('\'', "")),
        v if v.starts_with('\'') => v.to_owned(),
        v => format!("'{v}'"),
    }
}

fn message(e: &postgres::Error) -> String {
    e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string)
}

impl Both {
    /// What SQLite makes of an expression on every row, or its error.
    fn in_sqlite(&self, select: &str) -> rusqlite::Result<Vec<Option<String>>> {
        let mut query = self.lite.prepare(&format!("SELECT {select} FROM t ORDER BY rowid"))?;
        let rows = query.query_map([], |r| {
            Ok(match r.get(0)? {
                Value::Null => None,
                Value::Integer(n) => Some(n.to_string()),
                Value::Real(r) => Some(format!("{r:e}")),
                Value::Text(t) => Some(t),
                Value::Blob(b) => Some(b.iter().map(|b| format!("{b:02x}")).collect()),
            })
        })?;
        rows.collect()
    }

    fn in_pg(&mut self, select: &str) -> Result<Vec<Option<String>>, String> {
        let rows = self.pg.query(&format!("SELECT {select} FROM t ORDER BY id"), &[]).map_err(|e| message(&e))?;
        Ok(rows.iter().map(|r| r.get(0)).collect())
    }
}

#[test]
fn what_translates_means_the_same() {
    let mut dice = Dice::seeded();
    let cases = from_environment("LITE2PG_CASES").unwrap_or(4000);
    let mut both = both(&mut dice);
    let table = both.schema.tables[0].clone();
    let columns: Vec<ScopeColumn> = COLUMNS
        .iter()
        .zip(&table.columns)
        .map(|(c, source)| ScopeColumn {
            target: c.0,
            ty: c.2,
            source,
            class: c.3,
            mixed: false,
            crossing: None,
            stamp: None,
        })
        .collect();
    let scope = Scope::of_columns(&columns, true);
    let (mut conditions, mut values, mut wrong) = (0, 0, Vec::new());
    for case in 0..cases {
        let depth = dice.roll(4);
        let sql = if case % 2 == 0 { test(&mut dice, depth) } else { operand(&mut dice, depth) };
        let Some(ast) = sqlite::expression(&sql, &both.names) else { panic!("not understood: {sql}") };
        if let Ok(translated) = condition(&ast, &scope) {
            conditions += 1;
            let lite = both.in_sqlite(&format!("CASE WHEN ({sql}) THEN 'true' WHEN NOT ({sql}) THEN 'false' END"));
            let pg = both.in_pg(&format!("({translated})::text"));
            compare(&sql, &translated, lite, pg, &mut wrong);
        }
        if let Ok((translated, ty)) = expression(&ast, &scope) {
            values += 1;
            let shown = match ty {
                PgType::Boolean => format!("({translated})::integer::text"),
                PgType::Bytea => format!("encode({translated}, 'hex')"),
                PgType::Jsonb => continue,
                _ => format!("({translated})::text"),
            };
            let lite = both.in_sqlite(&format!("({sql})"));
            let pg = both.in_pg(&shown);
            compare(&sql, &translated, lite, pg, &mut wrong);
            if values % 20 == 0 {
                indexable(&mut both.pg, &sql, &translated, &mut wrong);
            }
        }
    }
    println!("{cases} expressions, {conditions} conditions and {values} values compared");
    assert!(conditions > cases / 10 && values > cases / 10, "too little translates for the test to mean anything");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
}

/// An index takes only what is immutable.
fn indexable(pg: &mut Client, sql: &str, translated: &str, wrong: &mut Vec<String>) {
    let mut transaction = pg.transaction().unwrap();
    if let Err(e) = transaction.batch_execute(&format!("CREATE INDEX ON t ({translated})")) {
        let text = message(&e);
        if !text.contains("out of range") {
            wrong.push(format!("{sql}\n  -> {translated}\n  no index: {text}"));
        }
    }
    transaction.rollback().unwrap();
}

fn compare(
    sql: &str,
    translated: &str,
    lite: rusqlite::Result<Vec<Option<String>>>,
    pg: Result<Vec<Option<String>>, String>,
    wrong: &mut Vec<String>,
) {
    let differs = match (&lite, &pg) {
        (Ok(lite), Ok(pg)) => lite.iter().zip(pg).find(|(a, b)| !same(a, b)).map(|(a, b)| format!("{a:?} {b:?}")),
        (Err(_), Err(_)) => None,
        // Both refuse abs() of the smallest integer, but not both evaluate every part.
        (Ok(_), Err(e)) if sql.contains("abs(") && e.contains("out of range") => None,
        (Err(e), Ok(_)) if sql.contains("abs(") && e.to_string().contains("overflow") => None,
        (Ok(_), Err(e)) => Some(format!("PostgreSQL: {e}")),
        (Err(e), Ok(_)) => Some(format!("SQLite: {e}")),
    };
    if let Some(differs) = differs {
        wrong.push(format!("{sql}\n  -> {translated}\n  {differs}"));
    }
}

fn same(a: &Option<String>, b: &Option<String>) -> bool {
    let (Some(x), Some(y)) = (a, b) else { return a == b };
    // Reals are written differently and must be the same double.
    x == y || x.contains('e') && matches!((x.parse::<f64>(), y.parse::<f64>()), (Ok(x), Ok(y)) if x == y)
}

/// Declared type, DEFAULT, type in PostgreSQL.
const DEFAULTS: &[(&str, &str, PgType)] = &[
    ("INTEGER", "0", PgType::BigInt),
    ("INTEGER", "'0'", PgType::Integer),
    ("INTEGER", "1.0", PgType::SmallInt),
    ("INTEGER", "-5", PgType::BigInt),
    ("INTEGER", "-9223372036854775808", PgType::BigInt),
    ("INTEGER", "0x10", PgType::BigInt),
    ("INTEGER", "(1+2*3)", PgType::BigInt),
    ("INTEGER", "' 7 '", PgType::BigInt),
    ("INTEGER", "true", PgType::BigInt),
    ("TEXT", "5", PgType::Text),
    ("TEXT", "1.5", PgType::Text),
    ("TEXT", "2.0", PgType::Text),
    ("TEXT", "'now'", PgType::Text),
    ("TEXT", "'it''s \\ \"q\"'", PgType::Text),
    ("TEXT", "\"dq\"", PgType::Text),
    ("TEXT", "bare", PgType::Text),
    ("TEXT", "('a' || 'b')", PgType::Text),
    ("TEXT", "''", PgType::Text),
    ("TEXT", "NULL", PgType::Text),
    ("NUMERIC", "1.50", PgType::Numeric(None)),
    ("NUMERIC", "'1.50'", PgType::Numeric(Some((10, 2)))),
    ("DECIMAL(10,5)", "10", PgType::Numeric(Some((10, 5)))),
    ("REAL", "1", PgType::Double),
    ("REAL", "1e100", PgType::Double),
    ("REAL", "'2.5'", PgType::Double),
    ("BOOLEAN", "0", PgType::Boolean),
    ("BOOLEAN", "TRUE", PgType::Boolean),
    ("BOOLEAN", "'1'", PgType::Boolean),
    ("BLOB", "x'00ff'", PgType::Bytea),
    ("", "5", PgType::Text),
    ("", "'a'", PgType::Text),
    ("DATE", "'2020-02-29'", PgType::Date),
    ("DATETIME", "'2020-02-29 10:00:00'", PgType::Timestamp),
    ("TEXT", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", PgType::Uuid),
    ("JSON", "'[1, 2]'", PgType::Jsonb),
    ("DATETIME", "CURRENT_TIMESTAMP", PgType::Timestamp),
    ("DATETIME", "CURRENT_TIMESTAMP", PgType::Text),
    ("DATETIME", "(datetime('now'))", PgType::Text),
    ("DATE", "CURRENT_DATE", PgType::Date),
    ("DATE", "(date('now'))", PgType::Text),
    ("TIME", "CURRENT_TIME", PgType::Text),
    ("INTEGER", "(strftime('%s','now'))", PgType::BigInt),
    ("INTEGER", "(CAST(strftime('%s','now') AS INT))", PgType::Integer),
    ("INTEGER", "(unixepoch())", PgType::BigInt),
    ("TEXT", "(strftime('%s','now'))", PgType::Text),
    ("TEXT", "(strftime('%Y-%m-%dT%H:%M:%fZ','now'))", PgType::Text),
    ("TEXT", "(strftime('%Y-%m-%dT%H:%M:%SZ','now'))", PgType::Text),
    ("TEXT", "(strftime('%Y-%m-%d %H:%M:%f','now'))", PgType::Timestamp),
    ("TEXT", "(strftime('%d/%m/%Y %j','now'))", PgType::Text),
];

#[test]
fn defaults_give_the_same_value() {
    let cluster = Cluster::start(&[], &[]);
    let mut pg = cluster.client("postgres");
    for (declared, default, ty) in DEFAULTS {
        let lite = Connection::open_in_memory().unwrap();
        let script = format!("CREATE TABLE t(x {declared} DEFAULT {default}, y); INSERT INTO t(y) VALUES(1)");
        lite.execute_batch(&script).unwrap();
        let (schema, _) = resolve(&support::introspect(&lite).unwrap());
        let column = &schema.tables[0].columns[0];
        let ast = column.default.as_ref().unwrap().ast.as_ref().unwrap_or_else(|| panic!("not understood: {default}"));
        let translated = default_value(ast, column, &Crossing::new(*ty, Normal::Exact))
            .unwrap_or_else(|e| panic!("{declared} {default}: {e}"));
        let clause = translated.as_ref().map_or(String::new(), |d| format!("DEFAULT {d}"));
        let create = format!("DROP TABLE IF EXISTS t; CREATE TABLE t(x {} {clause}, y int)", ty.sql());
        pg.batch_execute(&format!("{create}; INSERT INTO t(y) VALUES(1)"))
            .unwrap_or_else(|e| panic!("{declared} {default} -> {clause}: {}", message(&e)));
        let shown = match ty {
            PgType::Boolean => "x::integer::text",
            PgType::Bytea => "encode(x, 'hex')",
            _ => "x::text",
        };
        let got: Option<String> = pg.query_one(&format!("SELECT {shown} FROM t"), &[]).unwrap().get(0);
        let text = if *ty == PgType::Bytea { "lower(hex(x))" } else { "CAST(x AS TEXT)" };
        let want: Option<String> = lite.query_row(&format!("SELECT {text} FROM t"), [], |r| r.get(0)).unwrap();
        let moving = translated.is_some_and(|t| t.contains("statement_timestamp"));
        let number = |s: &str| if *ty == PgType::Text { None } else { s.parse::<f64>().ok() };
        let equal = match (&want, &got) {
            (Some(a), Some(b)) if moving => near(a, b),
            (Some(a), Some(b)) => a == b || number(a).is_some() && number(a) == number(b),
            (a, b) => a == b,
        };
        assert!(equal, "{declared} DEFAULT {default} -> {clause}: SQLite {want:?}, PostgreSQL {got:?}");
    }
}

/// The same moment within some seconds, in the same form.
fn near(a: &str, b: &str) -> bool {
    if let (Ok(x), Ok(y)) = (a.parse::<i64>(), b.parse::<i64>()) {
        return (x - y).abs() < 10;
    }
    let form = |s: &str| s.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect::<String>();
    // A timestamp prints no zeros at the end of its fraction.
    form(a).starts_with(&form(b)) && a.get(..4) == b.get(..4)
}
