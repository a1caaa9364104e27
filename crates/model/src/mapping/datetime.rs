//! Dates and date-times as SQLite applications write them, and as PostgreSQL counts them.
//! Owns the calendar (proleptic Gregorian, years 0001 to 9999); never guesses a zone.
//!
//! Accepted forms: `YYYY-MM-DD`; `YYYY-MM-DD HH:MM[:SS[.f…]]` with a space or `T` and one to six digits of fraction; the
//! same followed by `Z` or `±HH:MM` (up to 14:59); the time alone. They are a part of what SQLite's own date functions read:
//! <https://sqlite.org/lang_datefunc.html#time_values>.

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;
/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL starts counting.
const EPOCH: i64 = 10_957;
/// The earliest instant that PostgreSQL holds: 4713-11-24 BC, in microseconds since 2000.
/// Source: `MIN_TIMESTAMP`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/datatype/timestamp.h>.
const FIRST_INSTANT: i64 = -211_813_488_000_000_000;
/// The latest that digests hold, who count from 1970; PostgreSQL's own limit lies 30 years later, in the year 294276.
const LAST_INSTANT: i64 = i64::MAX - EPOCH * DAY;
/// Days of 0001-01-01 and 9999-12-31, counted from 2000-01-01.
const FIRST_DAY: i64 = -730_119;
const LAST_DAY: i64 = 2_921_939;

/// A date or date-time that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Days since 2000-01-01.
    pub days: i32,
    /// Microseconds since midnight, as written.
    pub time: i64,
    /// What stands after the date.
    pub shape: Shape,
}

/// What stands after the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Date,
    /// A time of day without zone.
    Local,
    /// A time of day and the zone's offset from UTC in minutes.
    Zoned(i16),
}

impl Stamp {
    /// Microseconds since 2000-01-01 00:00:00 as written (the zone is not applied).
    #[inline]
    pub fn local_micros(&self) -> i64 {
        i64::from(self.days) * DAY + self.time
    }

    /// Microseconds since 2000-01-01 00:00:00 UTC.
    #[inline]
    pub fn instant(&self) -> i64 {
        match self.shape {
            Shape::Zoned(minutes) => self.local_micros() - i64::from(minutes) * 60_000_000,
            Shape::Date | Shape::Local => self.local_micros(),
        }
    }
}

#[inline]
fn two(b: &[u8], at: usize) -> Option<u32> {
    let (high, low) = (b.get(at)?.wrapping_sub(b'0'), b.get(at + 1)?.wrapping_sub(b'0'));
    (high < 10 && low < 10).then(|| u32::from(high) * 10 + u32::from(low))
}

/// Days in a month.
#[inline]
fn month_length(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 2000-01-01 of a valid date. Counts years from March, so that the leap day comes last:
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
#[inline]
fn days(year: u32, month: u32, day: u32) -> i32 {
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let n = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468 - EPOCH;
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Year, month and day of a day counted from 2000-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + EPOCH + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// Reads any accepted form; `None` for everything else, and for instants outside years 0001 to 9999.
#[inline]
pub fn parse(b: &[u8]) -> Option<Stamp> {
    // Only `YYYY-MM-DD HH:MM:SS` has this length. Known, it spares a look at the bounds for every digit.
    match b.try_into() {
        Ok(b) => to_the_second(b),
        Err(_) => of_any_length(b),
    }
}

#[inline]
fn to_the_second(b: &[u8; 19]) -> Option<Stamp> {
    if b[4] != b'-' || b[7] != b'-' || (b[10] != b' ' && b[10] != b'T') || b[13] != b':' || b[16] != b':' {
        return None;
    }
    let (year, month, day) = (two(b, 0)? * 100 + two(b, 2)?, two(b, 5)?, two(b, 8)?);
    let (hour, minute, second) = (two(b, 11)?, two(b, 14)?, two(b, 17)?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > month_length(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let time = i64::from(hour * 3600 + minute * 60 + second) * 1_000_000;
    Some(Stamp { days: days(year, month, day), time, shape: Shape::Local })
}

/// Any accepted form, whatever its length.
fn of_any_length(b: &[u8]) -> Option<Stamp> {
    if b.len() < 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let (year, month, day) = (two(b, 0)? * 100 + two(b, 2)?, two(b, 5)?, two(b, 8)?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > month_length(year, month) {
        return None;
    }
    let days = days(year, month, day);
    if b.len() == 10 {
        return Some(Stamp { days, time: 0, shape: Shape::Date });
    }
    if b[10] != b' ' && b[10] != b'T' {
        return None;
    }
    let (time, rest) = time_of_day(&b[11..])?;
    let stamp = Stamp { days, time, shape: zone(rest)? };
    (FIRST_DAY..=LAST_DAY).contains(&stamp.instant().div_euclid(DAY)).then_some(stamp)
}

/// `HH:MM[:SS[.f…]]` as microseconds, and what follows it.
#[inline]
fn time_of_day(b: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, minute) = (two(b, 0)?, two(b, 3)?);
    if b[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let mut micros = i64::from(hour * 60 + minute) * 60_000_000;
    let mut rest = &b[5..];
    if rest.first() == Some(&b':') {
        let second = two(rest, 1)?;
        if second > 59 {
            return None;
        }
        micros += i64::from(second) * 1_000_000;
        rest = &rest[3..];
        if rest.first() == Some(&b'.') {
            let length = rest[1..].iter().take_while(|c| c.is_ascii_digit()).count();
            if length == 0 || length > 6 {
                return None;
            }
            let fraction = rest[1..=length].iter().fold(0i64, |n, c| n * 10 + i64::from(c - b'0'));
            micros += fraction * 10i64.pow(6 - u32::try_from(length).unwrap_or(6));
            rest = &rest[1 + length..];
        }
    }
    Some((micros, rest))
}

#[inline]
fn zone(b: &[u8]) -> Option<Shape> {
    match b {
        [] => Some(Shape::Local),
        [b'Z'] => Some(Shape::Zoned(0)),
        [sign @ (b'+' | b'-'), rest @ ..] if rest.len() == 5 && rest[2] == b':' => {
            let (hours, minutes) = (two(rest, 0)?, two(rest, 3)?);
            if hours > 14 || minutes > 59 {
                return None;
            }
            let offset = i16::try_from(hours * 60 + minutes).ok()?;
            Some(Shape::Zoned(if *sign == b'-' { -offset } else { offset }))
        }
        _ => None,
    }
}

/// `YYYY-MM-DD` of a day counted from 2000-01-01; `None` outside years 0001 to 9999 (and for PostgreSQL's infinities).
pub fn format_date(days: i32) -> Option<String> {
    let days = i64::from(days);
    if !(FIRST_DAY..=LAST_DAY).contains(&days) {
        return None;
    }
    let (y, m, d) = civil(days);
    Some(format!("{y:04}-{m:02}-{d:02}"))
}

/// Microseconds since 2000-01-01 UTC of `n` units since 1970-01-01, `unit` microseconds each; `None` if PostgreSQL does
/// not hold it.
#[inline]
pub fn from_unix(n: i64, unit: i64) -> Option<i64> {
    within(n.checked_mul(unit)?.checked_sub(EPOCH * DAY)?)
}

/// Microseconds since 1970-01-01 of those since 2000-01-01.
#[inline]
pub fn to_unix(micros: i64) -> Option<i64> {
    micros.checked_add(EPOCH * DAY)
}

/// The same microseconds since 2000-01-01, if PostgreSQL holds them.
pub fn within(micros: i64) -> Option<i64> {
    (FIRST_INSTANT..=LAST_INSTANT).contains(&micros).then_some(micros)
}

/// Reads a time alone, in microseconds since midnight: `HH:MM[:SS[.f…]]`.
pub fn parse_time(b: &[u8]) -> Option<i64> {
    if b.len() < 5 {
        return None;
    }
    let (micros, rest) = time_of_day(b)?;
    rest.is_empty().then_some(micros)
}

/// `HH:MM:SS[.f…]`, without zeros at the end of the fraction: as PostgreSQL writes a time. `None` outside a day.
pub fn format_time(micros: i64) -> Option<String> {
    if !(0..DAY).contains(&micros) {
        return None;
    }
    let seconds = micros / 1_000_000;
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros % 1_000_000 != 0 {
        text.push_str(format!(".{:06}", micros % 1_000_000).trim_end_matches('0'));
    }
    Some(text)
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`: six digits of fraction if it is not zero. `None` as for [`format_date`].
pub fn format_stamp(micros: i64) -> Option<String> {
    let date = format_date(i32::try_from(micros.div_euclid(DAY)).ok()?)?;
    let time = micros.rem_euclid(DAY);
    let (seconds, fraction) = (time / 1_000_000, time % 1_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let tail = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    Some(format!("{date} {h:02}:{m:02}:{s:02}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_calendar_is_kept() {
        for good in [
            "2024-02-29",
            "2000-02-29",
            "0001-01-01",
            "9999-12-31 23:59:59.999999",
            "2024-01-01T00:00",
            "2024-01-01 10:00:00.5Z",
            "2024-01-01 10:00+05:30",
        ] {
            assert!(parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "0000-01-01",
            "2024-13-01",
            "2024-00-01",
            "2024-01-32",
            "2024-04-31",
            "2024-1-1",
            "",
            "now",
            "2024-01-01 24:00:00",
            "2024-01-01 10:60",
            "2024-01-01 10:00:60",
            "2024-01-01 10",
            "2024-01-01 10:00:00.",
            "2024-01-01 10:00:00.1234567",
            "2024-01-01 10:00:00 ",
            "2024-01-01  10:00",
            "2024-01-01 10:00+0530",
            "2024-01-01 10:00z",
            "2024-01-01 10:00+15:00",
            "31/01/2024",
            "0001-01-01 00:00:00+00:01",
            "9999-12-31 23:59:59-00:01",
            "+024-01-01",
            "2024-01-01Z",
            "2024-01-01 10:00:5",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_quick_way_agrees_with_the_other() {
        for good in ["2024-02-29 23:59:59", "0001-01-01T00:00:00", "9999-12-31 00:00:00", "2023-10-30 10:20:30"] {
            for at in 0..19 {
                for byte in 0..=255 {
                    let mut odd = good.as_bytes().to_vec();
                    odd[at] = byte;
                    assert_eq!(parse(&odd), of_any_length(&odd), "{:?}", String::from_utf8_lossy(&odd));
                }
            }
        }
    }

    #[test]
    fn known_days() {
        assert_eq!(parse(b"2000-01-01").unwrap().days, 0);
        assert_eq!(parse(b"1970-01-01").unwrap().days, -10_957);
        assert_eq!(i64::from(parse(b"0001-01-01").unwrap().days), FIRST_DAY);
        assert_eq!(i64::from(parse(b"9999-12-31").unwrap().days), LAST_DAY);
        assert_eq!(parse(b"2000-01-01 01:00:00+01:00").unwrap().instant(), 0);
    }

    proptest! {
        #[test]
        fn the_quick_way_agrees_about_digits(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9][:.Z+-][0-9:][0-9]",
        ) {
            prop_assert_eq!(parse(text.as_bytes()), of_any_length(text.as_bytes()));
        }

        #[test]
        fn every_day_comes_back(d in FIRST_DAY..=LAST_DAY) {
            let text = format_date(i32::try_from(d).unwrap()).unwrap();
            prop_assert_eq!(i64::from(parse(text.as_bytes()).unwrap().days), d);
        }

        #[test]
        fn every_microsecond_comes_back(t in FIRST_DAY * DAY..(LAST_DAY + 1) * DAY) {
            let text = format_stamp(t).unwrap();
            prop_assert_eq!(parse(text.as_bytes()).unwrap().local_micros(), t);
        }

        #[test]
        fn every_time_comes_back(t in 0..DAY, cut in any::<bool>()) {
            let t = if cut { t / 60_000_000 * 60_000_000 } else { t };
            let text = format_time(t).unwrap();
            prop_assert_eq!(parse_time(text.as_bytes()), Some(t));
            prop_assert_eq!(parse_time(&text.as_bytes()[..5]), Some(t / 60_000_000 * 60_000_000));
        }

        #[test]
        fn no_panic(b in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (parse(&b), parse_time(&b));
        }

        #[test]
        fn no_panic_near_a_date(tail in "[0-9 T:.+Z-]{0,20}") {
            let _ = parse(format!("2024-01-01{tail}").as_bytes());
        }
    }
}
