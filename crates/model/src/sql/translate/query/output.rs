//! Result columns: `*`, names as SQLite gives them, and a definite type for each.
//! Owns what type a value gets that leaves a query; never merges those of a compound (see `compound`).

use super::frame::{Found, Frame, Place};
use super::text::Text;
use crate::ident::{self, Namer};
use crate::mapping::PgType;
use crate::mapping::codec::Codec;
use crate::mapping::shape::Crossing;
use crate::schema::Affinity;
use crate::sql::ast::{Block, Expr, Output};
use crate::sql::translate::relations::Field;
use crate::sql::translate::typed::{Collation, Kind, Typed};
use crate::sql::translate::{Translated, refuse};
use crate::value::Class;
use std::collections::BTreeSet;

/// A result column: what it is, before it has a name in the text.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: String,
    /// PostgreSQL's text, of a definite type.
    pub sql: String,
    /// What is known of its values; its text is `sql` without the cast.
    pub typed: Typed,
    pub crossing: Crossing,
    pub not_null: bool,
    pub approximate: bool,
}

/// What one result column is made of.
pub(super) enum Term<'a> {
    Expr(&'a Expr),
    Place(Place),
}

/// The result columns with `*` and `t.*` spelt out, and their names.
pub(super) fn expand<'a>(block: &'a Block, frame: &Frame<'_>) -> Translated<Vec<(String, bool, Term<'a>)>> {
    let mut terms = Vec::new();
    for (n, output) in block.columns.iter().enumerate() {
        match output {
            Output::Expr(e, Some(alias)) => terms.push((alias.clone(), true, Term::Expr(e))),
            Output::Expr(e, None) => {
                let name = match e {
                    Expr::Name(name) => frame.find(name).map(|f| f.name).unwrap_or_else(|_| name.column.clone()),
                    _ => format!("column{}", n + 1),
                };
                terms.push((name, false, Term::Expr(e)));
            }
            Output::Star if frame.items.is_empty() => return refuse("it has * without FROM"),
            Output::Star => {
                for item in 0..frame.items.len() {
                    star(frame, item, true, &mut terms);
                }
            }
            Output::TableStar(table) => {
                let Some(item) = frame.items.iter().position(|i| i.alias.eq_ignore_ascii_case(table)) else {
                    return refuse(format!("there is no {table} for {table}.*"));
                };
                star(frame, item, false, &mut terms);
            }
        }
    }
    Ok(terms)
}

fn star<'a>(frame: &Frame<'_>, item: usize, all: bool, terms: &mut Vec<(String, bool, Term<'a>)>) {
    let Some(of) = frame.items.get(item) else { return };
    for (field, f) in of.fields.iter().enumerate() {
        let left_out = f.secret || (all && of.hidden.contains(&field));
        if !left_out {
            terms.push((f.name.clone(), false, Term::Place(Place { item, field })));
        }
    }
}

/// The column of one term.
pub(super) fn column(name: &str, term: &Term<'_>, frame: &Frame<'_>) -> Translated<Column> {
    let found = match term {
        Term::Place(place) => frame.column(*place, true)?,
        Term::Expr(Expr::Name(name)) => frame.find(name)?,
        Term::Expr(e) => {
            let typed = frame.typed(e)?;
            let raw = typed.sql.clone();
            // Only looked at: nothing that is said of it is noted.
            let notes = frame.shared.notes();
            let crossing = crossing_of(e, &frame.plain());
            frame.shared.restore(notes);
            Found { typed, raw, crossing, not_null: false, approximate: false, name: name.to_owned() }
        }
    };
    definite(name, found)
}

/// How the values of an expression cross that are those of a column: of `max(created)`, `(SELECT created …)`.
fn crossing_of(e: &Expr, frame: &Frame<'_>) -> Option<Crossing> {
    match e {
        Expr::Name(name) => frame.find(name).ok()?.crossing,
        Expr::Collate(x, _) => crossing_of(x, frame),
        Expr::Call(name, args) if matches!(name.as_str(), "min" | "max" | "coalesce" | "ifnull" | "nullif") => {
            args.iter().find_map(|a| crossing_of(a, frame))
        }
        Expr::Case(_, pairs, other) => {
            pairs.iter().map(|(_, then)| then).chain(other.as_deref()).find_map(|e| crossing_of(e, frame))
        }
        Expr::Function(f) => f.args.first().and_then(|a| crossing_of(a, frame)),
        // A query in a query is not translated twice: at each depth that would double the work.
        Expr::Scalar(query) => frame.shared.crossing(query),
        _ => None,
    }
}

/// A value as a result column: its text gets a definite type.
fn definite(name: &str, found: Found) -> Translated<Column> {
    let Found { mut typed, raw, crossing, not_null, mut approximate, .. } = found;
    let computed = !typed.column;
    let crossing = crossing.or_else(|| typed.crossing.as_deref().cloned());
    let of = |ty: PgType| Codec::new(ty).normal();
    let by_kind = |ty: PgType| Crossing::new(ty, of(ty));
    let (sql, crossing) = match typed.kind {
        Kind::Null => ("NULL::text".to_owned(), by_kind(PgType::Text)),
        _ if !computed => {
            let crossing = crossing.or_else(|| typed.pg.map(by_kind));
            match crossing {
                Some(crossing) => (raw, crossing),
                None => return refuse(format!("the type of {} is not known", typed.what())),
            }
        }
        Kind::Bool => {
            typed.sql = format!("{}::integer::bigint", typed.sql);
            typed.kind = Kind::Int { low: 0, high: 1 };
            (typed.sql.clone(), by_kind(PgType::BigInt))
        }
        Kind::Int { .. } if typed.pg == Some(PgType::BigInt) => (raw, by_kind(PgType::BigInt)),
        Kind::Wide => {
            typed.sql = format!("{}::bigint", typed.sql);
            typed.kind = Kind::Int { low: i64::MIN.into(), high: i64::MAX.into() };
            (typed.sql.clone(), by_kind(PgType::BigInt))
        }
        Kind::Int { .. } => (format!("{}::bigint", typed.sql), by_kind(PgType::BigInt)),
        Kind::Number => (typed.sql.clone(), by_kind(PgType::Numeric(None))),
        Kind::Double => (typed.sql.clone(), by_kind(PgType::Double)),
        Kind::Text => (typed.sql.clone(), by_kind(PgType::Text)),
        Kind::Blob => (typed.sql.clone(), by_kind(PgType::Bytea)),
        Kind::Other(ty) => (typed.sql.clone(), crossing.filter(|c| c.ty == ty).unwrap_or_else(|| by_kind(ty))),
    };
    if computed && matches!(typed.kind, Kind::Double | Kind::Number) && typed.literal.is_none() {
        approximate = true;
    }
    Ok(Column { name: name.to_owned(), sql, typed, crossing, not_null, approximate })
}

/// The columns of a query as those around it see them; the names are unique, as SQLite makes them (`id`, `id:1`).
pub(super) fn fields(columns: &[Column], names: &[String]) -> Vec<Field> {
    let mut seen = BTreeSet::new();
    let mut targets = Namer::new();
    let field = |(i, column): (usize, &Column)| {
        let wanted = names.get(i).unwrap_or(&column.name);
        let mut name = wanted.clone();
        let mut n = 0;
        while !seen.insert(name.to_ascii_lowercase()) {
            n += 1;
            name = format!("{wanted}:{n}");
        }
        let wanted = if ident::is_system_column(&name) { format!("{name}_") } else { name.clone() };
        let target = targets.take(&wanted);
        Field {
            typed: seen_from_outside(column, &target),
            name,
            target,
            crossing: column.crossing.clone(),
            not_null: column.not_null,
            approximate: column.approximate,
            secret: false,
        }
    };
    columns.iter().enumerate().map(field).collect()
}

/// A result column as an operand of the query around: a column with the affinity and collation of its expression.
/// Source: <https://sqlite.org/datatype3.html#column_affinity_for_views_and_subqueries>.
fn seen_from_outside(column: &Column, target: &str) -> Typed {
    let bare = ident::pg(target);
    let sql = match column.crossing.ty {
        PgType::Char(_) | PgType::Enum => format!("({bare}::text)"),
        _ => bare,
    };
    let collation = match &column.typed.collation {
        Collation::None => Collation::Column("BINARY".into()),
        Collation::Column(c) | Collation::Explicit(c) => Collation::Column(c.clone()),
    };
    let typed = &column.typed;
    // What more is known of a column stays known of it; of what was computed only this.
    let base = if typed.column {
        typed.clone()
    } else {
        let crossing = Some(std::sync::Arc::new(column.crossing.clone()));
        let (loose, class, stamp) = (typed.loose, typed.class, typed.stamp);
        Typed { loose, class, stamp, crossing, ..Typed::new(typed.kind, "") }
    };
    Typed {
        sql,
        collation,
        affinity: typed.affinity.or(Some(Affinity::Blob)),
        literal: None,
        column: true,
        pg: Some(column.crossing.ty),
        ..base
    }
}

/// What is known of a column where it is one no longer: a double of which not more is known may be an integer in SQLite.
pub(super) fn detached(x: &Typed) -> Typed {
    let unsure = x.column && x.kind == Kind::Double && x.class != Some(Class::Real);
    let whole = if unsure { x.whole.or(Some(i64::MAX.into())) } else { x.whole };
    // What says the same in other words says it of the text as it was.
    Typed { whole, native: None, json: None, digits: None, ..x.clone() }
}

/// The lines of SELECT and its columns under the names of `fields`.
pub(super) fn lines(word: &str, columns: &[Column], fields: &[Field]) -> Text {
    let mut text = Text::default();
    let item = |(column, field): (&Column, &Field)| {
        let target = ident::pg(&field.target);
        let named = column.typed.column && column.sql.rsplit('.').next() == Some(target.as_str());
        if named { column.sql.clone() } else { format!("{} AS {target}", column.sql) }
    };
    text.list(word, columns.iter().zip(fields).map(item).collect());
    text
}
