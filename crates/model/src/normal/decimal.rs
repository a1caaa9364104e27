//! Decimal numbers as text without exponent.
//! Owns the two forms of a decimal: canonical (`1.5`) and with its scale (`1.50`); never rounds.

use super::NoForm;

/// Most digits a decimal is written out to; beyond, PostgreSQL's numeric cannot hold it either.
const MAX_DIGITS: i64 = 147_456;

/// A decimal read from text such as `-1.50e-3`.
pub struct Decimal {
    negative: bool,
    /// All digits, leading zeros gone.
    digits: Vec<u8>,
    /// How many of them stand after the point; negative for trailing zeros left out.
    scale: i64,
}

impl Decimal {
    /// Reads `[sign] digits [. digits] [e exponent]`.
    pub fn parse(text: &[u8]) -> Option<Decimal> {
        let (negative, rest) = match text {
            [b'-', r @ ..] => (true, r),
            [b'+', r @ ..] => (false, r),
            r => (false, r),
        };
        let (mantissa, exponent) = match rest.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&rest[..at], std::str::from_utf8(&rest[at + 1..]).ok()?.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.iter().position(|b| *b == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &[][..]),
        };
        let all = whole.iter().chain(fraction);
        if whole.len() + fraction.len() == 0 || !all.clone().all(u8::is_ascii_digit) {
            return None;
        }
        let digits: Vec<u8> = all.copied().skip_while(|b| *b == b'0').collect();
        let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Some(Decimal { negative, digits, scale })
    }

    /// Whether it is a zero with a minus sign, which numeric does not have.
    pub fn is_negative_zero(&self) -> bool {
        self.negative && self.digits.is_empty()
    }

    /// With its scale, as PostgreSQL's numeric keeps it: `1e2` is `100`, `1.50` stays `1.50`.
    pub fn scaled(&self) -> Result<String, NoForm> {
        let zeros = (-self.scale).max(0);
        if zeros > MAX_DIGITS || self.scale > MAX_DIGITS {
            return Err(NoForm("a number beyond numeric's range"));
        }
        let scale = usize::try_from(self.scale.max(0)).unwrap_or(0);
        let zeros = if self.digits.is_empty() { 0 } else { usize::try_from(zeros).unwrap_or(0) };
        // At least one digit stands before the point.
        let missing = (scale + 1).saturating_sub(self.digits.len() + zeros);
        let mut digits = Vec::with_capacity(missing + self.digits.len() + zeros);
        digits.extend(std::iter::repeat_n(b'0', missing));
        digits.extend_from_slice(&self.digits);
        digits.extend(std::iter::repeat_n(b'0', zeros));
        let mut text = String::with_capacity(digits.len() + 2);
        if self.negative && digits.iter().any(|d| *d != b'0') {
            text.push('-');
        }
        let point = digits.len() - scale;
        text.extend(digits[..point].iter().map(|d| char::from(*d)));
        if scale > 0 {
            text.push('.');
            text.extend(digits[point..].iter().map(|d| char::from(*d)));
        }
        Ok(text)
    }

    /// Canonical: no zeros after the point that say nothing; zero is `0`.
    pub fn canonical(&self) -> Result<String, NoForm> {
        let mut text = self.scaled()?;
        if text.contains('.') {
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        Ok(text)
    }
}

/// PostgreSQL's binary numeric (base 10,000 digits) as canonical text.
/// Source: `numeric_send` as documented in <https://www.postgresql.org/docs/current/datatype-numeric.html> and its wire form.
pub fn from_numeric(field: &[u8]) -> Result<String, NoForm> {
    const BAD: NoForm = NoForm("not a binary numeric");
    let word = |i: usize| field.get(2 * i..2 * i + 2).map(|b| u16::from_be_bytes([b[0], b[1]])).ok_or(BAD);
    let count = usize::from(word(0)?);
    let weight = i64::from(word(1)?.cast_signed());
    let sign = word(2)?;
    if field.len() != 8 + 2 * count || !matches!(sign, 0 | 0x4000) {
        return Err(NoForm("numeric NaN or infinity"));
    }
    let mut digits = String::new();
    for i in 0..count {
        let group = word(4 + i)?;
        if group > 9999 {
            return Err(BAD);
        }
        digits.push_str(&format!("{group:04}"));
    }
    let exponent = 4 * (weight + 1 - count as i64);
    let sign = if sign == 0 { "" } else { "-" };
    let digits = if digits.is_empty() { "0".to_owned() } else { digits };
    Decimal::parse(format!("{sign}{digits}e{exponent}").as_bytes()).ok_or(BAD)?.canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let c = |t: &str| Decimal::parse(t.as_bytes()).map(|d| (d.scaled().unwrap(), d.canonical().unwrap()));
        assert_eq!(c("1.50"), Some(("1.50".into(), "1.5".into())));
        assert_eq!(c("1e2"), Some(("100".into(), "100".into())));
        assert_eq!(c("-0.00"), Some(("0.00".into(), "0".into())));
        assert_eq!(c("15e-4"), Some(("0.0015".into(), "0.0015".into())));
        assert_eq!(c("."), None);
        assert_eq!(c("0e5"), Some(("0".into(), "0".into())));
        assert_eq!(c("1e-3"), Some(("0.001".into(), "0.001".into())));
        assert_eq!(c("100e-2"), Some(("1.00".into(), "1".into())));
        assert_eq!(c("0e-2"), Some(("0.00".into(), "0".into())));
        // Many small numbers with great exponents take time by their digits, not by the square of them.
        let tiny = Decimal::parse(b"1e-147000").unwrap();
        assert!((0..200).all(|_| tiny.scaled().unwrap().len() == 147_002));
        assert!(Decimal::parse(b"1e-147457").unwrap().scaled().is_err());
    }

    #[test]
    fn binary() {
        // 12345.678 = 1*10^4 + 2345 + 0.6780
        let f = [0, 3, 0, 1, 0, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1a, 0x7c];
        assert_eq!(from_numeric(&f), Ok("12345.678".into()));
        assert_eq!(from_numeric(&[0; 8]), Ok("0".into()));
    }
}
