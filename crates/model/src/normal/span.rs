//! Spans of time → months, days and microseconds.
//! Owns a reader of its own for ISO 8601 durations and for PostgreSQL's words; never normalises one to the other.

use super::NoForm;

const BAD: NoForm = NoForm("not an interval");

/// Months and days (4 bytes each), microseconds (8 bytes); all big-endian.
pub type Content = [u8; 16];

fn content(months: i128, days: i128, micros: i128) -> Result<Content, NoForm> {
    let months = i32::try_from(months).map_err(|_| BAD)?;
    let days = i32::try_from(days).map_err(|_| BAD)?;
    let micros = i64::try_from(micros).map_err(|_| BAD)?;
    let infinite = (months == i32::MAX && days == i32::MAX && micros == i64::MAX)
        || (months == i32::MIN && days == i32::MIN && micros == i64::MIN);
    if infinite {
        return Err(NoForm("an infinite interval"));
    }
    let mut out = [0; 16];
    out[..4].copy_from_slice(&months.to_be_bytes());
    out[4..8].copy_from_slice(&days.to_be_bytes());
    out[8..].copy_from_slice(&micros.to_be_bytes());
    Ok(out)
}

/// Reads PostgreSQL's binary form: microseconds, days, months.
pub fn from_field(field: &[u8]) -> Result<Content, NoForm> {
    let field: &[u8; 16] = field.try_into().map_err(|_| BAD)?;
    let signed = |bytes: &[u8]| -> i128 {
        let negative = bytes[0] & 0x80 != 0;
        bytes.iter().fold(if negative { -1 } else { 0 }, |n, b| n << 8 | i128::from(*b))
    };
    content(signed(&field[12..]), signed(&field[8..12]), signed(&field[..8]))
}

/// Reads `P[nY][nM][nW][nD][T[nH][nM][nS]]` or `[n years] [n mons] [n days] [HH:MM[:SS]]`.
pub fn from_text(text: &[u8]) -> Result<Content, NoForm> {
    let text = std::str::from_utf8(text).map_err(|_| BAD)?;
    match text.strip_prefix('P') {
        Some(rest) => duration(rest),
        None => words(text),
    }
}

/// An optional sign and digits.
fn whole(text: &str) -> Result<i128, NoForm> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BAD);
    }
    let n: i128 = text.parse().map_err(|_| BAD)?;
    // What is beyond 64 bits is beyond an interval, even if another part brought it back.
    if n.unsigned_abs() > i64::MAX as u128 { Err(BAD) } else { Ok(n) }
}

/// The same, with a fraction of one to six digits, in microseconds.
fn seconds(text: &str) -> Result<i128, NoForm> {
    let Some((before, after)) = text.split_once('.') else { return Ok(whole(text)? * 1_000_000) };
    if after.is_empty() || after.len() > 6 || !after.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BAD);
    }
    let micros: i128 = format!("{after:0<6}").parse().map_err(|_| BAD)?;
    let negative = before.starts_with('-');
    Ok(whole(before)? * 1_000_000 + if negative { -micros } else { micros })
}

/// Cuts `n` and one of the designators, which come in their order, off the front.
fn parts(mut text: &str, mut designators: &str) -> Result<Vec<(char, String)>, NoForm> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_uppercase()).ok_or(BAD)?;
        let designator = char::from(text.as_bytes()[end]);
        let place = designators.find(designator).ok_or(BAD)?;
        designators = &designators[place + 1..];
        found.push((designator, text[..end].to_owned()));
        text = &text[end + 1..];
    }
    Ok(found)
}

fn duration(text: &str) -> Result<Content, NoForm> {
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return Err(BAD),
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return Err(BAD);
    }
    let (mut months, mut days, mut micros) = (0, 0, 0);
    for (designator, n) in parts(date, "YMWD")? {
        let n = whole(&n)?;
        match designator {
            'Y' => months += 12 * n,
            'M' => months += n,
            'W' => days += 7 * n,
            _ => days += n,
        }
        check(months, days, micros)?;
    }
    for (designator, n) in parts(time, "HMS")? {
        micros += match designator {
            'H' => 3_600_000_000 * whole(&n)?,
            'M' => 60_000_000 * whole(&n)?,
            _ => seconds(&n)?,
        };
        check(months, days, micros)?;
    }
    content(months, days, micros)
}

/// No sum on the way may be beyond the type, even if later parts brought it back.
fn check(months: i128, days: i128, micros: i128) -> Result<(), NoForm> {
    let held = i32::try_from(months).is_ok() && i32::try_from(days).is_ok() && i64::try_from(micros).is_ok();
    if held { Ok(()) } else { Err(BAD) }
}

fn words(text: &str) -> Result<Content, NoForm> {
    let all: Vec<&str> = text.split(' ').collect();
    let (pairs, clock) = match all.split_last() {
        Some((last, before)) if last.contains(':') => (before, Some(*last)),
        _ => (&all[..], None),
    };
    let mut units = vec!["day", "mon", "year"];
    let (mut months, mut days) = (0, 0);
    for pair in pairs.chunks(2) {
        let [n, unit] = pair else { return Err(BAD) };
        let n = whole(n)?;
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        let unit = if unit == "month" { "mon" } else { unit };
        loop {
            if units.pop().ok_or(BAD)? == unit {
                break;
            }
        }
        match unit {
            "year" => months += 12 * n,
            "mon" => months += n,
            _ => days += n,
        }
        check(months, days, 0)?;
    }
    content(months, days, clock.map_or(Ok(0), time)?)
}

/// `[sign]H…:MM[:SS[.f]]`.
fn time(text: &str) -> Result<i128, NoForm> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut parts = text.strip_prefix(['-', '+']).unwrap_or(text).splitn(3, ':');
    let unsigned = |n: &str| if n.starts_with(['-', '+']) { Err(BAD) } else { Ok(()) };
    let hours = parts.next().ok_or(BAD)?;
    unsigned(hours)?;
    let sixty = |n: &str| {
        let two = n.split('.').next().is_some_and(|whole| whole.len() == 2);
        let first = n.as_bytes().first().is_some_and(|b| (b'0'..=b'5').contains(b));
        if two && first { Ok(()) } else { Err(BAD) }
    };
    let minutes = parts.next().ok_or(BAD)?;
    sixty(minutes)?;
    let mut micros = 3_600_000_000 * whole(hours)? + 60_000_000 * whole(minutes)?;
    if let Some(text) = parts.next() {
        sixty(text)?;
        micros += seconds(text)?;
    }
    Ok(sign * micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::interval::Interval;
    use proptest::prelude::*;

    fn theirs(text: &[u8]) -> Option<Content> {
        let i = Interval::parse(text)?;
        content(i.months.into(), i.days.into(), i.micros.into()).ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Two readers that share nothing read the same texts in the same way.
        #[test]
        fn the_codecs_reader_agrees(text in prop_oneof![
            "P(-?[0-9]{1,10}Y)?(-?[0-9]{1,10}M)?([0-9]{1,10}W)?([+-]?[0-9]{1,10}D)?(T([0-9]{1,20}H)?(-?[0-9]{1,3}M)?(-?[0-9]{1,20}(\\.[0-9]{0,7})?S)?)?",
            "(-?[0-9]{1,9} (year|years) )?([+-]?[0-9]{1,10} (mon|mons|months) )?(-?[0-9]{1,10} days? )?[+-]?[0-9]{1,11}:[0-6][0-9](:[0-6][0-9](\\.[0-9]{0,7})?)?",
            "[-+]?[0-9]{1,3} (day|days|mon|year|hours|dayss)( -?[0-9]{1,2}(:[0-9]{2}){1,3})?",
            "[PT0-9YMWDHS.+: -]{0,12}",
        ]) {
            prop_assert_eq!(from_text(text.as_bytes()).ok(), theirs(text.as_bytes()), "{}", text);
        }

        #[test]
        fn the_field_is_read_alike(months in any::<i32>(), days in any::<i32>(), micros in any::<i64>()) {
            let interval = Interval { months, days, micros };
            prop_assert_eq!(from_field(&interval.to_binary()).ok(), content(months.into(), days.into(), micros.into()).ok());
            prop_assert_eq!(from_text(interval.format().as_bytes()), from_field(&interval.to_binary()));
        }
    }
}
