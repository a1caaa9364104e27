//! What the engine's tests share: settings that point at a test's own server and directory.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on must fail, and may show what it saw"
)]

use lite2pg_engine::observe::{Event, Observer};
use lite2pg_engine::run::{Accept, Settings, TargetSpec};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_engine::target::Conninfo;
use lite2pg_engine::target::control::Operator;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::policy::Policies;
use lite2pg_testkit::cluster::Cluster;
use std::path::Path;

/// Settings of a migration of `source` into a database of the cluster; private files go to `dir`.
pub fn settings(source: &Path, cluster: &Cluster, dbname: &str, dir: &Path) -> Settings {
    settings_for(source, target(&cluster.socket_dir.display().to_string(), cluster.port, dbname), dir)
}

/// A database of a server, by its socket.
pub fn target(socket_dir: &str, port: u16, dbname: &str) -> TargetSpec {
    TargetSpec::Server(Conninfo::from_parts(socket_dir, port, "postgres", dbname).expect("a conninfo"))
}

/// Settings of a migration of `source` into a target.
pub fn settings_for(source: &Path, target: TargetSpec, dir: &Path) -> Settings {
    Settings {
        source: source.to_owned(),
        target,
        schema: "public".to_owned(),
        choices: Choices::default(),
        overrides: Default::default(),
        accept: Vec::new(),
        snapshot: SnapshotMode::Auto,
        work_dir: dir.join("work"),
        lock_dir: dir.join("locks"),
        jobs: 2,
        chunk_bytes: 8 << 20,
        memory: 128 << 20,
        verify: true,
        view_timeout: std::time::Duration::from_secs(60),
        collation_database: false,
        max_rejects: None,
        retry_for: std::time::Duration::ZERO,
        rollback_on_failure: false,
        operator: Operator { name: "tester".to_owned(), host: "here".to_owned() },
    }
}

/// The same, with everything answered so that nothing blocks.
pub fn lenient(source: &Path, cluster: &Cluster, dbname: &str, dir: &Path) -> Settings {
    Settings {
        accept: vec![Accept::All],
        choices: Choices::of(Policies::parse(["lossless"]).expect("a policy")),
        ..settings(source, cluster, dbname, dir)
    }
}

/// Prints what is seen where a test was asked to (`LITE2PG_TEST_SHOW=1`).
pub struct Show;

impl Observer for Show {
    fn see(&self, event: &Event) {
        if std::env::var_os("LITE2PG_TEST_SHOW").is_some() && !matches!(event, Event::Progress { .. }) {
            println!("{event:?}");
        }
    }
}
