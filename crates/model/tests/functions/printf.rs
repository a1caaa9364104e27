//! printf() over generated forms and values.
//! Owns the generator.

use super::both::{Both, Held, Tally};
use super::support::{Dice, from_environment};
use lite2pg_model::mapping::PgType;
use lite2pg_model::value::Class;

const HELD: &[Held] = &[
    Held::new("i", "INTEGER", PgType::BigInt),
    Held { class: Some(Class::Real), ..Held::new("r", "REAL", PgType::Double) },
    Held { class: Some(Class::Text), ..Held::new("s", "TEXT", PgType::Text) },
    Held { class: Some(Class::Text), ..Held::new("a", "TEXT", PgType::Text) },
];

const TEXTS: &[&str] =
    &["'a'", "'abc'", "'it''s'", "'\"q\"'", "''", "'12'", "'-3.7x'", "'x''y\"z'", "'longer text'", "'  7 '"];

fn real(dice: &mut Dice) -> String {
    const REALS: &[&str] = &[
        "0.0",
        "-0.0",
        "1.0",
        "0.5",
        "1.5",
        "2.5",
        "0.125",
        "0.1",
        "-0.05",
        "1e15",
        "1e16",
        "123456789.987654321",
        "1e20",
        "1e-5",
        "1e-7",
        "1e100",
        "5e-324",
        "1.7976931348623157e308",
        "0.00012345",
        "99.995",
        "999999.5",
        "9.9999999",
        "-1234567.891",
        "1e300",
    ];
    match dice.roll(3) {
        0 => dice.pick(REALS).to_owned(),
        1 => format!("{:?}", (dice.roll(2_000_000) as f64 - 1_000_000.0) / 1000.0),
        _ => format!("{:?}", (dice.roll(1 << 40) as f64) / (dice.roll(1 << 20) as f64 + 1.0)),
    }
}

fn conversion(dice: &mut Dice, args: &mut Vec<String>) -> String {
    let flags: String = (0..dice.roll(3)).map(|_| dice.pick(&["-", "+", " ", "0", "#", ",", "!"])).collect();
    let mut size = |dice: &mut Dice, list: &[&str], before: &str| {
        let size = dice.pick(list);
        if size == "*" {
            args.push(dice.pick(&["0", "5", "-8", "12", "3"]).to_owned());
        }
        if size.is_empty() { String::new() } else { format!("{before}{size}") }
    };
    let width = size(dice, &["", "", "5", "10", "1", "20", "*"], "");
    let precision = size(dice, &["", "", "0", "1", "2", "3", "10", "15", "*"], ".");
    let letter = dice.pick(&[
        "d", "d", "i", "u", "x", "X", "o", "f", "f", "e", "E", "g", "G", "s", "s", "z", "q", "Q", "w", "c", "%",
    ]);
    let flags = match letter {
        // Escapes that only SQLite reads, and digits that differ between its versions.
        "q" | "Q" => flags.replace('#', ""),
        "f" | "e" | "E" | "g" | "G" => flags.replace('!', ""),
        _ => flags,
    };
    if letter == "%" {
        return "%%".into();
    }
    let arg = match letter {
        "c" => dice.pick(&["'a'", "'é'", "'日本'", "5"]).to_owned(),
        "s" | "z" | "q" | "Q" | "w" => dice.pick(&["s", "s", "i", "r", "NULL", "a"]).to_owned(),
        "f" | "e" | "E" | "g" | "G" => dice.pick(&["r", "r", "i", "NULL", "s", "2.5"]).to_owned(),
        _ => dice.pick(&["i", "i", "r", "NULL", "s", "42", "-7"]).to_owned(),
    };
    args.push(arg);
    format!("%{flags}{width}{precision}{}{letter}", dice.pick(&["", "", "", "l", "ll"]))
}

#[test]
fn forms_are_printed_as_sqlite_does() {
    let mut dice = Dice::seeded();
    let cases = from_environment("LITE2PG_CASES").unwrap_or(1500);
    let rows: Vec<Vec<String>> = (0..60)
        .map(|_| {
            const INTEGERS: &[&str] = &[
                "0",
                "1",
                "-1",
                "12",
                "13",
                "111",
                "21",
                "-5",
                "1234567",
                "-1234567",
                "9223372036854775807",
                "-9223372036854775807",
                "255",
                "NULL",
                "1000",
                "-100",
            ];
            vec![
                dice.pick(INTEGERS).to_owned(),
                if dice.roll(15) == 0 { "NULL".into() } else { real(&mut dice) },
                if dice.roll(15) == 0 { "NULL".into() } else { dice.pick(TEXTS).to_owned() },
                dice.pick(&["'é'", "'日本語'", "'a😀b'", "''"]).to_owned(),
            ]
        })
        .collect();
    let mut both = Both::new(HELD, &rows);
    let mut tally = Tally::default();
    for _ in 0..cases {
        let (mut form, mut args) = (String::new(), Vec::new());
        for _ in 0..=dice.roll(2) {
            form += dice.pick(&["", "[", " a ", "é", "''"]);
            form += &conversion(&mut dice, &mut args);
        }
        form += dice.pick(&["", "]", "%%", "€"]);
        // A precision that cuts a character in two is an error here.
        if args.iter().any(|a| a == "a") && form.contains('.') {
            continue;
        }
        if dice.roll(15) == 0 && !form.contains('c') {
            args.pop();
        }
        let comma = if args.is_empty() { "" } else { ", " };
        let sql = format!("{}('{form}'{comma}{})", dice.pick(&["printf", "format"]), args.join(", "));
        let verdict = both.judge(&sql);
        tally.add(&sql, verdict);
    }
    tally.judge("printf", both.compared, usize::try_from(cases).unwrap() / 50);
}
