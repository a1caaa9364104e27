//! What the tests of the binary share: a directory of their own, SQLite files, the binary with a clean environment.
//! Owns clean-up; never ends a process that it did not start.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic)]

use lite2pg_testkit::cluster::Cluster;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory under /tmp that an unprivileged server can enter, gone at the end.
pub struct Bench {
    pub dir: PathBuf,
}

/// What a run of the binary left.
#[derive(Debug)]
pub struct Out {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Out {
    #[track_caller]
    pub fn exits(self, expected: i32) -> Out {
        assert_eq!(self.exit, expected, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as exactly one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.stdout, self.stderr))
    }
}

impl Bench {
    pub fn new() -> Bench {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let dir = PathBuf::from(format!("/tmp/l2cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        Bench { dir }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// A SQLite file made by these statements.
    pub fn sqlite(&self, name: &str, sql: &str) -> String {
        let path = self.path(name);
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    }

    /// The binary in this directory, with nothing of the outer environment but PATH.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lite2pg"));
        command.args(args).env_clear().env("HOME", self.dir.join("home")).current_dir(&self.dir).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub fn run(&self, args: &[&str]) -> Out {
        Self::finish(&mut self.command(args))
    }

    pub fn finish(command: &mut Command) -> Out {
        let out = command.output().unwrap();
        Out {
            exit: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8(out.stdout).unwrap(),
            stderr: String::from_utf8(out.stderr).unwrap(),
        }
    }

    /// The bytes of every file under the home directory: logs, notes, copies.
    pub fn kept(&self) -> String {
        fn walk(dir: &Path, out: &mut String) {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                match entry.path() {
                    path if path.is_dir() => walk(&path, out),
                    path => out.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap())),
                }
            }
        }
        let mut out = String::new();
        walk(&self.dir.join("home"), &mut out);
        out
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A target on a test server, by its socket.
pub fn target(cluster: &Cluster, database: &str) -> String {
    cluster.sql(&format!("CREATE DATABASE {database}"));
    format!("postgresql://postgres@/{database}?host={}&port={}", cluster.socket_dir.display(), cluster.port)
}

/// Sends a signal to a process that the test started.
pub fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

pub const SHOP: &str = "
    CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers(id), total NUMERIC(8,2));
    CREATE INDEX orders_of ON orders(customer);
    INSERT INTO customers VALUES (1, 'Anna', '1990-02-03'), (2, 'Bjørn', NULL), (7, '日本', '2001-12-31');
    INSERT INTO orders VALUES (1, 1, 9.5), (2, 1, 20), (3, 7, 0.05), (4, 2, NULL);";
