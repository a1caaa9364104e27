//! From a SQLite database to its plan, by the way the engine goes: schema, a census of every row, types, plan.
//! Owns nothing but that order; never writes to a database.

use super::introspect;
use lite2pg_model::finding::Finding;
use lite2pg_model::ident;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::decide::decide;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::Plan;
use lite2pg_model::plan::build::{Input, build};
use lite2pg_model::schema::{RawSchema, Schema, Table, TableKind};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Value;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use std::collections::BTreeMap;

/// What a database becomes under the choices that nobody made.
pub struct Planned {
    /// Its schema.
    pub schema: Schema,
    /// Its plan.
    pub plan: Plan,
}

/// Of a database.
pub fn of(db: &Connection) -> Result<Planned> {
    let raw = introspect(db)?;
    let schema = resolve(&raw).0;
    let mut profiles = BTreeMap::new();
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        profiles.insert(table.name.clone(), census(db, table)?);
    }
    Ok(of_raw(&raw, &profiles))
}

/// Of what was read of a database, whether or not it fits together.
pub fn of_raw(raw: &RawSchema, profiles: &BTreeMap<String, TableProfile>) -> Planned {
    let (schema, mut findings) = resolve(raw);
    let (mappings, of_types): (_, Vec<Finding>) = decide(&schema, profiles, &Choices::default());
    findings.extend(of_types);
    let input = Input { schema: "public", ..Input::default() };
    let plan = build(&schema, profiles, &mappings, findings, &input);
    Planned { schema, plan }
}

fn census(db: &Connection, table: &Table) -> Result<TableProfile> {
    let mut profile = TableProfile::for_table(table);
    let columns: Vec<String> = table.columns.iter().map(|c| ident::sqlite(&c.name)).collect();
    let sql = format!("SELECT {} FROM {} NOT INDEXED", columns.join(", "), ident::sqlite(&table.name));
    let mut query = db.prepare(&sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        profile.rows += 1;
        for (i, column) in profile.columns.iter_mut().enumerate() {
            let value = match row.get_ref(i)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(n) => Value::Integer(n),
                ValueRef::Real(r) => Value::Real(r),
                ValueRef::Text(t) => Value::Text(t),
                ValueRef::Blob(b) => Value::Blob(b),
            };
            profile.bytes += value.size();
            column.observe(value);
        }
    }
    Ok(profile)
}
