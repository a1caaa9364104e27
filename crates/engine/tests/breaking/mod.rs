//! What the tests that break things share: a place to migrate from and to, pictures of it, a child that can be killed.
//! Owns the test binary's second role; never checks anything but that nothing changed.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::exit)]

use lite2pg_engine::observe::{Event, Observer, Report, Silent};
use lite2pg_engine::run::{Cancel, Settings, TargetSpec, migrate};
use lite2pg_engine::safety::rollback::{RollbackOptions, Undone, rollback};
use lite2pg_engine::source::SnapshotMode;
use lite2pg_engine::target::Conninfo;
use lite2pg_engine::target::control::Operator;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::{fixtures, picture};
use postgres::Client;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::running;

const ROLE: &str = "LITE2PG_TEST_CHILD";

/// A directory with a source, and a database of a cluster that already holds something of somebody else.
pub struct Place {
    pub dir: PathBuf,
    pub source: PathBuf,
    pub db: String,
    pub host: String,
    pub port: u16,
    socket: String,
    pub settings: Settings,
    /// Policies of the child.
    pub policies: Vec<String>,
}

impl Place {
    /// A new directory and a new database; `make` fills the source.
    pub fn new(cluster: &Cluster, make: impl FnOnce(&Path)) -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2p-break-{}-{n}", std::process::id()));
        std::fs::create_dir_all(dir.join("data")).unwrap();
        let source = dir.join("data/source.db");
        make(&source);
        let db = format!("place{n}");
        cluster.sql(&format!("CREATE DATABASE {db}"));
        cluster.client(&db).batch_execute(fixtures::SOMEBODY_ELSES).unwrap();
        let settings = running::lenient(&source, cluster, &db, &dir);
        let host = cluster.socket_dir.display().to_string();
        let mut place = Place {
            dir,
            source,
            db,
            socket: host.clone(),
            host,
            port: cluster.port,
            settings,
            policies: vec!["lossless".to_owned()],
        };
        place.settings.operator = Operator { name: "tester".to_owned(), host: hostname() };
        place.settings.chunk_bytes = 8 << 10;
        place
    }

    /// From now on the target is reached by another host or port.
    pub fn by(&mut self, host: &str, port: u16) {
        (self.host, self.port) = (host.to_owned(), port);
        let conninfo = Conninfo::from_parts(host, port, "postgres", &self.db).unwrap();
        self.settings.target = TargetSpec::Server(conninfo);
    }

    /// The target by another conninfo string.
    pub fn to(&mut self, conninfo: &str) {
        self.settings.target = TargetSpec::Server(Conninfo::parse(conninfo, &Default::default()).unwrap());
    }

    pub fn client(&self, cluster: &Cluster) -> Client {
        cluster.client(&self.db)
    }

    pub fn picture(&self, cluster: &Cluster) -> Vec<String> {
        picture::fingerprint(&mut cluster.client(&self.db), None)
    }

    pub fn migrate(&self) -> lite2pg_engine::Result<Report> {
        migrate(&self.settings, &running::Show, &Cancel::new())
    }

    /// Migrates; must end with exit 0 and every table verified.
    pub fn must_migrate(&self, why: &str) -> Report {
        let report = match self.migrate() {
            Ok(report) => report,
            Err(e) => panic!("{why}: {}", tell(&e)),
        };
        let bad: Vec<_> = report.findings.iter().filter(|f| f.blocks()).collect();
        assert_eq!(report.exit, 0, "{why}: {bad:?}");
        assert!(report.tables.iter().all(|t| t.verified), "{why}: not everything was verified");
        let left: Vec<_> = std::fs::read_dir(self.dir.join("work")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "{why}: private files are left: {left:?}");
        report
    }

    pub fn rollback(&self, options: RollbackOptions) -> lite2pg_engine::Result<Undone> {
        rollback(&self.settings, options, &Silent, &Cancel::new())
    }

    /// Undoes the last run and the control tables; a run that had not begun yet is nothing to undo.
    pub fn must_undo(&self, why: &str) {
        match self.rollback(RollbackOptions { purge: true, ..RollbackOptions::default() }) {
            Ok(_) => {}
            Err(e) if e.message.contains("there is no run to undo") => {}
            Err(e) => panic!("{why}: {}", tell(&e)),
        }
    }

    /// A child process that will migrate; it kills itself at the `stop`th event (from 1).
    pub fn child(&self, stop: usize) -> Child {
        let s = &self.settings;
        let config = serde_json::json!({
            "source": s.source, "host": self.host, "port": self.port, "db": self.db, "dir": self.dir, "stop": stop,
            "schema": s.schema, "jobs": s.jobs, "chunk_bytes": s.chunk_bytes, "copy": s.snapshot == SnapshotMode::Copy,
            "policies": self.policies,
        });
        Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, config.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("LITE2PG_TEST_SHOW").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .unwrap()
    }

    /// Runs a child to its end: the events it told, and whether it was killed.
    pub fn run_child(&self, stop: usize) -> (Vec<String>, bool) {
        ended(self.child(stop))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Waits for a child: the events it told, and whether it was killed. It must not have failed by itself.
pub fn ended(child: Child) -> (Vec<String>, bool) {
    let (events, status) = ended_anyhow(child);
    assert!(status.signal() == Some(9) || status.success(), "the child ended with {status}: {:?}", events.last());
    (events, status.signal() == Some(9))
}

/// Waits for a child: the events it told, the last of them its error if it failed, and how it ended.
pub fn ended_anyhow(mut child: Child) -> (Vec<String>, ExitStatus) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let events: Vec<String> = lines.filter_map(|l| l.split_once("@@ ").map(|(_, e)| e.to_owned())).collect();
    (events, child.wait().unwrap())
}

pub fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

/// An error as a test shows it.
pub fn tell(e: &lite2pg_engine::Error) -> String {
    format!("{:?} {e} | {:?} | {:?}", e.kind, e.hint, e.source)
}

/// Tells every event but progress on standard output, and kills this process at the chosen one.
struct Teller {
    stop: usize,
    seen: AtomicUsize,
}

impl Observer for Teller {
    fn see(&self, event: &Event) {
        if matches!(event, Event::Progress { .. }) {
            return;
        }
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "@@ {}", serde_json::to_string(event).unwrap());
        let _ = out.flush();
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.stop {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        }
    }
}

/// What the child does; the test named `child` of a binary that uses it calls this.
pub fn be_child() {
    let Some(config) = std::env::var(ROLE).ok() else { return };
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let text = |key: &str| config[key].as_str().unwrap().to_owned();
    let number = |key: &str| config[key].as_u64().unwrap();
    let dir = PathBuf::from(text("dir"));
    let port = u16::try_from(number("port")).unwrap();
    let settings = Settings {
        source: text("source").into(),
        target: TargetSpec::Server(Conninfo::from_parts(&text("host"), port, "postgres", &text("db")).unwrap()),
        schema: text("schema"),
        choices: choices(config["policies"].as_array().unwrap().iter().map(|p| p.as_str().unwrap())),
        overrides: Default::default(),
        accept: vec![lite2pg_engine::run::Accept::All],
        snapshot: if config["copy"] == true { SnapshotMode::Copy } else { SnapshotMode::Auto },
        work_dir: dir.join("work"),
        lock_dir: dir.join("locks"),
        jobs: number("jobs") as usize,
        chunk_bytes: number("chunk_bytes"),
        memory: 128 << 20,
        verify: true,
        view_timeout: std::time::Duration::from_secs(60),
        collation_database: false,
        max_rejects: None,
        retry_for: std::time::Duration::ZERO,
        rollback_on_failure: false,
        operator: Operator { name: "tester".to_owned(), host: hostname() },
    };
    let teller = Teller { stop: number("stop") as usize, seen: AtomicUsize::new(0) };
    let exit = match migrate(&settings, &teller, &Cancel::new()) {
        Ok(report) => report.exit,
        Err(e) => {
            println!("@@ {}", tell(&e));
            e.kind.exit()
        }
    };
    std::process::exit(i32::from(exit));
}

/// Calls a function once, at the first event that a test chose.
pub struct Once<F: Fn(&Event) -> bool + Sync>(pub F, pub std::sync::atomic::AtomicBool);

impl<F: Fn(&Event) -> bool + Sync> Once<F> {
    /// `act` looks at every event until it says that it has acted.
    pub fn new(act: F) -> Self {
        Once(act, std::sync::atomic::AtomicBool::new(false))
    }

    pub fn acted(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

impl<F: Fn(&Event) -> bool + Sync> Observer for Once<F> {
    fn see(&self, event: &Event) {
        if !self.acted() && (self.0)(event) {
            self.1.store(true, Ordering::SeqCst);
        }
    }
}

/// Choices of these policies.
pub fn choices<'a>(policies: impl Iterator<Item = &'a str>) -> lite2pg_model::mapping::choices::Choices {
    let policies = lite2pg_model::mapping::policy::Policies::parse(policies).unwrap();
    lite2pg_model::mapping::choices::Choices::of(policies)
}
