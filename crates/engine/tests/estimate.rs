//! The estimate of a dry run: the room it tells is about the room that the run then takes, every stage and table is in it, and
//! the dry run leaves nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod running;

use breaking::{Place, tell};
use lite2pg_engine::observe::Silent;
use lite2pg_engine::run::{Cancel, dry_run};
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::picture::compare;
use lite2pg_testkit::workloads::Workload;
use std::path::Path;

/// Of what is far from what: a third more than 30 % for what pages round up in small tables.
fn near(what: &str, told: u64, real: i64) {
    let real = real.unsigned_abs();
    let slack = real * 3 / 10 + 64 * 1024;
    assert!(told.abs_diff(real) <= slack, "{what}: {told} told, {real} taken");
}

#[track_caller]
fn holds(make: impl FnOnce(&Path), large: &str) {
    let cluster = Cluster::start(&[], &[]);
    let place = Place::new(&cluster, make);
    let before = place.picture(&cluster);
    let dry = dry_run(&place.settings, &Silent, &Cancel::new()).map_err(|e| tell(&e)).unwrap();
    assert_eq!(compare(&before, &place.picture(&cluster)), "", "the dry run left something");
    assert_eq!(dry.report.exit, 0, "{:?}", dry.report.findings);
    let estimate = dry.estimate;
    let stages: Vec<&str> = estimate.stages.iter().map(|s| s.name.as_str()).collect();
    for stage in ["census", "create", "copy", "keys and indexes", "verify"] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
    assert!(estimate.seconds > 0.0 && estimate.stages.iter().all(|s| s.seconds >= 0.0));
    assert!(estimate.workers >= 1 && estimate.source_copy_bytes == 0);
    // More than a sample of it was estimated.
    let of = estimate.tables.iter().find(|t| t.name == large).unwrap_or_else(|| panic!("{:?}", estimate.tables));
    assert!(of.rows > of.sample_rows && of.rows_a_second > 0.0, "{of:?}");
    assert!(estimate.wal_bytes > 0);
    let report = place.must_migrate("the run itself");
    assert_eq!(report.tables.len(), estimate.tables.len());
    let mut client = place.client(&cluster);
    let (mut tables, mut indexes) = (0, 0);
    for (told, table) in estimate.tables.iter().zip(&report.tables) {
        assert_eq!((&told.name, told.rows), (&table.name, table.rows));
        let sql = "SELECT pg_table_size(to_regclass($1)), pg_indexes_size(to_regclass($1))";
        let row = client.query_one(sql, &[&table.target]).unwrap();
        near(&format!("{} itself", table.name), told.table_bytes, row.get(0));
        near(&format!("indexes of {}", table.name), told.index_bytes, row.get(1));
        tables += row.get::<_, i64>(0);
        indexes += row.get::<_, i64>(1);
    }
    println!("{estimate:#?}\n{tables} {indexes} {:?}", report.stages);
    near("all", estimate.table_bytes + estimate.index_bytes, tables + indexes);
}

#[test]
fn of_market() {
    holds(|path| Workload::Market.make(path, 0.05), "ohlcv_data");
}

#[test]
fn of_events() {
    holds(|path| Workload::Events.make(path, 0.02), "events");
}

#[test]
fn of_documents() {
    holds(|path| Workload::Documents.make(path, 0.03), "documents");
}
