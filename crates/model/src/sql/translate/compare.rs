//! Comparisons: SQLite's rules of affinity, storage class and collation, said in PostgreSQL.
//! Owns which pairs of operands compare alike on both sides; never prints anything else.

use super::typed::{Collation, Kind, Literal, Typed};
use super::{Translated, collated, form, number, refuse};
use crate::mapping::PgType;
use crate::schema::Affinity;
use crate::sql::ast::Binary;

/// The operands of a comparison as PostgreSQL must write them.
pub(super) struct Pair {
    pub left: String,
    pub right: String,
}

/// The operator in PostgreSQL.
pub(super) fn word(op: Binary) -> &'static str {
    match op {
        Binary::Ne => "<>",
        Binary::Lt => "<",
        Binary::Le => "<=",
        Binary::Gt => ">",
        Binary::Ge => ">=",
        Binary::Is => "IS NOT DISTINCT FROM",
        Binary::IsNot => "IS DISTINCT FROM",
        _ => "=",
    }
}

/// A comparison with a literal NULL.
pub(super) fn with_null(op: Binary, a: &Typed, b: &Typed) -> Option<String> {
    let other = match (a.kind == Kind::Null, b.kind == Kind::Null) {
        (false, false) => return None,
        (true, _) => b,
        (_, true) => a,
    };
    Some(match op {
        Binary::Is => format!("({} IS NULL)", other.sql),
        Binary::IsNot => format!("({} IS NOT NULL)", other.sql),
        _ => "NULL::boolean".into(),
    })
}

/// Two operands that compare as in SQLite under `op`; neither is a literal NULL.
/// Source: <https://sqlite.org/datatype3.html#comparison_expressions>.
pub(super) fn pair(op: Binary, a: &Typed, b: &Typed, collate_c: bool) -> Translated<Pair> {
    let equality = matches!(op, Binary::Eq | Binary::Ne | Binary::Is | Binary::IsNot);
    match (a.kind, b.kind) {
        _ if a.is_number() && b.is_number() => numbers(a, b, equality),
        (Kind::Text, Kind::Text) => text(a, b, equality, collate_c),
        (Kind::Blob, Kind::Blob) => plain(a, b),
        (Kind::Text, _) if as_number_beside(b, a).is_some() => {
            pair(op, &as_number_beside(b, a).unwrap_or_else(|| a.clone()), b, collate_c)
        }
        (_, Kind::Text) if as_number_beside(a, b).is_some() => {
            pair(op, a, &as_number_beside(a, b).unwrap_or_else(|| b.clone()), collate_c)
        }
        (Kind::Text, _) if b.is_number() => {
            Ok(Pair { left: as_is(a, collate_c && !equality), right: number_as_text(a, b)? })
        }
        (_, Kind::Text) if a.is_number() => {
            let left = number_as_text(b, a)?;
            Ok(Pair { left, right: as_is(b, collate_c && !equality) })
        }
        (Kind::Other(_), _) | (_, Kind::Other(_)) => typed(a, b),
        _ => mixed(a, b),
    }
}

fn plain(a: &Typed, b: &Typed) -> Translated<Pair> {
    Ok(Pair { left: a.sql.clone(), right: b.sql.clone() })
}

fn mixed<T>(a: &Typed, b: &Typed) -> Translated<T> {
    refuse(format!("{} and {} are of different storage classes", a.what(), b.what()))
}

/// Numbers compare by value, exactly, whatever their class. PostgreSQL would round an integer to compare it with a
/// double, so what meets a double must be one already.
fn numbers(a: &Typed, b: &Typed, equality: bool) -> Translated<Pair> {
    if a.kind == Kind::Bool || b.kind == Kind::Bool {
        if let (Some(left), Some(right), true) = (as_boolean(a), as_boolean(b), equality) {
            return Ok(Pair { left, right });
        }
        return numbers(&a.as_number(), &b.as_number(), equality);
    }
    if let (Kind::Int { .. }, Kind::Int { .. }) = (a.kind, b.kind) {
        return plain(a, b);
    }
    let double = |x: &Typed| x.kind == Kind::Double && x.literal.is_none();
    if double(a) || double(b) {
        return match (as_double(a), as_double(b)) {
            (Some(left), Some(right)) => Ok(Pair { left, right }),
            _ => refuse(format!("{} and {} can not be compared without rounding", a.sql, b.sql)),
        };
    }
    match (as_numeric(a, b), as_numeric(b, a)) {
        (Some(left), Some(right)) => Ok(Pair { left, right }),
        _ => refuse(format!("{} and {} can not be compared without rounding", a.sql, b.sql)),
    }
}

fn as_boolean(x: &Typed) -> Option<String> {
    match (&x.kind, &x.literal) {
        (Kind::Bool, _) => Some(x.sql.clone()),
        (_, Some(Literal::Integer(0))) => Some("FALSE".into()),
        (_, Some(Literal::Integer(1))) => Some("TRUE".into()),
        _ => None,
    }
}

fn as_double(x: &Typed) -> Option<String> {
    match (&x.kind, &x.literal) {
        (Kind::Double, _) => Some(x.sql.clone()),
        (Kind::Int { low, high }, literal) if *low >= -number::EXACT && *high <= number::EXACT => Some(match literal {
            Some(Literal::Integer(n)) => format!("'{n}'::double precision"),
            _ => format!("({})::double precision", x.sql),
        }),
        _ => None,
    }
}

/// `x` as numeric, beside `other`. A column of type numeric holds the shortest digits of SQLite's number, in which
/// integers beyond 2^53 may not be told apart; a sum that left 64 bits is only surely above or below what did not.
fn as_numeric(x: &Typed, other: &Typed) -> Option<String> {
    match (&x.kind, &x.literal) {
        (Kind::Int { low, high }, literal) => {
            let exact = *low >= -number::EXACT && *high <= number::EXACT;
            if other.kind == Kind::Number && !exact {
                return None;
            }
            Some(if literal.is_some() { x.sql.clone() } else { format!("({})::numeric", x.sql) })
        }
        (Kind::Double, Some(Literal::Real(r))) => {
            let sure = match other.kind {
                Kind::Int { .. } => true,
                Kind::Number => r.abs() < number::EXACT as f64,
                Kind::Wide => r.abs() < i64::MAX as f64,
                _ => false,
            };
            sure.then(|| number::numeric_literal(*r))
        }
        (Kind::Number, _) => Some(x.sql.clone()),
        // What lies just below -2^63 is rounded to it, so the other must not reach that far down.
        (Kind::Wide, _) => match (other.kind, &other.literal) {
            (Kind::Int { low, .. }, _) if low > i64::MIN.into() => Some(x.sql.clone()),
            (_, Some(Literal::Real(_))) => Some(x.sql.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Text with text: the collation of the left column rules, then the right one's; an explicit one before both.
/// Source: <https://sqlite.org/datatype3.html#collating_sequence_example>.
fn text(a: &Typed, b: &Typed, equality: bool, collate_c: bool) -> Translated<Pair> {
    numeric_affinity_keeps_text(a, b, equality)?;
    numeric_affinity_keeps_text(b, a, equality)?;
    let collation = match (&a.collation, &b.collation) {
        (Collation::Explicit(c), _) | (_, Collation::Explicit(c)) => c,
        (Collation::Column(c), _) | (_, Collation::Column(c)) => c,
        _ => "BINARY",
    };
    if collation == "BINARY" {
        return Ok(Pair { left: as_is(a, collate_c && !equality), right: b.sql.clone() });
    }
    let folded = |x: &Typed| collated(&x.sql, Some(collation));
    let (left, right) = (folded(a)?, folded(b)?);
    let left = if collate_c && !equality { format!("({left}) COLLATE \"C\"") } else { left };
    Ok(Pair { left, right })
}

fn as_is(x: &Typed, ordered_by_bytes: bool) -> String {
    if ordered_by_bytes { format!("({}) COLLATE \"C\"", x.sql) } else { x.sql.clone() }
}

/// Whether `b` stays text beside `a`: where `a` has numeric affinity, or may hold numbers, `b` must not look like one.
fn numeric_affinity_keeps_text(a: &Typed, b: &Typed, equality: bool) -> Translated<()> {
    let numeric = number::is_numeric(a.affinity);
    // Such columns keep no text that looks like a number and no real that is an integer: equal texts are equal values.
    let whole = |x: &Typed| x.column && matches!(x.affinity, Some(Affinity::Integer | Affinity::Numeric));
    if equality && whole(a) && whole(b) {
        return Ok(());
    }
    if !a.loose && (!numeric || b.column && b.affinity == a.affinity && !b.loose) {
        return Ok(());
    }
    if let Some(Literal::Text(t)) = &b.literal
        && number::of_text(t).is_none()
        && (equality || !a.loose)
    {
        return Ok(());
    }
    refuse(format!("{} may hold numbers in SQLite, which compare otherwise with {}", a.sql, b.sql))
}

/// A string that looks like a number, beside a column of numeric affinity: SQLite makes the number of it.
fn as_number_beside(column: &Typed, text: &Typed) -> Option<Typed> {
    if !column.is_number() || !number::is_numeric(column.affinity) || text.affinity.is_some() {
        return None;
    }
    let Some(Literal::Text(t)) = &text.literal else { return None };
    match number::of_text(t)? {
        number::Number::Integer(n) => Some(Typed::integer(n)),
        number::Number::Real(r) => Typed::real(r).ok(),
    }
}

/// A number beside text: SQLite makes text of it if the text is a column of TEXT affinity, else numbers stand below
/// all text.
fn number_as_text(text: &Typed, number: &Typed) -> Translated<String> {
    let binary = match &text.collation {
        Collation::None => true,
        Collation::Column(c) | Collation::Explicit(c) => c == "BINARY",
    };
    match number.literal {
        Some(Literal::Integer(n)) if text.affinity == Some(Affinity::Text) && number.affinity.is_none() && binary => {
            Ok(format!("'{n}'::text"))
        }
        _ => mixed(text, number),
    }
}

/// Dates, timestamps and UUIDs with their like, or with a literal in the one form that sorts and compares as they do.
fn typed(a: &Typed, b: &Typed) -> Translated<Pair> {
    let (ty, literal_first) = match (a.kind, b.kind) {
        (Kind::Other(x), Kind::Other(y))
            if x == y && a.class == b.class && a.class.is_some() && x != PgType::TimestampTz =>
        {
            return plain(a, b);
        }
        (Kind::Other(ty), Kind::Text) => (ty, false),
        (Kind::Text, Kind::Other(ty)) => (ty, true),
        _ => return mixed(a, b),
    };
    let (column, literal) = if literal_first { (b, a) } else { (a, b) };
    let Some(Literal::Text(t)) = &literal.literal else { return mixed(a, b) };
    // The texts of the column have another form than the literal's.
    if ty == PgType::Timestamp && column.crossing.is_some() && column.stamp.is_none_or(|s| !s.is_plain()) {
        return mixed(a, b);
    }
    let may_be_text = matches!(column.class, None | Some(crate::value::Class::Text))
        && matches!(column.affinity, Some(Affinity::Text | Affinity::Numeric | Affinity::Blob));
    let canonical = match ty {
        PgType::Date => form::is_date(t),
        PgType::Timestamp => form::is_timestamp(t, false),
        PgType::Uuid => form::is_uuid(t) && column.affinity != Some(Affinity::Blob),
        _ => false,
    };
    if !may_be_text || !canonical {
        return refuse(format!("'{t}' is not in the one form that compares as {} does", column.what()));
    }
    let written = format!("'{t}'::{}", ty.sql());
    let column = column.sql.clone();
    Ok(if literal_first { Pair { left: written, right: column } } else { Pair { left: column, right: written } })
}
