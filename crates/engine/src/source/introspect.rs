//! What `sqlite_schema` and the pragmas say about a database, undigested.
//! Owns the reading of them; never parses SQL and never changes a name.

use std::collections::BTreeMap;

use lite2pg_model::ident;
use lite2pg_model::schema::{RawColumn, RawForeignKey, RawIndex, RawIndexColumn, RawObject, RawSchema, RawTable};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::fault::fault;
use crate::error::Result;

/// Reads it all. Objects of unknown virtual modules, and views that cannot be resolved, have no columns here.
pub(super) fn raw_schema(conn: &Connection) -> Result<RawSchema> {
    read(conn).map_err(|e| fault("cannot read the schema", e))
}

fn read(conn: &Connection) -> rusqlite::Result<RawSchema> {
    let mut raw = RawSchema { objects: objects(conn)?, table_list: table_list(conn)?, ..RawSchema::default() };
    for (name, table) in &raw.table_list {
        // Only of virtual tables and views may SQLite be unable to tell the columns.
        let own = matches!(table.kind.as_str(), "table" | "shadow");
        match columns(conn, name) {
            Ok(columns) => drop(raw.columns.insert(name.clone(), columns)),
            Err(e) if own => return Err(e),
            // A view that searches with MATCH is none that SQLite would run from a schema it does not trust; its columns
            // can be told all the same, for nothing of it is run.
            Err(_) => match trusting(conn, || columns(conn, name)) {
                Ok(columns) => drop(raw.columns.insert(name.clone(), columns)),
                Err(_) => continue,
            },
        }
        if own {
            raw.indexes.insert(name.clone(), indexes(conn, name)?);
            raw.foreign_keys.insert(name.clone(), foreign_keys(conn, name)?);
        }
    }
    let shadows = raw.table_list.iter().filter(|(_, table)| table.kind == "shadow");
    raw.shadow_rows = shadows.filter_map(|(name, _)| Some((name.clone(), some_rows(conn, name)?))).collect();
    if raw.table_list.contains_key("sqlite_sequence") {
        raw.sequences = sequences(conn)?;
    }
    Ok(raw)
}

/// Asks something that compiles what the schema holds, and runs nothing of it. A view may hold strings in double quotes.
fn trusting<T>(conn: &Connection, ask: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    for setting in [DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, DbConfig::SQLITE_DBCONFIG_DQS_DML] {
        conn.set_db_config(setting, true)?;
    }
    let answer = ask();
    for setting in [DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, DbConfig::SQLITE_DBCONFIG_DQS_DML] {
        conn.set_db_config(setting, false)?;
    }
    answer
}

/// How many rows a table has, counted no further than is worth it: only a message tells it, so that what cannot be read
/// is no error here.
fn some_rows(conn: &Connection, table: &str) -> Option<u64> {
    let (table, most) = (ident::sqlite(table), RawSchema::MOST_COUNTED);
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM main.{table} NOT INDEXED LIMIT {most})");
    conn.query_row(&sql, [], |r| r.get::<_, i64>(0)).ok().map(i64::unsigned_abs)
}

/// The rows of `sqlite_schema`, in rowid order.
pub(super) fn objects(conn: &Connection) -> rusqlite::Result<Vec<RawObject>> {
    let mut s = conn.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid")?;
    let rows = s.query_map([], |r| {
        Ok(RawObject {
            kind: text(r, 0)?.unwrap_or_default(),
            name: name(r, 1)?.unwrap_or_default(),
            table: name(r, 2)?.unwrap_or_default(),
            sql: text(r, 3)?,
        })
    })?;
    rows.collect()
}

/// `PRAGMA table_list` of the main database, by name.
pub(super) fn table_list(conn: &Connection) -> rusqlite::Result<BTreeMap<String, RawTable>> {
    let mut s = conn.prepare("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")?;
    let rows = s.query_map([], |r| {
        let table = RawTable { kind: r.get(1)?, without_rowid: r.get(2)?, strict: r.get(3)? };
        Ok((name(r, 0)?.unwrap_or_default(), table))
    })?;
    rows.collect()
}

fn columns(conn: &Connection, table: &str) -> rusqlite::Result<Vec<RawColumn>> {
    let mut s = conn.prepare_cached(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid",
    )?;
    let rows = s.query_map([table], |r| {
        Ok(RawColumn {
            name: name(r, 0)?.unwrap_or_default(),
            declared: text(r, 1)?.unwrap_or_default(),
            not_null: r.get(2)?,
            default: text(r, 3)?,
            primary_key: r.get(4)?,
            hidden: r.get(5)?,
        })
    })?;
    rows.collect()
}

fn indexes(conn: &Connection, table: &str) -> rusqlite::Result<Vec<RawIndex>> {
    let mut s = conn
        .prepare_cached("SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main') ORDER BY seq")?;
    let rows = s.query_map([table], |r| {
        Ok(RawIndex {
            name: name(r, 0)?.unwrap_or_default(),
            unique: r.get(1)?,
            origin: r.get(2)?,
            partial: r.get(3)?,
            columns: Vec::new(),
        })
    })?;
    let mut all: Vec<RawIndex> = rows.collect::<rusqlite::Result<_>>()?;
    for index in &mut all {
        index.columns = index_columns(conn, &index.name)?;
    }
    Ok(all)
}

fn index_columns(conn: &Connection, index: &str) -> rusqlite::Result<Vec<RawIndexColumn>> {
    let mut s = conn.prepare_cached(
        "SELECT cid, name, \"desc\", coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno",
    )?;
    let rows = s.query_map([index], |r| {
        Ok(RawIndexColumn {
            cid: r.get(0)?,
            name: name(r, 1)?,
            descending: r.get(2)?,
            collation: text(r, 3)?.unwrap_or_default(),
        })
    })?;
    rows.collect()
}

fn foreign_keys(conn: &Connection, table: &str) -> rusqlite::Result<Vec<RawForeignKey>> {
    let mut s = conn.prepare_cached(
        "SELECT id, seq, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1, 'main') \
         ORDER BY id, seq",
    )?;
    let rows = s.query_map([table], |r| {
        Ok(RawForeignKey {
            id: r.get(0)?,
            seq: r.get(1)?,
            table: name(r, 2)?.unwrap_or_default(),
            from: name(r, 3)?.unwrap_or_default(),
            to: name(r, 4)?,
            on_update: r.get(5)?,
            on_delete: r.get(6)?,
        })
    })?;
    rows.collect()
}

/// `sqlite_sequence`. Of several rows for one table SQLite uses the first; what is no integer it reads as one.
fn sequences(conn: &Connection) -> rusqlite::Result<BTreeMap<String, i64>> {
    let mut s = conn.prepare(
        "SELECT name, CAST(seq AS INTEGER) FROM main.sqlite_sequence NOT INDEXED WHERE seq IS NOT NULL ORDER BY rowid",
    )?;
    let mut all = BTreeMap::new();
    let mut rows = s.query([])?;
    while let Some(r) = rows.next()? {
        if let Some(name) = text(r, 0)? {
            let next = r.get(1)?;
            all.entry(name).or_insert(next);
        }
    }
    Ok(all)
}

/// A name. Its bytes must be UTF-8: spelled otherwise it would name something else, or nothing.
fn name(row: &Row<'_>, i: usize) -> rusqlite::Result<Option<String>> {
    if let ValueRef::Text(b) | ValueRef::Blob(b) = row.get_ref(i)?
        && std::str::from_utf8(b).is_err()
    {
        let shown: String = b.iter().flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
        let message = format!("the name {shown} is not valid UTF-8: rename it in SQLite first (ALTER TABLE … RENAME)");
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR),
            Some(message),
        ));
    }
    text(row, i)
}

/// Text as SQLite gives it; a number or a blob (a damaged schema has those) by its bytes.
fn text(row: &Row<'_>, i: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(i)? {
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(x) => Some(x.to_string()),
        ValueRef::Text(b) | ValueRef::Blob(b) => Some(String::from_utf8_lossy(b).into_owned()),
    })
}
