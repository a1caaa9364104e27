//! A type that a person chose for a column.
//! Owns how its values are read and what of them the census proves impossible; never doubts the choice.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::forms::Form;
use super::super::policy::{Choice, Kind};
use super::super::shape::normal_for;
use super::super::treat::Treatment;
use super::numbers::span;
use super::say::show;
use super::verdict::Verdict;
use super::{Rules, facts, thousands};
use crate::finding::{Finding, codes};
use crate::schema::Check;
use crate::sql::ast::Expr;
use crate::value::Class;

/// Longest label of an enum, in bytes.
/// Source: `NAMEDATALEN`, <https://www.postgresql.org/docs/current/datatype-enum.html>.
const MAX_LABEL_BYTES: usize = 63;

impl Rules<'_> {
    pub fn asked_for(&self, ty: PgType) -> Verdict {
        let mut verdict = Verdict::new(ty, format!("{} because the plan says so", ty.sql()));
        if self.rowid() && !matches!(ty, PgType::SmallInt | PgType::Integer | PgType::BigInt) {
            let message = format!("the rowid is an integer and cannot become {}", ty.sql());
            verdict.findings.push(self.impossible(&message, "choose bigint, integer or smallint"));
            return Verdict { ty: PgType::BigInt, ..verdict };
        }
        verdict.normal = Some(self.asked.and_then(|c| c.normal).unwrap_or_else(|| self.writing(ty)));
        if verdict.normal == Some(Normal::ZonedClock) {
            verdict.zone.clone_from(&self.choices.zone);
        }
        if ty == PgType::Json && self.must_be_ordered() {
            let message = "stands in a key or an index, where json cannot";
            verdict.findings.push(self.impossible(message, "choose jsonb or text"));
        }
        if ty == PgType::Enum {
            self.labels(&mut verdict);
        }
        let kind = Kind::of_misfits(ty);
        match self.policy(kind) {
            Choice::Quarantine => verdict.quarantine = true,
            Choice::Null if kind == Kind::Dates => verdict.treatments.push(Treatment::UnfitNull),
            _ => {}
        }
        self.judge(verdict, kind)
    }

    /// How the values are written, as far as the census tells.
    fn writing(&self, ty: PgType) -> Normal {
        let p = self.p;
        let texts_only = self.only(Class::Text);
        match ty {
            PgType::Boolean if p.texts > 0 => facts::boolean_words(p).map_or(Normal::Exact, Normal::BooleanWords),
            PgType::Uuid if texts_only && facts::hex_of_32(p) => Normal::UuidHex,
            PgType::Time if texts_only => facts::form_normal(p, ty),
            PgType::Jsonb if p.texts < p.values() => Normal::JsonScalar,
            PgType::TimestampTz if self.only(Class::Integer) => p.epoch().unwrap_or(Normal::EpochSeconds),
            PgType::TimestampTz if texts_only && self.choices.zone.is_some() => {
                let local = p.count(Form::Date).unwrap_or(0) + p.count(Form::Local).unwrap_or(0);
                if local > 0 { Normal::ZonedClock } else { Normal::Instant }
            }
            PgType::Timestamp if p.values() > 0 && p.texts + p.blobs == 0 => Normal::JulianDay,
            _ => normal_for(ty, p),
        }
    }

    /// What does not fit: what the trial found, else what the census alone proves. Quarantine and NULL answer both.
    fn judge(&self, mut verdict: Verdict, kind: Kind) -> Verdict {
        let code = match kind {
            Kind::Dates => codes::DATES,
            Kind::Json => codes::JSON,
            Kind::TooLong => codes::TOO_LONG,
            _ => codes::UNFIT,
        };
        let normal = self.normal_of(&verdict);
        let trial = self.profile.trials.get(&self.index).filter(|t| t.is_of(verdict.ty, normal));
        let proven = match trial {
            Some(trial) if trial.misfits + trial.nulled == 0 => None,
            // Its words come from the trial itself.
            Some(_) => Some(String::new()),
            None => self.proven_unfit(verdict.ty, normal),
        };
        verdict.unfit = proven.map(|message| (kind, code, message));
        verdict
    }

    /// Values that cannot fit, whatever they are in detail.
    fn proven_unfit(&self, ty: PgType, normal: Normal) -> Option<String> {
        let p = self.p;
        let number =
            matches!(ty, PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Double | PgType::Numeric(_));
        let strangers = match ty {
            _ if number => p.blobs,
            PgType::Boolean => p.reals + p.blobs,
            PgType::Text | PgType::Bytea | PgType::Jsonb => 0,
            PgType::Uuid => p.integers + p.reals,
            PgType::Timestamp | PgType::TimestampTz if normal != Normal::DateTime && normal != Normal::Instant => {
                p.blobs
            }
            _ => p.integers + p.reals + p.blobs,
        };
        if strangers > 0 {
            let odd = [&p.examples[3], &p.examples[1], &p.examples[0]].into_iter().find(|e| !e.is_empty());
            let examples = odd.map(|e| show(e)).unwrap_or_default();
            let all = thousands(p.values());
            return Some(format!("{} of {all} values are no {}{examples}", thousands(strangers), ty.sql()));
        }
        let (low, high) = (p.integer_min, p.integer_max);
        let within = match ty {
            PgType::SmallInt => i16::try_from(low).is_ok() && i16::try_from(high).is_ok(),
            PgType::Integer => i32::try_from(low).is_ok() && i32::try_from(high).is_ok(),
            PgType::Boolean => low >= 0 && high <= 1,
            _ => true,
        };
        (p.integers > 0 && !within).then(|| format!("holds {}, which {} does not", span(low, high), ty.sql()))
    }

    /// The labels of an enum: those given, else those that its CHECK lists.
    fn labels(&self, verdict: &mut Verdict) {
        let given = self.asked.map(|c| c.labels.clone()).filter(|l| !l.is_empty());
        let labels = given.or_else(|| self.table.checks.iter().find_map(|c| labels_of(c, self.index)));
        let Some(labels) = labels else {
            let message = "no labels are given for its enum, and no CHECK (column IN ('…', …)) lists them";
            verdict.findings.push(self.impossible(message, "give it labels in the plan, or choose text"));
            return;
        };
        let long: Vec<&str> = labels.iter().filter(|l| l.len() > MAX_LABEL_BYTES).map(String::as_str).collect();
        if !long.is_empty() {
            let message = format!("labels of more than {MAX_LABEL_BYTES} bytes, which enums do not take: {long:?}");
            verdict.findings.push(self.impossible(&message, "choose text: the CHECK stays"));
        }
        let mut seen = std::collections::BTreeSet::new();
        if let Some(twice) = labels.iter().find(|l| !seen.insert(l.as_str())) {
            let message = format!("the label {twice:?} is listed twice");
            verdict.findings.push(self.impossible(&message, "list each label once"));
        }
        verdict.why = format!("{}; {} labels", verdict.why, labels.len());
        verdict.labels = labels;
    }

    fn impossible(&self, message: &str, hint: &str) -> Finding {
        let object = format!("{}.{}", self.table.name, self.column.name);
        let code = if message.contains("label") { codes::LABEL } else { codes::UNFIT };
        Finding::data(code, object, message, hint)
    }
}

/// The texts that a `CHECK (column IN ('…', …))` allows.
fn labels_of(check: &Check, column: usize) -> Option<Vec<String>> {
    let Some(Expr::In(of, list, false)) = &check.expr.ast else { return None };
    if **of != Expr::Column(column) {
        return None;
    }
    let text = |e: &Expr| match e {
        Expr::Text(t) => Some(t.clone()),
        _ => None,
    };
    // NULL in the list allows nothing more.
    list.iter().filter(|e| **e != Expr::Null).map(text).collect()
}
