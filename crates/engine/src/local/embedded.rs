//! The embedded PostgreSQL behind a socket: one backend, so one client at a time.
//! Owns the queue of clients and the life of each session; runs inside the keeper, never in the process of a run.
//!
//! What a second client gets: it waits for its turn, since sequential connections are the normal use and a closing one
//! takes a moment; after [`PATIENCE`] it is told 53300 (too_many_connections) instead of hanging for ever. A request to
//! cancel is accepted and has no effect: the backend has no way to be interrupted; closing the connection ends a session
//! when the running statement ends. Timeouts such as `statement_timeout` have no effect either.
//!
//! What a session costs: the runtime starts a backend for each and can't shut it down in order (it writes no shutdown
//! checkpoint), so each new session begins with WAL recovery, which flushes every file of the data directory: some 0.4 s
//! on a quiet disk, seconds on a busy one. So keep a connection. Nothing committed is lost, but as after any crash an
//! UNLOGGED table is empty afterwards, statistics views start again and a sequence skips up to 32 numbers.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use oliphaunt_wasix::session::{
    PostgresConfig, PreparedDatabase, PreparedRuntime, ProtocolPumpOutcome, ProtocolSession, ProtocolStream,
    StartupConfig, default_catalog_profile, startup_error_response_output,
};
use oliphaunt_wasix::{DatabaseStorage, Oliphaunt, tools::PgDumpOptions};

use super::child::{Config, Keep, Marker, Ready, Reply, Run};
use super::native::{self, Sockets, password_file, random};
use super::process::make_dir;
use super::wire::{self, Client, First};
use super::{Engine, USER, disk_error, scram};
use crate::{Error, Result};

/// How long a client waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take to say who it is.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How many clients may wait.
const WAITING: usize = 32;
/// How long a running statement may go on after the order to stop; then the process ends, and WAL recovers at the next start.
const GRACE: Duration = Duration::from_secs(20);

/// A client that has said who it is.
struct Job {
    client: Client,
    packet: Vec<u8>,
    user: String,
    database: String,
    since: Instant,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    current: Option<Client>,
    stopping: bool,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    guests: AtomicUsize,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the server from start to stop.
pub fn run(keep: Keep) -> Result<()> {
    let config = keep.config;
    let home = config.home_path();
    clear_temp(&home)?;
    if let Some(last) = Run::read(&home) {
        native::remove_stale_sockets(Path::new(&last.sockets));
    }
    if Marker::read(&config.data_path())?.is_none() {
        make(config)?;
    }
    let marker = Marker::read(&config.data_path())?.ok_or_else(|| Error::internal("the new data has no marker"))?;
    let sockets = Sockets::make(config)?;
    let port = config.tcp.map(native::port).transpose()?;
    let secret = if port.is_some() { Some(password_file(&home)?) } else { None };
    let queue = Arc::new(Queue::default());
    let (report, reports) = mpsc::channel();
    backend_thread(config.data_path().join("pg"), Arc::clone(&queue), report)?;
    reports.recv().map_err(|_| gone())??;
    listen(&sockets.dir, port, secret.as_ref().map(|s| s.1.clone()), &queue)?;
    (keep.ready)(Ready {
        pid: std::process::id(),
        version: marker.version.clone(),
        sockets: sockets.dir.clone().into(),
        port: port.unwrap_or(5432),
        dbname: marker.dbname.clone(),
        max_connections: 1,
        password_file: secret.map(|s| s.0.into()),
        notes: Vec::new(),
    })?;
    while !keep.stopping() {
        expire(&queue);
        match reports.recv_timeout(Duration::from_millis(50)) {
            Ok(ended) => return ended,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(gone()),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    dismiss(&queue);
    reports.recv_timeout(GRACE).map_err(|_| {
        // The thread can't be interrupted; the process ends under it, and WAL recovers at the next start.
        Error::target("a statement was still running in the embedded PostgreSQL and was cut off")
    })?
}

/// Makes the runtime's temporary directory anew: a killed one leaves its files.
fn clear_temp(home: &Path) -> Result<()> {
    let temp = home.join("tmp");
    if temp.exists() {
        fs::remove_dir_all(&temp).map_err(|e| disk_error("clear", &temp, e))?;
    }
    make_dir(&temp, 0o700).map_err(|e| disk_error("make", &temp, e))
}

fn gone() -> Error {
    Error::target("the embedded PostgreSQL broke down")
        .hint("see server.log; what was committed is there at the next start")
}

/// The one thread on which the backend is made, used and closed; it reports twice: opened, and closed.
fn backend_thread(pg: PathBuf, queue: Arc<Queue>, report: mpsc::Sender<Result<()>>) -> Result<()> {
    let body = move || {
        let mut prepared = match prepare(&pg) {
            Ok(prepared) => prepared,
            Err(e) => return report.send(Err(e)),
        };
        report.send(Ok(()))?;
        let ended = prepared.runtime().map_err(|e| broken("open", &e)).and_then(|runtime| attend(&queue, &runtime));
        let released = prepared.release().map_err(|e| broken("close", &e));
        report.send(ended.and(released))
    };
    let started = thread::Builder::new().name("backend".to_owned()).stack_size(16 << 20).spawn(body);
    started.map(|_| ()).map_err(|e| Error::internal("can't start a thread").because(e))
}

/// The clients, one after the other, until the order to stop.
fn attend(queue: &Queue, runtime: &PreparedRuntime) -> Result<()> {
    loop {
        let job = {
            let mut state = queue.lock();
            loop {
                if state.stopping {
                    return Ok(());
                }
                if let Some(job) = state.waiting.pop_front() {
                    state.current = job.client.try_clone().ok();
                    break job;
                }
                state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let outcome = session(runtime, job);
        if let Some(client) = queue.lock().current.take() {
            client.close();
        }
        outcome?;
    }
}

/// One client's session. An error of the client or its socket ends the session; only a broken backend is an error here.
fn session(runtime: &PreparedRuntime, mut job: Job) -> Result<()> {
    let startup = StartupConfig { username: job.user.clone(), database: job.database.clone() };
    let mut backend = match runtime.open(settings(), startup) {
        Ok(backend) => backend,
        Err(e) => {
            let said = startup_error_response_output(&e).map(<[u8]>::to_vec);
            let known = said.is_some();
            let said = said.unwrap_or_else(|| wire::fatal("58000", "the embedded PostgreSQL did not start", ""));
            let _ = job.client.write_all(&said);
            return if known { Ok(()) } else { Err(broken("start a session of", &e)) };
        }
    };
    let served = serve(&mut backend, &mut job);
    let closed = backend.shutdown().map_err(|e| broken("end a session of", &e));
    if let Err(e) = served {
        // The socket went away in the middle; the backend has rolled back. Worth a line in the log only.
        log(&format!("session of {} ended: {e}", job.user));
    }
    closed
}

fn serve(backend: &mut ProtocolSession, job: &mut Job) -> std::result::Result<(), String> {
    let answer = backend.startup_with_packet(&job.packet).map_err(text)?;
    job.client.write_all(&answer.output).map_err(text)?;
    if !answer.accepted {
        return Ok(());
    }
    let stream = Stream(job.client.try_clone().map_err(text)?);
    backend.attach_protocol_stream(stream).map_err(text)?;
    while let Some(message) = wire::message(&mut job.client, usize::MAX).map_err(text)? {
        if message.first() == Some(&b'X') {
            return Ok(());
        }
        match backend.send_with_connection_protocol_pump(&message, Vec::new).map_err(text)? {
            // From here on the backend itself has read the socket until its end.
            ProtocolPumpOutcome::Streamed => return Ok(()),
            ProtocolPumpOutcome::Buffered(bytes) => job.client.write_all(&bytes).map_err(text)?,
        }
    }
    Ok(())
}

/// The runtime's errors as text: its error type is not ours to depend on.
fn text(e: impl std::fmt::Debug) -> String {
    format!("{e:?}")
}

fn broken(what: &str, e: &impl std::fmt::Debug) -> Error {
    let text = format!("{e:?}");
    let hint = if text.contains("No space left") || text.contains("os error 28") {
        "free some space on that disk, or choose another directory"
    } else {
        "try again; with a PostgreSQL installed on this machine that one is used for new directories"
    };
    Error::target(format!("can't {what} the embedded PostgreSQL: {text}")).hint(hint)
}

fn log(line: &str) {
    // The keeper's standard error is the server's log.
    let _ = writeln!(io::stderr(), "{line}");
}

struct Stream(Client);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl ProtocolStream for Stream {
    fn read_ready(&mut self) -> io::Result<bool> {
        self.0.readable()
    }
}

/// Like those of the native one, as far as they mean something with one backend.
fn settings() -> PostgresConfig {
    let mut c = PostgresConfig::default();
    for (name, value) in [
        ("search_path", "\"$user\", public"),
        ("fsync", "on"),
        ("wal_level", "minimal"),
        ("max_wal_size", "2GB"),
        ("checkpoint_timeout", "30min"),
        ("maintenance_work_mem", "128MB"),
        ("max_locks_per_transaction", "1024"),
        ("jit", "off"),
    ] {
        c.insert(name, value);
    }
    c
}

fn prepare(pg: &Path) -> Result<PreparedDatabase> {
    PreparedDatabase::prepare(DatabaseStorage::Directory(pg.to_owned()), default_catalog_profile(), USER)
        .map_err(|e| broken("prepare", &e))
}

/// Makes `data` whole or not at all: everything happens in a sibling, which is then renamed.
fn make(config: &Config) -> Result<()> {
    native::clear_unfinished(config)?;
    let new = config.home_path().join("data.new");
    make_dir(&new, 0o700).map_err(|e| disk_error("make the data directory", &new, e))?;
    let made = fill(config, &new).and_then(|marker| {
        marker.write(&new)?;
        fs::rename(&new, config.data_path()).map_err(|e| disk_error("make the data directory", &new, e))
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&new);
    }
    made
}

fn fill(config: &Config, new: &Path) -> Result<Marker> {
    let mut prepared = prepare(&new.join("pg"))?;
    let version = {
        let runtime = prepared.runtime().map_err(|e| broken("open", &e))?;
        let startup = StartupConfig { username: USER.to_owned(), database: "postgres".to_owned() };
        let mut backend = runtime.open(settings(), startup).map_err(|e| broken("start", &e))?;
        let answer = backend.startup_with_packet(&startup_packet()).map_err(|e| broken("start", &e))?.output;
        if config.dbname != "postgres" {
            let name = config.dbname.replace('"', "\"\"");
            let mut sql =
                format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'").into_bytes();
            sql.push(0);
            let said =
                backend.send_buffered(&wire::frame(b'Q', &sql)).map_err(|e| broken("make the database in", &e))?;
            if let Some(error) = wire::error_text(&said) {
                return Err(Error::target(format!("can't make the database {:?}: {error}", config.dbname)));
            }
        }
        backend.shutdown().map_err(|e| broken("close", &e))?;
        version_in(&answer)
    };
    prepared.release().map_err(|e| broken("close", &e))?;
    let major = version.split('.').next().and_then(|m| m.parse().ok()).unwrap_or(0);
    let dbname = config.dbname.clone();
    Ok(Marker { format: Marker::FORMAT, engine: Engine::Embedded, major, version, dbname, synced: true })
}

fn startup_packet() -> Vec<u8> {
    let mut body = 196_608u32.to_be_bytes().to_vec();
    body.extend_from_slice(format!("user\0{USER}\0database\0postgres\0\0").as_bytes());
    let mut out = u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    out.extend(body);
    out
}

fn version_in(answer: &[u8]) -> String {
    wire::messages(answer)
        .filter(|(kind, _)| *kind == b'S')
        .find_map(|(_, body)| {
            let mut f = body.split(|b| *b == 0);
            (f.next() == Some(b"server_version"))
                .then(|| String::from_utf8_lossy(f.next().unwrap_or_default()).into_owned())
        })
        .unwrap_or_default()
}

/// The schema as SQL, by the pg_dump that is compiled in.
pub fn schema(config: &Config) -> Result<Reply> {
    clear_temp(&config.home_path())?;
    let marker = Marker::read(&config.data_path())?.ok_or_else(|| Error::internal("no marker"))?;
    let failed = |e: &dyn std::fmt::Display| Error::target(format!("pg_dump of the embedded PostgreSQL failed: {e}"));
    let mut db = Oliphaunt::builder()
        .storage(DatabaseStorage::Directory(config.data_path().join("pg")))
        .database(&marker.dbname)
        .username(USER)
        .open()
        .map_err(|e| failed(&e))?;
    let mut section = |name: &str| {
        let options = ["--no-owner", "--no-privileges", "--exclude-schema=lite2pg"];
        db.pg_dump(PgDumpOptions::new().args(options).arg(format!("--section={name}"))).map_err(|e| failed(&e))
    };
    let (before, after) = (section("pre-data")?, section("post-data")?);
    db.close().map_err(|e| failed(&e))?;
    Ok(Reply::Schema { before, after, version: marker.version })
}

/// Accepts clients on the unix socket, and on 127.0.0.1 with a password.
fn listen(sockets: &Path, port: Option<u16>, password: Option<String>, queue: &Arc<Queue>) -> Result<()> {
    let path: PathBuf = sockets.join(format!(".s.PGSQL.{}", port.unwrap_or(5432)));
    let unix = UnixListener::bind(&path).map_err(|e| disk_error("make the server's socket", &path, e))?;
    let to = Arc::clone(queue);
    thread::spawn(move || {
        for client in unix.incoming().flatten() {
            admit(Client::Unix(client), None, &to);
        }
    });
    let (Some(port), Some(password)) = (port, password) else { return Ok(()) };
    let tcp = TcpListener::bind(("127.0.0.1", port))
        .map_err(|e| Error::target(format!("can't listen on 127.0.0.1:{port}: {e}")).hint("choose another port"))?;
    let to = Arc::clone(queue);
    thread::spawn(move || {
        for client in tcp.incoming().flatten() {
            let _ = client.set_nodelay(true);
            admit(Client::Tcp(client), Some(password.clone()), &to);
        }
    });
    Ok(())
}

fn admit(mut client: Client, password: Option<String>, queue: &Arc<Queue>) {
    if queue.guests.fetch_add(1, Ordering::Relaxed) >= WAITING {
        queue.guests.fetch_sub(1, Ordering::Relaxed);
        let _ = client.write_all(&too_many());
        return;
    }
    let queue = Arc::clone(queue);
    thread::spawn(move || {
        if let Ok(Some(job)) = greet(client, password.as_deref()) {
            queue.lock().waiting.push_back(job);
            queue.changed.notify_all();
        }
        queue.guests.fetch_sub(1, Ordering::Relaxed);
    });
}

/// Hears who a client is; over TCP it must know the password.
fn greet(mut client: Client, password: Option<&str>) -> io::Result<Option<Job>> {
    client.set_timeout(Some(HANDSHAKE))?;
    let First::Session { packet, user, database } = wire::first(&mut client)? else { return Ok(None) };
    if let Some(password) = password {
        let bytes = random(34).ok().and_then(|r| r.try_into().ok()).ok_or(io::ErrorKind::Other)?;
        if user != USER || !scram::authenticate(&mut client, password, &bytes)? {
            let said = format!("password authentication failed for user \"{user}\"");
            client.write_all(&wire::fatal("28P01", &said, ""))?;
            return Ok(None);
        }
    }
    client.set_timeout(None)?;
    Ok(Some(Job { client, packet, user, database, since: Instant::now() }))
}

fn too_many() -> Vec<u8> {
    wire::fatal(
        "53300",
        "the embedded PostgreSQL serves one connection at a time, and another client holds it",
        "close the other connection; an installed PostgreSQL has no such limit",
    )
}

/// Tells clients that have waited too long.
fn expire(queue: &Queue) {
    let mut late = Vec::new();
    {
        let mut state = queue.lock();
        while state.waiting.front().is_some_and(|j| j.since.elapsed() > PATIENCE) {
            late.extend(state.waiting.pop_front());
        }
    }
    for mut job in late {
        let _ = job.client.write_all(&too_many());
    }
}

/// Sends everyone away: the server stops.
fn dismiss(queue: &Queue) {
    let mut state = queue.lock();
    state.stopping = true;
    if let Some(client) = &state.current {
        client.close();
    }
    let said = wire::fatal("57P01", "terminating connection: the server is being stopped", "");
    for job in &mut state.waiting {
        let _ = job.client.write_all(&said);
    }
    state.waiting.clear();
    queue.changed.notify_all();
}
