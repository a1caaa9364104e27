//! Aggregates, as such and over windows.
//! Owns what each means; never says what becomes of the columns beside them (see `group`).

use super::compound::as_text;
use super::frame::Frame;
use super::{group, order};
use crate::mapping::PgType;
use crate::schema::Affinity;
use crate::sql::ast::{Binary, Expr, Function};
use crate::sql::translate::typed::{Kind, Typed};
use crate::sql::translate::{Translated, Translator, refuse};
use crate::value::Class;

const NAMES: [&str; 8] =
    ["count", "sum", "total", "avg", "group_concat", "string_agg", "json_group_array", "json_group_object"];

/// Whether a call of this name and number of arguments is one of an aggregate.
pub(super) fn is_name(name: &str, args: usize) -> bool {
    NAMES.contains(&name) || (matches!(name, "min" | "max") && args == 1)
}

/// Whether an expression is an aggregate of its query.
pub(in crate::sql::translate) fn is_aggregate(e: &Expr) -> bool {
    match e {
        Expr::Call(name, args) => is_name(name, args.len()),
        Expr::Function(f) => f.over.is_none() && is_name(&f.name, f.args.len()),
        _ => false,
    }
}

/// A call but for its name and arguments.
struct Tail {
    distinct: bool,
    order: Vec<String>,
    filter: Option<String>,
    over: Option<String>,
}

impl Tail {
    fn call(&self, name: &str, args: &str) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let order = if self.order.is_empty() { String::new() } else { format!(" ORDER BY {}", self.order.join(", ")) };
        let mut sql = format!("{name}({distinct}{args}{order})");
        if let Some(filter) = &self.filter {
            sql.push_str(&format!(" FILTER (WHERE {filter})"));
        }
        if let Some(over) = &self.over {
            sql.push_str(&format!(" OVER {over}"));
        }
        sql
    }
}

impl Translator<'_> {
    /// An aggregate that is written as a plain call.
    pub(in crate::sql::translate) fn aggregate(&self, name: &str, args: &[Expr]) -> Translated<Typed> {
        let function = Function {
            name: name.to_owned(),
            star: false,
            distinct: false,
            args: args.to_vec(),
            order: Vec::new(),
            filter: None,
            over: None,
        };
        self.function(&function)
    }

    /// A call with DISTINCT, ORDER BY, FILTER or OVER, or of `*`. Source: <https://sqlite.org/lang_aggfunc.html>.
    pub(in crate::sql::translate) fn function(&self, f: &Function) -> Translated<Typed> {
        let here = self.frame()?;
        // What an aggregate is of are rows; what a window function is of may be groups.
        let frame = if f.over.is_some() { here } else { here.plain() };
        let over = match &f.over {
            None => None,
            Some(over) => Some(super::window::over(over, &f.name, &frame)?),
        };
        if over.is_none() && !is_name(&f.name, f.args.len()) && !f.star {
            return refuse(format!("the function {} is no aggregate that is known", f.name));
        }
        let args = f.args.iter().map(|a| frame.typed(a)).collect::<Translated<Vec<Typed>>>()?;
        let filter = f.filter.as_ref().map(|e| frame.condition(e)).transpose()?;
        let order = order::terms(&f.order, &frame)?;
        let tail = Tail { distinct: f.distinct, order, filter, over };
        if let Some(made) = super::window::function(&f.name, &args, &frame)? {
            let (name, args, typed) = made;
            return match tail.over {
                Some(_) => Ok(Typed { sql: tail.call(&name, &args), ..typed }),
                None => refuse(format!("{} stands without OVER", f.name)),
            };
        }
        match (f.name.as_str(), args.as_slice()) {
            ("count", []) => Ok(big(tail.call("count", "*"))),
            ("count", [x]) => {
                let x = if f.distinct { group::group_key(x)? } else { definite_null(x) };
                Ok(big(tail.call("count", &x)))
            }
            ("sum", [x]) => sum(x, &tail),
            ("total", [x]) => {
                let x = as_double(x)?;
                Ok(Typed::new(Kind::Double, format!("COALESCE({}, '0'::double precision)", tail.call("sum", &x)))
                    .of_class(Class::Real))
            }
            ("avg", [x]) => Ok(Typed::new(Kind::Double, tail.call("avg", &as_double(x)?)).of_class(Class::Real)),
            ("min" | "max", [x]) => extreme(&f.name, x, tail, &frame),
            ("group_concat" | "string_agg", [x]) => joined(x, None, &tail, f, &frame),
            ("group_concat" | "string_agg", [x, separator]) => joined(x, Some(separator), &tail, f, &frame),
            ("json_group_array", [x]) => {
                unordered(&tail, f, &frame);
                let item = json_item(f.args.first(), x, &frame)?;
                let list = tail.call("string_agg", &format!("{item}, ','"));
                Ok(Typed::new(Kind::Text, format!("('[' || COALESCE({list}, '') || ']')")))
            }
            ("json_group_object", [key, x]) if key.kind == Kind::Text && !key.loose => {
                unordered(&tail, f, &frame);
                let item = json_item(f.args.get(1), x, &frame)?;
                let list = tail.call("string_agg", &format!("to_json({})::text || ':' || {item}, ','", key.sql));
                Ok(Typed::new(Kind::Text, format!("('{{' || COALESCE({list}, '') || '}}')")))
            }
            _ => refuse(format!("the aggregate {} with these arguments has no sure counterpart", f.name)),
        }
    }
}

fn definite_null(x: &Typed) -> String {
    if x.kind == Kind::Null { "NULL::text".into() } else { x.sql.clone() }
}

fn big(sql: String) -> Typed {
    Typed { pg: Some(PgType::BigInt), ..Typed::new(Kind::Int { low: 0, high: i64::MAX.into() }, sql) }
}

/// The sum of integers is an integer, and an error where it leaves 64 bits; any other is a real.
fn sum(x: &Typed, tail: &Tail) -> Translated<Typed> {
    let real = x.class == Some(Class::Real) || x.affinity == Some(Affinity::Real);
    match x.kind {
        Kind::Null => Ok(Typed::new(Kind::Null, "NULL")),
        _ if real && x.is_number() => {
            Ok(Typed::new(Kind::Double, tail.call("sum", &as_double(x)?)).of_class(Class::Real))
        }
        Kind::Int { .. } | Kind::Bool => {
            let kind = Kind::Int { low: i64::MIN.into(), high: i64::MAX.into() };
            let sql = format!("({})::bigint", tail.call("sum", &x.as_number().sql));
            Ok(Typed { pg: Some(PgType::BigInt), ..Typed::new(kind, sql) })
        }
        Kind::Number => Ok(Typed::new(Kind::Number, tail.call("sum", &x.sql))),
        Kind::Double => Ok(Typed { sql: tail.call("sum", &x.sql), ..of_sum(x) }),
        _ => refuse(format!("{} is summed up and is no plain number", x.what())),
    }
}

/// The sum of doubles that may all be integers in SQLite may be one too.
fn of_sum(x: &Typed) -> Typed {
    let x = super::output::detached(x);
    let real = x.class == Some(Class::Real) || (x.whole.is_none() && !x.column);
    let whole = (!real).then_some(i64::MAX.into());
    Typed { whole, class: real.then_some(Class::Real), ..Typed::new(Kind::Double, "") }
}

fn as_double(x: &Typed) -> Translated<String> {
    match x.kind {
        Kind::Null => Ok("NULL::double precision".into()),
        Kind::Double => Ok(x.sql.clone()),
        _ if x.is_number() => Ok(format!("{}::double precision", x.as_number().sql)),
        _ => refuse(format!("{} is averaged or summed up and is no plain number", x.what())),
    }
}

/// min() and max(): by bytes for text, by its collation otherwise.
fn extreme(name: &str, x: &Typed, mut tail: Tail, frame: &Frame<'_>) -> Translated<Typed> {
    tail.distinct = false;
    let plain = |kind: Kind, sql: String| Typed {
        affinity: None,
        column: false,
        literal: None,
        native: None,
        kind,
        sql,
        ..super::output::detached(x)
    };
    let first = |tail: &Tail| {
        let down = if name == "max" { " DESC" } else { "" };
        let key = order::key(x, frame)?;
        let order = vec![format!("{key}{down} NULLS LAST")];
        let tail = Tail { distinct: false, order, filter: tail.filter.clone(), over: tail.over.clone() };
        if tail.over.is_some() {
            return refuse(format!("{name}() of {} over a window has no counterpart", x.what()));
        }
        Ok(format!("({})[1]", tail.call("array_agg", &x.sql)))
    };
    match x.kind {
        Kind::Null => Ok(Typed::new(Kind::Null, "NULL")),
        Kind::Bool => Ok(plain(Kind::Int { low: 0, high: 1 }, tail.call(name, &x.as_number().sql))),
        Kind::Int { .. } | Kind::Number | Kind::Double => Ok(plain(x.kind, tail.call(name, &x.sql))),
        Kind::Text if order::collation(x) == "BINARY" && !x.loose => {
            Ok(plain(Kind::Text, tail.call(name, &order::key(x, frame)?)))
        }
        Kind::Text if !x.loose => {
            frame.shared.note("of texts that are equal but for their case, some row's is taken");
            Ok(plain(Kind::Text, first(&tail)?))
        }
        Kind::Blob => Ok(plain(Kind::Blob, first(&tail)?)),
        Kind::Other(PgType::Date | PgType::Timestamp | PgType::TimestampTz | PgType::Time) => {
            Ok(plain(x.kind, tail.call(name, &x.sql)))
        }
        Kind::Other(PgType::Uuid) => Ok(plain(x.kind, first(&tail)?)),
        _ => refuse(format!("{name}() of {} has no sure counterpart", x.what())),
    }
}

/// group_concat().
fn joined(x: &Typed, separator: Option<&Typed>, tail: &Tail, f: &Function, frame: &Frame<'_>) -> Translated<Typed> {
    unordered(tail, f, frame);
    let separator = match separator {
        Some(s) => as_text(s, frame)?,
        None => "','".into(),
    };
    let value = if f.distinct && !f.order.is_empty() {
        // PostgreSQL orders what is distinct by that alone.
        let same = matches!((f.order.as_slice(), f.args.first()), ([o], Some(arg)) if o.expr == *arg);
        if !same || x.kind != Kind::Text {
            return refuse(format!("{}(DISTINCT) is ordered by other than its text", f.name));
        }
        order::key(x, frame)?
    } else {
        as_text(x, frame)?
    };
    Ok(Typed::new(Kind::Text, tail.call("string_agg", &format!("{value}, {separator}"))))
}

fn unordered(tail: &Tail, f: &Function, frame: &Frame<'_>) {
    if tail.order.is_empty() && tail.over.is_none() {
        frame.shared.note(format!("the order in which {}() takes its values is not given", f.name));
    }
}

/// A value as JSON writes it.
fn json_item(e: Option<&Expr>, x: &Typed, frame: &Frame<'_>) -> Translated<String> {
    let json = match e {
        Some(Expr::Call(name, _)) => matches!(name.as_str(), "json" | "json_array" | "json_object" | "json_patch"),
        Some(Expr::Function(f)) => matches!(f.name.as_str(), "json_group_array" | "json_group_object"),
        Some(Expr::Binary(Binary::Arrow, ..)) => true,
        _ => false,
    };
    let sql = match x.kind {
        Kind::Null => return Ok("'null'".into()),
        Kind::Text if json => x.sql.clone(),
        Kind::Text if !x.loose => format!("to_json({})::text", x.sql),
        Kind::Int { .. } | Kind::Double => as_text(x, frame)?,
        Kind::Bool => as_text(&x.as_number(), frame)?,
        _ => return refuse(format!("{} as JSON has no sure counterpart", x.what())),
    };
    Ok(format!("COALESCE({sql}, 'null')"))
}
