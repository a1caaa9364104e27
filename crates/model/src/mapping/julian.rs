//! Julian day numbers, SQLite's own way to keep an instant in a number, and PostgreSQL's microseconds.
//! Owns the way between the two, without an error of rounding; never reads text.
//!
//! A double holds a day of our time to some 40 microseconds. It becomes the nearest microsecond, halves upwards, and the
//! microsecond becomes the nearest double again, which for days of our time is the very same one.
//! Source: <https://sqlite.org/lang_datefunc.html#dtambg> ("julianday").

use super::datetime::{self, DAY};

/// Microseconds from Julian day 0 (noon, 4714-11-24 BC) to 2000-01-01 00:00, which is 2451544.5.
const EPOCH: i128 = 211_813_444_800_000_000;

/// A double as `mantissa * 2^exponent`.
fn parts(r: f64) -> Option<(i128, i32)> {
    if !r.is_finite() {
        return None;
    }
    let bits = r.to_bits();
    let fraction = i128::from(bits & ((1 << 52) - 1));
    // Eleven bits.
    let biased = (bits >> 52 & 0x7ff) as i32;
    let (mantissa, exponent) = if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    Some((if r < 0.0 { -mantissa } else { mantissa }, exponent))
}

/// Microseconds since 2000-01-01 00:00 of a Julian day; `None` if PostgreSQL does not hold it.
pub fn to_micros(day: f64) -> Option<i64> {
    let (mantissa, exponent) = parts(day)?;
    let scaled = mantissa * i128::from(DAY);
    let micros = if exponent >= 0 {
        // Beyond 2^40 days nothing is held, and so nothing can overflow here.
        if day.abs() > 1e12 {
            return None;
        }
        scaled << exponent
    } else {
        halves_upwards(scaled, exponent.unsigned_abs())
    };
    datetime::within(i64::try_from(micros - EPOCH).ok()?)
}

/// `n / 2^shift`, rounded to the nearest integer, halves upwards.
fn halves_upwards(n: i128, shift: u32) -> i128 {
    match shift {
        // |n| is below 2^90, so that this is the rest of a number nearer to 0 than a half.
        100.. => 0,
        _ => (n + (1 << (shift - 1))) >> shift,
    }
}

/// The double nearest to the Julian day of these microseconds since 2000-01-01 00:00.
pub fn from_micros(micros: i64) -> f64 {
    let total = i128::from(micros) + EPOCH;
    let near = total as f64 / DAY as f64;
    // The quotient of two rounded numbers may be one double off.
    let mut best = (near, i128::MAX, 0);
    for day in [near, near.next_up(), near.next_down()] {
        let Some((mantissa, exponent)) = parts(day) else { continue };
        // Days below 2^-37 (a microsecond) do not occur but as 0, days beyond 2^40 do not occur at all.
        let exponent = exponent.clamp(-90, 0);
        let distance = (mantissa * i128::from(DAY) - (total << exponent.unsigned_abs())).abs();
        // The three may lie on both sides of a power of two: then the exponents differ by one.
        let nearer = match exponent - best.2 {
            _ if best.1 == i128::MAX => true,
            1.. => distance < best.1 / 2,
            0 => distance < best.1,
            _ => distance / 2 < best.1,
        };
        if nearer {
            best = (day, distance, exponent);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        assert_eq!(to_micros(2_451_544.5), Some(0));
        assert_eq!(to_micros(2_440_587.5), Some(-10_957 * DAY));
        assert_eq!(to_micros(2_440_588.0), Some(-10_957 * DAY + DAY / 2));
        assert_eq!(to_micros(0.0), Some(-211_813_444_800_000_000));
        assert_eq!(from_micros(0), 2_451_544.5);
        assert_eq!(from_micros(-211_813_444_800_000_000), 0.0);
        for none in [f64::INFINITY, -1.0, 1e300, 1e12, -1e-1 - 0.5, 110_000_000.0] {
            assert_eq!(to_micros(none), None, "{none}");
        }
        assert_eq!(to_micros(1e-300), to_micros(0.0));
        assert_eq!(to_micros(-1e-300), to_micros(0.0));
    }

    proptest! {
        /// Julian days of our time come back to the bit.
        #[test]
        fn days_of_our_time_come_back(day in 2_000_000.0f64..5_400_000.0) {
            prop_assert_eq!(from_micros(to_micros(day).unwrap()).to_bits(), day.to_bits());
        }

        /// What came back stands for the same microsecond.
        #[test]
        fn every_day_is_a_fixed_point(day in prop_oneof![-0.49f64..1e6, 1e6..1e8, 0.0..0.001, 0.0..1e-9]) {
            if let Some(micros) = to_micros(day) {
                prop_assert_eq!(to_micros(from_micros(micros)), Some(micros));
            }
        }

        #[test]
        fn no_panic(bits in any::<u64>(), micros in any::<i64>()) {
            let _ = (to_micros(f64::from_bits(bits)), from_micros(micros));
        }
    }
}
