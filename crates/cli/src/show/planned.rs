//! What is planned and how the source is read, as the `plan` and `source_file` of `inspect --json`.
//! Owns these fields (documented in docs/json.md); never decides.

use lite2pg_engine::source::{Facts, JournalMode, ReadFrom};
use lite2pg_model::plan::{ColumnPlan, ExtraColumn, ForeignKeyPlan, KeyPlan, Plan, TablePlan};
use serde_json::{Map, Value, json};

/// What is known of the file.
pub fn source_file(facts: &Facts) -> Value {
    let (read, reason) = match &facts.read_from {
        ReadFrom::Pinned => ("in-place", None),
        ReadFrom::Copied { reason, .. } => ("private-copy", Some(reason)),
    };
    json!({
        "path": facts.canonical.display().to_string(),
        "bytes": facts.bytes,
        "wal_bytes": facts.wal_bytes,
        "page_bytes": facts.page_size,
        "journal": journal(facts.journal_mode),
        "encoding": facts.encoding.word(),
        "user_version": facts.user_version,
        "application_id": facts.application_id,
        "read": read,
        "copied_because": reason,
    })
}

/// The journal mode as people know it.
pub fn journal(mode: JournalMode) -> &'static str {
    match mode {
        JournalMode::Wal => "WAL",
        JournalMode::Rollback => "rollback journal",
    }
}

/// Whether PostgreSQL refuses NULL there: every column of a primary key does, though SQLite may not have said so.
pub fn not_null(table: &TablePlan, column: &ColumnPlan) -> bool {
    column.not_null || table.primary_key.as_ref().is_some_and(|k| k.columns.contains(&column.target))
}

/// Every table as it will be: tables by name, their columns in order.
pub fn document(plan: &Plan) -> Value {
    let tables: Map<String, Value> = plan.tables.iter().map(|t| (t.name.clone(), table(t))).collect();
    json!({
        "schema": plan.schema, "left_out": plan.left_out, "tables": tables, "helpers": plan.helpers,
        "views": plan.views.iter().map(|v| json!({
            "name": v.name, "target": v.target, "query": v.query, "not_compared": v.incomparable,
            "columns": v.columns.iter().map(|c| json!({
                "name": c.name, "target": c.target, "type": c.crossing.ty.sql(), "approximate": c.approximate,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "triggers": plan.triggers.iter().map(|t| json!({
            "name": t.name, "target": t.target, "table": t.table, "timing": t.timing, "function": t.function,
            "body": t.body,
        })).collect::<Vec<_>>(),
    })
}

fn table(table: &TablePlan) -> Value {
    json!({
        "target": table.target,
        "where": table.filter,
        "key": table.primary_key.as_ref().map(key),
        "unique": table.uniques.iter().map(key).collect::<Vec<_>>(),
        "indexes": table.indexes.iter().map(|i| json!({
            "name": i.name, "unique": i.unique, "terms": i.terms, "where": i.predicate,
        })).collect::<Vec<_>>(),
        "foreign_keys": table.foreign_keys.iter().map(foreign_key).collect::<Vec<_>>(),
        "checks": table.checks.iter().map(|c| json!({
            "name": c.name, "condition": c.condition, "validated": !c.not_valid,
        })).collect::<Vec<_>>(),
        "left_out": table.left_out,
        "columns": table.columns.iter().map(|c| column(table, c)).collect::<Vec<_>>(),
        "extra": table.extra.iter().map(extra).collect::<Vec<_>>(),
    })
}

fn key(key: &KeyPlan) -> Value {
    json!({ "name": key.name, "columns": key.columns })
}

fn foreign_key(key: &ForeignKeyPlan) -> Value {
    json!({
        "name": key.name, "columns": key.columns, "parent": key.parent, "parent_columns": key.parent_columns,
        "validated": !key.not_valid,
    })
}

fn column(table: &TablePlan, column: &ColumnPlan) -> Value {
    json!({
        "name": column.name,
        "target": column.target,
        "declared": column.declared,
        "type": column.ty.sql(),
        "enum": column.enum_name.as_ref().map(|name| json!({ "name": name, "labels": column.labels })),
        "not_null": not_null(table, column),
        "default": column.default,
        "identity": column.identity.as_ref().map(|i| json!({ "sequence": i.sequence, "next": i.next })),
        "read": column.read,
        "reason": column.reason,
    })
}

fn extra(column: &ExtraColumn) -> Value {
    json!({ "target": column.target, "definition": column.definition, "sequence": column.sequence })
}
