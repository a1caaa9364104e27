//! Operators that compute, and text put together.
//! Owns where SQLite and PostgreSQL compute alike, and what keeps SQLite's results where they do not; never compares.

use super::typed::{Kind, Literal, Typed};
use super::value::{ANY, big};
use super::{Purpose, Translated, Translator, number, refuse};
use crate::mapping::PgType;
use crate::sql::ast::{Binary, Unary};
use crate::value::Class;

/// Integers between these fit 64 bits.
const LOW: i128 = i64::MIN as i128;
const HIGH: i128 = i64::MAX as i128;

/// Doubles are no larger than 1e308: what stays far below it neither overflows nor vanishes.
const FAR: u16 = 290;

impl Translator<'_> {
    pub(super) fn unary(&self, op: Unary, x: Typed) -> Translated<Typed> {
        match op {
            Unary::Plus => Ok(Typed { affinity: None, literal: None, ..x }),
            Unary::Minus => {
                let x = self.number_of(&x)?;
                match x.kind {
                    Kind::Int { low, high } => Ok(self.bounded(
                        -high,
                        -low,
                        || format!("(- {})", big(&x)),
                        || format!("(- ({})::numeric)", x.sql),
                    )),
                    Kind::Double => Ok(Typed { reach: reach(&x), whole: x.whole, ..real(format!("(- {})", x.sql)) }),
                    Kind::Number => Ok(Typed::new(Kind::Number, self.help("sqlite_number_subtract", &["0", &x.sql])?)),
                    _ => Ok(Typed::new(Kind::Null, "NULL")),
                }
            }
            Unary::BitNot if x.kind == Kind::Null => Ok(Typed::new(Kind::Null, "NULL")),
            Unary::BitNot => Ok(bigint(ANY, format!("(~ {})", self.integer_of(&x)?))),
            Unary::Not => Ok(Typed::condition(format!("(NOT {})", self.truth(&x)?))),
        }
    }

    /// Source: <https://sqlite.org/lang_expr.html#operators_and_parse_affecting_attributes>.
    pub(super) fn computed(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<Typed> {
        if a.kind == Kind::Null || b.kind == Kind::Null {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        match op {
            Binary::Concat => Ok(Typed::new(Kind::Text, format!("({} || {})", self.text_of(a)?, self.text_of(b)?))),
            Binary::BitAnd | Binary::BitOr | Binary::ShiftLeft | Binary::ShiftRight => self.bits(op, a, b),
            Binary::Rem => self.remainder(a, b),
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div => {
                let (a, b) = (self.number_of(a)?, self.number_of(b)?);
                self.numbers(op, &a, &b)
            }
            _ => refuse(format!("the operator {op:?} is not translated")),
        }
    }

    fn numbers(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<Typed> {
        match (a.kind, b.kind) {
            (Kind::Int { low: al, high: ah }, Kind::Int { low: bl, high: bh }) => {
                self.integers(op, a, b, (al, ah), (bl, bh))
            }
            (Kind::Double, Kind::Int { low, high }) | (Kind::Int { low, high }, Kind::Double) => {
                let most = low.abs().max(high.abs());
                self.reals(op, a, b, whole_of(op, a.whole.or(b.whole), Some(most))?)
            }
            (Kind::Double, Kind::Double) => self.reals(op, a, b, whole_of(op, a.whole, b.whole)?),
            // A real makes the result real.
            (Kind::Double, Kind::Number) if a.whole.is_none() => self.reals(op, a, b, None),
            (Kind::Number, Kind::Double) if b.whole.is_none() => self.reals(op, a, b, None),
            (Kind::Number, Kind::Int { .. } | Kind::Number) | (Kind::Int { .. }, Kind::Number) => {
                let name = match op {
                    Binary::Add => "sqlite_number_add",
                    Binary::Sub => "sqlite_number_subtract",
                    Binary::Mul => "sqlite_number_multiply",
                    _ => "sqlite_number_divide",
                };
                Ok(Typed::new(Kind::Number, self.help(name, &[&a.sql, &b.sql])?))
            }
            (Kind::Null, _) | (_, Kind::Null) => Ok(Typed::new(Kind::Null, "NULL")),
            _ => refuse(format!("the arithmetic on {} and {} may round otherwise than SQLite's", a.what(), b.what())),
        }
    }

    /// All bounds are within 64 bits, so no product of two of them leaves 128.
    fn integers(
        &self,
        op: Binary,
        a: &Typed,
        b: &Typed,
        (al, ah): (i128, i128),
        (bl, bh): (i128, i128),
    ) -> Translated<Typed> {
        let (low, high) = match op {
            Binary::Add => (al + bl, ah + bh),
            Binary::Sub => (al - bh, ah - bl),
            Binary::Mul => {
                let products = [al * bl, al * bh, ah * bl, ah * bh];
                (products.into_iter().min().unwrap_or(LOW), products.into_iter().max().unwrap_or(HIGH))
            }
            _ => return self.divided(a, b, (al, ah), (bl, bh)),
        };
        let sign = match op {
            Binary::Add => "+",
            Binary::Sub => "-",
            _ => "*",
        };
        let made = || format!("({})", with_big(a, sign, b));
        Ok(self.bounded(low, high, made, || format!("(({})::numeric {sign} ({})::numeric)", a.sql, b.sql)))
    }

    /// An integer of 64 bits if its bounds allow. Else what leaves them is an error in a query, and where an error
    /// would refuse rows it is numeric, which can only be compared.
    fn bounded(&self, low: i128, high: i128, made: impl Fn() -> String, wide: impl Fn() -> String) -> Typed {
        if low >= LOW && high <= HIGH {
            bigint(Kind::Int { low, high }, made())
        } else if self.scope.purpose == Purpose::Query {
            bigint(Kind::Int { low: low.max(LOW), high: high.min(HIGH) }, made())
        } else {
            Typed::new(Kind::Wide, wide())
        }
    }

    /// Division by zero is NULL in SQLite and an error in PostgreSQL; the smallest integer by -1 overflows.
    fn divided(&self, a: &Typed, b: &Typed, (al, ah): (i128, i128), (bl, bh): (i128, i128)) -> Translated<Typed> {
        if bl <= -1 && bh >= -1 && al <= LOW && self.scope.purpose == Purpose::Stored {
            return refuse(format!("{} divided by -1 may leave 64 bits", a.sql));
        }
        if bl == 0 && bh == 0 {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        let divisor = not_zero(b, bl, bh);
        let most = al.abs().max(ah.abs()).min(HIGH);
        let kind = Kind::Int { low: (-most).min(al), high: most };
        Ok(bigint(kind, format!("({} / {divisor})", big(a))))
    }

    /// Of doubles: what may overflow, vanish or be no number needs a helper.
    fn reals(&self, op: Binary, a: &Typed, b: &Typed, whole: Option<i128>) -> Translated<Typed> {
        let (x, y) = (self.real_of(a)?, self.real_of(b)?);
        let together = match (reach(a), reach(b), op) {
            (Some(a), Some(b), Binary::Add | Binary::Sub) => Some(a.max(b) + 17),
            (Some(a), Some(b), _) => Some(a + b),
            _ => None,
        };
        let safe = together.filter(|r| *r <= FAR);
        // The sum with what is small cannot overflow.
        let small = |x: &Typed| reach(x).is_some_and(|r| r <= FAR);
        let sql = match op {
            Binary::Add | Binary::Sub if safe.is_some() || small(a) || small(b) => {
                format!("({x} {} {y})", if op == Binary::Add { "+" } else { "-" })
            }
            Binary::Add => self.help("sqlite_add", &[&x, &y])?,
            Binary::Sub => self.help("sqlite_add", &[&x, &format!("- {y}")])?,
            Binary::Mul if safe.is_some() => format!("({x} * {y})"),
            Binary::Mul => self.help("sqlite_multiply", &[&x, &y])?,
            _ if safe.is_some() => match &b.literal {
                Some(Literal::Real(r)) if *r != 0.0 => format!("({x} / {y})"),
                Some(Literal::Integer(n)) if *n != 0 => format!("({x} / {y})"),
                _ => format!("({x} / NULLIF({y}, 0))"),
            },
            _ => self.help("sqlite_divide", &[&x, &y])?,
        };
        Ok(Typed { reach: safe, whole, class: whole.is_none().then_some(Class::Real), ..real(sql) })
    }

    /// Both sides become integers first; a real operand makes the result real.
    fn remainder(&self, a: &Typed, b: &Typed) -> Translated<Typed> {
        let (x, y) = (self.number_of(a)?, self.number_of(b)?);
        match (x.kind, y.kind) {
            (Kind::Int { low, high }, Kind::Int { low: bl, high: bh }) => {
                if bl == 0 && bh == 0 {
                    return Ok(Typed::new(Kind::Null, "NULL"));
                }
                let most = low.abs().max(high.abs()).min(bl.abs().max(bh.abs()) - 1).max(0);
                let kind = Kind::Int { low: if low < 0 { -most } else { 0 }, high: if high > 0 { most } else { 0 } };
                Ok(bigint(kind, format!("({} % {})", big(&x), not_zero(&y, bl, bh))))
            }
            (Kind::Double, _) | (_, Kind::Double) => {
                let (whole, real_part) = if x.kind == Kind::Double { (x.whole, &y) } else { (y.whole, &x) };
                let surely_real = whole.is_none() || real_part.kind == Kind::Double && real_part.whole.is_none();
                if !surely_real {
                    return refuse(format!("{} % {} may be an integer or a real", a.what(), b.what()));
                }
                let (i, j) = (self.integer_of(a)?, self.integer_of(b)?);
                Ok(Typed { class: Some(Class::Real), ..real(format!("({i} % NULLIF({j}, 0))::double precision")) })
            }
            (Kind::Null, _) | (_, Kind::Null) => Ok(Typed::new(Kind::Null, "NULL")),
            _ if matches!(a.kind, Kind::Text | Kind::Blob) || matches!(b.kind, Kind::Text | Kind::Blob) => {
                // A text that is a real gives another integer than its beginning does.
                let text = |x: &Typed| matches!(x.kind, Kind::Text | Kind::Blob) && x.literal.is_none();
                let part = |raw: &Typed, n: &Typed| -> Translated<String> {
                    if text(raw) { self.integer_of(raw) } else { Ok(n.sql.clone()) }
                };
                let (i, j) = (part(a, &x)?, part(b, &y)?);
                let sql = self.help("sqlite_number_remainder", &[&i, &j])?;
                let real =
                    |raw: &Typed, n: &Typed| if text(raw) { format!("scale({}) > 0", n.sql) } else { "FALSE".into() };
                let (p, q) = (real(a, &x), real(b, &y));
                Ok(Typed::new(Kind::Number, format!("(CASE WHEN {p} OR {q} THEN round({sql}, 1) ELSE {sql} END)")))
            }
            _ => Ok(Typed::new(Kind::Number, self.help("sqlite_number_remainder", &[&x.sql, &y.sql])?)),
        }
    }

    fn bits(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<Typed> {
        let (x, y) = (self.integer_of(a)?, self.integer_of(b)?);
        let few = match b.literal {
            Some(Literal::Integer(n @ 0..=63)) => Some(n),
            _ => None,
        };
        let sql = match (op, few) {
            (Binary::BitAnd, _) => format!("({x} & {y})"),
            (Binary::BitOr, _) => format!("({x} | {y})"),
            (Binary::ShiftLeft, Some(n)) => format!("({x} << {n})"),
            (Binary::ShiftRight, Some(n)) => format!("({x} >> {n})"),
            (Binary::ShiftLeft, None) => self.help("sqlite_shift_left", &[&x, &y])?,
            (_, _) => self.help("sqlite_shift_right", &[&x, &y])?,
        };
        Ok(bigint(ANY, sql))
    }
}

fn bigint(kind: Kind, sql: String) -> Typed {
    Typed { pg: Some(PgType::BigInt), class: Some(Class::Integer), ..Typed::new(kind, sql) }
}

fn real(sql: String) -> Typed {
    Typed::new(Kind::Double, sql)
}

/// One operand as bigint is enough.
fn with_big(a: &Typed, sign: &str, b: &Typed) -> String {
    if b.pg == Some(PgType::BigInt) {
        format!("{} {sign} {}", a.sql, b.sql)
    } else {
        format!("{} {sign} {}", big(a), b.sql)
    }
}

fn not_zero(b: &Typed, low: i128, high: i128) -> String {
    if low > 0 || high < 0 { b.sql.clone() } else { format!("NULLIF({}, 0)", b.sql) }
}

/// How large the integers are that a result may be where its operands may be integers.
fn whole_of(op: Binary, a: Option<i128>, b: Option<i128>) -> Translated<Option<i128>> {
    let (Some(a), Some(b)) = (a, b) else { return Ok(None) };
    let most = match op {
        Binary::Mul => a * b,
        Binary::Div => return refuse("what is divided may be integers or reals, which divide otherwise"),
        _ => a + b,
    };
    if most > number::EXACT { refuse("its parts may be integers or reals") } else { Ok(Some(most)) }
}

/// The power of ten within which a number is.
fn reach(x: &Typed) -> Option<u16> {
    match (&x.kind, &x.literal) {
        (Kind::Int { .. }, _) => Some(19),
        (Kind::Double, Some(Literal::Real(r))) if *r == 0.0 => Some(1),
        (Kind::Double, Some(Literal::Real(r))) => {
            let power = r.abs().log10().abs().ceil();
            if power < f64::from(FAR) { Some(power as u16) } else { None }
        }
        _ => x.reach,
    }
}
