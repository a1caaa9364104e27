//! Where a scenario is played: a server, a proxy before it, databases in it, sources in a directory.
//! Owns them all and removes them; never decides what happens.

use super::file::{Scenario, Source};
use super::process::Running;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::proxy::Proxy;
use lite2pg_testkit::{fixtures, picture};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Bytes of every file of the sources' directory.
pub type Sources = BTreeMap<String, (u64, u64)>;

/// One target and its sources.
pub struct Place<'a> {
    pub cluster: &'a Cluster,
    pub proxy: Option<&'a Proxy>,
    pub dir: PathBuf,
    pub db: String,
    schema: Option<String>,
    commands: AtomicU32,
}

/// The server of a scenario.
pub fn server(scenario: &Scenario) -> Cluster {
    let lines: Vec<&str> = scenario.server.iter().map(String::as_str).collect();
    Cluster::start(&lines, &[])
}

impl<'a> Place<'a> {
    /// A new directory with the sources, and a new database that holds something of somebody else.
    pub fn new(scenario: &Scenario, cluster: &'a Cluster, proxy: Option<&'a Proxy>) -> Place<'a> {
        let place = Self::empty(scenario.schema.clone(), cluster, proxy);
        make(&scenario.source, &place.source(None));
        for (name, source) in &scenario.others {
            make(source, &place.source(Some(name)));
        }
        place
    }

    /// The same with copies of these sources, byte for byte.
    pub fn like(&self) -> Place<'a> {
        let place = Self::empty(self.schema.clone(), self.cluster, self.proxy);
        for file in std::fs::read_dir(self.dir.join("data")).unwrap().flatten() {
            std::fs::copy(file.path(), place.dir.join("data").join(file.file_name())).unwrap();
        }
        place
    }

    fn empty(schema: Option<String>, cluster: &'a Cluster, proxy: Option<&'a Proxy>) -> Place<'a> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2p-fault-{}-{n}", std::process::id()));
        std::fs::create_dir_all(dir.join("data")).unwrap();
        let place = Place { cluster, proxy, dir, db: format!("place{n}"), schema, commands: AtomicU32::new(0) };
        place.database();
        place
    }

    /// The same sources, another target.
    pub fn beside(&self) -> Place<'a> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.join(format!("beside{n}"));
        std::fs::create_dir_all(&dir).unwrap();
        std::os::unix::fs::symlink(self.dir.join("data"), dir.join("data")).unwrap();
        let db = format!("{}_beside{n}", self.db);
        let place = Place { db, dir, schema: self.schema.clone(), commands: AtomicU32::new(0), ..*self };
        place.database();
        place
    }

    fn database(&self) {
        self.cluster.sql(&format!("CREATE DATABASE {}", self.db));
        self.cluster.client(&self.db).batch_execute(fixtures::SOMEBODY_ELSES).unwrap();
    }

    /// The file of a source: the first one, or one by its name.
    pub fn source(&self, name: Option<&str>) -> PathBuf {
        self.dir.join("data").join(format!("{}.db", name.unwrap_or("source")))
    }

    /// What every file beside the sources holds, and which files are there.
    pub fn sources(&self) -> Sources {
        let files = std::fs::read_dir(self.dir.join("data")).unwrap().flatten();
        let hashed = files.filter_map(|e| {
            let name = e.file_name().to_string_lossy().into_owned();
            let seen = picture::source_hash(&e.path()).remove(&name)?;
            Some((name, seen))
        });
        hashed.collect()
    }

    pub fn picture(&self) -> Vec<String> {
        picture::fingerprint(&mut self.cluster.client(&self.db), None)
    }

    /// The address of the target: by the socket, or through the proxy.
    pub fn target(&self, by_proxy: bool) -> String {
        match self.proxy.filter(|_| by_proxy) {
            Some(proxy) => format!("postgresql://postgres@127.0.0.1:{}/{}", proxy.port, self.db),
            None => {
                let (dir, port) = (self.cluster.socket_dir.display(), self.cluster.port);
                format!("postgresql://postgres@/{}?host={dir}&port={port}", self.db)
            }
        }
    }

    /// Starts a command of the binary: its words, then source and target.
    pub fn start(&self, words: &str, source: Option<&str>, by_proxy: bool) -> Running {
        let elsewhere = words.contains("--schema");
        let mut words = words.split_whitespace();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lite2pg"));
        let verb = words.next().unwrap_or_default();
        command.arg(verb);
        if !matches!(verb, "status" | "history") {
            command.arg(self.source(source));
        }
        command.arg(self.target(by_proxy)).args(words);
        if let Some(schema) = self.schema.as_ref().filter(|_| !elsewhere && !matches!(verb, "status" | "history")) {
            command.args(["--schema", schema]);
        }
        let log = self.dir.join(format!("events-{}", self.commands.load(Ordering::SeqCst)));
        command.arg("--log-file").arg(&log);
        self.spawn(command, log)
    }

    /// Starts a command line as a person would type it.
    pub fn type_in(&self, line: &str) -> Running {
        let log = self.dir.join(format!("events-{}", self.commands.load(Ordering::SeqCst)));
        let typed = line.replacen("lite2pg", env!("CARGO_BIN_EXE_lite2pg"), 1);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {typed} --log-file {}", log.display())]);
        self.spawn(command, log)
    }

    fn spawn(&self, mut command: Command, log: PathBuf) -> Running {
        let n = self.commands.fetch_add(1, Ordering::SeqCst);
        command.env_clear().env("HOME", self.dir.join("home")).current_dir(&self.dir).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Running::start(command, log, self.dir.join(format!("said-{n}")))
    }

    /// Sessions of ours and locks that a run left in this database; it waits a moment for those that are just ending.
    pub fn left_over(&self) -> Option<String> {
        let sql = "SELECT string_agg(application_name || ' ' || state || ' ' || query, '; ') FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name LIKE 'lite2pg %'";
        let mut client = self.cluster.client(&self.db);
        let mut left = None;
        for _ in 0..250 {
            left = client.query_one(sql, &[]).unwrap().get(0);
            if left.is_none() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        left
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn make(source: &Source, path: &Path) {
    match source {
        Source::Named(name) if name == "everything" => fixtures::everything(path),
        Source::Named(name) => panic!("there is no source called {name}"),
        Source::Rows { rows } => fixtures::million(path, *rows),
        Source::Sql { sql } => fixtures::make(path, sql),
    }
}
