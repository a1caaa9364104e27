//! Groups: which columns are the same in all rows of one, and what SQLite takes where they are not.
//! Owns the rule of bare columns; never translates an aggregate (see `aggregate`).

use super::frame::{Frame, Mode, Place};
use super::{aggregate, from, order};
use crate::sql::ast::{Binary, Block, Expr, Function, JoinKind, Order, Output, Source};
use crate::sql::translate::typed::{Kind, Typed};
use crate::sql::translate::{Translated, Translator, collated, refuse};
use std::mem::{Discriminant, discriminant};

/// What is known of the groups of a query.
#[derive(Debug, Default)]
pub(super) struct Grouping {
    /// The terms of GROUP BY as PostgreSQL's text.
    pub keys: Vec<String>,
    /// What kinds of expression they are.
    shapes: Vec<Discriminant<Expr>>,
    /// Terms of FROM whose primary key is grouped by: PostgreSQL knows that their columns are the same too.
    free: Vec<bool>,
    /// Terms of FROM of which a group has one row.
    fixed: Vec<bool>,
    /// The order in which the row comes first that the one min() or max() is of.
    extreme: Option<String>,
}

impl Grouping {
    /// Of a block that has GROUP BY or aggregates.
    pub fn of(block: &Block, orders: &[Order], frame: &Frame<'_>) -> Translated<Grouping> {
        let mut grouping = Grouping::default();
        let mut places = Vec::new();
        for term in &block.group {
            let e = ordinal(term, block)?;
            let typed = frame.typed(e)?;
            let key = group_key(&typed)?;
            if key == typed.sql {
                places.extend(place_of(e, frame));
            }
            grouping.shapes.push(discriminant(unaliased(e, frame)));
            grouping.keys.push(key);
        }
        let known = |i: usize| places.iter().filter(|p| p.item == i).map(|p| p.field).collect::<Vec<_>>();
        grouping.free = (0..frame.items.len())
            .map(|i| {
                let item = frame.items.get(i).filter(|item| item.primary);
                item.and_then(|item| item.keys.first()).is_some_and(|k| k.iter().all(|c| known(i).contains(c)))
            })
            .collect();
        grouping.fixed = fixed_items(block, frame, &places);
        grouping.extreme = extreme(block, orders, frame)?;
        Ok(grouping)
    }

    /// A column of FROM as it may stand beside aggregates: as it is where all rows of a group have the same, else that of
    /// the row that SQLite takes. Source: <https://sqlite.org/lang_select.html#bareagg>.
    pub fn bare(&self, frame: &Frame<'_>, place: Place, raw: &str) -> String {
        let is = |list: &[bool]| list.get(place.item).copied().unwrap_or(false);
        if self.keys.iter().any(|k| k == raw) || is(&self.free) {
            return raw.to_owned();
        }
        if is(&self.fixed) {
            return format!("(array_agg({raw}))[1]");
        }
        if let Some(order) = &self.extreme {
            frame.shared.note("of several rows with the same least or greatest value, SQLite takes some row's columns");
            return format!("(array_agg({raw} ORDER BY {order}))[1]");
        }
        frame.shared.note("a column that is not grouped by has the value of some row of its group");
        format!("(array_agg({raw}))[1]")
    }

    fn may_be(&self, e: &Expr) -> bool {
        let nested = matches!(e, Expr::Name(_) | Expr::Scalar(_) | Expr::Exists(_) | Expr::InQuery(..));
        !nested && self.shapes.contains(&discriminant(e))
    }
}

impl Translator<'_> {
    /// An expression that is grouped by.
    pub(in crate::sql::translate) fn group_key(&self, e: &Expr) -> Option<Typed> {
        let frame = self.frame?;
        let Mode::Grouped(grouping) = frame.mode else { return None };
        if !grouping.may_be(e) {
            return None;
        }
        let notes = frame.shared.notes();
        let plain = Frame { depth: self.depth.get(), ..frame.plain() };
        let typed = plain.typed(e).ok().filter(|t| grouping.keys.contains(&t.sql));
        if typed.is_none() {
            frame.shared.restore(notes);
        }
        typed
    }
}

/// A number in GROUP BY counts result columns.
fn ordinal<'a>(term: &'a Expr, block: &'a Block) -> Translated<&'a Expr> {
    let Expr::Integer(n) = term else { return Ok(term) };
    let place = usize::try_from(*n).ok().and_then(|n| n.checked_sub(1));
    match place.and_then(|n| block.columns.get(n)) {
        Some(Output::Expr(e, _)) if !block.columns.iter().any(|c| !matches!(c, Output::Expr(..))) => Ok(e),
        _ => refuse(format!("GROUP BY {n} counts columns that * stands for")),
    }
}

/// A value as PostgreSQL must group by it, so that what SQLite takes for equal is one group.
pub(super) fn group_key(typed: &Typed) -> Translated<String> {
    use crate::mapping::PgType;
    match typed.kind {
        Kind::Null => Ok("NULL::text".into()),
        Kind::Text if typed.loose && !crate::sql::translate::number::is_numeric(typed.affinity) => {
            refuse(format!("{} may hold numbers beside texts, which are grouped by", typed.sql))
        }
        Kind::Text => collated(&typed.sql, Some(order::collation(typed))),
        Kind::Other(PgType::Json) => refuse(format!("{} is json, which PostgreSQL does not compare", typed.sql)),
        _ if typed.literal.is_some() => Ok(format!("{}::bigint", typed.sql)),
        _ => Ok(typed.sql.clone()),
    }
}

/// What an alias of a result column stands for, where no column has that name.
fn unaliased<'a>(e: &'a Expr, frame: &Frame<'a>) -> &'a Expr {
    match e {
        Expr::Name(name) if name.table.is_none() && frame.place(name).is_none() => {
            let of_name = |(alias, _): &&(String, &Expr)| alias.eq_ignore_ascii_case(&name.column);
            frame.aliases.iter().find(of_name).map_or(e, |(_, e)| e)
        }
        e => e,
    }
}

/// The column of this FROM that an expression is.
pub(super) fn place_of(e: &Expr, frame: &Frame<'_>) -> Option<Place> {
    match e {
        Expr::Name(name) => frame.place(name).or_else(|| {
            let alias = frame.aliases.iter().find(|(a, _)| a.eq_ignore_ascii_case(&name.column))?.1;
            match alias {
                Expr::Name(inner) if name.table.is_none() => frame.place(inner),
                _ => None,
            }
        }),
        _ => None,
    }
}

/// For each term of FROM whether there is one row of it for one value of `places`.
pub(super) fn fixed_items(block: &Block, frame: &Frame<'_>, places: &[Place]) -> Vec<bool> {
    let mut known: Vec<Place> = places.to_vec();
    let mut fixed = vec![false; frame.items.len()];
    // The terms of FROM count items one by one only where none of them is a group of joins.
    let flat = !block.from.iter().any(|j| matches!(j.source, Source::Joins(..)));
    loop {
        let before = (known.len(), fixed.iter().filter(|f| **f).count());
        if let Some(filter) = &block.filter {
            equal(&from::conjuncts(filter), None, frame, &mut known);
        }
        for (i, join) in block.from.iter().enumerate() {
            let Some(on) = &join.on else { continue };
            match join.kind {
                JoinKind::Comma | JoinKind::Inner => equal(&from::conjuncts(on), None, frame, &mut known),
                JoinKind::Left if flat => {
                    // Whether a row is joined at all must be the same for the whole group.
                    let parts = from::conjuncts(on);
                    let sure = |e: &&Expr| match e {
                        Expr::Binary(Binary::Eq, a, b) => [(a, b), (b, a)].into_iter().any(|(x, y)| {
                            place_of(x, frame).is_some_and(|p| p.item == i) && constant(y, frame, &known)
                        }),
                        _ => false,
                    };
                    if parts.iter().all(sure) {
                        equal(&parts, Some(i), frame, &mut known);
                    }
                }
                _ => {}
            }
        }
        for (i, item) in frame.items.iter().enumerate() {
            let whole = |key: &Vec<usize>| key.iter().all(|c| known.contains(&Place { item: i, field: *c }));
            if fixed.get(i) == Some(&false) && item.keys.iter().any(whole) {
                if let Some(f) = fixed.get_mut(i) {
                    *f = true;
                }
                let places = (0..item.fields.len()).map(|field| Place { item: i, field });
                known.extend(places.filter(|p| !known.contains(p)).collect::<Vec<_>>());
            }
        }
        if before == (known.len(), fixed.iter().filter(|f| **f).count()) {
            return fixed;
        }
    }
}

/// Adds the columns that conditions set equal to known ones; with `only` those of that term of FROM.
fn equal(conditions: &[&Expr], only: Option<usize>, frame: &Frame<'_>, known: &mut Vec<Place>) {
    for e in conditions {
        let Expr::Binary(Binary::Eq, a, b) = e else { continue };
        for (x, y) in [(a, b), (b, a)] {
            let Some(place) = place_of(x, frame) else { continue };
            let right = only.is_none_or(|item| item == place.item);
            if right && binary(frame, place) && constant(y, frame, known) && !known.contains(&place) {
                known.push(place);
            }
        }
    }
}

fn binary(frame: &Frame<'_>, place: Place) -> bool {
    let field = frame.items.get(place.item).and_then(|i| i.fields.get(place.field));
    field.is_some_and(|f| f.collation() == "BINARY")
}

/// One value as long as the known columns have one each: a literal, a known column, a name of a query around.
fn constant(e: &Expr, frame: &Frame<'_>, known: &[Place]) -> bool {
    match e {
        Expr::Integer(_) | Expr::Real(_) | Expr::Text(_) | Expr::Blob(_) => true,
        Expr::Name(name) => match place_of(e, frame) {
            Some(place) => known.contains(&place),
            None => frame.outer.is_some_and(|outer| outer.find(name).is_ok()),
        },
        _ => false,
    }
}

/// Visits an expression and all in it that belongs to the same query.
pub(super) fn visit<'e>(e: &'e Expr, see: &mut dyn FnMut(&'e Expr)) {
    see(e);
    match e {
        Expr::Unary(_, x) | Expr::IsNull(x, _) | Expr::Collate(x, _) | Expr::Cast(x, _) => visit(x, see),
        Expr::Binary(_, a, b) => {
            visit(a, see);
            visit(b, see);
        }
        Expr::In(x, list, _) => {
            visit(x, see);
            list.iter().for_each(|e| visit(e, see));
        }
        Expr::Between(x, low, high, _) => {
            visit(x, see);
            visit(low, see);
            visit(high, see);
        }
        Expr::Call(_, list) | Expr::Row(list) => list.iter().for_each(|e| visit(e, see)),
        Expr::Case(base, pairs, other) => {
            base.iter().chain(other).for_each(|e| visit(e, see));
            for (when, then) in pairs {
                visit(when, see);
                visit(then, see);
            }
        }
        Expr::Like(_, x, pattern, escape, _) => {
            visit(x, see);
            visit(pattern, see);
            escape.iter().for_each(|e| visit(e, see));
        }
        Expr::InQuery(x, _, _) => visit(x, see),
        Expr::Function(f) => {
            let Function { args, order, filter, over, .. } = f.as_ref();
            args.iter().chain(filter).for_each(|e| visit(e, see));
            order.iter().for_each(|o| visit(&o.expr, see));
            if let Some(crate::sql::ast::Over::Window(w)) = over {
                w.partition.iter().for_each(|e| visit(e, see));
                w.order.iter().for_each(|o| visit(&o.expr, see));
            }
        }
        _ => {}
    }
}

/// The expressions in which aggregates of a block may stand.
fn after_grouping<'e>(block: &'e Block, orders: &'e [Order]) -> impl Iterator<Item = &'e Expr> {
    let outputs = block.columns.iter().filter_map(|c| match c {
        Output::Expr(e, _) => Some(e),
        _ => None,
    });
    outputs.chain(&block.having).chain(orders.iter().map(|o| &o.expr))
}

/// Whether a block gives groups rather than rows.
pub(super) fn is_aggregate(block: &Block, orders: &[Order]) -> bool {
    let mut found = !block.group.is_empty() || block.having.is_some();
    for e in after_grouping(block, orders) {
        visit(e, &mut |e| found |= aggregate::is_aggregate(e));
    }
    found
}

/// The order by which the row comes first that a query's one min() or max() is of.
fn extreme(block: &Block, orders: &[Order], frame: &Frame<'_>) -> Translated<Option<String>> {
    let mut calls: Vec<(&str, &Expr)> = Vec::new();
    for e in after_grouping(block, orders) {
        visit(e, &mut |e| {
            let call = match e {
                Expr::Call(name, args) => Some((name.as_str(), args.as_slice())),
                Expr::Function(f) if f.over.is_none() => Some((f.name.as_str(), f.args.as_slice())),
                _ => None,
            };
            if let Some((name @ ("min" | "max"), [arg])) = call
                && !calls.contains(&(name, arg))
            {
                calls.push((name, arg));
            }
        });
    }
    let [(name, arg)] = calls.as_slice() else { return Ok(None) };
    let typed = frame.typed(arg)?;
    let key = order::key(&typed, frame)?;
    Ok(Some(format!("{key}{} NULLS LAST", if *name == "max" { " DESC" } else { "" })))
}
