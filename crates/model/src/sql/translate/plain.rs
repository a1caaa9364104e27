//! The value that SQLite has behind a column whose mapping gave it a type of its own: text or number.
//! Owns that way back, where the mapping proves that it is the very value; never guesses a form.

use super::typed::{Kind, Typed};
use super::{Purpose, Translated, Translator, refuse};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::mapping::forms::Form;
use crate::mapping::profile::ColumnProfile;
use crate::value::Class;

/// The one form that all texts of a column of date-times have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `T` stands between date and time, else a space.
    pub letter_t: bool,
    /// What follows the seconds.
    pub fraction: Fraction,
}

/// The fraction of a second in the texts of date-times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraction {
    /// No time at all: all texts are days, `YYYY-MM-DD`.
    Day,
    /// None.
    None,
    /// Three digits.
    Millis,
    /// Six digits.
    Micros,
    /// Some have one, of any length.
    Any,
}

impl Stamp {
    /// The form of a column's texts, if the census proves that there is one.
    pub fn of(values: &ColumnProfile) -> Option<Stamp> {
        let texts = values.texts;
        let all = |form: Form| values.count(form) == Some(texts);
        let none = |form: Form| values.count(form) == Some(0);
        if values.integers + values.reals + values.texts + values.blobs == 0 {
            // Nothing speaks against the form that SQLite itself writes.
            return Some(Stamp { letter_t: false, fraction: Fraction::None });
        }
        if texts > 0 && all(Form::Date) {
            return Some(Stamp { letter_t: false, fraction: Fraction::Day });
        }
        if texts == 0 || !all(Form::Local) || !(all(Form::LetterT) || none(Form::LetterT)) {
            return None;
        }
        let fraction = match (values.text_min_bytes, values.text_max_bytes) {
            (19, 19) => Fraction::None,
            (23, 23) if all(Form::Fraction) => Fraction::Millis,
            (26, 26) if all(Form::Fraction) => Fraction::Micros,
            (19.., _) => Fraction::Any,
            _ => return None,
        };
        Some(Stamp { letter_t: all(Form::LetterT), fraction })
    }

    /// `YYYY-MM-DD HH:MM:SS`.
    pub(super) fn is_plain(self) -> bool {
        self == Stamp { letter_t: false, fraction: Fraction::None }
    }

    /// Its template for `to_char`.
    fn template(self) -> String {
        let fraction = match self.fraction {
            Fraction::Day => return "YYYY-MM-DD".into(),
            Fraction::None => "",
            Fraction::Millis => ".MS",
            Fraction::Micros | Fraction::Any => ".US",
        };
        format!("YYYY-MM-DD{}HH24:MI:SS{fraction}", if self.letter_t { "\"T\"" } else { " " })
    }
}

impl Translator<'_> {
    /// The value as SQLite has it: text or a number. What is one already stays as it is.
    pub(super) fn plain(&self, x: Typed) -> Translated<Typed> {
        let Kind::Other(ty) = x.kind else { return Ok(x) };
        let Some(crossing) = x.crossing.clone() else { return self.by_type(x, ty) };
        if !crossing.treatments.is_empty() {
            return refuse(format!("a policy has changed values of {}", x.what()));
        }
        let sql = x.sql.clone();
        let number = |kind: Kind, class: Class, sql: String| Typed {
            class: Some(class),
            affinity: x.affinity,
            ..Typed::new(kind, sql)
        };
        let whole = Kind::Int { low: i64::MIN.into(), high: i64::MAX.into() };
        // Of a timestamptz extract() is not immutable, of its clock in UTC it is.
        let clock = match self.scope.purpose {
            Purpose::Query => sql.clone(),
            Purpose::Stored => format!("({sql} AT TIME ZONE 'UTC')"),
        };
        // A cast rounds, and a fraction that a row to come has would make the next second of it. Before PostgreSQL 14
        // the epoch is a double: what is multiplied is cut off before and not after.
        let seconds = || format!("floor(extract(epoch FROM {clock}))::bigint");
        let millis = || format!("(extract(epoch FROM date_trunc('milliseconds', {clock})) * 1000)::bigint");
        let micros = || format!("(extract(epoch FROM {clock}) * 1000000)::bigint");
        Ok(match (ty, crossing.normal) {
            (PgType::Boolean, Normal::BooleanWords(place)) => {
                let Some((yes, no)) = Normal::WORDS.get(usize::from(place)) else { return self.lost(&x) };
                let (yes, no) = (ident::literal(yes), ident::literal(no));
                as_text(&x, format!("(CASE WHEN {sql} THEN {yes} WHEN NOT {sql} THEN {no} END)"))
            }
            (PgType::TimestampTz, Normal::EpochSeconds) => number(whole, Class::Integer, seconds()),
            (PgType::TimestampTz, Normal::EpochMillis) => number(whole, Class::Integer, millis()),
            (PgType::TimestampTz, Normal::EpochMicros) => number(whole, Class::Integer, micros()),
            (PgType::Timestamp, Normal::DateTime | Normal::Exact) => self.stamped(&x, &sql)?,
            (PgType::Date, Normal::Exact) => self.shown(&x, &sql, "YYYY-MM-DD", "sqlite_date_text")?,
            (PgType::Uuid, Normal::Exact) => as_text(&x, format!("({sql})::text")),
            (PgType::Uuid, Normal::UuidUpper) => as_text(&x, format!("upper(({sql})::text)")),
            (PgType::Uuid, Normal::UuidHex) => as_text(&x, format!("replace(({sql})::text, '-', '')")),
            (PgType::Uuid, Normal::UuidBlob) => Typed {
                affinity: x.affinity,
                class: Some(Class::Blob),
                ..Typed::new(Kind::Blob, format!("uuid_send({sql})"))
            },
            (PgType::Json, Normal::Exact) => as_text(&x, format!("({sql})::text")),
            (PgType::Time, Normal::Exact) => as_text(&x, format!("({sql})::text")),
            (PgType::Bytea, Normal::TextBytes) => as_text(&x, format!("convert_from({sql}, 'UTF8')")),
            _ => return self.lost(&x),
        })
    }

    /// Where only the type is known, its texts are those of its one form.
    fn by_type(&self, x: Typed, ty: PgType) -> Translated<Typed> {
        let text = matches!(x.class, None | Some(Class::Text));
        let sql = x.sql.clone();
        match ty {
            PgType::Date if text => self.shown(&x, &sql, "YYYY-MM-DD", "sqlite_date_text"),
            PgType::Timestamp if text => self.stamped(&x, &sql),
            PgType::Uuid if text => Ok(as_text(&x, format!("({sql})::text"))),
            _ => self.lost(&x),
        }
    }

    fn stamped(&self, x: &Typed, sql: &str) -> Translated<Typed> {
        match x.stamp {
            // A row to come may have a fraction, or a time where there were only days: its text fits the row.
            Some(Stamp { fraction: Fraction::Day, .. }) if self.scope.lasting => {
                Ok(as_text(x, self.help("sqlite_stamp_day", &[sql])?))
            }
            Some(Stamp { fraction: Fraction::None, letter_t }) if self.scope.lasting => {
                let between = if letter_t { "'T'" } else { "' '" };
                Ok(as_text(x, self.help("sqlite_stamp_row", &[sql, between])?))
            }
            None if x.crossing.is_none() && self.scope.lasting => {
                Ok(as_text(x, self.help("sqlite_stamp_row", &[sql, "' '"])?))
            }
            Some(stamp) if stamp.fraction != Fraction::Any => {
                self.shown(x, sql, &stamp.template(), "sqlite_timestamp_text")
            }
            None if x.crossing.is_none() => self.shown(x, sql, "YYYY-MM-DD HH24:MI:SS", "sqlite_timestamp_text"),
            _ => refuse(format!("the texts of {} were not all written in one form", x.sql)),
        }
    }

    /// `to_char` is not immutable; what is stored needs a function that is.
    fn shown(&self, x: &Typed, sql: &str, template: &str, helper: &'static str) -> Translated<Typed> {
        if self.scope.purpose == Purpose::Query {
            return Ok(as_text(x, format!("to_char({sql}, '{template}')")));
        }
        if !matches!(template, "YYYY-MM-DD" | "YYYY-MM-DD HH24:MI:SS") {
            return refuse(format!("{} as text is not immutable in PostgreSQL", x.sql));
        }
        Ok(as_text(x, self.help(helper, &[sql])?))
    }

    fn lost<T>(&self, x: &Typed) -> Translated<T> {
        refuse(format!("{} does not keep the very value that SQLite has", x.what()))
    }
}

fn as_text(x: &Typed, sql: String) -> Typed {
    Typed {
        affinity: x.affinity,
        collation: x.collation.clone(),
        class: Some(Class::Text),
        ..Typed::new(Kind::Text, sql)
    }
}
