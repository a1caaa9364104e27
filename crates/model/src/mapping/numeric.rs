//! Decimal numbers: the shortest decimal of a double, and PostgreSQL's binary form of numeric.
//! Owns exactness; never rounds.
//!
//! The binary form is not documented in the manual; it is what `numeric_send` writes: four 16-bit words (number of
//! base-10000 digits, weight of the first, sign, display scale) and the digits.
//! Source: <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/numeric.c>.

use super::decimal;
use std::fmt::Write as _;

/// The sign of numbers below zero.
pub(super) const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const PLUS_INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// An exact decimal: `digits * 10^exponent`, negated if `negative`. Holds every `i64` and the shortest decimal of every
/// finite double (17 digits at most).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// Below zero.
    pub negative: bool,
    /// All digits, without the point; no trailing zeros if it came from a double.
    pub digits: u64,
    /// Power of ten.
    pub exponent: i32,
}

impl Decimal {
    /// An integer, exactly.
    #[inline]
    pub fn from_integer(i: i64) -> Self {
        Decimal { negative: i < 0, digits: i.unsigned_abs(), exponent: 0 }
    }

    /// The shortest decimal that reads back as the same double. `None` for infinities, NaN and -0.0, which no decimal is.
    #[inline]
    pub fn shortest(r: f64) -> Option<Self> {
        if !r.is_finite() || (r == 0.0 && r.is_sign_negative()) {
            return None;
        }
        Some(few_decimals(r).unwrap_or_else(|| by_formatting(r)))
    }

    /// Digits before the point (0 for numbers below one) and after it.
    #[inline]
    pub fn places(&self) -> (u32, u32) {
        if self.digits == 0 {
            return (0, 0);
        }
        let length = i64::from(self.digits.ilog10()) + 1;
        let before = (length + i64::from(self.exponent)).max(0);
        let after = (-i64::from(self.exponent)).max(0);
        (u32::try_from(before).unwrap_or(u32::MAX), u32::try_from(after).unwrap_or(u32::MAX))
    }

    /// Whether `numeric(precision, scale)` holds it without rounding.
    #[inline]
    pub fn fits(&self, precision: u16, scale: u16) -> bool {
        let (before, after) = self.places();
        after <= u32::from(scale) && before + u32::from(scale) <= u32::from(precision)
    }

    /// Appends PostgreSQL's binary form (without the length of the field).
    pub fn append_binary(&self, out: &mut Vec<u8>) {
        let mut groups = [0u16; 8];
        let mut count = 0usize;
        let pad = self.exponent.rem_euclid(4);
        let mut power = (self.exponent - pad) / 4;
        let factor = [1, 10, 100, 1000][pad.unsigned_abs() as usize & 3];
        let mut split = |group: u16| {
            // Zeros before the first digit that is not one are not written, they only move the weight.
            if group == 0 && count == 0 {
                power += 1;
            } else if let Some(place) = groups.get_mut(count) {
                *place = group;
                count += 1;
            }
        };
        #[allow(clippy::cast_possible_truncation)] // below 10000
        if let Some(mut rest) = self.digits.checked_mul(factor) {
            while rest > 0 {
                split((rest % 10_000) as u16);
                rest /= 10_000;
            }
        } else {
            let mut rest = u128::from(self.digits) * u128::from(factor);
            while rest > 0 {
                split((rest % 10_000) as u16);
                rest /= 10_000;
            }
        }
        let weight = if count == 0 { 0 } else { i32::try_from(count).unwrap_or(0) - 1 + power };
        let scale = if self.digits == 0 { 0 } else { (-self.exponent).max(0) };
        // The exponent of a double or an i64 is within ±400, so none of these narrowings can lose anything.
        out.extend_from_slice(&u16::try_from(count).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&i16::try_from(weight).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&(if self.negative { NEGATIVE } else { 0 }).to_be_bytes());
        out.extend_from_slice(&u16::try_from(scale).unwrap_or(0).to_be_bytes());
        for group in groups[..count].iter().rev() {
            out.extend_from_slice(&group.to_be_bytes());
        }
    }
}

/// Most doubles in tables have three decimals or fewer: then scaling, rounding and dividing back shows it.
/// Right because m and 10^k are exact doubles below 10^15, so m / 10^k is the double nearest to that decimal, and
/// a decimal of at most 15 digits is the only one of its length that reads as that double.
#[inline]
fn few_decimals(r: f64) -> Option<Decimal> {
    const SCALES: [(f64, i32); 3] = [(1.0, 0), (100.0, -2), (1000.0, -3)];
    let magnitude = r.abs();
    if magnitude >= 1e12 || (r != 0.0 && magnitude < 1e-3) {
        return None;
    }
    for (scale, exponent) in SCALES {
        // An integer below 10^15. `round` would be a call; if the decimal exists, half a unit more cuts to the same.
        let m = (magnitude * scale + 0.5) as u64;
        #[allow(clippy::float_cmp, clippy::cast_precision_loss)] // equality to the bit is what is asked
        if m as f64 / scale == magnitude {
            let mut d = Decimal { negative: r < 0.0, digits: m, exponent };
            while d.exponent < 0 && d.digits.is_multiple_of(10) {
                d.digits /= 10;
                d.exponent += 1;
            }
            return Some(d);
        }
    }
    None
}

/// A stack buffer for formatting.
struct Short {
    bytes: [u8; 40],
    length: usize,
}

impl std::fmt::Write for Short {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let end = self.length + s.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(s.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Rust's `{:e}` is the shortest decimal that reads back as the same double.
/// Source: <https://doc.rust-lang.org/std/primitive.f64.html#impl-LowerExp-for-f64>.
fn by_formatting(r: f64) -> Decimal {
    let mut text = Short { bytes: [0; 40], length: 0 };
    let _ = write!(text, "{:e}", r.abs());
    let mut digits = 0u64;
    let mut exponent = 0i32;
    let mut after_point = false;
    let mut bytes = text.bytes[..text.length].iter();
    for b in bytes.by_ref() {
        match b {
            b'.' => after_point = true,
            b'e' => break,
            _ => {
                digits = digits * 10 + u64::from(b - b'0');
                exponent -= i32::from(after_point);
            }
        }
    }
    let mut power = 0i32;
    let mut minus = false;
    for b in bytes {
        match b {
            b'-' => minus = true,
            _ => power = power * 10 + i32::from(b - b'0'),
        }
    }
    Decimal { negative: r < 0.0, digits, exponent: exponent + if minus { -power } else { power } }
}

/// What a numeric field holds, as SQLite can.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A whole number of 64 bits.
    Integer(i64),
    /// A double whose shortest decimal is exactly the numeric value (or an infinity).
    Real(f64),
    /// A decimal that is neither, written out as PostgreSQL shows it.
    Text(String),
}

/// Reads PostgreSQL's binary form. Errors say why SQLite has no value that is exactly this one.
pub fn from_binary(field: &[u8]) -> Result<Number, &'static str> {
    const BROKEN: &str = "not the binary form of numeric";
    let word = |i: usize| field.get(i * 2..i * 2 + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let (Some(count), Some(weight), Some(sign), Some(scale)) = (word(0), word(1), word(2), word(3)) else {
        return Err(BROKEN);
    };
    match sign {
        NAN => return Err("NaN, which SQLite stores as NULL"),
        PLUS_INFINITY => return Ok(Number::Real(f64::INFINITY)),
        MINUS_INFINITY => return Ok(Number::Real(f64::NEG_INFINITY)),
        0 | NEGATIVE => {}
        _ => return Err(BROKEN),
    }
    let count = usize::from(count);
    if field.len() != 8 + count * 2 {
        return Err(BROKEN);
    }
    let mut text = String::with_capacity(count * 4);
    for i in 0..count {
        let digit = word(4 + i).unwrap_or(0);
        if digit > 9999 {
            return Err(BROKEN);
        }
        let _ = write!(text, "{digit:04}");
    }
    let significant = text.trim_start_matches('0').trim_end_matches('0');
    let dropped = text.len() - text.trim_end_matches('0').len();
    // Value = digits of `text` * 10000^(weight + 1 - count).
    let weight = i64::from(weight.cast_signed());
    let exponent = (weight + 1 - i64::try_from(count).unwrap_or(0)) * 4 + i64::try_from(dropped).unwrap_or(0);
    let negative = sign == NEGATIVE;
    match number(negative, significant, exponent) {
        Some(number) => Ok(number),
        None => decimal::write(negative, significant, exponent, scale.into()).map(Number::Text).ok_or(BROKEN),
    }
}

fn number(negative: bool, significant: &str, exponent: i64) -> Option<Number> {
    if significant.is_empty() {
        return Some(Number::Integer(0));
    }
    let sign = if negative { "-" } else { "" };
    if (0..19).contains(&exponent) && significant.len() <= 19 {
        let zeros = "0".repeat(usize::try_from(exponent).unwrap_or(0));
        if let Ok(i) = format!("{sign}{significant}{zeros}").parse::<i64>() {
            return Some(Number::Integer(i));
        }
    }
    if significant.len() > 17 {
        return None;
    }
    let real: f64 = format!("{sign}{significant}e{exponent}").parse().ok()?;
    let exact = Decimal::shortest(real).is_some_and(|d| {
        let mut d = d;
        while d.digits > 0 && d.digits.is_multiple_of(10) {
            d.digits /= 10;
            d.exponent += 1;
        }
        i64::from(d.exponent) == exponent && d.digits.to_string() == significant
    });
    exact.then_some(Number::Real(real))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse_back(d: Decimal) -> f64 {
        format!("{}{}e{}", if d.negative { "-" } else { "" }, d.digits, d.exponent).parse().unwrap()
    }

    proptest! {
        #[test]
        fn shortest_reads_back(bits in any::<u64>()) {
            let r = f64::from_bits(bits);
            if let Some(d) = Decimal::shortest(r) {
                prop_assert_eq!(parse_back(d).to_bits(), bits);
            }
        }

        #[test]
        fn the_quick_way_is_the_slow_way(m in -999_999_999_999_999i64..=999_999_999_999_999, k in 0i32..6) {
            let r: f64 = format!("{m}e-{k}").parse().unwrap();
            if m != 0 && let Some(quick) = few_decimals(r) {
                let slow = by_formatting(r);
                prop_assert_eq!(parse_back(quick).to_bits(), r.to_bits());
                prop_assert_eq!(quick.places(), slow.places());
            }
        }

        #[test]
        fn integers_come_back(i in any::<i64>()) {
            let mut out = Vec::new();
            Decimal::from_integer(i).append_binary(&mut out);
            prop_assert_eq!(from_binary(&out), Ok(Number::Integer(i)));
        }

        #[test]
        fn reals_come_back_as_the_same_number(bits in any::<u64>()) {
            let r = f64::from_bits(bits);
            if let Some(d) = Decimal::shortest(r) {
                let mut out = Vec::new();
                d.append_binary(&mut out);
                match from_binary(&out).unwrap() {
                    Number::Real(back) => prop_assert_eq!(back.to_bits(), bits),
                    Number::Integer(i) => prop_assert_eq!((i as f64).to_bits(), bits),
                    Number::Text(text) => prop_assert!(false, "{}", text),
                }
            }
        }
    }

    #[test]
    fn fits_counts_digits_not_doubles() {
        let d = |r| Decimal::shortest(r).unwrap();
        assert!(d(12345678.9).fits(10, 2) && !d(123456789.9).fits(10, 2) && !d(0.125).fits(10, 2));
        assert!(d(0.01).fits(2, 2) && !d(1.0).fits(2, 2) && d(1e300).fits(301, 0) && d(5e-324).fits(324, 324));
    }
}
