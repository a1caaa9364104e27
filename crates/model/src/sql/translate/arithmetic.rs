//! Operators that compute: integers within known bounds, and text put together.
//! Owns where SQLite and PostgreSQL compute alike; never compares.

use super::typed::{Collation, Kind, Typed};
use super::{Translated, refuse};
use crate::sql::ast::{Binary, Unary};

/// Integers between these fit 64 bits.
const LOW: i128 = i64::MIN as i128;
const HIGH: i128 = i64::MAX as i128;

pub(super) fn unary(op: Unary, x: Typed) -> Translated<Typed> {
    no_collate(&x)?;
    match op {
        Unary::Plus => Ok(Typed { affinity: None, literal: None, column: false, pg: None, ..x }),
        Unary::Minus => match x.as_number() {
            Typed { kind: Kind::Int { low, high }, sql, .. } => {
                Ok(integers(format!("(- ({sql})::bigint)"), &sql, "-", -high, -low))
            }
            Typed { kind: kind @ (Kind::Double | Kind::Number), sql, .. } => Ok(Typed::new(kind, format!("(- {sql})"))),
            Typed { kind: Kind::Null, .. } => Ok(Typed::new(Kind::Null, "NULL")),
            _ => refuse(format!("{} is negated and is no plain number", x.what())),
        },
        Unary::Not | Unary::BitNot => refuse("the operator ~ is not translated"),
    }
}

/// An integer of 64 bits if its bounds allow, else numeric; `-x` has no left side.
fn integers(within: String, x: &str, op: &str, low: i128, high: i128) -> Typed {
    if low >= LOW && high <= HIGH {
        Typed::new(Kind::Int { low, high }, within)
    } else {
        Typed::new(Kind::Wide, format!("({op} ({x})::numeric)"))
    }
}

pub(super) fn binary(op: Binary, a: Typed, b: Typed) -> Translated<Typed> {
    no_collate(&a)?;
    no_collate(&b)?;
    if op == Binary::Concat {
        return concat(&a, &b);
    }
    let (a, b) = (a.as_number(), b.as_number());
    let (Kind::Int { low: al, high: ah }, Kind::Int { low: bl, high: bh }) = (a.kind, b.kind) else {
        return refuse(format!("the arithmetic on {} and {} may round otherwise than SQLite's", a.what(), b.what()));
    };
    let sign = match op {
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Rem => "%",
        Binary::BitAnd => "&",
        Binary::BitOr => "|",
        _ => return refuse(format!("the operator {op:?} is not translated")),
    };
    // All bounds are within 64 bits, so no product of two of them leaves 128.
    let (low, high) = match op {
        Binary::Add => (al + bl, ah + bh),
        Binary::Sub => (al - bh, ah - bl),
        Binary::Mul => {
            let products = [al * bl, al * bh, ah * bl, ah * bh];
            (products.into_iter().min().unwrap_or(LOW), products.into_iter().max().unwrap_or(HIGH))
        }
        // Division by zero is NULL in SQLite and an error in PostgreSQL; the smallest integer by -1 overflows.
        Binary::Div | Binary::Rem if bl <= 0 && bh >= -1 => {
            return refuse(format!("{} may be zero, and division by zero is an error in PostgreSQL", b.sql));
        }
        Binary::Div | Binary::Rem => (al.min(-ah), ah.max(-al).min(HIGH)),
        _ => (LOW, HIGH),
    };
    let (x, y) = (&a.sql, &b.sql);
    let low = low.max(if matches!(op, Binary::Div | Binary::Rem) { LOW } else { i128::MIN });
    if low >= LOW && high <= HIGH {
        return Ok(Typed::new(Kind::Int { low, high }, format!("(({x})::bigint {sign} ({y})::bigint)")));
    }
    Ok(Typed::new(Kind::Wide, format!("(({x})::numeric {sign} ({y})::numeric)")))
}

fn concat(a: &Typed, b: &Typed) -> Translated<Typed> {
    let part = |x: &Typed| match x.as_number() {
        Typed { kind: Kind::Text, loose: false, sql, .. } => Ok(sql),
        Typed { kind: Kind::Int { .. }, sql, .. } => Ok(format!("({sql})::text")),
        _ => refuse(format!("{} in || is neither text nor an integer", x.what())),
    };
    Ok(Typed::new(Kind::Text, format!("({} || {})", part(a)?, part(b)?)))
}

/// COLLATE inside a larger expression reaches out of it in SQLite; that is refused.
pub(super) fn no_collate(x: &Typed) -> Translated<()> {
    match x.collation {
        Collation::Explicit(_) => refuse("COLLATE stands inside a larger expression"),
        _ => Ok(()),
    }
}
