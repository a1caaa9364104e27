//! Real databases: every schema that SQLite reads resolves, and every expression is translated or refused with a reason.
//! Owns the walk over `$LITE2PG_CORPUS` (a directory of SQLite files); does nothing without it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

mod support;

use lite2pg_model::finding::codes;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::schema::{Affinity, Column, IndexOn, Schema, Table, TableKind};
use lite2pg_model::sql::ast::Expr;
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::sql::translate::{
    Scope, ScopeColumn, Translated, Untranslatable, condition, default_value, expression,
};
use lite2pg_model::value::Class;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// How many of a kind translate, and why the others do not.
#[derive(Default)]
struct Tally {
    all: BTreeMap<&'static str, (usize, usize)>,
    reasons: BTreeMap<String, usize>,
}

impl Tally {
    fn count<T>(
        &mut self,
        what: &'static str,
        sql: &str,
        ast: Option<&Expr>,
        run: impl FnOnce(&Expr) -> Translated<T>,
    ) {
        let result = match ast {
            Some(e) => run(e).map(|_| ()),
            None => Err(Untranslatable { reason: "not in the tree".into() }),
        };
        let entry = self.all.entry(what).or_default();
        entry.0 += 1;
        match result {
            Ok(()) => entry.1 += 1,
            Err(e) => *self.reasons.entry(format!("{what} {sql}: {e}")).or_default() += 1,
        }
    }
}

fn class(db: &Connection, table: &Table, column: &Column) -> Option<Class> {
    let name = lite2pg_model::ident::sqlite(&column.name);
    let from = lite2pg_model::ident::sqlite(&table.name);
    let sql = format!("SELECT DISTINCT typeof({name}) FROM {from} NOT INDEXED WHERE {name} IS NOT NULL");
    let mut query = db.prepare(&sql).ok()?;
    let words: Vec<String> = query.query_map([], |r| r.get(0)).ok()?.flatten().collect();
    let all = [Class::Integer, Class::Real, Class::Text, Class::Blob];
    if words.len() == 1 { all.into_iter().find(|c| c.word() == words[0]) } else { None }
}

/// A type as a careful mapping might choose it.
fn pg_type(column: &Column, class: Option<Class>) -> PgType {
    let declared = column.declared.to_ascii_uppercase();
    match (class, column.affinity) {
        (None | Some(Class::Integer), _) if declared.contains("BOOL") => PgType::Boolean,
        (Some(Class::Text), _) => PgType::Text,
        (Some(Class::Blob), _) => PgType::Bytea,
        (_, Affinity::Integer) => PgType::BigInt,
        (_, Affinity::Real) => PgType::Double,
        (_, Affinity::Text) => PgType::Text,
        (_, Affinity::Blob) => PgType::Bytea,
        (_, Affinity::Numeric) if declared.contains("DATE") || declared.contains("TIME") => PgType::Text,
        (_, Affinity::Numeric) => PgType::Numeric(None),
    }
}

fn translate(db: &Connection, schema: &Schema, tally: &mut Tally) {
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let classes: Vec<Option<Class>> = table.columns.iter().map(|c| class(db, table, c)).collect();
        let columns: Vec<ScopeColumn> = table
            .columns
            .iter()
            .zip(&classes)
            .map(|(c, class)| ScopeColumn {
                target: &c.name,
                ty: pg_type(c, *class),
                source: c,
                class: *class,
                mixed: false,
                crossing: None,
                stamp: None,
            })
            .collect();
        let scope = Scope::of_columns(&columns, true);
        for check in &table.checks {
            tally.count("check", &check.expr.sql, check.expr.ast.as_ref(), |e| condition(e, &scope));
        }
        for column in &columns {
            if let Some(d) = &column.source.default {
                let what = format!("{} {}", column.source.declared, d.sql);
                tally.count("default", &what, d.ast.as_ref(), |e| {
                    default_value(e, column.source, &Crossing::new(column.ty, Normal::Exact))
                });
            }
        }
        for index in &table.indexes {
            if let Some(p) = &index.predicate {
                tally.count("predicate", &p.sql, p.ast.as_ref(), |e| condition(e, &scope));
            }
            for term in &index.terms {
                if let IndexOn::Expression(x) = &term.on {
                    tally.count("index term", &x.sql, x.ast.as_ref(), |e| expression(e, &scope));
                }
            }
        }
    }
}

#[test]
fn schemas_of_real_databases_resolve() {
    let Some(dir) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let mut paths = Vec::new();
    files(Path::new(&dir), &mut paths);
    let mut read = 0;
    let mut unparsed = Vec::new();
    let mut tally = Tally::default();
    for path in paths {
        let Ok(db) = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY) else { continue };
        let Ok(raw) = support::introspect(&db) else { continue };
        read += usize::from(!raw.objects.is_empty());
        let (schema, findings) = resolve(&raw);
        for f in findings.iter().filter(|f| f.code == codes::UNPARSED) {
            unparsed.push(format!("{}: {}", path.display(), f.message));
        }
        translate(&db, &schema, &mut tally);
    }
    println!("{read} databases read, {} statements not parsed", unparsed.len());
    for (what, (all, done)) in &tally.all {
        println!("{what}: {done} of {all}");
    }
    let mut reasons: Vec<_> = tally.reasons.into_iter().collect();
    reasons.sort_by_key(|r| std::cmp::Reverse(r.1));
    for (reason, n) in reasons {
        println!("{n:5} {reason}");
    }
    assert!(unparsed.is_empty(), "{}", unparsed.join("\n"));
}
