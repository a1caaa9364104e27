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

/// A real that is stored as an integer under INTEGER or NUMERIC affinity.
pub(super) fn whole(r: f64) -> Option<i64> {
    // Beyond these the way back is not exact, and SQLite keeps the real.
    if !(-9.2e18..=9.2e18).contains(&r) || r.fract() != 0.0 {
        return None;
    }
    Some(r as i64)
}

/// Text of a real as SQLite writes it, where 15 digits are enough and no exponent is needed; `None` elsewhere.
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
    if digits > 15 {
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
