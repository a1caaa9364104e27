//! Plain decimals in text (`-12.50`) and PostgreSQL's numeric, digit by digit.
//! Owns numbers of more digits than a machine's word holds; never rounds, and knows no exponents.

use super::numeric::NEGATIVE;

/// Digits that numeric holds before and after the point.
/// Source: <https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-NUMERIC-TABLE>.
const MAX_BEFORE: usize = 131_072;
const MAX_AFTER: usize = 16_383;

/// A plain decimal: an optional `-`, digits without leading zeros, and maybe a point and digits. Never a negative zero, which
/// numeric does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
}

impl<'a> Plain<'a> {
    /// Reads one, if numeric holds so many digits.
    pub fn parse(text: &'a [u8]) -> Option<Plain<'a>> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let length = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        let (whole, rest) = digits.split_at(length);
        let fraction = match rest {
            [] => rest,
            [b'.', fraction @ ..] if !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit) => fraction,
            _ => return None,
        };
        let zero = whole.iter().chain(fraction).all(|b| *b == b'0');
        let plain = matches!(whole, [b'0'] | [b'1'..=b'9', ..]) && !(negative && zero);
        (plain && length <= MAX_BEFORE && fraction.len() <= MAX_AFTER).then_some(Plain { negative, whole, fraction })
    }

    /// Whether `numeric(precision, scale)` holds it without rounding.
    pub fn fits(&self, precision: u16, scale: u16) -> bool {
        let zeros = self.fraction.iter().rev().take_while(|b| **b == b'0').count();
        let after = self.fraction.len() - zeros;
        let before = if self.whole == b"0" { 0 } else { self.whole.len() };
        after <= usize::from(scale) && before + usize::from(scale) <= usize::from(precision)
    }

    /// Appends the binary form: number of groups of four digits, weight of the first, sign, digits after the point.
    pub fn append_binary(&self, out: &mut Vec<u8>) {
        let missing = (4 - self.whole.len() % 4) % 4;
        let padded = std::iter::repeat_n(b'0', missing).chain(self.whole.iter().copied());
        let digits: Vec<u8> = padded.chain(self.fraction.iter().copied()).collect();
        let mut groups: Vec<u16> = digits
            .chunks(4)
            .map(|four| (0..4).fold(0, |n, i| n * 10 + u16::from(four.get(i).map_or(0, |b| b - b'0'))))
            .collect();
        while groups.last() == Some(&0) {
            groups.pop();
        }
        let leading = groups.iter().take_while(|g| **g == 0).count();
        groups.drain(..leading);
        let before = (self.whole.len() + missing) / 4;
        let weight = if groups.is_empty() {
            0
        } else {
            i64::try_from(before).unwrap_or(0) - 1 - i64::try_from(leading).unwrap_or(0)
        };
        let sign = if self.negative && !groups.is_empty() { NEGATIVE } else { 0 };
        // `parse` has limited them all to 16 bits.
        out.extend_from_slice(&u16::try_from(groups.len()).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&i16::try_from(weight).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&sign.to_be_bytes());
        out.extend_from_slice(&u16::try_from(self.fraction.len()).unwrap_or(0).to_be_bytes());
        for group in groups {
            out.extend_from_slice(&group.to_be_bytes());
        }
    }
}

/// `significant * 10^exponent` with at least `scale` digits after the point. `None` if it needs more than that, or more
/// than numeric holds.
pub fn write(negative: bool, significant: &str, exponent: i64, scale: usize) -> Option<String> {
    let after = usize::try_from((-exponent).max(0)).ok()?;
    let zeros = usize::try_from(exponent.max(0)).ok()?;
    if after > scale || scale > MAX_AFTER || zeros + significant.len() > MAX_BEFORE + MAX_AFTER {
        return None;
    }
    let mut digits = format!("{significant}{}{}", "0".repeat(zeros), "0".repeat(scale - after));
    if digits.len() <= scale {
        digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
    }
    if scale > 0 {
        digits.insert(digits.len() - scale, '.');
    }
    if negative {
        digits.insert(0, '-');
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::super::numeric::{Decimal, Number, from_binary};
    use super::*;
    use proptest::prelude::*;

    fn field(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        Plain::parse(text.as_bytes())?.append_binary(&mut out);
        Some(out)
    }

    #[test]
    fn only_plain_decimals() {
        for bad in
            ["", "-", "+1", "01", "1.", ".5", "1e5", "1,5", " 1", "1 ", "--1", "0x1", "NaN", "1.5.5", "-0", "-0.00"]
        {
            assert_eq!(Plain::parse(bad.as_bytes()), None, "{bad}");
        }
        assert!(field(&"9".repeat(131_072)).is_some() && field(&"9".repeat(131_073)).is_none());
        assert!(field(&format!("0.{}", "9".repeat(16_383))).is_some());
        assert!(field(&format!("0.{}", "9".repeat(16_384))).is_none());
        let fits = |t: &str, p, s| Plain::parse(t.as_bytes()).unwrap().fits(p, s);
        assert!(fits("12345678.90", 10, 2) && fits("0.1000", 2, 2) && fits("-1.5", 2, 1));
        assert!(!fits("123456789.0", 10, 2) && !fits("0.125", 10, 2) && !fits("1", 2, 2));
    }

    proptest! {
        /// The same number in another way of writing it has the same digits.
        #[test]
        fn integers_are_integers(i in any::<i64>()) {
            let mut want = Vec::new();
            Decimal::from_integer(i).append_binary(&mut want);
            prop_assert_eq!(field(&i.to_string()).unwrap(), want);
        }

        #[test]
        fn decimals_come_back(text in "-?(0|[1-9][0-9]{0,30})\\.[0-9]{1,30}") {
            let Some(field) = field(&text) else {
                prop_assert!(text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')));
                return Ok(());
            };
            let back = match from_binary(&field).unwrap() {
                Number::Integer(i) => i.to_string(),
                Number::Real(r) => r.to_string(),
                Number::Text(t) => { prop_assert_eq!(&t, &text); return Ok(()) }
            };
            let trimmed = text.trim_end_matches('0').trim_end_matches('.');
            prop_assert_eq!(back, trimmed);
        }
    }
}
