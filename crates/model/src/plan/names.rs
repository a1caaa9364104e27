//! Names in the target: those a person gave, else kept exactly where PostgreSQL can hold them, and unique where it wants
//! them unique. Owns the map from the source's names; never changes one without listing it.

use super::overrides::Overrides;
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
    /// A person gave it.
    pub chosen: bool,
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
    functions: Namer,
    renamed: Vec<Renamed>,
}

/// A name as a person gave it, or `None`.
type Given<'a> = &'a dyn Fn(&Table, Option<usize>) -> Option<String>;

impl Names {
    /// Takes the names of all tables first, then those of all indexes, so that derived names make way for them. What was
    /// given comes before all.
    pub fn of(tables: &[&Table], overrides: &Overrides) -> Names {
        let natural = Names::take_all(tables, &|_, _| None);
        // A name that the rules would give anyway is not chosen: a file that nobody edited changes nothing.
        let given = |table: &Table, column: Option<usize>| -> Option<String> {
            let (to, usual) = match column {
                None => (overrides.table(&table.name)?.to.as_ref()?, natural.table(&table.name)),
                Some(i) => {
                    let name = &table.columns.get(i)?.name;
                    (overrides.column(&table.name, name)?.to.as_ref()?, natural.column(&table.name, i))
                }
            };
            (to.value != usual).then(|| to.value.clone())
        };
        let any = |t: &&Table| given(t, None).is_some() || (0..t.columns.len()).any(|i| given(t, Some(i)).is_some());
        if !tables.iter().any(any) {
            return natural;
        }
        Names::take_all(tables, &given)
    }

    fn take_all(tables: &[&Table], given: Given<'_>) -> Names {
        let mut names = Names::default();
        let chosen: Vec<Option<String>> =
            tables.iter().map(|t| given(t, None).map(|n| names.relations.take(&n))).collect();
        for (table, chosen) in tables.iter().zip(chosen) {
            let is_chosen = chosen.is_some();
            let target = chosen.unwrap_or_else(|| names.relations.take(&table.name));
            names.note(table.name.clone(), &table.name, &target, is_chosen);
            names.tables.insert(table.name.clone(), target);
            names.take_columns(table, given);
        }
        for index in tables.iter().flat_map(|t| &t.indexes) {
            let target = names.relations.take(&index.name);
            names.note(index.name.clone(), &index.name, &target, false);
            names.indexes.insert(index.name.clone(), target);
        }
        names
    }

    fn take_columns(&mut self, table: &Table, given: Given<'_>) {
        let mut columns = Namer::new();
        let chosen: Vec<Option<String>> =
            (0..table.columns.len()).map(|i| given(table, Some(i)).map(|n| columns.take(&n))).collect();
        let mut targets = Vec::new();
        for (column, chosen) in table.columns.iter().zip(chosen) {
            let is_chosen = chosen.is_some();
            let target = chosen.unwrap_or_else(|| {
                // PostgreSQL's own columns of every table cannot be hidden by another.
                let reserved = ident::is_system_column(&column.name);
                columns.take(&if reserved { format!("{}_", column.name) } else { column.name.clone() })
            });
            self.note(format!("{}.{}", table.name, column.name), &column.name, &target, is_chosen);
            targets.push(target);
        }
        self.columns.insert(table.name.clone(), targets);
    }

    fn note(&mut self, object: String, from: &str, to: &str, chosen: bool) {
        if from != to {
            self.renamed.push(Renamed { object, from: from.to_owned(), to: to.to_owned(), chosen });
        }
    }

    /// Takes the names of the views, which share those of tables.
    pub fn take_views<'a>(&mut self, views: impl Iterator<Item = &'a str>) {
        for view in views {
            let target = self.relations.take(view);
            self.note(view.to_owned(), view, &target, false);
            self.views.insert(view.to_owned(), target);
        }
    }

    /// A view's name.
    pub fn view(&self, source: &str) -> String {
        self.views.get(source).cloned().unwrap_or_else(|| ident::shorten(source))
    }

    /// Takes a name for a function.
    pub fn function(&mut self, wanted: &str) -> String {
        self.functions.take(wanted)
    }

    /// What is called otherwise in the target.
    pub fn renamed(&self) -> Vec<Renamed> {
        self.renamed.clone()
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
