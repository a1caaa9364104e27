//! Virtual tables as the resolver sees them, against what SQLite's own modules make of the same statements.
//! Owns odd ways of writing their arguments; never asks a PostgreSQL (see the engine's tests).
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use lite2pg_model::schema::{Schema, Table, TableKind};
use lite2pg_model::sql::resolve::resolve;
use rusqlite::Connection;

fn schema(sql: &str) -> (Connection, Schema) {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let (schema, _) = resolve(&support::introspect(&db).unwrap());
    (db, schema)
}

fn table<'a>(schema: &'a Schema, name: &str) -> &'a Table {
    schema.tables.iter().find(|t| t.name == name).unwrap()
}

#[test]
fn columns_are_those_that_the_module_sees() {
    for arguments in [
        "fts5(a, b, c)",
        "fts5(\"a b\", [c], `d``e`, 'f''g')",
        "fts5(a UNINDEXED, b, 'c' unindexed)",
        "fts5 ( a , tokenize = 'porter unicode61 remove_diacritics 2' , prefix='2 3' )",
        "fts5(a, tok=porter, pre=2, col=0, det=none)",
        "fts5(a, -- a comment, with a comma\n b /* and, another */)",
        "fts5(tokenizes, content_, prefixed)",
        "fts5(Ünï, \"ß\", tokenize = \"unicode61 tokenchars '-_,('\")",
        "fts3",
        "fts3()",
        "fts4(subject, body)",
        "fts4(a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL, \"c d\" TEXT)",
        "fts4(a, tokenize=porter, b)",
        "fts4(a, tokenize unicode61 \"remove_diacritics=0\" \"tokenchars=.,\", b)",
        "fts4(tokenizer, matchinfox, b)",
        "fts4(a, matchinfo=fts3, prefix=\"2,4\", order=DESC, b, notindexed=b)",
        "fts4(a, languageid=\"lid\")",
        "FTS3(a, prefix)",
        "fts4([a], 'b', \"c\", `d`)",
    ] {
        let (db, schema) = schema(&format!("CREATE VIRTUAL TABLE \"My t\" USING {arguments}"));
        let made = table(&schema, "My t");
        assert_eq!(made.kind, TableKind::Ordinary, "{arguments}");
        let mut s = db.prepare("SELECT name FROM pragma_table_xinfo('My t') WHERE hidden = 0").unwrap();
        let seen: Vec<String> = s.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let search = &made.searches[0];
        assert_eq!(search.columns, seen, "{arguments}");
        let names: Vec<&str> = made.columns.iter().map(|c| c.name.as_str()).collect();
        let stored = made.stored.as_ref().unwrap();
        assert_eq!(stored.columns.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), names, "{arguments}");
        // What is written into a column is found where the resolver says that it is kept.
        for (i, name) in seen.iter().enumerate() {
            let quoted = name.replace('"', "\"\"");
            db.execute(&format!("INSERT INTO \"My t\"(\"{quoted}\") VALUES (?1)"), [format!("v{i}")]).unwrap();
            let here = stored.column(name).unwrap().replace('"', "\"\"");
            let sql = format!("SELECT count(*) FROM \"{}\" WHERE \"{here}\" = ?1", stored.table);
            let found: i64 = db.query_row(&sql, [format!("v{i}")], |r| r.get(0)).unwrap();
            assert_eq!(found, 1, "{arguments}: {name}");
        }
        let shadows = schema.tables.iter().filter(|t| t.name != "My t" && t.kind == TableKind::Ordinary);
        assert_eq!(shadows.count(), 0, "{arguments}");
    }
}

#[test]
fn what_is_indexed_and_by_which_tokenizer_is_known() {
    let (_, schema) = schema(
        "CREATE VIRTUAL TABLE a USING fts5(x, y UNINDEXED, tokenize = 'porter ascii');
         CREATE VIRTUAL TABLE b USING fts4(x, y, docid2, notindexed=\"X\", tokenize=porter, languageid=l);",
    );
    let a = &table(&schema, "a").searches[0];
    assert_eq!((a.indexed.as_slice(), a.tokenizer.join(" ")), (["x".to_owned()].as_slice(), "porter ascii".to_owned()));
    let b = table(&schema, "b");
    assert_eq!(b.searches[0].indexed, ["y", "docid2"]);
    let names: Vec<&str> = b.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["docid", "x", "y", "docid2", "l"]);
    assert_eq!(
        (b.searches[0].tokenizer.join(" "), b.searches[0].language.as_deref()),
        ("porter".to_owned(), Some("l"))
    );
}

#[test]
fn an_index_over_a_table_is_noted_there() {
    let (_, schema) = schema(
        "CREATE TABLE Docs(Id INTEGER PRIMARY KEY, Title, body);
         CREATE TABLE plain(a, b);
         CREATE VIEW v AS SELECT 1 AS a;
         CREATE VIRTUAL TABLE one USING fts5(title, BODY UNINDEXED, content=docs, content_rowid=ID);
         CREATE VIRTUAL TABLE two USING fts4(content=\"docs\", title);
         CREATE VIRTUAL TABLE three USING fts4(content='plain');
         CREATE VIRTUAL TABLE four USING fts5(a, content='v');
         CREATE VIRTUAL TABLE five USING fts5(a, content='');",
    );
    let docs = table(&schema, "Docs");
    let seen: Vec<_> = docs.searches.iter().map(|s| (s.table.as_str(), s.columns.clone(), s.indexed.clone())).collect();
    let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    assert_eq!(seen, [("one", own(&["Title", "body"]), own(&["Title"])), ("two", own(&["Title"]), own(&["Title"]))]);
    assert_eq!(docs.searches[0].key, ("rowid".to_owned(), Some("Id".to_owned())));
    assert_eq!(docs.searches[1].key, ("docid".to_owned(), Some("Id".to_owned())));
    assert_eq!(table(&schema, "plain").searches[0].columns, ["a", "b"]);
    assert_eq!(table(&schema, "plain").searches[0].key.1, None);
    let of = |name: &str| table(&schema, name).index_of.clone();
    assert_eq!(
        [of("one"), of("three"), of("four"), of("five")],
        [Some("Docs".into()), Some("plain".into()), None, None]
    );
}

#[test]
fn boxes_have_their_bounds_and_what_is_beside_them() {
    let (_, schema) = schema(
        "CREATE VIRTUAL TABLE a USING rtree(\"the id\", x1, x2 , [y 1], y2, +n TEXT NOT NULL, +m);
         CREATE VIRTUAL TABLE b USING RTREE_I32(id,x1,x2);",
    );
    let a = table(&schema, "a");
    assert_eq!(a.coordinates, ["x1", "x2", "y 1", "y2"]);
    assert_eq!(a.columns.len(), 7, "{:?}", a.columns);
    assert!(a.without_rowid && a.rowid_alias == Some(0) && a.order.len() == 1);
    assert_eq!(table(&schema, "b").columns[1].declared, "INT");
    assert_eq!(schema.tables.iter().filter(|t| t.kind == TableKind::Shadow).count(), 6);
}

#[test]
fn texts_that_cannot_be_read_stay_behind_and_say_why() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE VIRTUAL TABLE t USING fts4(a); CREATE VIRTUAL TABLE u USING fts5(a)").unwrap();
    let mut raw = support::introspect(&db).unwrap();
    let packed = "CREATE VIRTUAL TABLE t USING fts4(a, compress=zip, uncompress=unzip)";
    raw.objects.iter_mut().filter(|o| o.name == "t").for_each(|o| o.sql = Some(packed.to_owned()));
    raw.columns.remove("u_content");
    raw.shadow_rows.insert("u_docsize".to_owned(), 1);
    let (schema, findings) = resolve(&raw);
    assert!(schema.tables.iter().all(|t| t.kind != TableKind::Ordinary));
    let of = |name: &str| findings.iter().find(|f| f.object == name && f.blocks()).unwrap().message.clone();
    assert!(of("t").contains("compress="), "{}", of("t"));
    assert!(of("u").contains("u_content is not there") && of("u").contains("u_docsize (1 row)"), "{}", of("u"));
}
