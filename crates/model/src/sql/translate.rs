//! From an expression of SQLite to PostgreSQL's text with the same meaning, or to the reason why not.
//! Owns that judgement, on the careful side: what is not surely the same is refused; never guesses.

mod affinity;
mod arithmetic;
mod call;
mod cast;
mod common;
mod compare;
mod date;
mod default;
mod form;
mod generated;
mod json;
mod like;
mod math;
mod number;
mod plain;
mod printf;
pub mod query;
pub mod relations;
mod scalar;
mod store;
pub mod trigger;
mod typed;
mod value;

pub use default::{default_value, default_with};
pub use generated::generated;
pub use plain::{Fraction, Stamp};
pub use store::stored;

use crate::ident;
use crate::mapping::PgType;
use crate::mapping::shape::Crossing;
use crate::schema::{Column, Expression};
use crate::sql::ast::{Binary, Expr, Unary};
use crate::sql::helpers::Used;
use crate::value::Class;
use relations::Relations;
use std::cell::Cell;
use std::fmt;
use typed::{Collation, Kind, Typed};

/// The columns an expression may name.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// One for each column of `Table::columns`, in that order.
    pub columns: &'a [ScopeColumn<'a>],
    /// Whether the collation in force may order text otherwise than by bytes, so that `<` and the like on text must
    /// say COLLATE "C". Equality never needs it.
    pub collate_c: bool,
    /// Where the helper functions that a translation calls are noted; without it none is called, and what needs one is
    /// refused.
    pub helpers: Option<&'a Used>,
    /// What may stand in the text.
    pub purpose: Purpose,
    /// The tables and views that a query may name.
    pub relations: Option<&'a Relations>,
    /// It acts on rows to come (CHECK, generated column, index, trigger), of which the census has seen none: the form and
    /// the class that all values of today have prove nothing there.
    pub lasting: bool,
}

impl<'a> Scope<'a> {
    /// Of a table's own expressions: no helpers, no queries.
    pub fn of_columns(columns: &'a [ScopeColumn<'a>], collate_c: bool) -> Scope<'a> {
        Scope { columns, collate_c, helpers: None, purpose: Purpose::Stored, relations: None, lasting: true }
    }
}

/// Where a translated text will stand, which says what it may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// CHECK, index, generated column: it is immutable.
    #[default]
    Stored,
    /// A view, a trigger, a default: it may ask for the time, for chance and for other rows.
    Query,
}

/// A column as both sides know it.
#[derive(Clone, Copy, Debug)]
pub struct ScopeColumn<'a> {
    /// Its name in the target, unquoted.
    pub target: &'a str,
    /// Its type in the target.
    pub ty: PgType,
    /// The column in SQLite: affinity and collation.
    pub source: &'a Column,
    /// The storage class of all its values that are not NULL, if the census has proven that there is only one. With
    /// `None` more is refused, and it is taken for granted that numbers and booleans were numbers in SQLite, and dates
    /// and UUIDs text: where the mapping read them otherwise (booleans from 't' and 'f', timestamps from integers),
    /// the class must be given.
    pub class: Option<Class>,
    /// The census has seen blobs beside values of another class: in text they are written as `\\x…`, in bytea the texts
    /// are their bytes, so that no length, comparison or `typeof()` says what SQLite's does.
    pub mixed: bool,
    /// How its values cross, which says what value of SQLite stands behind one of the target. With `None` only its type
    /// and affinity are gone by.
    pub crossing: Option<&'a Crossing>,
    /// The one form that all its texts of date-times have, as the census counted them.
    pub stamp: Option<Stamp>,
}

/// Why an expression has no counterpart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untranslatable {
    /// One phrase for a person, as in "the function julianday has no counterpart".
    pub reason: String,
}

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Untranslatable {}

/// A translation or the reason why there is none.
pub type Translated<T> = Result<T, Untranslatable>;

fn refuse<T>(reason: impl Into<String>) -> Translated<T> {
    Err(Untranslatable { reason: reason.into() })
}

/// Longest text that is made of one expression, in bytes.
const LONGEST: usize = 64 * 1024;

/// Deepest tree that is walked.
const DEEPEST: usize = 250;

/// The tree of an expression of the schema, or the reason why it has none.
pub fn tree(e: &Expression) -> Translated<&Expr> {
    match &e.ast {
        Some(tree) => Ok(tree),
        None => refuse("it holds what is not understood (a subquery, a parameter, a name that is no column)"),
    }
}

/// A condition (CHECK, predicate of a partial index): a boolean that is true, false or NULL on the same rows as in
/// SQLite. A CHECK passes on NULL on both sides. The text is immutable, so it may stand in an index.
pub fn condition(e: &Expr, scope: &Scope) -> Translated<String> {
    Translator::new(scope).condition(e)
}

/// A term of an expression index, with its type. The text is immutable and stands in parentheses where it must.
pub fn expression(e: &Expr, scope: &Scope) -> Translated<(String, PgType)> {
    let typed = Translator::new(scope).typed(e)?;
    let ty = match typed.kind {
        Kind::Int { .. } if typed.column => return Ok((typed.sql, typed.pg.unwrap_or(PgType::BigInt))),
        Kind::Int { .. } => return Ok((format!("(({})::bigint)", typed.sql), PgType::BigInt)),
        Kind::Wide => return refuse("the sum may leave 64 bits, where SQLite goes over to inexact numbers"),
        Kind::Null if scope.purpose == Purpose::Query => return Ok(("NULL::text".into(), PgType::Text)),
        Kind::Null => return refuse("it is always NULL"),
        Kind::Number => PgType::Numeric(None),
        Kind::Double => PgType::Double,
        Kind::Bool => PgType::Boolean,
        Kind::Text => PgType::Text,
        Kind::Blob => PgType::Bytea,
        Kind::Other(ty) => ty,
    };
    Ok((if typed.column { typed.sql } else { format!("({})", typed.sql) }, typed.pg.unwrap_or(ty)))
}

/// A text term of an index under a collation of SQLite: NOCASE compares as lower() of C text does (ASCII letters
/// only), RTRIM as text without its spaces at the end. An application's collation has no counterpart.
/// Source: <https://sqlite.org/datatype3.html#collating_sequences>.
pub fn collated(sql: &str, collation: Option<&str>) -> Translated<String> {
    match collation.unwrap_or("BINARY") {
        "BINARY" => Ok(sql.to_owned()),
        "NOCASE" => Ok(format!("lower({sql} COLLATE \"C\")")),
        "RTRIM" => Ok(format!("rtrim({sql}, ' ')")),
        other => refuse(format!("the collation {other} is the application's own")),
    }
}

/// A walk over one expression.
struct Translator<'a> {
    scope: &'a Scope<'a>,
    depth: Cell<usize>,
    /// The queries around it, where it stands in one.
    frame: Option<&'a query::Frame<'a>>,
}

impl<'a> Translator<'a> {
    fn new(scope: &'a Scope<'a>) -> Self {
        Translator { scope, depth: Cell::new(0), frame: None }
    }

    /// What SQLite takes for true.
    fn condition(&self, e: &Expr) -> Translated<String> {
        self.truth(&self.typed(e)?)
    }

    fn typed(&self, e: &Expr) -> Translated<Typed> {
        let depth = self.depth.get();
        if depth > DEEPEST {
            return refuse("it is nested too deeply");
        }
        self.depth.set(depth + 1);
        let typed = if self.frame.is_some() { self.node_of_query(e) } else { self.node(e) };
        self.depth.set(depth);
        let mut typed = typed?;
        // COLLATE reaches out of the part that it stands in.
        if let (Collation::None | Collation::Column(_), Some(name)) = (&typed.collation, collate(e)) {
            typed.collation = Collation::Explicit(name.to_ascii_uppercase());
        }
        if typed.sql.len() > LONGEST { refuse("its translation becomes too long") } else { Ok(typed) }
    }

    fn node(&self, e: &Expr) -> Translated<Typed> {
        match e {
            Expr::Column(i) => self.column(*i),
            Expr::Null => Ok(Typed::new(Kind::Null, "NULL")),
            Expr::Integer(n) => Ok(Typed::integer(*n)),
            Expr::Real(r) => Typed::real(*r),
            Expr::Text(t) => Typed::text(t),
            Expr::Blob(b) => Ok(Typed::blob(b)),
            Expr::Now(now) => self.current(*now),
            Expr::Unary(op, x) => self.prefix(*op, x),
            Expr::Binary(op, a, b) => self.binary(*op, a, b),
            Expr::IsNull(x, negated) => self.is_null(x, *negated),
            Expr::In(x, list, negated) => self.in_list(x, list, *negated),
            Expr::Between(x, low, high, negated) => self.between(x, low, high, *negated),
            Expr::Call(name, args) => self.call(name, args),
            Expr::Collate(x, name) => self.collation(x, name),
            Expr::Case(base, pairs, other) => self.case(base.as_deref(), pairs, other.as_deref()),
            Expr::Cast(x, ty) => self.cast(x, ty),
            Expr::Like(op, x, pattern, escape, negated) => self.like(*op, x, pattern, escape.as_deref(), *negated),
            Expr::Name(_) | Expr::Scalar(_) | Expr::Exists(_) | Expr::InQuery(..) | Expr::Function(_) => {
                refuse("it holds a query")
            }
            Expr::Row(_) => refuse("it holds a row of values"),
            Expr::Raise(..) => refuse("RAISE stands outside of a trigger"),
        }
    }

    fn column(&self, i: usize) -> Translated<Typed> {
        match self.scope.columns.get(i) {
            Some(column) => Ok(Typed::column(column, ident::pg(column.target))),
            None => refuse("it names a column that is not carried"),
        }
    }

    fn prefix(&self, op: Unary, x: &Expr) -> Translated<Typed> {
        match op {
            Unary::Not => Ok(Typed::condition(format!("(NOT {})", self.condition(x)?))),
            op => self.unary(op, self.typed(x)?),
        }
    }

    fn is_null(&self, x: &Expr, negated: bool) -> Translated<Typed> {
        let x = self.typed(x)?;
        Ok(Typed::condition(format!("({} IS {}NULL)", x.sql, if negated { "NOT " } else { "" })))
    }

    fn collation(&self, x: &Expr, name: &str) -> Translated<Typed> {
        let mut x = self.typed(x)?;
        x.collation = Collation::Explicit(name.to_ascii_uppercase());
        Ok(x)
    }

    fn binary(&self, op: Binary, a: &Expr, b: &Expr) -> Translated<Typed> {
        let word = match op {
            Binary::And => "AND",
            Binary::Or => "OR",
            Binary::Eq
            | Binary::Ne
            | Binary::Lt
            | Binary::Le
            | Binary::Gt
            | Binary::Ge
            | Binary::Is
            | Binary::IsNot => {
                return self.comparison(op, a, b);
            }
            Binary::Arrow | Binary::ArrowText => return self.deeper(|| self.json_arrow(op, a, b)),
            _ => return self.computed(op, &self.typed(a)?, &self.typed(b)?),
        };
        Ok(Typed::condition(format!("({} {word} {})", self.condition(a)?, self.condition(b)?)))
    }

    fn comparison(&self, op: Binary, a: &Expr, b: &Expr) -> Translated<Typed> {
        self.compared(op, &self.typed(a)?, &self.typed(b)?)
    }

    /// `x IN (…)` is `x = +a OR x = +b …`: the affinity and collation of x alone decide.
    /// Source: <https://sqlite.org/datatype3.html#affinity_of_expressions>.
    fn in_list(&self, x: &Expr, list: &[Expr], negated: bool) -> Translated<Typed> {
        let x = self.typed(x)?;
        let not = if negated { "NOT " } else { "" };
        if list.is_empty() {
            return Ok(Typed::condition(if negated { "TRUE".into() } else { "FALSE".into() }));
        }
        let items: Vec<Typed> = self.all(list)?.into_iter().map(Typed::bare).collect();
        if let Some((left, rights)) = self.plain_list(&x, &items) {
            return Ok(Typed::condition(format!("({left} {not}IN ({}))", rights.join(", "))));
        }
        let tests = items
            .iter()
            .map(|item| Ok(self.compared(Binary::Eq, &x, item)?.sql))
            .collect::<Translated<Vec<String>>>()?;
        Ok(Typed::condition(format!("({not}({}))", tests.join(" OR "))))
    }

    /// The sides of PostgreSQL's IN, if every item compares as it stands with one and the same left side.
    fn plain_list(&self, x: &Typed, items: &[Typed]) -> Option<(String, Vec<String>)> {
        let mut left = None;
        let mut rights = Vec::with_capacity(items.len());
        for item in items {
            if item.kind == Kind::Null {
                rights.push("NULL".to_owned());
                continue;
            }
            let pair = compare::pair(Binary::Eq, x, item, self.scope.collate_c).ok()?;
            if left.get_or_insert_with(|| pair.left.clone()) != &pair.left {
                return None;
            }
            rights.push(pair.right);
        }
        left.filter(|_| x.kind != Kind::Null).map(|left| (left, rights))
    }

    fn between(&self, x: &Expr, low: &Expr, high: &Expr, negated: bool) -> Translated<Typed> {
        let x = self.typed(x)?;
        let at_least = self.compared(Binary::Ge, &x, &self.typed(low)?)?.sql;
        let at_most = self.compared(Binary::Le, &x, &self.typed(high)?)?.sql;
        let not = if negated { "NOT " } else { "" };
        Ok(Typed::condition(format!("({not}({at_least} AND {at_most}))")))
    }

    fn case(&self, base: Option<&Expr>, pairs: &[(Expr, Expr)], other: Option<&Expr>) -> Translated<Typed> {
        let base = match base {
            Some(base) => Some(Box::new(self.typed(base)?)),
            None => None,
        };
        let mut results = Vec::with_capacity(pairs.len() + 1);
        let mut whens = Vec::with_capacity(pairs.len());
        for (when, then) in pairs {
            whens.push(self.when(base.as_deref(), when)?);
            self.push(&mut results, then)?;
        }
        match other {
            Some(other) => self.push(&mut results, other)?,
            None => results.push(Typed::new(Kind::Null, "NULL")),
        }
        self.chosen(&whens, results)
    }

    fn push(&self, results: &mut Vec<Typed>, e: &Expr) -> Translated<()> {
        results.push(self.typed(e)?);
        Ok(())
    }

    fn when(&self, base: Option<&Typed>, when: &Expr) -> Translated<String> {
        match base {
            Some(base) => Ok(self.compared(Binary::Eq, base, &self.typed(when)?)?.sql),
            None => self.condition(when),
        }
    }

    /// CASE of conditions and results, the last of which is ELSE's.
    fn chosen(&self, whens: &[String], results: Vec<Typed>) -> Translated<Typed> {
        let (made, mut texts) = self.common(results)?;
        if made.kind == Kind::Null {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        let other = texts.pop().unwrap_or_else(|| "NULL".into());
        let arms: Vec<String> = whens.iter().zip(&texts).map(|(w, t)| format!("WHEN {w} THEN {t}")).collect();
        Ok(Typed { sql: format!("(CASE {} ELSE {other} END)", arms.join(" ")), ..made })
    }
}

/// The collation that COLLATE names anywhere in an operand; the leftmost one counts.
/// Source: <https://sqlite.org/datatype3.html#collating_sequence_example>.
fn collate(e: &Expr) -> Option<&str> {
    match e {
        Expr::Collate(_, name) => Some(name),
        Expr::Unary(_, x) | Expr::Cast(x, _) => collate(x),
        Expr::Binary(_, a, b) => collate(a).or_else(|| collate(b)),
        Expr::Call(_, args) => args.iter().find_map(collate),
        Expr::Case(base, pairs, other) => base
            .as_deref()
            .and_then(collate)
            .or_else(|| pairs.iter().find_map(|(when, then)| collate(when).or_else(|| collate(then))))
            .or_else(|| other.as_deref().and_then(collate)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Affinity;

    fn column(declared: &str) -> Column {
        Column {
            read: None,
            name: "c".into(),
            declared: declared.into(),
            affinity: Affinity::of(declared),
            not_null: false,
            default: None,
            collation: None,
            generated: None,
        }
    }

    fn with(declared: &str, ty: PgType, class: Option<Class>, mixed: bool, e: &Expr) -> Translated<String> {
        let source = column(declared);
        let columns = [ScopeColumn { target: "c", ty, source: &source, class, mixed, crossing: None, stamp: None }];
        condition(e, &Scope::of_columns(&columns, false))
    }

    #[test]
    fn nesting_costs_no_more_than_its_length() {
        let mut between = Expr::Column(0);
        let mut case = Expr::Column(0);
        let mut open = Expr::Column(0);
        for _ in 0..200 {
            between = Expr::Between(Box::new(between), Box::new(Expr::Null), Box::new(Expr::Null), false);
            let arms = vec![(Expr::Null, Expr::Integer(1)), (Expr::Null, Expr::Integer(2))];
            case = Expr::Case(Some(Box::new(case)), arms, None);
            open = Expr::Between(Box::new(open), Box::new(Expr::Integer(0)), Box::new(Expr::Integer(1)), false);
        }
        assert!(with("INTEGER", PgType::BigInt, None, false, &between).is_ok());
        assert!(with("INTEGER", PgType::BigInt, None, false, &case).is_ok());
        assert!(with("INTEGER", PgType::BigInt, None, false, &open).is_err(), "its text doubles with each level");
    }

    #[test]
    fn nesting_of_any_kind_needs_no_endless_stack() {
        let c = || Box::new(Expr::Column(0));
        let wraps: [&dyn Fn(Expr) -> Expr; 8] = [
            &|x| Expr::Call("coalesce".into(), vec![x, Expr::Integer(1)]),
            &|x| Expr::Call("round".into(), vec![x]),
            &|x| Expr::Call("iif".into(), vec![x, Expr::Integer(1), Expr::Integer(0)]),
            &|x| Expr::Binary(Binary::Add, Box::new(x), Box::new(Expr::Integer(0))),
            &|x| Expr::Binary(Binary::And, c(), Box::new(x)),
            &|x| Expr::In(Box::new(x), vec![Expr::Integer(1)], true),
            &|x| Expr::Cast(Box::new(x), "TEXT".into()),
            &|x| Expr::Collate(Box::new(Expr::Unary(Unary::Plus, Box::new(x))), "NOCASE".into()),
        ];
        for wrap in wraps {
            let deep = (0..200).fold(Expr::Column(0), |x, _| wrap(x));
            // Whether it is translated or refused, it comes back.
            let _ = with("INTEGER", PgType::BigInt, None, false, &deep);
        }
    }

    #[test]
    fn blobs_among_texts_leave_only_null_to_be_tested() {
        let c = || Box::new(Expr::Column(0));
        let call = |name: &str| Expr::Call(name.into(), vec![Expr::Column(0)]);
        let is = |a: Expr, b: Expr| Expr::Binary(Binary::Eq, Box::new(a), Box::new(b));
        let tests = [
            is(call("length"), Expr::Integer(2)),
            is(call("typeof"), Expr::Text("text".into())),
            is(Expr::Column(0), Expr::Text("\\x6162".into())),
            Expr::Binary(Binary::Gt, c(), Box::new(Expr::Text("a".into()))),
        ];
        for test in &tests {
            assert!(with("TEXT", PgType::Text, None, true, test).is_err(), "{test:?}");
            assert!(with("", PgType::Bytea, None, true, test).is_err(), "{test:?}");
            // An empty table proves nothing, and nothing speaks against it.
            assert!(with("TEXT", PgType::Text, None, false, test).is_ok(), "{test:?}");
        }
        assert!(with("TEXT", PgType::Text, Some(Class::Blob), false, &tests[0]).is_err());
        assert!(with("TEXT", PgType::Text, None, true, &Expr::IsNull(c(), true)).is_ok());
    }
}
