//! Types, labels, ways of writing and policies that a person says in the plan's file, where the rules would say otherwise.
//! Owns these cases; the oracle is PostgreSQL's catalog and its own text.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, Settings, inspect, migrate};
use lite2pg_model::plan::file;
use lite2pg_model::plan::overrides::Overrides;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, settings};
use rusqlite::Connection;

fn said(plan: &str) -> Overrides {
    file::read(&format!("version = 1\n{plan}"), "p.toml").unwrap_or_else(|p| panic!("{plan}: {p:?}"))
}

const SQL: &str = "
    CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE);
    CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id), n INTEGER, s TEXT, at INTEGER, flag TEXT,
        state TEXT CHECK(state IN ('new', 'old')), amount REAL, code TEXT REFERENCES p(code));
    INSERT INTO p VALUES(1, '10'), (2, '20');
    INSERT INTO t VALUES(1, 1, 7, '12.50', 1700000000, 'yes', 'new', 1.25, '10'),
        (2, 2, 8, '3', 1700000001, 'no', 'old', 2.5, '20'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);";

#[test]
fn types_are_what_the_file_says() {
    let dir = std::env::temp_dir().join(format!("l2-types-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("s.db");
    Connection::open(&path).unwrap().execute_batch(SQL).unwrap();
    let cluster = Cluster::start(&["fsync = off"], &[]);
    let plan = "[tables.t.columns]\nn = { type = 'smallint' }\ns = { type = 'varchar(9)' }
        at = { values = 'epoch-seconds' }\nflag = { values = 'yes/no' }\nstate = { type = 'enum', to = 'status' }
        amount = { expression = 'round(amount)', type = 'bigint' }";
    let settings = Settings { overrides: said(plan), ..settings(&path, &cluster, "postgres", &dir) };
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    let blocking: Vec<_> = report.findings.iter().filter(|f| f.blocks()).collect();
    assert_eq!(report.exit, 0, "{blocking:?}");
    let mut client = cluster.client("postgres");
    let row = "SELECT string_agg(concat_ws(' ', n, pg_typeof(n), s, pg_typeof(s), at AT TIME ZONE 'UTC', flag, status,
        pg_typeof(status) <> 'text'::regtype, amount, pg_typeof(amount)), '; ' ORDER BY id) FROM t WHERE id < 3";
    let row: String = client.query_one(row, &[]).unwrap().get(0);
    assert_eq!(
        row,
        "7 smallint 12.50 character varying 2023-11-14 22:13:20 t new t 1 bigint; \
         8 smallint 3 character varying 2023-11-14 22:13:21 f old t 3 bigint"
    );
    // A parent's type is followed by what refers to it, unless the file says otherwise.
    let types = |plan: &str| {
        let settings = Settings { overrides: said(plan), ..settings.clone() };
        let plan = inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan;
        let column = |t: usize, name: &str| plan.tables[t].columns.iter().find(|c| c.name == name).unwrap().ty.sql();
        (column(0, "code"), column(1, "code"))
    };
    let one = ("varchar(9)".to_owned(), "varchar(9)".to_owned());
    assert_eq!(types("[tables.p.columns]\ncode = { type = 'varchar(9)' }"), one);
    let both = "[tables.p.columns]\ncode = { type = 'varchar(9)' }\n[tables.t.columns]\ncode = { type = 'text' }";
    let refused = Settings { overrides: said(both), ..settings.clone() };
    let error = inspect(&refused, false, &Silent, &Cancel::new()).map(|_| ()).unwrap_err();
    assert_eq!(error.object.as_deref(), Some("p.toml:5"), "{error}");
    assert!(error.message.contains("t.code cannot be text") && error.message.contains("p.toml:3"), "{error}");
    let _ = std::fs::remove_dir_all(&dir);
}
