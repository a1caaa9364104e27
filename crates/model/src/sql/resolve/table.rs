//! One table: its kind, its columns, its keys and its checks.
//! Owns the meeting of a CREATE TABLE's text with `table_list` and `table_xinfo`; never looks at other tables.

use super::{by_table, carries_rows, findings, foreign, key, unparsed, visible};
use crate::finding::Finding;
use crate::schema::{
    Affinity, Check, Column, Expression, Generated, RawColumn, RawObject, RawSchema, Table, TableKind,
};
use crate::sql::sqlite::{self, ColumnText, Names, TableText};

pub(super) fn resolve(raw: &RawSchema, object: &RawObject, findings: &mut Vec<Finding>) -> Table {
    let sql = object.sql.clone().unwrap_or_default();
    let listed = by_table(&raw.table_list, &object.name);
    let empty = Vec::new();
    let columns: Vec<&RawColumn> = visible(by_table(&raw.columns, &object.name).unwrap_or(&empty)).collect();
    let mut table = Table {
        name: object.name.clone(),
        kind: kind(raw, &object.name, &sql, listed.map(|l| l.kind.as_str())),
        without_rowid: listed.is_some_and(|l| l.without_rowid),
        filter: None,
        left_out: Vec::new(),
        order: Vec::new(),
        strict: listed.is_some_and(|l| l.strict),
        columns: Vec::new(),
        rowid_alias: None,
        autoincrement: false,
        sequence: by_table(&raw.sequences, &object.name).copied(),
        primary_key: None,
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        module: None,
        stored: None,
        searches: Vec::new(),
        coordinates: Vec::new(),
        index_of: None,
        sql,
    };
    let ordinary = carries_rows(&table.kind);
    let indexes = by_table(&raw.indexes, &object.name).map(Vec::as_slice).unwrap_or_default();
    if ordinary {
        table.rowid_alias = key::rowid_alias(&table, &columns, indexes);
    }
    let text = if ordinary { text(&table, &columns, findings) } else { None };
    fill_columns(&mut table, &columns, text.as_ref());
    if ordinary {
        key::resolve(&mut table, &columns, indexes, text.as_ref());
        table.order = key::order(&table);
        table.autoincrement = text.as_ref().map_or(table.sequence.is_some(), |t| t.autoincrement);
        table.checks = checks(text.as_ref());
        foreign::resolve(raw, &mut table, text.as_ref());
        findings::table(&table, text.as_ref(), findings);
    }
    table
}

/// The kind by `table_list`; by the name and the text where that pragma did not tell.
fn kind(raw: &RawSchema, name: &str, sql: &str, listed: Option<&str>) -> TableKind {
    let is_virtual = || sqlite::virtual_module(sql).ok();
    if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_")) {
        return TableKind::Internal;
    }
    match listed {
        Some("virtual") => TableKind::Virtual(is_virtual().unwrap_or_else(|| module_word(sql))),
        Some("shadow") if made_by_module(name, raw) => TableKind::Shadow,
        Some(_) => TableKind::Ordinary,
        None => is_virtual().map_or(TableKind::Ordinary, TableKind::Virtual),
    }
}

/// SQLite knows shadow tables by their names alone: `posts_content` beside a full-text table `posts`. With the option
/// `content=` (or without row sizes) the module makes no such table, and one of that name is the application's own.
/// Source: <https://sqlite.org/fts5.html#external_content_tables>, <https://sqlite.org/fts3.html#_external_content_fts4_tables_>.
pub(super) fn made_by_module(name: &str, raw: &RawSchema) -> bool {
    let name = name.to_ascii_lowercase();
    let Some((owner, part)) = name.rsplit_once('_') else { return true };
    let owner = raw.objects.iter().find(|o| o.kind == "table" && o.name.eq_ignore_ascii_case(owner));
    let sql = owner.and_then(|o| o.sql.as_deref()).unwrap_or_default().to_ascii_lowercase();
    let options: String = sql.split_whitespace().collect();
    match part {
        "content" => !options.contains("content=") || options.contains("contentless_unindexed=1"),
        "docsize" => !options.contains("columnsize=0") && !options.contains("matchinfo=fts3"),
        _ => true,
    }
}

/// The word after USING, for a statement that did not parse.
fn module_word(sql: &str) -> String {
    let mut words = sql.split(|c: char| c.is_whitespace() || c == '(');
    words.find(|w| w.eq_ignore_ascii_case("using"));
    words.find(|w| !w.is_empty()).map(sqlite::dequote).unwrap_or_default()
}

/// The text of the table, if it parses and tells of the same columns as the pragma.
fn text(table: &Table, columns: &[&RawColumn], findings: &mut Vec<Finding>) -> Option<TableText> {
    let names = Names {
        table: table.name.clone(),
        columns: columns.iter().map(|c| c.name.clone()).collect(),
        rowid_alias: table.rowid_alias,
    };
    let lost = "CHECK, COLLATE, ON CONFLICT, DEFERRABLE, generated columns and names of constraints";
    let parsed = sqlite::table(&table.sql, &names).and_then(|text| {
        let same = text.columns.len() == columns.len()
            && text.columns.iter().zip(columns).all(|(t, c)| t.name.eq_ignore_ascii_case(&c.name));
        if same { Ok(text) } else { Err("its columns are not those of PRAGMA table_xinfo".into()) }
    });
    parsed.map_err(|why| findings.push(unparsed(&table.name, "TABLE", lost, &why))).ok()
}

fn fill_columns(table: &mut Table, columns: &[&RawColumn], text: Option<&TableText>) {
    for (i, raw) in columns.iter().enumerate() {
        let written = text.and_then(|t| t.columns.get(i));
        let implied = table.rowid_alias == Some(i) || (raw.primary_key > 0 && (table.without_rowid || table.strict));
        table.columns.push(Column {
            read: None,
            name: raw.name.clone(),
            declared: raw.declared.clone(),
            affinity: affinity(&raw.declared, table.strict),
            not_null: raw.not_null || implied,
            default: raw
                .default
                .as_ref()
                .map(|sql| Expression { sql: sql.clone(), ast: sqlite::default_expression(sql) }),
            collation: written.and_then(|w| w.collation.clone()).filter(|c| c != "BINARY"),
            generated: generated(raw, written),
        });
    }
}

/// In a STRICT table ANY means no affinity; the other five words follow the ordinary rule.
/// Source: <https://sqlite.org/stricttables.html>.
fn affinity(declared: &str, strict: bool) -> Affinity {
    if strict && declared.eq_ignore_ascii_case("any") { Affinity::Blob } else { Affinity::of(declared) }
}

fn generated(raw: &RawColumn, written: Option<&ColumnText>) -> Option<Generated> {
    if raw.hidden != 2 && raw.hidden != 3 {
        return None;
    }
    let expr = written
        .and_then(|w| w.generated.as_ref())
        .map_or_else(|| Expression { sql: String::new(), ast: None }, |(expr, _)| expr.clone());
    Some(Generated { expr, stored: raw.hidden == 3 })
}

fn checks(text: Option<&TableText>) -> Vec<Check> {
    let Some(text) = text else { return Vec::new() };
    text.checks.iter().map(|c| Check { name: c.name.clone(), expr: c.expr.clone() }).collect()
}
