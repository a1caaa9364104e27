//! Virtual tables: those whose rows are carried as an ordinary table's, those that are an index over another table, and
//! those that stay behind. Owns which is which; never decides what is made of an index (see `plan::build`).

use super::{Places, by_table, findings, key, visible};
use crate::finding::Finding;
use crate::schema::{Affinity, Column, Key, KeyColumn, RawColumn, RawSchema, Schema, Search, Stored, Table, TableKind};
use crate::sql::sqlite::module::{self, Content, FullText, ModuleText};

/// Resolves every virtual table of the schema. One that cannot be carried is a finding, and stops no other.
pub(super) fn resolve(raw: &RawSchema, places: &Places, schema: &mut Schema, found: &mut Vec<Finding>) {
    for i in 0..schema.tables.len() {
        let Some(table) = schema.tables.get(i) else { continue };
        let TableKind::Virtual(name) = &table.kind else { continue };
        let module = name.to_ascii_lowercase();
        let carried = match module::module(&table.sql) {
            None => Err("its CREATE VIRTUAL TABLE could not be read".to_owned()),
            Some(text) => match module.as_str() {
                "fts3" | "fts4" => full_text(raw, table, text.fts4(), &module),
                "fts5" => full_text(raw, table, text.fts5(), &module),
                "rtree" | "rtree_i32" => r_tree(raw, table, &text, &module),
                _ => Err(format!("the module {name} has no counterpart")),
            },
        };
        let linked = carried.and_then(|carried| match carried {
            Carried::Rows(made) => {
                schema.tables[i] = *made;
                Ok(())
            }
            Carried::IndexOf(content, search) => link(places, schema, i, &content, *search),
        });
        if let (Err(why), Some(table)) = (linked, schema.tables.get(i)) {
            found.push(findings::virtual_table(raw, table, &module, &why));
        }
    }
}

/// What becomes of a virtual table.
enum Carried {
    /// An ordinary table with its rows.
    Rows(Box<Table>),
    /// An index over the named table.
    IndexOf(String, Box<Search>),
}

/// A full-text table. Its rows are read from its shadow table, which needs neither the module nor the tokenizer, both of
/// which may be the application's own.
/// Source: <https://sqlite.org/fts3.html#shadow_tables>, <https://sqlite.org/fts5.html#fts5_data_structures>.
fn full_text(raw: &RawSchema, table: &Table, text: FullText, module: &str) -> Result<Carried, String> {
    let fts5 = module == "fts5";
    let key = if fts5 { "rowid" } else { "docid" };
    let search = |columns: Vec<String>, indexed: Vec<String>| Search {
        table: table.name.clone(),
        module: module.to_owned(),
        key: (key.to_owned(), text.content_key.clone()),
        columns,
        indexed,
        tokenizer: text.tokenizer.clone(),
        language: text.language.clone(),
    };
    let names = |indexed: bool| -> Vec<String> {
        text.columns.iter().filter(|c| c.indexed || !indexed).map(|c| c.name.clone()).collect()
    };
    match &text.content {
        Content::Of(content) => {
            let search = Box::new(search(names(false), names(true)));
            return Ok(Carried::IndexOf(content.clone(), search));
        }
        Content::Nowhere if !text.keeps_unindexed => {
            let columns = names(false).join(", ");
            return Err(format!(
                "it has no content (content=''): the texts of {columns} are not in the database, only the index over \
                 them, from which they cannot be had back"
            ));
        }
        Content::Nowhere => {
            let columns = names(true).join(", ");
            return Err(format!(
                "it has no content (content=''): the texts of {columns} are not in the database; what is stored of \
                 the columns that are not indexed stays behind too"
            ));
        }
        Content::Own if text.compressed => {
            return Err("its texts are packed by a function that only the application has (compress=)".to_owned());
        }
        Content::Own => {}
    }
    let shadow = format!("{}_content", table.name);
    let kept = by_table(&raw.columns, &shadow).ok_or_else(|| format!("its table {shadow} is not there"))?;
    let here = |name: String| kept.iter().find(|c| c.name.eq_ignore_ascii_case(&name)).map(|c| c.name.clone());
    let first = kept.first().ok_or_else(|| format!("its table {shadow} has no columns"))?;
    let key = key_name(key, &text);
    let mut stored = vec![(key.clone(), first.name.clone())];
    let mut columns = vec![column(&key, "INTEGER", true)];
    for (i, named) in text.columns.iter().enumerate() {
        let wanted = if fts5 { format!("c{i}") } else { format!("c{i}{}", named.name) };
        let found = here(wanted).ok_or_else(|| format!("{shadow} has no column for {}", named.name))?;
        stored.push((named.name.clone(), found));
        columns.push(column(&named.name, "", false));
    }
    if let Some(language) = &text.language {
        stored.extend(here("langid".to_owned()).map(|found| (language.clone(), found)));
        columns.push(column(language, "INTEGER", false));
    }
    let stored = Stored { table: listed(raw, &shadow), columns: stored };
    let search = search(names(false), names(true));
    let made = Table { stored: Some(stored), searches: vec![search], ..made_of(table, module, columns) };
    Ok(Carried::Rows(Box::new(made)))
}

/// A name for the key that no column has.
fn key_name(usual: &str, text: &FullText) -> String {
    let taken = |name: &str| {
        let columns = text.columns.iter().map(|c| &c.name).chain(&text.language);
        columns.into_iter().any(|c| c.eq_ignore_ascii_case(name))
    };
    let others = ["docid", "rowid", "id"].map(str::to_owned).into_iter();
    let numbered = (1..=text.columns.len() + 1).map(|n| format!("{usual}_{n}"));
    std::iter::once(usual.to_owned()).chain(others).chain(numbered).find(|n| !taken(n)).unwrap_or_default()
}

/// The spelling of a table's name.
fn listed(raw: &RawSchema, name: &str) -> String {
    let spelled = raw.table_list.keys().find(|k| k.eq_ignore_ascii_case(name));
    spelled.map_or_else(|| name.to_owned(), Clone::clone)
}

/// An R*Tree. It is read by its module, as one range, in the order of its key: the tree knows no other.
/// Source: <https://sqlite.org/rtree.html#creating_an_r_tree_index>.
fn r_tree(raw: &RawSchema, table: &Table, text: &ModuleText, module: &str) -> Result<Carried, String> {
    let empty = Vec::new();
    let columns: Vec<&RawColumn> = visible(by_table(&raw.columns, &table.name).unwrap_or(&empty)).collect();
    if columns.len() != text.arguments.len() {
        return Err("SQLite does not tell its columns".to_owned());
    }
    let bounds = text.arguments.iter().skip(1).take_while(|a| !a.starts_with('+')).count();
    let made = columns.iter().enumerate().map(|(i, c)| match i {
        0 => column(&c.name, "INTEGER", true),
        _ if i <= bounds => column(&c.name, if module == "rtree_i32" { "INT" } else { "REAL" }, true),
        _ => column(&c.name, &c.declared, false),
    });
    let coordinates = columns.iter().skip(1).take(bounds).map(|c| c.name.clone()).collect();
    let mut made = Table { coordinates, without_rowid: true, ..made_of(table, module, made.collect()) };
    made.order = key::order(&made);
    Ok(Carried::Rows(Box::new(made)))
}

/// An ordinary table whose first column is the key and hands out its own values.
fn made_of(table: &Table, module: &str, columns: Vec<Column>) -> Table {
    let first = KeyColumn { column: 0, collation: None, descending: false };
    Table {
        kind: TableKind::Ordinary,
        module: Some(module.to_owned()),
        columns,
        rowid_alias: Some(0),
        primary_key: Some(Key { name: None, columns: vec![first], on_conflict: None }),
        ..table.clone()
    }
}

fn column(name: &str, declared: &str, not_null: bool) -> Column {
    Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        affinity: Affinity::of(declared),
        not_null,
        default: None,
        collation: None,
        generated: None,
        read: None,
    }
}

/// Notes an index at the table that holds the text.
fn link(places: &Places, schema: &mut Schema, index: usize, content: &str, mut search: Search) -> Result<(), String> {
    let of = |name: &str| format!("it keeps no text of its own (content={name:?})");
    let holder = places.find(content).and_then(|i| schema.tables.get_mut(i));
    let Some(holder) = holder.filter(|t| t.kind == TableKind::Ordinary && t.module.is_none()) else {
        let view = schema.views.iter().any(|v| v.name.eq_ignore_ascii_case(content));
        let what =
            if view { "is a view, of which PostgreSQL has no such index" } else { "is no table that is carried" };
        return Err(format!("{}, and {content} {what}", of(content)));
    };
    let spelled = |name: &String| holder.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name)).map(|c| &c.name);
    let all = |names: &[String]| -> Result<Vec<String>, String> {
        let missing = |name: &String| format!("{}, and {content} has no column {name}", of(content));
        names.iter().map(|name| spelled(name).cloned().ok_or_else(|| missing(name))).collect()
    };
    // Without a list of columns FTS4 takes all of them.
    if search.columns.is_empty() {
        search.columns = holder.columns.iter().map(|c| c.name.clone()).collect();
        search.indexed.clone_from(&search.columns);
    }
    search.columns = all(&search.columns)?;
    search.indexed = all(&search.indexed)?;
    let key = search.key.1.take().and_then(|key| spelled(&key).cloned());
    search.key.1 = key.or_else(|| holder.rowid_alias.and_then(|i| holder.columns.get(i)).map(|c| c.name.clone()));
    let name = holder.name.clone();
    holder.searches.push(search);
    if let Some(table) = schema.tables.get_mut(index) {
        table.index_of = Some(name);
    }
    Ok(())
}
