//! Functions that mean the same on both sides, under the conditions that make them so.
//! Owns that list; never translates an aggregate or a function of the application.

use super::arithmetic::no_collate;
use super::typed::{self, Collation, Kind, Literal, Typed};
use super::{Translated, Translator, compare, refuse};
use crate::mapping::PgType;
use crate::sql::ast::{Binary, Expr};

impl Translator<'_> {
    /// A call. Source: <https://sqlite.org/lang_corefunc.html>.
    pub(super) fn call(&self, name: &str, args: &[Expr]) -> Translated<Typed> {
        if let Some(made) = self.date_call(name, args)? {
            return Ok(made);
        }
        if let Some(made) = self.json_call(name, args)? {
            return Ok(made);
        }
        if let Some(made) = self.printf_call(name, args)? {
            return Ok(made);
        }
        if let ("iif" | "if", [when, then, other]) = (name, args) {
            return self.case(None, &[(when.clone(), then.clone())], Some(other));
        }
        let args = args.iter().map(|a| self.typed(a)).collect::<Translated<Vec<Typed>>>()?;
        for arg in &args {
            no_collate(arg)?;
        }
        match (name, args.as_slice()) {
            // Under "C" PostgreSQL's lower() and upper() know ASCII letters only, as SQLite's do.
            ("lower" | "upper", [x]) => text(format!("{name}({} COLLATE \"C\")", sure_text(x)?)),
            ("length", [x]) => length(x),
            ("octet_length", [x]) if x.kind == Kind::Blob => integer(format!("octet_length({})", x.sql)),
            ("trim", [x]) => text(format!("btrim({}, ' ')", sure_text(x)?)),
            ("ltrim" | "rtrim", [x]) => text(format!("{name}({}, ' ')", sure_text(x)?)),
            ("trim", [x, set]) => text(format!("btrim({}, {})", sure_text(x)?, literal_text(set)?)),
            ("ltrim" | "rtrim", [x, set]) => text(format!("{name}({}, {})", sure_text(x)?, literal_text(set)?)),
            ("replace", [x, from, to]) => {
                text(format!("replace({}, {}, {})", sure_text(x)?, literal_text(from)?, literal_text(to)?))
            }
            ("instr", [x, part]) => integer(format!("strpos({}, {})", sure_text(x)?, sure_text(part)?)),
            ("substr" | "substring", [x, start]) => substr(x, start, None),
            ("substr" | "substring", [x, start, count]) => substr(x, start, Some(count)),
            ("abs", [x]) => abs(x),
            ("coalesce" | "ifnull", [_, _, ..]) if name == "coalesce" || args.len() == 2 => {
                let (kind, texts) = typed::common(args)?;
                Ok(Typed::new(kind, format!("COALESCE({})", texts.join(", "))))
            }
            ("nullif", [a, b]) => nullif(a, b),
            ("typeof", [x]) => type_of(x),
            ("json_valid", [x]) if x.kind == Kind::Other(PgType::Jsonb) => {
                Ok(Typed::condition(format!("({} IS NOT NULL OR NULL)", x.sql)))
            }
            _ => refuse(format!("the function {name} with these arguments has no sure counterpart")),
        }
    }
}

fn text(sql: String) -> Translated<Typed> {
    Ok(Typed::new(Kind::Text, sql))
}

fn integer(sql: String) -> Translated<Typed> {
    Ok(Typed::new(Kind::Int { low: 0, high: i32::MAX.into() }, sql))
}

fn sure_text(x: &Typed) -> Translated<&str> {
    if x.kind == Kind::Text && !x.loose {
        return Ok(&x.sql);
    }
    refuse(format!("{} is not surely text", x.what()))
}

fn literal_text(x: &Typed) -> Translated<&str> {
    match x.literal {
        Some(Literal::Text(_)) => Ok(&x.sql),
        _ => refuse(format!("{} is not a string", x.what())),
    }
}

fn literal_integer(x: &Typed) -> Option<i32> {
    match x.literal {
        Some(Literal::Integer(n)) => i32::try_from(n).ok(),
        _ => None,
    }
}

/// Characters of text, bytes of a blob.
fn length(x: &Typed) -> Translated<Typed> {
    if x.kind == Kind::Blob {
        return integer(format!("octet_length({})", x.sql));
    }
    integer(format!("char_length({})", sure_text(x)?))
}

/// SQLite counts from the end for a negative start and has quirks at zero; only the plain cases are the same.
fn substr(x: &Typed, start: &Typed, count: Option<&Typed>) -> Translated<Typed> {
    let x = sure_text(x)?;
    match (literal_integer(start), count.map(literal_integer)) {
        (Some(start @ 1..), None) => text(format!("substr({x}, {start})")),
        (Some(start @ 1..), Some(Some(count @ 0..))) => text(format!("substr({x}, {start}, {count})")),
        (Some(start @ ..=-1), None) if start > i32::MIN => text(format!("right({x}, {})", -start)),
        _ => refuse("substr with these positions counts otherwise in PostgreSQL"),
    }
}

/// Both sides refuse the smallest integer.
fn abs(x: &Typed) -> Translated<Typed> {
    let x = x.as_number();
    match x.kind {
        Kind::Int { low, high } => {
            let kind = Kind::Int { low: 0, high: low.abs().max(high.abs()).min(i64::MAX.into()) };
            Ok(Typed::new(kind, format!("abs(({})::bigint)", x.sql)))
        }
        Kind::Double | Kind::Number => Ok(Typed::new(x.kind, format!("abs({})", x.sql))),
        _ => refuse(format!("{} in abs() is no plain number", x.what())),
    }
}

/// It compares by storage class and collation, without affinity.
fn nullif(a: &Typed, b: &Typed) -> Translated<Typed> {
    let binary =
        |x: &Typed| matches!(&x.collation, Collation::None) || x.collation == Collation::Column("BINARY".into());
    let same = matches!(
        (a.kind, b.kind),
        (Kind::Text, Kind::Text) | (Kind::Int { .. }, Kind::Int { .. }) | (Kind::Bool, Kind::Bool)
    );
    if !same || a.loose || b.loose || !binary(a) || !binary(b) {
        return refuse(format!("nullif({}, {}) compares otherwise in PostgreSQL", a.what(), b.what()));
    }
    let pair = compare::pair(Binary::Eq, &a.clone().bare(), &b.clone().bare(), false)?;
    Ok(Typed::new(a.kind, format!("NULLIF({}, {})", pair.left, pair.right)))
}

/// The class of a column's values is proven or it is not; then only NULL is left to tell apart.
fn type_of(x: &Typed) -> Translated<Typed> {
    match x.class {
        Some(class) if x.column => {
            text(format!("(CASE WHEN {} IS NULL THEN 'null' ELSE '{}' END)", x.sql, class.word()))
        }
        _ => refuse(format!("typeof({}) depends on values that have one type in PostgreSQL", x.what())),
    }
}
