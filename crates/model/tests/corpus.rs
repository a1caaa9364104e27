//! Real databases: every schema that SQLite reads resolves, and every expression is understood or refused with a reason.
//! Owns the walk over `$LITE2PG_CORPUS` (a directory of SQLite files); does nothing without it.

mod support;

use lite2pg_model::finding::codes;
use lite2pg_model::schema::TableKind;
use lite2pg_model::sql::resolve::resolve;
use rusqlite::{Connection, OpenFlags};
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

#[test]
fn schemas_of_real_databases_resolve() {
    let Some(dir) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let mut paths = Vec::new();
    files(Path::new(&dir), &mut paths);
    let mut read = 0;
    let mut unparsed = Vec::new();
    let mut none = 0;
    for path in paths {
        let Ok(db) = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY) else { continue };
        let Ok(raw) = support::introspect(&db) else { continue };
        if raw.objects.is_empty() {
            continue;
        }
        read += 1;
        let (schema, findings) = resolve(&raw);
        for f in findings.iter().filter(|f| f.code == codes::UNPARSED) {
            unparsed.push(format!("{}: {}", path.display(), f.message));
        }
        for t in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
            for c in &t.checks {
                if c.expr.ast.is_none() {
                    none += 1;
                    println!("CHECK {}", c.expr.sql)
                }
            }
            for c in &t.columns {
                if let Some(d) = &c.default
                    && d.ast.is_none()
                {
                    none += 1;
                    println!("DEFAULT {}", d.sql)
                }
            }
        }
    }
    println!("{read} databases read, {} statements not parsed, {none} expressions beyond the tree", unparsed.len());
    assert!(unparsed.is_empty(), "{}", unparsed.join("\n"));
}
