//! Every part of a query, and whether one of them gives another value each time.
//! Owns that walk; never translates.

use crate::sql::ast::{Block, Expr, Join, Order, Output, Over, Query, Select, Source};

/// A part of a query.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Expr(&'a Expr),
    Source(&'a Source),
}

type See<'a, 'f> = &'f mut dyn FnMut(Part<'a>);

/// Why a query gives other rows each time, if it does.
pub(super) fn of_query(query: &Query) -> Option<String> {
    let mut reason = None;
    walk(query, &mut |part| {
        let Part::Expr(e) = part else { return };
        if let Some(why) = of_expr(e) {
            reason = Some(why.to_owned());
        }
    });
    reason
}

fn of_expr(e: &Expr) -> Option<&'static str> {
    let clock = "it depends on the current time";
    let (name, args) = match e {
        Expr::Now(_) => return Some(clock),
        Expr::Call(name, args) => (name.as_str(), args.as_slice()),
        Expr::Function(f) => (f.name.as_str(), f.args.as_slice()),
        _ => return None,
    };
    let now = |e: &Expr| matches!(e, Expr::Text(t) if t.eq_ignore_ascii_case("now"));
    match name {
        "random" | "randomblob" => Some("it depends on chance"),
        "date" | "time" | "datetime" | "julianday" | "unixepoch" if args.is_empty() => Some(clock),
        "strftime" if args.len() < 2 => Some(clock),
        "date" | "time" | "datetime" | "julianday" | "unixepoch" | "strftime" | "timediff" if args.iter().any(now) => {
            Some(clock)
        }
        _ => None,
    }
}

/// Shows every expression and every term of FROM, those of inner queries too.
pub(super) fn walk<'a>(query: &'a Query, see: See<'a, '_>) {
    query.with.iter().for_each(|c| walk(&c.query, see));
    walk_select(&query.first, see);
    query.others.iter().for_each(|(_, s)| walk_select(s, see));
    orders(&query.order, see);
    query.limit.iter().chain(&query.offset).for_each(|e| expr(e, see));
}

/// The same of one SELECT.
pub(super) fn walk_select<'a>(select: &'a Select, see: See<'a, '_>) {
    match select {
        Select::Values(rows) => rows.iter().flatten().for_each(|e| expr(e, see)),
        Select::Select(block) => walk_block(block, see),
    }
}

fn walk_block<'a>(block: &'a Block, see: See<'a, '_>) {
    for output in &block.columns {
        if let Output::Expr(e, _) = output {
            expr(e, see);
        }
    }
    joins(&block.from, see);
    block.filter.iter().chain(&block.group).chain(&block.having).for_each(|e| expr(e, see));
    for (_, window) in &block.windows {
        window.partition.iter().for_each(|e| expr(e, see));
        orders(&window.order, see);
    }
}

fn joins<'a>(list: &'a [Join], see: See<'a, '_>) {
    for join in list {
        see(Part::Source(&join.source));
        match &join.source {
            Source::Table(..) => {}
            Source::Call(_, args, _) => args.iter().for_each(|e| expr(e, see)),
            Source::Query(query, _) => walk(query, see),
            Source::Joins(list, _) => joins(list, see),
        }
        join.on.iter().for_each(|e| expr(e, see));
    }
}

fn orders<'a>(list: &'a [Order], see: See<'a, '_>) {
    list.iter().for_each(|o| expr(&o.expr, see));
}

fn expr<'a>(e: &'a Expr, see: See<'a, '_>) {
    let mut inner = Vec::new();
    super::group::visit(e, &mut |part| {
        see(Part::Expr(part));
        match part {
            Expr::Scalar(query) | Expr::Exists(query) | Expr::InQuery(_, query, _) => inner.push(query.as_ref()),
            Expr::Function(f) => if let Some(Over::Name(_)) = &f.over {},
            _ => {}
        }
    });
    inner.into_iter().for_each(|query| walk(query, see));
}
