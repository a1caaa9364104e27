//! Expressions of every operator and function over every class, as a query has them: SQLite's answer and
//! PostgreSQL's are the same, row by row. Owns the generator; `table` owns the rows and the comparison.

use super::support::{Dice, from_environment};
use super::table::{self, Both, COLUMNS};
use lite2pg_model::mapping::PgType;
use lite2pg_model::sql::helpers::Used;
use lite2pg_model::sql::sqlite;
use lite2pg_model::sql::translate::{Purpose, Scope, condition, expression};
use rusqlite::types::Value;
use std::collections::BTreeMap;

/// How many are compared at the least.
const ENOUGH: u64 = 20_000;

/// Expressions of one SELECT.
const BATCH: usize = 50;

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "10",
    "60",
    "100",
    "-5",
    "2.5",
    "0.5",
    "1.0",
    "-0.1",
    "1e3",
    "0x10",
    "100.0",
    "1e300",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "1e19",
];
const STRINGS: &[&str] = &[
    "''",
    "'a'",
    "'A'",
    "'ab'",
    "'10'",
    "' 7 '",
    "'5x'",
    "'-2.5'",
    "'3.0'",
    "'1e3'",
    "'é'",
    "'É😀x'",
    "'it''s'",
    "'abc'",
    "'2024-02-29'",
    "'2020-01-01 00:00:00'",
    "'2020-01'",
    "'.'",
    "'-'",
    "'0'",
    "'yes'",
];
const PATTERNS: &[&str] =
    &["'a%'", "'A_'", "'%b%'", "'%'", "''", "'_'", "'É%'", "'1%'", "'%\\%'", "'it%S'", "'2024-%'", "'%é'"];
const GLOBS: &[&str] =
    &["'a*'", "'A?'", "'*[0-9]*'", "'[^a-c]*'", "'*'", "''", "'[]x]*'", "'[a'", "'*b_c'", "'?'", "'[é]'", "'*[-.]*'"];
const INTEGERS: &[&str] = &["si", "i", "b", "flag", "ep", "ms", "us"];
const REALS: &[&str] = &["f", "g"];
const NUMERICS: &[&str] = &["n", "p", "m", "mx"];
const WORDS: &[&str] = &["t", "u", "c", "nc", "rt", "d", "ts", "id", "yes"];

/// What is made: its text, and its parts that compute, by which an overflow is proven.
struct Maker<'a> {
    dice: &'a mut Dice,
    sums: Vec<String>,
}

impl Maker<'_> {
    fn pick(&mut self, list: &[&str]) -> String {
        self.dice.pick(list).to_owned()
    }

    fn literal(&mut self) -> String {
        match self.dice.roll(10) {
            0 => "NULL".into(),
            1..5 => self.pick(NUMBERS),
            5..8 => self.pick(STRINGS),
            8 => self.pick(&["x''", "x'6162'", "x'3132'", "TRUE", "FALSE"]),
            _ => {
                let column = &COLUMNS[self.dice.roll(COLUMNS.len())];
                column.values[self.dice.roll(column.values.len())].0.into()
            }
        }
    }

    fn column(&mut self) -> String {
        COLUMNS[self.dice.roll(COLUMNS.len())].name.into()
    }

    fn any(&mut self, depth: usize) -> String {
        match self.dice.roll(if depth == 0 { 4 } else { 12 }) {
            0 => self.literal(),
            1..4 => self.column(),
            4..7 => self.number(depth),
            7..10 => self.text(depth),
            _ => format!("({})", self.test(depth - 1)),
        }
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.dice.roll(8) {
                0..2 => self.pick(NUMBERS),
                2..4 => self.pick(INTEGERS),
                4 => self.pick(REALS),
                5 => self.pick(NUMERICS),
                6 => self.pick(WORDS),
                _ => self.literal(),
            };
        }
        let next = depth - 1;
        match self.dice.roll(22) {
            0..2 => self.number(0),
            2..7 => {
                let op = self.pick(&["+", "-", "*", "/", "%"]);
                let made = format!("({} {op} {})", self.number(next), self.number(next));
                self.sums.push(made.clone());
                made
            }
            7 => {
                let op = self.pick(&["&", "|", "<<", ">>"]);
                format!("({} {op} {})", self.number(next), self.number(next))
            }
            8 => {
                let made = format!("(- {})", self.number(next));
                self.sums.push(made.clone());
                made
            }
            9 => format!("(~ {})", self.number(next)),
            10 => format!("abs({})", self.number(next)),
            11 => format!("round({})", self.number(next)),
            12 => format!("round({}, {})", self.number(next), self.pick(&["0", "1", "2", "5", "-1", "15", "i", "'1'"])),
            13 => format!("sign({})", self.number(next)),
            14 => format!("length({})", self.any(next)),
            15 => format!("instr({}, {})", self.text(next), self.text(0)),
            16 => format!("{}({}, {})", self.pick(&["max", "min"]), self.number(next), self.number(0)),
            17 => format!("coalesce({}, {})", self.number(next), self.number(0)),
            18 => format!("CAST({} AS {})", self.any(next), self.pick(&["INTEGER", "REAL", "NUMERIC", "INT"])),
            19 => format!("nullif({}, {})", self.number(next), self.number(0)),
            20 => format!("iif({}, {}, {})", self.test(next), self.number(next), self.number(0)),
            _ => format!("{}({})", self.pick(&["unicode", "octet_length"]), self.text(next)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.dice.roll(8) {
                0..5 => self.pick(WORDS),
                5..7 => self.pick(STRINGS),
                _ => self.column(),
            };
        }
        let next = depth - 1;
        match self.dice.roll(19) {
            0..2 => self.text(0),
            2..4 => format!("({} || {})", self.any(next), self.any(0)),
            4 => format!("{}({})", self.pick(&["lower", "upper", "trim", "ltrim", "rtrim"]), self.any(next)),
            5 => format!("{}({}, {})", self.pick(&["trim", "ltrim", "rtrim"]), self.text(next), self.pick(STRINGS)),
            6..8 => {
                const PLACES: &[&str] = &["0", "1", "2", "3", "-1", "-2", "-100", "100", "i", "si", "'2'"];
                let start = self.pick(PLACES);
                let x = self.any(next);
                let name = self.pick(&["substr", "substring"]);
                if self.dice.roll(2) == 0 {
                    format!("{name}({x}, {start})")
                } else {
                    format!("{name}({x}, {start}, {})", self.pick(PLACES))
                }
            }
            8 => format!("replace({}, {}, {})", self.text(next), self.text(0), self.text(0)),
            9 => format!("CAST({} AS TEXT)", self.any(next)),
            10 => format!("coalesce({}, {})", self.text(next), self.literal()),
            11 => format!("CASE WHEN {} THEN {} ELSE {} END", self.test(next), self.text(next), self.any(0)),
            12 => format!("typeof({})", self.any(next)),
            13 => format!("hex({})", self.any(next)),
            14 => format!("quote({})", self.any(next)),
            15 => format!("concat({}, {})", self.any(next), self.any(0)),
            16 => format!("concat_ws({}, {}, {})", self.pick(STRINGS), self.any(next), self.any(0)),
            17 => format!("nullif({}, {})", self.text(next), self.any(0)),
            _ => format!("{}({}, {})", self.pick(&["max", "min"]), self.text(next), self.text(0)),
        }
    }

    fn test(&mut self, depth: usize) -> String {
        let next = depth.saturating_sub(1);
        let op =
            self.pick(&["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]);
        match self.dice.roll(19) {
            0..3 => format!("{} {op} {}", self.number(depth), self.number(next)),
            3..5 => format!("{} {op} {}", self.text(depth), self.text(next)),
            5..7 => {
                let sample = &COLUMNS[self.dice.roll(COLUMNS.len())];
                let value = sample.values[self.dice.roll(sample.values.len())].0;
                if self.dice.roll(2) == 0 {
                    format!("{} {op} {value}", sample.name)
                } else {
                    format!("{value} {op} {}", sample.name)
                }
            }
            7 => format!("{} {op} {}", self.any(next), self.any(0)),
            8 => format!("{} IS {}NULL", self.any(depth), self.pick(&["", "NOT "])),
            9 => {
                let not = self.pick(&["", "NOT "]);
                format!("{} {not}IN ({}, {}, {})", self.any(next), self.any(0), self.literal(), self.literal())
            }
            10 => {
                let not = self.pick(&["", "NOT "]);
                format!("{} {not}BETWEEN {} AND {}", self.any(next), self.any(0), self.any(0))
            }
            11 => format!("NOT ({})", self.test(next)),
            12 => format!("({} {} {})", self.test(next), self.pick(&["AND", "OR"]), self.test(next)),
            13 => format!("({} {} {})", self.any(next), self.pick(&["AND", "OR"]), self.test(next)),
            14 => {
                let not = self.pick(&["", "NOT "]);
                format!("{} {not}LIKE {}", self.any(next), self.pick(PATTERNS))
            }
            15 => format!(
                "{} LIKE {} ESCAPE {}",
                self.text(next),
                self.pick(PATTERNS),
                self.pick(&["'\\'", "'_'", "'b'"])
            ),
            16 => format!("{} GLOB {}", self.any(next), self.pick(GLOBS)),
            17 => format!("{} {} {}", self.text(next), self.pick(&["LIKE", "GLOB"]), self.text(0)),
            _ => format!(
                "{} COLLATE {} {op} {}",
                self.text(next),
                self.pick(&["NOCASE", "RTRIM", "BINARY"]),
                self.text(next)
            ),
        }
    }
}

/// One that translated.
struct Case {
    sql: String,
    translated: String,
    ty: PgType,
    sums: Vec<String>,
}

#[test]
fn a_query_means_the_same() {
    let mut dice = Dice::seeded();
    let wanted = from_environment("LITE2PG_CASES").unwrap_or(ENOUGH);
    let mut both = table::both(&mut dice, 24);
    let (table, crossings, names) = (both.table.clone(), both.crossings.clone(), both.names.clone());
    let columns = table::columns(&table, &crossings);
    let used = Used::default();
    let scope =
        Scope { helpers: Some(&used), purpose: Purpose::Query, lasting: false, ..Scope::of_columns(&columns, true) };
    let (mut made, mut refused, mut compared) = (0_u64, 0_u64, 0_u64);
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut batch = Vec::new();
    while compared + (batch.len() as u64) < wanted {
        let depth = dice.roll(3);
        let mut maker = Maker { dice: &mut dice, sums: Vec::new() };
        let test = made % 3 == 0;
        let sql = if test { maker.test(depth) } else { maker.any(depth + 1) };
        let sums = maker.sums;
        made += 1;
        let Some(ast) = sqlite::expression(&sql, &names) else { panic!("not understood: {sql}") };
        let translated =
            if test { condition(&ast, &scope).map(|sql| (sql, PgType::Boolean)) } else { expression(&ast, &scope) };
        let sql = if test { format!("CASE WHEN {sql} THEN 1 WHEN NOT ({sql}) THEN 0 END") } else { sql };
        match translated {
            Ok((translated, ty)) => batch.push(Case { sql, translated, ty, sums }),
            Err(e) => {
                refused += 1;
                let shape: String = e.reason.chars().filter(|c| c.is_alphabetic() || *c == ' ').collect();
                let words: Vec<&str> = shape.split_whitespace().rev().take(5).collect();
                *reasons.entry(words.join(" ")).or_default() += 1;
            }
        }
        if batch.len() == BATCH {
            compared += batch.len() as u64;
            check(&mut both, std::mem::take(&mut batch), &mut wrong);
            assert!(wrong.len() < 40, "{} differ:\n{}", wrong.len(), wrong.join("\n"));
        }
    }
    compared += batch.len() as u64;
    check(&mut both, batch, &mut wrong);
    println!("{made} expressions, {compared} translated and compared, {refused} refused");
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for (reason, n) in reasons.iter().take(12) {
        println!("  {n} … {}", reason.split(' ').rev().collect::<Vec<_>>().join(" "));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused * 6 < made, "too much is refused");
}

/// What is stored may depend on nothing but the row: an index takes it.
#[test]
fn what_is_stored_is_immutable() {
    let mut dice = Dice::seeded();
    let mut both = table::both(&mut dice, 1);
    let (table, crossings, names) = (both.table.clone(), both.crossings.clone(), both.names.clone());
    let columns = table::columns(&table, &crossings);
    let used = Used::default();
    let scope = Scope { helpers: Some(&used), ..Scope::of_columns(&columns, true) };
    let (mut taken, mut wrong) = (0, Vec::new());
    for _ in 0..1500 {
        let mut maker = Maker { dice: &mut dice, sums: Vec::new() };
        let sql = maker.any(2);
        let Some(ast) = sqlite::expression(&sql, &names) else { panic!("not understood: {sql}") };
        let Ok((translated, _)) = expression(&ast, &scope) else { continue };
        taken += 1;
        let made = format!("CREATE TEMP TABLE e (LIKE t); CREATE INDEX ON e (({translated}))");
        let mut transaction = both.pg.transaction().unwrap();
        if let Err(e) = transaction.batch_execute(&made) {
            let text = table::message(&e);
            if text.contains("IMMUTABLE") || text.contains("does not exist") {
                wrong.push(format!("{sql}\n  -> {translated}\n  {text}"));
            }
        }
        transaction.rollback().unwrap();
    }
    assert!(taken > 700, "only {taken} translate");
    assert!(wrong.is_empty(), "{} are not:\n{}", wrong.len(), wrong.join("\n"));
}

/// Many in one SELECT; one by one where something is wrong.
fn check(both: &mut Both, cases: Vec<Case>, wrong: &mut Vec<String>) {
    let all = |f: fn(&Case) -> &str| cases.iter().map(|c| format!("({})", f(c))).collect::<Vec<_>>().join(", ");
    let lite = both.in_sqlite(&all(|c| &c.sql), "");
    let pg = both.in_pg(&all(|c| &c.translated), "");
    if let (Ok(lite), Ok(pg)) = (&lite, &pg)
        && lite.iter().zip(pg).all(|(l, p)| {
            cases.iter().zip(l).zip(p).all(|((case, want), got)| both.same(want, got.as_deref(), case.ty))
        })
    {
        return;
    }
    for case in cases {
        one(both, &case, wrong);
    }
}

fn one(both: &mut Both, case: &Case, wrong: &mut Vec<String>) {
    let lite = both.in_sqlite(&format!("({})", case.sql), "");
    let pg = both.in_pg(&format!("({})", case.translated), "");
    let differs = match (lite, pg) {
        (Ok(lite), Ok(pg)) => lite.iter().zip(&pg).enumerate().find_map(|(row, (l, p))| {
            let (want, got) = (l.first()?, p.first()?);
            (!both.same(want, got.as_deref(), case.ty)).then(|| format!("row {row}: {want:?} {got:?}"))
        }),
        // Both refuse abs() of the smallest integer, but not both evaluate every part.
        (Err(_), Err(_)) => None,
        (Err(e), Ok(_)) if e.to_string().contains("integer overflow") && case.sql.contains("abs(") => None,
        (Err(e), Ok(_)) => Some(format!("SQLite: {e}")),
        (Ok(lite), Err(e)) if e.contains("bigint out of range") => rows_one_by_one(both, case, &lite),
        // convert_from() gives text of the collation "C", which columns have where it matters, but not here.
        (Ok(_), Err(e)) if e.contains("which collation to use") && case.translated.contains("convert_from") => None,
        // Part of a character is no text in PostgreSQL.
        (Ok(_), Err(e)) if e.contains("invalid byte sequence") && case.sql.contains("substr") => None,
        (Ok(_), Err(e)) => Some(format!("PostgreSQL: {e}")),
    };
    if let Some(differs) = differs {
        wrong.push(format!("{}\n  -> {} ({})\n  {differs}", case.sql, case.translated, case.ty.sql()));
    }
}

/// Where integers overflow PostgreSQL says so: on such a row some part of the expression is a real in SQLite, where it
/// computes with integers; every other row gives the same.
fn rows_one_by_one(both: &mut Both, case: &Case, lite: &[Vec<Value>]) -> Option<String> {
    for (row, want) in lite.iter().enumerate() {
        let want = want.first()?;
        match both.in_pg(&format!("({})", case.translated), &format!("WHERE row_number = {row}")) {
            Ok(pg) => {
                let got = pg.first()?.first()?;
                if !both.same(want, got.as_deref(), case.ty) {
                    return Some(format!("row {row}: {want:?} {got:?}"));
                }
            }
            Err(e) if e.contains("bigint out of range") => {
                let real = |sum: &String| {
                    let there = format!("WHERE rowid = {}", row + 1);
                    both.in_sqlite(&format!("typeof({sum})"), &there)
                        .is_ok_and(|r| r.first().and_then(|r| r.first()) == Some(&Value::Text("real".into())))
                };
                if !case.sums.iter().any(real) && !case.sql.contains("abs(") {
                    return Some(format!("row {row}: {want:?} PostgreSQL: {e}"));
                }
            }
            Err(e) => return Some(format!("row {row}: PostgreSQL: {e}")),
        }
    }
    None
}
