//! The exact forms of text that a typed literal may be made of: dates, times, UUIDs.
//! Owns these forms; never accepts a near miss.

/// `YYYY-MM-DD`, a day that exists.
pub(super) fn is_date(t: &str) -> bool {
    let b = t.as_bytes();
    if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
        return false;
    }
    let (Some(y), Some(m), Some(d)) = (digits(t, 0, 4), digits(t, 5, 7), digits(t, 8, 10)) else { return false };
    y >= 1 && (1..=12).contains(&m) && d >= 1 && d <= days(y, m)
}

/// `YYYY-MM-DD HH:MM:SS`, with up to six digits of a second's fraction if `fraction`.
pub(super) fn is_timestamp(t: &str, fraction: bool) -> bool {
    let (Some(date), Some(rest)) = (t.get(..10), t.get(10..)) else { return false };
    if !is_date(date) || !rest.starts_with(' ') || rest.len() < 9 || !is_time(rest.get(1..9).unwrap_or_default()) {
        return false;
    }
    match rest.get(9..) {
        Some("") => true,
        Some(f) if fraction => {
            f.len() <= 7 && f.len() >= 2 && f.starts_with('.') && f[1..].bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

fn is_time(t: &str) -> bool {
    let b = t.as_bytes();
    b.len() == 8
        && b[2] == b':'
        && b[5] == b':'
        && matches!((digits(t, 0, 2), digits(t, 3, 5), digits(t, 6, 8)), (Some(0..=23), Some(0..=59), Some(0..=59)))
}

fn digits(t: &str, from: usize, to: usize) -> Option<u32> {
    let part = t.get(from..to)?;
    if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A UUID in lower-case hexadecimal with its hyphens.
pub(super) fn is_uuid(t: &str) -> bool {
    t.len() == 36
        && t.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}
