//! Columns declared as integers, booleans, reals, decimals.
//! Owns these rules; never looks at what a text says beyond its form.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::declared::Declared;
use super::super::forms::Form;
use super::say::show;
use super::verdict::Verdict;
use super::{Rules, facts, thousands};
use crate::value::Class;

impl Rules<'_> {
    pub fn integer(&self, declared: Declared) -> Verdict {
        if !self.only(Class::Integer) {
            return self.by_content().wider(self.not_as_declared());
        }
        let (low, high) = (self.p.integer_min, self.p.integer_max);
        let within = |min: i64, max: i64| low >= min && high <= max && !self.key;
        let range = span(low, high);
        match declared {
            Declared::Small if within(i16::MIN.into(), i16::MAX.into()) => Verdict::new(PgType::SmallInt, range),
            Declared::Medium if within(i32::MIN.into(), i32::MAX.into()) => Verdict::new(PgType::Integer, range),
            Declared::Small | Declared::Medium if !self.key => {
                Verdict::new(PgType::BigInt, range.clone()).wider(format!("holds {range}"))
            }
            _ => Verdict::new(PgType::BigInt, range),
        }
    }

    pub fn boolean(&self) -> Verdict {
        if self.only(Class::Text)
            && let Some(words) = facts::boolean_words(self.p)
            && !self.in_expression()
        {
            let (yes, no) = Normal::WORDS[usize::from(words)];
            let why = self.all(&format!("'{yes}' or '{no}'"));
            return Verdict::new(PgType::Boolean, why).written(Normal::BooleanWords(words));
        }
        if !self.only(Class::Integer) {
            let words = self.p.count(Form::BooleanWord).unwrap_or(0);
            let odd = self.not_as_declared();
            let note = format!("{odd}; {} of the texts are words for true or false", thousands(words));
            return self.by_content().wider(if self.p.texts > 0 { note } else { odd });
        }
        let (low, high) = (self.p.integer_min, self.p.integer_max);
        if low >= 0 && high <= 1 {
            return Verdict::new(PgType::Boolean, self.all("0 or 1"));
        }
        let range = format!("{}, not only 0 and 1", span(low, high));
        Verdict::new(PgType::BigInt, range.clone()).wider(format!("holds {range}"))
    }

    pub fn real(&self) -> Verdict {
        if self.p.texts + self.p.blobs > 0 {
            return self.by_content().wider(self.not_as_declared());
        }
        let verdict = self.by_content();
        match verdict.ty {
            PgType::Double => verdict,
            // Only integers: the declaration says reals.
            PgType::BigInt if self.p.integers_exact_in_double() => Verdict::new(PgType::Double, verdict.why),
            _ => verdict.wider("holds integers beyond 2^53, which a double does not hold exactly"),
        }
    }

    pub fn decimal(&self, limits: Option<(u16, u16)>) -> Verdict {
        if self.p.texts + self.p.blobs > 0 {
            return self.by_content().wider(self.not_as_declared());
        }
        if self.p.non_finite + self.p.negative_zeros > 0 {
            let odd = format!(
                "{} infinities and {} times -0.0, which numeric does not hold",
                thousands(self.p.non_finite),
                thousands(self.p.negative_zeros)
            );
            let examples = show(&self.p.odd_reals);
            let ty = if self.p.integers_exact_in_double() { PgType::Double } else { PgType::Text };
            return Verdict::new(ty, odd.clone()).wider(format!("holds {odd}{examples}"));
        }
        let counts = self.classes();
        let verdict = match limits {
            Some((p, s)) if self.p.fits_numeric(p, s) => {
                Verdict::new(PgType::Numeric(limits), format!("{counts}, all within {p} digits, {s} after the point"))
            }
            Some((p, s)) => Verdict::new(PgType::Numeric(None), format!("{counts}, not all within {p},{s}"))
                .wider(format!("some of {counts} need more than {p} digits or {s} after the point")),
            None => Verdict::new(PgType::Numeric(None), counts),
        };
        const LIMIT: f64 = 9_007_199_254_740_992.0;
        if self.p.reals > 0 && (self.p.real_max > LIMIT || self.p.real_min < -LIMIT) {
            return verdict.note("holds doubles beyond 2^53: SQLite had dropped digits of them when they were stored");
        }
        verdict
    }
}

/// `integers from 1 to 9`, or `integers, all 0`.
pub(super) fn span(low: i64, high: i64) -> String {
    if low == high { format!("integers, all {low}") } else { format!("integers from {low} to {high}") }
}
