//! Generated columns of the plan: their expressions, and a type that holds what the expression gives.
//! Owns which of them the target computes by itself; what it cannot compute becomes a plain column with its values.

use super::{Builder, DAMAGED, DAMAGED_REASON};
use crate::finding::{Finding, codes};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::mapping::decide::{ForeignKeyFate, TableMapping};
use crate::mapping::profile::{ColumnProfile, TableProfile};
use crate::mapping::shape::{Crossing, normal_for};
use crate::plan::scope::Scopes;
use crate::plan::{ColumnPlan, GeneratedPlan};
use crate::schema::{Action, Affinity, Column, IndexOn, Schema, Table};
use crate::sql::ast::Expr;
use crate::sql::helpers::Used;
use crate::sql::translate;
use std::collections::BTreeMap;

/// The first PostgreSQL that computes a column when it is read.
/// Source: <https://www.postgresql.org/docs/18/ddl-generated-columns.html>.
const VIRTUAL_SINCE: u32 = 180_000;

/// The generated columns of a table, by their places.
pub(super) type Made = BTreeMap<usize, GeneratedPlan>;

impl Builder<'_> {
    /// Translates the generated columns of a table, and gives each that the target computes a type that holds what comes
    /// out. What it cannot compute keeps its finding, with the reason.
    pub(super) fn generated(
        &mut self,
        schema: &Schema,
        table: &Table,
        profile: &TableProfile,
        mapping: &mut TableMapping,
    ) -> Made {
        let places: Vec<usize> = (0..table.columns.len()).filter(|i| table.columns[*i].generated.is_some()).collect();
        let mut work =
            Work { builder: self, schema, table, profile, mapping, texts: BTreeMap::new(), open: Vec::new() };
        for place in &places {
            work.one(*place);
        }
        let texts = work.texts;
        let mut made = Made::new();
        for (place, text) in texts {
            let name = format!("{}.{}", table.name, table.columns[place].name);
            match text {
                Ok((expression, stored)) => {
                    self.findings.retain(|f| !(f.code == codes::GENERATED && f.object == name));
                    self.objects.generated.carried += 1;
                    made.insert(place, GeneratedPlan { expression, stored });
                }
                Err(reason) => {
                    let of_column = |f: &&mut Finding| f.code == codes::GENERATED && f.object == name;
                    for finding in self.findings.iter_mut().filter(of_column) {
                        finding.message.push_str(&format!(", because {reason}"));
                    }
                }
            }
        }
        made
    }
}

impl Builder<'_> {
    /// The type that a person chose for a column.
    fn chosen(&self, table: &Table, column: &Column) -> Option<PgType> {
        self.input.choices?.column(&table.name, &column.name)?.ty
    }
}

/// The columns of one table while they are translated.
struct Work<'a, 'b, 'c> {
    builder: &'a mut Builder<'b>,
    schema: &'c Schema,
    table: &'c Table,
    profile: &'c TableProfile,
    mapping: &'c mut TableMapping,
    /// Expression, and whether it is stored, of each that was translated.
    texts: BTreeMap<usize, Result<(String, bool), String>>,
    /// Those that are being translated: SQLite refuses loops, and so is a loop here no endless one.
    open: Vec<usize>,
}

impl Work<'_, '_, '_> {
    /// Translates one, those that it names before it.
    fn one(&mut self, place: usize) {
        if self.texts.contains_key(&place) || self.open.contains(&place) {
            return;
        }
        self.open.push(place);
        let made = self.translate(place);
        self.open.pop();
        self.texts.insert(place, made);
    }

    fn translate(&mut self, place: usize) -> Result<(String, bool), String> {
        let (table, profile) = (self.table, self.profile);
        let column = table.columns.get(place).ok_or("it is not there")?;
        let generated = column.generated.as_ref().ok_or("it is not generated")?;
        self.fits_the_rest(place, column)?;
        let ast = match &generated.expr.ast {
            _ if generated.expr.sql.contains(DAMAGED) => return Err(DAMAGED_REASON.to_owned()),
            Some(ast) => ast,
            None => return Err("its expression is beyond what is translated".to_owned()),
        };
        self.named_first(ast);
        self.values_cross_as_they_are(ast)?;
        let targets: Vec<String> = (0..table.columns.len()).map(|i| self.written(i)).collect();
        let used = Used::default();
        let scopes = Scopes::of(table, profile, self.mapping, &targets);
        let (sql, ty) = scopes.sure(self.builder.input.other_order, &used, &|scope| {
            translate::generated(ast, scope).map_err(|e| e.reason)
        })?;
        let sql = self.with_expressions(sql);
        let values = profile.columns.get(place).cloned().unwrap_or_default();
        let mapped = self.mapping.columns.get_mut(place).ok_or("it has no type")?;
        let (sql, crossing) = held(sql, ty, column, &values, &mapped.crossing)?;
        if let Some(chosen) = self.builder.chosen(table, column).filter(|chosen| *chosen != crossing.ty) {
            return Err(format!("its expression gives {}, and {} was chosen", crossing.ty.sql(), chosen.sql()));
        }
        mapped.crossing = crossing;
        let helpers = used.names();
        self.builder.helpers.extend(&helpers);
        Ok((sql, generated.stored || !helpers.is_empty() || !self.may_be_virtual(place)))
    }

    /// What stands in the text in the place of a column: its name; of one that is computed a mark that no name has, for
    /// PostgreSQL lets no generated column name another.
    fn written(&self, place: usize) -> String {
        match self.texts.get(&place) {
            Some(Ok(_)) => format!("\u{1}{place}\u{1}"),
            _ => self.builder.names.column(&self.table.name, place),
        }
    }

    fn with_expressions(&self, mut sql: String) -> String {
        for (place, text) in &self.texts {
            if let Ok((expression, _)) = text {
                sql = sql.replace(&ident::pg(&format!("\u{1}{place}\u{1}")), &format!("({expression})"));
            }
        }
        sql
    }

    fn named_first(&mut self, ast: &Expr) {
        for other in 0..self.table.columns.len() {
            if self.table.columns[other].generated.is_some() && ast.any_column(&|i| i == other) {
                self.one(other);
            }
        }
    }

    /// What else is said of the column must not hinder that the target computes it.
    fn fits_the_rest(&self, place: usize, column: &Column) -> Result<(), String> {
        let said = self.builder.overrides.column(&self.table.name, &column.name);
        if column.read.is_some() {
            return Err("an expression is read in the column's place".to_owned());
        }
        if said.is_some_and(|c| c.default.is_some()) {
            return Err("a default was given for it".to_owned());
        }
        let mapped = self.mapping.columns.get(place).ok_or("it has no type")?;
        if !mapped.treatments.is_empty() || mapped.quarantine || mapped.widest {
            return Err("a policy changes its values".to_owned());
        }
        // PostgreSQL lets no action of a foreign key write to it; in SQLite such an action fails.
        let writes = |action: Action| !matches!(action, Action::NoAction | Action::Restrict);
        let keys = self.table.foreign_keys.iter().zip(super::fates(&self.mapping.foreign_keys));
        for (key, fate) in keys.filter(|(k, _)| k.columns.contains(&place)) {
            let deletes = matches!(key.on_delete, Action::SetNull | Action::SetDefault);
            if deletes || writes(key.on_update) || fate == ForeignKeyFate::SetNull {
                return Err("a foreign key would write to it".to_owned());
            }
        }
        Ok(())
    }

    /// The target computes from the values that it holds: those must be the source's.
    fn values_cross_as_they_are(&self, ast: &Expr) -> Result<(), String> {
        let changed = |i: usize| {
            let set_null = self.table.foreign_keys.iter().zip(super::fates(&self.mapping.foreign_keys));
            let mut set_null = set_null.filter(|(_, fate)| *fate == ForeignKeyFate::SetNull);
            self.mapping.columns.get(i).is_none_or(|m| !m.treatments.is_empty() || m.widest)
                || set_null.any(|(key, _)| key.columns.contains(&i))
        };
        if ast.any_column(&changed) {
            return Err("a policy changes the values that it is computed from".to_owned());
        }
        Ok(())
    }

    /// PostgreSQL 18 computes a column when it is read, if no key and no index is on it; triggers do not see its value.
    fn may_be_virtual(&self, place: usize) -> bool {
        let table = self.table;
        let in_key = table.primary_key.iter().chain(&table.uniques).flat_map(|k| &k.columns).any(|k| k.column == place);
        let names = |e: &crate::schema::Expression| e.ast.as_ref().is_none_or(|a| a.any_column(&|i| i == place));
        let in_index = table.indexes.iter().any(|index| {
            index.predicate.as_ref().is_some_and(names)
                || index.terms.iter().any(|t| match &t.on {
                    IndexOn::Column(i) => *i == place,
                    IndexOn::Expression(e) => names(e),
                })
        });
        let referred = |other: &Table| {
            let name = &table.columns[place].name;
            let to_it = |k: &crate::schema::ForeignKey| {
                k.parent == table.name && k.parent_columns.iter().any(|c| c.eq_ignore_ascii_case(name))
            };
            other.foreign_keys.iter().any(to_it)
        };
        self.builder.input.server >= VIRTUAL_SINCE
            && !in_key
            && !in_index
            && !table.foreign_keys.iter().any(|k| k.columns.contains(&place))
            && !self.schema.tables.iter().any(referred)
            && !self.schema.triggers.iter().any(|t| t.table.eq_ignore_ascii_case(&table.name))
    }
}

/// The column as the target computes it, if it does.
pub(super) fn with(column: ColumnPlan, table: &Table, made: Option<GeneratedPlan>) -> ColumnPlan {
    let Some(made) = made else { return column };
    let of_source = table.columns.iter().find(|c| c.name == column.name).and_then(|c| c.generated.as_ref());
    let was = if of_source.is_some_and(|g| g.stored) { "stored" } else { "computed when it is read" };
    let is = if made.stored { "stored" } else { "computed when it is read" };
    let change = if was == is { String::new() } else { format!("; {was} in SQLite") };
    let reason = format!("the target computes it, {is}{change}");
    ColumnPlan { reason, generated: Some(made), enum_name: None, ..column }
}

/// The expression as its column holds it, and the type of the column: SQLite applies the column's affinity to what comes
/// out, and neither rounds nor cuts it to what was declared.
/// Source: <https://sqlite.org/gencol.html>, <https://sqlite.org/datatype3.html#type_affinity>.
fn held(
    sql: String,
    ty: PgType,
    column: &Column,
    values: &ColumnProfile,
    mapped: &Crossing,
) -> Result<(String, Crossing), String> {
    let numbers = values.integers + values.reals;
    let as_type = |ty: PgType, sql: String| Ok((sql, Crossing::new(ty, normal_for(ty, values))));
    let other = |what: &str| Err(format!("its expression gives {what}, its values are otherwise"));
    match (ty, column.affinity) {
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, _) if values.texts + values.blobs > 0 => {
            match column.affinity {
                Affinity::Text if values.blobs + numbers == 0 => as_type(PgType::Text, format!("({sql})::text")),
                _ => other("integers"),
            }
        }
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, Affinity::Text) => {
            as_type(PgType::Text, format!("({sql})::text"))
        }
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, Affinity::Real) => {
            as_type(PgType::Double, format!("({sql})::double precision"))
        }
        // What is neither 0 nor 1 is an error there, and no other value.
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, _) if mapped.ty == PgType::Boolean => {
            Ok((format!("({sql})::text::boolean"), mapped.clone()))
        }
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, _) if values.reals > 0 => other("integers"),
        (PgType::SmallInt | PgType::Integer | PgType::BigInt, _) => {
            as_type(PgType::BigInt, if ty == PgType::BigInt { sql } else { format!("({sql})::bigint") })
        }
        (PgType::Boolean, Affinity::Text) => as_type(PgType::Text, format!("({sql})::integer::text")),
        (PgType::Boolean, Affinity::Real) => as_type(PgType::Double, format!("({sql})::integer::double precision")),
        (PgType::Boolean, _) if mapped.ty == PgType::Boolean && mapped.normal == Normal::Exact => {
            Ok((sql, mapped.clone()))
        }
        (PgType::Boolean, _) if values.texts + values.blobs + values.reals == 0 => {
            as_type(PgType::BigInt, format!("({sql})::integer::bigint"))
        }
        (PgType::Double | PgType::Numeric(_), _) if values.texts + values.blobs > 0 => other("numbers"),
        (PgType::Double | PgType::Numeric(_), Affinity::Text) => {
            Err("it makes text of a number with digits after the point".to_owned())
        }
        (PgType::Double, Affinity::Integer | Affinity::Numeric) if matches!(mapped.ty, PgType::Numeric(_)) => {
            // By way of its shortest digits, which are what SQLite's number is read as.
            let ty = PgType::Numeric(None);
            Ok((format!("({sql})::text::numeric"), Crossing::new(ty, Normal::Number)))
        }
        (PgType::Double, _) => as_type(PgType::Double, sql),
        (PgType::Numeric(_), Affinity::Integer | Affinity::Numeric) if matches!(mapped.ty, PgType::Numeric(_)) => {
            Ok((sql, Crossing::new(PgType::Numeric(None), Normal::Number)))
        }
        (PgType::Numeric(_), _) => as_type(PgType::Double, format!("({sql})::double precision")),
        (PgType::Text | PgType::VarChar(_) | PgType::Char(_) | PgType::Enum, affinity) => {
            if values.blobs > 0 {
                return other("text");
            }
            let number = matches!(affinity, Affinity::Integer | Affinity::Real | Affinity::Numeric);
            let number_type = matches!(
                mapped.ty,
                PgType::SmallInt
                    | PgType::Integer
                    | PgType::BigInt
                    | PgType::Numeric(_)
                    | PgType::Double
                    | PgType::Boolean
            );
            if number && (numbers > 0 || values.texts == 0 && number_type) {
                return Err("its expression gives text, of which the column makes numbers".to_owned());
            }
            let sql = if ty == PgType::Text { sql } else { format!("({sql})::text") };
            as_type(PgType::Text, sql)
        }
        (PgType::Bytea, _) if values.texts + numbers == 0 => as_type(PgType::Bytea, sql),
        (ty, _) if ty == mapped.ty => Ok((sql, mapped.clone())),
        (ty, _) => Err(format!("its expression gives {}, its values are held as {}", ty.sql(), mapped.ty.sql())),
    }
}
