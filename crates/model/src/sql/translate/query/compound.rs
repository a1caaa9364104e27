//! Compounds: UNION, EXCEPT, INTERSECT and VALUES, whose columns get one type each.
//! Owns that common type; never translates a member (see `block`).

use super::block::{Built, Core, Sorted};
use super::frame::Frame;
use super::output::{self, Column};
use super::text::Text;
use super::{block, group, order};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Codec;
use crate::mapping::shape::Crossing;
use crate::schema::Affinity;
use crate::sql::ast::{Compound, Expr, Order, Output, Query, Select};
use crate::sql::translate::relations::Field;
use crate::sql::translate::typed::{Collation, Kind, Typed};
use crate::sql::translate::{Translated, Translator, number, refuse};
use crate::value::Class;

/// A compound of at least two members.
pub(super) fn query(query: &Query, names: &[String], level: &Frame<'_>) -> Translated<Built> {
    let mut cores = vec![block::core(&query.first, &[], level)?];
    for (_, select) in &query.others {
        cores.push(block::core(select, &[], level)?);
    }
    let columns = unified(&cores, None)?;
    let fields = output::fields(&columns, names);
    let how: Vec<Compound> = query.others.iter().map(|(how, _)| *how).collect();
    let mut text = joined(&cores, &how, &columns, &fields, level)?;
    let order = sorted(query, &query.order, &cores, &columns, level)?;
    if order.iter().any(|s| !s.plain) {
        text = block::ordered_around(text, &order, &columns, &fields, level)?;
    } else if !order.is_empty() {
        let name = |s: &Sorted| s.output.and_then(|i| fields.get(i)).map_or_else(String::new, |f| ident::pg(&f.target));
        text.list("ORDER BY", order.iter().map(|s| format!("{}{}", name(s), s.direction)).collect());
    }
    let limit = order::limit(query.limit.as_ref(), query.offset.as_ref(), level)?;
    if limit.cuts && !(0..columns.len()).all(|i| order.iter().any(|s| s.output == Some(i))) {
        level.shared.note("LIMIT cuts off rows whose order is not given");
    }
    text.append(limit.text);
    Ok(Built { text, fields, one: limit.one, keys: Vec::new() })
}

/// Members and the words between them. All associate to the left in SQLite; in PostgreSQL INTERSECT binds tighter.
pub(super) fn joined(
    cores: &[Core],
    how: &[Compound],
    columns: &[Column],
    fields: &[Field],
    level: &Frame<'_>,
) -> Translated<Text> {
    let distinct = how.iter().any(|h| *h != Compound::UnionAll);
    let folded = if distinct { folded_keys(columns, fields)? } else { None };
    let mut how = how.to_vec();
    if folded.is_some() {
        let union = |h: &Compound| matches!(h, Compound::Union | Compound::UnionAll);
        if !how.iter().all(union) || how.last() != Some(&Compound::Union) {
            return refuse("a compound compares text without regard to case");
        }
        how.fill(Compound::UnionAll);
    }
    let mut text = Text::default();
    for (i, core) in cores.iter().enumerate() {
        if let Some(h) = i.checked_sub(1).and_then(|i| how.get(i)) {
            if *h == Compound::Intersect && i > 1 {
                let mut left = Text::of("(");
                left.deeper(text);
                left.line(")");
                text = left;
            }
            text.line(word(*h));
        }
        text.append(write(core, columns, fields, level)?);
    }
    let Some(keys) = folded else { return Ok(text) };
    level.shared.note("of texts that are equal but for their case, some row's is taken");
    let mut around = Text::of(format!("SELECT DISTINCT ON ({keys}) *"));
    around.line("FROM (");
    around.deeper(text);
    around.line(") AS \"all\"");
    Ok(around)
}

/// By what rows are told apart, if it is not their columns as they are.
fn folded_keys(columns: &[Column], fields: &[Field]) -> Translated<Option<String>> {
    let mut keys = Vec::new();
    let mut folded = false;
    for (column, field) in columns.iter().zip(fields) {
        let typed = Typed { collation: column.typed.collation.clone(), ..field.under("\"all\"") };
        let key = group::group_key(&typed)?;
        folded |= key != typed.sql && typed.kind == Kind::Text;
        keys.push(key);
    }
    Ok(folded.then(|| keys.join(", ")))
}

fn word(how: Compound) -> &'static str {
    match how {
        Compound::Union => "UNION",
        Compound::UnionAll => "UNION ALL",
        Compound::Except => "EXCEPT",
        Compound::Intersect => "INTERSECT",
    }
}

/// One member with its columns as `columns` says.
pub(super) fn write(core: &Core, columns: &[Column], fields: &[Field], level: &Frame<'_>) -> Translated<Text> {
    let mut rows = Vec::with_capacity(core.rows.len());
    for row in &core.rows {
        let cell = |(c, to): (&Column, &Column)| Ok(Column { sql: convert(c, to, level)?, ..c.clone() });
        rows.push(row.iter().zip(columns).map(cell).collect::<Translated<Vec<Column>>>()?);
    }
    if core.values {
        let row = |r: &Vec<Column>| format!("({})", r.iter().map(|c| c.sql.as_str()).collect::<Vec<_>>().join(", "));
        let mut text = Text::default();
        text.list("VALUES", rows.iter().map(row).collect());
        return Ok(text);
    }
    let mut text = output::lines(&core.word, rows.first().map(Vec::as_slice).unwrap_or_default(), fields);
    text.append(core.tail.clone());
    Ok(text)
}

/// The columns that hold what all members give. `assumed` are those that a recursive member sees.
pub(super) fn unified(cores: &[Core], assumed: Option<&[Column]>) -> Translated<Vec<Column>> {
    let mut all = cores.iter().flat_map(|c| &c.rows);
    let mut columns = match assumed {
        Some(columns) => columns.to_vec(),
        None => all.next().cloned().unwrap_or_default(),
    };
    for row in all {
        if row.len() != columns.len() {
            return refuse("its SELECTs do not have the same number of columns");
        }
        for (column, other) in columns.iter_mut().zip(row) {
            *column = merge(column, other)?;
        }
    }
    Ok(columns)
}

fn merge(a: &Column, b: &Column) -> Translated<Column> {
    let all: i128 = number::EXACT;
    let (x, y) = (&a.typed, &b.typed);
    let mut loose = x.loose || y.loose;
    let kind = match (x.kind, y.kind) {
        (Kind::Null, k) | (k, Kind::Null) => k,
        (Kind::Int { low: l, high: h }, Kind::Int { low, high }) => Kind::Int { low: l.min(low), high: h.max(high) },
        (Kind::Int { low, high }, Kind::Bool) | (Kind::Bool, Kind::Int { low, high }) => {
            Kind::Int { low: low.min(0), high: high.max(1) }
        }
        (Kind::Double, Kind::Int { low, high }) | (Kind::Int { low, high }, Kind::Double)
            if low >= -all && high <= all =>
        {
            Kind::Double
        }
        (x, y) if x == y => x,
        _ if x.is_number() && y.is_number() => Kind::Number,
        (Kind::Text, _) if y.is_number() => {
            loose = true;
            Kind::Text
        }
        (_, Kind::Text) if x.is_number() => {
            loose = true;
            Kind::Text
        }
        // What each was in SQLite: text, if it can be told.
        (Kind::Other(_), Kind::Other(_) | Kind::Text) | (Kind::Text, Kind::Other(_)) => {
            loose |= x.class != Some(Class::Text) || y.class != Some(Class::Text);
            Kind::Text
        }
        (Kind::Other(_), _) if y.is_number() => {
            loose = true;
            Kind::Text
        }
        (_, Kind::Other(_)) if x.is_number() => {
            loose = true;
            Kind::Text
        }
        _ => return refuse(format!("{} and {} become one column, and are of different kinds", x.what(), y.what())),
    };
    let ty = |c: &Column| (c.typed.kind != Kind::Null).then_some(c.crossing.ty);
    let crossing = if ty(a).is_none() {
        b.crossing.clone()
    } else if ty(b).is_none() || a.crossing == b.crossing || (kind == x.kind && y.kind == kind && valueless(y)) {
        a.crossing.clone()
    } else if kind == x.kind && y.kind == kind && valueless(x) {
        b.crossing.clone()
    } else {
        by_kind(kind)?
    };
    let collation = if x.collation == Collation::None { y.collation.clone() } else { x.collation.clone() };
    let same_class =
        if x.kind == Kind::Null { y.class } else { x.class.filter(|_| y.kind == Kind::Null || x.class == y.class) };
    let typed = Typed {
        kind,
        loose,
        collation,
        affinity: affinity(x, y),
        class: same_class,
        literal: None,
        column: x.column && y.column,
        pg: Some(crossing.ty),
        ..x.clone()
    };
    let approximate = a.approximate || b.approximate;
    Ok(Column { typed, crossing, not_null: a.not_null && b.not_null, approximate, ..a.clone() })
}

/// A column of a type of its own without values proves nothing of them, and nothing speaks against its type.
fn valueless(x: &Typed) -> bool {
    matches!(x.kind, Kind::Other(_)) && x.class.is_none()
}

/// The first member's affinity, unless another member gives values that it would change.
/// Source: `sqlite3SubqueryColumnTypes` of SQLite.
fn affinity(first: &Typed, other: &Typed) -> Option<Affinity> {
    let text = matches!(other.kind, Kind::Text) || other.affinity == Some(Affinity::Text);
    match first.affinity {
        Some(Affinity::Text) if other.is_number() => Some(Affinity::Blob),
        Some(Affinity::Integer | Affinity::Real | Affinity::Numeric) if text => Some(Affinity::Blob),
        affinity => affinity,
    }
}

fn by_kind(kind: Kind) -> Translated<Crossing> {
    let ty = match kind {
        Kind::Null | Kind::Text => PgType::Text,
        Kind::Int { .. } | Kind::Wide => PgType::BigInt,
        Kind::Number => PgType::Numeric(None),
        Kind::Double => PgType::Double,
        Kind::Bool => PgType::Boolean,
        Kind::Blob => PgType::Bytea,
        Kind::Other(ty) => {
            return refuse(format!("columns of type {} that were written differently become one", ty.sql()));
        }
    };
    Ok(Crossing::new(ty, Codec::new(ty).normal()))
}

/// The text of a column as the type that all members have.
fn convert(column: &Column, to: &Column, level: &Frame<'_>) -> Translated<String> {
    let (from, kind) = (&column.typed, to.typed.kind);
    let ty = to.crossing.ty;
    if from.kind == Kind::Null {
        return Ok(if ty == PgType::Enum { "NULL".into() } else { format!("NULL::{}", ty.sql()) });
    }
    if column.crossing.ty == ty && (from.kind == kind || matches!(kind, Kind::Int { .. })) {
        return Ok(column.sql.clone());
    }
    match (from.kind, kind) {
        (Kind::Bool, Kind::Int { .. }) => Ok(format!("{}::integer::bigint", from.sql)),
        (Kind::Int { .. }, Kind::Int { .. }) => Ok(format!("{}::bigint", from.sql)),
        (Kind::Int { .. }, Kind::Double) => Ok(format!("{}::double precision", from.sql)),
        (Kind::Bool, Kind::Number) => Ok(format!("{}::integer::numeric", from.sql)),
        (Kind::Int { .. }, Kind::Number) => Ok(format!("{}::numeric", from.sql)),
        // The shortest digits, as columns of type numeric hold them.
        (Kind::Double, Kind::Number) => Ok(format!("({}::text)::numeric", from.sql)),
        (Kind::Number, Kind::Number) => Ok(format!("{}::numeric", from.sql)),
        (Kind::Text, Kind::Text) => Ok(format!("{}::text", from.sql)),
        (_, Kind::Text) => as_text(from, level),
        _ if from.kind == kind => Ok(column.sql.clone()),
        _ => refuse(format!("{} cannot become {}", from.what(), ty.sql())),
    }
}

/// A value as the text that SQLite writes for it.
pub(super) fn as_text(typed: &Typed, frame: &Frame<'_>) -> Translated<String> {
    if typed.kind == Kind::Text {
        return Ok(typed.sql.clone());
    }
    let translator = Translator::within(frame);
    translator.text_of(&translator.plain(typed.clone())?)
}

/// ORDER BY of a compound: each term is a result column, by number, by name or by the same expression.
/// Source: <https://sqlite.org/lang_select.html#the_order_by_clause>.
fn sorted(
    query: &Query,
    orders: &[Order],
    cores: &[Core],
    columns: &[Column],
    level: &Frame<'_>,
) -> Translated<Vec<Sorted>> {
    let mut all = Vec::new();
    for order in orders {
        let (e, collate) = match &order.expr {
            Expr::Collate(e, name) => (e.as_ref(), Some(name)),
            e => (e, None),
        };
        let Some(output) = output_of(e, query, cores, columns) else {
            return refuse("ORDER BY names no result column of the compound");
        };
        let Some(column) = columns.get(output) else { continue };
        let mut typed = column.typed.clone();
        if let Some(name) = collate {
            typed.collation = Collation::Explicit(name.to_ascii_uppercase());
        }
        let key = order::key(&typed, level)?;
        let direction = order::direction(order, column.not_null);
        let alone = columns.iter().filter(|c| c.name.eq_ignore_ascii_case(&column.name)).count() == 1;
        all.push(Sorted { plain: key == typed.sql && alone, key, direction, output: Some(output) });
    }
    Ok(all)
}

fn output_of(e: &Expr, query: &Query, cores: &[Core], columns: &[Column]) -> Option<usize> {
    if let Expr::Integer(n) = e {
        return usize::try_from(*n).ok()?.checked_sub(1).filter(|i| *i < columns.len());
    }
    if let Expr::Name(name) = e
        && name.table.is_none()
    {
        for core in cores {
            let of_name = |c: &Column| c.name.eq_ignore_ascii_case(&name.column);
            if let Some(i) = core.rows.first().and_then(|row| row.iter().position(of_name)) {
                return Some(i);
            }
        }
    }
    let selects = std::iter::once(&query.first).chain(query.others.iter().map(|(_, s)| s));
    for select in selects {
        let Select::Select(block) = select else { continue };
        if let Some(i) = block.columns.iter().position(|c| matches!(c, Output::Expr(x, _) if x == e)) {
            return Some(i);
        }
    }
    None
}
