//! How a column's values are written in the source, where its PostgreSQL type alone does not say it.
//! Owns these ways and the order: treatments, then the way, then the form; never looks at the target.

use super::count::{self, Count};
use super::zone::Rules;
use super::{Form, NULL_TAG, NoForm, calendar, json, put, source, treat};
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::mapping::shape::Crossing;
use crate::mapping::treat::Treatment;
use crate::value::Value;

/// How a column's values are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// As its form says.
    Plain,
    /// Numbers that count time.
    Count(Count),
    /// One word for true and one for false.
    Words(&'static str, &'static str),
    /// Date-times of a zone's clock, if they show no zone of their own; `None` if no rules are known.
    Clock(Option<Rules>),
    /// UUIDs of 32 lower-case digits.
    Hex,
    /// Values of any class as JSON.
    Scalar,
    /// Times as PostgreSQL writes them, and no other.
    ExactTime,
}

impl Way {
    /// Of a column that crosses so.
    pub fn of(crossing: &Crossing) -> Way {
        let clock = || crossing.zone.as_ref().and_then(|zone| Rules::of(zone.name()));
        let stamp = matches!(crossing.ty, PgType::Timestamp | PgType::TimestampTz);
        match (crossing.normal, crossing.ty) {
            (Normal::EpochSeconds, _) if stamp => Way::Count(Count::Unix(1)),
            (Normal::EpochMillis, _) if stamp => Way::Count(Count::Unix(1_000)),
            (Normal::EpochMicros, _) if stamp => Way::Count(Count::Unix(1_000_000)),
            (Normal::EpochNanos, _) if stamp => Way::Count(Count::Unix(1_000_000_000)),
            (Normal::JulianDay, _) if stamp => Way::Count(Count::Julian),
            (Normal::BooleanWords(n), PgType::Boolean) => {
                // Without words nothing is a word.
                let (yes, no) = Normal::WORDS.get(usize::from(n)).copied().unwrap_or(("\0", "\0"));
                Way::Words(yes, no)
            }
            (Normal::ZonedClock, PgType::TimestampTz) => Way::Clock(clock()),
            (Normal::UuidHex, PgType::Uuid) => Way::Hex,
            (Normal::JsonScalar, PgType::Jsonb) => Way::Scalar,
            (Normal::Exact, PgType::Time) => Way::ExactTime,
            _ => Way::Plain,
        }
    }
}

/// Appends the field of a value after its treatments.
pub fn field(form: Form, way: &Way, treatments: &[Treatment], value: Value<'_>, out: &mut Vec<u8>) {
    let treated;
    let now = match value {
        Value::Text(text) if !treatments.is_empty() => match treat::text(treatments, text) {
            Some(text) => {
                treated = text;
                Value::Text(&treated)
            }
            None => Value::Null,
        },
        other => other,
    };
    let from = out.len();
    if normal(form, way, now, out).is_ok() {
        return;
    }
    out.truncate(from);
    if treatments.contains(&Treatment::UnfitNull) {
        // An empty field always fits.
        let _ = put(out, NULL_TAG, &[]);
    } else {
        source::formless(value, out);
    }
}

fn normal(form: Form, way: &Way, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), NoForm> {
    const OTHER: NoForm = NoForm("a value this way of writing does not have");
    let tag = form.tag();
    match (way, form, value) {
        (_, _, Value::Null) | (Way::Plain, ..) => source::normal(form, value, out),
        (Way::Count(count), Form::Timestamp | Form::TimestampTz, _) => {
            put(out, tag, &count::micros(*count, value)?.to_be_bytes())
        }
        (Way::Words(yes, _), Form::Boolean, Value::Text(t)) if t == yes.as_bytes() => put(out, tag, &[1]),
        (Way::Words(_, no), Form::Boolean, Value::Text(t)) if t == no.as_bytes() => put(out, tag, &[0]),
        (Way::Clock(rules), Form::TimestampTz, Value::Text(t)) => {
            let stamp = calendar::stamp(t).ok_or(NoForm("not a date and time"))?;
            let instant = match stamp.offset {
                Some(_) => source::instant(t)?,
                None => rules.as_ref().ok_or(NoForm("no such zone"))?.instant(stamp.micros)?,
            };
            put(out, tag, &instant.to_be_bytes())
        }
        (Way::Hex, Form::Uuid, Value::Text(t)) if t.len() == 32 && !t.iter().any(u8::is_ascii_uppercase) => {
            source::normal(form, value, out)
        }
        (Way::Scalar, Form::Jsonb, _) => put(out, tag, &json::scalar(value)?),
        (Way::ExactTime, Form::Time, Value::Text(t)) if t.len() == 8 || (t.len() > 8 && !t.ends_with(b"0")) => {
            source::normal(form, value, out)
        }
        _ => Err(OTHER),
    }
}
