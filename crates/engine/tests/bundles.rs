//! Rows read back in bundles have the digests that they have one by one, of every type and with NULL anywhere.
//! Owns the oracle: COPY BINARY, which the server makes by itself; and PostgreSQL's word for what it was asked last.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod running;

use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, inspect};
use lite2pg_engine::verify::digest::{Pages, of_pages};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Codec;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::TablePlan;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;

/// Every type, its name for a column, and an expression of `i` with values of it.
const TYPES: [(PgType, &str, &str); 22] = [
    (PgType::SmallInt, "smallint", "i % 30000"),
    (PgType::Integer, "integer", "-i * 7"),
    (PgType::BigInt, "bigint", "i * 10000000000"),
    (PgType::Numeric(None), "numeric", "CASE i % 4 WHEN 0 THEN 0 WHEN 1 THEN -i / 7.0 WHEN 2 THEN 1e40 ELSE i END"),
    (PgType::Double, "double precision", "CASE i % 5 WHEN 0 THEN '-0' ELSE i / 7.0 END"),
    (PgType::Boolean, "boolean", "i % 2 = 0"),
    (PgType::Text, "text", "repeat(chr(200 + i % 50), i % 40)"),
    (PgType::Bytea, "bytea", "decode(repeat('00ff', i % 9), 'hex')"),
    (PgType::Date, "date", "'2000-01-01'::date + i - 500"),
    (PgType::Timestamp, "timestamp", "'1999-12-31 23:59:59.5'::timestamp + i * interval '1 hour'"),
    (PgType::TimestampTz, "timestamptz", "'1999-12-31 23:59:59.5Z'::timestamptz - i * interval '1 hour'"),
    (PgType::Uuid, "uuid", "md5(i::text)::uuid"),
    (PgType::Jsonb, "jsonb", "jsonb_build_object('a', i, 'b', ARRAY['x', i::text])"),
    (PgType::Json, "json", "format('[%s, \"\\u0000\"]', i)::json"),
    (PgType::VarChar(9), "varchar(9)", "i::text"),
    (PgType::Char(4), "char(4)", "to_char(i % 1000, 'FM0000')"),
    (PgType::Time, "time", "time '00:00' + i * interval '1 second'"),
    (PgType::Interval, "interval", "i * interval '1 month 2 days 3 seconds'"),
    (PgType::Inet, "inet", "CASE i % 2 WHEN 0 THEN '::1/64' ELSE '10.0.0.1' END::inet"),
    (PgType::Cidr, "cidr", "'10.0.0.0/8'::cidr"),
    (PgType::MacAddr, "macaddr", "'08:00:2b:01:02:03'::macaddr"),
    (PgType::Enum, "mood", "(ARRAY['sad', 'so-so', 'happy'])[1 + i % 3]::mood"),
];

struct Test {
    client: Client,
    watch: Client,
    backend: i32,
    table: TablePlan,
}

impl Test {
    fn sum(&mut self, pages: &Pages) -> (Sum, bool) {
        let sum = of_pages(&mut self.client, "public", &self.table, pages, &Silent, &Cancel::new()).unwrap();
        let last = "SELECT query FROM pg_stat_activity WHERE pid = $1";
        let last: String = self.watch.query_one(last, &[&self.backend]).unwrap().get(0);
        (sum, !last.starts_with("COPY"))
    }

    /// Both ways agree; whether bundles were enough.
    fn agree(&mut self) -> bool {
        let (one_by_one, bundled) = self.sum(&Pages::all(0));
        assert!(!bundled);
        let (sum, bundled) = self.sum(&Pages::all(u64::MAX));
        assert_eq!(sum, one_by_one);
        assert!(sum.rows > 0);
        bundled
    }
}

#[test]
fn rows_in_bundles_have_the_same_digests() {
    let cluster = Cluster::start(&["jit_above_cost = 0"], &[]);
    let dir = std::env::temp_dir().join(format!("l2p-bundles-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("source.db");
    let names: Vec<String> = (0..TYPES.len()).map(|i| format!("\"c'{i}\" TEXT")).collect();
    lite2pg_testkit::fixtures::make(&path, &format!("CREATE TABLE page ({})", names.join(", ")));
    let settings = running::settings(&path, &cluster, "postgres", &dir);
    let mut plan = inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan;
    let mut table = plan.tables.remove(0);
    for (column, (ty, _, _)) in table.columns.iter_mut().zip(TYPES) {
        column.crossing = Crossing::new(ty, Codec::new(ty).normal());
    }
    let mut client = cluster.client("postgres");
    let backend = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    client.batch_execute("CREATE TYPE mood AS ENUM ('sad', 'so-so', 'happy')").unwrap();
    let mut test = Test { client, watch: cluster.client("postgres"), backend, table };
    for (not_null, nulls) in [(" NOT NULL", 0), ("", 3), ("", 1)] {
        let columns: Vec<String> =
            TYPES.iter().enumerate().map(|(i, (_, ty, _))| format!("\"c'{i}\" {ty}{not_null}")).collect();
        let values: Vec<String> = TYPES
            .iter()
            .enumerate()
            .map(|(n, (_, _, value))| match nulls {
                0 => (*value).to_owned(),
                _ => format!("CASE WHEN (i + {n}) % {nulls} <> 0 THEN {value} END"),
            })
            .collect();
        let sql = format!(
            "DROP TABLE IF EXISTS page; CREATE TABLE page (gone int, {}); ALTER TABLE page DROP COLUMN gone;
             INSERT INTO page SELECT {} FROM generate_series(1, 5000) i",
            columns.join(", "),
            values.join(", ")
        );
        test.client.batch_execute(&sql).unwrap();
        assert!(test.agree(), "read row by row: {not_null:?} {nulls}");
    }
    let whole = test.sum(&Pages::all(u64::MAX)).0;
    test.client.batch_execute("UPDATE page SET \"c'1\" = 0 WHERE ctid = (SELECT max(ctid) FROM page)").unwrap();
    assert_ne!(test.sum(&Pages::all(u64::MAX)).0, whole, "one value in the last page");

    // What is short only because it was compressed is read row by row, and the rest of its pages with it.
    test.client
        .batch_execute("UPDATE page SET \"c'6\" = repeat('long', 15000) WHERE ctid IN (SELECT ctid FROM page LIMIT 40)")
        .unwrap();
    let outside = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'page'::regclass";
    assert_eq!(test.watch.query_one(outside, &[]).unwrap().get::<_, i64>(0), 0);
    assert!(!test.agree());
    // What stands outside its page is never in a bundle, nor what is of a type that somebody made since.
    test.client.batch_execute("UPDATE page SET \"c'6\" = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i) WHERE ctid IN (SELECT ctid FROM page LIMIT 1)").unwrap();
    assert!(!test.agree());
    for sql in [
        "UPDATE page SET \"c'6\" = ''",
        "VACUUM FULL page",
        "CREATE DOMAIN odd AS integer",
        "ALTER TABLE page ALTER \"c'1\" TYPE odd",
    ] {
        test.client.batch_execute(sql).unwrap();
    }
    assert!(!test.agree());
    test.client.batch_execute("ALTER TABLE page ALTER \"c'1\" TYPE integer").unwrap();
    assert!(test.agree());
    let _ = std::fs::remove_dir_all(&dir);
}
