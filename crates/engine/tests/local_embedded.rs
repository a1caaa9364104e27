//! The managed embedded PostgreSQL, really started.
//! Owns the checks of its queue, its crash safety, its limits and its dump.
#![cfg(feature = "embedded")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod local;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lite2pg_engine::Kind;
use lite2pg_engine::local::{Engine, Server, dump, serve};
use local::*;
use postgres::NoTls;
use postgres::error::SqlState;

fn rss(pid: u32) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    text.lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM")).collect::<Vec<_>>().join(" ")
}

/// Rows `(int4, text, float8)` in the binary format of COPY.
fn binary(rows: i32) -> Vec<u8> {
    let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for i in 0..rows {
        let text = format!("row number {i:>10} of this table");
        out.extend(3i16.to_be_bytes());
        out.extend(4i32.to_be_bytes());
        out.extend(i.to_be_bytes());
        out.extend((text.len() as i32).to_be_bytes());
        out.extend(text.as_bytes());
        out.extend(8i32.to_be_bytes());
        out.extend((f64::from(i) / 3.0).to_be_bytes());
    }
    out.extend((-1i16).to_be_bytes());
    out
}

#[test]
fn first_start_load_reopen() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Embedded);
    let t = Instant::now();
    let server = Server::start(&o).unwrap();
    eprintln!("embedded first start {:?}", t.elapsed());
    assert_eq!((server.max_connections(), server.version()), (1, server.version()));
    let t = Instant::now();
    let mut c = connect(&server);
    eprintln!("connect {:?}; child at start {}", t.elapsed(), rss(server.server_pid()));
    let row = c.query_one("SELECT current_setting('server_encoding'), current_setting('fsync'), current_user::text, datcollate FROM pg_database WHERE datname = current_database()", &[]).unwrap();
    let got: Vec<String> = (0..4).map(|i| row.get(i)).collect();
    assert_eq!(got[..4], ["UTF8", "on", "postgres", "C"]);
    let data = binary(1_000_000);
    for freeze in ["", ", FREEZE"] {
        let t = Instant::now();
        let mut tx = c.transaction().unwrap();
        tx.batch_execute("DROP TABLE IF EXISTS t; CREATE TABLE t(a int4, b text, c float8)").unwrap();
        let mut w = tx.copy_in(&format!("COPY t FROM STDIN (FORMAT binary{freeze})")).unwrap();
        for part in data.chunks(1 << 18) {
            w.write_all(part).unwrap();
        }
        assert_eq!(w.finish().unwrap(), 1_000_000);
        tx.commit().unwrap();
        eprintln!("COPY 1M rows, {} bytes{freeze}: {:?}", data.len(), t.elapsed());
    }
    let check = "SELECT count(*), sum(a)::bigint, min(b), max(c) FROM t";
    let row = c.query_one(check, &[]).unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1_000_000, 499_999_500_000));
    let mut read = 0;
    let t = Instant::now();
    let mut from = c.copy_out("COPY t TO STDOUT (FORMAT binary)").unwrap();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = std::io::Read::read(&mut from, &mut buffer).unwrap();
        if n == 0 {
            break;
        }
        read += n;
    }
    drop(from);
    assert_eq!(read, data.len());
    eprintln!("COPY out {:?}; child after load {}", t.elapsed(), rss(server.server_pid()));
    let t = Instant::now();
    c.batch_execute("CREATE INDEX ON t(a); CREATE INDEX ON t(b)").unwrap();
    eprintln!("two indexes {:?}; child {}", t.elapsed(), rss(server.server_pid()));
    drop(c);
    let t = Instant::now();
    server.stop().unwrap();
    eprintln!("embedded stop {:?}", t.elapsed());
    let t = Instant::now();
    let server = Server::start(&o).unwrap();
    eprintln!("embedded reopen {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..20 {
        let mut c = connect(&server);
        assert_eq!(c.query_one("SELECT count(*) FROM t", &[]).unwrap().get::<_, i64>(0), 1_000_000);
    }
    eprintln!("20 connections one after the other {:?}; child {}", t.elapsed(), rss(server.server_pid()));
    server.stop().unwrap();
}

#[test]
fn what_the_engine_needs_works_over_one_connection() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Embedded);
    let server = Server::start(&o).unwrap();
    let mut c = config(&server).application_name("lite2pg test").connect(NoTls).unwrap();
    let text = |c: &mut postgres::Client, q: &str| c.query_one(q, &[]).unwrap().get::<_, String>(0);
    assert_eq!(text(&mut c, "SELECT current_setting('application_name')"), "lite2pg test");
    c.batch_execute("CREATE SCHEMA st; CREATE TABLE st.t(a int); ALTER SCHEMA st RENAME TO fin; CREATE SCHEMA lite2pg")
        .unwrap();
    assert_eq!(text(&mut c, "SELECT 'fin.t'::regclass::text"), "fin.t");
    assert!(c.query_one("SELECT pg_try_advisory_lock(42)", &[]).unwrap().get::<_, bool>(0));
    assert!(c.query_one("SELECT pg_advisory_unlock(42)", &[]).unwrap().get::<_, bool>(0));
    let t: std::time::SystemTime = c.query_one("SELECT statement_timestamp()", &[]).unwrap().get(0);
    assert!(t.elapsed().unwrap_or_default() < Duration::from_secs(5));
    assert_eq!(c.query_one("SELECT txid_current() > 0", &[]).unwrap().get::<_, bool>(0), true);

    // Errors: a statement, the middle of COPY, a transaction, a prepared statement; the session goes on each time.
    for _ in 0..3 {
        assert_eq!(c.batch_execute("SELECT 1/0").unwrap_err().code(), Some(&SqlState::DIVISION_BY_ZERO));
        let mut w = c.copy_in("COPY fin.t FROM STDIN (FORMAT binary)").unwrap();
        w.write_all(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x05broken").unwrap();
        assert!(w.finish().is_err());
        let mut tx = c.transaction().unwrap();
        tx.batch_execute("INSERT INTO fin.t VALUES (1)").unwrap();
        assert!(tx.query("SELECT $1::int / 0", &[&1i32]).is_err());
        drop(tx);
        // A COPY that the client gives up.
        let mut w = c.copy_in("COPY fin.t FROM STDIN").unwrap();
        w.write_all(b"1\n2\n").unwrap();
        drop(w);
        assert_eq!(c.query_one("SELECT count(*) FROM fin.t", &[]).unwrap().get::<_, i64>(0), 0);
    }
    // Many statements and parameters.
    c.batch_execute("CREATE TABLE kv(k int PRIMARY KEY, v text)").unwrap();
    let insert = c.prepare("INSERT INTO kv VALUES ($1, $2) ON CONFLICT DO NOTHING").unwrap();
    for i in 0..500 {
        c.execute(&insert, &[&i, &"x".repeat(i as usize)]).unwrap();
    }
    let big = "y".repeat(20 << 20);
    c.execute(&insert, &[&9999, &big]).unwrap();
    assert_eq!(c.query_one("SELECT v FROM kv WHERE k = 9999", &[]).unwrap().get::<_, String>(0), big);
    // No one to terminate but oneself.
    let n =
        c.query_one("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()", &[]);
    eprintln!("pg_terminate_backend of others: {:?}", n.map(|r| r.get::<_, i64>(0)).map_err(|e| e.to_string()));
    drop(c);

    // A wrong database, a wrong user: an error, and the next client is served.
    let e = config(&server).dbname("nowhere").connect(NoTls).err().unwrap();
    eprintln!("unknown database: {e:?}");
    assert_eq!(e.code(), Some(&SqlState::INVALID_CATALOG_NAME));
    let e = config(&server).user("nobody").connect(NoTls).err();
    eprintln!("unknown user: {e:?}");
    connect(&server).query_one("SELECT 1", &[]).unwrap();

    // A client that goes away in the middle of COPY.
    {
        let path = server.socket_dir().join(format!(".s.PGSQL.{}", server.port()));
        let mut raw = std::os::unix::net::UnixStream::connect(path).unwrap();
        let body = b"\0\x03\0\0user\0postgres\0database\0shop\0\0";
        raw.write_all(&(body.len() as u32 + 4).to_be_bytes()).unwrap();
        raw.write_all(body).unwrap();
        raw.write_all(b"Q\0\0\0\x1aCOPY fin.t FROM STDIN\0d\0\0\0\x061\n").unwrap();
        std::thread::sleep(Duration::from_secs(2));
    }
    let mut c = connect(&server);
    assert_eq!(c.query_one("SELECT count(*) FROM fin.t", &[]).unwrap().get::<_, i64>(0), 0);

    // A second client waits, then hears why; one that comes when the first leaves is served.
    let t = Instant::now();
    let e = config(&server).connect(NoTls).err().unwrap();
    assert_eq!(e.code(), Some(&SqlState::TOO_MANY_CONNECTIONS));
    eprintln!("second client told after {:?}", t.elapsed());
    let later = config(&server);
    let second =
        std::thread::spawn(move || later.connect(NoTls).unwrap().query_one("SELECT 1", &[]).unwrap().get::<_, i32>(0));
    std::thread::sleep(Duration::from_millis(500));
    let token = c.cancel_token();
    eprintln!("cancel: {:?}", token.cancel_query(NoTls).map_err(|e| e.to_string()));
    drop(c);
    assert_eq!(second.join().unwrap(), 1);
    let e = connect(&server).query_one("SELECT pg_terminate_backend(pg_backend_pid())", &[]);
    eprintln!("pg_terminate_backend of oneself: {:?}", e.map(|r| r.get::<_, bool>(0)).map_err(|e| e.to_string()));
    connect(&server).query_one("SELECT 1", &[]).unwrap();
    server.stop().unwrap();
}

#[test]
fn killed_processes_lose_nothing_committed() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Embedded);
    let mut server = Server::start(&o).unwrap();
    let mut c = connect(&server);
    c.batch_execute("CREATE TABLE t(a int); INSERT INTO t SELECT generate_series(1, 5000)").unwrap();
    c.batch_execute("BEGIN; INSERT INTO t SELECT generate_series(1, 5000)").unwrap();
    kill9(server.pid());
    assert!(gone(server.pid()));
    while server.is_running() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.stop().unwrap_err().kind, Kind::Target);
    let server = Server::start(&o).unwrap();
    assert_eq!(connect(&server).query_one("SELECT count(*) FROM t", &[]).unwrap().get::<_, i64>(0), 5000);
    let e = Server::start(&o).unwrap_err();
    assert_eq!(e.kind, Kind::Target);
    server.stop().unwrap();
    // A first start that was killed leaves a sibling, which is made again.
    let mut other = o.clone();
    other.dir = dir.join("other.pg");
    fs::create_dir_all(other.dir.join("data.new/pg/pgdata")).unwrap();
    let server = Server::start(&other).unwrap();
    connect(&server).query_one("SELECT 1", &[]).unwrap();
    server.stop().unwrap();
    assert!(!other.dir.join("data.new").exists());
}

#[test]
fn closed_home_is_no_obstacle_and_tcp_wants_the_password() {
    let dir = Dir::new();
    let mut o = options(&dir, Engine::Embedded);
    let home = dir.join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    o.dir = home.join("shop.db.pg");
    let stop = AtomicBool::new(false);
    serve(&o, &stop, |c| {
        assert_eq!(c.dir, o.dir);
        let file = c.password_file.clone().unwrap();
        let password = fs::read_to_string(&file).unwrap().trim().rsplit(':').next().unwrap().to_owned();
        let mut tcp = postgres::Config::new();
        tcp.host("127.0.0.1").port(c.port).user(&c.user).dbname(&c.dbname);
        assert!(tcp.connect(NoTls).is_err(), "no password, no entry");
        let e = tcp.clone().password("wrong").connect(NoTls).err().unwrap();
        assert_eq!(e.code(), Some(&SqlState::INVALID_PASSWORD));
        tcp.clone().password(&password).connect(NoTls).unwrap().query_one("SELECT 1", &[]).unwrap();
        for host in ["127.0.0.1", c.socket_dir.to_str().unwrap()] {
            let out = Command::new("psql")
                .args([
                    "-X",
                    "-h",
                    host,
                    "-p",
                    &c.port.to_string(),
                    "-U",
                    &c.user,
                    "-w",
                    "-Atc",
                    "SELECT 6*7",
                    "-c",
                    "\\dn",
                    &c.dbname,
                ])
                .env("PGPASSFILE", &file)
                .output()
                .unwrap();
            assert!(
                String::from_utf8_lossy(&out.stdout).starts_with("42\n"),
                "{}",
                String::from_utf8_lossy(&out.stderr)
            );
        }
        stop.store(true, Ordering::Relaxed);
    })
    .unwrap();
}

#[test]
fn dump_loads_into_a_native_server() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Embedded);
    let server = Server::start(&o).unwrap();
    connect(&server).batch_execute(ODD).unwrap();
    server.stop().unwrap();
    let file = dir.join("dump.sql");
    let t = Instant::now();
    dump(&o, fs::File::create(&file).unwrap()).unwrap();
    eprintln!("dump {:?}", t.elapsed());
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("migration_history"));
    let mut native = options(&dir, Engine::Native);
    native.dir = dir.join("native.pg");
    let target = Server::start(&native).unwrap();
    let mut copy = load(&target, Path::new(&file));
    let got = summary(&mut copy);
    drop(copy);
    target.stop().unwrap();
    let server = Server::start(&o).unwrap();
    assert_eq!(summary(&mut connect(&server)), got);
    server.stop().unwrap();
}
