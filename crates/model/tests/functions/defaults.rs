//! DEFAULTs that are expressions: a row of defaults on both sides has values of the same form and class.
//! Owns the list.

use super::both::message;
use super::support;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::sql::helpers::{self, Used};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::sql::translate::default_with;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use rusqlite::Connection;

/// How the values of both sides must agree.
#[derive(Clone, Copy, PartialEq)]
enum Alike {
    /// They are one.
    Equal,
    /// The same moment within some seconds, in the same form.
    Time,
    /// The same form of digits.
    Chance,
    /// An integer on both sides.
    Integer,
}
use Alike::{Chance, Equal, Integer, Time};

const UUID: &str = "(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4' || \
    substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', abs(random()) % 4 + 1, 1) || \
    substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6))))";

/// Declared type, DEFAULT, type in PostgreSQL, how values cross.
const DEFAULTS: &[(&str, &str, PgType, Normal, Alike)] = &[
    ("DATETIME", "(datetime('now'))", PgType::Timestamp, Normal::DateTime, Time),
    ("DATETIME", "(datetime('now', 'localtime'))", PgType::Text, Normal::Exact, Time),
    ("DATETIME", "(datetime('now', 'localtime'))", PgType::Timestamp, Normal::DateTime, Time),
    ("DATETIME", "(datetime('now', '+7 days'))", PgType::Timestamp, Normal::DateTime, Time),
    ("DATETIME", "(datetime('now', '+7 days'))", PgType::Text, Normal::Exact, Time),
    ("TEXT", "(datetime('now', '+1 month', 'start of day'))", PgType::Text, Normal::Exact, Time),
    ("DATETIME", "(datetime('now', '-1 year'))", PgType::Timestamp, Normal::DateTime, Time),
    ("DATE", "(date('now', '+30 days'))", PgType::Date, Normal::Exact, Time),
    ("DATE", "(date('now', 'start of month'))", PgType::Text, Normal::Exact, Time),
    ("DATE", "(date('now', 'localtime'))", PgType::Date, Normal::Exact, Time),
    ("TIME", "(time('now'))", PgType::Time, Normal::Exact, Time),
    ("TEXT", "(strftime('%Y-%m-%dT%H:%M:%fZ','now'))", PgType::Text, Normal::Exact, Time),
    ("TEXT", "(strftime('%Y-%m-%dT%H:%M:%SZ','now', '+1 hour'))", PgType::Text, Normal::Exact, Time),
    ("DATETIME", "(strftime('%Y-%m-%d %H:%M:%f', 'now'))", PgType::Timestamp, Normal::DateTime, Time),
    ("TEXT", "(strftime('%Y%m%d', 'now'))", PgType::Text, Normal::Exact, Time),
    ("TEXT", "(strftime('%W of %Y', 'now'))", PgType::Text, Normal::Exact, Time),
    ("INTEGER", "(strftime('%s','now'))", PgType::BigInt, Normal::Exact, Time),
    ("INTEGER", "(strftime('%s','now') * 1000)", PgType::BigInt, Normal::Exact, Time),
    ("INTEGER", "(CAST(strftime('%s', 'now') AS INTEGER) + 3600)", PgType::BigInt, Normal::Exact, Time),
    ("INTEGER", "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))", PgType::BigInt, Normal::Exact, Time),
    ("INTEGER", "(unixepoch())", PgType::BigInt, Normal::Exact, Time),
    ("INTEGER", "(unixepoch('now'))", PgType::TimestampTz, Normal::EpochSeconds, Time),
    ("INTEGER", "(unixepoch('now', '+1 day'))", PgType::TimestampTz, Normal::EpochSeconds, Time),
    ("REAL", "(julianday('now'))", PgType::Double, Normal::Exact, Time),
    ("REAL", "(unixepoch('subsec'))", PgType::Double, Normal::Exact, Time),
    ("TEXT", "(hex(randomblob(16)))", PgType::Text, Normal::Exact, Chance),
    ("TEXT", "(lower(hex(randomblob(16))))", PgType::Text, Normal::Exact, Chance),
    ("TEXT", UUID, PgType::Text, Normal::Exact, Chance),
    ("TEXT", UUID, PgType::Uuid, Normal::Exact, Chance),
    ("BLOB", "(randomblob(8))", PgType::Bytea, Normal::Exact, Chance),
    ("INTEGER", "(random())", PgType::BigInt, Normal::Exact, Integer),
    ("INTEGER", "(abs(random()))", PgType::BigInt, Normal::Exact, Integer),
    ("INTEGER", "(abs(random()) % 10)", PgType::BigInt, Normal::Exact, Integer),
    ("INTEGER", "(60 * 60 * 24)", PgType::BigInt, Normal::Exact, Equal),
    ("INTEGER", "(7 / 2)", PgType::Integer, Normal::Exact, Equal),
    ("INTEGER", "(1 << 4 | 1)", PgType::BigInt, Normal::Exact, Equal),
    ("REAL", "(1.0 / 4)", PgType::Double, Normal::Exact, Equal),
    ("REAL", "(10)", PgType::Double, Normal::Exact, Equal),
    ("TEXT", "(upper('a') || 'b')", PgType::Text, Normal::Exact, Equal),
    ("TEXT", "(printf('%05d', 42))", PgType::Text, Normal::Exact, Equal),
    ("TEXT", "(date('2024-02-30'))", PgType::Text, Normal::Exact, Equal),
    ("DATE", "(date('2024-01-31', '+1 month'))", PgType::Date, Normal::Exact, Equal),
    ("JSON", "(json_array())", PgType::Text, Normal::Exact, Equal),
    ("JSON", "(json_object('a', 1, 'b', json('[]')))", PgType::Text, Normal::Exact, Equal),
    ("TEXT", "(json_object())", PgType::Jsonb, Normal::Json, Equal),
    ("BOOLEAN", "(1 = 1)", PgType::Boolean, Normal::Exact, Equal),
    ("BOOLEAN", "(NOT 1)", PgType::Boolean, Normal::Exact, Equal),
    ("TEXT", "(coalesce(NULL, 'x'))", PgType::Text, Normal::Exact, Equal),
    ("TEXT", "(NULL)", PgType::Text, Normal::Exact, Equal),
    ("TEXT", "(CASE WHEN 1 THEN 'a' ELSE 'b' END)", PgType::Text, Normal::Exact, Equal),
    ("TEXT", "(CAST(5 AS TEXT))", PgType::Text, Normal::Exact, Equal),
    ("TEXT", "(char(65, 66))", PgType::Text, Normal::Exact, Equal),
    ("BLOB", "(zeroblob(4))", PgType::Bytea, Normal::Exact, Equal),
];

fn server() -> (Cluster, Client) {
    let cluster = Cluster::start(&[], &[]);
    let mut pg = cluster.client("postgres");
    pg.batch_execute("CREATE SCHEMA h; SET search_path TO h, pg_catalog").unwrap();
    for helper in helpers::ALL {
        pg.batch_execute(helper.sql).unwrap_or_else(|e| panic!("{}: {}", helper.name, message(&e)));
    }
    pg.batch_execute("SET search_path TO public, h, pg_catalog; SET TimeZone TO 'UTC'").unwrap();
    (cluster, pg)
}

#[test]
fn defaults_that_are_expressions() {
    let (_cluster, mut pg) = server();
    let mut wrong = Vec::new();
    for (declared, default, ty, normal, alike) in DEFAULTS {
        let case = format!("{declared} DEFAULT {default} as {}", ty.sql());
        let lite = Connection::open_in_memory().unwrap();
        let script = format!("CREATE TABLE t(x {declared} DEFAULT {default}, y); INSERT INTO t(y) VALUES(1)");
        lite.execute_batch(&script).unwrap();
        let (schema, _) = resolve(&support::introspect(&lite).unwrap());
        let column = &schema.tables[0].columns[0];
        let Some(ast) = column.default.as_ref().and_then(|d| d.ast.as_ref()) else {
            wrong.push(format!("{case}: not understood"));
            continue;
        };
        let used = Used::default();
        let clause = match default_with(ast, column, &Crossing::new(*ty, *normal), &used) {
            Ok(text) => text.map_or(String::new(), |d| format!("DEFAULT {d}")),
            Err(e) => {
                wrong.push(format!("{case}: {e}"));
                continue;
            }
        };
        let create = format!("DROP TABLE IF EXISTS t; CREATE TABLE t(x {} {clause}, y int)", ty.sql());
        if let Err(e) = pg.batch_execute(&format!("{create}; INSERT INTO t(y) VALUES(1)")) {
            wrong.push(format!("{case}\n  {clause}: {}", message(&e)));
            continue;
        }
        let shown = match (ty, normal) {
            (PgType::Boolean, _) => "x::integer::text",
            (PgType::Bytea, _) => "encode(x, 'hex')",
            (PgType::TimestampTz, Normal::EpochSeconds) => "extract(epoch FROM x)::bigint::text",
            _ => "x::text",
        };
        let got: Option<String> = pg.query_one(&format!("SELECT {shown} FROM t"), &[]).unwrap().get(0);
        let text = if *ty == PgType::Bytea { "lower(hex(x))" } else { "CAST(x AS TEXT)" };
        let want: Option<String> = lite.query_row(&format!("SELECT {text} FROM t"), [], |r| r.get(0)).unwrap();
        let zoned = default.contains("localtime");
        if !agree(*alike, want.as_deref(), got.as_deref()) || used.zoned() != zoned {
            wrong.push(format!("{case}\n  {clause}\n  SQLite {want:?}, PostgreSQL {got:?}, zoned {}", used.zoned()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), DEFAULTS.len(), wrong.join("\n"));
}

fn agree(alike: Alike, want: Option<&str>, got: Option<&str>) -> bool {
    let (Some(a), Some(b)) = (want, got) else { return want == got };
    let form = |s: &str| -> String {
        s.chars()
            .map(|c| match c {
                c if c.is_ascii_digit() => '9',
                'a'..='f' if alike == Chance => '9',
                'A'..='F' if alike == Chance => 'F',
                c => c,
            })
            .map(|c| if c == 'F' { '9' } else { c })
            .collect()
    };
    let numbers = (a.parse::<f64>(), b.parse::<f64>());
    match alike {
        Equal => a == b || matches!(numbers, (Ok(x), Ok(y)) if x == y),
        Chance => {
            form(a) == form(b)
                && a.contains(|c: char| c.is_ascii_uppercase()) == b.contains(|c: char| c.is_ascii_uppercase())
        }
        Integer => matches!((a.parse::<i64>(), b.parse::<i64>()), (Ok(_), Ok(_))),
        // Near in seconds, days or milliseconds; a timestamp prints no zeros at the end of its fraction.
        Time => match numbers {
            (Ok(x), Ok(y)) => (x - y).abs() < x.abs() / 1e8 + 1e-3 && a.contains('.') == b.contains('.'),
            _ => form(a).starts_with(&form(b)) && a.get(..4) == b.get(..4),
        },
    }
}
