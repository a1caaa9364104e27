//! Columns of dates, times, instants and spans, written and counted.

use super::{Case, Pair, ROWS, Random, both, many, text};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Normal, OwnedValue};
use lite2pg_model::mapping::treat::Treatment;
use lite2pg_model::mapping::zone::Zone;

pub fn cases(r: &mut Random) -> Vec<Case> {
    let case = Case::new;
    let canonical = |r: &mut Random| {
        let t = time(r);
        let t = if t.len() == 5 { t + ":00" } else { t };
        both(if t.contains('.') { t.trim_end_matches('0').trim_end_matches('.').to_owned() } else { t })
    };
    vec![
        case(
            "date",
            PgType::Date,
            Normal::Exact,
            many(r, |r| both(r.date())),
            "date_send(v)",
            "date_send(l::date)",
            true,
        ),
        case(
            "timestamp",
            PgType::Timestamp,
            Normal::DateTime,
            many(r, |r| both(r.stamp())),
            "timestamp_send(v)",
            "timestamp_send(l::timestamp)",
            false,
        ),
        case(
            "timestamp of dates",
            PgType::Timestamp,
            Normal::DateTime,
            many(r, |r| both(r.date())),
            "timestamp_send(v)",
            "timestamp_send(l::timestamp)",
            false,
        ),
        case(
            "timestamptz",
            PgType::TimestampTz,
            Normal::Instant,
            many(r, zoned),
            "timestamptz_send(v)",
            "timestamptz_send(l::timestamptz)",
            false,
        ),
        case("time", PgType::Time, Normal::Exact, many(r, canonical), "time_send(v)", "time_send(l::time)", true)
            .showing("v::text"),
        case(
            "time of any form",
            PgType::Time,
            Normal::Canonical,
            many(r, |r| both(time(r))),
            "time_send(v)",
            "time_send(l::time)",
            false,
        )
        .showing("v::text"),
        case(
            "interval",
            PgType::Interval,
            Normal::Canonical,
            many(r, |r| both(span(r))),
            "interval_send(v)",
            "interval_send(l::interval)",
            false,
        )
        .showing("v::text"),
        case(
            "no dates as NULL",
            PgType::Date,
            Normal::Exact,
            many(r, maybe_date),
            "date_send(v)",
            "CASE WHEN l ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN date_send(l::date) END",
            false,
        )
        .treated(&[Treatment::UnfitNull]),
    ]
}

/// Numbers that count time, and clocks of a zone.
pub fn counted(r: &mut Random) -> Vec<Case> {
    const UNITS: [(&str, Normal, i64, &str); 4] = [
        ("seconds", Normal::EpochSeconds, 1, "extract(epoch FROM v)"),
        ("milliseconds", Normal::EpochMillis, 1_000, "extract(epoch FROM v) * 1000"),
        ("microseconds", Normal::EpochMicros, 1_000_000, "extract(epoch FROM v) * 1000000"),
        ("nanoseconds", Normal::EpochNanos, 1_000_000_000, "extract(epoch FROM v) * 1000000000"),
    ];
    let mut all = Vec::new();
    for (name, normal, per_second, got) in UNITS {
        // All that PostgreSQL holds and 64 bits count.
        let low = (-210_866_803_200_i64).checked_mul(per_second).unwrap_or(i64::MIN / 1000 * 1000);
        let high = 9_223_372_036_854_i64.checked_mul(per_second).unwrap_or(i64::MAX / 1000 * 1000);
        let step = if per_second == 1_000_000_000 { 1000 } else { 1 };
        let mut numbers = many(r, |r| r.integer() / step * step);
        numbers.extend(many(r, |r| (r.below(4_000_000_000) as i64) * per_second / step * step));
        numbers.extend([low, high, 0, -1000, 1_700_000_000_000]);
        numbers.retain(|n| (low..=high).contains(n));
        let values: Vec<Pair> = numbers.into_iter().map(|n| (OwnedValue::Integer(n), n.to_string())).collect();
        for ty in [PgType::TimestampTz, PgType::Timestamp] {
            let name = format!("{name} as {}", ty.sql());
            all.push(Case::new(&name, ty, normal, values.clone(), got, "l::numeric", true));
        }
    }
    // All digits of the double: nothing is rounded on the way to PostgreSQL, who rounds halves upwards, too.
    let days = many(r, |r| 2_400_000.0 + r.below(1 << 52) as f64 / (1u64 << 52) as f64 * 100_000.0);
    let exact: Vec<Pair> = days.into_iter().map(|d| (OwnedValue::Real(d), format!("{d:.60}"))).collect();
    let mut far: Vec<f64> = many(r, |r| r.below(1 << 40) as f64 / (1u64 << (10 + r.below(30))) as f64);
    far.retain(|d| *d < 1e8);
    far.extend([0.0, -0.5, 0.25, 1e-9, 5e-324, 1.5, 2_440_587.5, 106_000_000.0]);
    let mut far: Vec<Pair> = far.into_iter().map(|d| (OwnedValue::Real(d), format!("{d:.60}"))).collect();
    far.extend((0..50).map(|n| (OwnedValue::Integer(2_440_000 + n), (2_440_000 + n).to_string())));
    let micros = "floor((l::numeric - 2440587.5) * 86400000000 + 0.5)";
    let got = "extract(epoch FROM v) * 1000000";
    all.push(Case::new("Julian days", PgType::Timestamp, Normal::JulianDay, exact, got, micros, true));
    all.push(Case::new("Julian days of any age", PgType::Timestamp, Normal::JulianDay, far, got, micros, false));
    all.push(clocks(
        r,
        "Europe/Berlin",
        "ARRAY[v AT TIME ZONE 'Europe/Berlin' = l::timestamp, v <= l::timestamp AT TIME ZONE 'Europe/Berlin']",
    ));
    all.push(clocks(
        r,
        "America/New_York",
        "ARRAY[v AT TIME ZONE 'America/New_York' = l::timestamp, v <= l::timestamp AT TIME ZONE 'America/New_York']",
    ));
    all.push(clocks(
        r,
        "+05:30",
        "ARRAY[v AT TIME ZONE INTERVAL '+05:30' = l::timestamp, v <= l::timestamp AT TIME ZONE INTERVAL '+05:30']",
    ));
    all
}

/// Times on a zone's clock, many of them about the hours that come twice. Those that do not come at all fit nowhere.
fn clocks(r: &mut Random, name: &str, got: &'static str) -> Case {
    let zone = Zone::parse(name).unwrap();
    let mut values: Vec<Pair> = Vec::new();
    while values.len() < ROWS {
        let near = r.below(2) == 0;
        let (month, day) = [(3, 25 + r.below(7)), (10, 25 + r.below(7)), (11, 1 + r.below(7)), (3, 8 + r.below(7))]
            [r.below(4) as usize];
        let text = if near {
            format!("{}-{month:02}-{day:02} {:02}:{:02}:00", 2000 + r.below(38), r.below(5), r.below(60))
        } else {
            // Before 1900 PostgreSQL may know other local times than we do, after 2037 it needs the rule alone.
            format!("{}{}", 1901 + r.below(136), &r.stamp()[4..])
        };
        let mut crossing = lite2pg_model::mapping::shape::Crossing::new(PgType::TimestampTz, Normal::ZonedClock);
        crossing.zone = Some(zone.clone());
        let codec = lite2pg_model::mapping::codec::Codec::of(&crossing);
        if codec.encode(super::text(&text).as_value(), &mut Vec::new()).is_ok() {
            values.push(both(text));
        }
    }
    let name = format!("clocks of {name}");
    let mut case = Case::new(&name, PgType::TimestampTz, Normal::ZonedClock, values, got, "ARRAY[true, true]", false);
    case.crossing.zone = Some(zone);
    case
}

fn time(r: &mut Random) -> String {
    r.stamp()[11..].to_owned()
}

fn maybe_date(r: &mut Random) -> Pair {
    both(if r.below(3) == 0 { r.text() + "!" } else { r.date() })
}

fn span(r: &mut Random) -> String {
    let sign = |r: &mut Random| if r.below(4) == 0 { "-" } else { "" };
    let mut part = |below: u64, unit: &str| {
        if r.below(2) == 0 { format!("{}{}{unit}", sign(r), r.below(below)) } else { String::new() }
    };
    let date = [part(9000, "Y"), part(30, "M"), part(9, "W"), part(4000, "D")].concat();
    let time = [part(5000, "H"), part(90, "M"), part(90, "S")].concat();
    let iso = format!("P{date}{}{time}", if time.is_empty() { "" } else { "T" });
    let clock = format!("{}{:02}:{:02}:{:02}.{}", sign(r), r.below(200), r.below(60), r.below(60), r.below(1_000_000));
    match r.below(4) {
        0 | 1 if iso != "P" => iso,
        2 => format!("{}{} days {clock}", sign(r), r.below(1000)),
        3 => format!("{} years {}{} mons {clock}", r.below(50), sign(r), r.below(12)),
        _ => clock,
    }
}

fn zoned(r: &mut Random) -> (OwnedValue, String) {
    // Away from the edges of the calendar: there the instant may lie outside years 0001 to 9999.
    let stamp = loop {
        let s = r.stamp();
        if !s.starts_with("0001-01-01") && !s.starts_with("9999-12-31") {
            break s;
        }
    };
    let zone = match r.below(3) {
        0 => "Z".into(),
        n => format!("{}{:02}:{:02}", ["-", "+"][n as usize - 1], r.below(15), r.below(60)),
    };
    let s = stamp + &zone;
    (text(&s), s)
}
