//! Times that are PostgreSQL's own: the current time, and columns of its types, with modifiers that it can say itself.
//! Owns these forms; never calls a function of SQLite's kind (see `date`).

use super::{Argument, Ask, CLOCK, EPOCHS, ZONE, format};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::sql::ast::{Binary, Expr};
use crate::sql::translate::plain::{Fraction, Stamp};
use crate::sql::translate::typed::{Kind, Typed};
use crate::sql::translate::{Purpose, Translated, Translator};
use crate::sql::translate::{affinity, compare};

/// A time as a `timestamp`: in UTC, or in the session's zone.
#[derive(Clone, Debug)]
pub(super) struct Stamped {
    sql: String,
    /// The same as a `timestamptz`, as long as it is in UTC.
    instant: Option<String>,
    /// Fractions of a second have three digits at most.
    millis: bool,
    /// It has no clock: a `date`.
    day: bool,
    /// The current time.
    now: bool,
}

impl Translator<'_> {
    /// A call on such a time; `None` if it is none, or the modifiers are not simple.
    pub(super) fn of_stamp(&self, ask: Ask<'_>, value: &Argument, modifiers: &[Expr]) -> Translated<Option<Typed>> {
        // to_char and the current time are not immutable.
        if self.scope.purpose == Purpose::Stored {
            return Ok(None);
        }
        let found = match value {
            Argument::Word(t) if t.eq_ignore_ascii_case("now") => Some((Stamped::now(), modifiers)),
            Argument::Word(_) => None,
            Argument::Typed(x) => column_stamp(x, modifiers),
        };
        let Some((mut stamp, modifiers)) = found else { return Ok(None) };
        let mut zone = false;
        for modifier in modifiers {
            let Expr::Text(word) = modifier else { return Ok(None) };
            zone |= word.eq_ignore_ascii_case("localtime");
            // SQLite's time ends with the year 9999, which a shifted column may leave and the clock does not.
            if !stamp.now && word.contains(|c: char| c.is_ascii_digit()) {
                return Ok(None);
            }
            match stamp.modified(&word.to_ascii_lowercase()) {
                Some(next) => stamp = next,
                None => return Ok(None),
            }
        }
        let Some(made) = stamp.asked(ask) else { return Ok(None) };
        if stamp.now {
            self.volatile(CLOCK)?;
        }
        if zone {
            self.volatile(ZONE)?;
            self.zoned(zone);
        }
        Ok(Some(made))
    }

    /// The text of a column that is a time of PostgreSQL's own, for functions that read it; its form is not the
    /// column's, but it means the same.
    pub(super) fn stamp_text(&self, x: &Typed) -> Translated<Option<String>> {
        let Some((stamp, _)) = column_stamp(x, &[]) else { return Ok(None) };
        if self.scope.purpose == Purpose::Stored {
            // to_char is not immutable.
            return self.help("sqlite_stamp_text", &[&stamp.as_timestamp()]).map(Some);
        }
        let template = match (stamp.day, stamp.instant) {
            (true, _) => "YYYY-MM-DD",
            (false, None) => "YYYY-MM-DD HH24:MI:SS.US",
            (false, Some(_)) => "YYYY-MM-DD HH24:MI:SS.US\"Z\"",
        };
        Ok(Some(format!("to_char({}, '{template}')", stamp.sql)))
    }
}

/// A column that is a time of PostgreSQL's own, and the modifiers that are left.
fn column_stamp<'m>(x: &Typed, modifiers: &'m [Expr]) -> Option<(Stamped, &'m [Expr])> {
    let Kind::Other(ty) = x.kind else { return None };
    let normal = x.crossing.as_ref().map_or(Normal::Exact, |c| c.normal);
    let treated = x.crossing.as_ref().is_some_and(|c| !c.treatments.is_empty());
    if treated {
        return None;
    }
    let utc = || format!("{} AT TIME ZONE 'UTC'", x.sql);
    let stamp = |sql: String, instant: Option<String>| Stamped { sql, instant, millis: false, day: false, now: false };
    let is = |word: &str| matches!(modifiers.first(), Some(Expr::Text(t)) if t.eq_ignore_ascii_case(word));
    match (ty, normal) {
        (PgType::Timestamp, Normal::DateTime | Normal::Exact) => Some((stamp(x.sql.clone(), None), modifiers)),
        (PgType::TimestampTz, Normal::Instant) => Some((stamp(utc(), Some(x.sql.clone())), modifiers)),
        (PgType::TimestampTz, Normal::ZonedClock) => {
            let zone = x.crossing.as_ref().and_then(|c| c.zone.as_ref());
            zone.map(|zone| (stamp(format!("{} AT TIME ZONE {}", x.sql, ident::literal(zone.name())), None), modifiers))
        }
        (PgType::TimestampTz, Normal::EpochSeconds) if is("unixepoch") => {
            Some((stamp(utc(), Some(x.sql.clone())), modifiers.get(1..).unwrap_or_default()))
        }
        (PgType::Date, Normal::Exact) => Some((Stamped { day: true, ..stamp(x.sql.clone(), None) }, modifiers)),
        _ => None,
    }
}

/// A column that is a time of PostgreSQL's own beside one that was computed: compared in its own type, where the texts of
/// SQLite would compare so. A day is the beginning of the texts of all its moments, and stands before them.
pub(in crate::sql::translate) fn own_times(op: Binary, a: &Typed, b: &Typed) -> Option<String> {
    if b.column {
        return if a.column { None } else { own_times(affinity::turned(op), b, a) };
    }
    let (true, Kind::Other(ty), Some((native, sql))) = (a.column, a.kind, &b.native) else { return None };
    let crossing = a.crossing.as_ref()?;
    let later = matches!(op, Binary::Gt | Binary::Ge);
    let order = later || matches!(op, Binary::Lt | Binary::Le);
    if !crossing.treatments.is_empty() {
        return None;
    }
    let to_second = sql.starts_with(TO_SECOND);
    let plain = a.stamp == Some(Stamp { letter_t: false, fraction: Fraction::None });
    let word = match (ty, crossing.normal, *native) {
        (PgType::Date, Normal::Exact, PgType::Date)
        | (PgType::TimestampTz, Normal::EpochSeconds, PgType::TimestampTz) => compare::word(op),
        (PgType::Timestamp, Normal::DateTime | Normal::Exact, PgType::Timestamp) if plain && to_second => {
            compare::word(op)
        }
        (PgType::Timestamp, Normal::DateTime | Normal::Exact, PgType::Date)
            if a.stamp.is_some_and(|s| s.fraction == Fraction::Day) =>
        {
            compare::word(op)
        }
        (PgType::Timestamp, Normal::DateTime | Normal::Exact, PgType::Date) if order && a.stamp.is_some() => {
            if later {
                ">="
            } else {
                "<"
            }
        }
        (PgType::Date, Normal::Exact, PgType::Timestamp) if order => {
            let word = if later { ">" } else { "<=" };
            return Some(format!("({} {word} ({sql})::date)", a.sql));
        }
        _ => return None,
    };
    Some(format!("({} {word} {sql})", a.sql))
}

const TO_SECOND: &str = "date_trunc('second', ";

impl Stamped {
    fn now() -> Stamped {
        Stamped {
            sql: "statement_timestamp() AT TIME ZONE 'UTC'".into(),
            instant: Some("statement_timestamp()".into()),
            millis: true,
            day: false,
            now: true,
        }
    }

    /// The time after a modifier, in lower case.
    fn modified(self, word: &str) -> Option<Stamped> {
        if let Some(unit) = word.strip_prefix("start of ") {
            if !matches!(unit, "day" | "month" | "year") {
                return None;
            }
            // date_trunc of a date would be in the session's zone.
            let sql = format!("date_trunc('{unit}', {})", self.as_timestamp());
            return Some(Stamped { sql, instant: None, day: false, ..self });
        }
        match word {
            "localtime" if self.now && self.instant.is_some() => {
                let sql = format!("{}::timestamp", self.instant.as_ref()?);
                return Some(Stamped { sql, instant: None, ..self });
            }
            "utc" if self.instant.is_some() => return Some(self),
            _ => {}
        }
        let (count, unit) = word.split_once(' ')?;
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        let n: i32 = count.strip_prefix('+').unwrap_or(count).parse().ok()?;
        // Months and years run over the end of a month in SQLite, and PostgreSQL stops there.
        if !matches!(unit, "day" | "hour" | "minute" | "second") || n.unsigned_abs() > 1_000_000 {
            return None;
        }
        let sign = if n < 0 { '-' } else { '+' };
        let shift = |x: &str| format!("({x}) {sign} interval '{} {unit}s'", n.unsigned_abs());
        // Days of a timestamptz are those of the session's zone, which may have 23 hours.
        let instant = self.instant.as_ref().filter(|_| unit != "day").map(|x| shift(x));
        Some(Stamped { sql: shift(&self.as_timestamp()), instant, day: false, ..self })
    }

    fn as_timestamp(&self) -> String {
        if self.day { format!("{}::timestamp", self.sql) } else { self.sql.clone() }
    }

    /// What is asked of it; `None` where PostgreSQL has no equal of its own.
    fn asked(&self, ask: Ask<'_>) -> Option<Typed> {
        let sql = &self.sql;
        let shown = |template: &str| format!("to_char({sql}, {})", ident::literal(template));
        let text = |template: &str, native: Option<(PgType, String)>| Typed {
            wordy: native.is_some(),
            native,
            ..Typed::new(Kind::Text, shown(template))
        };
        let seconds = format!("floor(extract(epoch FROM {}))::bigint", self.instant.as_ref().unwrap_or(sql));
        let to_second = format!("{TO_SECOND}{})", self.as_timestamp());
        Some(match ask {
            Ask::Date => text("YYYY-MM-DD", Some((PgType::Date, format!("({sql})::date")))),
            Ask::Time => text("HH24:MI:SS", Some((PgType::Time, format!("{to_second}::time")))),
            Ask::DateTime => text("YYYY-MM-DD HH24:MI:SS", Some((PgType::Timestamp, to_second))),
            Ask::Julian if self.millis => Typed::new(
                Kind::Double,
                format!("((floor(extract(epoch FROM {sql}) * 1000) + 210866760000000)::double precision / 86400000)"),
            ),
            Ask::Julian => return None,
            Ask::Epoch => Typed {
                native: self.instant.as_ref().map(|x| (PgType::TimestampTz, format!("date_trunc('second', {x})"))),
                ..Typed::new(EPOCHS, seconds)
            },
            Ask::Form(Expr::Text(form)) if form == "%s" => {
                Typed { digits: Some(seconds.clone().into()), ..Typed::new(Kind::Text, format!("({seconds})::text")) }
            }
            Ask::Form(Expr::Text(form)) => {
                let native = match form.as_str() {
                    "%Y-%m-%d %H:%M:%f" => Some((PgType::Timestamp, format!("date_trunc('milliseconds', {sql})"))),
                    "%Y-%m-%d %H:%M:%S" | "%F %T" => Some((PgType::Timestamp, to_second)),
                    "%Y-%m-%d" | "%F" => Some((PgType::Date, format!("({sql})::date"))),
                    "%H:%M:%S" | "%T" => Some((PgType::Time, format!("{to_second}::time"))),
                    _ => None,
                };
                text(&format::template(form, self.millis)?, native)
            }
            Ask::Form(_) => return None,
        })
    }
}
