//! CAST. Owns what it makes of each class; never applies the affinity of a column (see `store`).

use super::typed::{Kind, Literal, Typed};
use super::value::{ANY, not_loose};
use super::{Translated, Translator, number, refuse};
use crate::mapping::PgType;
use crate::schema::Affinity;
use crate::sql::ast::Expr;
use crate::value::Class;

impl Translator<'_> {
    /// `CAST(x AS declared)`: the affinity of the type's name decides.
    /// Source: <https://sqlite.org/lang_expr.html#castexpr>.
    pub(super) fn cast(&self, x: &Expr, declared: &str) -> Translated<Typed> {
        let x = &self.typed(x)?;
        if declared.trim().is_empty() {
            return refuse("CAST names no type");
        }
        let affinity = Affinity::of(declared);
        let made = match affinity {
            Affinity::Integer => self.as_integer(x)?,
            Affinity::Real => Typed { class: Some(Class::Real), ..Typed::new(Kind::Double, self.real_of(x)?) },
            Affinity::Numeric => self.as_numeric(x)?,
            Affinity::Text => Typed::new(Kind::Text, self.text_of(x)?),
            Affinity::Blob => match self.plain(x.clone())? {
                x if x.kind == Kind::Blob => x,
                x => Typed::new(Kind::Blob, self.bytes_of(&x)?),
            },
        };
        let made = if x.kind == Kind::Null { Typed::new(Kind::Null, "NULL") } else { made };
        Ok(Typed { affinity: Some(affinity), collation: x.collation.clone(), column: false, ..made })
    }

    fn as_integer(&self, x: &Typed) -> Translated<Typed> {
        let kind = match self.plain(x.clone())?.as_number().kind {
            kind @ Kind::Int { .. } => kind,
            _ => ANY,
        };
        let sql = self.integer_of(x)?;
        // A literal is no bigint unless it is large.
        if let Ok(n) = sql.trim_matches(['(', ')']).parse() {
            return Ok(Typed { class: Some(Class::Integer), ..Typed::integer(n) });
        }
        Ok(Typed { pg: Some(PgType::BigInt), class: Some(Class::Integer), ..Typed::new(kind, sql) })
    }

    fn as_numeric(&self, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        not_loose(&x)?;
        match (x.kind, &x.literal) {
            (Kind::Text, Some(Literal::Text(t))) => match number::of_prefix(t) {
                number::Number::Integer(n) => Ok(Typed::integer(n)),
                number::Number::Real(r) if r.fract() == 0.0 && r.abs() < 2_251_799_813_685_248.0 => {
                    Ok(Typed::integer(number::truncated(r)))
                }
                number::Number::Real(r) => Typed::real(r),
            },
            (Kind::Text | Kind::Blob, _) => {
                Ok(Typed::new(Kind::Number, self.help("sqlite_numeric_of_text", &[&self.text_of(&x)?])?))
            }
            _ => self.number_of(&x),
        }
    }
}
