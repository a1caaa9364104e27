//! Date and time functions over generated times, modifiers and forms.
//! Owns the generator.

use super::both::{Both, Held, Tally};
use super::support::{Dice, from_environment};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::sql::translate::{Fraction, Stamp};
use lite2pg_model::value::Class;

const STAMP: Stamp = Stamp { letter_t: false, fraction: Fraction::None };

const HELD: &[Held] = &[
    Held::new("v", "", PgType::Text),
    Held { class: Some(Class::Real), ..Held::new("r", "REAL", PgType::Double) },
    Held::new("n", "INTEGER", PgType::BigInt),
    Held {
        normal: Normal::DateTime,
        class: Some(Class::Text),
        stamp: Some(STAMP),
        ..Held::new("ts", "TIMESTAMP", PgType::Timestamp)
    },
    Held { class: Some(Class::Text), ..Held::new("d", "DATE", PgType::Date) },
    Held {
        normal: Normal::EpochSeconds,
        class: Some(Class::Integer),
        written: "to_timestamp({})",
        ..Held::new("ep", "INTEGER", PgType::TimestampTz)
    },
    Held { normal: Normal::Instant, class: Some(Class::Text), ..Held::new("z", "TEXT", PgType::TimestampTz) },
];

fn number(dice: &mut Dice, low: i64, high: i64) -> i64 {
    low + i64::try_from(dice.roll(usize::try_from(high - low + 1).unwrap())).unwrap()
}

fn clock(dice: &mut Dice) -> String {
    let mut t = match dice.roll(4) {
        0 => format!("{}:{}", dice.pick(&["00", "01", "11", "12", "13", "23", "24"]), dice.pick(&["00", "30", "59"])),
        _ => format!("{:02}:{:02}", number(dice, 0, 25), number(dice, 0, 61)),
    };
    if dice.roll(5) < 3 {
        t += &format!(":{:02}", if dice.roll(3) == 0 { 59 } else { number(dice, 0, 61) });
        if dice.roll(5) < 2 {
            t += dice.pick(&[".5", ".123", ".9999", ".0", ".25", ".001", ".1235", ".9995", ".123456"]);
        }
    }
    if dice.roll(5) == 0 {
        t += dice.pick(&["Z", "z", " Z", "+02:00", "-05:30", " +14:00", "+15:00", "-00:00", " ", " x", "+2:00"]);
    }
    t
}

fn date(dice: &mut Dice) -> String {
    let year = match dice.roll(3) {
        0 => dice.pick(&["2000", "2023", "2024", "1970", "1900", "1999"]).to_owned(),
        1 => format!("{:04}", number(dice, 0, 9999)),
        _ => format!("{:04}", number(dice, 1950, 2060)),
    };
    let month = if dice.roll(3) == 0 { 2 } else { number(dice, 0, 13) };
    let day = if dice.roll(2) == 0 { number(dice, 28, 31) } else { number(dice, 0, 32) };
    format!("{}{year}-{month:02}-{day:02}", if dice.roll(30) == 0 { "-" } else { "" })
}

/// A time value as a literal of SQLite.
fn time_value(dice: &mut Dice) -> String {
    const NUMBERS: &[&str] = &[
        "0",
        "1.5",
        "2451545",
        "2460000.123456",
        "5373484.4",
        "5373484.5",
        "1700000000",
        "-1",
        "10000000000.0",
        "-210866760000",
        "253402300799",
        "253402300800",
        "1092941466",
        "2440587.5",
    ];
    const ODD: &[&str] = &[
        "",
        "x",
        "2023",
        "2023-1-1",
        "20230101",
        "2023-01-01x",
        "2023-01-01T",
        "now x",
        "12",
        "é",
        "2023-01-01 25:00",
        "-0001-01-01",
        "-4713-11-24",
        "-4713-11-24 12:00:00",
        "9999-12-31 23:59:59.999",
        "2451545",
        "  2451545.25 ",
        "+5",
        "1e6",
        ".5",
        "5.",
        "-0",
        "2023-02-30",
        "2023-12-31 24:00",
    ];
    let text = match dice.roll(20) {
        0..6 => date(dice),
        6..12 => format!("{}{}{}", date(dice), dice.pick(&[" ", "T", "  ", " T"]), clock(dice)),
        12..14 => clock(dice),
        14..16 => return dice.pick(NUMBERS).to_owned(),
        16 => return "NULL".into(),
        17 => dice.pick(ODD).to_owned(),
        _ => format!(
            "2023-{:02}-{:02} {:02}:{:02}:{:02}",
            number(dice, 1, 12),
            number(dice, 1, 31),
            number(dice, 0, 23),
            number(dice, 0, 59),
            number(dice, 0, 59)
        ),
    };
    format!("'{text}'")
}

fn modifier(dice: &mut Dice) -> String {
    const COUNTS: &[&str] = &[
        "1", "+1", "-1", "0", "+0", "1.5", "-1.5", "+10", "-10", "0.25", "100", "-400", "12", "-13", "1e2", "+.5",
        "5.", "00012", "99999", "1000000", "-0.001", "0.0005", "30", "31", "365", "-30", "5373484", "14712", "176545",
        "-176547",
    ];
    const UNITS: &[&str] = &[
        "day", "days", "hour", "hours", "minute", "minutes", "second", "seconds", "month", "months", "year", "years",
        "Days", "MONTHS", "week", "dayss", "day ", "d",
    ];
    const WEEKDAYS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "-1", "-6", "-0", "1.0", "1.5", "x", " 2"];
    const ODD: &[&str] =
        &["", "x", " +1 day", "+1 day x", "utc2", "+", "-", "1", "weekday", "start of", "é", "1 ", ":", "1:"];
    let text = match dice.roll(24) {
        0..9 => format!("{}{}{}", dice.pick(COUNTS), dice.pick(&[" ", " ", "  ", "\t", ""]), dice.pick(UNITS)),
        9..11 => format!("start of {}", dice.pick(&["day", "month", "year", "Month", "week", "x"])),
        11 => format!("end of {}", dice.pick(&["day", "month", "year"])),
        12..14 => format!("weekday {}", dice.pick(WEEKDAYS)),
        14 => dice.pick(&["unixepoch", "julianday", "auto", "AUTO"]).to_owned(),
        15 => dice.pick(&["subsec", "subsecond", "SubSec"]).to_owned(),
        16..18 => dice.pick(&["ceiling", "floor", "FLOOR"]).to_owned(),
        18..20 => format!("{}{}", dice.pick(&["", "+", "-"]), clock(dice)),
        20..23 => {
            let years = match dice.roll(3) {
                0 => dice.pick(&["0000", "0001", "00010", "14000", "14713"]).to_owned(),
                _ => format!("{:04}", number(dice, 0, 50)),
            };
            let tail =
                if dice.roll(5) < 2 { format!("{}{}", dice.pick(&[" ", "T"]), clock(dice)) } else { String::new() };
            let (months, days) = (number(dice, 0, 13), number(dice, 0, 32));
            format!("{}{years}-{months:02}-{days:02}{tail}", dice.pick(&["+", "-", "+", "-", ""]))
        }
        _ if dice.roll(4) == 0 => return "NULL".into(),
        _ => dice.pick(ODD).to_owned(),
    };
    format!("'{text}'")
}

fn form(dice: &mut Dice) -> String {
    const CONVERSIONS: &[&str] = &[
        "%d", "%e", "%f", "%F", "%g", "%G", "%H", "%I", "%j", "%J", "%k", "%l", "%m", "%M", "%p", "%P", "%R", "%s",
        "%S", "%T", "%u", "%U", "%V", "%w", "%W", "%Y", "%%",
    ];
    if dice.roll(20) == 0 {
        return dice.pick(&["'%x'", "'%'", "'a%'", "NULL", "'%Y%'", "''", "'plain'"]).to_owned();
    }
    let mut form = String::new();
    for _ in 0..=dice.roll(4) {
        form += dice.pick(&["", "-", " ", "é", "T", "/", ":", "of ", "''"]);
        form += dice.pick(CONVERSIONS);
    }
    format!("'{form}'")
}

/// A call, of a time value that is given or of one that is made.
fn call(dice: &mut Dice, given: Option<&str>) -> String {
    let value = given.map_or_else(|| time_value(dice), ToOwned::to_owned);
    let mut args = vec![value];
    for i in 0..[0, 0, 1, 1, 1, 2, 2, 3][dice.roll(8)] {
        let number = i == 0 && !args[0].starts_with('\'') && dice.roll(2) == 0;
        args.push(if number {
            format!("'{}'", dice.pick(&["unixepoch", "auto", "julianday"]))
        } else {
            modifier(dice)
        });
    }
    match dice.roll(10) {
        0 => format!("date({})", args.join(", ")),
        1 => format!("time({})", args.join(", ")),
        2..4 => format!("datetime({})", args.join(", ")),
        4 => format!("julianday({})", args.join(", ")),
        5 => format!("unixepoch({})", args.join(", ")),
        6 => format!("timediff({}, {})", args[0], time_value(dice)),
        _ => format!("strftime({}, {})", form(dice), args.join(", ")),
    }
}

fn rows(dice: &mut Dice) -> Vec<Vec<String>> {
    (0..120)
        .map(|_| {
            let (year, month, day) = (number(dice, 1, 9999), number(dice, 1, 12), number(dice, 1, 28));
            let (h, m, s) = (number(dice, 0, 23), number(dice, 0, 59), number(dice, 0, 59));
            let epoch = number(dice, -60_000_000_000, 250_000_000_000);
            let real = (number(dice, -10_000_000, 60_000_000_000) as f64) / 8192.0;
            let mut row = vec![
                time_value(dice),
                format!("{real:?}"),
                number(dice, -2_000_000_000, 5_000_000_000).to_string(),
                format!("'{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}'"),
                format!("'{year:04}-{month:02}-{day:02}'"),
                epoch.to_string(),
                format!("'{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z'"),
            ];
            let place = dice.roll(20);
            if let Some(value) = row.get_mut(place) {
                *value = "NULL".into();
            }
            row
        })
        .collect()
}

#[test]
fn times_are_computed_as_sqlite_does() {
    let mut dice = Dice::seeded();
    let cases = from_environment("LITE2PG_CASES").unwrap_or(1500);
    let rows = rows(&mut dice);
    let mut both = Both::new(HELD, &rows);
    // Another zone than UTC shows where a time would be taken for a local one.
    both.pg.batch_execute("SET TimeZone TO 'America/New_York'").unwrap();
    let (mut literals, mut columns) = (Tally::default(), Tally::default());
    for _ in 0..cases {
        let sql = call(&mut dice, None);
        let verdict = both.judge(&sql);
        literals.add(&sql, verdict);
    }
    let known = both.compared;
    for _ in 0..cases / 5 {
        let column = dice.pick(&["v", "v", "v", "r", "n", "ts", "d", "ep", "z"]).to_owned();
        let sql = call(&mut dice, Some(&column));
        let verdict = both.judge(&sql);
        columns.add(&sql, verdict);
    }
    literals.judge("times that are known", known, 0);
    columns.judge("times of columns", both.compared - known, usize::try_from(cases).unwrap() / 50);
}

#[test]
fn comparisons_with_times_that_are_known() {
    let mut dice = Dice::seeded();
    let rows = rows(&mut dice);
    let mut both = Both::new(HELD, &rows);
    let mut tally = Tally::default();
    for sql in [
        "ts BETWEEN datetime('1997-01-01') AND datetime('2997-12-31')",
        "ts > datetime('2000-01-01', '+1 month')",
        "ts >= '2000-01-01'",
        "d >= date('2000-02-30')",
        "d < date('2000-01-01', 'start of year', '-1 day')",
        "d BETWEEN date('1000-01-01') AND date('5000-12-31')",
        "date(ts) = d",
        "date(ts) >= date('4000-01-01')",
        "strftime('%Y', ts) = '2001'",
        "strftime('%Y', ts) > '2001'",
        "ep > unixepoch('2000-01-01')",
        "ep > strftime('%s', '2000-01-01')",
        "n BETWEEN unixepoch('1990-01-01') AND unixepoch('2020-01-01')",
        "date(v) > '2000'",
        "ts >= date(d)",
        "ts > date(d)",
        "ts < date(d)",
        "date(d) <= ts",
        "ts = datetime(ts)",
        "ts < datetime(ts, '+1 day')",
        "datetime(ts, '-1 hour') <= ts",
        "d >= datetime(ts)",
        "d > datetime(ts, 'start of day')",
        "d <= datetime(ts)",
        "d IS date(ts)",
        "date(ts, '+1 day') <> d",
        "date(ts) = '2000-01-01'",
        "date(ts) IN ('2000-01-01', '2001-01-01')",
        "ep BETWEEN unixepoch('2000-01-01') AND unixepoch('2500-01-01')",
        "julianday(ts) - julianday('2000-01-01') > 365.25",
        "CAST(strftime('%Y', ts) AS INTEGER) % 4 = 0",
        "CAST(julianday(ts) - julianday(d) AS INTEGER)",
    ] {
        let verdict = both.judge(sql);
        tally.add(sql, verdict);
    }
    tally.judge("comparisons", both.compared, 0);
}
