//! Columns declared as dates, date-times, times, intervals and addresses: what has a written form.
//! Owns these rules; never guesses what a number means unless `--types inferred` asks for it.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::declared::Declared;
use super::super::epoch;
use super::super::forms::{Form, Group};
use super::super::policy::{Choice, Kind};
use super::super::treat::Treatment;
use super::super::trial::Trial;
use super::numbers::span;
use super::verdict::Verdict;
use super::{Rules, facts, thousands};
use crate::finding::{Finding, codes};
use crate::value::Class;

impl Rules<'_> {
    pub fn temporal(&self, declared: Declared) -> Verdict {
        if !self.only(Class::Text) {
            return self.no_date_text(declared);
        }
        let p = self.p;
        let count = |form| p.count(form).unwrap_or(0);
        let (dates, local, zoned) = (count(Form::Date), count(Form::Local), count(Form::Zoned));
        if declared == Declared::Date && dates == p.texts {
            return Verdict::new(PgType::Date, self.all("dates"));
        }
        if dates + local == p.texts {
            let midnight = dates + count(Form::Midnight) == p.texts;
            let tail = if midnight { ", all at midnight" } else { "" };
            return Verdict::new(PgType::Timestamp, format!("{} without zone{tail}", self.all("date-times")));
        }
        if zoned == p.texts {
            return Verdict::new(PgType::TimestampTz, format!("{} with a zone", self.all("date-times")));
        }
        let strangers = p.texts - dates - local - zoned;
        let why = if strangers == 0 {
            format!("{} date-times have a zone and {} have none", thousands(zoned), thousands(dates + local))
        } else {
            self.strangers(strangers, Group::Temporal, "no dates")
        };
        self.unfit_dates(declared, why.clone()).unwrap_or_else(|| Verdict::new(PgType::Text, why.clone()).wider(why))
    }

    /// A date column without text, or with more than text.
    fn no_date_text(&self, declared: Declared) -> Verdict {
        let verdict = self.by_content();
        if self.only(Class::Integer) {
            let (low, high) = (self.p.integer_min, self.p.integer_max);
            #[allow(clippy::cast_precision_loss)] // only to show days
            let meanings = epoch::meanings(low as f64, high as f64);
            return verdict.note(format!("holds {}, not dates{meanings}", span(low, high)));
        }
        if self.p.texts + self.p.blobs + self.p.integers + self.p.non_finite == 0 {
            let (low, high) = (self.p.real_min, self.p.real_max);
            let meanings = epoch::meanings(low, high);
            return verdict.note(format!("holds reals from {low:?} to {high:?}, not dates{meanings}"));
        }
        let known: u64 = [Form::Date, Form::Local, Form::Zoned].iter().map(|f| self.p.count(*f).unwrap_or(0)).sum();
        let why = self.strangers(self.p.values() - known, Group::Temporal, "no dates");
        let why = format!("{why}: {}", self.classes());
        self.unfit_dates(declared, why.clone()).unwrap_or_else(|| verdict.wider(why))
    }

    /// What a policy makes of a date column that holds other things too; `None` where it becomes text.
    fn unfit_dates(&self, declared: Declared, why: String) -> Option<Verdict> {
        let policy = self.policy(Kind::Dates);
        let (ty, kept) = self.dates_alone(declared);
        let mut verdict = Verdict::new(ty, format!("{why}; {kept}"));
        match policy {
            Choice::Null => verdict.treatments.push(Treatment::UnfitNull),
            Choice::Quarantine => verdict.quarantine = true,
            Choice::Fail => verdict = Verdict::new(PgType::Text, why.clone()),
            _ => return None,
        }
        verdict.unfit = Some((Kind::Dates, codes::DATES, why));
        Some(verdict)
    }

    /// The type of those values that are dates.
    fn dates_alone(&self, declared: Declared) -> (PgType, &'static str) {
        let count = |form| self.p.count(form).unwrap_or(0);
        let (dates, local, zoned) = (count(Form::Date), count(Form::Local), count(Form::Zoned));
        if zoned > dates + local {
            (PgType::TimestampTz, "the others are date-times with a zone")
        } else if declared == Declared::Date && local == 0 {
            (PgType::Date, "the others are dates")
        } else {
            (PgType::Timestamp, "the others are date-times without zone")
        }
    }

    /// TIME, INTERVAL and addresses: all values in the form of the type, else text.
    pub fn written_form(&self, declared: Declared) -> Verdict {
        let (ty, what) = match declared {
            Declared::Time => (PgType::Time, "times"),
            Declared::Interval => (PgType::Interval, "durations"),
            Declared::Cidr => (PgType::Cidr, "networks"),
            Declared::MacAddr => (PgType::MacAddr, "hardware addresses"),
            _ => (PgType::Inet, "addresses"),
        };
        if !self.only(Class::Text) {
            return self.by_content().wider(self.not_as_declared());
        }
        if facts::has_form(self.p, ty) && !self.in_expression() {
            return Verdict::new(ty, self.all(what)).written(facts::form_normal(self.p, ty));
        }
        let why = match facts::has_form(self.p, ty) {
            true => format!("{}, and an expression of the schema takes them for texts", self.all(what)),
            false => format!("not all values are {what}"),
        };
        Verdict::new(PgType::Text, why.clone()).wider(why)
    }

    /// Date-times without zone are of the zone that a person named.
    pub fn zoned(&self, mut verdict: Verdict) -> Verdict {
        let plain = verdict.ty == PgType::Timestamp && self.normal_of(&verdict) == Normal::DateTime;
        if plain && let Some(back) = self.no_such_hours(&verdict) {
            return back;
        }
        if let Some(zone) = self.choices.zone.as_ref().filter(|_| plain) {
            verdict.ty = PgType::TimestampTz;
            verdict.normal = Some(Normal::ZonedClock);
            verdict.why.push_str(&format!(", taken for those of {}", zone.name()));
            verdict.zone = Some(zone.clone());
        }
        verdict
    }

    /// Date-times that the clock of the zone never showed are no strangers: no policy may take them away. The column stays
    /// without zone, and where some of its values have one, it stays as it is.
    fn no_such_hours(&self, verdict: &Verdict) -> Option<Verdict> {
        let zone = self.choices.zone.as_ref()?;
        let trials = [self.profile.trials.get(&self.index), self.profile.clocks.get(&self.index)];
        let of_zone =
            |t: &&Trial| t.is_of(PgType::TimestampTz, Normal::ZonedClock) && t.crossing.zone.as_ref() == Some(zone);
        let trial = trials.into_iter().flatten().find(of_zone)?;
        let count = |form| self.p.count(form).unwrap_or(0);
        let zoned = count(Form::Zoned);
        let known = count(Form::Date) + count(Form::Local) + zoned;
        let strangers = self.p.values().saturating_sub(known);
        let unshown = (trial.misfits + trial.nulled).saturating_sub(strangers);
        if unshown == 0 {
            return None;
        }
        let why = format!(
            "{} of {} values do not fit timestamptz{}; the clock of {} never showed {}",
            thousands(unshown),
            thousands(trial.values),
            trial.shown(),
            zone.name(),
            if unshown == 1 { "it" } else { "them" }
        );
        if zoned > 0 && known > zoned {
            return Some(Verdict::new(PgType::Text, why.clone()).wider(why));
        }
        let mut back = Verdict { why: format!("{}; {why}", verdict.why), ..verdict.clone() };
        let object = format!("{}.{}", self.table.name, self.column.name);
        back.findings.push(Finding::warning(
            codes::WIDER,
            object,
            why,
            "it becomes timestamp, which holds every date-time",
        ));
        Some(back)
    }

    /// A verdict that the trial found wrong is taken back: the values stay as they are.
    pub fn tried(&self, verdict: Verdict) -> Verdict {
        let normal = self.normal_of(&verdict);
        let Some(trial) = self.profile.trials.get(&self.index).filter(|t| t.is_of(verdict.ty, normal)) else {
            return verdict;
        };
        let told = verdict.quarantine || verdict.treatments.contains(&Treatment::UnfitNull);
        if trial.misfits == 0 || told {
            return verdict;
        }
        let why = format!(
            "{} of {} values do not fit {}{}",
            thousands(trial.misfits),
            thousands(trial.values),
            verdict.ty.sql(),
            trial.shown()
        );
        match verdict.ty {
            // So many characters, but a space at the end, which char(n) does not tell from padding.
            PgType::Char(n) => Verdict::new(PgType::VarChar(n), format!("{}; {why}", verdict.why)),
            _ => self.by_content().wider(why),
        }
    }

    /// Numbers of a date column that count time: `--types inferred` alone reads them as that.
    pub fn counted_time(&self) -> Option<Verdict> {
        if self.in_expression() {
            return None;
        }
        if let Some((normal, unit)) = facts::epoch(self.p) {
            let why = self.all(&format!("{unit} since 1970, of the years 2001 to 2099"));
            return Some(Verdict::new(PgType::TimestampTz, why).written(normal));
        }
        self.p.julian_days().then(|| {
            let why = self.all("Julian days of the years 1990 to 2099");
            Verdict::new(PgType::Timestamp, why).written(Normal::JulianDay)
        })
    }
}
