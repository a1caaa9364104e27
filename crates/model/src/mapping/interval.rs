//! Spans of time as PostgreSQL's interval holds them: months, days and microseconds, side by side.
//! Owns their text and their binary form; never turns days into hours or months into days.
//!
//! Accepted: ISO 8601 durations (`P1Y2M3W4DT5H6M7.5S`, numbers may be negative, a fraction only of seconds), and what
//! PostgreSQL writes: `1 year 2 mons -3 days +04:05:06.5`, where each part may be missing. The binary form is that of
//! `interval_send`: microseconds, days, months.
//! Source: <https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-INTERVAL-INPUT>.

use std::fmt::Write as _;

/// Microseconds in an hour.
const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Months; a year is twelve.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

impl Interval {
    /// Reads an accepted form.
    pub fn parse(text: &[u8]) -> Option<Interval> {
        let read = match text {
            [b'P', rest @ ..] => iso(rest),
            _ => postgres(text),
        };
        read.filter(|i| !i.is_infinite())
    }

    /// PostgreSQL 17 and later take the extremes for infinities.
    fn is_infinite(&self) -> bool {
        let all = (self.months, self.days, self.micros);
        all == (i32::MAX, i32::MAX, i64::MAX) || all == (i32::MIN, i32::MIN, i64::MIN)
    }

    /// The binary form.
    pub fn to_binary(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.micros.to_be_bytes());
        out[8..12].copy_from_slice(&self.days.to_be_bytes());
        out[12..].copy_from_slice(&self.months.to_be_bytes());
        out
    }

    /// Reads the binary form.
    pub fn from_binary(field: &[u8]) -> Option<Interval> {
        let (micros, rest) = field.split_first_chunk::<8>()?;
        let (days, rest) = rest.split_first_chunk::<4>()?;
        let (months, days) = (i32::from_be_bytes(rest.try_into().ok()?), i32::from_be_bytes(*days));
        Some(Interval { months, days, micros: i64::from_be_bytes(*micros) }).filter(|i| !i.is_infinite())
    }

    /// As PostgreSQL writes it (`IntervalStyle = postgres`).
    /// Source: `EncodeInterval`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/datetime.c>.
    pub fn format(&self) -> String {
        let mut text = String::new();
        let mut after_negative = false;
        for (n, unit) in [(self.months / 12, "year"), (self.months % 12, "mon"), (self.days, "day")] {
            if n == 0 {
                continue;
            }
            let space = if text.is_empty() { "" } else { " " };
            let plus = if after_negative && n > 0 { "+" } else { "" };
            let plural = if n == 1 { "" } else { "s" };
            let _ = write!(text, "{space}{plus}{n} {unit}{plural}");
            after_negative = n < 0;
        }
        if text.is_empty() || self.micros != 0 {
            let space = if text.is_empty() { "" } else { " " };
            let sign = match (self.micros < 0, after_negative) {
                (true, _) => "-",
                (false, true) => "+",
                (false, false) => "",
            };
            let micros = self.micros.unsigned_abs();
            let seconds = micros / 1_000_000;
            let _ = write!(text, "{space}{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            if !micros.is_multiple_of(1_000_000) {
                let fraction = format!(".{:06}", micros % 1_000_000);
                text.push_str(fraction.trim_end_matches('0'));
            }
        }
        text
    }

    fn add_months(&mut self, n: i64, each: i64) -> Option<()> {
        let months = i128::from(n) * i128::from(each) + i128::from(self.months);
        self.months = i32::try_from(months).ok()?;
        Some(())
    }

    fn add_days(&mut self, n: i64, each: i64) -> Option<()> {
        let days = i128::from(n) * i128::from(each) + i128::from(self.days);
        self.days = i32::try_from(days).ok()?;
        Some(())
    }

    fn add_micros(&mut self, n: i64, each: i64, more: i64) -> Option<()> {
        let micros = i128::from(n) * i128::from(each) + i128::from(more) + i128::from(self.micros);
        self.micros = i64::try_from(micros).ok()?;
        Some(())
    }
}

/// A sign if there is one, digits, and what follows.
fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    let (n, rest) = unsigned(digits)?;
    Some((sign * n, rest))
}

fn unsigned(text: &[u8]) -> Option<(i64, &[u8])> {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let n = text[..length].iter().try_fold(0i64, |n, b| n.checked_mul(10)?.checked_add(i64::from(b - b'0')))?;
    (length > 0).then_some((n, &text[length..]))
}

/// `.f` with one to six digits as microseconds, or nothing.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', digits @ ..] = text else { return Some((0, text)) };
    let (n, rest) = unsigned(digits)?;
    let length = digits.len() - rest.len();
    let scale = 6u32.checked_sub(u32::try_from(length).ok()?)?;
    Some((n * 10i64.pow(scale), rest))
}

/// What follows `P`: designators in their order, at least one, at least one after `T`.
fn iso(text: &[u8]) -> Option<Interval> {
    let mut interval = Interval::default();
    let mut rest = text;
    let mut order: &[u8] = b"YMWD";
    let mut time = false;
    let mut parts = 0;
    while !rest.is_empty() {
        if rest[0] == b'T' && !time {
            (time, order, rest) = (true, b"HMS", &rest[1..]);
            parts = 0;
            continue;
        }
        let negative = rest[0] == b'-';
        let (n, after) = number(rest)?;
        let whole = after.len();
        let (micros, after) = fraction(after)?;
        let has_fraction = after.len() < whole;
        let (unit, after) = after.split_first()?;
        let place = order.iter().position(|u| u == unit)?;
        order = &order[place + 1..];
        if has_fraction && *unit != b'S' {
            return None;
        }
        match (time, unit) {
            (false, b'Y') => interval.add_months(n, 12)?,
            (false, b'M') => interval.add_months(n, 1)?,
            (false, b'W') => interval.add_days(n, 7)?,
            (false, _) => interval.add_days(n, 1)?,
            (true, b'H') => interval.add_micros(n, HOUR, 0)?,
            (true, b'M') => interval.add_micros(n, MINUTE, 0)?,
            (true, _) => interval.add_micros(n, SECOND, if negative { -micros } else { micros })?,
        }
        parts += 1;
        rest = after;
    }
    (parts > 0).then_some(interval)
}

/// `[n years] [n mons] [n days] [[sign]HH:MM[:SS[.f]]]`, with single spaces, at least one of them.
fn postgres(text: &[u8]) -> Option<Interval> {
    let mut interval = Interval::default();
    let mut words = text.split(|b| *b == b' ');
    // The last unit that was read; each comes once, in this order.
    let mut last = 0;
    let mut word = words.next();
    while let Some(w) = word {
        if w.contains(&b':') {
            interval.add_micros(clock(w)?, 1, 0)?;
            // Nothing follows it.
            return words.next().is_none().then_some(interval);
        }
        let (n, nothing) = number(w)?;
        if !nothing.is_empty() {
            return None;
        }
        let unit = match words.next()? {
            b"year" | b"years" => 1,
            b"mon" | b"mons" | b"month" | b"months" => 2,
            b"day" | b"days" => 3,
            _ => return None,
        };
        if unit <= last {
            return None;
        }
        last = unit;
        match unit {
            1 => interval.add_months(n, 12)?,
            2 => interval.add_months(n, 1)?,
            _ => interval.add_days(n, 1)?,
        }
        word = words.next();
    }
    Some(interval)
}

/// `[sign]H…:MM[:SS[.f]]`.
fn clock(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (hours, rest) = unsigned(text)?;
    let (minutes, rest) = sixty(rest)?;
    let (seconds, micros) = match rest {
        [] => (0, 0),
        _ => {
            let (seconds, rest) = sixty(rest)?;
            let (micros, rest) = fraction(rest)?;
            if !rest.is_empty() {
                return None;
            }
            (seconds, micros)
        }
    };
    // The lowest number of microseconds has no positive twin, so everything is added with its sign.
    let sign = if negative { -1 } else { 1 };
    (sign * hours).checked_mul(HOUR)?.checked_add(sign * (minutes * MINUTE + seconds * SECOND + micros))
}

/// `:` and two digits below 60.
fn sixty(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b':', a @ b'0'..=b'5', b @ b'0'..=b'9', rest @ ..] = text else { return None };
    Some((i64::from((a - b'0') * 10 + (b - b'0')), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_intervals() {
        for (text, want) in [
            ("P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5"),
            ("P1DT2H", "1 day 02:00:00"),
            ("P2W", "14 days"),
            ("P-1D", "-1 days"),
            ("PT-0.5S", "-00:00:00.5"),
            ("P-1DT1H", "-1 days +01:00:00"),
            ("PT36H", "36:00:00"),
            ("PT0S", "00:00:00"),
            ("01:02:03", "01:02:03"),
            ("1:02", "01:02:00"),
            ("3 days 04:05:06.000001", "3 days 04:05:06.000001"),
            ("1 year -1 days +00:00:01", "1 year -1 days +00:00:01"),
            ("14 months", "1 year 2 mons"),
            ("-00:30:00", "-00:30:00"),
        ] {
            assert_eq!(Interval::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}")).format(), want);
        }
        for bad in [
            "",
            "P",
            "PT",
            "P1",
            "P1DT",
            "P1D2M",
            "P1.5D",
            "PT1.1234567S",
            "1",
            "1 day 2",
            "1 day 1 day",
            "1 hour",
            "1:60",
            "1:2",
            "12:00:00 1 day",
            "1  day",
            " 1 day",
            "P1H",
            "-P1D",
            "1 day ",
            "P99999999999Y",
            "P1D ",
            "PT.5S",
            "1 days 00:00:00 ",
            "x",
            "P1YT",
            "--1 days",
            "1:00:00:00",
        ] {
            assert_eq!(Interval::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(months in any::<i32>(), days in any::<i32>(), micros in any::<i64>(), few in any::<bool>()) {
            let interval = if few { Interval { months: months % 30, days: days % 3, micros: micros % 3_000_000 } } else { Interval { months, days, micros } };
            prop_assert_eq!(Interval::parse(interval.format().as_bytes()), Some(interval), "{}", interval.format());
            prop_assert_eq!(Interval::from_binary(&interval.to_binary()), Some(interval));
        }

        #[test]
        fn no_panic(text in "P?[-+]?[0-9]{0,20}[YMWDTHS: .]?[ daysmonyer0-9:.+-]{0,20}", b in proptest::collection::vec(any::<u8>(), 0..30)) {
            let _ = (Interval::parse(text.as_bytes()), Interval::parse(&b), Interval::from_binary(&b));
        }
    }

    #[test]
    fn the_extremes() {
        let low = Interval { months: i32::MIN, days: i32::MIN, micros: i64::MIN };
        assert_eq!(Interval::parse(low.format().as_bytes()), None, "it is an infinity to some");
        let low = Interval { days: 0, ..low };
        assert_eq!(Interval::parse(low.format().as_bytes()), Some(low));
    }
}
