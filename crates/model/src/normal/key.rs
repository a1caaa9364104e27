//! The form in which a key's values are compared: PostgreSQL's `=`, where that takes for one what the normal form tells
//! apart.
//! Owns that step from one field to the other; never reads a value of either side itself.
//!
//! An interval compares as its microseconds, with months of 30 days and days of 24 hours
//! (<https://www.postgresql.org/docs/current/functions-datetime.html>, `interval_cmp_value`); numbers in jsonb compare as
//! numeric, whatever their scale; a double's −0.0 is its 0.0.

/// Microseconds of a day.
const DAY: i128 = 86_400_000_000;
/// Tag and length.
const HEAD: usize = 5;

/// Changes the field that stands at `from`, the last of `out`.
pub(super) fn of_field(out: &mut Vec<u8>, from: usize) {
    let Some((tag, content)) = out.get(from).copied().zip(out.get(from + HEAD..)) else { return };
    let same = match tag {
        b'v' => span(content).map(|micros| micros.to_be_bytes().to_vec()),
        b'j' => Some(json(content)),
        b'd' if content == (-0.0f64).to_bits().to_be_bytes() => Some(0.0f64.to_bits().to_be_bytes().to_vec()),
        _ => None,
    };
    if let Some(content) = same {
        out.truncate(from + 1);
        out.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&content);
    }
}

fn span(content: &[u8]) -> Option<i128> {
    let content: &[u8; 16] = content.try_into().ok()?;
    let [a, b, c, d, e, f, g, h, micros @ ..] = *content;
    let days = i128::from(i32::from_be_bytes([a, b, c, d])) * 30 + i128::from(i32::from_be_bytes([e, f, g, h]));
    Some(days * DAY + i128::from(i64::from_be_bytes(micros)))
}

/// JSON in its normal form, its numbers without the zeros that only show a scale.
fn json(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut in_string, mut escaped, mut fraction) = (false, false, None);
    for byte in text {
        if let Some(point) = fraction.filter(|_| !byte.is_ascii_digit()) {
            cut(&mut out, point);
            fraction = None;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'.' if !in_string => fraction = Some(out.len()),
            _ => {}
        }
        out.push(*byte);
    }
    if let Some(point) = fraction {
        cut(&mut out, point);
    }
    out
}

/// Leaves out the zeros at the end, and the point at `point` if nothing is left behind it.
fn cut(out: &mut Vec<u8>, point: usize) {
    while out.len() > point && matches!(out.last(), Some(b'0' | b'.')) {
        out.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_their_scale_and_nothing_else_changes() {
        let shown = |text: &str| String::from_utf8(json(text.as_bytes())).unwrap();
        for (text, same) in [
            ("1.0", "1"),
            ("100", "100"),
            ("-10.50", "-10.5"),
            ("0.000", "0"),
            (r#"{"1.0":[1.50,20.0,"2.0",{"a\"3.0":3.00}]}"#, r#"{"1.0":[1.5,20,"2.0",{"a\"3.0":3}]}"#),
            (r#"["a\\",4.0]"#, r#"["a\\",4]"#),
        ] {
            assert_eq!(shown(text), same, "{text}");
        }
    }

    #[test]
    fn a_month_has_thirty_days_of_twenty_four_hours() {
        let of = |text: &str| {
            let mut out = vec![b'x'];
            super::super::source::field(
                super::super::Form::Interval,
                crate::value::Value::Text(text.as_bytes()),
                &mut out,
            );
            of_field(&mut out, 1);
            out
        };
        assert_eq!(of("P1D"), of("PT24H"));
        assert_eq!(of("P1M"), of("P30D"));
        assert_eq!(of("P1Y"), of("P360D"));
        assert_ne!(of("P1Y"), of("P365D"));
        assert_eq!(of("-178000000 years"), of("-2136000000 mons"));
        assert_ne!(of("P1D"), of("P-1D"));
    }
}
