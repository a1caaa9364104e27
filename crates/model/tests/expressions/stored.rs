//! What an expression stores into a column of every type is what SQLite stores there, or an error where the column of
//! the target does not hold that. Owns the values; `table` owns the rows.

use super::support::Dice;
use super::table::{self, Both, COLUMNS};
use lite2pg_model::mapping::PgType;
use lite2pg_model::sql::helpers::Used;
use lite2pg_model::sql::sqlite;
use lite2pg_model::sql::translate::relations::Field;
use lite2pg_model::sql::translate::{Purpose, Scope, stored};
use rusqlite::types::Value;

const VALUES: &[&str] = &[
    "NULL",
    "0",
    "1",
    "5",
    "2.0",
    "2.5",
    "'5'",
    "'05'",
    "'5.0'",
    "'abc'",
    "''",
    "x'6162'",
    "'2020-01-01'",
    "'2020-01-01 10:00:00'",
    "'2020-13-01'",
    "1700000000",
    "i",
    "i + 1",
    "i > 0",
    "b",
    "si / 2",
    "f",
    "g * 2",
    "n",
    "n + 1",
    "p",
    "m",
    "flag",
    "NOT flag",
    "t",
    "t || 'x'",
    "u",
    "lo",
    "x",
    "d",
    "ts",
    "substr(ts, 1, 10)",
    "ep",
    "ep + 60",
    "ms",
    "id",
    "length(t)",
    "coalesce(f, 0)",
    "coalesce(t, 'none')",
    "coalesce(t, 0)",
    "upper(t)",
    "round(g, 1)",
    "i / 2.0",
    "CAST(t AS INTEGER)",
    "CAST(i AS TEXT)",
    "CAST(f AS TEXT)",
    "flag * 2",
    "iif(flag, 1, 0)",
    "iif(flag, d, ts)",
    "yes",
];

#[test]
fn what_is_stored_is_what_sqlite_stores() {
    let mut both = table::both(&mut Dice::seeded(), 20);
    let (table, crossings, names) = (both.table.clone(), both.crossings.clone(), both.names.clone());
    let columns = table::columns(&table, &crossings);
    let used = Used::default();
    let scope =
        Scope { helpers: Some(&used), purpose: Purpose::Query, lasting: false, ..Scope::of_columns(&columns, true) };
    both.lite.execute_batch("CREATE TABLE made AS SELECT * FROM t WHERE 0; DROP TABLE made").unwrap();
    let sql: String = both.lite.query_row("SELECT sql FROM sqlite_schema WHERE name = 't'", [], |r| r.get(0)).unwrap();
    both.lite.execute_batch(&sql.replacen("TABLE t(", "TABLE made(", 1)).unwrap();
    both.pg.batch_execute("CREATE TABLE made (LIKE t)").unwrap();
    let (mut carried, mut refused, mut wrong) = (0, 0, Vec::new());
    for (n, column) in columns.iter().enumerate() {
        let field = Field::of_column(column, &crossings[n], false);
        for value in VALUES {
            let ast = sqlite::expression(value, &names).unwrap_or_else(|| panic!("not understood: {value}"));
            match stored(&ast, &scope, &field) {
                Ok(text) => {
                    carried += 1;
                    if let Some(differs) = compare(&mut both, COLUMNS[n].name, column.ty, value, &text) {
                        wrong.push(format!("{} := {value}\n  -> {text}\n  {differs}", COLUMNS[n].name));
                    }
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{carried} stored, {refused} refused");
    assert!(carried > refused, "too much is refused");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(both: &mut Both, name: &str, ty: PgType, value: &str, text: &str) -> Option<String> {
    // The value that SQLite has behind each type, as text; numbers as they are.
    let (shown, as_type) = match ty {
        PgType::Date => (format!("to_char({name}, 'YYYY-MM-DD')"), PgType::Text),
        PgType::Timestamp => (format!("to_char({name}, 'YYYY-MM-DD HH24:MI:SS')"), PgType::Text),
        PgType::TimestampTz if name == "ms" => (format!("(extract(epoch FROM {name}) * 1000)::bigint"), PgType::BigInt),
        PgType::TimestampTz if name == "us" => {
            (format!("(extract(epoch FROM {name}) * 1000000)::bigint"), PgType::BigInt)
        }
        PgType::TimestampTz => (format!("extract(epoch FROM {name})::bigint"), PgType::BigInt),
        PgType::Uuid => (format!("{name}::text"), PgType::Text),
        PgType::Numeric(_) => (name.to_owned(), PgType::Numeric(Some((1, 1)))),
        ty => (name.to_owned(), ty),
    };
    let rows = both.in_sqlite("rowid", "").unwrap().len();
    for row in 0..rows {
        let here =
            format!("DELETE FROM made; INSERT INTO made({name}) SELECT {value} FROM t WHERE rowid = {}", row + 1);
        both.lite.execute_batch(&here).unwrap();
        let want: Value = both.lite.query_row(&format!("SELECT {name} FROM made"), [], |r| r.get(0)).unwrap();
        let there = format!("DELETE FROM made; INSERT INTO made({name}) SELECT {text} FROM t WHERE row_number = {row}");
        match both.pg.batch_execute(&there) {
            Err(e) if !holds(&want, name, ty) => drop(e),
            Err(e) => return Some(format!("row {row}: {want:?} {}", table::message(&e))),
            Ok(()) => {
                let got: Vec<Option<String>> = both
                    .pg
                    .simple_query(&format!("SELECT {shown} FROM made"))
                    .unwrap()
                    .into_iter()
                    .filter_map(|m| match m {
                        postgres::SimpleQueryMessage::Row(r) => Some(r.get(0).map(str::to_owned)),
                        _ => None,
                    })
                    .collect();
                let got = got.first()?.as_deref();
                // A date alone is its midnight.
                let midnight = matches!(&want, Value::Text(t) if got == Some(format!("{t} 00:00:00").as_str()));
                if !both.same(&want, got, as_type) && !midnight {
                    return Some(format!("row {row}: {want:?} {got:?}"));
                }
            }
        }
    }
    None
}

/// Whether a column of the target holds a value of SQLite.
fn holds(value: &Value, name: &str, ty: PgType) -> bool {
    match (ty, value) {
        (_, Value::Null) => true,
        (PgType::SmallInt, Value::Integer(n)) => i16::try_from(*n).is_ok(),
        (PgType::Integer, Value::Integer(n)) => i32::try_from(*n).is_ok(),
        (PgType::BigInt, Value::Integer(_)) | (PgType::Double, Value::Real(_)) => true,
        (PgType::Double, Value::Integer(n)) => (*n as f64) as i128 == i128::from(*n),
        (PgType::Numeric(None), Value::Integer(_) | Value::Real(_)) => true,
        (PgType::Numeric(Some(_)), Value::Integer(n)) => n.unsigned_abs() < 100_000_000,
        (PgType::Numeric(Some((_, digits))), Value::Real(r)) => {
            // As many digits as SQLite shows of it.
            let shown = format!("{r}");
            let behind = shown.split_once('.').map_or(0, |(_, d)| d.len());
            r.abs() < 1e8 && behind <= usize::from(digits)
        }
        (PgType::Boolean, Value::Integer(n)) => matches!(n, 0 | 1),
        (PgType::Boolean, Value::Text(t)) => name == "yes" && matches!(t.as_str(), "yes" | "no"),
        (PgType::Text, Value::Text(_)) => true,
        (PgType::Text, Value::Integer(_) | Value::Real(_)) => matches!(name, "lo" | "mx"),
        (PgType::VarChar(n), Value::Text(t)) => t.chars().count() <= n as usize,
        (PgType::Char(n), Value::Text(t)) => t.chars().count() == n as usize && !t.ends_with(' '),
        (PgType::Bytea, Value::Blob(_)) => true,
        (PgType::Date, Value::Text(t)) => {
            t.len() == 10 && t.starts_with("2020-01") || t == "2024-02-29" || t == "1999-12-31"
        }
        (PgType::Timestamp, Value::Text(t)) => t.len() == 19 && t.contains(':'),
        (PgType::TimestampTz, Value::Integer(n)) => n.unsigned_abs() < 100_000_000_000,
        (PgType::Uuid, Value::Text(t)) => t.len() == 36,
        _ => false,
    }
}
