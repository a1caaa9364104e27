//! A translated part: its text, what kind of value it is on both sides, and what SQLite's rules ask about it.
//! Owns what a column's type and affinity prove about its values; never compares.

use super::plain::Stamp;
use super::{ScopeColumn, Translated, number, refuse};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::shape::Crossing;
use crate::schema::Affinity;
use crate::value::Class;
use std::sync::Arc;

/// What kind of value it is. In SQLite every kind but `Other` is one storage class (NULL aside).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// NULL.
    Null,
    /// An integer between these, both within 64 bits.
    Int { low: i128, high: i128 },
    /// A sum of integers that may leave 64 bits: numeric here, inexact in SQLite. Only comparable.
    Wide,
    /// A number held as numeric.
    Number,
    /// A double.
    Double,
    /// Boolean here, 0 or 1 in SQLite.
    Bool,
    /// Text.
    Text,
    /// Bytes.
    Blob,
    /// A type that SQLite keeps as text in some form, or values whose class is not proven: only NULL can be tested.
    Other(PgType),
}

/// Where a collation comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Collation {
    /// Neither a column nor COLLATE.
    None,
    /// The column's.
    Column(String),
    /// COLLATE.
    Explicit(String),
}

/// A literal's value, for rules that look at it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Integer(i64),
    Real(f64),
    Text(String),
}

/// A translated part.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub kind: Kind,
    /// PostgreSQL's text; an operand as it stands.
    pub sql: String,
    /// Affinity as SQLite's comparisons see it: a column's, else none.
    pub affinity: Option<Affinity>,
    pub collation: Collation,
    pub literal: Option<Literal>,
    /// A bare column.
    pub column: bool,
    /// A column's type.
    pub pg: Option<PgType>,
    /// Text whose values may be numbers in SQLite: only equality with what is no number is sure.
    pub loose: bool,
    /// The class that `typeof()` gives for every value that is not NULL, if that is sure.
    pub class: Option<Class>,
    /// How the column's values cross, of a bare column.
    pub crossing: Option<Arc<Crossing>>,
    /// The texts of a column of date-times, if all have one form.
    pub stamp: Option<Stamp>,
    /// The same value in a type of PostgreSQL's own: for text that is the canonical form of a date (`YYYY-MM-DD`), a
    /// timestamp (`YYYY-MM-DD HH:MM:SS[.ffffff]`, in UTC) or a time, and for an integer that is the seconds since 1970
    /// of a timestamptz. What is stored into a column of that type is then this.
    pub native: Option<(PgType, String)>,
    /// A number that is no infinity, and if it is not zero is between 1e-n and 1e+n.
    pub reach: Option<u16>,
    /// Text of which no value looks like a number, so that numeric affinity leaves it as it is.
    pub wordy: bool,
    /// The integer of 64 bits that the text writes.
    pub digits: Option<Box<str>>,
    /// Where in JSON the value comes from.
    pub json: Option<Box<super::json::Json>>,
    /// A double that may be an integer in SQLite, and then is no larger than this. With `None` it is a real, if it is
    /// not a column.
    pub whole: Option<i128>,
    /// A column under INTEGER or NUMERIC affinity, whatever it is compared under: none of its texts looks like a number.
    pub one_form: bool,
}

impl Typed {
    pub fn new(kind: Kind, sql: impl Into<String>) -> Self {
        Typed {
            kind,
            sql: sql.into(),
            affinity: None,
            collation: Collation::None,
            literal: None,
            column: false,
            pg: None,
            loose: false,
            class: None,
            crossing: None,
            stamp: None,
            native: None,
            reach: None,
            wordy: false,
            digits: None,
            json: None,
            whole: None,
            one_form: false,
        }
    }

    pub fn of_class(self, class: crate::value::Class) -> Self {
        Typed { class: Some(class), ..self }
    }

    pub fn condition(sql: String) -> Self {
        Typed::new(Kind::Bool, sql)
    }

    pub fn integer(n: i64) -> Self {
        let sql = if n == i64::MIN {
            format!("'{n}'::bigint")
        } else if n < 0 {
            format!("({n})")
        } else {
            n.to_string()
        };
        let kind = Kind::Int { low: n.into(), high: n.into() };
        Typed { literal: Some(Literal::Integer(n)), ..Typed::new(kind, sql) }
    }

    pub fn real(r: f64) -> Translated<Self> {
        if r.is_nan() {
            return refuse("it holds what is no number");
        }
        if r.is_infinite() {
            let sql = format!("'{}Infinity'::double precision", if r < 0.0 { "-" } else { "" });
            return Ok(Typed { class: Some(Class::Real), ..Typed::new(Kind::Double, sql) });
        }
        let sql = format!("'{r}'::double precision");
        Ok(Typed { literal: Some(Literal::Real(r)), ..Typed::new(Kind::Double, sql) })
    }

    pub fn text(t: &str) -> Translated<Self> {
        if t.contains('\0') {
            return refuse("it holds a NUL character");
        }
        let literal = Some(Literal::Text(t.to_owned()));
        Ok(Typed { literal, ..Typed::new(Kind::Text, format!("{}::text", ident::literal(t))) })
    }

    pub fn blob(b: &[u8]) -> Self {
        Typed::new(Kind::Blob, format!("'\\x{}'::bytea", number::hex(b)))
    }

    /// A column: its kind is what type, affinity and census together prove.
    pub fn column(column: &ScopeColumn, sql: String) -> Self {
        let (affinity, class) = (column.source.affinity, column.class);
        let other = Kind::Other(column.ty);
        let number_in_sqlite = affinity != Affinity::Text && !matches!(class, Some(Class::Text | Class::Blob));
        let mut loose = false;
        let kind = match column.ty {
            PgType::SmallInt
            | PgType::Integer
            | PgType::BigInt
            | PgType::Numeric(_)
            | PgType::Double
            | PgType::Boolean
                if !number_in_sqlite =>
            {
                other
            }
            PgType::SmallInt => Kind::Int { low: i16::MIN.into(), high: i16::MAX.into() },
            PgType::Integer => Kind::Int { low: i32::MIN.into(), high: i32::MAX.into() },
            PgType::BigInt => Kind::Int { low: i64::MIN.into(), high: i64::MAX.into() },
            PgType::Numeric(_) => Kind::Number,
            PgType::Double => Kind::Double,
            PgType::Boolean => Kind::Bool,
            PgType::Text | PgType::Bytea | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum if column.mixed => other,
            // Written as text for the sake of a linked column.
            PgType::Text | PgType::VarChar(_) if class == Some(Class::Blob) => other,
            PgType::Text | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum => {
                loose = affinity != Affinity::Text && class != Some(Class::Text);
                Kind::Text
            }
            PgType::Bytea => match class {
                Some(Class::Blob) => Kind::Blob,
                None if affinity == Affinity::Blob => Kind::Blob,
                _ => other,
            },
            _ => other,
        };
        // What char(n) holds ends in no space, so that its text is the value; labels compare as texts do in SQLite.
        let sql = match column.ty {
            PgType::Char(_) | PgType::Enum => format!("({sql}::text)"),
            _ => sql,
        };
        let collation = column.source.collation.clone().unwrap_or_else(|| "BINARY".into());
        Typed {
            one_form: matches!(affinity, Affinity::Integer | Affinity::Numeric),
            affinity: Some(affinity),
            collation: Collation::Column(collation),
            column: true,
            pg: Some(column.ty),
            loose,
            class: proven_class(kind, loose, affinity).or(class.filter(|c| *c != Class::Null)),
            crossing: column.crossing.map(|c| Arc::new(c.clone())),
            stamp: column.stamp,
            ..Typed::new(kind, sql)
        }
    }

    /// The class of all values that the column may ever hold, of a bare column: the census does not count, for it has
    /// not seen the rows to come.
    pub fn lasting_class(&self) -> Option<Class> {
        let affinity = self.affinity?;
        match self.kind {
            Kind::Other(PgType::Timestamp | PgType::Date | PgType::Time) => Some(Class::Text),
            kind => proven_class(kind, affinity != Affinity::Text, affinity),
        }
    }

    /// As an operand without affinity, as the items of an IN list are.
    pub fn bare(mut self) -> Self {
        self.affinity = None;
        if let Collation::Column(_) = self.collation {
            self.collation = Collation::None;
        }
        self
    }

    /// The number behind a boolean.
    pub fn as_number(&self) -> Typed {
        if self.kind != Kind::Bool {
            return self.clone();
        }
        let kind = Kind::Int { low: 0, high: 1 };
        Typed { kind, sql: format!("({})::integer", self.sql), column: false, pg: None, ..self.clone() }
    }

    /// A column of text and numbers whose affinity has made a number of every text that looks like one: what looks like
    /// a number is one.
    pub fn is_sorted_out(&self) -> bool {
        self.column && matches!(self.affinity, Some(Affinity::Integer | Affinity::Numeric))
    }

    pub fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Int { .. } | Kind::Wide | Kind::Number | Kind::Double | Kind::Bool)
    }

    /// For messages.
    pub fn what(&self) -> String {
        match self.kind {
            Kind::Other(ty) => format!("{} of type {}", self.sql, ty.sql()),
            _ => self.sql.clone(),
        }
    }
}

/// What `typeof()` gives by the rules of affinity alone: REAL affinity turns integers into reals on insert, the other
/// numeric ones turn whole reals into integers, and no affinity keeps both apart.
fn proven_class(kind: Kind, loose: bool, affinity: Affinity) -> Option<Class> {
    match (kind, affinity) {
        (Kind::Text, _) if !loose => Some(Class::Text),
        (Kind::Blob, _) => Some(Class::Blob),
        (Kind::Int { .. } | Kind::Bool, Affinity::Integer | Affinity::Numeric) => Some(Class::Integer),
        (Kind::Double | Kind::Number | Kind::Int { .. }, Affinity::Real) => Some(Class::Real),
        _ => None,
    }
}

/// One kind for several values (the arms of CASE, the arguments of coalesce), and their texts as that kind.
pub(super) fn common(values: Vec<Typed>) -> Translated<(Kind, Vec<String>)> {
    let mut kind = Kind::Null;
    for value in &values {
        if value.loose {
            return refuse(format!("the values of {} may be text or numbers", value.sql));
        }
        kind = match (kind, value.kind) {
            (_, Kind::Wide | Kind::Other(_)) => return refuse(format!("{} is not of one sure kind", value.what())),
            (Kind::Null, k) => k,
            (k, Kind::Null) => k,
            (Kind::Bool, Kind::Int { low, high }) | (Kind::Int { low, high }, Kind::Bool) => {
                Kind::Int { low: low.min(0), high: high.max(1) }
            }
            (Kind::Int { low: a, high: b }, Kind::Int { low: c, high: d }) => {
                Kind::Int { low: a.min(c), high: b.max(d) }
            }
            (a, b) if a == b => a,
            _ => return refuse("its parts are of different kinds"),
        };
    }
    let number = matches!(kind, Kind::Int { .. });
    Ok((kind, values.into_iter().map(|v| if number { v.as_number().sql } else { v.sql }).collect()))
}
