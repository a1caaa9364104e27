//! A translated value as it is stored into a column of the target: affinity first, as on insert in SQLite, then the
//! column's mapping. Owns that way; never accepts a value that would be stored otherwise than SQLite stores it.

use super::default;
use super::relations::Field;
use super::typed::{Kind, Typed};
use super::{Purpose, Scope, Translated, Translator, number, refuse};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::schema::Affinity;
use crate::sql::ast::Expr;
use crate::sql::helpers::Used;

/// An expression as it is stored into a column, translated in a scope.
pub fn stored(e: &Expr, scope: &Scope<'_>, column: &Field) -> Translated<String> {
    let translator = Translator::new(scope);
    let value = translator.typed(e)?;
    translator.store(value, column)
}

/// The text that stores a value of a query or a trigger into a column: what SQLite would store there, as the mapping
/// carries it.
pub(super) fn store(value: Typed, column: &Field, helpers: &Used) -> Translated<String> {
    let scope = Scope { helpers: Some(helpers), purpose: Purpose::Query, ..Scope::of_columns(&[], true) };
    Translator::new(&scope).store(value, column)
}

impl Translator<'_> {
    /// The text that stores a value into a column. A value that the column's type does not hold is an error when it is
    /// stored, never another value.
    /// Source: <https://sqlite.org/datatype3.html#type_affinity>.
    pub(super) fn store(&self, value: Typed, column: &Field) -> Translated<String> {
        let crossing = &column.crossing;
        let affinity = column.typed.affinity.unwrap_or(Affinity::Blob);
        if value.kind == Kind::Null {
            return Ok("NULL".into());
        }
        if let Some(literal) = &value.literal {
            // Without affinity it stays a number among texts.
            if affinity == Affinity::Blob
                && value.is_number()
                && !column.typed.loose
                && matches!(crossing.ty, PgType::Text | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum)
            {
                return misfit(&value, column);
            }
            return default::stored_literal(literal, affinity, crossing);
        }
        if value.pg == Some(crossing.ty) && same_crossing(&value, column) {
            return Ok(value.sql);
        }
        if let Some((ty, sql)) = &value.native
            && *ty == crossing.ty
            && matches!(crossing.normal, Normal::Exact | Normal::DateTime | Normal::EpochSeconds)
        {
            return Ok(sql.clone());
        }
        let value = self.plain(value)?;
        match crossing.ty {
            PgType::SmallInt | PgType::Integer | PgType::BigInt => self.store_integer(&value, column),
            PgType::Numeric(Some((_, digits))) => {
                let sql = self.store_number(&value, column)?;
                let narrow = matches!(value.pg, Some(PgType::Numeric(Some((_, s)))) if s <= digits);
                match value.kind {
                    Kind::Int { .. } | Kind::Bool => Ok(sql),
                    Kind::Number if narrow => Ok(sql),
                    // numeric(p,s) would round it in silence.
                    _ => self.help("sqlite_to_numeric", &[&sql, &digits.to_string()]),
                }
            }
            PgType::Double | PgType::Numeric(None) => self.store_number(&value, column),
            PgType::Boolean => self.store_boolean(&value, column),
            PgType::Text => self.store_text(&value, column, affinity),
            PgType::VarChar(n) => {
                let sql = self.store_text(&value, column, affinity)?;
                let short = matches!(value.pg, Some(PgType::VarChar(m)) if m <= n) && value.kind == Kind::Text;
                match value.kind {
                    // What is no text becomes one without spaces, and PostgreSQL refuses it where it is too long.
                    Kind::Int { .. } | Kind::Bool => Ok(sql),
                    _ if short => Ok(sql),
                    // varchar(n) would cut surplus spaces off in silence.
                    _ => self.help("sqlite_to_varchar", &[&sql, &n.to_string()]),
                }
            }
            PgType::Char(n) => {
                self.help("sqlite_to_char", &[&self.store_text(&value, column, affinity)?, &n.to_string()])
            }
            PgType::Bytea => self.store_bytes(&value, column),
            PgType::Date | PgType::Time | PgType::Timestamp | PgType::TimestampTz => self.store_time(&value, column),
            PgType::Uuid if crossing.normal == Normal::UuidBlob && value.kind == Kind::Blob => {
                Ok(format!("encode({}, 'hex')::uuid", value.sql))
            }
            PgType::Uuid | PgType::Jsonb | PgType::Json | PgType::Inet | PgType::Cidr | PgType::MacAddr
                if value.kind == Kind::Text
                    && !value.loose
                    && !matches!(crossing.normal, Normal::JsonScalar | Normal::UuidBlob) =>
            {
                Ok(format!("({})::{}", value.sql, crossing.ty.sql()))
            }
            _ => misfit(&value, column),
        }
    }

    fn store_integer(&self, value: &Typed, column: &Field) -> Translated<String> {
        match value.kind {
            Kind::Int { .. } | Kind::Bool => Ok(value.as_number().sql),
            Kind::Double => {
                let number = self.help("sqlite_number_of_real", &[&value.sql])?;
                self.help("sqlite_to_bigint", &[&number])
            }
            Kind::Number => self.help("sqlite_to_bigint", &[&value.sql]),
            Kind::Text if let Some(digits) = &value.digits => Ok(digits.to_string()),
            Kind::Text if !value.loose => {
                let number = self.help("sqlite_to_number", &[&value.sql])?;
                self.help("sqlite_to_bigint", &[&number])
            }
            _ => misfit(value, column),
        }
    }

    fn store_number(&self, value: &Typed, column: &Field) -> Translated<String> {
        let double = column.crossing.ty == PgType::Double;
        match value.kind {
            Kind::Double if double => Ok(value.sql.clone()),
            // Real affinity rounds it in SQLite too.
            Kind::Int { low, high }
                if double
                    && (low < -number::EXACT || high > number::EXACT)
                    && column.typed.affinity != Some(Affinity::Real) =>
            {
                self.help("sqlite_to_double", &[&value.sql])
            }
            Kind::Int { .. } | Kind::Bool | Kind::Number if double => {
                Ok(format!("({})::double precision", value.as_number().sql))
            }
            Kind::Int { .. } | Kind::Bool | Kind::Number => Ok(value.as_number().sql),
            Kind::Double => Ok(format!("trim_scale({})", self.help("sqlite_number_of_real", &[&value.sql])?)),
            Kind::Text if !value.loose => {
                let number = self.help("sqlite_to_number", &[&value.sql])?;
                Ok(if double { format!("{number}::double precision") } else { format!("trim_scale({number})") })
            }
            _ => misfit(value, column),
        }
    }

    fn store_boolean(&self, value: &Typed, column: &Field) -> Translated<String> {
        if !matches!(column.crossing.normal, Normal::Exact | Normal::Number) {
            return misfit(value, column);
        }
        match value.kind {
            Kind::Bool => Ok(value.sql.clone()),
            Kind::Int { low: 0.., high: ..=1 } => Ok(format!("({} <> 0)", value.sql)),
            Kind::Int { .. } => self.help("sqlite_to_boolean", &[&format!("({})::bigint", value.sql)]),
            _ => misfit(value, column),
        }
    }

    /// Text affinity makes text of numbers; a column without affinity keeps them, which its mapping writes as text too.
    /// Numeric affinity makes a number of a text that looks like one.
    fn store_text(&self, value: &Typed, column: &Field, affinity: Affinity) -> Translated<String> {
        if !matches!(column.crossing.normal, Normal::Exact | Normal::Text) || value.kind == Kind::Blob {
            return misfit(value, column);
        }
        match (value.kind, affinity) {
            (Kind::Text, Affinity::Text | Affinity::Blob) => Ok(value.sql.clone()),
            // A date or a time looks like no number.
            (Kind::Text, _) if value.wordy => Ok(value.sql.clone()),
            (Kind::Text, Affinity::Real) => misfit(value, column),
            (Kind::Text, _) => {
                let number = self.help("sqlite_number_in_text", &[&value.sql])?;
                let kept = self.help("sqlite_kept_number", &[&number])?;
                let text = self.help("sqlite_number_text", &[&kept])?;
                Ok(format!("COALESCE({text}, {})", value.sql))
            }
            (Kind::Int { .. } | Kind::Bool, Affinity::Real) => misfit(value, column),
            // It stays a number in SQLite, where all that is there is text and is taken for text.
            (Kind::Int { .. } | Kind::Bool | Kind::Double | Kind::Number, Affinity::Blob) if !column.typed.loose => {
                misfit(value, column)
            }
            // A whole real becomes an integer.
            (Kind::Double | Kind::Number, Affinity::Integer | Affinity::Numeric) => {
                let number = match value.kind {
                    Kind::Double => self.help("sqlite_number_of_real", &[&value.sql])?,
                    _ => value.sql.clone(),
                };
                self.help("sqlite_number_text", &[&format!("trim_scale({number})")])
            }
            _ => self.text_of(value),
        }
    }

    fn store_bytes(&self, value: &Typed, column: &Field) -> Translated<String> {
        match (value.kind, column.crossing.normal) {
            (Kind::Blob, Normal::Exact | Normal::Bytes) => Ok(value.sql.clone()),
            (Kind::Text, Normal::TextBytes) if !value.loose => self.bytes_of(value),
            _ => misfit(value, column),
        }
    }

    fn store_time(&self, value: &Typed, column: &Field) -> Translated<String> {
        let sql = &value.sql;
        let text = value.kind == Kind::Text && !value.loose;
        let integer = matches!(value.kind, Kind::Int { .. });
        match (column.crossing.ty, column.crossing.normal) {
            (PgType::Date, Normal::Exact) if text => self.help("sqlite_to_date", &[sql]),
            (PgType::Timestamp, Normal::DateTime | Normal::Exact) if text => self.help("sqlite_to_timestamp", &[sql]),
            (PgType::Time, Normal::Exact | Normal::Canonical) if text => self.help("sqlite_to_time", &[sql]),
            (PgType::TimestampTz, Normal::EpochSeconds) if integer => Ok(format!("to_timestamp({sql})")),
            (PgType::TimestampTz, Normal::EpochMillis) if integer => {
                self.help("sqlite_to_millis", &[&format!("({sql})::bigint")])
            }
            _ => misfit(value, column),
        }
    }
}

fn same_crossing(value: &Typed, column: &Field) -> bool {
    match &value.crossing {
        Some(crossing) => **crossing == column.crossing,
        None => value.column && value.kind == column.typed.kind && value.affinity == column.typed.affinity,
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
        let stored = |value: Typed, declared: &str, ty, normal| {
            store(value, &field(declared, ty, normal), &Used::default()).ok()
        };
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
