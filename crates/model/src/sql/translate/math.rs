//! The mathematical functions.
//! Owns them; never those of the core (`abs`, `round`).

use super::scalar::{integer, real};
use super::typed::{Kind, Literal, Typed};
use super::value::not_loose;
use super::{Translated, Translator, number, refuse};

impl Translator<'_> {
    /// A call of one of these; `None` if it is another's. What is no number as a whole gives NULL.
    /// Source: <https://sqlite.org/lang_mathfunc.html>.
    pub(super) fn math(&self, name: &str, args: &[Typed]) -> Translated<Option<Typed>> {
        let helper = |helper: &'static str, x: &Typed| -> Translated<Option<Typed>> {
            Ok(Some(real(self.help(helper, &[&self.argument(x)?])?)))
        };
        match (name, args) {
            ("pi", []) => Ok(Some(real("pi()".into()))),
            ("ceil" | "ceiling" | "floor" | "trunc", [x]) => self.whole(name, x).map(Some),
            ("sin" | "cos" | "tan" | "atan" | "sinh" | "cosh" | "tanh" | "asinh" | "degrees" | "radians", [x]) => {
                Ok(Some(real(format!("{name}({})", self.argument(x)?))))
            }
            ("sqrt", [x]) => helper("sqlite_sqrt", x),
            ("exp", [x]) => helper("sqlite_exp", x),
            ("ln", [x]) => helper("sqlite_ln", x),
            ("log" | "log10", [x]) => helper("sqlite_log10", x),
            ("log2", [x]) => helper("sqlite_log2", x),
            ("acos", [x]) => helper("sqlite_acos", x),
            ("asin", [x]) => helper("sqlite_asin", x),
            ("acosh", [x]) => helper("sqlite_acosh", x),
            ("atanh", [x]) => helper("sqlite_atanh", x),
            ("log", [base, x]) => self.two("sqlite_log", base, x),
            ("pow" | "power", [a, b]) => self.two("sqlite_power", a, b),
            ("mod", [a, b]) => self.two("sqlite_modulo", a, b),
            ("atan2", [a, b]) => Ok(Some(real(format!("atan2({}, {})", self.argument(a)?, self.argument(b)?)))),
            _ => Ok(None),
        }
    }

    fn two(&self, helper: &'static str, a: &Typed, b: &Typed) -> Translated<Option<Typed>> {
        Ok(Some(real(self.help(helper, &[&self.argument(a)?, &self.argument(b)?])?)))
    }

    /// A double, or NULL for what is no number as a whole.
    fn argument(&self, x: &Typed) -> Translated<String> {
        let x = self.plain(x.clone())?;
        not_loose(&x)?;
        match (x.kind, &x.literal) {
            (Kind::Text, Some(Literal::Text(t))) if number::of_text(t).is_none() => Ok("NULL::double precision".into()),
            (Kind::Text, None) => Ok(format!("{}::double precision", self.help("sqlite_number_in_text", &[&x.sql])?)),
            (Kind::Blob, _) => Ok("NULL::double precision".into()),
            _ => self.real_of(&x),
        }
    }

    /// Integers stay what they are.
    fn whole(&self, name: &str, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        not_loose(&x)?;
        let name = if name == "ceiling" { "ceil" } else { name };
        match x.kind {
            Kind::Int { .. } | Kind::Bool | Kind::Double | Kind::Number => {
                let x = self.number_of(&x)?;
                match x.kind {
                    Kind::Int { low, high } => Ok(integer(low, high, x.sql)),
                    Kind::Double if x.whole.is_none() => Ok(real(format!("{name}({})", x.sql))),
                    Kind::Null => Ok(x),
                    _ => refuse(format!("{name}() of {} is an integer or a real", x.sql)),
                }
            }
            Kind::Null => Ok(x),
            Kind::Text if x.literal.is_none() => refuse(format!("{name}() of {} is an integer or a real", x.sql)),
            Kind::Text => {
                let n = self.number_of(&x)?;
                match (&x.literal, n.kind) {
                    (Some(Literal::Text(t)), _) if number::of_text(t).is_none() => Ok(Typed::new(Kind::Null, "NULL")),
                    (_, Kind::Double) => Ok(real(format!("{name}({})", n.sql))),
                    _ => Ok(n),
                }
            }
            _ => Ok(real(format!("{name}({})", self.argument(&x)?))),
        }
    }
}
