//! Random databases: tables, keys, foreign keys, indexes, views, triggers and rows of every class, by one seed.
//! Owns their statements; never opens a database.

use crate::dice::Dice;
use std::fmt::Write as _;

/// Names that must be quoted, folded or told apart.
const NAMES: [&str; 12] = [
    "users",
    "Order",
    "select",
    "with space",
    "ünïcode",
    "quo\"te",
    "UPPER",
    "a",
    "group",
    "semi;colon",
    "名前",
    "x-y",
];

/// Declared type, and an expression for the value of row `i`.
const COLUMNS: [(&str, &str); 20] = [
    ("INTEGER", "i * 31 - 7"),
    ("INTEGER", "CASE i % 97 WHEN 0 THEN 9223372036854775807 WHEN 1 THEN -9223372036854775808 ELSE i END"),
    ("TEXT", "'text ' || i"),
    ("TEXT", "CASE i % 5 WHEN 0 THEN '' WHEN 1 THEN 'Ünï 😀 ' || i ELSE 'line' || char(10) || i END"),
    ("TEXT", "CASE i % 50 WHEN 0 THEN 'nul' || char(0) || i ELSE 'none ' || i END"),
    ("VARCHAR(40)", "printf('%036d', i)"),
    ("REAL", "i / 7.0"),
    ("REAL", "CASE i % 40 WHEN 0 THEN 9e999 WHEN 1 THEN -1e-300 ELSE i * 1e10 END"),
    ("BLOB", "CAST('bytes ' || i AS BLOB)"),
    ("BLOB", "zeroblob(i % 600)"),
    ("NUMERIC", "CASE i % 3 WHEN 0 THEN i WHEN 1 THEN i + 0.25 ELSE NULL END"),
    ("DECIMAL(12,2)", "round(i * 1.25, 2)"),
    ("BOOLEAN", "i % 2"),
    ("DATE", "date('1950-01-01', '+' || (i % 30000) || ' days')"),
    ("DATETIME", "datetime('2024-01-01', '+' || i || ' seconds')"),
    ("DATETIME", "CASE i % 60 WHEN 0 THEN 'no date' ELSE datetime('2000-01-01', '+' || i || ' hours') END"),
    ("JSON", "'{\"n\": ' || i || ', \"tags\": [\"a\", null]}'"),
    ("UUID", "printf('a0eebc99-9c0b-4ef8-bb6d-%012x', i)"),
    ("", "CASE i % 4 WHEN 0 THEN i WHEN 1 THEN 'text ' || i WHEN 2 THEN i + 0.5 ELSE x'00ff' END"),
    ("INT", "CASE i % 80 WHEN 0 THEN 'not a number' ELSE i % 100 END"),
];

struct Table {
    name: String,
    columns: Vec<String>,
    rows: u64,
    /// Whether its key is one whole number from 1 to `rows`.
    numbered: bool,
}

/// Statements that make and fill a database. It has at most about `most` rows in a table.
pub fn database(dice: &mut Dice, most: u64) -> String {
    let mut sql = String::from("PRAGMA foreign_keys = OFF;\n");
    if dice.chance(25) {
        sql.push_str("PRAGMA journal_mode = wal;\n");
    }
    sql.push_str("BEGIN;\n");
    let mut tables: Vec<Table> = Vec::new();
    for n in 0..1 + dice.below(8) {
        let table = table(dice, &mut sql, n, &tables, most);
        tables.push(table);
    }
    for n in 0..dice.below(6) {
        index(dice, &mut sql, n, &tables);
    }
    for n in 0..dice.below(4) {
        let table = dice.one(&tables);
        let column = quoted(dice.one::<String>(&table.columns));
        let from = quoted(&table.name);
        let _ = match dice.below(3) {
            0 => writeln!(sql, "CREATE VIEW view{n} AS SELECT * FROM {from} WHERE {column} IS NOT NULL;"),
            1 => writeln!(
                sql,
                "CREATE VIEW view{n} AS SELECT {column} AS k, count(*) AS n FROM {from} GROUP BY {column};"
            ),
            _ => writeln!(sql, "CREATE VIEW view{n} AS SELECT count(*) AS n, max({column}) AS m FROM {from};"),
        };
    }
    if dice.chance(40) {
        let table = quoted(&dice.one(&tables).name);
        let _ = writeln!(
            sql,
            "CREATE TABLE journal_of_changes (what TEXT);\nCREATE TRIGGER seen AFTER INSERT ON {table} BEGIN \
             INSERT INTO journal_of_changes VALUES ('inserted'); END;"
        );
    }
    sql.push_str("COMMIT;\n");
    sql
}

fn table(dice: &mut Dice, sql: &mut String, n: u64, before: &[Table], most: u64) -> Table {
    let name = format!("{} {n}", dice.one(&NAMES));
    // Mostly few rows, sometimes none, sometimes many.
    let rows = match dice.below(6) {
        0 => 0,
        1 => 1,
        2 => most,
        _ => dice.below(most / 4 + 2),
    };
    let (mut columns, mut parts, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut add = |name: String, rest: String, value: String| {
        parts.push(format!("{} {rest}", quoted(&name)));
        columns.push(name);
        values.push(value);
    };
    let key = dice.below(5);
    match key {
        0 => add("id".into(), "INTEGER PRIMARY KEY".into(), "i".into()),
        1 => add("id".into(), "INTEGER PRIMARY KEY AUTOINCREMENT".into(), "i".into()),
        2 => {
            add("k1".into(), "TEXT NOT NULL".into(), "'k' || (i % 10)".into());
            add("k2".into(), "INTEGER NOT NULL".into(), "i".into());
        }
        3 => add("code".into(), "TEXT UNIQUE".into(), "'code' || i".into()),
        _ => {}
    }
    for c in 0..1 + dice.below(7) {
        let (declared, value) = *dice.one(&COLUMNS);
        let nullable = dice.chance(40);
        let value =
            if nullable { format!("CASE WHEN i % 11 = 3 THEN NULL ELSE {value} END") } else { value.to_owned() };
        let extra = match dice.below(8) {
            0 if !nullable && declared == "TEXT" => " NOT NULL DEFAULT 'nobody'",
            1 if declared == "INTEGER" => " DEFAULT 7",
            _ => "",
        };
        add(format!("{}{c}", dice.one(&NAMES)), format!("{declared}{extra}"), value);
    }
    let parents: Vec<&Table> = before.iter().filter(|t| t.numbered).collect();
    let mut links = Vec::new();
    if !parents.is_empty() && dice.chance(60) {
        let parent = *dice.one(&parents);
        // Sometimes a few rows point to nothing.
        let orphans = if dice.chance(20) { 3 } else { 0 };
        let value = match parent.rows + orphans {
            0 => "NULL".to_owned(),
            reach => format!("CASE WHEN i % 9 = 0 THEN NULL ELSE 1 + i % {reach} END"),
        };
        add("parent".into(), "INTEGER".into(), value);
        let acts = dice.one(&["", " ON DELETE CASCADE", " ON DELETE SET NULL", " DEFERRABLE INITIALLY DEFERRED"]);
        links.push(format!("FOREIGN KEY (parent) REFERENCES {} (id){acts}", quoted(&parent.name)));
    }
    if key == 2 {
        links.push("PRIMARY KEY (k1, k2)".to_owned());
    }
    parts.append(&mut links);
    let without = if key == 2 && dice.chance(60) { " WITHOUT ROWID" } else { "" };
    let quoted_name = quoted(&name);
    let _ = writeln!(sql, "CREATE TABLE {quoted_name} ({}){without};", parts.join(", "));
    if rows > 0 {
        let _ = writeln!(
            sql,
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO {quoted_name} SELECT {} FROM n;",
            values.join(", ")
        );
    }
    // Gaps; what has no rowid has none to go by. Children then point to what is gone.
    if rows > 20 && dice.chance(20) && without.is_empty() {
        let _ = writeln!(sql, "DELETE FROM {quoted_name} WHERE rowid % 7 = 2;");
    }
    Table { name, columns, rows, numbered: key < 2 }
}

fn index(dice: &mut Dice, sql: &mut String, n: u64, tables: &[Table]) {
    let table = dice.one(tables);
    let column = quoted(dice.one::<String>(&table.columns));
    let other = quoted(dice.one::<String>(&table.columns));
    let on = quoted(&table.name);
    let _ = match dice.below(5) {
        0 => writeln!(sql, "CREATE INDEX index{n} ON {on} ({column} DESC);"),
        1 => writeln!(sql, "CREATE INDEX index{n} ON {on} ({column}, {other});"),
        2 => writeln!(sql, "CREATE INDEX index{n} ON {on} ({column}) WHERE {other} IS NOT NULL;"),
        3 => writeln!(sql, "CREATE INDEX index{n} ON {on} (length({column}));"),
        _ => writeln!(sql, "CREATE INDEX index{n} ON {on} ({column});"),
    };
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_takes_them_all_and_a_seed_repeats_them() {
        for seed in 0..200 {
            let sql = database(&mut Dice(seed), 60);
            assert_eq!(sql, database(&mut Dice(seed), 60));
            let db = rusqlite::Connection::open_in_memory().unwrap();
            db.execute_batch(&sql).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{sql}"));
        }
    }
}
