//! Names in the target: those a person gave, else kept exactly where PostgreSQL can hold them, and unique where it wants
//! them unique. Owns the map from the source's names; never changes one without listing it.

use super::overrides::Overrides;
use super::style::NameStyle;
use crate::ident::{self, Namer};
use crate::schema::Table;
use std::collections::BTreeMap;

/// A name that is another in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// What it names: `table`, `table.column`, an index.
    pub object: String,
    /// Its name in the source.
    pub from: String,
    /// Its name in the target.
    pub to: String,
    /// A person gave it, or chose how all names are written.
    pub chosen: bool,
}

/// Two names of one namespace that are the same one in the style that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// What the second one names: `table`, `table.column`, an index, a view.
    pub object: String,
    /// The name that came first, in the source.
    pub first: String,
    /// The second one.
    pub second: String,
    /// What both would be called.
    pub both: String,
    /// What the second one is called instead.
    pub instead: String,
    /// A name for it can be given (`--set TABLE.to`), so somebody must choose.
    pub must_choose: bool,
}

/// Names of one plan. Tables, indexes, keys and sequences share one namespace, as in a PostgreSQL schema.
#[derive(Debug, Default)]
pub struct Names {
    relations: Namer,
    tables: BTreeMap<String, String>,
    columns: BTreeMap<String, Vec<String>>,
    indexes: BTreeMap<String, String>,
    constraints: BTreeMap<String, Namer>,
    views: BTreeMap<String, String>,
    triggers: BTreeMap<String, Namer>,
    functions: Namer,
    renamed: Vec<Renamed>,
    style: NameStyle,
    /// What each name of the schema stands for in the source.
    owners: BTreeMap<String, String>,
    collisions: Vec<Collision>,
}

/// A name as a person gave it, or `None`.
type Given<'a> = &'a dyn Fn(&Table, Option<usize>) -> Option<String>;

impl Names {
    /// Takes the names of all tables first, then those of all indexes, so that derived names make way for them. What was
    /// given comes before all.
    pub fn of(tables: &[&Table], overrides: &Overrides) -> Names {
        let style = overrides.names.as_ref().map(|s| s.value).unwrap_or_default();
        let natural = Names::take_all(tables, style, &|_, _| None);
        // What a file says that was written under another style is what that one came to, and no choice.
        let then = overrides.decided_with.as_ref().map(|d| d.value.names).filter(|then| *then != style);
        let then = then.map(|then| Names::take_all(tables, then, &|_, _| None));
        // A name that the rules would give anyway is not chosen: a file that nobody edited changes nothing.
        let given = |table: &Table, column: Option<usize>| -> Option<String> {
            let to = match column {
                None => overrides.table(&table.name)?.to.as_ref()?,
                Some(i) => overrides.column(&table.name, &table.columns.get(i)?.name)?.to.as_ref()?,
            };
            let usual = |names: &Names| match column {
                None => names.table(&table.name) == to.value,
                Some(i) => names.column(&table.name, i) == to.value,
            };
            (!usual(&natural) && !then.as_ref().is_some_and(usual)).then(|| to.value.clone())
        };
        let any = |t: &&Table| given(t, None).is_some() || (0..t.columns.len()).any(|i| given(t, Some(i)).is_some());
        if !tables.iter().any(any) {
            return natural;
        }
        Names::take_all(tables, style, &given)
    }

    fn take_all(tables: &[&Table], style: NameStyle, given: Given<'_>) -> Names {
        let mut names = Names { style, ..Names::default() };
        let chosen: Vec<Option<String>> =
            tables.iter().map(|t| given(t, None).map(|n| names.relations.take(&n))).collect();
        for (table, chosen) in tables.iter().zip(chosen) {
            let is_chosen = chosen.is_some();
            let target = chosen.unwrap_or_else(|| names.own(&table.name, &table.name, true));
            names.note(table.name.clone(), &table.name, &target, is_chosen);
            names.tables.insert(table.name.clone(), target);
            names.take_columns(table, given);
        }
        for index in tables.iter().flat_map(|t| &t.indexes) {
            let target = names.own(&index.name, &index.name, false);
            names.note(index.name.clone(), &index.name, &target, false);
            names.indexes.insert(index.name.clone(), target);
        }
        names
    }

    /// A name of the source, in the style that was chosen; told where another has it already.
    fn own(&mut self, object: &str, name: &str, must_choose: bool) -> String {
        let wanted = ident::shorten(&self.style.apply(name));
        let target = self.relations.take(&wanted);
        if self.style != NameStyle::Keep {
            match self.owners.get(&wanted).filter(|_| target != wanted) {
                Some(first) => self.collisions.push(Collision {
                    object: object.to_owned(),
                    first: first.clone(),
                    second: name.to_owned(),
                    both: wanted,
                    instead: target.clone(),
                    must_choose,
                }),
                None => drop(self.owners.insert(wanted, name.to_owned())),
            }
        }
        target
    }

    fn take_columns(&mut self, table: &Table, given: Given<'_>) {
        let mut columns = Namer::new();
        let chosen: Vec<Option<String>> =
            (0..table.columns.len()).map(|i| given(table, Some(i)).map(|n| columns.take(&n))).collect();
        let mut targets = Vec::new();
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for (column, chosen) in table.columns.iter().zip(chosen) {
            let is_chosen = chosen.is_some();
            let target = chosen.unwrap_or_else(|| {
                // PostgreSQL's own columns of every table cannot be hidden by another.
                let styled = self.style.apply(&column.name);
                let wanted = if ident::is_system_column(&styled) { format!("{styled}_") } else { styled };
                let wanted = ident::shorten(&wanted);
                let target = columns.take(&wanted);
                match owners.get(&wanted).filter(|_| target != wanted && self.style != NameStyle::Keep) {
                    Some(first) => self.collisions.push(Collision {
                        object: format!("{}.{}", table.name, column.name),
                        first: first.clone(),
                        second: column.name.clone(),
                        both: wanted,
                        instead: target.clone(),
                        must_choose: true,
                    }),
                    None => drop(owners.insert(wanted, column.name.clone())),
                }
                target
            });
            self.note(format!("{}.{}", table.name, column.name), &column.name, &target, is_chosen);
            targets.push(target);
        }
        self.columns.insert(table.name.clone(), targets);
    }

    fn note(&mut self, object: String, from: &str, to: &str, chosen: bool) {
        let chosen = chosen || self.style.apply(from) == to;
        if from != to {
            self.renamed.push(Renamed { object, from: from.to_owned(), to: to.to_owned(), chosen });
        }
    }

    /// Takes the names of the views, which share those of tables.
    pub fn take_views<'a>(&mut self, views: impl Iterator<Item = &'a str>) {
        for view in views {
            let target = self.own(view, view, false);
            self.note(view.to_owned(), view, &target, false);
            self.views.insert(view.to_owned(), target);
        }
    }

    /// A view's name.
    pub fn view(&self, source: &str) -> String {
        self.views.get(source).cloned().unwrap_or_else(|| ident::shorten(source))
    }

    /// Takes a name for a trigger of a table, and says so where it is another than the source's.
    pub fn trigger(&mut self, table: &str, source: &str) -> String {
        let target = self.triggers.entry(table.to_owned()).or_default().take(&self.style.apply(source));
        self.note(source.to_owned(), source, &target, false);
        target
    }

    /// Takes a name for a trigger that the source does not have.
    pub fn own_trigger(&mut self, table: &str, wanted: &str) -> String {
        self.triggers.entry(table.to_owned()).or_default().take(wanted)
    }

    /// A name in the style that was chosen.
    pub fn styled(&self, name: &str) -> String {
        self.style.apply(name)
    }

    /// Names that are the same one in the style that was chosen.
    pub fn collisions(&self) -> &[Collision] {
        &self.collisions
    }

    /// Takes a name for a function.
    pub fn function(&mut self, wanted: &str) -> String {
        self.functions.take(wanted)
    }

    /// What is called otherwise in the target, and was not told before.
    pub fn renamed(&mut self) -> Vec<Renamed> {
        std::mem::take(&mut self.renamed)
    }

    /// A table's name.
    pub fn table(&self, source: &str) -> String {
        self.tables.get(source).cloned().unwrap_or_else(|| ident::shorten(source))
    }

    /// A column's name.
    pub fn column(&self, table: &str, index: usize) -> String {
        self.columns.get(table).and_then(|c| c.get(index)).cloned().unwrap_or_default()
    }

    /// An index's name.
    pub fn index(&self, source: &str) -> String {
        self.indexes.get(source).cloned().unwrap_or_else(|| ident::shorten(source))
    }

    /// Takes a name for a key (its index lives among the relations).
    pub fn relation(&mut self, wanted: &str) -> String {
        self.relations.take(wanted)
    }

    /// Takes a name for the sequence of an identity column.
    pub fn sequence(&mut self, table: &str, column: usize) -> String {
        let wanted = format!("{}_{}_seq", self.table(table), self.column(table, column));
        self.relations.take(&wanted)
    }

    /// Takes a name for a check or a foreign key; those are unique within their table.
    pub fn constraint(&mut self, table: &str, wanted: &str) -> String {
        self.constraints.entry(table.to_owned()).or_default().take(wanted)
    }
}
