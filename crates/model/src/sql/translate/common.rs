//! One kind for several values: the arms of CASE, the arguments of coalesce, the rows of a compound.
//! Owns what they have in common; never decides what becomes of them.

use super::typed::{self, Collation, Kind, Literal, Typed};
use super::{Purpose, Translated, Translator, refuse};
use crate::mapping::PgType;
use crate::value::Class;

/// Integers up to this may stand among doubles: sums and products of some of them are still exact there.
const FEW: i128 = 1 << 21;

impl Translator<'_> {
    /// What values of several parts are together (its text is to be filled in), and their texts as that.
    pub(super) fn common(&self, values: Vec<Typed>) -> Translated<(Typed, Vec<String>)> {
        if let Some(same) = same_column(&values) {
            return Ok((same, values.into_iter().map(|v| v.sql).collect()));
        }
        let values = values.into_iter().map(|v| self.alone(v)).collect::<Translated<Vec<_>>>()?;
        let loose = values.iter().any(|v| v.loose);
        let varying = |v: &Typed| {
            v.whole.is_some()
                || v.column && matches!(v.kind, Kind::Double | Kind::Number) && v.class != Some(Class::Real)
        };
        if !loose
            && !values.iter().any(varying)
            && let Ok((kind, texts)) = typed::common(values.clone())
        {
            return Ok((of_one_kind(kind, &values), texts));
        }
        let all = |is: fn(&Typed) -> bool| values.iter().all(|v| v.kind == Kind::Null || is(v));
        if !loose && all(|v| matches!(v.kind, Kind::Int { .. } | Kind::Bool | Kind::Double | Kind::Number)) {
            return self.numbers_together(&values);
        }
        if self.scope.purpose == Purpose::Query && all(|v| !matches!(v.kind, Kind::Blob)) {
            let texts = values.iter().map(|v| self.text_of(v)).collect::<Translated<Vec<_>>>()?;
            return Ok((Typed { loose: true, ..Typed::new(Kind::Text, "") }, texts));
        }
        refuse("its parts are of different kinds")
    }

    /// A value of a type of its own beside others is what SQLite has.
    fn alone(&self, v: Typed) -> Translated<Typed> {
        if let Kind::Other(_) = v.kind { self.plain(v) } else { Ok(v) }
    }

    /// Integers and reals: doubles if the integers are few, else numeric whose digits tell them apart.
    fn numbers_together(&self, values: &[Typed]) -> Translated<(Typed, Vec<String>)> {
        let numbers = values.iter().map(|v| self.number_of(v)).collect::<Translated<Vec<_>>>()?;
        let mut most = 0;
        let mut integers = false;
        let mut few = true;
        for v in &numbers {
            match v.kind {
                Kind::Int { low, high } => {
                    integers = true;
                    most = most.max(low.abs()).max(high.abs());
                }
                Kind::Double => {
                    integers |= v.whole.is_some();
                    most = most.max(v.whole.unwrap_or(0));
                }
                Kind::Null => {}
                _ => few = false,
            }
        }
        if few && most <= FEW {
            let texts = numbers
                .iter()
                .map(|v| match (&v.kind, &v.literal) {
                    (Kind::Int { .. }, Some(Literal::Integer(n))) => Ok(n.to_string()),
                    _ => self.real_of(v),
                })
                .collect::<Translated<Vec<_>>>()?;
            let class = if integers { None } else { Some(Class::Real) };
            return Ok((Typed { whole: integers.then_some(most), class, ..Typed::new(Kind::Double, "") }, texts));
        }
        let texts = numbers
            .iter()
            .map(|v| match v.kind {
                Kind::Double if v.whole.is_none() => self.help("sqlite_number_of_real", &[&v.sql]),
                Kind::Double => refuse(format!("{} may be an integer or a real", v.sql)),
                Kind::Number | Kind::Null => Ok(v.sql.clone()),
                _ => Ok(format!("({})::numeric", v.sql)),
            })
            .collect::<Translated<Vec<_>>>()?;
        Ok((Typed::new(Kind::Number, ""), texts))
    }
}

fn of_one_kind(kind: Kind, values: &[Typed]) -> Typed {
    let there: Vec<&Typed> = values.iter().filter(|v| v.kind != Kind::Null).collect();
    let class = there.first().and_then(|v| v.class).filter(|c| there.iter().all(|v| v.class == Some(*c)));
    let big = matches!(kind, Kind::Int { .. }) && there.iter().any(|v| v.pg == Some(PgType::BigInt));
    Typed { class, pg: big.then_some(PgType::BigInt), ..Typed::new(kind, "") }
}

/// Values of one type of PostgreSQL that all cross alike stay what they are.
fn same_column(values: &[Typed]) -> Option<Typed> {
    let first = values.iter().find(|v| v.kind != Kind::Null)?;
    let Kind::Other(_) = first.kind else { return None };
    let alike = |v: &Typed| {
        let same = v.kind == first.kind && v.crossing == first.crossing && v.stamp == first.stamp;
        v.kind == Kind::Null || same && v.class == first.class
    };
    values.iter().all(alike).then(|| Typed {
        affinity: None,
        collation: Collation::None,
        column: false,
        sql: String::new(),
        ..first.clone()
    })
}
