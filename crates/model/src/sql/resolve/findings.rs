//! The findings that depend on the schema only: each clause that has no counterpart, quoted, with what to do.
//! Owns their words; never decides what exists.

use crate::finding::{Finding, codes};
use crate::schema::{IndexOn, Key, RawSchema, Schema, Table, TableKind};
use crate::sql::sqlite::TableText;
use std::collections::BTreeMap;

fn accept(code: &str, object: &str, afterwards: &str) -> String {
    format!("go on without it with --accept {code}:{object}, and {afterwards}")
}

/// A virtual table that stays behind: what would be lost with it, and what offers the same.
pub(super) fn virtual_table(raw: &RawSchema, table: &Table, module: &str, why: &str) -> Finding {
    let prefix = format!("{}_", table.name.to_ascii_lowercase());
    let shadows = raw.table_list.iter().filter(|(name, t)| {
        t.kind == "shadow" && name.to_ascii_lowercase().starts_with(&prefix) && super::table::made_by_module(name, raw)
    });
    let rows = |name: &str| match raw.shadow_rows.get(name) {
        Some(1) => " (1 row)".to_owned(),
        Some(n) if *n >= RawSchema::MOST_COUNTED => format!(" ({n} rows or more)"),
        Some(n) => format!(" ({n} rows)"),
        None => String::new(),
    };
    let shadows: Vec<String> = shadows.map(|(name, _)| format!("{name}{}", rows(name))).collect();
    let behind = if shadows.is_empty() { "it stays".to_owned() } else { format!("it and {} stay", shadows.join(", ")) };
    // Of a module that it does not know, SQLite cannot tell which tables are its storage; only their names say so.
    let beside = |(name, t): &(&String, &crate::schema::RawTable)| {
        t.kind == "table" && table.columns.is_empty() && name.to_ascii_lowercase().starts_with(&prefix)
    };
    let beside: Vec<&str> = raw.table_list.iter().filter(beside).map(|(name, _)| name.as_str()).collect();
    let kept = match beside.as_slice() {
        [] => String::new(),
        names => format!("; {} are carried as ordinary tables, and may hold its rows", names.join(", ")),
    };
    let columns: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" with the columns {}", columns.join(", ")) };
    let named = format!("{} is a virtual table of the module {module}{columns}", table.name);
    Finding::not_carried(
        codes::VIRTUAL_TABLE,
        &table.name,
        format!("{named}; {behind} behind: {why}{kept}"),
        accept(codes::VIRTUAL_TABLE, &table.name, instead_of(module)),
    )
}

/// What offers in PostgreSQL what a module of SQLite's offers.
fn instead_of(module: &str) -> &'static str {
    match module {
        "fts3" | "fts4" | "fts5" => {
            "give the table that has the texts a tsvector column with a GIN index, filled by the application, afterwards"
        }
        "fts4aux" | "fts5vocab" | "fts3tokenize" => {
            "ask ts_stat('SELECT search FROM …') for the words of an index afterwards; no data of yours is in it"
        }
        "dbstat" | "sqlite_stmt" | "sqlite_dbpage" | "bytecode" | "tables_used" | "completion" => {
            "look at pg_class and pg_stat_statements for the like afterwards; no data of yours is in it"
        }
        "csv" | "zipfile" | "fsdir" => {
            "load the file that it shows, which is not part of the database, with COPY afterwards"
        }
        "geopoly" => {
            "first write its shapes into an ordinary table (CREATE TABLE … AS SELECT rowid, geopoly_json(_shape)) in SQLite"
        }
        "spellfix1" | "editdist3" => {
            "use the extensions pg_trgm (similarity) or fuzzystrmatch (levenshtein) over a table of its words afterwards"
        }
        "virtualspatialindex" | "virtualelementary" | "virtualknn" | "virtualknn2" => {
            "use the functions of the extension PostGIS for what it answers; no data of yours is in it"
        }
        "rtree" | "rtree_i32" => "make a table with a GiST index over its boxes afterwards",
        "vec0" => "use the extension pgvector afterwards; write its vectors into an ordinary table first",
        _ => {
            "if the application can read it in SQLite, let it first write the rows into an ordinary table, which is carried"
        }
    }
}

/// The findings of one ordinary table but for its collations.
pub(super) fn table(table: &Table, text: Option<&TableText>, findings: &mut Vec<Finding>) {
    for column in &table.columns {
        let Some(generated) = &column.generated else { continue };
        let object = format!("{}.{}", table.name, column.name);
        let afterwards = "let the application write it, or add a trigger or a generated column, afterwards";
        findings.push(Finding::not_carried(
            codes::GENERATED,
            &object,
            format!(
                "{object} is GENERATED ALWAYS AS ({}) {}; its values are copied into a plain column",
                generated.expr.sql,
                if generated.stored { "STORED" } else { "VIRTUAL" },
            ),
            accept(codes::GENERATED, &object, afterwards),
        ));
    }
    if let Some(text) = text {
        conflicts(table, text, findings);
        matches(table, text, findings);
    }
}

/// ON CONFLICT of keys and of NOT NULL; of CHECK it has no effect in SQLite either.
/// Source: <https://sqlite.org/lang_conflict.html>.
fn conflicts(table: &Table, text: &TableText, findings: &mut Vec<Finding>) {
    let columns = text.columns.iter().filter_map(|c| {
        let clause = c.not_null_conflict.as_ref()?;
        Some((format!("{}.{}", table.name, c.name), format!("NOT NULL ON CONFLICT {clause}")))
    });
    let keys = text.keys.iter().filter_map(|k| {
        let clause = k.on_conflict.as_ref()?;
        let what = if k.primary { "PRIMARY KEY" } else { "UNIQUE" };
        let names: Vec<&str> = k.columns.iter().map(|c| c.0.as_str()).collect();
        let object = match names.as_slice() {
            [one] => format!("{}.{one}", table.name),
            _ => table.name.clone(),
        };
        Some((object, format!("{what} ({}) ON CONFLICT {clause}", names.join(", "))))
    });
    for (object, clause) in columns.chain(keys) {
        if let Some(finding) = undone(&object, &clause) {
            findings.push(finding);
            continue;
        }
        let afterwards = "say INSERT … ON CONFLICT in the application's statements afterwards";
        findings.push(Finding::not_carried(
            codes::ON_CONFLICT,
            &object,
            format!("{object}: {clause}; the constraint is carried, but in PostgreSQL a conflict is always an error"),
            accept(codes::ON_CONFLICT, &object, afterwards),
        ));
    }
    for check in &text.checks {
        let Some(clause) = &check.on_conflict else { continue };
        findings.push(Finding::note(
            codes::ON_CONFLICT,
            &table.name,
            format!("{}: CHECK ({}) ON CONFLICT {clause}; SQLite ignores that clause", table.name, check.expr.sql),
            "nothing to do",
        ));
    }
}

/// FAIL and ROLLBACK are errors in both databases, and differ in how much is undone.
fn undone(object: &str, clause: &str) -> Option<Finding> {
    let (there, hint) = if clause.ends_with(" FAIL") {
        (
            "in SQLite the rows that a statement wrote before the conflict stay, in PostgreSQL the whole statement is undone",
            "statements that write several rows into this table: write them one by one, each after a SAVEPOINT, if those \
             before the conflict shall stay",
        )
    } else if clause.ends_with(" ROLLBACK") {
        (
            "in SQLite a conflict ends the whole transaction, in PostgreSQL it fails until ROLLBACK is said",
            "say ROLLBACK in the application when a statement on this table fails, as PostgreSQL wants it after any error",
        )
    } else {
        return None;
    };
    let message = format!("{object}: {clause}; the constraint is carried; {there}");
    Some(Finding::warning(codes::ON_CONFLICT, object, message, hint))
}

fn matches(table: &Table, text: &TableText, findings: &mut Vec<Finding>) {
    for key in &text.foreign_keys {
        let Some(word) = &key.matching else { continue };
        findings.push(Finding::note(
            codes::FOREIGN_KEY,
            &table.name,
            format!("{}: foreign key to {} says MATCH {word}, which SQLite does not enforce", table.name, key.parent),
            "nothing to do; it is carried as MATCH SIMPLE, which is how SQLite treats it",
        ));
    }
}

/// One finding for each column, key or index that compares otherwise than by bytes. A column of its own is a warning
/// (its values are carried, queries compare otherwise); a uniqueness that would become weaker blocks.
pub(super) fn collations(schema: &Schema, findings: &mut Vec<Finding>) {
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        for column in &table.columns {
            let Some(name) = &column.collation else { continue };
            let object = format!("{}.{}", table.name, column.name);
            let kept = match name.as_str() {
                "NOCASE" | "RTRIM" => "keys, indexes, checks and views keep that, a statement of the application's own",
                _ => "in PostgreSQL it",
            };
            findings.push(Finding::warning(
                codes::COLLATION,
                &object,
                format!("{object} is COLLATE {name}; {} {kept} compares by bytes", meaning(name)),
                "compare in queries as the collation did, e.g. lower(column) = lower(value)",
            ));
        }
        let keys =
            table.primary_key.iter().map(|k| ("PRIMARY KEY", k)).chain(table.uniques.iter().map(|k| ("UNIQUE", k)));
        for (what, key) in keys {
            key_collation(table, what, key, findings);
        }
        index_collations(table, findings);
    }
}

fn key_collation(table: &Table, what: &str, key: &Key, findings: &mut Vec<Finding>) {
    let Some(name) = key.columns.iter().find_map(|c| c.collation.as_deref()) else { return };
    let columns: Vec<&str> = key.columns.iter().map(|c| table.columns[c.column].name.as_str()).collect();
    let object = format!("{}({})", table.name, columns.join(","));
    findings.push(Finding::not_carried(
        codes::COLLATION,
        &object,
        format!(
            "{what} ({}) of {} is unique under COLLATE {name}; {} by bytes it lets more values stand side by side",
            columns.join(", "),
            table.name,
            meaning(name),
        ),
        accept(codes::COLLATION, &object, "create a unique index on the folded column (e.g. lower(column)) afterwards"),
    ));
}

fn index_collations(table: &Table, findings: &mut Vec<Finding>) {
    for index in &table.indexes {
        let mut used: BTreeMap<&str, ()> = BTreeMap::new();
        for term in &index.terms {
            // What is only the column's own collation is said at the column, unless uniqueness hangs on it.
            let own = match &term.on {
                IndexOn::Column(c) => table.columns.get(*c).and_then(|c| c.collation.as_deref()),
                IndexOn::Expression(_) => None,
            };
            if let Some(name) = term.collation.as_deref().filter(|n| index.unique || Some(*n) != own) {
                used.insert(name, ());
            }
        }
        for name in used.keys() {
            let what = format!("{} of {} uses COLLATE {name}; {}", index.name, table.name, meaning(name));
            findings.push(if index.unique {
                Finding::not_carried(
                    codes::COLLATION,
                    &index.name,
                    format!("unique index {what} by bytes it lets more values stand side by side"),
                    accept(
                        codes::COLLATION,
                        &index.name,
                        "create it on the folded column (e.g. lower(column)) afterwards",
                    ),
                )
            } else {
                Finding::warning(
                    codes::COLLATION,
                    &index.name,
                    format!("index {what} in PostgreSQL it orders by bytes"),
                    "nothing is lost; an index on lower(column) may serve the queries better",
                )
            });
        }
    }
}

fn meaning(collation: &str) -> &'static str {
    match collation {
        "NOCASE" => "the letters a to z are equal to A to Z,",
        "RTRIM" => "spaces at the end do not count,",
        _ => "only the application knows how it compares,",
    }
}
