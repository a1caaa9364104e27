//! WITH: common table expressions in the order in which they use each other, and those that use themselves.
//! Owns recursion; never translates a SELECT (see `block`).

use super::block::{self, Core};
use super::frame::{Cte, Frame};
use super::output::{self, Column};
use super::text::Text;
use super::volatile::{self, Part};
use super::{compound, order};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Codec;
use crate::mapping::shape::Crossing;
use crate::sql::ast::{Common, Compound, Join, JoinKind, Query, Select, Source};
use crate::sql::translate::typed::Kind;
use crate::sql::translate::{Translated, refuse};

/// The common table expressions of a query, and the lines of WITH.
pub(super) fn ctes(query: &Query, around: &Frame<'_>) -> Translated<(Vec<Cte>, Text)> {
    let mut made: Vec<Cte> = Vec::new();
    let mut texts = Vec::new();
    let mut recursive = false;
    for common in in_order(&query.with)? {
        let level = Frame { ctes: &made, depth: around.depth + 1, ..Frame::new(around.shared, Some(around), &[]) };
        let (cte, text) = if uses(&common.query, &common.name) {
            recursive = true;
            recursion(common, &level)?
        } else {
            let built = block::named(&common.query, &common.columns, &level)?;
            named_fields(common, built.fields.len())?;
            let cte = Cte { name: common.name.clone(), target: ident::shorten(&common.name), fields: built.fields };
            let text = definition(&cte, common.materialized, built.text);
            (cte, text)
        };
        made.push(cte);
        texts.push(text);
    }
    let mut all = Text::default();
    let last = texts.len().saturating_sub(1);
    for (i, mut text) in texts.into_iter().enumerate() {
        if i == 0 {
            text.prefix(if recursive { "WITH RECURSIVE " } else { "WITH " });
        }
        if i < last {
            text.suffix(",");
        }
        all.append(text);
    }
    Ok((made, all))
}

fn named_fields(common: &Common, count: usize) -> Translated<()> {
    if !common.columns.is_empty() && common.columns.len() != count {
        return refuse(format!("{} has another number of columns than names", common.name));
    }
    Ok(())
}

fn definition(cte: &Cte, materialized: Option<bool>, query: Text) -> Text {
    let columns: Vec<String> = cte.fields.iter().map(|f| ident::pg(&f.target)).collect();
    let how = match materialized {
        None => "",
        Some(true) => "MATERIALIZED ",
        Some(false) => "NOT MATERIALIZED ",
    };
    let mut text = Text::of(format!("{} ({}) AS {how}(", ident::pg(&cte.target), columns.join(", ")));
    text.deeper(query);
    text.line(")");
    text
}

/// Those that others use before them; SQLite lets any name any.
fn in_order(with: &[Common]) -> Translated<Vec<&Common>> {
    let mut left: Vec<&Common> = with.iter().collect();
    let mut ordered: Vec<&Common> = Vec::new();
    while !left.is_empty() {
        let waits = |c: &Common| left.iter().any(|o| !std::ptr::eq(*o, c) && uses(&c.query, &o.name));
        let Some(next) = left.iter().position(|c| !waits(c)) else {
            return refuse("common table expressions use each other in a circle");
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

fn names(part: Part<'_>, name: &str) -> bool {
    matches!(part, Part::Source(Source::Table(table, _)) if table.eq_ignore_ascii_case(name))
}

/// Whether a query has a term of FROM of this name.
fn uses(query: &Query, name: &str) -> bool {
    let mut found = false;
    volatile::walk(query, &mut |part| found |= names(part, name));
    found
}

fn select_uses(select: &Select, name: &str) -> bool {
    let mut found = false;
    volatile::walk_select(select, &mut |part| found |= names(part, name));
    found
}

/// One that uses itself. Source: <https://sqlite.org/lang_with.html#recursive_common_table_expressions>.
fn recursion(common: &Common, level: &Frame<'_>) -> Translated<(Cte, Text)> {
    let query = &common.query;
    let name = &common.name;
    let Some(((how, last), before)) = query.others.split_last() else {
        return refuse(format!("{name} uses itself without UNION"));
    };
    let start_uses = std::iter::once(&query.first).chain(before.iter().map(|(_, s)| s)).any(|s| select_uses(s, name));
    if start_uses || !select_uses(last, name) || !matches!(how, Compound::Union | Compound::UnionAll) {
        return refuse(format!("{name} uses itself in more than its last SELECT"));
    }
    if on_outer_side(last, name) {
        return refuse(format!("{name} uses itself where an outer join may put NULL"));
    }
    if !query.with.is_empty() {
        return refuse(format!("{name} uses itself beneath a WITH of its own"));
    }
    let mut cores = vec![block::core(&query.first, &[], level)?];
    for (_, select) in before {
        cores.push(block::core(select, &[], level)?);
    }
    let mut columns = compound::unified(&cores, None)?;
    columns.iter_mut().for_each(widen);
    named_fields(common, columns.len())?;
    let target = ident::shorten(name);
    let inner = if query.limit.is_some() { ident::shorten(&format!("{name}_rows")) } else { target.clone() };
    let mut again: Option<(Core, Vec<Column>)> = None;
    for _ in 0..4 {
        let fields = output::fields(&columns, &common.columns);
        let own = [Cte { name: name.clone(), target: inner.clone(), fields }];
        let frame = Frame { ctes: &own, ..Frame::new(level.shared, Some(level), &[]) };
        let core = block::core(last, &[], &frame)?;
        let mut merged = compound::unified(std::slice::from_ref(&core), Some(&columns))?;
        merged.iter_mut().for_each(widen);
        let same = columns
            .iter()
            .zip(&merged)
            .all(|(a, b)| a.typed.kind == b.typed.kind && a.typed.loose == b.typed.loose && a.crossing == b.crossing);
        columns = merged;
        if same {
            again = Some((core, columns.clone()));
            break;
        }
    }
    let Some((core, columns)) = again else { return refuse(format!("{name} has no columns of a sure type")) };
    cores.push(core);
    let fields = output::fields(&columns, &common.columns);
    let hows: Vec<Compound> = query.others.iter().map(|(how, _)| *how).collect();
    let text = compound::joined(&cores, &hows, &columns, &fields, level)?;
    if !query.order.is_empty() {
        level.shared.note(format!("the order in which {name} finds its rows is not kept"));
    }
    let limit = order::limit(query.limit.as_ref(), query.offset.as_ref(), level)?;
    if limit.cuts {
        level.shared.note(format!("{name} ends after a number of rows whose order is not given"));
    }
    let cte = Cte { name: name.clone(), target, fields };
    let mut made = definition(&Cte { target: inner.clone(), ..cte.clone() }, common.materialized, text);
    if query.limit.is_some() {
        made.suffix(",");
        let mut cut = Text::of("SELECT *");
        cut.line(format!("FROM {}", ident::pg(&inner)));
        cut.append(limit.text);
        made.append(definition(&cte, None, cut));
    }
    Ok((cte, made))
}

/// Whether an outer join may put NULL in the place of the rows found before, which PostgreSQL does not do.
fn on_outer_side(select: &Select, name: &str) -> bool {
    let Select::Select(block) = select else { return false };
    let own = |j: &Join| matches!(&j.source, Source::Table(table, _) if table.eq_ignore_ascii_case(name));
    let first = block.from.first().is_some_and(own);
    block.from.iter().any(|j| match j.kind {
        JoinKind::Left => !first,
        JoinKind::Right | JoinKind::Full => true,
        JoinKind::Comma | JoinKind::Inner => false,
    })
}

/// What later rows hold is not known by the first ones.
fn widen(column: &mut Column) {
    column.typed.literal = None;
    column.not_null = false;
    if let Kind::Int { .. } | Kind::Bool = column.typed.kind {
        column.typed.kind = Kind::Int { low: i64::MIN.into(), high: i64::MAX.into() };
        column.crossing = Crossing::new(PgType::BigInt, Codec::new(PgType::BigInt).normal());
        column.typed.pg = Some(PgType::BigInt);
    }
}
