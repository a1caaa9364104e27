//! What a source tells: schema, values, SQLite's check, stand-ins and broken statements. The oracle is SQLite.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod common;

use std::cmp::Ordering;

use common::{Temp, one};
use lite2pg_engine::Kind;
use lite2pg_engine::source::{Encoding, Source};
use lite2pg_model::value::Value;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

#[test]
fn values_of_every_class_come_as_they_are() {
    for (encoding, expect) in
        [("UTF-8", Encoding::Utf8), ("UTF-16le", Encoding::Utf16le), ("UTF-16be", Encoding::Utf16be)]
    {
        for page in [512, 4096, 65536] {
            let t = Temp::new();
            let path = t.database(
                "v.db",
                &format!(
                    "PRAGMA encoding = '{encoding}'; PRAGMA page_size = {page}; PRAGMA user_version = -7; PRAGMA application_id = 9;
                     CREATE TABLE t(a, b, c, d, e, f, g);
                     INSERT INTO t VALUES (NULL, -9223372036854775808, 1.5, 'é𝄞' || char(0) || 'x', x'00ff', '', x'');
                     INSERT INTO t(a) VALUES (zeroblob(1000000)), (printf('%.*c', 100000, 'ü'))"
                ),
            );
            let source = t.open(&path).unwrap();
            let facts = source.facts();
            assert_eq!(
                (facts.encoding, facts.page_size, facts.user_version, facts.application_id),
                (expect, page, -7, 9)
            );
            let mut n = 0;
            source
                .reader()
                .unwrap()
                .for_each("SELECT * FROM t NOT INDEXED", &[], |row| {
                    n += 1;
                    if n == 1 {
                        assert_eq!(row.len(), 7);
                        assert_eq!(row.get(0), Value::Null);
                        assert_eq!(row.get(1), Value::Integer(i64::MIN));
                        assert_eq!(row.get(2), Value::Real(1.5));
                        // Twice: handing a value out must not change it.
                        assert_eq!(row.get(3), Value::Text("é𝄞\0x".as_bytes()));
                        assert_eq!(row.get(3), Value::Text("é𝄞\0x".as_bytes()));
                        assert_eq!(row.get(4), Value::Blob(&[0, 255]));
                        assert_eq!((row.get(5), row.get(6)), (Value::Text(b""), Value::Blob(b"")));
                        assert_eq!(row.get(7), Value::Null);
                    } else if n == 2 {
                        assert_eq!(row.get(0), Value::Blob(&vec![0; 1_000_000]));
                    } else {
                        assert_eq!(row.get(0), Value::Text("ü".repeat(100_000).as_bytes()));
                    }
                    Ok(())
                })
                .unwrap();
            assert_eq!(n, 3);
        }
    }
}

#[test]
fn parameters_errors_and_early_ends() {
    let t = Temp::new();
    let path = t.database(
        "p.db",
        "CREATE TABLE t(x); INSERT INTO t VALUES (1), (2), (3); INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))",
    );
    let source = t.open(&path).unwrap();
    let mut r = source.reader().unwrap();
    let all = [
        Value::Null,
        Value::Integer(-1),
        Value::Real(0.5),
        Value::Text(b"\xff\0a"),
        Value::Blob(b""),
        Value::Text(b""),
    ];
    r.for_each("SELECT ?1, ?2, ?3, ?4, ?5, ?6", &all, |row| {
        (0..6).for_each(|i| assert_eq!(row.get(i), all[i]));
        Ok(())
    })
    .unwrap();
    assert_eq!(r.query_i64("SELECT count(*) FROM t WHERE x > ?1", &[Value::Integer(1)]).unwrap(), Some(3));
    assert_eq!(r.query_i64("SELECT max(x) FROM t WHERE 0", &[]).unwrap(), None);
    let mut seen = 0;
    let e = r.for_each("SELECT x FROM t", &[], |_| {
        seen += 1;
        if seen == 2 { Err(lite2pg_engine::Error::target("full")) } else { Ok(()) }
    });
    assert_eq!((e.unwrap_err().kind, seen), (Kind::Target, 2));
    assert_eq!(r.for_each("SELECT x FROM nowhere", &[], |_| Ok(())).unwrap_err().kind, Kind::Source);
    assert!(r.for_each("", &[], |_| Ok(())).is_err());
    assert!(r.for_each("SELECT ?1", &[Value::Null, Value::Null], |_| Ok(())).is_err());
    let big = r.for_each("SELECT zeroblob(2000000000)", &[], |_| Ok(())).unwrap_err();
    assert_eq!(big.kind, Kind::Source);
    // Reading only: nothing of ours can write, and foreign keys are as they are.
    for sql in ["INSERT INTO t VALUES (9)", "DROP TABLE t", "PRAGMA user_version = 5", "CREATE TABLE u(x)"] {
        assert!(r.connection().execute_batch(sql).is_err(), "{sql}");
    }
    let moved = std::thread::spawn(move || one(&mut r, "SELECT count(*) FROM t"));
    assert_eq!(moved.join().unwrap(), 4);
}

#[test]
fn the_schema_is_what_the_pragmas_say() {
    let t = Temp::new();
    let path = t.database(
        "s.db",
        r#"CREATE TABLE "odd ""name"(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL DEFAULT 'x', b VARCHAR(10) UNIQUE,
               g AS (a || b) VIRTUAL, s INT AS (id + 1) STORED);
           CREATE TABLE w(k1 TEXT COLLATE NOCASE, k2 INT, PRIMARY KEY (k2 DESC, k1)) WITHOUT ROWID;
           CREATE TABLE c(p INT REFERENCES "odd ""name"(id) ON DELETE CASCADE ON UPDATE SET NULL, q, r,
               FOREIGN KEY (q, r) REFERENCES w);
           CREATE TABLE st(x INT, y ANY) STRICT;
           CREATE INDEX i1 ON w(lower(k1), k2) WHERE k2 > 0;
           CREATE VIEW v AS SELECT a FROM "odd ""name";
           CREATE VIEW broken AS SELECT a FROM nowhere;
           CREATE TRIGGER tr AFTER INSERT ON w BEGIN SELECT 1; END;
           CREATE VIRTUAL TABLE f USING fts5(z);
           INSERT INTO "odd ""name"(a, b) VALUES ('1', '2'), ('3', '4');
           ANALYZE;
           PRAGMA writable_schema = ON;
           INSERT INTO sqlite_schema VALUES ('table', 'gone', 'gone', 0, 'CREATE VIRTUAL TABLE gone USING nosuchmodule(x)');"#,
    );
    let source = t.open(&path).unwrap();
    assert!(
        source.quick_check(&|| false).unwrap().is_empty()
            && source.stand_ins().is_empty()
            && source.damage().is_empty()
    );
    let raw = source.raw_schema().unwrap();
    let odd = "odd \"name";
    let kinds = |n: &str| raw.table_list.get(n).map(|t| t.kind.clone()).unwrap_or_default();
    assert_eq!([odd, "v", "f", "f_data", "gone"].map(kinds), ["table", "view", "virtual", "shadow", "virtual"]);
    assert!(raw.table_list["w"].without_rowid && raw.table_list["st"].strict && !raw.table_list[odd].strict);
    let columns: Vec<_> = raw.columns[odd]
        .iter()
        .map(|c| (c.name.as_str(), c.declared.as_str(), c.not_null, c.primary_key, c.hidden))
        .collect();
    assert_eq!(
        columns,
        [
            ("id", "INTEGER", false, 1, 0),
            ("a", "TEXT", true, 0, 0),
            ("b", "VARCHAR(10)", false, 0, 0),
            ("g", "", false, 0, 2),
            ("s", "INT", false, 0, 3)
        ]
    );
    assert_eq!(raw.columns[odd][1].default.as_deref(), Some("'x'"));
    let i1 = raw.indexes["w"].iter().find(|i| i.name == "i1").unwrap();
    assert!(
        i1.partial
            && !i1.unique
            && i1.origin == "c"
            && i1.columns[0].cid == -2
            && i1.columns[1].name.as_deref() == Some("k2")
    );
    let pk = raw.indexes["w"].iter().find(|i| i.origin == "pk").unwrap();
    let key: Vec<_> =
        pk.columns.iter().map(|c| (c.name.as_deref().unwrap(), c.descending, c.collation.as_str())).collect();
    assert_eq!(key, [("k2", true, "BINARY"), ("k1", false, "NOCASE")]);
    let fks: Vec<_> = raw.foreign_keys["c"]
        .iter()
        .map(|f| {
            (
                f.id,
                f.seq,
                f.table.as_str(),
                f.from.as_str(),
                f.to.as_deref(),
                f.on_delete.as_str(),
                f.on_update.as_str(),
            )
        })
        .collect();
    assert_eq!(
        fks,
        [
            (0, 0, "w", "q", None, "NO ACTION", "NO ACTION"),
            (0, 1, "w", "r", None, "NO ACTION", "NO ACTION"),
            (1, 0, odd, "p", Some("id"), "CASCADE", "SET NULL")
        ]
    );
    assert_eq!(raw.sequences.get(odd), Some(&2));
    assert!(raw.objects.iter().any(|o| o.kind == "trigger" && o.name == "tr" && o.table == "w"));
    assert!(raw.objects.iter().any(|o| o.name.starts_with("sqlite_autoindex") && o.sql.is_none()));
    assert!(!raw.columns.contains_key("gone") && !raw.columns.contains_key("broken"));
}

fn reverse(a: &str, b: &str) -> Ordering {
    b.cmp(a)
}

#[test]
fn collations_and_functions_of_the_application() {
    let t = Temp::new();
    let path = t.data("a.db");
    {
        let conn = Connection::open(&path).unwrap();
        conn.create_collation("backwards", reverse).unwrap();
        for f in ["is_fine", "twice", "log_it", "named"] {
            conn.create_scalar_function(
                f,
                -1,
                FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS,
                |_| Ok(1),
            )
            .unwrap();
        }
        conn.execute_batch(
            "CREATE TABLE w(k TEXT COLLATE backwards PRIMARY KEY, n) WITHOUT ROWID;
             CREATE TABLE r(k TEXT COLLATE backwards UNIQUE, n INT CHECK (is_fine(n)), d DEFAULT (named()));
             CREATE TABLE gen(n, g AS (twice(n)) NOT NULL); INSERT INTO gen VALUES (1);
             CREATE INDEX ri ON r(twice(n), k);
             CREATE VIEW v AS SELECT log_it(n) FROM r;
             CREATE TRIGGER tr BEFORE UPDATE OF n ON r BEGIN SELECT log_it(NEW.n); END;
             WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 3000)
               INSERT INTO w SELECT 'key' || i, i FROM c;
             INSERT INTO r(k, n) SELECT k, n FROM w;",
        )
        .unwrap();
    }
    let source = t.open(&path).unwrap();
    let mut named: Vec<String> = source.stand_ins().into_iter().map(|f| f.object).collect();
    named.sort();
    assert_eq!(named, ["backwards", "log_it()", "named()", "twice()"]);
    let said = source.quick_check(&|| false).unwrap();
    assert_eq!(said.iter().map(|f| f.object.as_str()).collect::<Vec<_>>(), ["twice()"], "{said:?}");
    let mut reader = source.reader().unwrap();
    for table in ["w", "r"] {
        let mut keys = std::collections::BTreeSet::new();
        reader
            .for_each(&format!("SELECT k FROM {table} NOT INDEXED"), &[], |row| {
                let Value::Text(k) = row.get(0) else { panic!("{:?}", row.get(0)) };
                assert!(keys.insert(k.to_vec()), "twice");
                Ok(())
            })
            .unwrap();
        assert_eq!(keys.len(), 3000);
    }
    let e = reader.for_each("SELECT * FROM v", &[], |_| Ok(())).unwrap_err();
    assert!(e.to_string().contains("log_it"), "{e}");
}

#[test]
fn broken_statements_do_not_hide_the_rest() {
    let t = Temp::new();
    let path = t.database(
        "d.db",
        "CREATE TABLE good(x); CREATE TABLE bad(x); CREATE INDEX bi ON bad(x); CREATE INDEX gi ON good(x);
         CREATE TRIGGER gt AFTER INSERT ON good BEGIN SELECT 1; END; CREATE TRIGGER ok AFTER INSERT ON good BEGIN SELECT 1; END;
         INSERT INTO good VALUES (1), (2); INSERT INTO bad VALUES (3);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE bad(x,, y' WHERE name = 'bad';
         UPDATE sqlite_schema SET sql = 'CREATE TRIGGER gt AFTER INSERT ON good BEGIN SELEKT 1; END' WHERE name = 'gt';",
    );
    let before = t.listing();
    let source = t.open(&path).unwrap();
    let damage = source.damage();
    let mut named: Vec<&str> = damage.iter().map(|f| f.object.as_str()).collect();
    named.sort_unstable();
    assert_eq!(named, ["bad", "bi", "gt"]);
    assert!(damage.iter().all(lite2pg_model::finding::Finding::blocks));
    let raw = source.raw_schema().unwrap();
    let names: Vec<&str> = raw.objects.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["good", "gi", "ok"]);
    assert_eq!(one(&mut source.reader().unwrap(), "SELECT count(*) FROM good"), 2);
    let said = source.quick_check(&|| false).unwrap();
    assert!(said.iter().any(|f| f.message.contains("pages belong to no table")), "{said:?}");
    drop(source);
    assert!(before == t.listing());
}

#[test]
fn broken_constraints_are_findings_with_counts_not_damage() {
    let t = Temp::new();
    let path = t.database(
        "k.db",
        "CREATE TABLE t(x INT CHECK (x < 0), y INT); PRAGMA ignore_check_constraints = ON;
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 250) INSERT INTO t SELECT i, NULL FROM c;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE t(x INT CHECK (x < 0), y INT NOT NULL)' WHERE name = 't';",
    );
    let said = t.open(&path).unwrap().quick_check(&|| false).unwrap();
    assert!(said.len() == 1 && said[0].object == "t.y" && said[0].message.contains("250 times"), "{said:?}");
}

#[test]
fn a_check_can_be_interrupted() {
    let t = Temp::new();
    let path = t.database(
        "i.db",
        "CREATE TABLE t(x NOT NULL); CREATE INDEX i ON t(x);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 3000000) INSERT INTO t SELECT i FROM c;",
    );
    let source = t.open(&path).unwrap();
    let e = source.quick_check(&|| true).unwrap_err();
    assert_eq!(e.kind, Kind::Interrupted);
    // The snapshot still stands.
    assert!(source.quick_check(&|| false).unwrap().is_empty());
}

#[test]
fn a_source_may_be_shared_and_sent() {
    fn both<T: Send + Sync>() {}
    both::<Source>();
    fn send<T: Send>() {}
    send::<lite2pg_engine::source::Reader>();
}
