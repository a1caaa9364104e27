//! What the tests of a person's plan share: places with a source and a server, a shop, and what was said of it.
//! Owns these helpers; each test binary uses some of them.
#![allow(dead_code, missing_docs, unused_imports)]

pub use crate::running::{Show, settings, settings_for, target};
pub use lite2pg_engine::error::Kind;
pub use lite2pg_engine::observe::{Report, Silent};
pub use lite2pg_engine::run::{Accept, Cancel, Settings, inspect, migrate};
pub use lite2pg_engine::safety::rollback::{RollbackOptions, rollback};
pub use lite2pg_engine::verify::{Level, verify};
pub use lite2pg_model::finding::{Finding, codes};
pub use lite2pg_model::plan::file::{self, Page};
pub use lite2pg_model::plan::overrides::Overrides;
pub use lite2pg_testkit::cluster::Cluster;
pub use rusqlite::Connection;
pub use rusqlite::types::Value;
pub use serde_json::Value as Json;
pub use std::path::{Path, PathBuf};

pub struct Place {
    pub dir: PathBuf,
    pub cluster: Cluster,
}

impl Place {
    pub fn new() -> Place {
        Place { dir: directory(), cluster: Cluster::start(&["fsync = off"], &[]) }
    }

    pub fn settings(&self, sql: &str, plan: &str) -> Settings {
        Settings { overrides: said(plan), ..settings(&source(&self.dir, sql), &self.cluster, "postgres", &self.dir) }
    }

    pub fn texts(&self, query: &str) -> Vec<String> {
        self.cluster
            .client("postgres")
            .query(query, &[])
            .unwrap()
            .iter()
            .map(|r| r.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".into()))
            .collect()
    }

    pub fn text(&self, query: &str) -> String {
        self.texts(query).join("\n")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub fn directory() -> PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("l2-overrides-{}-{n}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

pub fn source(dir: &Path, sql: &str) -> PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let path = dir.join(format!("s{}.db", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    db.execute_batch(sql).unwrap();
    path
}

pub fn said(plan: &str) -> Overrides {
    file::read(&format!("version = 1\n{plan}"), "p.toml").unwrap_or_else(|p| panic!("{plan}: {p:?}"))
}

/// A look at a source without any server.
pub fn look(sql: &str, plan: &str) -> lite2pg_engine::Result<lite2pg_engine::run::Inspection> {
    let dir = directory();
    let path = source(&dir, sql);
    let settings = Settings { overrides: said(plan), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    let looked = inspect(&settings, false, &Silent, &Cancel::new());
    let _ = std::fs::remove_dir_all(&dir);
    looked
}

pub fn findings(sql: &str, plan: &str) -> Vec<Finding> {
    look(sql, plan).unwrap_or_else(|e| panic!("{plan}: {e}")).plan.findings
}

pub fn blocking(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().filter(|f| f.blocks()).map(|f| (f.code.as_str(), f.object.as_str())).collect()
}

#[track_caller]
pub fn done(report: &Report) {
    let blocking: Vec<_> = report.findings.iter().filter(|f| f.blocks()).collect();
    assert_eq!(report.exit, 0, "{blocking:?}");
    assert!(report.tables.iter().all(|t| t.verified && t.source_sha256 == t.target_sha256), "{:?}", report.tables);
}

pub const SHOP: &str = "
    CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, secret TEXT, region TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id), amount REAL, \"odd.name\" TEXT,
        colour TEXT, day TEXT, CHECK(amount >= 0));
    CREATE TABLE log(line TEXT);
    CREATE INDEX by_day ON orders(day);
    INSERT INTO customers VALUES(1, 'Ann', 's1', 'north'), (2, 'Bob', 's2', 'south'), (3, 'Cy', NULL, 'north');
    INSERT INTO orders VALUES(1, 1, 1.005, 'a', NULL, '2024-01-01'), (2, 1, 2.499, 'b', 'red', '2024-01-02'),
        (3, 3, 3.14159, NULL, NULL, NULL), (4, 3, 0.0, 'd', 'blue', '2024-02-01');
    INSERT INTO log VALUES('x');";

pub const SHOP_PLAN: &str = r#"
[tables.log]
skip = true
[tables.CUSTOMERS]
to = "clients"
where = "region = 'north' -- only these"
extra = [{ name = "made", type = "timestamptz", default = "now()", not-null = true }, { name = "note", type = "text" }]
[tables.CUSTOMERS.columns]
secret = { skip = true }
name = { expression = "upper(name)", to = "full name" }
[tables.orders.columns]
"amount" = "round(amount, 2)"
"odd.name" = { to = "plain", null = "none", not-null = true, default = "'none'" }
colour = { null = 0 }
"#;
