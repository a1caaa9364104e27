//! A translated value as it is stored into a column of the target: affinity first, as on insert in SQLite, then the
//! column's mapping. Owns that way; never accepts a value that would be stored otherwise than SQLite stores it.

use super::default;
use super::relations::Field;
use super::typed::{Kind, Typed};
use super::{Translated, refuse};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::schema::Affinity;
use crate::sql::helpers::Used;

/// The text that stores a value into a column, without helper functions. See [`store_with`].
#[allow(dead_code, reason = "for triggers and generated columns")]
pub(crate) fn store(value: Typed, column: &Field) -> Translated<String> {
    store_with(value, column, None)
}

/// The text that stores a value into a column: what SQLite would store there, as the mapping carries it. A value that
/// the column's type does not hold is an error when it is stored, never another value.
/// Source: <https://sqlite.org/datatype3.html#type_affinity>.
pub(crate) fn store_with(value: Typed, column: &Field, helpers: Option<&Used>) -> Translated<String> {
    let crossing = &column.crossing;
    let affinity = column.typed.affinity.unwrap_or(Affinity::Blob);
    if value.kind == Kind::Null {
        return Ok("NULL".into());
    }
    if let Some(literal) = &value.literal {
        return default::stored_literal(literal, affinity, crossing);
    }
    if value.column && value.pg == Some(crossing.ty) && same_crossing(&value, column) {
        return Ok(value.sql);
    }
    if let Some((ty, sql)) = &value.native
        && *ty == crossing.ty
        && matches!(crossing.normal, Normal::Exact | Normal::DateTime | Normal::EpochSeconds)
    {
        return Ok(sql.clone());
    }
    let call = |name: &'static str, argument: &str| match helpers {
        Some(helpers) => Ok(format!("{}({argument})", helpers.take(name))),
        None => refuse(format!("{} may not be a value of {}", value.what(), column.name)),
    };
    let sql = value.sql.clone();
    match (crossing.ty, crossing.normal) {
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, _) => match value.kind {
            Kind::Int { .. } => Ok(sql),
            Kind::Bool => Ok(value.as_number().sql),
            _ => misfit(&value, column),
        },
        (PgType::Double, _) => match value.kind {
            Kind::Double => Ok(sql),
            Kind::Int { .. } | Kind::Bool | Kind::Number => {
                Ok(format!("({})::double precision", value.as_number().sql))
            }
            _ => misfit(&value, column),
        },
        (PgType::Numeric(limits), _) => match value.kind {
            Kind::Int { .. } | Kind::Bool => Ok(value.as_number().sql),
            Kind::Number if limits.is_none() => Ok(sql),
            _ => misfit(&value, column),
        },
        (PgType::Boolean, Normal::Exact | Normal::Number) => match value.kind {
            Kind::Bool => Ok(sql),
            Kind::Int { low: 0.., high: ..=1 } => Ok(format!("({sql} <> 0)")),
            Kind::Int { .. } => call("sqlite_to_boolean", &format!("({sql})::bigint")),
            _ => misfit(&value, column),
        },
        (PgType::Text | PgType::VarChar(_) | PgType::Char(_), Normal::Exact | Normal::Text) => match value.kind {
            Kind::Text if affinity == Affinity::Text || affinity == Affinity::Blob || value.wordy => Ok(sql),
            Kind::Int { .. } | Kind::Bool => Ok(format!("({})::text", value.as_number().sql)),
            Kind::Text if value.loose => Ok(sql),
            Kind::Text => misfit(&value, column),
            Kind::Double if affinity == Affinity::Text => call("sqlite_real_text", &sql),
            _ => misfit(&value, column),
        },
        (PgType::Bytea, Normal::Exact) if value.kind == Kind::Blob => Ok(sql),
        (PgType::TimestampTz, Normal::EpochSeconds) if matches!(value.kind, Kind::Int { .. }) => {
            Ok(format!("to_timestamp({sql})"))
        }
        (PgType::TimestampTz, Normal::EpochMillis) if matches!(value.kind, Kind::Int { .. }) => {
            Ok(format!("(to_timestamp(0) + ({sql}) * interval '1 millisecond')"))
        }
        (PgType::Jsonb | PgType::Json | PgType::Uuid | PgType::Inet | PgType::Cidr | PgType::MacAddr, normal)
            if value.kind == Kind::Text
                && !value.loose
                && !matches!(normal, Normal::JsonScalar | Normal::UuidBlob | Normal::UuidHex) =>
        {
            Ok(format!("({sql})::{}", crossing.ty.sql()))
        }
        (PgType::Date, Normal::Exact) if value.kind == Kind::Text && !value.loose => call("sqlite_to_date", &sql),
        (PgType::Timestamp, Normal::DateTime) if value.kind == Kind::Text && !value.loose => {
            call("sqlite_to_timestamp", &sql)
        }
        _ => misfit(&value, column),
    }
}

fn same_crossing(value: &Typed, column: &Field) -> bool {
    match &value.crossing {
        Some(crossing) => **crossing == column.crossing,
        None => value.kind == column.typed.kind && value.affinity == column.typed.affinity,
    }
}

fn misfit<T>(value: &Typed, column: &Field) -> Translated<T> {
    refuse(format!(
        "{} is not surely a value of {} ({})",
        value.what(),
        ident::pg(&column.name),
        column.crossing.ty.sql()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::shape::Crossing;
    use crate::schema::Column;
    use crate::sql::translate::ScopeColumn;

    fn field(declared: &str, ty: PgType, normal: Normal) -> Field {
        let source = Column {
            read: None,
            name: "c".into(),
            declared: declared.into(),
            affinity: Affinity::of(declared),
            not_null: false,
            default: None,
            collation: None,
            generated: None,
        };
        let crossing = Crossing::new(ty, normal);
        let column = ScopeColumn {
            target: "c",
            ty,
            source: &source,
            class: None,
            mixed: false,
            crossing: Some(&crossing),
            stamp: None,
        };
        Field::of_column(&column, &crossing, false)
    }

    #[test]
    fn literals_are_stored_as_the_mapping_carries_them() {
        let stored = |value: Typed, declared: &str, ty, normal| store(value, &field(declared, ty, normal)).ok();
        let boolean = |n| stored(Typed::integer(n), "BOOLEAN", PgType::Boolean, Normal::Exact);
        assert_eq!(boolean(1).as_deref(), Some("true"));
        assert_eq!(boolean(2), None);
        let epoch = stored(Typed::integer(5), "INTEGER", PgType::TimestampTz, Normal::EpochSeconds);
        assert_eq!(epoch.as_deref(), Some("to_timestamp(5)"));
        let text = stored(Typed::integer(5), "TEXT", PgType::Text, Normal::Exact);
        assert_eq!(text.as_deref(), Some("'5'"));
        let date = Typed::text("2020-02-30").unwrap_or_else(|_| Typed::new(Kind::Null, ""));
        assert_eq!(stored(date, "DATE", PgType::Date, Normal::Exact), None);
    }
}
