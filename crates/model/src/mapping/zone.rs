//! A time zone that a person named for date-times without one: `--assume-tz Europe/Berlin`.
//! Owns the way between its clock and the instant; never reads the machine's own zone or files (the rules are built in, so
//! that every machine comes to the same result).

use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

/// A zone of the IANA database, or a fixed offset such as `+02:00`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Zone, String> {
        Zone::parse(&name)
    }
}

impl Zone {
    /// Reads a name (`Europe/Berlin`, `UTC`) or an offset (`+02:00`, `-05:30`).
    ///
    /// # Errors
    /// A message that says what may be given.
    pub fn parse(name: &str) -> Result<Zone, String> {
        let rules = match fixed(name) {
            Some(rules) => rules,
            None => TimeZoneDatabase::bundled()
                .get(name)
                .map_err(|_| format!("no such time zone: {name:?}; give one like Europe/Berlin, UTC or +02:00"))?,
        };
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Ok(Zone { name, rules })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instant (microseconds since 1970-01-01 UTC) at which its clock shows `local` (microseconds since 1970-01-01
    /// on that clock). Of an hour that comes twice the first one; `None` for an hour that the clock skipped.
    pub fn instant(&self, local: i64) -> Option<i64> {
        let seconds = known(local.div_euclid(1_000_000));
        let shown = Timestamp::from_second(seconds).ok()?;
        let civil: civil::DateTime = TimeZone::UTC.to_datetime(shown);
        let offset = match self.rules.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => offset,
            AmbiguousOffset::Gap { .. } => return None,
        };
        local.checked_sub(i64::from(offset.seconds()) * 1_000_000)
    }

    /// What its clock shows at an instant; both as in [`Zone::instant`].
    pub fn local(&self, instant: i64) -> Option<i64> {
        let stamp = Timestamp::from_second(known(instant.div_euclid(1_000_000))).ok()?;
        instant.checked_add(i64::from(self.rules.to_offset(stamp).seconds()) * 1_000_000)
    }
}

/// The last year that is written, 9999, ends beyond the range of `jiff`; 400 years before, the days and rules are the same.
fn known(seconds: i64) -> i64 {
    const YEAR_9999: i64 = 253_370_764_800;
    const FOUR_CENTURIES: i64 = 146_097 * 86_400;
    if seconds < YEAR_9999 { seconds } else { seconds - FOUR_CENTURIES }
}

/// `±HH:MM`, up to 15:59 as in PostgreSQL.
fn fixed(name: &str) -> Option<TimeZone> {
    let (sign, rest) = match name.as_bytes().first()? {
        b'+' => (1, &name[1..]),
        b'-' => (-1, &name[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<i32>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 15 || minutes > 59 {
        return None;
    }
    Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-03-31 02:30:00 does not exist in Berlin; 2024-10-27 02:30:00 comes twice.
    #[test]
    fn the_hour_that_is_skipped_and_the_one_that_comes_twice() {
        let berlin = Zone::parse("europe/berlin").unwrap();
        assert_eq!(berlin.name(), "Europe/Berlin");
        let second = 1_000_000;
        assert_eq!(berlin.instant(1_711_852_200 * second), None);
        assert_eq!(berlin.instant(1_711_848_600 * second), Some(1_711_845_000 * second));
        assert_eq!(berlin.instant(1_729_996_200 * second), Some(1_729_989_000 * second));
        assert_eq!(berlin.local(1_729_989_000 * second), Some(1_729_996_200 * second));
        assert_eq!(berlin.instant(-1), Some(-3_600_000_001));
        // 9999-12-31 23:59:59, a favourite for "never".
        let never = 253_402_300_799 * second;
        assert_eq!(berlin.instant(never), Some(never - 3600 * second));
        assert_eq!(berlin.local(never - 3600 * second), Some(never));
    }

    #[test]
    fn names_and_offsets() {
        assert_eq!(Zone::parse("+05:30").unwrap().instant(0), Some(-19_800_000_000));
        for bad in ["Berlin", "", "+5", "+25:00", "Europe/Berlin; DROP"] {
            assert!(Zone::parse(bad).unwrap_err().contains("Europe/Berlin, UTC"), "{bad}");
        }
    }
}
