//! What of the writing of a value is not kept where its meaning is: one note for each such column.
//! Owns these words; never decides a type.

use super::PgType;
use super::codec::Normal;
use super::decide::{ColumnMapping, TableMapping};
use super::forms::Form;
use super::profile::{ColumnProfile, TableProfile};
use super::shape::thousands;
use super::treat::Treatment;
use super::trial::Trial;
use crate::finding::{Finding, codes};
use crate::schema::{Schema, TableKind};
use std::collections::BTreeMap;

/// Adds the notes. Numbers that are no texts need none, for SQLite too takes 1 and 1.0 for equal; mixed columns have a finding of their own.
pub(super) fn normal_forms(
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    tables: &BTreeMap<String, TableMapping>,
    findings: &mut Vec<Finding>,
) {
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let (Some(profile), Some(mapping)) = (profiles.get(&table.name), tables.get(&table.name)) else { continue };
        let columns = table.columns.iter().zip(&profile.columns).zip(&mapping.columns);
        for (i, ((column, p), mapped)) in columns.enumerate() {
            let kept = kept(p, mapped, profile.trials.get(&i));
            let told = words(mapped.normal, p, &kept).into_iter().chain(decimals(mapped.ty, p));
            for (message, hint) in told {
                let object = format!("{}.{}", table.name, column.name);
                findings.push(Finding::note(codes::NORMAL_FORM, object, message, hint));
            }
        }
    }
}

/// How many values cross: all, but for those that a trial found not to fit, or that a policy makes NULL.
fn kept(p: &ColumnProfile, mapped: &ColumnMapping, trial: Option<&Trial>) -> String {
    let unfit = trial.filter(|t| t.is_of(mapped.ty, mapped.normal)).map_or(0, |t| t.misfits + t.nulled);
    let empty = if mapped.treatments.contains(&Treatment::EmptyNull) { p.empty_texts } else { 0 };
    thousands(p.values().saturating_sub(unfit + empty))
}

/// Decimals in text keep their value for certain; of the zeros at their end no digest tells.
fn decimals(ty: PgType, p: &ColumnProfile) -> Option<(String, &'static str)> {
    let fractions = p.texts.saturating_sub(p.empty_texts).saturating_sub(p.count(Form::Integer).unwrap_or(0));
    (matches!(ty, PgType::Numeric(_)) && fractions > 0).then(|| {
        (
            format!(
                "{} decimal texts keep their value; zeros at the end of a fraction are not proven",
                thousands(fractions)
            ),
            "numeric keeps them where it has no limits, but compares by value: 1.50 = 1.5",
        )
    })
}

/// What is not kept, and what to do who needs it.
fn words(normal: Normal, p: &ColumnProfile, values: &str) -> Option<(String, &'static str)> {
    if p.values() == 0 {
        return None;
    }
    let dates = p.count(Form::Date).unwrap_or(0);
    Some(match normal {
        Normal::Instant => (
            format!("{values} date-times keep their instant; the offset that each was written with is not kept"),
            "PostgreSQL shows them in the time zone of the session; where the offset matters, keep it in a column of its own",
        ),
        Normal::DateTime if dates > 0 => (
            format!("{} of {values} date-times are dates alone and become midnight", thousands(dates)),
            "nothing tells them from those that were written with 00:00:00",
        ),
        Normal::DateTime => (
            format!("{values} date-times keep their meaning; T or space, and zeros at the end, are not kept"),
            "PostgreSQL shows them as YYYY-MM-DD HH:MM:SS",
        ),
        Normal::Json => (
            format!(
                "{values} JSON values keep their meaning; spaces, key order and the writing of numbers are not kept"
            ),
            "where the very text matters, declare the column TEXT in SQLite first",
        ),
        Normal::UuidUpper => (
            format!("{values} UUIDs were written in upper case; PostgreSQL shows lower case"),
            "compare them as uuid, not as text",
        ),
        Normal::Exact
        | Normal::Number
        | Normal::Text
        | Normal::Bytes
        | Normal::TextBytes
        | Normal::Uuid
        | Normal::UuidBlob
        | Normal::EpochSeconds
        | Normal::EpochMillis
        | Normal::EpochMicros
        | Normal::EpochNanos
        | Normal::BooleanWords(_)
        | Normal::UuidHex
        | Normal::JsonScalar => return None,
        Normal::JulianDay => (
            format!("{values} Julian days become timestamps, to the microsecond"),
            "julianday() of SQLite gives the number again, but for its last digits",
        ),
        Normal::ZonedClock => (
            format!("{values} date-times without zone become instants of the zone that was named"),
            "PostgreSQL shows them in the time zone of the session",
        ),
        Normal::Canonical => (
            format!("{values} values keep their meaning; PostgreSQL writes them in its own way"),
            "compare them as the type they have, not as text",
        ),
    })
}
