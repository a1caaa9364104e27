//! DEFAULT: a constant becomes what SQLite would store, then a literal of the column's type; the current time becomes
//! PostgreSQL's. Owns that way; never accepts an expression whose value it cannot compute.

use super::number::{self, Number};
use super::relations::Field;
use super::store::store;
use super::typed::{Kind, Literal};
use super::{Purpose, Scope, ScopeColumn, Translated, Translator, form, refuse};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::mapping::forms::{self, Form};
use crate::mapping::json::jsonb_safe;
use crate::mapping::shape::Crossing;
use crate::schema::{Affinity, Column};
use crate::sql::ast::{Binary, Expr, Now, Unary};
use crate::sql::helpers::Used;

/// A constant as SQLite holds it.
#[derive(Clone, Debug, PartialEq)]
enum Constant {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// The DEFAULT of a column in PostgreSQL: `None` for DEFAULT NULL, which says nothing. A constant is first given the
/// column's affinity, as on insert, and must then be a value that the type holds. The current time is taken as UTC, to
/// the second, at the start of the statement, as SQLite does.
pub fn default_value(e: &Expr, column: &Column, crossing: &Crossing) -> Translated<Option<String>> {
    if let Some(now) = now_format(e) {
        return now_value(&now, column.affinity, crossing).map(Some);
    }
    let value = stored(constant(e, 0)?, column.affinity)?;
    if value == Constant::Null { Ok(None) } else { of_crossing(&value, crossing).map(Some) }
}

/// The same, of any expression without columns: what is neither a constant nor the current time is translated as in a
/// query and stored as the column stores it. `helpers` notes the functions that it calls, and whether it depends on the
/// session's time zone ([`Used::zoned`]).
///
/// # Errors
/// Why it has no counterpart.
pub fn default_with(e: &Expr, column: &Column, crossing: &Crossing, helpers: &Used) -> Translated<Option<String>> {
    let reason = match default_value(e, column, crossing) {
        Ok(value) => return Ok(value),
        Err(reason) => reason,
    };
    let scope = Scope {
        columns: &[],
        collate_c: false,
        helpers: Some(helpers),
        purpose: Purpose::Query,
        relations: None,
        lasting: true,
    };
    let known = ScopeColumn {
        target: &column.name,
        ty: crossing.ty,
        source: column,
        class: None,
        mixed: false,
        crossing: Some(crossing),
        stamp: None,
    };
    let field = Field::of_column(&known, crossing, false);
    let value = match Translator::new(&scope).typed(e) {
        Ok(value) => value,
        // A constant that is no value of the column is told as such.
        Err(_) if constant(e, 0).is_ok() => return Err(reason),
        Err(other) => return Err(other),
    };
    if value.kind == Kind::Null {
        return Ok(None);
    }
    if crossing.normal == Normal::JulianDay && value.kind == Kind::Double && is_julian_now(e) {
        return Ok(Some(NOW.into()));
    }
    store(value, &field, helpers).map(Some)
}

/// `julianday('now')`.
fn is_julian_now(e: &Expr) -> bool {
    let Expr::Call(name, args) = e else { return false };
    name == "julianday"
        && args.iter().all(|a| matches!(a, Expr::Text(t) if t.eq_ignore_ascii_case("now")))
        && args.len() < 2
}

/// A literal as it is stored into a column: with the affinity applied, as its mapping carries it.
pub(super) fn stored_literal(value: &Literal, affinity: Affinity, crossing: &Crossing) -> Translated<String> {
    let value = match value {
        Literal::Integer(n) => Constant::Integer(*n),
        Literal::Real(r) => Constant::Real(*r),
        Literal::Text(t) => Constant::Text(t.clone()),
    };
    of_crossing(&stored(value, affinity)?, crossing)
}

/// The literal of a value as it would cross.
fn of_crossing(value: &Constant, crossing: &Crossing) -> Translated<String> {
    let ty = crossing.ty;
    let misfit = || refuse(format!("{} is no {}", shown(value), ty.sql()));
    let Constant::Text(t) = value else {
        return match (crossing.normal, value) {
            (Normal::EpochSeconds, Constant::Integer(n)) => Ok(format!("to_timestamp({n})")),
            (normal, _) if counts_time(normal) => misfit(),
            _ => literal(value, ty),
        };
    };
    let is = |form: Form| forms::of(form.group(), t.as_bytes()) & (1 << form as u32) != 0;
    let typed = |is: bool| if is { Ok(format!("{}::{}", ident::literal(t), ty.sql())) } else { misfit() };
    let chars = t.chars().count();
    match (ty, crossing.normal) {
        (_, normal) if counts_time(normal) || normal == Normal::JsonScalar => misfit(),
        (PgType::Boolean, Normal::BooleanWords(place)) => match Normal::WORDS.get(usize::from(place)) {
            Some((yes, _)) if t == yes => Ok("true".into()),
            Some((_, no)) if t == no => Ok("false".into()),
            _ => misfit(),
        },
        (PgType::TimestampTz, Normal::ZonedClock) => match &crossing.zone {
            Some(zone) if form::is_timestamp(t, true) => {
                Ok(format!("'{t}'::timestamp AT TIME ZONE {}", ident::literal(zone.name())))
            }
            _ => misfit(),
        },
        (PgType::Uuid, Normal::UuidHex) => typed(is(Form::UuidHexLower)),
        (PgType::VarChar(n), _) if chars <= n as usize => literal(value, PgType::Text),
        (PgType::Char(n), _) if chars == n as usize && !t.ends_with(' ') => literal(value, PgType::Text),
        (PgType::Enum, _) if crossing.labels.contains(t) => literal(value, PgType::Text),
        (PgType::Json, _) => typed(is(Form::JsonValid)),
        (PgType::Time, _) => typed(is(Form::Clock)),
        (PgType::Interval, _) => typed(is(Form::Interval)),
        (PgType::Inet, _) => typed(is(Form::Ipv4) || is(Form::Ipv6) || is(Form::Cidr)),
        (PgType::Cidr, _) => typed(is(Form::Cidr)),
        (PgType::MacAddr, _) => typed(is(Form::Mac)),
        _ => literal(value, ty),
    }
}

/// Whether values are numbers that count time.
fn counts_time(normal: Normal) -> bool {
    matches!(
        normal,
        Normal::EpochSeconds | Normal::EpochMillis | Normal::EpochMicros | Normal::EpochNanos | Normal::JulianDay
    )
}

fn constant(e: &Expr, depth: usize) -> Translated<Constant> {
    if depth > super::DEEPEST {
        return refuse("it is nested too deeply");
    }
    Ok(match e {
        Expr::Null => Constant::Null,
        Expr::Integer(n) => Constant::Integer(*n),
        Expr::Real(r) => Constant::Real(*r),
        Expr::Text(t) => Constant::Text(t.clone()),
        Expr::Blob(b) => Constant::Blob(b.clone()),
        Expr::Unary(Unary::Plus, x) => constant(x, depth + 1)?,
        Expr::Unary(Unary::Minus, x) => match constant(x, depth + 1)? {
            Constant::Integer(n) if n != i64::MIN => Constant::Integer(-n),
            Constant::Real(r) => Constant::Real(-r),
            Constant::Null => Constant::Null,
            _ => return refuse("the sign stands before what is no number"),
        },
        Expr::Binary(op @ (Binary::Add | Binary::Sub | Binary::Mul), a, b) => {
            let (a, b) = (constant(a, depth + 1)?, constant(b, depth + 1)?);
            let (Constant::Integer(a), Constant::Integer(b)) = (a, b) else {
                return refuse("it computes with what are no integers");
            };
            let result = match op {
                Binary::Add => a.checked_add(b),
                Binary::Sub => a.checked_sub(b),
                _ => a.checked_mul(b),
            };
            match result {
                Some(n) => Constant::Integer(n),
                None => return refuse("it leaves 64 bits"),
            }
        }
        Expr::Binary(Binary::Concat, a, b) => match (constant(a, depth + 1)?, constant(b, depth + 1)?) {
            (Constant::Text(a), Constant::Text(b)) => Constant::Text(a + &b),
            _ => return refuse("|| stands between what is no text"),
        },
        Expr::Collate(x, _) => constant(x, depth + 1)?,
        Expr::Call(name, _) => return refuse(format!("the function {name} has no sure counterpart as a default")),
        _ => return refuse("it is no constant and not the current time"),
    })
}

/// What a column of this affinity stores. Source: <https://sqlite.org/datatype3.html#type_affinity>.
fn stored(value: Constant, affinity: Affinity) -> Translated<Constant> {
    let numeric = |n: Number| match n {
        Number::Integer(n) => Constant::Integer(n),
        Number::Real(r) => number::whole(r).map_or(Constant::Real(r), Constant::Integer),
    };
    Ok(match (affinity, value) {
        (Affinity::Integer | Affinity::Numeric, Constant::Text(t)) => {
            number::of_text(&t).map_or(Constant::Text(t), numeric)
        }
        (Affinity::Integer | Affinity::Numeric, Constant::Real(r)) => numeric(Number::Real(r)),
        (Affinity::Real, Constant::Text(t)) => match number::of_text(&t) {
            Some(Number::Integer(n)) => Constant::Real(n as f64),
            Some(Number::Real(r)) => Constant::Real(r),
            None => Constant::Text(t),
        },
        (Affinity::Real, Constant::Integer(n)) => Constant::Real(n as f64),
        (Affinity::Text, Constant::Integer(n)) => Constant::Text(n.to_string()),
        (Affinity::Text, Constant::Real(r)) => Constant::Text(real_text(r)?),
        (_, value) => value,
    })
}

fn real_text(r: f64) -> Translated<String> {
    match number::real_text(r) {
        Some(text) => Ok(text),
        None => refuse(format!("how SQLite writes {r:e} as text is not sure")),
    }
}

fn literal(value: &Constant, ty: PgType) -> Translated<String> {
    let misfit = || refuse(format!("{} is no {}", shown(value), ty.sql()));
    Ok(match (ty, value) {
        (PgType::SmallInt, Constant::Integer(n)) if i16::try_from(*n).is_ok() => n.to_string(),
        (PgType::Integer, Constant::Integer(n)) if i32::try_from(*n).is_ok() => n.to_string(),
        (PgType::BigInt, Constant::Integer(n)) => {
            if *n == i64::MIN {
                format!("'{n}'::bigint")
            } else {
                n.to_string()
            }
        }
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, Constant::Real(r)) => match number::whole(*r) {
            Some(n) => return literal(&Constant::Integer(n), ty),
            None => return misfit(),
        },
        (PgType::Numeric(limits), Constant::Integer(n)) if fits(&n.to_string(), limits) => n.to_string(),
        (PgType::Numeric(limits), Constant::Real(r)) if r.is_finite() && fits(&r.to_string(), limits) => r.to_string(),
        (PgType::Double, Constant::Integer(n)) if i128::from(*n).abs() <= number::EXACT => {
            format!("'{n}'::double precision")
        }
        (PgType::Double, Constant::Real(r)) if r.is_finite() => format!("'{r}'::double precision"),
        (PgType::Double, Constant::Real(r)) => {
            format!("'{}'::double precision", if *r > 0.0 { "Infinity" } else { "-Infinity" })
        }
        (PgType::Boolean, Constant::Integer(0)) => "false".into(),
        (PgType::Boolean, Constant::Integer(1)) => "true".into(),
        (PgType::Boolean, Constant::Text(t)) if matches!(t.to_ascii_lowercase().as_str(), "f" | "false") => {
            "false".into()
        }
        (PgType::Boolean, Constant::Text(t)) if matches!(t.to_ascii_lowercase().as_str(), "t" | "true") => {
            "true".into()
        }
        (PgType::Text, Constant::Text(t)) if !t.contains('\0') => ident::literal(t),
        // A text column that holds numbers too holds them as SQLite writes them.
        (PgType::Text, Constant::Integer(n)) => format!("'{n}'"),
        (PgType::Text, Constant::Real(r)) => format!("'{}'", real_text(*r)?),
        (PgType::Bytea, Constant::Blob(b)) => format!("'\\x{}'::bytea", number::hex(b)),
        (PgType::Date, Constant::Text(t)) if form::is_date(t) => format!("'{t}'::date"),
        (PgType::Timestamp, Constant::Text(t)) if form::is_timestamp(t, true) => format!("'{t}'::timestamp"),
        (PgType::TimestampTz, Constant::Text(t)) if zulu(t) => format!("'{t}'::timestamptz"),
        (PgType::Uuid, Constant::Text(t)) if form::is_uuid(t) => format!("'{t}'::uuid"),
        (PgType::Jsonb, Constant::Text(t)) if jsonb_safe(t.as_bytes()) => format!("{}::jsonb", ident::literal(t)),
        _ => return misfit(),
    })
}

/// A timestamp that says that it is UTC.
fn zulu(t: &str) -> bool {
    let plain = t.strip_suffix("+00:00").or_else(|| t.strip_suffix('Z')).map(|p| p.replacen('T', " ", 1));
    plain.is_some_and(|p| form::is_timestamp(&p, true))
}

/// Whether digits fit numeric(precision, scale) without rounding.
fn fits(digits: &str, limits: Option<(u16, u16)>) -> bool {
    let Some((precision, scale)) = limits else { return true };
    let digits = digits.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0').len();
    fraction.len() <= usize::from(scale) && whole <= usize::from(precision.saturating_sub(scale))
}

fn shown(value: &Constant) -> String {
    match value {
        Constant::Null => "NULL".into(),
        Constant::Integer(n) => n.to_string(),
        Constant::Real(r) => format!("{r:?}"),
        Constant::Text(t) => ident::literal(&t.chars().take(60).collect::<String>()),
        Constant::Blob(_) => "a blob".into(),
    }
}

/// The current time in a form of strftime; `%s` for the seconds since 1970.
fn now_format(e: &Expr) -> Option<String> {
    let is_now = |e: &Expr| matches!(e, Expr::Text(t) if t.eq_ignore_ascii_case("now"));
    Some(match e {
        Expr::Now(Now::Timestamp) => "%Y-%m-%d %H:%M:%S".into(),
        Expr::Now(Now::Date) => "%Y-%m-%d".into(),
        Expr::Now(Now::Time) => "%H:%M:%S".into(),
        Expr::Now(Now::EpochText) => "%s".into(),
        Expr::Now(Now::Epoch) => "epoch".into(),
        Expr::Call(name, args) if name == "strftime" => match args.as_slice() {
            [Expr::Text(format)] => format.clone(),
            [Expr::Text(format), now] if is_now(now) => format.clone(),
            _ => return None,
        },
        Expr::Collate(x, _) => return now_format(x),
        _ => return None,
    })
}

const NOW: &str = "statement_timestamp()";
const UTC: &str = "statement_timestamp() AT TIME ZONE 'UTC'";
const EPOCH: &str = "floor(extract(epoch FROM statement_timestamp()))";

fn now_value(format: &str, affinity: Affinity, crossing: &Crossing) -> Translated<String> {
    let ty = crossing.ty;
    let numeric = number::is_numeric(Some(affinity));
    let epoch = format == "epoch" || (format == "%s" && numeric);
    let misfit = || refuse(format!("the current time as {format} is no {}", ty.sql()));
    if epoch || format == "%s" {
        return match ty {
            PgType::TimestampTz if epoch && crossing.normal == Normal::EpochSeconds => {
                Ok(format!("date_trunc('second', {NOW})"))
            }
            PgType::BigInt | PgType::Integer if epoch && affinity != Affinity::Text => {
                Ok(format!("{EPOCH}::{}", ty.sql()))
            }
            PgType::Numeric(None) if epoch && affinity != Affinity::Text => Ok(format!("{EPOCH}::numeric")),
            PgType::Double if epoch && affinity != Affinity::Text => Ok(format!("{EPOCH}::double precision")),
            PgType::Text if affinity != Affinity::Real => Ok(format!("{EPOCH}::bigint::text")),
            _ => misfit(),
        };
    }
    if counts_time(crossing.normal) {
        return misfit();
    }
    match (ty, format.replacen('T', " ", 1).trim_end_matches('Z')) {
        (PgType::Timestamp, "%Y-%m-%d %H:%M:%S") => Ok(format!("date_trunc('second', {UTC})")),
        (PgType::Timestamp, "%Y-%m-%d %H:%M:%f") => Ok(format!("date_trunc('milliseconds', {UTC})")),
        (PgType::TimestampTz, "%Y-%m-%d %H:%M:%S") => Ok(format!("date_trunc('second', {NOW})")),
        (PgType::TimestampTz, "%Y-%m-%d %H:%M:%f") => Ok(format!("date_trunc('milliseconds', {NOW})")),
        (PgType::Time, "%H:%M:%S") => Ok(format!("date_trunc('second', {UTC})::time")),
        (PgType::Date, "%Y-%m-%d") => Ok(format!("({UTC})::date")),
        (PgType::Text, _) => {
            // Digits alone would be stored as a number where the column has numeric affinity.
            if numeric && !format.contains(['-', ':']) {
                return misfit();
            }
            Ok(format!("to_char({UTC}, {})", template(format)?))
        }
        _ => misfit(),
    }
}

/// strftime's form as one of to_char's, as a literal. Sources: <https://sqlite.org/lang_datefunc.html>,
/// <https://www.postgresql.org/docs/current/functions-formatting.html>.
fn template(format: &str) -> Translated<String> {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => out.push_str(match chars.next() {
                Some('Y') => "YYYY",
                Some('m') => "MM",
                Some('d') => "DD",
                Some('H') => "HH24",
                Some('M') => "MI",
                Some('S') => "SS",
                Some('f') => "SS.MS",
                Some('F') => "YYYY-MM-DD",
                Some('T') => "HH24:MI:SS",
                Some('R') => "HH24:MI",
                Some('j') => "DDD",
                other => return refuse(format!("strftime's %{} is not translated", other.unwrap_or(' '))),
            }),
            '-' | ':' | ' ' | '/' | '.' | ',' => out.push(c),
            c if c.is_ascii_alphabetic() => {
                out.push('"');
                out.push(c);
                out.push('"');
            }
            c => return refuse(format!("{c:?} in the form of strftime is not translated")),
        }
    }
    Ok(ident::literal(&out))
}
