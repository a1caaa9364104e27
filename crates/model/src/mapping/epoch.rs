//! What numbers in a date column may mean: seconds since 1970 and its relatives, Julian days.
//! Owns a guess for people to read; nothing is ever converted by it.

use super::codec::Normal;
use super::datetime;

/// 1990-01-01 and 2100-01-01 in seconds since 1970.
const BOUNDS: (i64, i64) = (631_152_000, 4_102_444_800);

/// The unit in which all integers of a range lie between 1990 and 2100, counted since 1970. The ranges of the units
/// are far apart, so there is at most one.
pub fn unit(low: i64, high: i64) -> Option<Normal> {
    let units = [
        (1, Normal::EpochSeconds),
        (1_000, Normal::EpochMillis),
        (1_000_000, Normal::EpochMicros),
        (1_000_000_000, Normal::EpochNanos),
    ];
    // 2100 in nanoseconds is 4.1e18, within 64 bits.
    let fits = |per_second: i64| low >= BOUNDS.0 * per_second && high < BOUNDS.1 * per_second;
    units.into_iter().find(|(per_second, _)| fits(*per_second)).map(|(_, normal)| normal)
}

/// Whether all numbers of a range are, as Julian days, between 1990 and 2100.
pub fn is_julian(low: f64, high: f64) -> bool {
    low >= 2_447_892.5 && high < 2_488_069.5
}

/// A way to count time: its name, units in a second, and where it starts in days since 1970.
const CLOCKS: [(&str, f64, f64); 8] = [
    ("seconds since 1970", 1.0, 0.0),
    ("milliseconds since 1970", 1e3, 0.0),
    ("microseconds since 1970", 1e6, 0.0),
    ("nanoseconds since 1970", 1e9, 0.0),
    ("seconds since 2001 (Apple)", 1.0, 11_323.0),
    ("nanoseconds since 2001 (Apple)", 1e9, 11_323.0),
    ("microseconds since 1601 (WebKit)", 1e6, -134_774.0),
    ("Julian days", 1.0 / 86_400.0, -2_440_587.5),
];

/// `; as seconds since 1970 they are 2022-03-22 to 2023-11-14`: every way of counting that puts all numbers between
/// the years 1990 and 2100 (more than one may: then a person has to know). Empty if there is none.
pub fn meanings(low: f64, high: f64) -> String {
    let mut out = String::new();
    for (name, per_second, start) in CLOCKS {
        let day = |n: f64| (n / per_second / 86_400.0 + start).floor();
        let (first, last) = (day(low), day(high));
        // Small numbers count something else than time. 1990-01-01 and 2100-01-01, in days since 1970.
        let small = (first - start).abs() < 1000.0;
        if small || first < 7_305.0 || last >= 47_482.0 || first.is_nan() || last.is_nan() {
            continue;
        }
        // Within the bounds above, so the cast is exact.
        let text = |n: f64| datetime::format_date(n as i32 - 10_957).unwrap_or_default();
        out.push_str(&format!("; as {name} they are {} to {}", text(first), text(last)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_by_magnitude() {
        assert_eq!(unit(1_647_950_409, 1_700_000_000), Some(Normal::EpochSeconds));
        assert_eq!(unit(1_647_950_409_737, 1_647_950_409_738), Some(Normal::EpochMillis));
        assert_eq!(unit(1_647_950_409_737_000, 1_647_950_409_738_000), Some(Normal::EpochMicros));
        assert_eq!(unit(1_647_950_409_737_000_000, 4_102_444_799_999_999_999), Some(Normal::EpochNanos));
        for none in [(0, 1_700_000_000), (631_151_999, 631_152_000), (1, 2), (1_700_000_000, 1_700_000_000_000)] {
            assert_eq!(unit(none.0, none.1), None);
        }
        assert!(is_julian(2_460_340.5, 2_460_341.0) && !is_julian(2024.0, 2_460_341.0));
    }

    #[test]
    fn known_moments() {
        let says = |low, high, want: &str| assert!(meanings(low, high).contains(want), "{}", meanings(low, high));
        says(1_647_950_409.0, 1_700_000_000.0, "; as seconds since 1970 they are 2022-03-22 to 2023-11-14");
        says(1_647_950_409_737.0, 1_647_950_409_737.0, "; as milliseconds since 1970 they are 2022-03-22 to");
        says(705_373_256.9, 705_373_256.9, "; as seconds since 2001 (Apple) they are 2023-05-10");
        says(
            13_300_000_000_000_000.0,
            13_300_000_000_000_000.0,
            "; as microseconds since 1601 (WebKit) they are 2022-06-18",
        );
        says(2_460_340.5, 2_460_340.6, "; as Julian days they are 2024-01-31");
        for none in [0.0, 2024.0, -1.0, 1e100, f64::INFINITY, f64::NAN] {
            assert_eq!(meanings(none, none), "");
        }
    }
}
