//! The expression of a generated column, whose values the census has seen.
//! Owns what may be said of it beyond other expressions; never decides the column's type.

use super::typed::Kind;
use super::{Scope, Translated, Translator, expression};
use crate::mapping::PgType;
use crate::sql::ast::Expr;

/// An expression that a column computes, with its type. A sum of integers that leaves 64 bits is an error in PostgreSQL,
/// where SQLite goes over to inexact numbers: never another value.
pub fn generated(e: &Expr, scope: &Scope) -> Translated<(String, PgType)> {
    let typed = Translator::new(scope).typed(e)?;
    match typed.kind {
        Kind::Wide => Ok((format!("({})::bigint", typed.sql), PgType::BigInt)),
        _ => expression(e, scope),
    }
}
