//! Comparisons that need more than both operands as they stand: affinity that turns one into the other's class, storage
//! classes that stand above one another, numbers of different types. Owns these; what compares as it stands, does in
//! `compare`.

use super::compare::{self, word};
use super::plain::{Fraction, Stamp};
use super::typed::{Kind, Literal, Typed};
use super::{Translated, Translator, date, form, number, refuse};
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::schema::Affinity;
use crate::sql::ast::Binary;

impl Translator<'_> {
    /// A comparison of operands that are translated already: one that is compared twice must not be walked twice, for
    /// each level of nesting would double the work.
    /// Source: <https://sqlite.org/datatype3.html#comparison_expressions>.
    pub(super) fn compared(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<Typed> {
        if let Some(tested) = compare::with_null(op, a, b) {
            return Ok(Typed::condition(tested));
        }
        if let Some(compared) = self.json_compared(op, a, b)? {
            return Ok(compared);
        }
        if let Some(compared) = date::own_times(op, a, b) {
            return Ok(Typed::condition(compared));
        }
        if matches!(op, Binary::Eq | Binary::Ne | Binary::Is | Binary::IsNot) && compare::never_equal(a, b) {
            return Ok(Typed::condition(constant(op, a, b, false)));
        }
        match compare::pair(op, a, b, self.scope.collate_c) {
            Ok(pair) => Ok(Typed::condition(format!("({} {} {})", pair.left, word(op), pair.right))),
            Err(reason) => match self.in_own_type(op, a, b)? {
                Some(sql) => Ok(Typed::condition(sql)),
                // The reason why it does not compare as it stands says more to a person.
                None => self.after_affinity(op, a, b).map(Typed::condition).map_err(|why| match a.loose || b.loose {
                    true => reason,
                    false => why,
                }),
            },
        }
    }

    /// A column that counts or writes time, beside a literal: the literal in the column's own type.
    fn in_own_type(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<Option<String>> {
        if a.literal.is_some() && b.literal.is_none() {
            return self.in_own_type(turned(op), b, a);
        }
        let (Kind::Other(ty), Some(literal)) = (a.kind, &b.literal) else { return Ok(None) };
        let Some(crossing) = &a.crossing else { return Ok(None) };
        if !crossing.treatments.is_empty() {
            return Ok(None);
        }
        // Numeric affinity makes a number of it, which stands below every text.
        if let Literal::Text(t) = literal
            && number::is_numeric(a.affinity)
            && number::of_text(t).is_some()
        {
            return Ok(None);
        }
        Ok(match (ty, crossing.normal, literal) {
            (PgType::TimestampTz, Normal::EpochSeconds, Literal::Integer(n)) if n.unsigned_abs() < 200_000_000_000 => {
                Some(format!("({} {} to_timestamp({n}))", a.sql, word(op)))
            }
            (PgType::TimestampTz, Normal::EpochMillis, Literal::Integer(n))
                if n.unsigned_abs() < 200_000_000_000_000 =>
            {
                Some(format!("({} {} to_timestamp({n} / 1000.0))", a.sql, word(op)))
            }
            (PgType::TimestampTz, Normal::EpochMicros, Literal::Integer(n))
                if n.unsigned_abs() < 4_000_000_000_000_000 =>
            {
                Some(format!("({} {} to_timestamp({n} / 1000000.0))", a.sql, word(op)))
            }
            (PgType::Timestamp, Normal::DateTime | Normal::Exact, Literal::Text(t)) => match a.stamp {
                Some(stamp) if stamp.fraction == Fraction::Day && self.scope.lasting && t.len() > 10 => {
                    beside_moments(op, &a.sql, t)?
                }
                Some(stamp) => prefixed(op, &a.sql, stamp, t),
                None => None,
            },
            (PgType::Date, Normal::Exact, Literal::Text(t)) => {
                let whole = completed(t, "0001-01-01").filter(|w| w.len() == 10 && form::is_date(w));
                whole.map(|whole| within(op, &a.sql, &format!("'{whole}'::date"), t.len() == 10))
            }
            _ => None,
        })
    }

    fn after_affinity(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<String> {
        let (a, b) = (self.plain(a.clone())?, self.plain(b.clone())?);
        // What looks like a number in such a column is one, and any other text is after all numbers.
        for (x, y, op) in [(&a, &b, turned(op)), (&b, &a, op)] {
            if x.loose && x.is_sorted_out() && y.is_number() {
                return self.by_sign(op, &self.help("sqlite_compare_text", &[&self.exact(y)?, &x.sql])?, y, x);
            }
        }
        for x in [&a, &b] {
            if x.loose {
                return refuse(format!("the values of {} may be text or numbers", x.sql));
            }
        }
        let numeric = |x: &Typed| number::is_numeric(x.affinity);
        let text = |x: &Typed| x.affinity == Some(Affinity::Text);
        if numeric(&a) && !numeric(&b) && matches!(b.kind, Kind::Text) {
            return self.beside_number(op, &a, &b);
        }
        if numeric(&b) && !numeric(&a) && matches!(a.kind, Kind::Text) {
            return self.beside_number(turned(op), &b, &a);
        }
        if text(&a) && b.affinity.is_none() && b.is_number() {
            let b = self.made_text(&b)?;
            return self.classed(op, &a, &b);
        }
        if text(&b) && a.affinity.is_none() && a.is_number() {
            let a = self.made_text(&a)?;
            return self.classed(op, &a, &b);
        }
        self.classed(op, &a, &b)
    }

    fn made_text(&self, x: &Typed) -> Translated<Typed> {
        Ok(Typed { collation: x.collation.clone(), ..Typed::new(Kind::Text, self.text_of(x)?) })
    }

    /// `a` has numeric affinity, `b` is text: a number if the whole of it looks like one.
    fn beside_number(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<String> {
        if let Some(Literal::Text(t)) = &b.literal {
            return match number::of_text(t) {
                Some(number::Number::Integer(n)) => self.classed(op, a, &Typed::integer(n)),
                Some(number::Number::Real(r)) => self.classed(op, a, &Typed::real(r)?),
                None => self.classed(op, a, b),
            };
        }
        if b.wordy {
            return self.classed(op, a, b);
        }
        if !a.is_number() {
            return match a.kind {
                // A text that numeric affinity left as it is beside one to which it is applied.
                Kind::Text => refuse(format!("{} and {} may be numbers or text", a.sql, b.sql)),
                _ => self.classed(op, a, b),
            };
        }
        let number = self.exact(a)?;
        self.by_sign(op, &self.help("sqlite_compare_text", &[&number, &b.sql])?, a, b)
    }

    /// A number as numeric.
    fn exact(&self, x: &Typed) -> Translated<String> {
        Ok(match x.kind {
            Kind::Double => self.help("sqlite_number_of_real", &[&x.sql])?,
            Kind::Bool => format!("({})::numeric", x.as_number().sql),
            Kind::Int { .. } => format!("({})::numeric", x.sql),
            _ => x.sql.clone(),
        })
    }

    /// What a helper tells as -1, 0 or 1, and NULL where an operand is NULL.
    fn by_sign(&self, op: Binary, sign: &str, a: &Typed, b: &Typed) -> Translated<String> {
        Ok(match op {
            Binary::Is => format!("COALESCE({sign} = 0, {} IS NULL AND {} IS NULL)", a.sql, b.sql),
            Binary::IsNot => format!("COALESCE({sign} <> 0, {} IS NOT NULL OR {} IS NOT NULL)", a.sql, b.sql),
            _ => format!("({sign} {} 0)", word(op)),
        })
    }

    /// By storage class, and within one by value: numbers stand below text, text below blobs.
    fn classed(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<String> {
        let rank = |x: &Typed| match x.kind {
            _ if x.is_number() => Ok(0),
            Kind::Text => Ok(1),
            Kind::Blob => Ok(2),
            _ => refuse(format!("{} is not of one sure class", x.what())),
        };
        let bare = |x: &Typed| Typed { affinity: None, ..x.clone() };
        match (rank(a)?, rank(b)?) {
            (0, 0) => self.numbers_compared(op, a, b),
            (x, y) if x == y => {
                let pair = compare::pair(op, &bare(a), &bare(b), self.scope.collate_c)?;
                Ok(format!("({} {} {})", pair.left, word(op), pair.right))
            }
            (x, y) => Ok(constant(op, a, b, x < y)),
        }
    }

    fn numbers_compared(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<String> {
        if let Ok(pair) = compare::pair(op, a, b, self.scope.collate_c) {
            return Ok(format!("({} {} {})", pair.left, word(op), pair.right));
        }
        let (a, b) = (a.as_number(), b.as_number());
        match (a.kind, b.kind) {
            (Kind::Wide, _) | (_, Kind::Wide) => refuse(format!("{} may leave 64 bits", a.sql)),
            (Kind::Int { .. }, Kind::Double) => {
                self.by_sign(op, &self.help("sqlite_compare", &[&a.sql, &b.sql])?, &a, &b)
            }
            (Kind::Double, Kind::Int { .. }) => {
                self.by_sign(turned(op), &self.help("sqlite_compare", &[&b.sql, &a.sql])?, &b, &a)
            }
            _ => {
                let (x, y) = (self.exact(&a)?, self.exact(&b)?);
                self.by_sign(op, &self.help("sqlite_compare_numbers", &[&x, &y])?, &a, &b)
            }
        }
    }
}

/// The operator with its operands exchanged.
pub(super) fn turned(op: Binary) -> Binary {
    match op {
        Binary::Lt => Binary::Gt,
        Binary::Le => Binary::Ge,
        Binary::Gt => Binary::Lt,
        Binary::Ge => Binary::Le,
        op => op,
    }
}

/// A comparison whose answer the classes alone decide; NULL where an operand is NULL.
fn constant(op: Binary, a: &Typed, b: &Typed, less: bool) -> String {
    let answer = match op {
        Binary::Is => return format!("({} IS NULL AND {} IS NULL)", a.sql, b.sql),
        Binary::IsNot => return format!("({} IS NOT NULL OR {} IS NOT NULL)", a.sql, b.sql),
        Binary::Eq => false,
        Binary::Ne => true,
        Binary::Lt | Binary::Le => less,
        _ => !less,
    };
    let answer = if answer { "TRUE" } else { "FALSE" };
    let there: Vec<String> =
        [a, b].iter().filter(|x| x.literal.is_none()).map(|x| format!("{} IS NOT NULL", x.sql)).collect();
    if there.is_empty() { answer.to_owned() } else { format!("(CASE WHEN {} THEN {answer} END)", there.join(" AND ")) }
}

/// A beginning of a date or a date-time in the one form of the column's texts, made whole by the least that may follow.
/// Such a text sorts before all that it begins.
fn completed(t: &str, least: &str) -> Option<String> {
    let rest = least.get(t.len()..)?;
    // A part is whole, or the rest would complete another number.
    let parted = rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_digit());
    (t.len() >= 4 && parted).then(|| format!("{t}{rest}"))
}

/// A comparison of days with a text that is longer than one and begins with it: it is after that day.
fn after_day(op: Binary, column: &str, day: &str) -> Option<String> {
    let op = match op {
        Binary::Gt | Binary::Ge => ">",
        Binary::Lt | Binary::Le => "<=",
        _ => return None,
    };
    Some(format!("({column} {op} '{day}'::timestamp)"))
}

/// Days of today, among which a row to come may have a time, beside a text that has one.
fn beside_moments(op: Binary, column: &str, t: &str) -> Translated<Option<String>> {
    let least = "0001-01-01 00:00:00";
    let whole = completed(t, least).filter(|w| w.get(10..11) == Some(" ") && form::is_timestamp(w, true));
    let Some(whole) = whole else { return Ok(None) };
    if whole.ends_with(" 00:00:00") {
        // PostgreSQL holds the day and its midnight as one value.
        return refuse(format!("{column} has days as text, which SQLite tells from their midnight, '{t}'"));
    }
    Ok(Some(within(op, column, &format!("'{whole}'::timestamp"), t.len() == least.len())))
}

fn prefixed(op: Binary, column: &str, stamp: Stamp, t: &str) -> Option<String> {
    if stamp.fraction == Fraction::Day {
        // A text with a time begins with its day, and stands after it and before the next one.
        let (day, whole) = match t.get(..10).filter(|d| form::is_date(d)) {
            Some(day) if t.len() > 10 => return after_day(op, column, day),
            Some(day) => (day.to_owned(), true),
            None => (completed(t, "0001-01-01").filter(|w| w.len() == 10 && form::is_date(w))?, false),
        };
        return Some(within(op, column, &format!("'{day}'::timestamp"), whole));
    }
    let between = if stamp.letter_t { 'T' } else { ' ' };
    let fraction = match stamp.fraction {
        Fraction::Day | Fraction::None => "",
        Fraction::Millis => ".000",
        Fraction::Micros => ".000000",
        // A text that ends before the seconds do is shorter than every value.
        Fraction::Any if t.len() < 19 => "",
        Fraction::Any => return None,
    };
    let least = format!("0001-01-01{between}00:00:00{fraction}");
    let whole = completed(t, &least)?;
    let spaced = whole.replacen('T', " ", 1);
    if whole.as_bytes().get(10).copied() != Some(between as u8) || !form::is_timestamp(&spaced, true) {
        return None;
    }
    Some(within(op, column, &format!("'{spaced}'::timestamp"), t.len() == least.len()))
}

/// A comparison with a text that is whole, or else with one that stands just before all that it begins.
fn within(op: Binary, column: &str, literal: &str, whole: bool) -> String {
    let op = match op {
        op if whole => word(op),
        Binary::Gt | Binary::Ge => ">=",
        Binary::Lt | Binary::Le => "<",
        Binary::Eq => return format!("(CASE WHEN {column} IS NOT NULL THEN FALSE END)"),
        Binary::Ne => return format!("(CASE WHEN {column} IS NOT NULL THEN TRUE END)"),
        Binary::Is => return "FALSE".into(),
        _ => return "TRUE".into(),
    };
    format!("({column} {op} {literal})")
}
