//! A whole query, and one SELECT or VALUES of it: its clauses in PostgreSQL's order.
//! Owns how the parts come together; never translates one.

use super::frame::{Frame, Mode, Place};
use super::group::{self, Grouping};
use super::output::{self, Column, Term};
use super::text::Text;
use super::{compound, from, order, window, with};
use crate::ident;
use crate::sql::ast::{Block, Expr, Order, Output, Query, Select};
use crate::sql::translate::relations::Field;
use crate::sql::translate::typed::Kind;
use crate::sql::translate::{Translated, refuse};

/// A translated query.
pub(super) struct Built {
    pub text: Text,
    pub fields: Vec<Field>,
    /// It gives at most one row.
    pub one: bool,
    /// Columns that make its rows unique.
    pub keys: Vec<Vec<usize>>,
}

/// One SELECT or VALUES, not yet written: its columns may still get another type.
pub(super) struct Core {
    /// Of VALUES all rows, else one.
    pub rows: Vec<Vec<Column>>,
    pub values: bool,
    /// `SELECT`, `SELECT DISTINCT`.
    pub word: String,
    pub distinct: bool,
    /// FROM and what follows.
    pub tail: Text,
    pub order: Vec<Sorted>,
    pub one: bool,
    /// Its ORDER BY leaves no two rows in doubt.
    pub total: bool,
    /// Columns that make its rows unique.
    pub keys: Vec<Vec<usize>>,
}

/// A term of ORDER BY.
pub(super) struct Sorted {
    /// As an expression over FROM.
    pub key: String,
    pub direction: String,
    /// The result column that it is.
    pub output: Option<usize>,
    /// The key is that column's text as it stands.
    pub plain: bool,
}

/// A query inside of `around`.
pub(super) fn query(query: &Query, around: &Frame<'_>) -> Translated<Built> {
    named(query, &[], around)
}

/// The same with names for its columns.
pub(super) fn named(query: &Query, names: &[String], around: &Frame<'_>) -> Translated<Built> {
    let (ctes, mut text) = with::ctes(query, around)?;
    let level = Frame { ctes: &ctes, depth: around.depth + 1, ..Frame::new(around.shared, Some(around), &[]) };
    let body =
        if query.others.is_empty() { single(query, names, &level)? } else { compound::query(query, names, &level)? };
    text.append(body.text);
    Ok(Built { text, ..body })
}

fn single(query: &Query, names: &[String], level: &Frame<'_>) -> Translated<Built> {
    let core = core(&query.first, &query.order, level)?;
    let limit = order::limit(query.limit.as_ref(), query.offset.as_ref(), level)?;
    if limit.cuts && !core.one && !core.total {
        level.shared.note("LIMIT cuts off rows whose order is not given");
    }
    let columns = compound::unified(std::slice::from_ref(&core), None)?;
    let fields = output::fields(&columns, names);
    let one = core.one || limit.one || (core.values && core.rows.len() < 2);
    let mut text = compound::write(&core, &columns, &fields, level)?;
    if core.distinct && (core.word.contains(" ON ") && !core.order.is_empty() || core.order.iter().any(|s| !s.plain)) {
        text = ordered_around(text, &core.order, &columns, &fields, level)?;
    } else if !core.order.is_empty() {
        let term = |s: &Sorted| {
            let named = s.output.filter(|_| s.plain).and_then(|i| fields.get(i)).map(|f| ident::pg(&f.target));
            format!("{}{}", named.unwrap_or_else(|| s.key.clone()), s.direction)
        };
        text.list("ORDER BY", core.order.iter().map(term).collect());
    }
    text.append(limit.text);
    Ok(Built { text, fields, one, keys: core.keys })
}

/// A query whose order PostgreSQL takes only around it: of DISTINCT and of compounds by more than a result column.
pub(super) fn ordered_around(
    inner: Text,
    order: &[Sorted],
    columns: &[Column],
    fields: &[Field],
    frame: &Frame<'_>,
) -> Translated<Text> {
    let mut text = Text::of("SELECT *");
    text.line("FROM (");
    text.deeper(inner);
    text.line(") AS \"ordered\"");
    let mut terms = Vec::new();
    for sorted in order {
        let found = sorted.output.and_then(|i| Some((fields.get(i)?, columns.get(i)?)));
        let Some((field, _)) = found else { return refuse("ORDER BY names no result column") };
        let key = order::key(&field.under("\"ordered\""), frame)?;
        terms.push(format!("{key}{}", sorted.direction));
    }
    text.list("ORDER BY", terms);
    Ok(text)
}

/// One SELECT or VALUES.
pub(super) fn core(select: &Select, orders: &[Order], level: &Frame<'_>) -> Translated<Core> {
    match select {
        Select::Select(block) => selected(block, orders, level),
        Select::Values(rows) => values(rows, level),
    }
}

fn values(rows: &[Vec<Expr>], level: &Frame<'_>) -> Translated<Core> {
    let cell = |(i, e): (usize, &Expr)| output::column(&format!("column{}", i + 1), &Term::Expr(e), level);
    let row = |row: &Vec<Expr>| row.iter().enumerate().map(cell).collect::<Translated<Vec<_>>>();
    Ok(Core {
        rows: rows.iter().map(row).collect::<Translated<_>>()?,
        values: true,
        word: "VALUES".into(),
        distinct: false,
        tail: Text::default(),
        order: Vec::new(),
        one: rows.len() < 2,
        total: false,
        keys: Vec::new(),
    })
}

fn selected(block: &Block, orders: &[Order], level: &Frame<'_>) -> Translated<Core> {
    let sources = from::sources(&block.from, level)?;
    let own = Frame { depth: level.depth, ..Frame::new(level.shared, Some(level), &sources.items) };
    let terms = output::expand(block, &own)?;
    let aliases = aliases(block);
    let seen = Frame { aliases: &aliases, windows: &block.windows, ..own };
    let grouped = group::is_aggregate(block, orders);
    let grouping = if grouped { Grouping::of(block, orders, &seen)? } else { Grouping::default() };
    let mode = if grouped { Mode::Grouped(&grouping) } else { Mode::Plain };
    let after = Frame { mode, ..seen };
    let out = after.without_aliases();
    let mut columns = Vec::with_capacity(terms.len());
    for (name, _, term) in &terms {
        columns.push(output::column(name, term, &out)?);
    }
    let mut tail = Text::default();
    let mut conditions = sources.conditions.clone();
    if !block.from.is_empty() {
        let mut text = sources.text.clone();
        text.prefix("FROM ");
        tail.append(text);
    }
    for part in block.filter.iter().flat_map(|f| from::conjuncts(f)) {
        conditions.push(seen.condition(part)?);
    }
    conjunction(&mut tail, "WHERE", &conditions);
    if !grouping.keys.is_empty() {
        tail.list("GROUP BY", grouping.keys.clone());
    }
    if let Some(having) = &block.having {
        let parts = from::conjuncts(having);
        conjunction(
            &mut tail,
            "HAVING",
            &parts.into_iter().map(|p| after.condition(p)).collect::<Translated<Vec<_>>>()?,
        );
    }
    if !block.windows.is_empty() {
        tail.list("WINDOW", window::named(&block.windows, &after)?);
    }
    let (word, distinct) = distinct_word(block, &columns, &after)?;
    let order = sorted(block, orders, &terms, &columns, &after)?;
    let places: Vec<_> = orders.iter().filter_map(|o| group::place_of(&o.expr, &seen)).collect();
    let one =
        (grouped && block.group.is_empty()) || (!grouped && group::fixed_items(block, &own, &[]).iter().all(|f| *f));
    let total = if grouped {
        grouping.keys.iter().all(|k| order.iter().any(|s| s.key == *k))
    } else if block.distinct {
        (0..columns.len()).all(|i| order.iter().any(|s| s.output == Some(i)))
    } else {
        group::fixed_items(block, &own, &places).iter().all(|f| *f)
    };
    let keys = if grouped { Vec::new() } else { keys(block, &terms, &own) };
    Ok(Core { rows: vec![columns], values: false, word, distinct, tail, order, one, total, keys })
}

/// The keys of its terms of FROM that are among the result columns and determine all the others' rows.
fn keys(block: &Block, terms: &[(String, bool, Term<'_>)], own: &Frame<'_>) -> Vec<Vec<usize>> {
    let place = |term: &Term<'_>| match term {
        Term::Place(place) => Some(*place),
        Term::Expr(e) => group::place_of(e, own),
    };
    let places: Vec<_> = terms.iter().map(|(_, _, term)| place(term)).collect();
    let mut found = Vec::new();
    for (item, of) in own.items.iter().enumerate().filter(|(_, i)| !i.nullable) {
        for key in &of.keys {
            let wanted: Vec<Place> = key.iter().map(|field| Place { item, field: *field }).collect();
            let outputs = wanted.iter().map(|w| places.iter().position(|p| *p == Some(*w)));
            if let Some(outputs) = outputs.collect::<Option<Vec<usize>>>()
                && group::fixed_items(block, own, &wanted).iter().all(|f| *f)
            {
                found.push(outputs);
            }
        }
    }
    found
}

fn aliases(block: &Block) -> Vec<(String, &Expr)> {
    let alias = |o| match o {
        &Output::Expr(ref e, Some(ref alias)) => Some((alias.clone(), e)),
        _ => None,
    };
    block.columns.iter().filter_map(alias).collect()
}

fn conjunction(text: &mut Text, word: &str, parts: &[String]) {
    for (i, part) in parts.iter().enumerate() {
        text.line(if i == 0 { format!("{word} {part}") } else { format!("  AND {part}") });
    }
}

/// DISTINCT; under a collation that takes several texts for one, a row of each.
fn distinct_word(block: &Block, columns: &[Column], frame: &Frame<'_>) -> Translated<(String, bool)> {
    if !block.distinct {
        return Ok(("SELECT".into(), false));
    }
    let keys = columns.iter().map(|c| group::group_key(&c.typed)).collect::<Translated<Vec<_>>>()?;
    let folded = columns.iter().zip(&keys).any(|(c, k)| c.typed.kind == Kind::Text && *k != c.typed.sql);
    if !folded {
        return Ok(("SELECT DISTINCT".into(), true));
    }
    frame.shared.note("of texts that are equal but for their case, some row's is taken");
    Ok((format!("SELECT DISTINCT ON ({})", keys.join(", ")), true))
}

/// ORDER BY: a number counts result columns, a name is first of all an alias.
/// Source: <https://sqlite.org/lang_select.html#the_order_by_clause>.
fn sorted(
    block: &Block,
    orders: &[Order],
    terms: &[(String, bool, Term<'_>)],
    columns: &[Column],
    frame: &Frame<'_>,
) -> Translated<Vec<Sorted>> {
    let mut all = Vec::new();
    for order in orders {
        let (e, collate) = match &order.expr {
            Expr::Collate(e, name) => (e.as_ref(), Some(name)),
            e => (e, None),
        };
        let output = match e {
            Expr::Integer(n) => match usize::try_from(*n).ok().and_then(|n| n.checked_sub(1)) {
                Some(i) if i < columns.len() => Some(i),
                _ => return refuse(format!("ORDER BY {n} counts no result column")),
            },
            Expr::Name(name) if name.table.is_none() => {
                terms.iter().position(|(n, alias, _)| *alias && n.eq_ignore_ascii_case(&name.column))
            }
            _ => None,
        };
        let mut typed = match output.and_then(|i| columns.get(i)) {
            Some(column) => column.typed.clone(),
            None => frame.typed(e)?,
        };
        if typed.kind == Kind::Null || (typed.literal.is_some() && output.is_none()) {
            continue;
        }
        let same = |c: &Column| c.typed.sql == typed.sql;
        let output = output.or_else(|| columns.iter().position(same));
        if let Some(name) = collate {
            typed.collation = crate::sql::translate::typed::Collation::Explicit(name.to_ascii_uppercase());
        }
        let key = order::key(&typed, frame)?;
        if block.distinct && output.is_none() {
            return refuse("DISTINCT is ordered by what is no result column");
        }
        let not_null = match (output.and_then(|i| columns.get(i)), e) {
            (Some(column), _) => column.not_null,
            (None, Expr::Name(name)) => frame.find(name).is_ok_and(|f| f.not_null),
            _ => false,
        };
        let plain = output.and_then(|i| columns.get(i)).is_some_and(|c| key == c.typed.sql && block_names(c, columns));
        all.push(Sorted { key, direction: order::direction(order, not_null), output, plain });
    }
    Ok(all)
}

/// Whether the name of a result column means only it, so that ORDER BY can say it.
fn block_names(column: &Column, columns: &[Column]) -> bool {
    columns.iter().filter(|c| c.name.eq_ignore_ascii_case(&column.name)).count() == 1
}
