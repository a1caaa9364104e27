//! Numbers in text and text of numbers, as SQLite reads and writes them.
//! Owns these rules; never prints SQL for PostgreSQL but for literals.

use crate::schema::Affinity;

/// The largest integer up to which every integer is a double.
pub(super) const EXACT: i128 = 1 << 53;

/// A number that text looks like: the whole of it, spaces around it aside.
/// Source: <https://sqlite.org/datatype3.html#type_affinity>.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Real(f64),
}

/// Reads text as NUMERIC affinity does; `None` if it stays text.
pub(super) fn of_text(text: &str) -> Option<Number> {
    let t = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let unsigned = t.strip_prefix(['+', '-']).unwrap_or(t);
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !starts || !unsigned.chars().all(allowed) {
        return None;
    }
    if let Ok(n) = t.parse::<i64>() {
        return Some(Number::Integer(n));
    }
    t.parse::<f64>().ok().map(Number::Real)
}

/// The number at the beginning of a text, as arithmetic reads it: an integer where no point and no exponent is written
/// and 64 bits hold it, else a real; 0 where there is none.
pub(super) fn of_prefix(text: &str) -> Number {
    let t = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let b = t.as_bytes();
    let digits = |from: usize| b.get(from..).map_or(0, |b| b.iter().take_while(|c| c.is_ascii_digit()).count());
    let sign = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut real = false;
    if b.get(end) == Some(&b'.') && (whole > 0 || digits(end + 1) > 0) {
        end += 1 + digits(end + 1);
        real = true;
    }
    if end == sign {
        return Number::Integer(0);
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(b.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + signed);
        if exponent > 0 {
            end += 1 + signed + exponent;
            real = true;
        }
    }
    let part = t.get(..end).unwrap_or("0");
    match part.parse::<i64>() {
        Ok(n) if !real => Number::Integer(n),
        _ => Number::Real(part.parse().unwrap_or(0.0)),
    }
}

/// The integer at the beginning of a text, as CAST AS INTEGER reads it.
pub(super) fn integer_prefix(text: &str) -> i64 {
    let t = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let unsigned = t.strip_prefix(['+', '-']).unwrap_or(t);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let digits = unsigned.get(..digits).unwrap_or_default();
    let negative = t.starts_with('-');
    match format!("{}{digits}", if negative { "-" } else { "" }).parse::<i64>() {
        Ok(n) => n,
        Err(_) if digits.is_empty() => 0,
        Err(_) => {
            if negative {
                i64::MIN
            } else {
                i64::MAX
            }
        }
    }
}

/// A real as an integer: towards zero, at most the largest.
pub(super) fn truncated(r: f64) -> i64 {
    // As SQLite does it: what lies so near the ends is one of them.
    if r < -9_223_372_036_854_774_784.0 {
        i64::MIN
    } else if r > 9_223_372_036_854_774_784.0 {
        i64::MAX
    } else {
        r as i64
    }
}

/// A real that is stored as an integer under INTEGER or NUMERIC affinity.
pub(super) fn whole(r: f64) -> Option<i64> {
    // Beyond these the way back is not exact, and SQLite keeps the real.
    if !(-9.2e18..=9.2e18).contains(&r) || r.fract() != 0.0 {
        return None;
    }
    Some(r as i64)
}

/// Text of a real as SQLite writes it, where 13 digits are enough (with more it may write 17) and no exponent is
/// needed; `None` elsewhere.
pub(super) fn real_text(r: f64) -> Option<String> {
    let magnitude = r.abs();
    if r == 0.0 {
        return Some("0.0".into());
    }
    if !(1e-4..1e15).contains(&magnitude) {
        return None;
    }
    let text = r.to_string();
    let digits = text.bytes().filter(u8::is_ascii_digit).skip_while(|b| *b == b'0').count();
    if digits > 13 {
        return None;
    }
    Some(if text.contains('.') { text } else { format!("{text}.0") })
}

/// A real as a numeric literal: the shortest digits that mean it, or all of them where it is a whole number so large
/// that the shortest ones would name another.
pub(super) fn numeric_literal(r: f64) -> String {
    let text = if r.abs() >= EXACT as f64 { format!("{r:.0}") } else { r.to_string() };
    if text.starts_with('-') { format!("({text})") } else { text }
}

/// Hexadecimal digits of bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut out, b| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// INTEGER, REAL and NUMERIC.
pub(super) fn is_numeric(affinity: Option<Affinity>) -> bool {
    matches!(affinity, Some(Affinity::Integer | Affinity::Real | Affinity::Numeric))
}
