//! A table of all classes and mapped types on both sides, and how an expression's values on it are compared.
//! Owns the oracle: SQLite's answers; never translates.

use super::support::{self, Dice};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::schema::Table;
use lite2pg_model::sql::helpers;
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::sql::sqlite::Names;
use lite2pg_model::sql::translate::{ScopeColumn, Stamp};
use lite2pg_model::value::Class;
use lite2pg_testkit::cluster::Cluster;
use postgres::{Client, SimpleQueryMessage};
use rusqlite::Connection;
use rusqlite::types::Value;

/// A column: its name, its type in SQLite, its type in PostgreSQL and how values cross, the one class of its values,
/// and values as literals of SQLite and of PostgreSQL (nothing: the same).
pub struct Sample {
    pub name: &'static str,
    declared: &'static str,
    ty: PgType,
    normal: Normal,
    class: Option<Class>,
    pub values: &'static [(&'static str, &'static str)],
}

const fn sample(
    name: &'static str,
    declared: &'static str,
    ty: PgType,
    normal: Normal,
    class: Option<Class>,
    values: &'static [(&'static str, &'static str)],
) -> Sample {
    Sample { name, declared, ty, normal, class, values }
}

const TEXTS: &[(&str, &str)] = &[
    ("''", ""),
    ("'a'", ""),
    ("'A'", ""),
    ("'ab '", ""),
    ("'AB'", ""),
    ("'é'", ""),
    ("'É😀x'", ""),
    ("'it''s'", ""),
    ("'10'", ""),
    ("'-5.50'", ""),
    ("' 7 '", ""),
    ("'1e3'", ""),
    ("'12abc'", ""),
    ("'0x1F'", ""),
    ("'.5'", ""),
    ("'a%b_c'", ""),
    ("'9223372036854775808'", ""),
    ("'2024-02-29'", ""),
    ("'\\'", ""),
    ("'3.0'", ""),
];

pub const COLUMNS: &[Sample] = &[
    sample(
        "si",
        "SMALLINT",
        PgType::SmallInt,
        Normal::Exact,
        None,
        &[("0", ""), ("7", ""), ("-32768", ""), ("32767", "")],
    ),
    sample(
        "i",
        "INTEGER",
        PgType::Integer,
        Normal::Exact,
        None,
        &[("0", ""), ("1", ""), ("-1", ""), ("2147483647", ""), ("-2147483648", ""), ("42", "")],
    ),
    sample(
        "b",
        "INTEGER",
        PgType::BigInt,
        Normal::Exact,
        None,
        &[
            ("0", ""),
            ("3", ""),
            ("-7", ""),
            ("9007199254740993", ""),
            ("9223372036854775807", ""),
            ("-9223372036854775808", ""),
            ("1700000000", ""),
        ],
    ),
    sample(
        "f",
        "REAL",
        PgType::Double,
        Normal::Exact,
        None,
        &[
            ("0.0", ""),
            ("1.5", ""),
            ("-2.5", ""),
            ("0.1", ""),
            ("1e10", ""),
            ("9007199254740992.0", ""),
            ("1e308", ""),
            ("9e999", "'Infinity'"),
            ("-9e999", "'-Infinity'"),
            ("1.2345678901234567", ""),
            ("5e-324", ""),
            ("100.0", ""),
            ("1e15", ""),
            ("123456789012345680.0", ""),
        ],
    ),
    sample(
        "g",
        "DOUBLE",
        PgType::Double,
        Normal::Exact,
        None,
        &[("2.0", ""), ("-0.25", ""), ("3.14159", ""), ("1e-7", ""), ("12.675", ""), ("0.15", "")],
    ),
    sample(
        "n",
        "DECIMAL(10,2)",
        PgType::Numeric(None),
        Normal::Exact,
        None,
        &[("0", ""), ("5", ""), ("0.1", ""), ("-2.5", ""), ("100.25", ""), ("7", "")],
    ),
    sample(
        "p",
        "DECIMAL(10,2)",
        PgType::Numeric(Some((10, 2))),
        Normal::Number,
        None,
        &[("0", ""), ("5", ""), ("0.1", ""), ("19.99", ""), ("3", "")],
    ),
    sample("m", "NUMERIC", PgType::Double, Normal::Number, None, &[("4", ""), ("2.5", ""), ("-3", ""), ("0", "")]),
    sample("flag", "BOOLEAN", PgType::Boolean, Normal::Exact, None, &[("0", "false"), ("1", "true")]),
    sample(
        "yes",
        "TEXT",
        PgType::Boolean,
        Normal::BooleanWords(5),
        Some(Class::Text),
        &[("'yes'", "true"), ("'no'", "false")],
    ),
    sample("t", "TEXT", PgType::Text, Normal::Exact, None, TEXTS),
    sample(
        "u",
        "VARCHAR(10)",
        PgType::VarChar(10),
        Normal::Exact,
        None,
        &[("'x'", ""), ("'a'", ""), ("'10'", ""), ("''", ""), ("'Ab'", "")],
    ),
    sample("c", "CHAR(2)", PgType::Char(2), Normal::Exact, None, &[("'ab'", ""), ("'10'", ""), ("'Zz'", "")]),
    sample("nc", "TEXT COLLATE NOCASE", PgType::Text, Normal::Exact, None, TEXTS),
    sample("rt", "TEXT COLLATE RTRIM", PgType::Text, Normal::Exact, None, TEXTS),
    sample(
        "lo",
        "",
        PgType::Text,
        Normal::Text,
        None,
        &[("'a'", ""), ("5", "'5'"), ("'5'", ""), ("''", ""), ("1.5", "'1.5'")],
    ),
    sample(
        "x",
        "BLOB",
        PgType::Bytea,
        Normal::Exact,
        Some(Class::Blob),
        &[("x''", "''"), ("x'6162'", "'\\x6162'"), ("x'3132'", "'\\x3132'"), ("x'c3a9'", "'\\xc3a9'")],
    ),
    sample(
        "d",
        "DATE",
        PgType::Date,
        Normal::Exact,
        Some(Class::Text),
        &[("'2020-01-01'", ""), ("'2024-02-29'", ""), ("'1999-12-31'", "")],
    ),
    sample(
        "ts",
        "DATETIME",
        PgType::Timestamp,
        Normal::DateTime,
        Some(Class::Text),
        &[("'2020-01-01 00:00:00'", ""), ("'2024-02-29 12:30:00'", ""), ("'1999-12-31 23:59:59'", "")],
    ),
    sample(
        "ep",
        "INTEGER",
        PgType::TimestampTz,
        Normal::EpochSeconds,
        Some(Class::Integer),
        &[("0", "to_timestamp(0)"), ("1700000000", "to_timestamp(1700000000)"), ("-1", "to_timestamp(-1)")],
    ),
    sample(
        "ms",
        "INTEGER",
        PgType::TimestampTz,
        Normal::EpochMillis,
        Some(Class::Integer),
        &[("0", "to_timestamp(0)"), ("1700000000123", "to_timestamp(1700000000.123)")],
    ),
    sample(
        "id",
        "TEXT",
        PgType::Uuid,
        Normal::Exact,
        Some(Class::Text),
        &[("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", ""), ("'00000000-0000-0000-0000-000000000000'", "")],
    ),
];

pub struct Both {
    pub lite: Connection,
    pub pg: Client,
    pub table: Table,
    pub names: Names,
    pub crossings: Vec<Crossing>,
    _cluster: Cluster,
}

/// The table with rows of every value, on both sides; the helper functions stand in a schema on the path.
pub fn both(dice: &mut Dice, rows: usize) -> Both {
    let cluster = Cluster::start(&[], &[]);
    let mut pg = cluster.client("postgres");
    let lite = Connection::open_in_memory().unwrap();
    let icu = pg.query("SELECT 1 FROM pg_collation WHERE collname = 'en-x-icu'", &[]).unwrap();
    let collate = if icu.is_empty() { "C" } else { "en-x-icu" };
    let declared: Vec<String> = COLUMNS.iter().map(|c| format!("{} {}", c.name, c.declared)).collect();
    lite.execute_batch(&format!("CREATE TABLE t({})", declared.join(", "))).unwrap();
    let typed: Vec<String> = COLUMNS
        .iter()
        .map(|c| {
            let collate = if c.ty.collatable() { format!(" COLLATE \"{collate}\"") } else { String::new() };
            format!("{} {}{collate}", c.name, c.ty.sql())
        })
        .collect();
    pg.batch_execute(&format!("SET timezone = 'UTC'; CREATE TABLE t(row_number int, {})", typed.join(", "))).unwrap();
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let values: Vec<(&str, &str)> = COLUMNS
            .iter()
            .map(|c| if row == 0 || dice.roll(9) == 0 { ("NULL", "") } else { c.values[dice.roll(c.values.len())] })
            .collect();
        let other = |(lite, pg): &(&'static str, &'static str)| if pg.is_empty() { *lite } else { *pg }.to_owned();
        here.push(format!("({})", values.iter().map(|v| v.0).collect::<Vec<_>>().join(", ")));
        there.push(format!("({row}, {})", values.iter().map(other).collect::<Vec<_>>().join(", ")));
    }
    lite.execute_batch(&format!("INSERT INTO t VALUES {}", here.join(", "))).unwrap();
    for values in there {
        pg.batch_execute(&format!("INSERT INTO t VALUES {values}")).unwrap();
    }
    helpers_in(&mut pg);
    let (schema, _) = resolve(&support::introspect(&lite).unwrap());
    let names =
        Names { table: "t".into(), columns: COLUMNS.iter().map(|c| c.name.into()).collect(), rowid_alias: None };
    let crossings = COLUMNS.iter().map(|c| Crossing::new(c.ty, c.normal)).collect();
    Both { lite, pg, table: schema.tables[0].clone(), names, crossings, _cluster: cluster }
}

fn helpers_in(pg: &mut Client) {
    let mut sql = "CREATE SCHEMA helpers; SET search_path TO helpers, pg_catalog;".to_owned();
    for helper in helpers::ALL {
        sql.push_str(helper.sql);
        if !helper.needs.is_empty() {
            sql.push_str(&format!("ALTER FUNCTION {} SET search_path TO helpers, pg_catalog;\n", helper.name));
        }
    }
    sql.push_str("SET search_path TO public, helpers, pg_catalog");
    pg.batch_execute(&sql).unwrap_or_else(|e| panic!("{}", message(&e)));
}

/// The columns of the table as translation sees them.
pub fn columns<'a>(table: &'a Table, crossings: &'a [Crossing]) -> Vec<ScopeColumn<'a>> {
    let stamp = Stamp { letter_t: false, fraction: lite2pg_model::sql::translate::Fraction::None };
    COLUMNS
        .iter()
        .zip(&table.columns)
        .zip(crossings)
        .map(|((c, source), crossing)| ScopeColumn {
            target: c.name,
            ty: c.ty,
            source,
            class: c.class,
            mixed: false,
            crossing: Some(crossing),
            stamp: (c.ty == PgType::Timestamp).then_some(stamp),
        })
        .collect()
}

pub fn message(e: &postgres::Error) -> String {
    e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string)
}

impl Both {
    /// What SQLite makes of expressions, row by row.
    pub fn in_sqlite(&self, select: &str, rows: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut query = self.lite.prepare(&format!("SELECT {select} FROM t {rows} ORDER BY rowid"))?;
        let width = query.column_count();
        let rows = query.query_map([], |r| (0..width).map(|i| r.get::<_, Value>(i)).collect())?;
        rows.collect()
    }

    /// What PostgreSQL makes of them, as it writes them.
    pub fn in_pg(&mut self, select: &str, rows: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        let answer = self
            .pg
            .simple_query(&format!("SELECT {select} FROM t {rows} ORDER BY row_number"))
            .map_err(|e| message(&e))?;
        let row = |m: SimpleQueryMessage| match m {
            SimpleQueryMessage::Row(r) => Some((0..r.len()).map(|i| r.get(i).map(str::to_owned)).collect()),
            _ => None,
        };
        Ok(answer.into_iter().filter_map(row).collect())
    }

    /// Whether PostgreSQL's value is SQLite's: its class as far as the type tells it, and its value.
    pub fn same(&self, want: &Value, got: Option<&str>, ty: PgType) -> bool {
        let Some(got) = got else { return *want == Value::Null };
        let double = |s: &str| match s {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            s => s.parse::<f64>().ok(),
        };
        match (ty, want) {
            // Words that became boolean.
            (PgType::Boolean, Value::Text(t)) => (got == "t") == (t == "yes") && matches!(t.as_str(), "yes" | "no"),
            (PgType::Boolean, Value::Integer(n)) => (got == "t") == (*n == 1) && matches!(n, 0 | 1),
            (PgType::SmallInt | PgType::Integer | PgType::BigInt, Value::Integer(n)) => got == n.to_string(),
            (PgType::Double, Value::Real(r)) => double(got) == Some(*r),
            (PgType::Double, Value::Integer(n)) => {
                double(got) == Some(*n as f64) && (*n as f64) as i128 == i128::from(*n)
            }
            (PgType::Numeric(None), Value::Integer(n)) => got == n.to_string(),
            (PgType::Numeric(None), Value::Real(r)) => {
                got.contains(['.', 'I']) && double(got) == Some(*r) || r.abs() > 9e18
            }
            (PgType::Numeric(_), Value::Integer(n)) => double(got) == Some(*n as f64),
            (PgType::Numeric(_), Value::Real(r)) => double(got) == Some(*r),
            (PgType::Text | PgType::VarChar(_) | PgType::Char(_), Value::Text(t)) => got == t,
            (PgType::Text | PgType::VarChar(_), Value::Integer(n)) => got == n.to_string(),
            (PgType::Text | PgType::VarChar(_), Value::Real(r)) => {
                self.lite.query_row("SELECT CAST(? AS TEXT)", [r], |r| r.get::<_, String>(0)).is_ok_and(|t| t == got)
            }
            (PgType::Bytea, Value::Blob(b)) => {
                got == format!("\\x{}", b.iter().map(|b| format!("{b:02x}")).collect::<String>())
            }
            // A type of its own: how it crosses is tested elsewhere.
            (PgType::Date | PgType::Timestamp | PgType::TimestampTz | PgType::Uuid, v) => *v != Value::Null,
            _ => false,
        }
    }
}
