//! The source while others use it: what arrives is one committed state, or nothing does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod breaking;
mod common;
mod running;

use breaking::{Once, Place, tell};
use common::Other;
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::Event;
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use lite2pg_testkit::picture::compare;

#[test]
fn other_process() {
    common::serve();
}

fn pair(path: &std::path::Path) {
    fixtures::make(
        path,
        "CREATE TABLE a(x INTEGER); CREATE TABLE b(x INTEGER);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO a SELECT i FROM n;
         INSERT INTO b SELECT -x FROM a;",
    );
}

#[test]
fn both_tables_are_of_one_moment() {
    let cluster = Cluster::start(&[], &[]);
    for (mode, snapshot) in [
        ("WAL", SnapshotMode::Auto),
        ("WAL", SnapshotMode::Pin),
        ("WAL", SnapshotMode::Copy),
        ("DELETE", SnapshotMode::Auto),
        ("DELETE", SnapshotMode::Copy),
    ] {
        let why = format!("{mode} {snapshot:?}");
        let mut place = Place::new(&cluster, pair);
        place.settings.snapshot = snapshot;
        let mut writer = Other::start();
        writer.must(&format!("open {}", place.source.display()));
        writer.must(&format!("PRAGMA journal_mode = {mode}"));
        writer.must("spin");
        let report = place.must_migrate(&why);
        let sql = "SELECT (SELECT sum(x) FROM public.a) + (SELECT sum(x) FROM public.b), (SELECT count(*) FROM public.a), \
                   (SELECT count(*) FROM public.b)";
        let row = place.client(&cluster).query_one(sql, &[]).unwrap();
        let (sum, a, b): (Option<rust_decimal_text::Text>, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(sum.unwrap().0, 0, "{why}: the tables are of two moments");
        assert_eq!(a, b, "{why}");
        assert_eq!(report.tables[0].rows, a.cast_unsigned(), "{why}");
        writer.must("halt");
        let later = writer.must("SELECT count(*) FROM a");
        assert_ne!(later, format!("Integer({a})"), "{why}: nobody wrote meanwhile, so nothing was tested");
    }
}

/// A sum of bigints is numeric, which the client does not know: only zero matters.
mod rust_decimal_text {
    pub struct Text(pub i64);
    impl<'a> postgres::types::FromSql<'a> for Text {
        fn from_sql(
            _: &postgres::types::Type,
            raw: &'a [u8],
        ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
            // Zero has no digits.
            Ok(Text(i64::from(u16::from_be_bytes([raw[0], raw[1]]))))
        }
        fn accepts(ty: &postgres::types::Type) -> bool {
            *ty == postgres::types::Type::NUMERIC
        }
    }
}

#[test]
fn a_source_that_is_replaced_or_written_behind_is_told() {
    let cluster = Cluster::start(&[], &[]);
    for (why, stage) in [
        ("replaced", "copy"),
        ("overwritten", "copy"),
        ("replaced", "verify"),
        ("overwritten", "indexes"),
        ("removed", "verify"),
    ] {
        let mut place = Place::new(&cluster, pair);
        place.settings.snapshot = SnapshotMode::Pin;
        let before = place.picture(&cluster);
        let observer = Once::new(|e: &Event| {
            let due = matches!(e, Event::StageStarted { stage: s, .. } if *s == stage);
            if due {
                // By another process: this one would drop SQLite's locks.
                let script = match why {
                    "replaced" => "cp \"$0\" \"$0.new\" && mv \"$0.new\" \"$0\"",
                    "removed" => "rm \"$0\"",
                    _ => "sleep 0.02; printf x | dd of=\"$0\" bs=1 seek=9000 conv=notrunc 2>/dev/null",
                };
                assert!(
                    std::process::Command::new("sh")
                        .args(["-c", script])
                        .arg(&place.source)
                        .status()
                        .unwrap()
                        .success()
                );
            }
            due
        });
        let error =
            migrate(&place.settings, &observer, &Cancel::new()).err().unwrap_or_else(|| panic!("{why} at {stage}"));
        assert_eq!((error.kind, error.kind.exit()), (Kind::Source, 3), "{why} at {stage}: {}", tell(&error));
        let there: bool =
            place.client(&cluster).query_one("SELECT to_regclass('public.a') IS NOT NULL", &[]).unwrap().get(0);
        assert!(!there, "{why} at {stage}: published");
        place.must_undo(why);
        assert_eq!(compare(&before, &place.picture(&cluster)), "");
    }
}
