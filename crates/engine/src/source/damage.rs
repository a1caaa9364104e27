//! Objects whose statement in `sqlite_schema` is no SQL any more, found and left out so that the rest can be read.
//! Owns telling which they are; never repairs and never guesses their content.

use std::collections::BTreeSet;

use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::ident;
use lite2pg_model::schema::RawSchema;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::fault::{fault, is_corrupt};
use super::introspect;
use crate::error::Result;

/// What the schema holds, and what of it cannot be read.
pub(super) struct Damage {
    /// The schema loads only on connections that overlook broken statements.
    pub tolerant: bool,
    /// Tables that hold rows of their own.
    pub tables: Vec<String>,
    /// Views.
    pub views: Vec<String>,
    /// Broken objects: kind and name, and for an index or trigger its table.
    broken: BTreeSet<(String, String, String)>,
}

/// Loads the schema, tolerantly if need be.
pub(super) fn survey(main: &Connection) -> Result<Damage> {
    let what = "cannot read the schema";
    let mut damage = Damage { tolerant: false, tables: Vec::new(), views: Vec::new(), broken: BTreeSet::new() };
    match load(main) {
        Ok(()) => {}
        // Only this message means that a statement is no SQL; "disk image is malformed" is about pages.
        Err(e) if is_corrupt(&e) && e.to_string().contains("malformed database schema") => {
            damage.tolerant = true;
            main.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true).map_err(|e| fault(what, e))?;
            load(main).map_err(|e| fault(what, e))?;
            damage.broken = broken(main).map_err(|e| fault(what, e))?;
        }
        Err(e) => return Err(fault(what, e)),
    }
    for (name, table) in introspect::table_list(main).map_err(|e| fault(what, e))? {
        match table.kind.as_str() {
            "table" if !name.starts_with("sqlite_") => damage.tables.push(name),
            "view" => damage.views.push(name),
            _ => {}
        }
    }
    Ok(damage)
}

fn load(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))
}

/// Every row of `sqlite_schema` of which SQLite has made no object.
fn broken(conn: &Connection) -> rusqlite::Result<BTreeSet<(String, String, String)>> {
    let known: BTreeSet<String> = introspect::table_list(conn)?.into_keys().map(|n| n.to_ascii_lowercase()).collect();
    let mut all = BTreeSet::new();
    for o in introspect::objects(conn)? {
        let there = match o.kind.as_str() {
            "table" | "view" => known.contains(&o.name.to_ascii_lowercase()),
            "index" if o.sql.is_none() => true,
            // Compiled only, never run: SQLite says whether it knows the name.
            "index" | "trigger" => {
                let drop = format!("DROP {} main.{}", o.kind.to_uppercase(), ident::sqlite(&o.name));
                !conn.prepare(&drop).is_err_and(|e| e.to_string().contains("no such"))
            }
            _ => false,
        };
        if !there {
            all.insert((o.kind, o.name, o.table));
        }
    }
    Ok(all)
}

impl Damage {
    /// A schema without the broken objects.
    pub(super) fn without(&self, mut raw: RawSchema) -> RawSchema {
        let is_broken = |kind: &str, name: &str| self.broken.iter().any(|(k, n, _)| k == kind && n == name);
        raw.objects.retain(|o| !is_broken(&o.kind, &o.name) && !is_broken("table", &o.table));
        raw
    }

    /// What a person must know: each broken object blocks until it is accepted that it stays behind.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let one = |(kind, name, table): &(String, String, String)| {
            let rows = if kind == "table" { "its rows cannot be read" } else { "it is left out" };
            let of = if kind == "index" || kind == "trigger" { format!(" on {table}") } else { String::new() };
            Finding::not_carried(
                codes::DAMAGED,
                name.clone(),
                format!("the statement of the {kind} {name}{of} in sqlite_schema is not SQL that SQLite reads; {rows}"),
                "mend it with the application that made it or with `sqlite3 FILE .recover`, or accept that it stays behind",
            )
        };
        self.broken.iter().map(one).collect()
    }
}
