//! Dates, times, instants and spans: texts, and numbers that count them.
//! Owns which form means which; the calendar is in `datetime`, the zone's clock in `zone`.

use super::field::{Misfit, fixed, misfit};
use super::{Codec, Normal, OwnedValue};
use crate::mapping::datetime::{self, Shape, Stamp};
use crate::mapping::interval::Interval;
use crate::mapping::{PgType, julian};
use crate::value::Value;

const OUTSIDE: &str = "outside years 0001 to 9999";

/// Microseconds in the unit of integers that count from 1970; nanoseconds apart.
fn unit(normal: Normal) -> Option<i64> {
    match normal {
        Normal::EpochSeconds => Some(1_000_000),
        Normal::EpochMillis => Some(1_000),
        Normal::EpochMicros => Some(1),
        _ => None,
    }
}

impl Codec {
    #[inline]
    pub(super) fn encode_temporal(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let Value::Text(b) = v else { return self.encode_counted(v, out) };
        if self.counts() {
            return Err(misfit("not a number that counts time", v));
        }
        let Some(stamp) = datetime::parse(b) else { return Err(misfit("not a date of a known form", v)) };
        match (self.ty, stamp.shape) {
            (PgType::Date, Shape::Date) => fixed(out, stamp.days.to_be_bytes()),
            (PgType::Timestamp, Shape::Date | Shape::Local) => fixed(out, stamp.local_micros().to_be_bytes()),
            (PgType::TimestampTz, Shape::Zoned(_)) => fixed(out, stamp.instant().to_be_bytes()),
            (PgType::TimestampTz, _) if self.normal == Normal::ZonedClock => {
                let micros =
                    self.by_clock(&stamp).ok_or_else(|| misfit("an hour that the zone's clocks skipped", v))?;
                fixed(out, micros.to_be_bytes());
            }
            (PgType::Date, _) => return Err(misfit("a date-time, not a date", v)),
            (PgType::Timestamp, _) => return Err(misfit("a date-time with a zone", v)),
            _ => return Err(misfit("a date-time without a zone", v)),
        }
        Ok(())
    }

    /// Whether the column's values are numbers that count time.
    fn counts(&self) -> bool {
        let counted = unit(self.normal).is_some() || matches!(self.normal, Normal::EpochNanos | Normal::JulianDay);
        counted && self.ty != PgType::Date
    }

    /// The instant (microseconds since 2000 UTC) at which the column's zone shows this.
    fn by_clock(&self, stamp: &Stamp) -> Option<i64> {
        let instant = self.zone.as_ref()?.instant(datetime::to_unix(stamp.local_micros())?)?;
        datetime::from_unix(instant, 1)
    }

    fn encode_counted(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        if !self.counts() {
            return Err(misfit("not a date", v));
        }
        let micros = match (self.normal, v) {
            (Normal::JulianDay, Value::Real(day)) => julian::to_micros(day),
            #[allow(clippy::cast_precision_loss)] // days that are held are exact
            (Normal::JulianDay, Value::Integer(day)) => julian::to_micros(day as f64),
            (Normal::EpochNanos, Value::Integer(n)) if n % 1000 != 0 => {
                return Err(misfit("nanoseconds that are no whole microseconds", v));
            }
            (Normal::EpochNanos, Value::Integer(n)) => datetime::from_unix(n / 1000, 1),
            (normal, Value::Integer(n)) => unit(normal).and_then(|unit| datetime::from_unix(n, unit)),
            _ => return Err(misfit("not an integer that counts time", v)),
        };
        let micros = micros.ok_or_else(|| misfit("a time that PostgreSQL does not hold", v))?;
        fixed(out, micros.to_be_bytes());
        Ok(())
    }

    pub(super) fn decode_date(field: &[u8]) -> Result<OwnedValue, &'static str> {
        let days = i32::from_be_bytes(field.try_into().map_err(|_| super::LENGTH)?);
        let text = datetime::format_date(days).ok_or(OUTSIDE)?;
        Ok(OwnedValue::Text(text.into_bytes()))
    }

    pub(super) fn decode_stamp(&self, field: &[u8]) -> Result<OwnedValue, &'static str> {
        let micros = i64::from_be_bytes(field.try_into().map_err(|_| super::LENGTH)?);
        if self.counts() {
            return self.count(micros);
        }
        if self.normal == Normal::ZonedClock && self.ty == PgType::TimestampTz {
            return self.clock(micros).map(|text| OwnedValue::Text(text.into_bytes()));
        }
        let mut text = datetime::format_stamp(micros).ok_or(OUTSIDE)?;
        if self.ty == PgType::TimestampTz {
            text.push_str("+00:00");
        }
        Ok(OwnedValue::Text(text.into_bytes()))
    }

    /// An instant as the number that counts to it.
    fn count(&self, micros: i64) -> Result<OwnedValue, &'static str> {
        const INFINITE: &str = "a time that no SQLite integer counts to";
        let micros = datetime::within(micros).ok_or(INFINITE)?;
        if self.normal == Normal::JulianDay {
            return Ok(OwnedValue::Real(julian::from_micros(micros)));
        }
        let unix = datetime::to_unix(micros).ok_or(INFINITE)?;
        match unit(self.normal) {
            Some(unit) if unix % unit != 0 => Err("a time between two of the column's units"),
            Some(unit) => Ok(OwnedValue::Integer(unix / unit)),
            None => unix.checked_mul(1000).map(OwnedValue::Integer).ok_or(INFINITE),
        }
    }

    /// What the zone's clock shows at an instant; with its offset where the clock alone would mean another instant (the
    /// second of two equal hours).
    fn clock(&self, micros: i64) -> Result<String, &'static str> {
        let zone = self.zone.as_ref().ok_or("a column without its zone")?;
        let instant = datetime::within(micros).and_then(datetime::to_unix).ok_or(OUTSIDE)?;
        let local = zone.local(instant).ok_or(OUTSIDE)?;
        let mut text = datetime::from_unix(local, 1).and_then(datetime::format_stamp).ok_or(OUTSIDE)?;
        if zone.instant(local) != Some(instant) {
            let offset = (local - instant) / 1_000_000;
            if offset % 60 != 0 {
                // Offsets with seconds are history; no text has them.
                return datetime::format_stamp(micros).map(|utc| utc + "+00:00").ok_or(OUTSIDE);
            }
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs() / 60;
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        Ok(text)
    }

    /// Under `Normal::Exact` only a time as PostgreSQL writes it: with seconds, and no zero at the end of a fraction.
    pub(super) fn encode_time(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let Value::Text(b) = v else { return Err(misfit("not a time", v)) };
        let micros = datetime::parse_time(b).ok_or_else(|| misfit("not a time of a known form", v))?;
        let without_seconds = b.len() == 5;
        let zero_at_the_end = b.len() > 8 && b.ends_with(b"0");
        if self.normal == Normal::Exact && (without_seconds || zero_at_the_end) {
            return Err(misfit("a time that PostgreSQL writes in another way", v));
        }
        fixed(out, micros.to_be_bytes());
        Ok(())
    }

    pub(super) fn decode_time(field: &[u8]) -> Result<OwnedValue, &'static str> {
        let micros = i64::from_be_bytes(field.try_into().map_err(|_| super::LENGTH)?);
        let text = datetime::format_time(micros).ok_or("24:00:00, which no SQLite time is")?;
        Ok(OwnedValue::Text(text.into_bytes()))
    }

    pub(super) fn encode_interval(v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let Value::Text(b) = v else { return Err(misfit("not an interval", v)) };
        let interval = Interval::parse(b).ok_or_else(|| misfit("not an interval of a known form", v))?;
        fixed(out, interval.to_binary());
        Ok(())
    }

    pub(super) fn decode_interval(field: &[u8]) -> Result<OwnedValue, &'static str> {
        let interval = Interval::from_binary(field).ok_or("not a finite interval")?;
        Ok(OwnedValue::Text(interval.format().into_bytes()))
    }
}
