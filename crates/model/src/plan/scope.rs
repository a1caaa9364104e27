//! The columns of a table as expressions of its schema see them, for translation.
//! Owns what of a column is proven; never translates (see `sql::translate`).

use crate::mapping::decide::TableMapping;
use crate::mapping::profile::{ColumnProfile, TableProfile};
use crate::mapping::shape::Crossing;
use crate::schema::{Affinity, Column, Table};
use crate::sql::translate::{Scope, ScopeColumn, Stamp};
use crate::value::Class;

/// One way of seeing the columns, or two where an expression is read in the place of one: with the affinity that the
/// column was declared with, and with none, which is what the expression has. Only what means the same under both is sure.
pub(super) struct Scopes<'a> {
    declared: Vec<ScopeColumn<'a>>,
    bare: Option<Bare<'a>>,
}

struct Bare<'a> {
    columns: Vec<Column>,
    seen: Vec<Seen<'a>>,
}

/// A column but for its source.
struct Seen<'a> {
    target: &'a str,
    ty: crate::mapping::PgType,
    class: Option<Class>,
    mixed: bool,
    crossing: Option<&'a Crossing>,
    stamp: Option<Stamp>,
}

impl<'a> Scopes<'a> {
    /// A class is told only where the census proved that there is one.
    pub(super) fn of(
        table: &'a Table,
        profile: &TableProfile,
        mapping: &'a TableMapping,
        targets: &'a [String],
    ) -> Scopes<'a> {
        let no_values = ColumnProfile::default();
        let columns = table.columns.iter().enumerate().zip(&mapping.columns).zip(targets);
        let declared: Vec<ScopeColumn<'a>> = columns
            .map(|(((i, source), mapped), target)| {
                let values = profile.columns.get(i).unwrap_or(&no_values);
                let classes = [Class::Integer, Class::Real, Class::Text, Class::Blob];
                let mut held = classes.into_iter().filter(|c| values.of_class(*c) > 0);
                let class = held.next().filter(|_| held.next().is_none());
                let mixed = values.blobs > 0 && class.is_none();
                ScopeColumn {
                    target,
                    ty: mapped.ty,
                    source,
                    class,
                    mixed,
                    crossing: Some(&mapped.crossing),
                    stamp: Stamp::of(values),
                }
            })
            .collect();
        let bare = table.columns.iter().any(|c| c.read.is_some()).then(|| Bare {
            columns: table.columns.iter().map(without_affinity).collect(),
            seen: declared
                .iter()
                .map(|c| Seen {
                    target: c.target,
                    ty: c.ty,
                    class: c.class,
                    mixed: c.mixed,
                    crossing: c.crossing,
                    stamp: c.stamp,
                })
                .collect(),
        });
        Scopes { declared, bare }
    }

    /// The columns as they were declared.
    pub(super) fn declared(&self) -> &[ScopeColumn<'a>] {
        &self.declared
    }

    /// What `translate` gives, if it is the same in every way of seeing the columns.
    pub(super) fn sure<T: PartialEq>(
        &self,
        collate_c: bool,
        translate: &dyn Fn(&Scope<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let translated = translate(&Scope::of_columns(&self.declared, collate_c))?;
        let Some(bare) = &self.bare else { return Ok(translated) };
        let columns: Vec<ScopeColumn<'_>> = bare
            .seen
            .iter()
            .zip(&bare.columns)
            .map(|(c, source)| ScopeColumn {
                target: c.target,
                ty: c.ty,
                source,
                class: c.class,
                mixed: c.mixed,
                crossing: c.crossing,
                stamp: c.stamp,
            })
            .collect();
        match translate(&Scope::of_columns(&columns, collate_c))? {
            again if again == translated => Ok(translated),
            _ => Err("an expression is read in the place of a column that it uses".to_owned()),
        }
    }
}

fn without_affinity(column: &Column) -> Column {
    let mut column = column.clone();
    if column.read.is_some() {
        column.affinity = Affinity::Blob;
        column.declared = String::new();
        column.collation = None;
    }
    column
}
