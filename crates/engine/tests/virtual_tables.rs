//! Virtual tables end to end: full-text tables and R*Trees are made by SQLite itself, migrated to a real PostgreSQL, and
//! both sides are asked the same. Owns one case for each kind; the oracle is SQLite's own answer.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use lite2pg_engine::observe::{Report, Silent};
use lite2pg_engine::run::{Accept, Cancel, Settings, migrate};
use lite2pg_engine::safety::rollback::{RollbackOptions, rollback};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::finding::codes;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use running::{Show, settings};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

struct Place {
    dir: PathBuf,
    cluster: Cluster,
    path: PathBuf,
    source: Connection,
}

impl Place {
    fn new(sql: &str) -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2-virtual-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("s.db");
        let source = Connection::open(&path).unwrap();
        source.execute_batch(sql).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off"], &[]), path, source }
    }

    fn settings(&self) -> Settings {
        settings(&self.path, &self.cluster, "postgres", &self.dir)
    }

    fn migrate(&self) -> Report {
        migrate(&self.settings(), &Show, &Cancel::new()).expect("no error")
    }

    /// Migrates; must end with exit 0 and everything verified, by a second reading too.
    fn must_migrate(&self) -> (Report, Client) {
        let report = self.migrate();
        let told: Vec<_> = report.findings.iter().map(|f| (&f.code, &f.message)).collect();
        assert_eq!(report.exit, 0, "{told:#?}");
        assert!(report.tables.iter().all(|t| t.verified), "{:?}", report.tables);
        let again = verify(&self.settings(), Level::Rows, &Silent, &Cancel::new()).expect("no error");
        assert_eq!(again.exit, 0, "{:?}", again.findings);
        (report, self.cluster.client("postgres"))
    }

    /// What SQLite answers: integers, sorted by the statement.
    fn here(&self, sql: &str) -> Vec<i64> {
        let mut s = self.source.prepare(sql).unwrap();
        s.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn there(client: &mut Client, sql: &str) -> Vec<i64> {
    client.query(sql, &[]).unwrap_or_else(|e| panic!("{sql}: {e:?}")).iter().map(|r| r.get(0)).collect()
}

/// Tables and views of the published schema.
fn relations(client: &mut Client) -> Vec<String> {
    let sql = "SELECT c.relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') \
               ORDER BY relname COLLATE \"C\"";
    client.query(sql, &[]).unwrap().iter().map(|r| r.get(0)).collect()
}

const TEXTS: [&str; 6] =
    ["the quick brown fox", "a lazy dog sleeps", "quick dogs run", "nothing here", "Brown Dog and FOX", "zebra"];

#[test]
fn full_text_tables_with_their_own_text_are_searched_alike() {
    let mut sql = String::from(
        "CREATE VIRTUAL TABLE five USING fts5(title, body, note UNINDEXED, prefix='2 3', columnsize=0);
         CREATE VIRTUAL TABLE \"four Ä\" USING fts4(title, body, lang INTEGER, tokenize=unicode61, notindexed=lang,
             languageid=\"lid\", prefix=\"1,2\", order=desc, matchinfo=fts3);
         CREATE VIRTUAL TABLE three USING fts3(_id INTEGER PRIMARY KEY, body TEXT);
         CREATE VIRTUAL TABLE bare USING fts4;
         CREATE VIRTUAL TABLE stemmed USING fts5(body, tokenize = 'porter unicode61 remove_diacritics 1', detail=none);",
    );
    for (i, text) in TEXTS.iter().enumerate() {
        let n = i * 3 + 2;
        sql.push_str(&format!(
            "INSERT INTO five(rowid, title, body, note) VALUES ({n}, 't{i}', '{text}', {i});
             INSERT INTO \"four Ä\"(docid, title, body, lang, lid) VALUES ({n}, 't{i}', '{text}', {i}, {});
             INSERT INTO three(docid, _id, body) VALUES ({n}, {i}, '{text}');
             INSERT INTO bare(docid, content) VALUES ({n}, '{text}');
             INSERT INTO stemmed(rowid, body) VALUES ({n}, '{text}');",
            i % 3 / 2
        ));
    }
    sql.push_str("DELETE FROM five WHERE rowid = 17; UPDATE three SET body = 'brown paper' WHERE docid = 17; INSERT INTO bare DEFAULT VALUES;");
    let place = Place::new(&sql);
    let (report, mut client) = place.must_migrate();
    assert_eq!(relations(&mut client), ["bare", "five", "four Ä", "stemmed", "three"], "and no shadow table");
    let o = &report.objects;
    assert_eq!((o.virtual_tables.source, o.virtual_tables.carried, o.tables.source), (5, 5, 0));
    for (table, key, body) in [
        ("five", "rowid", "body"),
        ("\"four Ä\"", "docid", "body"),
        ("three", "docid", "body"),
        ("bare", "docid", "content"),
    ] {
        let all = format!("SELECT {key} FROM {table} ORDER BY 1");
        assert_eq!(place.here(&all), there(&mut client, &all), "{table}");
        // Without another word of it, SQLite searches the texts of the language 0.
        let language = if table.contains("four") { " AND lid = 0" } else { "" };
        for word in ["quick", "dog", "brown fox", "fox", "zebra", "nothing", "absent"] {
            let here = place.here(&format!("SELECT {key} FROM {table} WHERE {table} MATCH '{word}' ORDER BY 1"));
            let sql = format!(
                "SELECT {key} FROM {table} WHERE search @@ websearch_to_tsquery('simple', '{word}'){language} ORDER BY 1"
            );
            assert_eq!(here, there(&mut client, &sql), "{table}: {word}");
        }
        let here = place.here(&format!("SELECT {key} FROM {table} WHERE {table} MATCH 'do*' ORDER BY 1"));
        let sql =
            format!("SELECT {key} FROM {table} WHERE search @@ to_tsquery('simple', 'do:*'){language} ORDER BY 1");
        assert_eq!(here, there(&mut client, &sql));
        assert!(!here.is_empty());
        let texts = format!("SELECT sum(length({body})) FROM {table}");
        assert_eq!(place.here(&texts), there(&mut client, &texts));
    }
    let here = place.here("SELECT rowid FROM stemmed WHERE stemmed MATCH 'running OR sleeping' ORDER BY 1");
    let sql =
        "SELECT rowid FROM stemmed WHERE search @@ websearch_to_tsquery('english', 'running or sleeping') ORDER BY 1";
    assert_eq!(here, there(&mut client, sql));
    assert_eq!(there(&mut client, "SELECT lid FROM \"four Ä\" ORDER BY 1"), [0, 0, 0, 0, 1, 1]);
    assert_eq!(there(&mut client, "SELECT lang::bigint FROM \"four Ä\" ORDER BY docid"), [0, 1, 2, 3, 4, 5]);
    // A new row gets a key and is found.
    client.execute("INSERT INTO five (title, body) VALUES ('new', 'an unheard word')", &[]).unwrap();
    assert_eq!(
        there(&mut client, "SELECT rowid FROM five WHERE search @@ websearch_to_tsquery('simple', 'unheard')"),
        [15]
    );
    client.batch_execute("SET enable_seqscan = off").unwrap();
    let sql = "EXPLAIN SELECT * FROM five WHERE search @@ websearch_to_tsquery('simple', 'fox')";
    let plan: String = client.query(sql, &[]).unwrap().iter().map(|r| r.get::<_, String>(0)).collect();
    assert!(plan.contains("five_search_idx"), "{plan}");
    let note = report.findings.iter().find(|f| f.code == codes::VIRTUAL_DIFFERS && f.object == "stemmed").unwrap();
    assert!(note.hint.contains("websearch_to_tsquery('english', 'a b')"), "{note:?}");
}

const EXTERNAL: &str = "
    CREATE TABLE docs(id INTEGER PRIMARY KEY, title TEXT, body TEXT, made DATE, search TEXT);
    CREATE VIRTUAL TABLE docs_fts USING fts5(title, body, content='docs', content_rowid='id');
    CREATE VIRTUAL TABLE old USING fts4(content=\"docs\", body, tokenize=porter);
    CREATE TRIGGER ai AFTER INSERT ON docs BEGIN
        INSERT INTO docs_fts(rowid, title, body) VALUES (new.id, new.title, new.body); END;
    CREATE TRIGGER ad AFTER DELETE ON docs BEGIN
        INSERT INTO docs_fts(docs_fts, rowid, title, body) VALUES ('delete', old.id, old.title, old.body); END;";

#[test]
fn an_index_over_a_table_becomes_a_column_of_that_table() {
    let mut sql = EXTERNAL.to_owned();
    for (i, text) in TEXTS.iter().enumerate() {
        sql.push_str(&format!("INSERT INTO docs VALUES ({}, 't{i}', '{text}', '2024-01-0{}', 'x');", i + 10, i + 1));
    }
    sql.push_str("INSERT INTO old(old) VALUES('rebuild');");
    let place = Place::new(&sql);
    let mut settings = place.settings();
    settings.schema = "app".to_owned();
    settings.accept = vec![Accept::Code(codes::TRIGGER.to_owned())];
    let report = migrate(&settings, &Show, &Cancel::new()).expect("no error");
    assert_eq!(report.exit, 0, "{:#?}", report.findings);
    let o = &report.objects;
    assert_eq!((o.virtual_tables.source, o.virtual_tables.carried, o.tables.carried), (2, 2, 1));
    let mut client = place.cluster.client("postgres");
    let sql = "SET search_path TO app; SELECT count(*) FROM docs JOIN docs_fts ON rowid = id JOIN old ON docid = id";
    client.batch_execute(sql).unwrap();
    for word in ["quick", "brown fox", "t3", "absent", "dog"] {
        let here = format!(
            "SELECT d.title FROM docs d JOIN docs_fts f ON f.rowid = d.id WHERE docs_fts MATCH '{word}' ORDER BY d.id"
        );
        let there = "SELECT d.title FROM docs d JOIN docs_fts f ON f.rowid = d.id \
                     WHERE f.docs_fts_search @@ websearch_to_tsquery('simple', $1) ORDER BY d.id";
        let mut s = place.source.prepare(&here).unwrap();
        let here: Vec<String> = s.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let there: Vec<String> = client.query(there, &[&word]).unwrap().iter().map(|r| r.get(0)).collect();
        assert_eq!(here, there, "{word}");
    }
    let sql = "SELECT docid FROM old WHERE old_search @@ websearch_to_tsquery('english', 'dog') ORDER BY 1";
    assert_eq!(place.here("SELECT docid FROM old WHERE old MATCH 'dog' ORDER BY 1"), there(&mut client, sql));
    client.batch_execute("UPDATE docs SET body = 'fresh words' WHERE id = 10; SET enable_seqscan = off").unwrap();
    let sql = "SELECT rowid FROM docs_fts WHERE docs_fts_search @@ websearch_to_tsquery('simple', 'fresh')";
    assert_eq!(there(&mut client, sql), [10], "PostgreSQL keeps it up to date");
    let plan: String =
        client.query(&format!("EXPLAIN {sql}"), &[]).unwrap().iter().map(|r| r.get::<_, String>(0)).collect();
    assert!(plan.contains("docs_docs_fts_search_idx"), "{plan}");
}

/// Puts another text into the schema: the module that would make such a table is not here.
fn rewrite(place: &Place, name: &str, from: &str, to: &str) {
    place.source.execute_batch("PRAGMA writable_schema = ON").unwrap();
    let sql = "UPDATE sqlite_schema SET sql = replace(sql, ?1, ?2) WHERE name = ?3";
    assert_eq!(place.source.execute(sql, [from, to, name]).unwrap(), 1);
    place.source.execute_batch("PRAGMA writable_schema = RESET").unwrap();
}

#[test]
fn a_tokenizer_that_only_the_application_has_keeps_no_row_back() {
    let place = Place::new(
        "CREATE VIRTUAL TABLE five USING fts5(body, tokenize = 'unicode61'); INSERT INTO five(body) VALUES ('one word'), ('two');
         CREATE VIRTUAL TABLE four USING fts4(body, tokenize=unicode61); INSERT INTO four(body) VALUES ('three'), (NULL);
         CREATE TABLE t(a); INSERT INTO t VALUES (1);",
    );
    rewrite(&place, "five", "unicode61", "mine a 1");
    rewrite(&place, "four", "unicode61", "icu");
    let (report, mut client) = place.must_migrate();
    assert_eq!(relations(&mut client), ["five", "four", "t"]);
    let sql = "SELECT rowid FROM five WHERE search @@ websearch_to_tsquery('simple', 'word')";
    assert_eq!(there(&mut client, sql), [1]);
    assert_eq!(there(&mut client, "SELECT docid FROM four WHERE body IS NULL"), [2]);
    assert!(
        report.findings.iter().any(|f| f.object == "five" && f.message.contains("mine a 1")),
        "{:?}",
        report.findings
    );
}

#[test]
fn what_cannot_be_carried_is_told_and_stops_nothing_else() {
    let place = Place::new(
        "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2);
         CREATE VIEW v AS SELECT 1 AS id, 'x' AS a;
         CREATE VIRTUAL TABLE void USING fts5(a, b, content='', contentless_delete=1);
         INSERT INTO void(rowid, a, b) VALUES (1, 'x', 'y'), (2, 'z', '');
         CREATE VIRTUAL TABLE some USING fts5(a, b UNINDEXED, content='', contentless_unindexed=1);
         INSERT INTO some(rowid, a, b) VALUES (1, 'x', 'y');
         CREATE VIRTUAL TABLE of_view USING fts5(a, content='v', content_rowid='id');
         CREATE VIRTUAL TABLE gone USING fts5(a, content='no_such');
         CREATE VIRTUAL TABLE good USING fts5(a); INSERT INTO good VALUES ('here');
         CREATE VIRTUAL TABLE words USING fts5vocab(good, row);
         CREATE VIRTUAL TABLE other USING rtree(id, a, b); INSERT INTO other VALUES (1, 2, 3);",
    );
    rewrite(&place, "other", "rtree", "spellfix1");
    let report = place.migrate();
    assert_eq!(report.exit, 5);
    let told = |object: &str, words: &[&str]| {
        let of =
            |f: &&lite2pg_model::finding::Finding| f.code == codes::VIRTUAL_TABLE && f.object == object && f.blocks();
        let found = report.findings.iter().find(of).unwrap_or_else(|| panic!("{object}: {:#?}", report.findings));
        assert!(words.iter().all(|w| found.message.contains(w)), "{found:?}");
    };
    told("void", &["no content", "a, b", "void_docsize (2 rows)"]);
    told("some", &["no content", "some_content (1 row)"]);
    told("of_view", &["v is a view"]);
    told("gone", &["no_such"]);
    told("words", &["fts5vocab"]);
    told("other", &["spellfix1", "other_node, other_parent, other_rowid"]);
    assert_eq!(relations(&mut place.cluster.client("postgres")), [""; 0]);
    let mut settings = place.settings();
    settings.accept = vec![Accept::Code(codes::VIRTUAL_TABLE.to_owned()), Accept::Code(codes::VIEW.to_owned())];
    let report = migrate(&settings, &Show, &Cancel::new()).expect("no error");
    assert_eq!(report.exit, 0, "{:#?}", report.findings);
    let mut client = place.cluster.client("postgres");
    let made = relations(&mut client);
    assert_eq!(
        made.iter().filter(|n| *n != "v").collect::<Vec<_>>(),
        ["good", "other_node", "other_parent", "other_rowid", "t"]
    );
    let o = &report.objects;
    assert_eq!((o.virtual_tables.source, o.virtual_tables.carried), (7, 1));
}

#[test]
fn boxes_are_found_by_range_queries_alike() {
    let mut sql = String::from(
        "CREATE VIRTUAL TABLE d1 USING rtree(id, x1, x2);
         CREATE VIRTUAL TABLE d2 USING rtree(\"Id\", minX, maxX, minY, maxY, +name TEXT, +\"any thing\");
         CREATE VIRTUAL TABLE d3 USING rtree_i32(id, x1, x2, y1, y2, z1, z2);
         CREATE VIRTUAL TABLE d4 USING rtree(id, a1, a2, b1, b2, c1, c2, d1, d2);
         CREATE VIRTUAL TABLE d5 USING rtree(id, a1, a2, b1, b2, c1, c2, d1, d2, e1, e2);
         CREATE VIRTUAL TABLE none USING rtree(id, a, b);
         BEGIN;",
    );
    for i in (1..=400i32).rev() {
        let (x, y) = (f64::from(i * 37 % 101) / 7.0, f64::from(i * 53 % 97) / 3.0);
        let (x2, y2, n, m) = (x + 1.3, y + 0.7, i * 31 % 89 - 40, i * 17 % 61);
        sql.push_str(&format!(
            "INSERT INTO d1 VALUES ({}, {x}, {x2});
             INSERT INTO d2 VALUES ({i}, {x}, {x2}, {y}, {y2}, 'n{i}', {i});
             INSERT INTO d3 VALUES ({i}, {n}, {n} + 3, {m}, {m} + 2, {i}, {i} + 9);
             INSERT INTO d4 VALUES ({i}, {x}, {x2}, {y}, {y2}, {x}, {x2}, {n}, {n} + 1);
             INSERT INTO d5 VALUES ({i}, {x}, {x2}, {y}, {y2}, {x}, {x2}, {n}, {n} + 1, {m}, {m});",
            i64::from(i) - 9_000_000_000
        ));
    }
    sql.push_str("COMMIT;");
    let place = Place::new(&sql);
    let (report, mut client) = place.must_migrate();
    assert_eq!(relations(&mut client), ["d1", "d2", "d3", "d4", "d5", "none"]);
    let o = &report.objects;
    assert_eq!((o.virtual_tables.source, o.virtual_tables.carried), (6, 6));
    client.batch_execute("SET enable_seqscan = off").unwrap();
    let cases = [
        ("d1", "x1 <= 5 AND x2 >= 4.5", "numrange(x1::numeric, x2::numeric, '[]') && numrange(4.5, 5, '[]')"),
        (
            "d2",
            "\"minX\" <= 9 AND \"maxX\" >= 4.5 AND \"minY\" <= 12.25 AND \"maxY\" >= 8",
            "box(point(\"maxX\", \"maxY\"), point(\"minX\", \"minY\")) && box(point(9, 12.25), point(4.5, 8))",
        ),
        (
            "d3",
            "x1 <= 7 AND x2 >= -3 AND y1 <= 30 AND y2 >= 12 AND z1 <= 300 AND z2 >= 40",
            "box(point(x2::double precision, y2::double precision), point(x1::double precision, y1::double precision)) \
             && box(point(7, 30), point(-3, 12)) AND int8range(z1::bigint, z2::bigint, '[]') && int8range(40, 300, '[]')",
        ),
        (
            "d4",
            "a1 <= 9 AND a2 >= 4.5 AND b1 <= 22.25 AND b2 >= 8 AND d1 <= 12",
            "box(point(a2, b2), point(a1, b1)) && box(point(9, 22.25), point(4.5, 8))",
        ),
        (
            "d5",
            "a1 <= 9 AND a2 >= 4.5 AND e2 >= 8 AND b1 <= 100",
            "box(point(a2, b2), point(a1, b1)) && box(point(9, 100), point(4.5, -100))",
        ),
    ];
    for (table, range, indexed) in cases {
        let sql = format!("SELECT id FROM {table} WHERE {range} ORDER BY 1");
        let quoted = if table == "d2" { sql.replace("SELECT id", "SELECT \"Id\"") } else { sql.clone() };
        let here = place.here(&sql);
        assert!((3..390).contains(&here.len()), "{table}: {} rows are no question", here.len());
        assert_eq!(here, there(&mut client, &quoted), "{table}");
        let asked = quoted.replace(range, &format!("{range} AND {indexed}"));
        assert_eq!(here, there(&mut client, &asked), "{table}");
        let plan: String =
            client.query(&format!("EXPLAIN {asked}"), &[]).unwrap().iter().map(|r| r.get::<_, String>(0)).collect();
        assert!(plan.contains(&format!("{table}_box_idx")), "{table}: {plan}");
    }
    assert_eq!(there(&mut client, "SELECT count(*) FROM d2 WHERE name = 'n' || \"any thing\"::text"), [400]);
    let key = client
        .query_one("INSERT INTO d2 (\"minX\", \"maxX\", \"minY\", \"maxY\") VALUES (0,0,0,0) RETURNING \"Id\"", &[]);
    assert_eq!(key.unwrap().get::<_, i64>(0), 401);
    let refused = client.batch_execute("INSERT INTO d1 VALUES (1, 2, 1)").unwrap_err();
    assert_eq!(refused.code().map(|c| c.code().to_owned()), Some("23514".to_owned()), "as in SQLite");
}

#[test]
fn long_texts_are_carried_whole_and_searched_as_far_as_can_be() {
    let place = Place::new("CREATE VIRTUAL TABLE long USING fts5(a, b); CREATE VIRTUAL TABLE older USING fts4(a)");
    let words: String = (0..400_000).map(|i| format!("w{i} ")).collect();
    place.source.execute("INSERT INTO long VALUES (?1, 'end')", [&words]).unwrap();
    place.source.execute("INSERT INTO long VALUES ('x', 'y')", []).unwrap();
    place.source.execute("INSERT INTO older VALUES (?1)", ["q".repeat(3 << 20)]).unwrap();
    let mut settings = place.settings();
    settings.memory = 24 << 20;
    settings.jobs = 1;
    let report = migrate(&settings, &Show, &Cancel::new()).expect("no error");
    assert_eq!(report.exit, 0, "{:#?}", report.findings);
    let mut client = place.cluster.client("postgres");
    let sql = "SELECT octet_length(a)::bigint FROM long ORDER BY rowid";
    assert_eq!(there(&mut client, sql), [i64::try_from(words.len()).unwrap(), 1]);
    assert_eq!(there(&mut client, "SELECT octet_length(a)::bigint FROM older"), [3 << 20]);
    assert_eq!(there(&mut client, "SELECT rowid FROM long WHERE search @@ 'w17'::tsquery"), [1]);
    let told =
        |f: &&lite2pg_model::finding::Finding| f.code == codes::VIRTUAL_DIFFERS && f.message.contains("first 131072");
    assert_eq!(report.findings.iter().filter(told).count(), 2, "{:#?}", report.findings);
    // Whatever words they are, so many characters of them are never too many.
    for word in [
        "chr(19968 + i % 20900)",
        "chr(131072 + i % 42000)",
        "chr(1024 + i % 250) || chr(1024 + i / 250)",
        "chr(19968 + i % 20000) || chr(19968 + i / 10)",
        "to_hex(i) || '-' || to_hex(i * 7)",
        "to_hex(i) || '.com/' || to_hex(i)",
        "to_hex(i) || '@' || to_hex(i) || '.org'",
        "'/' || to_hex(i) || '/' || to_hex(i)",
    ] {
        let sql = format!(
            "SELECT length(to_tsvector('simple', left(string_agg({word}, ' ' ORDER BY i), 131072)))::bigint \
             FROM generate_series(1, 66000) i"
        );
        assert!(there(&mut client, &sql)[0] > 5000, "{word}");
    }
}

#[test]
fn what_was_made_of_them_can_be_undone() {
    let sql = String::from(
        "CREATE TABLE t(a, b TEXT); CREATE VIRTUAL TABLE own USING fts5(a); INSERT INTO own VALUES ('x'); CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
    );
    let place = Place::new(&sql);
    let mut settings = place.settings();
    settings.accept = vec![Accept::All];
    let report = migrate(&settings, &Show, &Cancel::new()).expect("no error");
    assert_eq!(report.exit, 0, "{:#?}", report.findings);
    let undone = rollback(&settings, RollbackOptions::default(), &Silent, &Cancel::new());
    undone.unwrap_or_else(|e| panic!("{e}: {:?}", e.hint));
    assert_eq!(relations(&mut place.cluster.client("postgres")), [""; 0]);
}

#[test]
fn a_geopackage_keeps_the_bytes_of_its_geometries() {
    let place = Place::new("");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/databases/geopackage-geometrycollection.gpkg");
    let mut settings = place.settings();
    settings.source = file.into();
    settings.accept = vec![Accept::All];
    let report = migrate(&settings, &Show, &Cancel::new()).expect("no error");
    assert_eq!(report.exit, 0, "{:#?}", report.findings);
    let mut client = place.cluster.client("postgres");
    let made = relations(&mut client);
    assert!(made.contains(&"rtree_test_geometry".to_owned()), "{made:?}");
    assert!(
        made.iter().all(|n| !n.ends_with("_node") && !n.ends_with("_rowid") && !n.ends_with("_parent")),
        "{made:?}"
    );
    let source = Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut s = source.prepare("SELECT id, geometry FROM test ORDER BY id").unwrap();
    let here: Vec<(i64, Vec<u8>)> =
        s.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    let rows = client.query("SELECT id, geometry FROM test ORDER BY id", &[]).unwrap();
    let there: Vec<(i64, Vec<u8>)> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    assert!(!here.is_empty() && here.iter().all(|(_, bytes)| bytes.starts_with(b"GP")));
    assert_eq!(here, there);
    let range = "SELECT id FROM rtree_test_geometry WHERE minx <= 180 AND maxx >= -180 AND miny <= 90 AND maxy >= -90";
    let mut s = source.prepare(range).unwrap();
    let here: Vec<i64> = s.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let boxed = "box(point(maxx, maxy), point(minx, miny)) && box(point(180, 90), point(-180, -90))";
    assert_eq!(here, self::there(&mut client, &format!("{range} AND {boxed}")));
}
