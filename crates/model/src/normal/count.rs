//! Numbers that count time → microseconds since 1970.
//! Owns its own arithmetic for integers of a unit and for Julian days; never reads text.

use super::NoForm;
use crate::value::Value;

const BEYOND: NoForm = NoForm("a time that PostgreSQL does not hold");
/// The earliest instant of PostgreSQL: 4714-11-24 00:00 before Christ, Julian day -0.5.
const FIRST: i128 = -210_866_803_200_000_000;

/// How a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Integers; so many to a second, from 1970 on.
    Unix(i64),
    /// Days and their fractions.
    Julian,
}

/// Microseconds since 1970.
pub fn micros(count: Count, value: Value<'_>) -> Result<i64, NoForm> {
    let micros = match (count, value) {
        (Count::Unix(per_second), Value::Integer(n)) => {
            let nanos = i128::from(n) * i128::from(1_000_000_000 / per_second);
            if nanos % 1000 != 0 {
                return Err(NoForm("not a whole number of microseconds"));
            }
            nanos / 1000
        }
        (Count::Julian, Value::Integer(day)) => i128::from(day) * 86_400_000_000 - 210_866_760_000_000_000,
        (Count::Julian, Value::Real(day)) if day.abs() < 1e9 => julian(day),
        _ => return Err(NoForm("not a number that counts time")),
    };
    if micros < FIRST {
        return Err(BEYOND);
    }
    i64::try_from(micros).map_err(|_| BEYOND)
}

/// The nearest microsecond, halves upwards. Whole days and the fraction, which is exact, are taken apart.
fn julian(day: f64) -> i128 {
    /// 2^64: what is finer than that is far finer than a half of a microsecond.
    const FINE: f64 = 18_446_744_073_709_551_616.0;
    let whole = day.floor();
    let fraction = ((day - whole) * FINE) as u128;
    let micros = (fraction * 86_400_000_000 + (1 << 63)) >> 64;
    whole as i128 * 86_400_000_000 + micros as i128 - 210_866_760_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::julian::to_micros;
    use proptest::prelude::*;

    fn agree(day: f64) {
        let ours = micros(Count::Julian, Value::Real(day)).ok();
        let theirs = to_micros(day).map(|micros| micros + 10_957 * 86_400_000_000);
        assert_eq!(ours, theirs, "{day:e}");
    }

    proptest! {
        #[test]
        fn the_codecs_days_agree(
            day in prop_oneof![-1.0f64..1e8, 2.4e6..2.5e6, -1e-3..1e-3, any::<f64>()],
            // Halves of a microsecond: multiples of 2^-14 days are such.
            eighths in 0i64..80_000_000_000,
        ) {
            if !day.is_nan() {
                agree(day);
            }
            agree(eighths as f64 / 16_384.0);
        }
    }

    #[test]
    fn known_moments() {
        let unix = |per_second, n| micros(Count::Unix(per_second), Value::Integer(n));
        assert_eq!(unix(1, -1), Ok(-1_000_000));
        assert_eq!(unix(1_000_000_000, 1_500), Err(NoForm("not a whole number of microseconds")));
        assert_eq!(unix(1_000_000_000, -2_000), Ok(-2));
        assert_eq!(unix(1, i64::MAX), Err(BEYOND));
        assert_eq!(unix(1_000_000, i64::MIN), Err(BEYOND));
        assert_eq!(micros(Count::Julian, Value::Real(2_440_587.5)), Ok(0));
        assert_eq!(micros(Count::Julian, Value::Integer(2_440_588)), Ok(43_200_000_000));
        assert!(micros(Count::Julian, Value::Real(f64::INFINITY)).is_err());
    }
}
