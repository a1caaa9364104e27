//! Clocks of a named zone → instants.
//! Owns its own search for the instant at which a clock shows a time; only the offsets come from the zone's rules.

use super::NoForm;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The rules of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Always the same offset, in seconds east of UTC.
    Fixed(i64),
    /// A zone of the IANA database.
    Named(TimeZone),
}

impl Rules {
    /// The rules of a zone by its name, `Europe/Berlin` or `+02:00`.
    pub fn of(name: &str) -> Option<Rules> {
        match name.as_bytes() {
            [sign @ (b'+' | b'-'), a, b, b':', c, d] => {
                let digit = |b: &u8| char::from(*b).to_digit(10).map(i64::from);
                let minutes = (10 * digit(a)? + digit(b)?) * 60 + 10 * digit(c)? + digit(d)?;
                Some(Rules::Fixed(if *sign == b'-' { -60 * minutes } else { 60 * minutes }))
            }
            _ => TimeZoneDatabase::bundled().get(name).ok().map(Rules::Named),
        }
    }

    /// Seconds east of UTC at an instant in seconds since 1970.
    fn offset(&self, instant: i64) -> Option<i64> {
        match self {
            Rules::Fixed(offset) => Some(*offset),
            Rules::Named(rules) => {
                // The year 9999 ends beyond the database's range; 9599 has the same days, and the same rules.
                let moved = if instant >= 253_370_764_800 { instant - 12_622_780_800 } else { instant };
                Some(i64::from(rules.to_offset(Timestamp::from_second(moved).ok()?).seconds()))
            }
        }
    }

    /// The first instant at which the zone's clock shows `local`; both in microseconds since 1970.
    pub fn instant(&self, local: i64) -> Result<i64, NoForm> {
        const SKIPPED: NoForm = NoForm("an hour that the zone's clocks skipped");
        let (second, rest) = (local.div_euclid(1_000_000), local.rem_euclid(1_000_000));
        // No offset is a day or more, so one of the offsets within a day to either side is that of the instant.
        let mut offsets: Vec<i64> =
            [-86_400, -43_200, 0, 43_200, 86_400].iter().filter_map(|away| self.offset(second + away)).collect();
        // The greater the offset, the earlier the instant.
        offsets.sort_unstable_by(|a, b| b.cmp(a));
        let found = offsets.iter().find(|offset| self.offset(second - **offset) == Some(**offset)).ok_or(SKIPPED)?;
        Ok((second - found) * 1_000_000 + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::zone::Zone;
    use proptest::prelude::*;

    const ZONES: [&str; 14] = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
        "Antarctica/Troll",
        "America/Caracas",
        "Asia/Pyongyang",
        "Europe/Dublin",
        "UTC",
        "+05:45",
        "-09:30",
    ];

    fn agree(name: &str, local: i64) {
        let (ours, theirs) = (Rules::of(name).unwrap(), Zone::parse(name).unwrap());
        assert_eq!(ours.instant(local).ok(), theirs.instant(local), "{name} {local}");
    }

    /// Around every change of the clocks of these zones, by quarters of an hour.
    #[test]
    fn the_codecs_clock_agrees_around_every_change() {
        let mut changes = 0;
        for name in ZONES {
            let Rules::Named(rules) = Rules::of(name).unwrap() else { continue };
            let end = Timestamp::from_second(2_300_000_000).unwrap();
            for change in rules.following(Timestamp::from_second(-3_000_000_000).unwrap()) {
                if change.timestamp() > end {
                    break;
                }
                changes += 1;
                let at = change.timestamp().as_second();
                (-130..130).for_each(|quarter| agree(name, (at + 900 * quarter) * 1_000_000));
            }
        }
        assert!(changes > 500, "{changes}");
    }

    proptest! {
        #[test]
        fn the_codecs_clock_agrees(zone in proptest::sample::select(&ZONES[..]), local in -62_135_596_800_000_000i64..253_402_300_800_000_000) {
            agree(zone, local);
        }
    }

    #[test]
    fn years_9999_and_1() {
        for name in ZONES {
            agree(name, 253_402_300_799_999_999);
            agree(name, -62_135_596_800_000_000);
            assert!(Rules::of(name).unwrap().instant(253_402_300_799_999_999).is_ok());
        }
    }
}
