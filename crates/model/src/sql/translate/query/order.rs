//! ORDER BY and LIMIT: SQLite's order said in PostgreSQL, NULLs first.
//! Owns how a value is ordered by; never says which order is total (see `block`).

use super::frame::Frame;
use super::text::Text;
use crate::mapping::PgType;
use crate::sql::ast::{Expr, Order};
use crate::sql::translate::typed::{Collation, Kind, Typed};
use crate::sql::translate::{Translated, collated, refuse};

/// The collation by which a value is compared alone.
pub(super) fn collation(typed: &Typed) -> &str {
    match &typed.collation {
        Collation::Column(c) | Collation::Explicit(c) => c,
        Collation::None => "BINARY",
    }
}

/// A value as PostgreSQL must order by it. Source: <https://sqlite.org/datatype3.html#sort_order>.
pub(super) fn key(typed: &Typed, frame: &Frame<'_>) -> Translated<String> {
    match typed.kind {
        Kind::Text if typed.loose => {
            refuse(format!("{} may hold numbers beside texts, which are ordered by", typed.sql))
        }
        Kind::Text => {
            let folded = collated(&typed.sql, Some(collation(typed)))?;
            Ok(if frame.shared.environment.collate_c { format!("{folded} COLLATE \"C\"") } else { folded })
        }
        Kind::Other(ty) => match ty {
            PgType::Date | PgType::Timestamp | PgType::TimestampTz | PgType::Time | PgType::Uuid => {
                Ok(typed.sql.clone())
            }
            PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Double | PgType::Numeric(_) => {
                refuse(format!("{} may hold other values than numbers, which are ordered by", typed.sql))
            }
            ty => refuse(format!("{} is {}, which is ordered otherwise than SQLite's text", typed.sql, ty.sql())),
        },
        _ => Ok(typed.sql.clone()),
    }
}

/// ASC or DESC and where NULLs go: SQLite's smallest value is NULL.
pub(super) fn direction(order: &Order, not_null: bool) -> String {
    let first = order.nulls_first.unwrap_or(!order.descending);
    let mut text = if order.descending { " DESC" } else { "" }.to_owned();
    // PostgreSQL's own way is NULLS LAST ascending, NULLS FIRST descending.
    if !not_null && first != order.descending {
        text.push_str(if first { " NULLS FIRST" } else { " NULLS LAST" });
    }
    text
}

/// Terms of ORDER BY where no result column is meant: of windows and aggregates.
pub(super) fn terms(orders: &[Order], frame: &Frame<'_>) -> Translated<Vec<String>> {
    let mut terms = Vec::new();
    for order in orders {
        let typed = frame.typed(&order.expr)?;
        if typed.kind == Kind::Null || typed.literal.is_some() {
            continue;
        }
        let not_null = match &order.expr {
            Expr::Name(name) => frame.find(name).is_ok_and(|f| f.not_null),
            _ => false,
        };
        terms.push(format!("{}{}", key(&typed, frame)?, direction(order, not_null)));
    }
    Ok(terms)
}

/// What LIMIT and OFFSET do.
pub(super) struct Limit {
    pub text: Text,
    /// It can leave out rows.
    pub cuts: bool,
    /// At most one row is left.
    pub one: bool,
}

/// LIMIT and OFFSET: a negative limit is none, a negative offset is 0.
/// Source: <https://sqlite.org/lang_select.html#limitoffset>.
pub(super) fn limit(limit: Option<&Expr>, offset: Option<&Expr>, frame: &Frame<'_>) -> Translated<Limit> {
    let mut made = Limit { text: Text::default(), cuts: false, one: false };
    let number = |e: &Expr, otherwise: &str| -> Translated<Option<String>> {
        if let Expr::Integer(n) = e {
            return Ok((*n >= 0).then(|| n.to_string()));
        }
        let typed = frame.typed(e)?;
        let Kind::Int { .. } = typed.kind else { return refuse("LIMIT or OFFSET is no integer") };
        Ok(Some(format!("(CASE WHEN {0} >= 0 THEN {0} ELSE {otherwise} END)", typed.sql)))
    };
    if let Some(e) = limit
        && let Some(sql) = number(e, "NULL")?
    {
        made.cuts = true;
        made.one = *e == Expr::Integer(1) || *e == Expr::Integer(0);
        made.text.line(format!("LIMIT {sql}"));
    }
    if let Some(e) = offset
        && let Some(sql) = number(e, "0")?
        && sql != "0"
    {
        made.cuts = true;
        made.text.line(format!("OFFSET {sql}"));
    }
    Ok(made)
}
