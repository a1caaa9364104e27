//! Another process that uses SQLite while a test runs, and a directory that goes away.
//! Owns the test binary's second role; never checks anything itself.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use lite2pg_engine::source::{Options, Source};
use rusqlite::Connection;

const ROLE: &str = "LITE2PG_TEST_OTHER_PROCESS";

/// A directory of its own for a test.
pub struct Temp(pub PathBuf);

impl Temp {
    pub fn new() -> Temp {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2p-source-{}-{n}", std::process::id()));
        std::fs::create_dir_all(dir.join("data")).unwrap();
        Temp(dir)
    }

    /// A path in the directory where the source lies.
    pub fn data(&self, name: &str) -> PathBuf {
        self.0.join("data").join(name)
    }

    /// A database made by these statements; closed.
    pub fn database(&self, name: &str, sql: &str) -> PathBuf {
        let path = self.data(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    }

    pub fn options(&self) -> Options {
        let mut o = Options::new(self.0.join("work"));
        o.busy_timeout = Duration::from_millis(200);
        o
    }

    pub fn open(&self, path: &Path) -> lite2pg_engine::Result<Source> {
        Source::open(path, &self.options())
    }

    /// Name → content of every file beside the source.
    pub fn listing(&self) -> BTreeMap<String, Vec<u8>> {
        let all = std::fs::read_dir(self.0.join("data")).unwrap().flatten();
        all.map(|e| (e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).unwrap())).collect()
    }

    /// How many private copies there are.
    pub fn copies(&self) -> usize {
        std::fs::read_dir(self.0.join("work")).map_or(0, |d| d.flatten().count())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The test binary, started again: it obeys one command a line.
pub struct Other {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Other {
    pub fn start() -> Other {
        Other::from(Command::new(std::env::current_exe().unwrap()))
    }

    pub fn from(mut command: Command) -> Other {
        command.args(["other_process", "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().unwrap());
        Other { child, to, from }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives a command: `open PATH`, `source PATH`, `spin`, `halt`, or SQL. The answer is `ok`, a value or `error …`.
    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.to.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        while self.from.read_line(&mut answer).unwrap() > 0 {
            if let Some((_, said)) = answer.split_once("@@ ") {
                return said.trim_end().to_owned();
            }
            answer.clear();
        }
        panic!("the other process ended")
    }

    /// As `ask`, but must succeed.
    pub fn must(&mut self, line: &str) -> String {
        let said = self.ask(line);
        assert!(!said.starts_with("error"), "{line}: {said}");
        said
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the other process does; the test named `other_process` of every binary calls it.
pub fn serve() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let mut conn: Option<Connection> = None;
    let mut spinner: Option<(Arc<AtomicBool>, std::thread::JoinHandle<()>)> = None;
    let mut path = String::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let said = if let Some(p) = line.strip_prefix("open ") {
            path = p.to_owned();
            let c = Connection::open(p).unwrap();
            c.busy_timeout(Duration::from_millis(100)).unwrap();
            conn = Some(c);
            "ok".to_owned()
        } else if let Some(p) = line.strip_prefix("source ") {
            let work = std::env::temp_dir().join(format!("l2p-child-{}", std::process::id()));
            match Source::open(Path::new(p), &Options::new(work)) {
                Ok(_) => "ok".to_owned(),
                Err(e) => format!("error {} {e} / {}", e.kind.exit(), e.hint.as_deref().unwrap_or_default()),
            }
        } else if line == "spin" {
            let stop = Arc::new(AtomicBool::new(false));
            let (flag, p) = (stop.clone(), path.clone());
            spinner = Some((stop, std::thread::spawn(move || spin(&p, &flag))));
            "ok".to_owned()
        } else if line == "halt" {
            let (stop, thread) = spinner.take().unwrap();
            stop.store(true, Ordering::Relaxed);
            thread.join().unwrap();
            "ok".to_owned()
        } else {
            run(conn.as_ref().unwrap(), &line)
        };
        println!("@@ {said}");
    }
}

fn run(conn: &Connection, sql: &str) -> String {
    if sql.starts_with("SELECT") {
        return match conn.query_row(sql, [], |r| r.get::<_, rusqlite::types::Value>(0)) {
            Ok(v) => format!("{v:?}"),
            Err(e) => format!("error {e}"),
        };
    }
    match conn.execute_batch(sql) {
        Ok(()) => "ok".to_owned(),
        Err(e) => format!("error {e}"),
    }
}

/// Commits as fast as it can; every commit keeps sum(a.x) + sum(b.x) = 0 and adds a row to both.
fn spin(path: &str, stop: &AtomicBool) {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(Duration::from_secs(20)).unwrap();
    conn.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let mut n = 0i64;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let _ = conn.execute_batch(&format!(
            "BEGIN IMMEDIATE; INSERT INTO a(x) VALUES ({n}); INSERT INTO b(x) VALUES (-{n}); COMMIT"
        ));
        // Gaps about as long as it takes to begin a few readers: some beginnings meet a commit, some do not.
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The first column of the first row, as text.
pub fn one(reader: &mut lite2pg_engine::source::Reader, sql: &str) -> i64 {
    reader.query_i64(sql, &[]).unwrap().unwrap()
}
