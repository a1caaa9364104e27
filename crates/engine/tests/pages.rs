//! A table read back in parts is the table: no row outside of them, none in two of them.
//! Owns the oracle: the digest of the whole, and PostgreSQL's own places of the rows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, Settings, inspect, migrate};
use lite2pg_engine::source::{Options, Source};
use lite2pg_engine::verify::digest::{Pages, of_pages, of_source, of_target, parts, parts_of};
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::TablePlan;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use postgres::Client;

const SOURCE: &str = "
    CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT, n REAL);
    WITH RECURSIVE i(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < 9000)
    INSERT INTO plain SELECT n, CASE WHEN n % 7 THEN 'row ' || n END, n / 7.0 FROM i;
    CREATE TABLE uneven (id INTEGER PRIMARY KEY, b BLOB, t TEXT);
    WITH RECURSIVE i(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < 400)
    INSERT INTO uneven SELECT n, randomblob(n * n % 30000), hex(randomblob(n % 900)) FROM i;
    INSERT INTO uneven VALUES (1000, randomblob(2000000), 'long'), (1001, randomblob(2500000), 'long too');
    CREATE TABLE bare (x TEXT);
    CREATE TABLE empty (id INTEGER PRIMARY KEY, x TEXT);";

fn together(client: &mut Client, table: &TablePlan, parts: &[Pages]) -> Sum {
    let mut sum = Sum::new();
    for part in parts {
        sum.merge(&of_pages(client, "public", table, part, &Silent, &Cancel::new()).unwrap());
    }
    sum
}

#[test]
fn the_parts_of_a_table_are_the_table() {
    let cluster = Cluster::start(&[], &[]);
    let dir = std::env::temp_dir().join(format!("l2p-pages-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("source.db");
    fixtures::make(&path, SOURCE);
    // Then a value of two megabytes is too long to be held whole.
    let settings = Settings { memory: 32 << 20, ..running::settings(&path, &cluster, "postgres", &dir) };
    let plan = inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan;
    assert_eq!(migrate(&settings, &Silent, &Cancel::new()).unwrap().exit, 0);
    let source = Source::open(&path, &Options::new(dir.join("again"))).unwrap();
    let (mut client, mut reader) = (cluster.client("postgres"), source.reader().unwrap());
    for table in &plan.tables {
        let whole = of_target(&mut client, "public", table, &Silent, &Cancel::new()).unwrap();
        assert_eq!(whole, of_source(&mut reader, table, None, &Silent, &Cancel::new()).unwrap().0);
        assert_eq!(whole.rows, table.rows);
        assert_eq!(parts(&mut client, "public", table).unwrap().len(), 1, "little is one part");
        for bytes in [1, 8192, 100_000, 1 << 20, u64::MAX] {
            let cut = parts_of(&mut client, "public", table, bytes).unwrap();
            assert_eq!(together(&mut client, table, &cut), whole, "{} by {bytes}", table.name);
            let pages: i64 = client
                .query_one(&format!("SELECT pg_relation_size('\"{}\"') / 8192", table.target), &[])
                .unwrap()
                .get(0);
            assert!(bytes > 1 || cut.len() as i64 == pages.max(1), "{}: {} for {pages}", table.name, cut.len());
        }
    }
    // What comes to stand behind the pages that were there when it was cut is in the last part.
    let plain = &plan.tables[0];
    let cut = parts_of(&mut client, "public", plain, 64 << 10).unwrap();
    assert!(cut.len() > 3);
    client.batch_execute("INSERT INTO plain SELECT id + 1000000, a, n FROM plain").unwrap();
    let whole = of_target(&mut client, "public", plain, &Silent, &Cancel::new()).unwrap();
    assert_eq!(whole.rows, 18_000);
    assert_eq!(together(&mut client, plain, &cut), whole);
    // And one row that is not as it was makes one part another, and with it the whole.
    let before: Vec<Sum> = cut.iter().map(|p| together(&mut client, plain, &[*p])).collect();
    let row = "UPDATE plain SET a = 'other' WHERE id = 4711";
    assert_eq!(client.execute(row, &[]).unwrap(), 1);
    let after: Vec<Sum> = cut.iter().map(|p| together(&mut client, plain, &[*p])).collect();
    assert!(before != after && together(&mut client, plain, &cut) != whole);
    let _ = std::fs::remove_dir_all(&dir);
}
