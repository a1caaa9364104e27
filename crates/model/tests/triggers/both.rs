//! A database on both sides: SQLite's, and what the plan makes of it in a PostgreSQL; how their rows are compared.
//! Owns no test.

use super::support;
use lite2pg_model::ident;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::codec::{Normal, OwnedValue};
use lite2pg_model::mapping::decide::decide;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::build::{Input, build};
use lite2pg_model::plan::{Effect, Plan, TablePlan, Work};
use lite2pg_model::schema::{Schema, TableKind};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Value;
use postgres::Client;
use postgres::types::{FromSql, Type};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;

/// A value of PostgreSQL as it comes over the wire.
struct Raw(Option<Vec<u8>>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub fn resolved(lite: &Connection) -> Schema {
    let mut raw = support::introspect(lite).unwrap();
    let views: Vec<String> = raw.objects.iter().filter(|o| o.kind == "view").map(|o| o.name.clone()).collect();
    for view in views {
        let mut query = lite.prepare("SELECT name, type, hidden FROM pragma_table_xinfo(?)").unwrap();
        let columns = query.query_map([&view], |r| {
            Ok(lite2pg_model::schema::RawColumn {
                name: r.get(0)?,
                declared: r.get(1)?,
                hidden: r.get(2)?,
                ..Default::default()
            })
        });
        raw.columns.insert(view.clone(), columns.unwrap().map(Result::unwrap).collect());
    }
    resolve(&raw).0
}

pub fn value(v: ValueRef<'_>) -> Value<'_> {
    match v {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => Value::Integer(i),
        ValueRef::Real(r) => Value::Real(r),
        ValueRef::Text(t) => Value::Text(t),
        ValueRef::Blob(b) => Value::Blob(b),
    }
}

pub fn planned(lite: &Connection, schema: &Schema, target: &str) -> Plan {
    let mut profiles = BTreeMap::new();
    let mut max_rowid = BTreeMap::new();
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let mut profile = TableProfile::for_table(table);
        let names: Vec<String> = table.columns.iter().map(|c| ident::sqlite(&c.name)).collect();
        let sql = format!("SELECT {} FROM {}", names.join(", "), ident::sqlite(&table.name));
        // Where a function that only the application has stands in the way, the table counts as empty.
        let Ok(mut query) = lite.prepare(&sql) else { continue };
        let mut rows = query.query([]).unwrap();
        while let Ok(Some(row)) = rows.next() {
            profile.rows += 1;
            for (i, column) in profile.columns.iter_mut().enumerate() {
                column.observe(value(row.get_ref(i).unwrap()));
            }
        }
        profiles.insert(table.name.clone(), profile);
        if let Some(rowid) = table.rowid_alias {
            let sql = format!("SELECT max({}) FROM {}", names[rowid], ident::sqlite(&table.name));
            if let Ok(Some(max)) = lite.query_row(&sql, [], |r| r.get::<_, Option<i64>>(0)) {
                max_rowid.insert(table.name.clone(), max);
            }
        }
    }
    let (mappings, findings) = decide(schema, &profiles, &Choices::default());
    build(schema, &profiles, &mappings, findings, &Input { schema: target, max_rowid, ..Input::default() })
}

pub struct Both {
    pub lite: Connection,
    pub pg: Client,
    pub plan: Plan,
}

impl Both {
    pub fn make(&mut self, foreign_keys: bool) {
        let schema = self.plan.schema.clone();
        self.pg.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).unwrap();
        let path = self.plan.search_path(&schema);
        let wanted = |work| match work {
            Work::Analyze(_) => false,
            Work::ForeignKey { .. } | Work::Validate { .. } => foreign_keys,
            _ => true,
        };
        for step in self.plan.steps(&schema) {
            match &step.effect {
                Effect::Sql(sql) if wanted(step.work) => {
                    let sql = format!("BEGIN; SET LOCAL search_path TO {path}; {sql}; COMMIT");
                    self.pg.batch_execute(&sql).unwrap_or_else(|e| panic!("{e:?}\n{sql}"));
                }
                Effect::Copy(i) => self.copy(*i),
                _ => {}
            }
        }
        for sql in self.plan.enable_triggers(&schema) {
            self.pg.batch_execute(&sql).unwrap();
        }
        self.pg.batch_execute(&format!("SET search_path TO {path}")).unwrap();
    }

    pub fn copy(&mut self, i: usize) {
        let table = &self.plan.tables[i];
        let columns: Vec<_> = table.columns.iter().filter(|c| c.generated.is_none()).collect();
        let own: Vec<String> = columns.iter().map(|c| ident::sqlite(&c.name)).collect();
        let names: Vec<String> = columns.iter().map(|c| ident::pg(&c.target)).collect();
        let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        let sql = format!("SELECT {} FROM {}", own.join(", "), ident::sqlite(&table.name));
        let mut query = self.lite.prepare(&sql).unwrap();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            out.extend(i16::try_from(columns.len()).unwrap().to_be_bytes());
            for (i, column) in columns.iter().enumerate() {
                column.codec().encode(value(row.get_ref(i).unwrap()), &mut out).unwrap();
            }
        }
        out.extend((-1i16).to_be_bytes());
        let into = ident::pg_in(&self.plan.schema, &table.target);
        let mut writer = self.pg.copy_in(&format!("COPY {into} ({}) FROM STDIN BINARY", names.join(", "))).unwrap();
        writer.write_all(&out).unwrap();
        writer.finish().unwrap();
    }

    /// The identities go on where SQLite would: numbers that failed statements took are given again.
    pub fn positions(&mut self) {
        let schema = self.plan.schema.clone();
        for table in &self.plan.tables {
            for (column, identity) in table.columns.iter().filter_map(|c| Some((c, c.identity.as_ref()?))) {
                let largest =
                    format!("SELECT max({}) FROM {}", ident::pg(&column.target), ident::pg_in(&schema, &table.target));
                let sequence = ident::literal(&ident::pg_in(&schema, &identity.sequence));
                let sql = format!("SELECT setval({sequence}, coalesce(({largest}), 0) + 1, false)");
                self.pg.batch_execute(&sql).unwrap();
            }
        }
    }

    /// All rows of both sides, sorted, one line each.
    pub fn rows(&mut self, table: &TablePlan, unequal: &[String]) -> (Vec<String>, Vec<String>) {
        let shown = |name: &str, v: String| {
            let unequal = unequal.iter().any(|u| *u == format!("{}.{name}", table.name));
            if unequal && v != "NULL" { "…".to_owned() } else { v }
        };
        let own: Vec<String> = table.columns.iter().map(|c| ident::sqlite(&c.name)).collect();
        let sql = format!("SELECT {} FROM {}", own.join(", "), ident::sqlite(&table.name));
        let mut query = self.lite.prepare(&sql).unwrap();
        let mut rows = query.query([]).unwrap();
        let mut lite = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let values = table.columns.iter().enumerate().map(|(i, c)| {
                let v = match row.get_ref(i).unwrap() {
                    ValueRef::Null => "NULL".to_owned(),
                    // Values of several classes are text there.
                    ValueRef::Integer(n) if c.normal == Normal::Text => format!("{:?}", n.to_string()),
                    ValueRef::Real(r) if c.normal == Normal::Text => format!("{:?}", format!("{r:?}")),
                    ValueRef::Integer(n) => format!("{n}"),
                    ValueRef::Real(r) => format!("{r:?}"),
                    ValueRef::Text(t) => format!("{:?}", String::from_utf8_lossy(t)),
                    ValueRef::Blob(b) => format!("{b:02x?}"),
                };
                shown(&c.name, v)
            });
            lite.push(values.collect::<Vec<_>>().join(" | "));
        }
        let names: Vec<String> = table.columns.iter().map(|c| ident::pg(&c.target)).collect();
        let from = ident::pg_in(&self.plan.schema, &table.target);
        let mut pg = Vec::new();
        for row in self.pg.query(&format!("SELECT {} FROM {from}", names.join(", ")), &[]).unwrap() {
            let values = table.columns.iter().enumerate().map(|(i, c)| {
                let raw: Raw = row.get(i);
                let v = match c.codec().decode(raw.0.as_deref()).unwrap() {
                    OwnedValue::Null => "NULL".to_owned(),
                    OwnedValue::Integer(n) => format!("{n}"),
                    OwnedValue::Real(r) => format!("{r:?}"),
                    OwnedValue::Text(t) => format!("{:?}", String::from_utf8_lossy(t.as_ref())),
                    OwnedValue::Blob(b) => format!("{b:02x?}"),
                };
                shown(&c.name, v)
            });
            pg.push(values.collect::<Vec<_>>().join(" | "));
        }
        lite.sort();
        pg.sort();
        (lite, pg)
    }
}
