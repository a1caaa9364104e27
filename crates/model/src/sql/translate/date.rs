//! The date and time functions of SQLite, said in PostgreSQL.
//! Owns which calls these are; never translates any other.
//!
//! What is known is computed. The current time and columns that are times of PostgreSQL's own are computed with in its
//! own way where the modifiers are simple; everything else goes through functions that do it as SQLite does.

mod constant;
mod format;
mod stamp;

use super::typed::{Kind, Literal, Typed};
use super::{Translated, Translator, refuse};
use crate::ident;
use crate::sql::ast::{Expr, Now, Unary};
use constant::{Known, Moment, TimeValue};
use format::Written;
pub(super) use stamp::own_times;

/// What is asked of a time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ask<'a> {
    Date,
    Time,
    DateTime,
    Julian,
    Epoch,
    /// strftime() with this form.
    Form(&'a Expr),
}

/// Why two runs of a statement differ.
const CLOCK: &str = "it depends on the current time";
const ZONE: &str = "it depends on the time zone of the session";

impl Translator<'_> {
    /// A call of one of these functions; `None` if it is another's. Source: <https://sqlite.org/lang_datefunc.html>.
    pub(super) fn date_call(&self, name: &str, args: &[Expr]) -> Translated<Option<Typed>> {
        let (ask, args) = match (name, args) {
            ("date", args) => (Ask::Date, args),
            ("time", args) => (Ask::Time, args),
            ("datetime", args) => (Ask::DateTime, args),
            ("julianday", args) => (Ask::Julian, args),
            ("unixepoch", args) => (Ask::Epoch, args),
            ("strftime", [form, rest @ ..]) => (Ask::Form(form), rest),
            ("timediff", [a, b]) => return self.time_difference(a, b).map(Some),
            _ => return Ok(None),
        };
        let now = [Expr::Text("now".into())];
        let args = if args.is_empty() { &now[..] } else { args };
        self.asked(ask, args).map(Some)
    }

    /// CURRENT_TIMESTAMP and its like.
    pub(super) fn current(&self, now: Now) -> Translated<Typed> {
        let text = [Expr::Text("now".into())];
        let seconds = Expr::Text("%s".into());
        self.asked(
            match now {
                Now::Timestamp => Ask::DateTime,
                Now::Date => Ask::Date,
                Now::Time => Ask::Time,
                Now::EpochText => Ask::Form(&seconds),
                Now::Epoch => Ask::Epoch,
            },
            &text,
        )
    }

    fn asked(&self, ask: Ask<'_>, args: &[Expr]) -> Translated<Typed> {
        let Some((value, modifiers)) = args.split_first() else { return refuse("it asks for no time") };
        if let Some(known) = constant_call(value, modifiers)
            && let Some(made) = of_known(ask, &known)?
        {
            return Ok(made);
        }
        let time = self.time_argument(value)?;
        if let Some(made) = self.of_stamp(ask, &time, modifiers)? {
            return Ok(made);
        }
        self.by_helper(ask, &time, modifiers)
    }

    /// Through a function that does as SQLite does.
    fn by_helper(&self, ask: Ask<'_>, value: &Argument, modifiers: &[Expr]) -> Translated<Typed> {
        let time = self.time_text(value)?;
        let mut words = Vec::with_capacity(modifiers.len());
        for modifier in modifiers {
            words.push(self.time_text(&self.time_argument(modifier)?)?);
        }
        if time == "NULL" || words.iter().any(|w| w == "NULL") {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        let is = |e: &Expr, words: &[&str]| matches!(e, Expr::Text(t) if one_of(t, words));
        let word = value.word();
        let now = one_of(word, &["now", "subsec", "subsecond"]);
        let zone = modifiers.iter().any(|m| is(m, &["localtime", "utc"]));
        let subsec =
            one_of(word, &["subsec", "subsecond"]) || modifiers.iter().any(|m| is(m, &["subsec", "subsecond"]));
        let mut arguments = vec![time];
        if !words.is_empty() || now || zone {
            arguments.push(if words.is_empty() { "'{}'".into() } else { format!("ARRAY[{}]", words.join(", ")) });
        }
        if now || zone {
            self.volatile(if now { CLOCK } else { ZONE })?;
            self.zoned(zone);
            arguments.push(if now { format!("{}()", self.helper("sqlite_now")?) } else { "NULL".into() });
        }
        if zone {
            arguments.push("current_setting('TimeZone')".into());
        }
        let (name, kind) = match ask {
            Ask::Date => ("sqlite_date", Kind::Text),
            Ask::Time => ("sqlite_clocktime", Kind::Text),
            Ask::DateTime => ("sqlite_datetime", Kind::Text),
            Ask::Julian => ("sqlite_julianday", Kind::Double),
            Ask::Epoch if subsec => ("sqlite_unixepoch_subsec", Kind::Double),
            Ask::Epoch => ("sqlite_unixepoch", EPOCHS),
            // The seconds since 1970 are an integer first, which subsec would make a real.
            Ask::Form(Expr::Text(t)) if t == "%s" && !subsec => {
                let seconds = self.help("sqlite_unixepoch", &[&arguments.join(", ")])?;
                let text = format!("({seconds})::text");
                return Ok(Typed { digits: Some(seconds.into()), ..Typed::new(Kind::Text, text) });
            }
            Ask::Form(form) => {
                let form = self.time_text(&self.time_argument(form)?)?;
                if form == "NULL" {
                    return Ok(Typed::new(Kind::Null, "NULL"));
                }
                arguments.insert(0, form);
                ("sqlite_strftime", Kind::Text)
            }
        };
        let wordy = matches!(ask, Ask::Date | Ask::Time | Ask::DateTime);
        Ok(Typed { wordy, ..Typed::new(kind, self.help(name, &[&arguments.join(", ")])?) })
    }

    /// A time value, a modifier or a form, translated once.
    fn time_argument(&self, e: &Expr) -> Translated<Argument> {
        Ok(match e {
            Expr::Text(t) => {
                Typed::text(t)?;
                Argument::Word(t.clone())
            }
            e => Argument::Typed(Box::new(self.typed(e)?)),
        })
    }

    /// The text that SQLite reads it from: numbers mean the same as their texts, and of a time of PostgreSQL's own any
    /// text that means it.
    fn time_text(&self, argument: &Argument) -> Translated<String> {
        let x = match argument {
            Argument::Word(t) => return Ok(ident::literal(t)),
            Argument::Typed(x) => x,
        };
        if let Some(text) = self.stamp_text(x)? {
            return Ok(text);
        }
        let x = self.plain((**x).clone())?.as_number();
        match x.kind {
            Kind::Null => Ok("NULL".into()),
            Kind::Text => Ok(x.sql),
            Kind::Int { .. } | Kind::Wide | Kind::Number | Kind::Double => Ok(format!("({})::text", x.sql)),
            _ => refuse(format!("{} is neither text nor a number, of which a time could be made", x.what())),
        }
    }

    /// Notes that the session's time zone is asked for.
    fn zoned(&self, zone: bool) {
        if let (true, Some(helpers)) = (zone, self.scope.helpers) {
            helpers.note_zoned();
        }
    }

    fn time_difference(&self, a: &Expr, b: &Expr) -> Translated<Typed> {
        let (a, b) = (self.time_argument(a)?, self.time_argument(b)?);
        let (x, y) = (self.time_text(&a)?, self.time_text(&b)?);
        let name = self.helper("sqlite_timediff")?;
        if one_of(a.word(), &["now"]) || one_of(b.word(), &["now"]) {
            self.volatile(CLOCK)?;
            let now = self.helper("sqlite_now")?;
            return Ok(Typed::new(Kind::Text, format!("{name}({x}, {y}, {now}())")));
        }
        Ok(Typed::new(Kind::Text, format!("{name}({x}, {y})")))
    }
}

/// An argument that is a string, or any other.
enum Argument {
    Word(String),
    Typed(Box<Typed>),
}

impl Argument {
    /// The string; nothing if it is none.
    fn word(&self) -> &str {
        match self {
            Argument::Word(t) => t,
            Argument::Typed(_) => "",
        }
    }
}

/// Whether text is one of some words, ASCII letters without regard to case.
fn one_of(t: &str, words: &[&str]) -> bool {
    words.iter().any(|w| t.eq_ignore_ascii_case(w))
}

/// What unixepoch() gives.
const EPOCHS: Kind = Kind::Int { low: -210_866_760_000, high: 253_402_300_799 };

/// A call of literals.
fn constant_call(value: &Expr, modifiers: &[Expr]) -> Option<Known> {
    let words: Vec<Option<String>> = modifiers.iter().map(word).collect::<Option<_>>()?;
    let text;
    let value = match literal(value)? {
        None => return Some(Known::Null),
        Some(Literal::Integer(n)) => TimeValue::Number(n as f64),
        Some(Literal::Real(r)) => TimeValue::Number(r),
        Some(Literal::Text(t)) => {
            text = t;
            TimeValue::Text(&text)
        }
    };
    if words.iter().any(Option::is_none) {
        return Some(Known::Null);
    }
    let words: Vec<&str> = words.iter().flatten().map(String::as_str).collect();
    Some(constant::known(value, &words))
}

/// The value of a literal; `Some(None)` for NULL.
fn literal(e: &Expr) -> Option<Option<Literal>> {
    Some(match e {
        Expr::Null => None,
        Expr::Integer(n) => Some(Literal::Integer(*n)),
        Expr::Real(r) => Some(Literal::Real(*r)),
        Expr::Text(t) => Some(Literal::Text(t.clone())),
        Expr::Unary(Unary::Plus, x) => return literal(x),
        Expr::Collate(x, _) => return literal(x),
        _ => return None,
    })
}

/// A modifier or a form that is a literal; `Some(None)` for NULL.
fn word(e: &Expr) -> Option<Option<String>> {
    Some(match literal(e)? {
        None => None,
        Some(Literal::Text(t)) => Some(t),
        Some(Literal::Integer(n)) => Some(n.to_string()),
        Some(Literal::Real(_)) => return None,
    })
}

/// What a known time gives; `None` where it is to be computed by the server all the same.
fn of_known(ask: Ask<'_>, known: &Known) -> Translated<Option<Typed>> {
    let null = || Ok(Some(Typed::new(Kind::Null, "NULL")));
    let form = match ask {
        Ask::Form(form) => match word(form) {
            Some(Some(form)) => form,
            Some(None) => return null(),
            None => return Ok(None),
        },
        _ => String::new(),
    };
    let m: &Moment = match known {
        Known::Null => return null(),
        Known::Later => return Ok(None),
        Known::At(moment) => moment,
    };
    Ok(Some(match ask {
        Ask::Date => Typed::text(&format::date(m))?,
        Ask::Time => Typed::text(&format::time(m))?,
        Ask::DateTime => Typed::text(&format!("{} {}", format::date(m), format::time(m)))?,
        Ask::Julian => Typed::real(m.jd as f64 / 86_400_000.0)?,
        Ask::Epoch if m.subsec => Typed::real((m.jd - constant::EPOCH) as f64 / 1000.0)?,
        Ask::Epoch => Typed::integer(m.jd / 1000 - constant::EPOCH / 1000),
        Ask::Form(_) => match format::written(&form, m) {
            Written::Text(text) => Typed::text(&text)?,
            Written::Null => return null(),
            Written::Unsure => return Ok(None),
        },
    }))
}
