//! Window functions and the windows they look through.
//! Owns OVER, frames and the functions that only windows have; never translates an aggregate (see `aggregate`).

use super::frame::{Frame, Mode};
use super::{group, order};
use crate::mapping::PgType;
use crate::sql::ast::{Bound, Expr, Order, Over, Window};
use crate::sql::translate::typed::{Kind, Typed};
use crate::sql::translate::{Translated, Translator, refuse};

/// The definitions of WINDOW.
pub(super) fn named(windows: &[(String, Window)], frame: &Frame<'_>) -> Translated<Vec<String>> {
    let one = |(name, w): &(String, Window)| Ok(format!("{} AS {}", window_name(name), window(w, frame)?));
    windows.iter().map(one).collect()
}

/// Names of windows are the same without case.
fn window_name(name: &str) -> String {
    crate::ident::pg(&crate::ident::shorten(&name.to_ascii_lowercase()))
}

/// What stands after OVER.
pub(super) fn over(over: &Over, function: &str, frame: &Frame<'_>) -> Translated<String> {
    match over {
        Over::Name(name) => {
            let of_name = |w: &&(String, Window)| w.0.eq_ignore_ascii_case(name);
            let Some((_, w)) = frame.windows.iter().find(of_name) else {
                return refuse(format!("there is no window {name}"));
            };
            doubt(w, function, frame);
            Ok(window_name(name))
        }
        Over::Window(w) => {
            doubt(w, function, frame);
            window(w, frame)
        }
    }
}

/// Notes where the order leaves rows in doubt that the function tells apart.
fn doubt(window: &Window, function: &str, frame: &Frame<'_>) {
    let rows = window.frame.as_ref().is_some_and(|f| f.mode == "ROWS");
    if (by_place(function) || rows) && !total(window, frame) {
        frame.shared.note("a window function goes by an order that leaves rows in doubt");
    }
}

fn by_place(function: &str) -> bool {
    let joins = matches!(function, "group_concat" | "string_agg" | "json_group_array" | "json_group_object");
    joins || matches!(function, "row_number" | "ntile" | "lag" | "lead" | "first_value" | "last_value" | "nth_value")
}

/// Whether no two rows are in doubt: by their keys, or by the terms of GROUP BY.
fn total(window: &Window, frame: &Frame<'_>) -> bool {
    let of_name = |name: &String| frame.windows.iter().find(|w| w.0.eq_ignore_ascii_case(name)).map(|w| &w.1);
    let base = window.base.as_ref().and_then(of_name);
    let all = || std::iter::once(window).chain(base);
    let terms = || all().flat_map(|w| w.partition.iter().chain(w.order.iter().map(|o| &o.expr)));
    if let Mode::Grouped(grouping) = frame.mode {
        let texts: Vec<String> = terms().filter_map(|e| Some(frame.typed(e).ok()?.sql)).collect();
        return grouping.keys.iter().all(|k| texts.contains(k));
    }
    let places: Vec<_> = terms().filter_map(|e| group::place_of(e, frame)).collect();
    frame.items.iter().enumerate().all(|(i, item)| {
        let known = |c: &usize| places.iter().any(|p| p.item == i && p.field == *c);
        item.keys.iter().any(|key| key.iter().all(known))
    })
}

fn window(window: &Window, frame: &Frame<'_>) -> Translated<String> {
    let mut parts = Vec::new();
    if let Some(base) = &window.base {
        parts.push(window_name(base));
    }
    if !window.partition.is_empty() {
        let key = |e: &Expr| group::group_key(&frame.typed(e)?);
        let keys = window.partition.iter().map(key).collect::<Translated<Vec<_>>>()?;
        parts.push(format!("PARTITION BY {}", keys.join(", ")));
    }
    if !window.order.is_empty() {
        let terms = order::terms(&window.order, frame)?;
        if !terms.is_empty() {
            parts.push(format!("ORDER BY {}", terms.join(", ")));
        }
    }
    if let Some(f) = &window.frame {
        let start = bound(&f.start, &f.mode, &window.order, frame)?;
        let mut text = match &f.end {
            Some(end) => format!("{} BETWEEN {start} AND {}", f.mode, bound(end, &f.mode, &window.order, frame)?),
            None => format!("{} {start}", f.mode),
        };
        if let Some(exclude) = &f.exclude {
            text.push_str(&format!(" EXCLUDE {exclude}"));
        }
        parts.push(text);
    }
    Ok(format!("({})", parts.join(" ")))
}

/// Source: <https://sqlite.org/windowfunctions.html#frame_boundary>.
fn bound(bound: &Bound, mode: &str, orders: &[Order], frame: &Frame<'_>) -> Translated<String> {
    let offset = |e: &Expr| {
        let typed = frame.typed(e)?;
        match (mode, typed.kind) {
            ("RANGE", _) => {
                let Some(key) = orders.first() else { return refuse("RANGE with a distance has no ORDER BY") };
                let key = frame.typed(&key.expr)?;
                match (key.kind, typed.kind) {
                    (Kind::Int { .. }, Kind::Int { .. }) => Ok(typed.sql),
                    (Kind::Double, Kind::Int { .. } | Kind::Double) => Ok(format!("{}::double precision", typed.sql)),
                    (Kind::Number, Kind::Int { .. }) => Ok(format!("{}::numeric", typed.sql)),
                    _ => refuse(format!("RANGE with a distance goes over {}", key.what())),
                }
            }
            (_, Kind::Int { .. }) => Ok(typed.sql),
            _ => refuse("the distance of a frame is no integer"),
        }
    };
    Ok(match bound {
        Bound::UnboundedPreceding => "UNBOUNDED PRECEDING".into(),
        Bound::Preceding(e) => format!("{} PRECEDING", offset(e)?),
        Bound::CurrentRow => "CURRENT ROW".into(),
        Bound::Following(e) => format!("{} FOLLOWING", offset(e)?),
        Bound::UnboundedFollowing => "UNBOUNDED FOLLOWING".into(),
    })
}

/// A function that only windows have: its name and arguments in PostgreSQL, and what it gives; `None` if it is another.
/// Source: <https://sqlite.org/windowfunctions.html#built_in_window_functions>.
pub(super) fn function(name: &str, args: &[Typed], frame: &Frame<'_>) -> Translated<Option<(String, String, Typed)>> {
    let big =
        || Typed { pg: Some(PgType::BigInt), ..Typed::new(Kind::Int { low: 0, high: i64::MAX.into() }, String::new()) };
    let count = |x: &Typed| match x.kind {
        Kind::Int { .. } => Ok(format!("{}::integer", x.sql)),
        _ => refuse(format!("{} in {name}() is no integer", x.what())),
    };
    let of =
        |x: &Typed| Typed { affinity: None, literal: None, column: false, native: None, ..super::output::detached(x) };
    let value = |x: &Typed| if x.kind == Kind::Null { "NULL::text".to_owned() } else { x.sql.clone() };
    let made = match (name, args) {
        ("row_number" | "rank" | "dense_rank", []) => (String::new(), big()),
        ("percent_rank" | "cume_dist", []) => (String::new(), Typed::new(Kind::Double, String::new())),
        ("ntile", [n]) => (count(n)?, Typed { pg: None, ..big() }),
        ("lag" | "lead", [x]) => (value(x), of(x)),
        ("lag" | "lead", [x, n]) => (format!("{}, {}", value(x), count(n)?), of(x)),
        ("lag" | "lead", [x, n, other]) => {
            let (typed, texts) = Translator::within(frame).common(vec![x.clone(), other.clone()])?;
            let [x, other] = texts.as_slice() else { return refuse("a default is lost") };
            let cast = if let Kind::Int { .. } = typed.kind { "::bigint" } else { "" };
            (format!("{x}{cast}, {}, {other}{cast}", count(n)?), Typed { pg: None, ..typed })
        }
        ("first_value" | "last_value", [x]) => (value(x), of(x)),
        ("nth_value", [x, n]) => (format!("{}, {}", value(x), count(n)?), of(x)),
        _ => return Ok(None),
    };
    Ok(Some((name.to_owned(), made.0, made.1)))
}
