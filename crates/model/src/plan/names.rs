//! Names in the target: kept exactly where PostgreSQL can hold them, and unique where it wants them unique.
//! Owns the map from the source's names; never changes one without listing it.

use crate::ident::{self, Namer};
use crate::schema::Table;
use std::collections::BTreeMap;

/// Names of one plan. Tables, indexes, keys and sequences share one namespace, as in a PostgreSQL schema.
#[derive(Debug, Default)]
pub struct Names {
    relations: Namer,
    tables: BTreeMap<String, String>,
    columns: BTreeMap<String, Vec<String>>,
    indexes: BTreeMap<String, String>,
    constraints: BTreeMap<String, Namer>,
    renamed: Vec<(String, String, String)>,
}

impl Names {
    /// Takes the names of all tables first, then those of all indexes, so that derived names make way for them.
    pub fn of(tables: &[&Table]) -> Names {
        let mut names = Names::default();
        for table in tables {
            let target = names.relations.take(&table.name);
            names.note(table.name.clone(), &table.name, &target);
            names.tables.insert(table.name.clone(), target);
            let mut columns = Namer::new();
            let mut targets = Vec::new();
            for column in &table.columns {
                // PostgreSQL's own columns of every table cannot be hidden by another.
                let reserved = ident::is_system_column(&column.name);
                let wanted = if reserved { format!("{}_", column.name) } else { column.name.clone() };
                let target = columns.take(&wanted);
                names.note(format!("{}.{}", table.name, column.name), &column.name, &target);
                targets.push(target);
            }
            names.columns.insert(table.name.clone(), targets);
        }
        for index in tables.iter().flat_map(|t| &t.indexes) {
            let target = names.relations.take(&index.name);
            names.note(index.name.clone(), &index.name, &target);
            names.indexes.insert(index.name.clone(), target);
        }
        names
    }

    fn note(&mut self, object: String, from: &str, to: &str) {
        if from != to {
            self.renamed.push((object, from.to_owned(), to.to_owned()));
        }
    }

    /// What is called otherwise in the target: object, name in the source, name in the target.
    pub fn renamed(&self) -> Vec<(String, String, String)> {
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
