//! The first rows that break what is loosened for them: foreign keys and checks kept NOT VALID, keys no longer unique.
//! Owns how they are found, for the record of what policies did; never decides anything, and never fails for a key alone.

use super::exclude;
use super::normalised::KEYS;
use super::pool::Cancel;
use super::prepare::Prepared;
use super::scan::{self, Scan};
use crate::error::{Kind, Result};
use crate::source::Reader;
use lite2pg_model::mapping::decide::{KeyFate, TableMapping};
use lite2pg_model::plan::TablePlan;
use lite2pg_model::schema::{IndexOn, Table};
use lite2pg_model::value::Value;
use std::collections::BTreeMap;

/// Keys of the first rows, by table and by the place of the constraint in its list.
#[derive(Debug, Default)]
pub struct Examples(BTreeMap<(String, Loosened), Vec<String>>);

/// What is loosened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loosened {
    /// A foreign key of the plan.
    ForeignKey(usize),
    /// A CHECK of the source.
    Check(usize),
    /// The primary key.
    Primary,
    /// A UNIQUE constraint of the source.
    Unique(usize),
    /// An index of the source.
    Index(usize),
}

impl Examples {
    /// The keys of a constraint's rows.
    pub fn of(&self, table: &str, what: Loosened) -> Vec<String> {
        self.0.get(&(table.to_owned(), what)).cloned().unwrap_or_default()
    }

    /// Reads the tables that have something loosened again.
    ///
    /// # Errors
    /// The source cannot be read, or `Interrupted`.
    pub fn find(reader: &mut Reader, prepared: &Prepared, cancel: &Cancel) -> Result<Examples> {
        let mut found = Examples::default();
        for table in &prepared.plan.tables {
            let source = prepared.schema.tables.iter().find(|t| t.name == table.name);
            let (Some(source), Some(mapping)) = (source, prepared.mappings.get(&table.name)) else { continue };
            found.orphans(reader, prepared, table, cancel)?;
            found.checks(reader, table, source, mapping, cancel)?;
            found.keys(reader, prepared, (table, source, mapping), cancel)?;
        }
        Ok(found)
    }

    fn put(&mut self, table: &TablePlan, what: Loosened, keys: Vec<String>) {
        self.0.insert((table.name.clone(), what), keys);
    }

    fn orphans(&mut self, reader: &mut Reader, prepared: &Prepared, table: &TablePlan, cancel: &Cancel) -> Result<()> {
        for (i, key) in table.foreign_keys.iter().enumerate().filter(|(_, k)| k.not_valid) {
            let mut keys = Vec::new();
            exclude::without_parent(reader, &prepared.plan, table, key, &prepared.excluded, cancel, &mut |_, name| {
                if keys.len() < KEYS {
                    keys.push(name());
                }
                Ok(false)
            })?;
            self.put(table, Loosened::ForeignKey(i), keys);
        }
        Ok(())
    }

    fn checks(
        &mut self,
        reader: &mut Reader,
        table: &TablePlan,
        source: &Table,
        mapping: &TableMapping,
        cancel: &Cancel,
    ) -> Result<()> {
        let named = exclude::places(table, &table.source_key, |c| &c.name);
        for i in &mapping.checks_not_valid {
            let Some(check) = source.checks.get(*i) else { continue };
            let (condition, mut keys) = (format!("NOT (\n{}\n)", check.expr.sql), Vec::new());
            let read = Scan::new(table, named.clone()).find(reader, &condition, &[], |row, number| {
                if keys.len() < KEYS && (number >= 0 || !named.is_empty() || scan::rowid(table).is_some()) {
                    let value = |c: usize| named.iter().position(|n| *n == c).map_or(Value::Null, |at| row.get(at));
                    keys.push(scan::key(table, number, value));
                }
                cancel.check()
            });
            match read {
                Err(e) if e.kind == Kind::Interrupted => return Err(e),
                // What SQLite cannot compute here, the census has not counted either.
                _ => self.put(table, Loosened::Check(*i), keys),
            }
        }
        Ok(())
    }

    fn keys(
        &mut self,
        reader: &mut Reader,
        prepared: &Prepared,
        (table, source, mapping): (&TablePlan, &Table, &TableMapping),
        cancel: &Cancel,
    ) -> Result<()> {
        let names = |places: &[usize]| {
            let names: Vec<String> =
                places.iter().filter_map(|c| source.columns.get(*c)).map(|c| c.name.clone()).collect();
            exclude::places(table, &names, |c| &c.name)
        };
        let of_key = |k: &lite2pg_model::schema::Key| k.columns.iter().map(|c| c.column).collect::<Vec<_>>();
        let primary = source.primary_key.iter().map(|k| (Loosened::Primary, mapping.primary_key, of_key(k), None));
        let uniques = source.uniques.iter().zip(&mapping.uniques).enumerate();
        let uniques = uniques.map(|(i, (k, fate))| (Loosened::Unique(i), *fate, of_key(k), None));
        let indexes = source.indexes.iter().zip(&mapping.indexes).enumerate().filter_map(|(i, (index, fate))| {
            let columns: Option<Vec<usize>> = index
                .terms
                .iter()
                .map(|t| match &t.on {
                    IndexOn::Column(c) => Some(*c),
                    IndexOn::Expression(_) => None,
                })
                .collect();
            let predicate = index.predicate.as_ref().map(|p| p.sql.as_str());
            Some((Loosened::Index(i), *fate, columns?, predicate))
        });
        for (what, fate, columns, predicate) in primary.chain(uniques).chain(indexes) {
            if fate != KeyFate::Plain {
                continue;
            }
            let (columns, mut keys) = (names(&columns), Vec::new());
            let read =
                exclude::repeating(reader, table, (&columns, predicate), &prepared.excluded, cancel, &mut |number| {
                    if keys.len() < KEYS {
                        keys.push(scan::place(table, number));
                    }
                    Ok(())
                });
            match read {
                // A predicate that cannot be computed here has not been counted either.
                Err(e) if predicate.is_none() || e.kind == Kind::Interrupted => return Err(e),
                _ => self.put(table, what, keys),
            }
        }
        Ok(())
    }
}
