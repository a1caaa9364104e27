//! JSON functions over generated documents and paths.
//! Owns the generator.

use super::both::{Both, Held, Tally};
use super::support::{Dice, from_environment};
use lite2pg_model::mapping::PgType;
use lite2pg_model::value::Class;

const HELD: &[Held] = &[
    Held { class: Some(Class::Text), ..Held::new("j", "TEXT", PgType::Text) },
    Held { class: Some(Class::Text), ..Held::new("o", "TEXT", PgType::Json) },
    Held { class: Some(Class::Text), ..Held::new("s", "TEXT", PgType::Text) },
    Held::new("i", "INTEGER", PgType::BigInt),
    Held { class: Some(Class::Real), ..Held::new("r", "REAL", PgType::Double) },
];

const KEYS: &[&str] = &["a", "b", "c", "A", "a b", "é", "0", "x.y", "", "a1"];
const STRINGS: &[&str] = &[
    "", "x", "5", " 5 ", "1.50", "1e3", "abc", "é😀", "it''s", "a\\\"b", "\\n", "\\u00e9", "\\\\", "null", "[1]", "/",
];

fn scalar(dice: &mut Dice) -> String {
    const NUMBERS: &[&str] = &[
        "0",
        "1",
        "-1",
        "-0",
        "5",
        "1.5",
        "1.50",
        "1e3",
        "1E+2",
        "-2.5e-3",
        "12345678901234567890",
        "0.1",
        "9223372036854775807",
        "-9223372036854775808",
        "1e400",
        "100.0",
        "1e15",
        "123456789.123456789",
    ];
    match dice.roll(8) {
        0 => "null".into(),
        1 => "true".into(),
        2 => "false".into(),
        3..6 => dice.pick(NUMBERS).into(),
        _ => format!("\"{}\"", dice.pick(STRINGS)),
    }
}

/// JSON with spaces in odd places.
fn document(dice: &mut Dice, depth: usize) -> String {
    let space = |d: &mut Dice| d.pick(&["", "", " ", "\n", "\t "]).to_owned();
    let kind = if depth == 0 { 9 } else { dice.roll(10) };
    let count = dice.roll(4);
    let (a, b) = (space(dice), space(dice));
    match kind {
        0..4 => {
            let items: Vec<String> = (0..count).map(|_| document(dice, depth - 1)).collect();
            format!("{a}[{b}{}{a}]{b}", items.join(&format!("{b},{a}")))
        }
        4..8 => {
            // A key stands once: which of two is meant differs between functions.
            let mut keys: Vec<&str> = Vec::new();
            for _ in 0..count {
                let key = dice.pick(KEYS);
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            let items: Vec<String> = keys
                .into_iter()
                .map(|k| {
                    let value = document(dice, depth - 1);
                    format!("\"{k}\"{a}:{b}{value}")
                })
                .collect();
            format!("{b}{{{a}{}{b}}}{a}", items.join(&format!("{a},{b}")))
        }
        _ => scalar(dice),
    }
}

fn path(dice: &mut Dice) -> String {
    let mut path = "$".to_owned();
    for _ in 0..dice.roll(4) {
        path += dice.pick(&[
            ".a",
            ".b",
            ".c",
            ".\"a b\"",
            ".\"\"",
            ".é",
            ".\"x.y\"",
            ".0",
            "[0]",
            "[1]",
            "[2]",
            "[#]",
            "[#-1]",
            "[#-2]",
            "[#-0]",
            "[00]",
            "[99999999999]",
            ".a1",
            ".A",
            ".\"a\"",
        ]);
    }
    format!("'{path}'")
}

fn value(dice: &mut Dice, depth: usize) -> String {
    match dice.roll(12) {
        0 => "NULL".into(),
        1 => "5".into(),
        2 => "1.25".into(),
        3 => format!("'{}'", dice.pick(&["", "x", "é", "it''s", "a\"b", "[1]", "\\"])),
        4 => "s".into(),
        5 => "i".into(),
        6 => "r".into(),
        7 => "json(o)".into(),
        8 => format!("json_extract(o, {})", path(dice)),
        9 => format!("o -> {}", path(dice)),
        10 if depth > 0 => format!("json_array({})", value(dice, depth - 1)),
        _ => "json('{\"k\": [1, 2]}')".into(),
    }
}

fn call(dice: &mut Dice) -> String {
    let d = dice.pick(&["j", "o", "json(j)"]);
    let literal = dice.pick(&["5", "'5'", "'x'", "1.5", "0", "'abc'", "1000", "'é😀'"]);
    let op = dice.pick(&["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"]);
    match dice.roll(26) {
        0 => format!("json({d})"),
        1 => format!("json_array_length({d})"),
        2 => format!("json_array_length({d}, {})", path(dice)),
        3..6 => format!("json_extract({d}, {})", path(dice)),
        6 => format!("json_extract({d}, {}, {})", path(dice), path(dice)),
        7 => format!("{d} -> {}", path(dice)),
        8 => format!("{d} ->> {}", path(dice)),
        9 => format!("{d} -> '{}'", dice.pick(&["a", "b", "a b", "é", "[0]", "[#-1]", "0", "x.y"])),
        10 => format!("{d} ->> '{}'", dice.pick(&["a", "b", "a b", "é", "[0]", "[#-1]", "0", "c"])),
        11 => format!("{d} ->> {}", dice.pick(&["0", "1", "-1", "-2", "i"])),
        12 => format!("json_type({d})"),
        13 => format!("json_type({d}, {})", path(dice)),
        14 => format!("json_{}(j, {}, {})", dice.pick(&["set", "insert", "replace"]), path(dice), value(dice, 1)),
        15 => format!("json_remove({d}, {})", path(dice)),
        16 => format!("json_patch({d}, o)"),
        17 => format!("json_pretty({d})"),
        18 => format!("json_array({}, {})", value(dice, 1), value(dice, 1)),
        19 => format!(
            "json_object('{}', {}, 'z', {})",
            dice.pick(&["a", "é", "it''s", "a\"b"]),
            value(dice, 1),
            value(dice, 1)
        ),
        20 => format!("json_quote({})", value(dice, 1)),
        21 => format!("json_extract({d}, {}) {op} {literal}", path(dice)),
        22 => format!("{d} ->> {} {op} {}", path(dice), dice.pick(&["s", "i", "r"])),
        23 => format!("json_extract({d}, {}) {op} json_extract(o, {})", path(dice), path(dice)),
        24 => format!("json_extract({d}, {}) IN ({literal}, 'x', 1)", path(dice)),
        _ => format!("json_valid({})", dice.pick(&["j", "o", "s", "'{'", "'[1,]'", "'1'", "NULL", "i"])),
    }
}

#[test]
fn json_is_read_and_made_as_sqlite_does() {
    let mut dice = Dice::seeded();
    let cases = from_environment("LITE2PG_CASES").unwrap_or(1200);
    let quoted = |t: &str| format!("'{t}'");
    let rows: Vec<Vec<String>> = (0..80)
        .map(|row| {
            let (depth, other) = (dice.roll(4), dice.roll(3));
            let mut row = vec![
                if row == 0 { "NULL".into() } else { quoted(&document(&mut dice, depth)) },
                if dice.roll(12) == 0 { "NULL".into() } else { quoted(&document(&mut dice, other)) },
                quoted(dice.pick(&["", "x", "5", "1.5", "abc", "é", "a\"b", "\\", "[1]", "{"])),
                dice.pick(&["0", "1", "-1", "5", "1000", "NULL"]).to_owned(),
                dice.pick(&["0.0", "1.5", "-2.5", "1e20", "NULL", "0.1"]).to_owned(),
            ];
            if dice.roll(20) == 0 {
                row[2] = "NULL".into();
            }
            row
        })
        .collect();
    let mut both = Both::new(HELD, &rows);
    let mut tally = Tally::default();
    for _ in 0..cases {
        let sql = call(&mut dice);
        let verdict = both.judge(&sql);
        tally.add(&sql, verdict);
    }
    tally.judge("JSON", both.compared, usize::try_from(cases).unwrap() / 20);
}

#[test]
fn json_each_and_json_tree_give_the_same_rows() {
    let mut dice = Dice::seeded();
    let mut both = Both::new(HELD, &[]);
    let (mut wrong, mut rows) = (Vec::new(), 0);
    for _ in 0..300 {
        let (name, depth) = (dice.pick(&["each", "tree"]).to_owned(), dice.roll(4));
        let document = document(&mut dice, depth);
        // A tree below a place of an array has a key and a path of its own in SQLite.
        let path = match dice.roll(3) {
            0 => dice.pick(&["$.a", "$.b", "$.\"a b\"", "$.a.b"]).to_owned(),
            _ => "$".to_owned(),
        };
        let columns = "coalesce(CAST(key AS TEXT), '-') || '|' || coalesce(CAST(value AS TEXT), '-') || '|' || type || '|' || \
                       coalesce(CAST(atom AS TEXT), '-') || '|' || fullkey || '|' || path";
        let lite: Vec<rusqlite::types::Value> = both
            .in_sqlite(&format!("SELECT {columns} FROM json_{name}('{document}', '{path}')"))
            .unwrap_or_else(|e| panic!("{document}: {e}"));
        let pg =
            both.pg.query(&format!("SELECT {columns} FROM sqlite_json_{name}('{document}', '{path}')"), &[]).unwrap();
        let pg: Vec<Option<String>> = pg.iter().map(|r| r.get(0)).collect();
        rows += lite.len();
        if lite.len() != pg.len() || lite.iter().zip(&pg).any(|(a, b)| !super::both::same(a, b)) {
            wrong.push(format!("json_{name}('{document}', '{path}')\n  {lite:?}\n  {pg:?}"));
        }
    }
    assert!(rows > 300, "too few rows to mean anything");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(6)].join("\n"));
}
