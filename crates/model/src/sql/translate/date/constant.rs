//! Times that are known when a translation is made: SQLite's way from a time value and its modifiers to a moment.
//! Owns this calendar; never asks for the current time or a time zone.
//!
//! As in SQLite a time is known as a day's number, as a date, as a clock, or as a number yet to be understood, and each is
//! made of the others when it is asked for. Source: <https://sqlite.org/lang_datefunc.html>.

/// A time value.
#[derive(Clone, Copy, Debug)]
pub(super) enum TimeValue<'a> {
    Number(f64),
    Text(&'a str),
}

/// What is known of a time.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// It is NULL in SQLite.
    Null,
    /// It is this.
    At(Moment),
    /// It depends on the clock or the time zone.
    Later,
}

/// A moment between the years -4713 and 9999.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Milliseconds of the Julian day.
    pub jd: i64,
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: f64,
    /// Fractions of a second are shown.
    pub subsec: bool,
}

const DAY: i64 = 86_400_000;
/// The first moment of 1970.
pub(super) const EPOCH: i64 = 210_866_760_000_000;
const LAST: i64 = 464_269_060_799_999;

/// The moment of a time value with its modifiers.
pub(super) fn known(value: TimeValue<'_>, modifiers: &[&str]) -> Known {
    let mut state = State::default();
    let read = match value {
        TimeValue::Number(r) => {
            state.raw(r);
            Some(())
        }
        TimeValue::Text(t) if is_one_of(t, &["now", "subsec", "subsecond"]) => return Known::Later,
        TimeValue::Text(t) => state.read(t),
    };
    if read.is_none() {
        return Known::Null;
    }
    for (place, modifier) in modifiers.iter().enumerate() {
        if is_one_of(modifier, &["localtime", "utc"]) {
            return Known::Later;
        }
        if state.modify(modifier, place == 0).is_none() {
            return Known::Null;
        }
    }
    state.end(modifiers.is_empty()).map_or(Known::Null, Known::At)
}

fn is_one_of(t: &str, words: &[&str]) -> bool {
    words.iter().any(|w| t.eq_ignore_ascii_case(w))
}

/// Days of a month; `month` is 1 to 12.
fn days(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The number of a day that begins, in milliseconds; days beyond the end of the month run on.
pub(super) fn julian(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(-4713..=9999).contains(&year) {
        return None;
    }
    // Months from March, years from 4801 BC: the day that leap years add is then the last.
    let (m, y) = if month > 2 { (month - 3, year + 4800) } else { (month + 9, year + 4799) };
    let number = (m * 153 + 2) / 5 + day + y * 365 + y / 4 - y / 100 + y / 400 - 32045;
    Some(number * DAY - DAY / 2)
}

/// Year, month and day of a moment.
pub(super) fn civil(jd: i64) -> (i64, i64, i64) {
    let n = (jd + DAY / 2) / DAY + 32044;
    let r = n % 146_097;
    let y = (r - r / 1460 + r / 36_524 - r / 146_096) / 365;
    let day = r - (365 * y + y / 4 - y / 100);
    let m = (5 * day + 2) / 153;
    let (month, next) = if m < 10 { (m + 3, 0) } else { (m - 9, 1) };
    (n / 146_097 * 400 + y - 4800 + next, month, day - (153 * m + 2) / 5 + 1)
}

fn clock(jd: i64) -> (i64, i64, f64) {
    let ms = (jd + DAY / 2) % DAY;
    (ms / 3_600_000, ms / 60_000 % 60, (ms % 60_000) as f64 / 1000.0)
}

fn clock_ms((h, m, s): (i64, i64, f64)) -> i64 {
    h * 3_600_000 + m * 60_000 + (s * 1000.0 + 0.5) as i64
}

#[derive(Clone, Debug, Default)]
struct State {
    jd: Option<i64>,
    date: Option<(i64, i64, i64)>,
    clock: Option<(i64, i64, f64)>,
    /// Minutes that the clock is ahead of UTC.
    zone: i64,
    raw: Option<f64>,
    /// Days that the date is beyond the end of its month.
    over: i64,
    subsec: bool,
}

impl State {
    fn raw(&mut self, r: f64) {
        self.raw = Some(r);
        if (0.0..5_373_484.5).contains(&r) {
            self.jd = Some((r * 86_400_000.0 + 0.5) as i64);
        }
    }

    fn read(&mut self, t: &str) -> Option<()> {
        if self.date_and_clock(t).is_some() {
            return Some(());
        }
        if let Some((clock, zone)) = read_clock(t) {
            self.clock = Some(clock);
            self.zone = zone;
            return Some(());
        }
        self.raw(number(t)?);
        Some(())
    }

    fn date_and_clock(&mut self, t: &str) -> Option<()> {
        let (negative, t) = t.strip_prefix('-').map_or((false, t), |rest| (true, rest));
        let (mut year, mut month, mut day) = (digits(t, 0, 4)?, digits(t, 5, 2)?, digits(t, 8, 2)?);
        if !is_at(t, 4, b'-') || !is_at(t, 7, b'-') || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let rest = t.get(10..)?.trim_start_matches(|c| is_space(c) || c == 'T');
        let mut zone = 0;
        if !rest.is_empty() {
            let (mut clock, ahead) = read_clock(rest)?;
            zone = ahead;
            if clock.0 == 24 {
                clock.0 = 0;
                day += 1;
                if day > days(year, month) {
                    day -= days(year, month);
                    (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                }
            }
            self.clock = Some(clock);
        }
        if negative {
            year = -year;
        }
        self.date = Some((year, month, day));
        self.over = (day - days(year, month)).max(0);
        self.zone = zone;
        if zone != 0 {
            self.number_of_day()?;
        }
        Some(())
    }

    /// Makes sure that the day's number is known.
    fn number_of_day(&mut self) -> Option<i64> {
        if let Some(jd) = self.jd {
            return Some(jd);
        }
        if self.raw.is_some() {
            return None;
        }
        let midnight = matches!((self.date, self.clock), (None, Some((24, _, _))));
        if let (true, Some(clock)) = (midnight, &mut self.clock) {
            clock.0 = 0;
        }
        let (y, m, d) = self.date.unwrap_or((2000, 1, if midnight { 2 } else { 1 }));
        let jd = julian(y, m, d)? + self.clock.map_or(0, clock_ms) - self.zone * 60_000;
        self.jd = Some(jd);
        if self.zone != 0 {
            (self.date, self.clock, self.zone) = (None, None, 0);
        }
        Some(jd)
    }

    fn make_date(&mut self) -> Option<(i64, i64, i64)> {
        if self.date.is_none() {
            self.date = Some(match self.jd {
                None => (2000, 1, 1),
                Some(jd) if !(0..=LAST).contains(&jd) => return None,
                Some(jd) => civil(jd),
            });
        }
        self.date
    }

    fn make_clock(&mut self) -> Option<(i64, i64, f64)> {
        if self.clock.is_none() {
            let jd = self.number_of_day()?;
            self.clock = Some(clock(jd));
            self.raw = None;
        }
        self.clock
    }

    /// Only the day's number is known from now on.
    fn only(&mut self, jd: i64) {
        (self.jd, self.date, self.clock, self.zone) = (Some(jd), None, None, 0);
    }

    /// The day's number of a date that was changed, with the clock as it is.
    fn set_date(&mut self, date: (i64, i64, i64)) -> Option<i64> {
        self.date = Some(date);
        self.over = (date.2 - days(date.0, date.1)).max(0);
        self.jd = None;
        self.number_of_day()
    }

    fn modify(&mut self, modifier: &str, first: bool) -> Option<()> {
        let low = modifier.to_ascii_lowercase();
        match low.as_str() {
            "auto" | "julianday" | "unixepoch" => return if first { self.understand(&low) } else { None },
            "subsec" | "subsecond" => {
                self.subsec = true;
                return Some(());
            }
            "ceiling" | "floor" => {
                let jd = self.number_of_day()?;
                self.only(if low == "floor" { jd.saturating_sub(self.over * DAY) } else { jd });
                if low == "ceiling" {
                    self.over = 0;
                }
                return Some(());
            }
            _ => {}
        }
        if let Some(unit) = low.strip_prefix("start of ") {
            return self.edge(unit, true);
        }
        if let Some(unit) = low.strip_prefix("end of ") {
            return self.edge(unit, false);
        }
        if let Some(n) = low.strip_prefix("weekday ") {
            return self.weekday(n);
        }
        if !modifier.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-') {
            return None;
        }
        if modifier.starts_with(['+', '-']) && (digits(modifier, 1, 4).is_some() && is_at(modifier, 5, b'-')) {
            return self.shift(modifier, 4);
        }
        if modifier.starts_with(['+', '-']) && (digits(modifier, 1, 5).is_some() && is_at(modifier, 6, b'-')) {
            return self.shift(modifier, 5);
        }
        let end = modifier.find(|c| c == ':' || is_space(c))?;
        if modifier.as_bytes().get(end) == Some(&b':') {
            let (clock, zone) = read_clock(modifier.strip_prefix(['+', '-']).unwrap_or(modifier))?;
            let ms = (clock_ms(clock) - zone * 60_000 + DAY).rem_euclid(DAY);
            let jd = self.number_of_day()?;
            self.only(jd.saturating_add(if modifier.starts_with('-') { -ms } else { ms }));
            return Some(());
        }
        let r = number(modifier.get(..end)?)?;
        self.units(r, low.get(end..)?.trim_start_matches(is_space))
    }

    /// What the number that stands before all means.
    fn understand(&mut self, how: &str) -> Option<()> {
        match (how, self.raw, self.jd) {
            ("auto", None, _) | ("auto" | "julianday", Some(_), Some(_)) => self.raw = None,
            ("auto", Some(r), None) if (-210_866_760_000.0..=253_402_300_799.0).contains(&r) => {
                self.only((r * 1000.0 + 210_866_760_000_000.0 + 0.5) as i64);
                self.raw = None;
            }
            ("unixepoch", Some(r), _) => {
                let ms = r * 1000.0 + 210_866_760_000_000.0;
                if !(0.0..464_269_060_800_000.0).contains(&ms) {
                    return None;
                }
                self.only((ms + 0.5) as i64);
                self.raw = None;
            }
            _ => return None,
        }
        Some(())
    }

    fn edge(&mut self, unit: &str, start: bool) -> Option<()> {
        if self.jd.is_none() && self.date.is_none() && self.clock.is_none() {
            return None;
        }
        let (y, m, d) = self.make_date()?;
        (self.jd, self.zone, self.raw) = (None, 0, None);
        self.clock = Some(if start { (0, 0, 0.0) } else { (23, 59, 59.999) });
        self.date = Some(match (unit, start) {
            ("day", _) => (y, m, d),
            ("month", true) => (y, m, 1),
            ("year", true) => (y, 1, 1),
            ("year", false) => (y, 12, 31),
            ("month", false) if (y, m) != (9999, 12) => {
                self.date = Some((y, m, days(y, m)));
                self.over = 0;
                let jd = self.number_of_day()?;
                self.only(jd);
                return Some(());
            }
            _ => return None,
        });
        Some(())
    }

    fn weekday(&mut self, n: &str) -> Option<()> {
        let r = number(n)?;
        if !(-6.0..=6.0).contains(&r) || r.fract() != 0.0 {
            return None;
        }
        let wanted = (r as i64).abs();
        self.make_date()?;
        self.make_clock()?;
        (self.zone, self.jd) = (0, None);
        let mut jd = self.number_of_day()?;
        let mut today = (jd + DAY + DAY / 2) / DAY % 7;
        if today != wanted {
            if today > wanted {
                today -= 7;
            }
            jd += (wanted - today) * DAY;
            if n.contains('-') {
                jd -= 7 * DAY;
            }
        }
        self.only(jd);
        Some(())
    }

    /// `±YYYY-MM-DD[ HH:MM[:SS.SSS]]`.
    fn shift(&mut self, modifier: &str, year_digits: usize) -> Option<()> {
        let rest = modifier.get(1..)?;
        let (years, months, day) =
            (digits(rest, 0, year_digits)?, digits(rest, year_digits + 1, 2)?, digits(rest, year_digits + 4, 2)?);
        if years > 14_712 || months > 11 || day > 30 || !is_at(rest, year_digits + 3, b'-') {
            return None;
        }
        let sign = if modifier.starts_with('-') { -1 } else { 1 };
        let ms = match rest.get(year_digits + 6..)? {
            "" => 0,
            t => {
                let (clock, zone) = read_clock(t.strip_prefix(is_space)?)?;
                (clock_ms(clock) - zone * 60_000 + DAY).rem_euclid(DAY)
            }
        };
        let (y, m, d) = self.make_date()?;
        self.make_clock()?;
        let (y, m) = carried(y + sign * years, m + sign * months);
        let jd = self.set_date((y, m, d))?;
        self.only(jd + sign * (day * DAY + ms));
        Some(())
    }

    /// `NNN units`.
    fn units(&mut self, r: f64, unit: &str) -> Option<()> {
        let mut jd = self.number_of_day()?;
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        let (limit, seconds) = match unit {
            "second" => (f64::from(4.6427e14_f32), 1.0),
            "minute" => (f64::from(7.7379e12_f32), 60.0),
            "hour" => (f64::from(1.2897e11_f32), 3600.0),
            "day" => (5_373_485.0, 86_400.0),
            "month" => (176_546.0, 2_592_000.0),
            "year" => (14_713.0, 31_536_000.0),
            _ => return None,
        };
        if r.abs() >= limit {
            return None;
        }
        self.over = 0;
        let half = if r < 0.0 { -0.5 } else { 0.5 };
        let mut rest = r;
        if matches!(unit, "month" | "year") {
            let (y, m, d) = self.make_date()?;
            self.make_clock()?;
            let whole = r.trunc() as i64;
            let (y, m) = if unit == "month" { carried(y, m + whole) } else { (y + whole, m) };
            jd = self.set_date((y, m, d))?;
            rest = r - r.trunc();
        }
        self.only(jd.saturating_add((rest * 1000.0 * seconds + half) as i64));
        Some(())
    }

    fn end(mut self, bare: bool) -> Option<Moment> {
        let jd = self.number_of_day()?;
        if !(0..=LAST).contains(&jd) {
            return None;
        }
        if bare && self.date.is_some_and(|d| d.2 > 28) {
            self.date = None;
        }
        let (year, month, day) = self.make_date()?;
        let (hour, minute, second) = self.make_clock()?;
        Some(Moment { jd, year, month, day, hour, minute, second, subsec: self.subsec })
    }
}

/// Months from 1 to 12, the others as years.
fn carried(y: i64, m: i64) -> (i64, i64) {
    let over = if m > 0 { (m - 1) / 12 } else { (m - 12) / 12 };
    (y + over, m - over * 12)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

fn is_at(t: &str, place: usize, byte: u8) -> bool {
    t.as_bytes().get(place) == Some(&byte)
}

fn digits(t: &str, from: usize, count: usize) -> Option<i64> {
    let part = t.get(from..from.checked_add(count)?)?;
    if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
}

/// A number with nothing but spaces around it.
fn number(t: &str) -> Option<f64> {
    let t = t.trim_matches(is_space);
    let unsigned = t.strip_prefix(['+', '-']).unwrap_or(t);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 || !exponent_fits {
        return None;
    }
    t.parse().ok()
}

/// `HH:MM[:SS[.SSS]]` with its offset from UTC in minutes.
fn read_clock(t: &str) -> Option<((i64, i64, f64), i64)> {
    let (hour, minute) = (digits(t, 0, 2)?, digits(t, 3, 2)?);
    if !is_at(t, 2, b':') || hour > 24 || minute > 59 {
        return None;
    }
    let mut rest = t.get(5..)?;
    let mut second = 0.0;
    if is_at(rest, 0, b':') {
        let whole = digits(rest, 1, 2)?;
        if whole > 59 {
            return None;
        }
        rest = rest.get(3..)?;
        let length = rest.strip_prefix('.').map_or(0, |f| f.bytes().take_while(u8::is_ascii_digit).count());
        let fraction = rest.get(1..=length).filter(|f| !f.is_empty());
        second = whole as f64;
        if let Some(fraction) = fraction {
            second += format!("0.{fraction}").parse::<f64>().ok()?.min(0.999);
            rest = rest.get(length + 1..)?;
        }
    }
    if hour == 24 && (minute != 0 || second != 0.0) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space);
    let (zone, rest) = match rest.as_bytes().first() {
        None => return Some(((hour, minute, second), 0)),
        Some(b'Z' | b'z') => (0, rest.get(1..)?),
        Some(sign @ (b'+' | b'-')) => {
            let (h, m) = (digits(rest, 1, 2)?, digits(rest, 4, 2)?);
            if h > 14 || m > 59 || !is_at(rest, 3, b':') {
                return None;
            }
            (if *sign == b'-' { -(h * 60 + m) } else { h * 60 + m }, rest.get(6..)?)
        }
        Some(_) => return None,
    };
    rest.trim_start_matches(is_space).is_empty().then_some(((hour, minute, second), zone))
}
