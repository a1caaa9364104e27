//! FROM: tables, subqueries, table functions and joins, from left to right.
//! Owns which columns a join hides; never looks for a name (see `frame`).

use super::frame::Frame;
use super::text::Text;
use super::{Item, block};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Codec;
use crate::mapping::shape::Crossing;
use crate::sql::ast::{Binary, Expr, Join, JoinKind, Source};
use crate::sql::translate::relations::Field;
use crate::sql::translate::typed::{Collation, Kind, Typed};
use crate::sql::translate::{Translated, compare, refuse};

/// A translated FROM.
#[derive(Default)]
pub(super) struct Sources {
    pub items: Vec<Item>,
    /// Without the word FROM.
    pub text: Text,
    /// Conditions of ON that name what stands further right: of inner joins they are as good in WHERE.
    pub conditions: Vec<String>,
}

/// The terms of FROM. `around` is the frame of the queries around, not yet of this one.
pub(super) fn sources(joins: &[Join], around: &Frame<'_>) -> Translated<Sources> {
    let mut all = Sources::default();
    collect(joins, around, &mut all, true)?;
    Ok(all)
}

fn collect(joins: &[Join], around: &Frame<'_>, all: &mut Sources, top: bool) -> Translated<()> {
    let only_inner = joins.iter().all(|j| matches!(j.kind, JoinKind::Comma | JoinKind::Inner));
    let start = all.items.len();
    let mut late = Vec::new();
    for (i, join) in joins.iter().enumerate() {
        let left = all.items.len();
        let mut text = source(&join.source, around, all)?;
        if i == 0 {
            all.text.append(text);
            continue;
        }
        let mut conditions = shared_columns(join, around, all, start, left)?;
        if let Some(on) = &join.on {
            for part in conjuncts(on) {
                match condition(part, around, &all.items) {
                    Ok(made) => conditions.push(made),
                    // After the last term there is nothing further right.
                    Err(_) if only_inner && i + 1 < joins.len() => late.push(part),
                    Err(e) => return Err(e),
                }
            }
        }
        nulls(join.kind, &mut all.items, start, left);
        let word = match join.kind {
            JoinKind::Comma | JoinKind::Inner if conditions.is_empty() => "CROSS JOIN",
            JoinKind::Comma | JoinKind::Inner => "JOIN",
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Right => "RIGHT JOIN",
            JoinKind::Full => "FULL JOIN",
        };
        if join.kind == JoinKind::Full && !conditions.iter().any(|c| c.contains(" = ")) {
            return refuse("PostgreSQL joins FULL only where columns are equal");
        }
        text.prefix(&format!("{word} "));
        if word != "CROSS JOIN" {
            let on = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
            text.suffix(&format!(" ON {on}"));
        }
        all.text.append(text);
    }
    for part in late {
        let made = condition(part, around, &all.items)?;
        all.conditions.push(made);
    }
    if !top && !all.conditions.is_empty() && !only_inner {
        return refuse("a join in parentheses names a table outside of them");
    }
    Ok(())
}

fn condition(e: &Expr, around: &Frame<'_>, items: &[Item]) -> Translated<String> {
    let frame = Frame { depth: around.depth, ..Frame::new(around.shared, Some(around), items) };
    frame.condition(e)
}

/// The parts of a condition that AND joins.
pub(super) fn conjuncts(e: &Expr) -> Vec<&Expr> {
    let mut parts = Vec::new();
    let mut open = vec![e];
    while let Some(e) = open.pop() {
        match e {
            Expr::Binary(Binary::And, a, b) => {
                open.push(b);
                open.push(a);
            }
            e => parts.push(e),
        }
    }
    parts
}

/// Where an outer join puts NULLs.
fn nulls(kind: JoinKind, items: &mut [Item], start: usize, left: usize) {
    for (i, item) in items.iter_mut().enumerate().skip(start) {
        item.nullable |= match kind {
            JoinKind::Comma | JoinKind::Inner => false,
            JoinKind::Left => i >= left,
            JoinKind::Right => i < left,
            JoinKind::Full => true,
        };
    }
}

/// USING and NATURAL: the conditions, and the columns of the right side that are no longer seen.
/// Source: <https://sqlite.org/lang_select.html#the_from_clause>.
fn shared_columns(
    join: &Join,
    around: &Frame<'_>,
    all: &mut Sources,
    start: usize,
    left: usize,
) -> Translated<Vec<String>> {
    let seen = |items: &[Item], from: usize, name: &str| {
        let of_item = |(i, item): (usize, &Item)| {
            let of_name = |(n, f): (usize, &Field)| f.name.eq_ignore_ascii_case(name) && !item.hidden.contains(&n);
            item.fields.iter().enumerate().position(of_name).map(|field| (i + from, field))
        };
        items.iter().enumerate().find_map(of_item)
    };
    let (before, after) = all.items.split_at(left);
    let before = before.get(start..).unwrap_or_default();
    let names: Vec<String> = if join.natural {
        let of_right = after.iter().flat_map(|i| i.fields.iter().filter(|f| !f.secret).map(|f| f.name.clone()));
        of_right.filter(|n| seen(before, start, n).is_some()).collect()
    } else {
        join.using.clone()
    };
    let mut conditions = Vec::new();
    for name in &names {
        let (before, after) = all.items.split_at(left);
        let found = (seen(before.get(start..).unwrap_or_default(), start, name), seen(after, left, name));
        let (Some(a), Some(b)) = found else {
            return refuse(format!("USING ({name}): not both sides have such a column"));
        };
        let (x, y) = (operand(&all.items, a, true), operand(&all.items, b, false));
        let (Some(x), Some(y)) = (x, y) else { return refuse("a column is lost") };
        let pair = compare::pair(Binary::Eq, &x, &y, around.shared.environment.collate_c)?;
        conditions.push(format!("{} = {}", pair.left, pair.right));
        if matches!(join.kind, JoinKind::Right | JoinKind::Full) {
            if x.kind != y.kind && !(x.is_number() && y.is_number()) {
                return refuse(format!("USING ({name}) joins columns of different kinds"));
            }
            if let Some(item) = all.items.get_mut(a.0) {
                item.merged.insert(a.1, format!("COALESCE({}, {})", x.sql, y.sql));
            }
        }
        if let Some(item) = all.items.get_mut(b.0) {
            item.hidden.insert(b.1);
        }
    }
    Ok(conditions)
}

fn operand(items: &[Item], at: (usize, usize), merged: bool) -> Option<Typed> {
    let item = items.get(at.0)?;
    let mut typed = item.fields.get(at.1)?.under(&item.qualifier);
    if let Some(sql) = item.merged.get(&at.1).filter(|_| merged) {
        typed.sql.clone_from(sql);
    }
    Some(typed)
}

/// One term; its rows are added to the items.
fn source(source: &Source, around: &Frame<'_>, all: &mut Sources) -> Translated<Text> {
    match source {
        Source::Table(name, alias) => table(name, alias.as_deref(), around, all),
        Source::Call(name, args, alias) => call(name, args, alias.as_deref(), around, all),
        Source::Query(query, alias) => {
            let built = block::query(query, around)?;
            let item =
                Item { keys: built.keys.clone(), fields: built.fields, ..named(alias.as_deref(), "rows", around, all) };
            let mut text = Text::of("(");
            text.deeper(built.text);
            text.line(format!(") AS {}", item.qualifier));
            all.items.push(item);
            Ok(text)
        }
        Source::Joins(joins, None) => {
            let mut inner = Sources { items: std::mem::take(&mut all.items), ..Sources::default() };
            collect(joins, around, &mut inner, false)?;
            all.items = inner.items;
            all.conditions.extend(inner.conditions);
            if joins.len() == 1 {
                return Ok(inner.text);
            }
            let mut text = Text::of("(");
            text.deeper(inner.text);
            text.line(")");
            Ok(text)
        }
        Source::Joins(..) => refuse("joins in parentheses have an alias"),
    }
}

/// An item with nothing but its names; that of PostgreSQL is unlike all that are in sight.
fn named(alias: Option<&str>, otherwise: &str, around: &Frame<'_>, all: &Sources) -> Item {
    let taken = |q: &str| all.items.iter().any(|i| i.qualifier == q) || around.is_qualifier(q);
    let wanted = alias.unwrap_or(otherwise);
    let mut qualifier = ident::pg(&ident::shorten(wanted));
    let mut n = 1;
    while taken(&qualifier) {
        n += 1;
        qualifier = ident::pg(&ident::shorten(&format!("{wanted}_{n}")));
    }
    Item { alias: alias.unwrap_or_default().to_owned(), qualifier, ..Item::default() }
}

fn table(name: &str, alias: Option<&str>, around: &Frame<'_>, all: &mut Sources) -> Translated<Text> {
    if let Some(cte) = around.cte(name) {
        let names = named(Some(alias.unwrap_or(name)), name, around, all);
        let item = Item { fields: cte.fields.clone(), ..names };
        let text = aliased(&cte.target, &item.qualifier);
        all.items.push(item);
        return Ok(Text::of(text));
    }
    let relation = around.shared.environment.relations.find(name)?;
    if let Some(reason) = &relation.incomparable {
        around.shared.note(reason.clone());
    }
    let names = named(Some(alias.unwrap_or(&relation.target)), name, around, all);
    let item = Item::of(relation, alias.unwrap_or(name), &names.qualifier);
    let text = aliased(&relation.target, &item.qualifier);
    all.items.push(item);
    Ok(Text::of(text))
}

fn aliased(target: &str, qualifier: &str) -> String {
    let target = ident::pg(target);
    if target == qualifier { target } else { format!("{target} AS {qualifier}") }
}

/// A table-valued function; its arguments may name what stands to its left.
/// Source: <https://sqlite.org/json1.html#jeach>, <https://sqlite.org/series.html>.
fn call(name: &str, args: &[Expr], alias: Option<&str>, around: &Frame<'_>, all: &mut Sources) -> Translated<Text> {
    let frame = Frame::new(around.shared, Some(around), &all.items);
    let args = args.iter().map(|a| frame.typed(a)).collect::<Translated<Vec<Typed>>>()?;
    let names = named(Some(alias.unwrap_or(name)), name, around, all);
    let (sql, fields) = match name {
        "json_each" | "json_tree" => super::nested::json_rows(name, &args, around)?,
        "generate_series" => series(&args)?,
        _ => return refuse(format!("the table function {name} is the application's own")),
    };
    let columns: Vec<String> = fields.iter().map(|f| ident::pg(&f.target)).collect();
    let item = Item { fields, ..names };
    let text = format!("{sql} AS {} ({})", item.qualifier, columns.join(", "));
    all.items.push(item);
    Ok(Text::of(text))
}

fn series(args: &[Typed]) -> Translated<(String, Vec<Field>)> {
    let sure = |t: &Typed| matches!(t.kind, Kind::Int { .. });
    if args.len() < 2 || args.len() > 3 || !args.iter().all(sure) {
        return refuse("generate_series is called otherwise than with two or three integers");
    }
    let args: Vec<String> = args.iter().map(|a| format!("{}::bigint", a.sql)).collect();
    let kind = Kind::Int { low: i64::MIN.into(), high: i64::MAX.into() };
    Ok((format!("generate_series({})", args.join(", ")), vec![computed_field("value", kind, PgType::BigInt)]))
}

/// A column of a table function.
pub(super) fn computed_field(name: &str, kind: Kind, ty: PgType) -> Field {
    let typed = Typed {
        column: true,
        pg: Some(ty),
        collation: Collation::Column("BINARY".into()),
        ..Typed::new(kind, ident::pg(name))
    };
    Field {
        name: name.to_owned(),
        target: name.to_owned(),
        crossing: Crossing::new(ty, Codec::new(ty).normal()),
        not_null: false,
        approximate: false,
        secret: false,
        typed,
    }
}
