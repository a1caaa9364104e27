//! Dates and times written in text → days and microseconds.
//! Owns the reading of ISO 8601 as the normal form means it; never prints.

/// Microseconds since 1970 of 0001-01-01 00:00 and of the last microsecond of 9999.
pub const WRITTEN: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Days from 1970-01-01 to a calendar date of the proleptic Gregorian calendar; `None` if there is no such day.
/// The arithmetic counts 400-year eras of 146,097 days that begin in March.
pub fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=9999).contains(&year) || day < 1 || day > last {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// What stands in a text: a clock reading in microseconds since 1970-01-01 00:00:00, and the zone if one is written.
pub struct Stamp {
    /// Microseconds on the written clock.
    pub micros: i64,
    /// Offset from UTC in seconds, if a zone is written.
    pub offset: Option<i64>,
}

/// Reads `HH:MM`, `:SS`, a fraction of up to 6 digits, and nothing else: microseconds since midnight.
pub fn time(text: &[u8]) -> Option<i64> {
    let mut rest = text;
    let micros = clock(&mut rest)?;
    rest.is_empty().then_some(micros)
}

/// Reads `YYYY-MM-DD`.
pub fn date(text: &[u8]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    days(number(&[*y1, *y2, *y3, *y4])?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

/// Reads `YYYY-MM-DD`, or that with a space or `T`, `HH:MM`, `:SS`, a fraction of up to 6 digits, and `Z` or `±HH:MM`.
pub fn stamp(text: &[u8]) -> Option<Stamp> {
    match <&[u8; 19]>::try_from(text) {
        Ok(text) => to_the_second(text),
        Err(_) => any_stamp(text),
    }
}

/// Nineteen bytes, the way most are written: `YYYY-MM-DD HH:MM:SS` (or `T`). No other form of that length is one but
/// `YYYY-MM-DD HH:MM` with a fraction, which needs seconds, or with a zone of two bytes, which none is.
fn to_the_second(text: &[u8; 19]) -> Option<Stamp> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ' | b'T', h1, h2, b':', n1, n2, b':', s1, s2] = *text else {
        return None;
    };
    let mut other = false;
    let mut pair = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        other |= tens > 9 || ones > 9;
        i64::from(tens) * 10 + i64::from(ones)
    };
    let (year, month, day) = (pair(y1, y2) * 100 + pair(y3, y4), pair(m1, m2), pair(d1, d2));
    let (hour, minute, second) = (pair(h1, h2), pair(n1, n2), pair(s1, s2));
    if other || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Stamp { micros: seconds * 1_000_000, offset: None })
}

/// Any of the forms, whatever its length.
fn any_stamp(text: &[u8]) -> Option<Stamp> {
    let day = date(text.get(..10)?)?.checked_mul(86_400_000_000)?;
    if text.len() == 10 {
        return Some(Stamp { micros: day, offset: None });
    }
    if !matches!(text[10], b' ' | b'T') {
        return None;
    }
    let mut rest = &text[11..];
    let micros = day + clock(&mut rest)?;
    Some(Stamp { micros, offset: zone(rest)? })
}

fn clock(rest: &mut &[u8]) -> Option<i64> {
    let hour = two_digits(rest, 23)?;
    colon(rest)?;
    let minute = two_digits(rest, 59)?;
    let mut second = 0;
    let mut fraction = 0;
    if rest.first() == Some(&b':') {
        *rest = &rest[1..];
        second = two_digits(rest, 59)?;
        if rest.first() == Some(&b'.') {
            fraction = micros_of(rest)?;
        }
    }
    Some((hour * 3600 + minute * 60 + second) * 1_000_000 + fraction)
}

fn micros_of(rest: &mut &[u8]) -> Option<i64> {
    let digits: &[u8] = &rest[1..];
    let n = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if n == 0 || n > 6 {
        return None;
    }
    let value = number(&digits[..n])? * 10_i64.pow(6 - n as u32);
    *rest = &digits[n..];
    Some(value)
}

fn zone(rest: &[u8]) -> Option<Option<i64>> {
    let (sign, mut rest) = match rest {
        [] => return Some(None),
        b"Z" => return Some(Some(0)),
        [b'+', r @ ..] => (1, r),
        [b'-', r @ ..] => (-1, r),
        _ => return None,
    };
    let hours = two_digits(&mut rest, 14)?;
    colon(&mut rest)?;
    let minutes = two_digits(&mut rest, 59)?;
    rest.is_empty().then_some(Some(sign * (hours * 3600 + minutes * 60)))
}

fn colon(rest: &mut &[u8]) -> Option<()> {
    let (b':', r) = rest.split_first()? else { return None };
    *rest = r;
    Some(())
}

fn two_digits(rest: &mut &[u8], max: i64) -> Option<i64> {
    let n = number(rest.get(..2)?)?;
    *rest = &rest[2..];
    (n <= max).then_some(n)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agree(text: &[u8]) {
        let told = |stamp: Option<Stamp>| stamp.map(|s| (s.micros, s.offset));
        assert_eq!(told(stamp(text)), told(any_stamp(text)), "{:?}", String::from_utf8_lossy(text));
    }

    proptest! {
        #[test]
        fn the_quick_way_agrees_with_the_other(
            valid in "[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
            near in "[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-5][0-9][:Z.+-][0-9:][0-9]",
            at in 0usize..19, byte in any::<u8>(),
        ) {
            agree(valid.as_bytes());
            agree(near.as_bytes());
            let mut odd = valid.into_bytes();
            odd[at] = byte;
            agree(&odd);
        }
    }

    #[test]
    fn the_quick_way_agrees_about_every_byte_at_every_place() {
        for good in ["2024-02-29 23:59:59", "0001-01-01T00:00:00", "9999-12-31 00:00:00", "2023-10-30 10:20:30"] {
            for at in 0..19 {
                for byte in 0..=255 {
                    let mut odd = good.as_bytes().to_vec();
                    odd[at] = byte;
                    agree(&odd);
                }
            }
        }
    }

    #[test]
    fn known_days() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 1, 1), Some(10_957));
        assert_eq!(days(1, 1, 1), Some(-719_162));
        assert_eq!(days(1900, 2, 29), None);
        assert_eq!(days(2000, 2, 29), Some(11_016));
    }

    #[test]
    fn stamps() {
        let s = |t: &str| stamp(t.as_bytes()).map(|s| (s.micros, s.offset));
        assert_eq!(s("1970-01-02"), Some((86_400_000_000, None)));
        assert_eq!(s("1970-01-01T00:00:01.5Z"), Some((1_500_000, Some(0))));
        assert_eq!(s("1970-01-01 00:01"), Some((60_000_000, None)));
        assert_eq!(s("1970-01-01 00:00:00-01:30"), Some((0, Some(-5400))));
        assert_eq!(time(b"00:00:01.5"), Some(1_500_000));
        assert_eq!(time(b"23:59"), Some(86_340_000_000));
        assert!([&b"1:00"[..], b"24:00", b"00:00:00Z", b"00:00:00.", b"", b"00"].iter().all(|t| time(t).is_none()));
        assert_eq!(days(1, 1, 1).map(|d| d * 86_400_000_000), Some(*WRITTEN.start()));
        assert_eq!(days(9999, 12, 31).map(|d| (d + 1) * 86_400_000_000 - 1), Some(*WRITTEN.end()));
        assert_eq!(s("1970-01-01 24:00:00"), None);
        assert_eq!(s("1970-01-01 00:00:00.1234567"), None);
    }
}
