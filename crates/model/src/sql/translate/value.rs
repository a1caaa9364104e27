//! The same value as another class: text of a number, number of a text, as SQLite converts where one is asked for.
//! Owns these conversions; never decides which an operator or a function asks for.

use super::number::{self, Number};
use super::typed::{Kind, Literal, Typed};
use super::{Purpose, Translated, Translator, refuse};
use crate::ident;
use crate::mapping::PgType;
use crate::schema::Affinity;
use crate::value::Class;

/// Any integer of 64 bits.
pub(super) const ANY: Kind = Kind::Int { low: i64::MIN as i128, high: i64::MAX as i128 };

impl Translator<'_> {
    /// The name of a helper function, noted as used.
    pub(super) fn helper(&self, name: &'static str) -> Translated<&'static str> {
        match self.scope.helpers {
            Some(used) => Ok(used.take(name)),
            None => refuse("PostgreSQL has nothing that does just the same as SQLite here"),
        }
    }

    /// A call of a helper function.
    pub(super) fn help(&self, name: &'static str, args: &[&str]) -> Translated<String> {
        Ok(format!("{}({})", self.helper(name)?, args.join(", ")))
    }

    /// The value as text, as `||` and functions of text take it.
    pub(super) fn text_of(&self, x: &Typed) -> Translated<String> {
        let x = self.plain(x.clone())?;
        Ok(match (x.kind, &x.literal) {
            (Kind::Null, _) => "NULL::text".into(),
            (Kind::Text, _) => x.sql,
            (Kind::Int { .. }, Some(Literal::Integer(n))) => format!("'{n}'"),
            (Kind::Int { .. } | Kind::Bool, _) => format!("({})::text", x.as_number().sql),
            (Kind::Double, Some(Literal::Real(r))) if number::real_text(*r).is_some() => {
                ident::literal(&number::real_text(*r).unwrap_or_default())
            }
            (Kind::Double | Kind::Number, _) => {
                let x = self.number_of(&x)?;
                match x.kind {
                    Kind::Double if x.whole.is_none() => self.help("sqlite_real_text", &[&x.sql])?,
                    Kind::Number => self.help("sqlite_number_text", &[&x.sql])?,
                    Kind::Int { .. } => format!("({})::text", x.sql),
                    _ => {
                        return refuse(format!("{} may be an integer or a real, which SQLite writes otherwise", x.sql));
                    }
                }
            }
            // Bytes that are no text are an error, which a row must not run into.
            (Kind::Blob, _) if self.scope.purpose == Purpose::Stored => {
                return refuse(format!("the bytes of {} may be no text", x.what()));
            }
            (Kind::Blob, _) => format!("convert_from({}, 'UTF8')", x.sql),
            (Kind::Wide, _) => return refuse(format!("{} may leave 64 bits", x.sql)),
            (Kind::Other(_), _) => return refuse(format!("{} has no sure text", x.what())),
        })
    }

    /// The bytes of the value's text.
    pub(super) fn bytes_of(&self, x: &Typed) -> Translated<String> {
        if self.scope.purpose == Purpose::Stored {
            return refuse(format!("the bytes of {} are not immutable in PostgreSQL", x.what()));
        }
        Ok(format!("convert_to({}, 'UTF8')", self.text_of(x)?))
    }

    /// The value as a number, as arithmetic takes it: an integer, a double (a real in SQLite, or as `whole` says), or
    /// numeric whose digits after the point tell a real from an integer.
    pub(super) fn number_of(&self, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        not_loose(&x)?;
        match (x.kind, &x.literal) {
            (Kind::Null, _) => Ok(Typed::new(Kind::Null, "NULL")),
            (Kind::Bool, _) => Ok(x.as_number()),
            (Kind::Int { .. }, _) if !self.real_column(&x) => Ok(x),
            (Kind::Int { .. }, _) => Ok(Typed::new(Kind::Double, format!("({})::double precision", x.sql))),
            (Kind::Double, _) if x.column && !self.real_column(&x) => match x.affinity {
                Some(Affinity::Integer | Affinity::Numeric) => {
                    // Whole numbers are integers there.
                    let sql = format!("trim_scale({})", self.help("sqlite_number_of_real", &[&x.sql])?);
                    Ok(Typed::new(Kind::Number, sql))
                }
                _ => refuse(format!("{} holds integers and reals, with which SQLite computes otherwise", x.sql)),
            },
            (Kind::Double, _) => Ok(x),
            (Kind::Number, _) if x.column && self.real_column(&x) => {
                Ok(Typed::new(Kind::Double, format!("({})::double precision", x.sql)))
            }
            (Kind::Number, _) if x.column => match x.affinity {
                Some(Affinity::Integer | Affinity::Numeric) => {
                    Ok(Typed::new(Kind::Number, format!("trim_scale({})", x.sql)))
                }
                _ => refuse(format!("{} holds integers and reals, with which SQLite computes otherwise", x.sql)),
            },
            (Kind::Number, _) => Ok(x),
            (Kind::Text, Some(Literal::Text(t))) => match number::of_prefix(t) {
                Number::Integer(n) => Ok(Typed::integer(n)),
                Number::Real(r) => Typed::real(r),
            },
            (Kind::Text, _) if let Some(digits) = &x.digits => Ok(Typed::new(ANY, &**digits)),
            (Kind::Text | Kind::Blob, _) => {
                Ok(Typed::new(Kind::Number, self.help("sqlite_number_of_text", &[&self.text_of(&x)?])?))
            }
            (Kind::Wide, _) => refuse(format!("{} may leave 64 bits", x.sql)),
            (Kind::Other(_), _) => refuse(format!("{} has no sure number", x.what())),
        }
    }

    /// Whether every value of a column is a real in SQLite.
    fn real_column(&self, x: &Typed) -> bool {
        x.column
            && (x.affinity == Some(Affinity::Real)
                || x.class == Some(Class::Real) && x.affinity == Some(Affinity::Blob))
    }

    /// The value as an integer of 64 bits, as CAST and the operators on bits take it.
    pub(super) fn integer_of(&self, x: &Typed) -> Translated<String> {
        let x = self.plain(x.clone())?;
        not_loose(&x)?;
        if let Some(json) = x.json.as_ref().filter(|_| x.loose) {
            return self.help("sqlite_json_integer", &[&json.node]);
        }
        Ok(match (x.kind, &x.literal) {
            (Kind::Null, _) => "NULL::bigint".into(),
            (Kind::Int { .. }, _) => big(&x),
            (Kind::Bool, _) => big(&x.as_number()),
            (Kind::Double, Some(Literal::Real(r))) => Typed::integer(number::truncated(*r)).sql,
            (Kind::Double, _) => self.help("sqlite_integer_of_real", &[&x.sql])?,
            (Kind::Number, _) => self.help("sqlite_integer_of_number", &[&x.sql])?,
            (Kind::Text, Some(Literal::Text(t))) => Typed::integer(number::integer_prefix(t)).sql,
            (Kind::Text, _) if let Some(digits) = &x.digits => digits.to_string(),
            (Kind::Text | Kind::Blob, _) => self.help("sqlite_integer_of_text", &[&self.text_of(&x)?])?,
            (Kind::Wide | Kind::Other(_), _) => return refuse(format!("{} has no sure integer", x.what())),
        })
    }

    /// The value as a double, as round() and CAST AS REAL take it.
    pub(super) fn real_of(&self, x: &Typed) -> Translated<String> {
        let x = self.plain(x.clone())?;
        not_loose(&x)?;
        Ok(match (x.kind, &x.literal) {
            (Kind::Null, _) => "NULL::double precision".into(),
            (Kind::Int { .. } | Kind::Bool | Kind::Number, _) => {
                format!("({})::double precision", x.as_number().sql)
            }
            (Kind::Double, _) => x.sql,
            (Kind::Text, Some(Literal::Text(t))) => match number::of_prefix(t) {
                Number::Integer(n) => Typed::real(n as f64)?.sql,
                Number::Real(r) => Typed::real(r)?.sql,
            },
            (Kind::Text | Kind::Blob, _) => self.help("sqlite_real_of_text", &[&self.text_of(&x)?])?,
            (Kind::Wide | Kind::Other(_), _) => return refuse(format!("{} has no sure number", x.what())),
        })
    }

    /// What SQLite takes for true: a number other than zero, of a text the number at its beginning.
    /// Source: <https://sqlite.org/lang_expr.html#boolean_expressions>.
    pub(super) fn truth(&self, x: &Typed) -> Translated<String> {
        if let Kind::Bool = x.kind {
            return Ok(x.sql.clone());
        }
        let x = self.plain(x.clone())?;
        match x.kind {
            Kind::Bool => Ok(x.sql),
            Kind::Null => Ok("NULL::boolean".into()),
            Kind::Int { .. } | Kind::Wide | Kind::Number | Kind::Double => Ok(format!("({} <> 0)", x.sql)),
            Kind::Text | Kind::Blob => Ok(format!("({} <> 0)", self.real_of(&x)?)),
            Kind::Other(_) => refuse(format!("{} is used as a condition and is no number", x.what())),
        }
    }
}

/// A text may be a number in SQLite, which its text does not tell: 1.0e-07 as text begins with the integer 1.
pub(super) fn not_loose(x: &Typed) -> Translated<()> {
    // The text of a value that comes of JSON is that of SQLite, to the last digit.
    if x.loose && x.json.is_none() { refuse(format!("the values of {} may be text or numbers", x.sql)) } else { Ok(()) }
}

/// An integer as bigint, without a cast where it is one already.
pub(super) fn big(x: &Typed) -> String {
    if x.pg == Some(PgType::BigInt) {
        return x.sql.clone();
    }
    match x.literal {
        Some(Literal::Integer(n)) if i32::try_from(n).is_err() => x.sql.clone(),
        _ => format!("({})::bigint", x.sql),
    }
}
