//! The whole way over the PostgreSQL that is compiled in: one connection, no server installed.
#![cfg(feature = "embedded")]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use lite2pg_testkit::cluster::Cluster;
use std::path::Path;
use std::process::Command;
use support::{Bench, target};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/chinook.sqlite");

#[test]
fn the_example_goes_into_the_embedded_server_and_out_again_as_a_dump() {
    let bench = Bench::new();
    let source = bench.path("chinook.sqlite");
    std::fs::copy(EXAMPLE, &source).unwrap();
    let migrate = ["migrate", &source, "--managed", "embedded", "--json"];
    let first = bench.run(&migrate).exits(0).json();
    let tables = first["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 11);
    assert!(tables.iter().all(|t| t["verified"] == true && t["source_sha256"] == t["target_sha256"]), "{first}");
    assert_eq!(first["foreign_keys_valid"], 11);
    assert_eq!(bench.run(&migrate).exits(0).json()["already_done"], true);
    assert_eq!(bench.run(&["verify", &source, "--json"]).exits(0).json()["status"], "done");

    // The dump is loaded by psql into a native server, and the rows there are those of the source.
    let dump = bench.path("chinook.sql");
    bench.run(&["dump", &format!("{source}.pg"), "-o", &dump]).exits(0);
    let cluster = Cluster::start(&["fsync = off"], &[]);
    let uri = target(&cluster, "chinook");
    let loaded = Command::new(Cluster::program("psql"))
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", &dump, &uri])
        .output()
        .unwrap();
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    let tracks =
        cluster.client("chinook").query_one("SELECT count(*), sum(\"Bytes\")::int8 FROM \"Track\"", &[]).unwrap();
    let db = rusqlite::Connection::open(Path::new(&source)).unwrap();
    let here: (i64, i64) =
        db.query_row("SELECT count(*), sum(Bytes) FROM Track", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
    assert_eq!((tracks.get::<_, i64>(0), tracks.get::<_, i64>(1)), here);

    bench.run(&["rollback", &source]).exits(0);
    let again = bench.run(&migrate).exits(0).json();
    assert_eq!(again["already_done"], false);
}
