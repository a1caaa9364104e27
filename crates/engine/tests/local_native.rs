//! The managed native PostgreSQL, really started.
//! Owns the checks of places, users, orphans, locks, passwords and dumps; needs a PostgreSQL on the machine.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod local;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lite2pg_engine::Kind;
use lite2pg_engine::local::{Engine, Server, dump, serve};
use local::*;
use postgres::NoTls;

fn root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn first_start_select_stop_reopen() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Native);
    let t = Instant::now();
    let server = Server::start(&o).unwrap();
    eprintln!("native first start {:?}", t.elapsed());
    assert_eq!(server.dir(), o.dir);
    let mut c = connect(&server);
    let row = c
        .query_one(
            "SELECT current_setting('server_encoding'), current_setting('fsync'), current_setting('wal_level'), \
             current_setting('listen_addresses'), datcollate, current_user::text FROM pg_database WHERE datname = current_database()",
            &[],
        )
        .unwrap();
    let got: Vec<String> = (0..6).map(|i| row.try_get::<_, String>(i).unwrap_or_default()).collect();
    assert_eq!(got[..4], ["UTF8", "on", "minimal", ""]);
    assert_eq!(got[5], "postgres");
    c.batch_execute("CREATE TABLE t(a int); INSERT INTO t SELECT generate_series(1, 1000)").unwrap();
    let (pid, keeper, sockets) = (server.server_pid(), server.pid(), server.socket_dir().to_owned());
    drop(c);
    let t = Instant::now();
    server.stop().unwrap();
    eprintln!("native first stop {:?}", t.elapsed());
    assert!(!alive(pid) && !alive(keeper) && !sockets.exists());
    assert!(fs::read_to_string(o.dir.join("data/lite2pg.json")).unwrap().contains("\"synced\":true"));

    let t = Instant::now();
    let server = Server::start(&o).unwrap();
    eprintln!("native reopen {:?}", t.elapsed());
    assert_eq!(connect(&server).query_one("SELECT count(*) FROM t", &[]).unwrap().get::<_, i64>(0), 1000);
    let pid = server.server_pid();
    let t = Instant::now();
    drop(server);
    eprintln!("native drop {:?}", t.elapsed());
    assert!(!alive(pid), "drop must stop the server");
}

/// A process that starts a server and is then killed: the test binary itself, run again.
#[test]
fn killed_run_leaves_no_server() {
    if let Some(dir) = std::env::var_os("LITE2PG_TEST_RUN_IN") {
        let mut o = options(&Dir::new(), Engine::Native);
        o.dir = dir.into();
        let server = Server::start(&o).unwrap();
        let said = format!("{} {}\n", server.pid(), server.server_pid());
        fs::write(o.dir.with_extension("pids"), said).unwrap();
        std::thread::sleep(Duration::from_secs(600));
        return;
    }
    let dir = Dir::new();
    let o = options(&dir, Engine::Native);
    let pids = run_elsewhere(&o.dir, "killed_run_leaves_no_server", kill9);
    assert!(gone(pids[1]) && gone(pids[0]), "the keeper must stop the server of a killed run");
    let server = Server::start(&o).unwrap();
    assert!(server.notes().is_empty(), "{:?}", server.notes());
    server.stop().unwrap();

    // The keeper killed as well: the server stays, and the next start stops it.
    fs::remove_file(o.dir.with_extension("pids")).unwrap();
    let mut keeper = 0;
    let path = o.dir.clone();
    let pids = run_elsewhere(&o.dir, "killed_run_leaves_no_server", |child| {
        keeper = fs::read_to_string(path.with_extension("pids")).unwrap().split(' ').next().unwrap().parse().unwrap();
        kill9(keeper);
        kill9(child);
    });
    assert!(gone(keeper) && alive(pids[1]));
    let server = Server::start(&o).unwrap();
    assert!(!alive(pids[1]), "the orphan must be stopped");
    assert!(server.notes().iter().any(|n| n.contains(&pids[1].to_string())), "{:?}", server.notes());
    connect(&server).query_one("SELECT 1", &[]).unwrap();
    server.stop().unwrap();
}

fn run_elsewhere(dir: &Path, test: &str, kill: impl FnOnce(u32)) -> [u32; 2] {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("LITE2PG_TEST_RUN_IN", dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let file = dir.with_extension("pids");
    let start = Instant::now();
    while !fs::read_to_string(&file).is_ok_and(|t| t.ends_with('\n')) {
        assert!(start.elapsed() < Duration::from_secs(60), "the other process did not start its server");
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read_to_string(&file).unwrap();
    let pids: Vec<u32> = text.split_whitespace().map(|p| p.parse().unwrap()).collect();
    kill(child.id());
    child.wait().unwrap();
    [pids[0], pids[1]]
}

#[test]
fn in_use_and_foreign_directories_are_refused() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Native);
    let server = Server::start(&o).unwrap();
    let e = Server::start(&o).unwrap_err();
    assert_eq!(e.kind, Kind::Target);
    assert!(e.message.contains(&std::process::id().to_string()), "{e}");
    connect(&server).query_one("SELECT 1", &[]).unwrap();
    server.stop().unwrap();

    let mut other = o.clone();
    other.dir = dir.join("theirs");
    fs::create_dir(&other.dir).unwrap();
    fs::write(other.dir.join("letter.txt"), "dear").unwrap();
    let e = Server::start(&other).unwrap_err();
    assert_eq!(e.kind, Kind::Target);
    assert_eq!(fs::read_dir(&other.dir).unwrap().count(), 1);

    let mut other = o.clone();
    other.engine = Some(Engine::Embedded);
    assert_eq!(Server::start(&other).unwrap_err().kind, Kind::Usage);

    // The version that made it is gone.
    let marker = o.dir.join("data/lite2pg.json");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace("\"major\":15", "\"major\":14")).unwrap();
    let e = Server::start(&o).unwrap_err();
    assert_eq!(e.kind, Kind::Target);
    assert!(e.hint.unwrap().contains("postgresql-14"));
}

#[test]
fn partial_initdb_and_stale_pid_file_are_mended() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Native);
    fs::create_dir_all(o.dir.join("data.new/pg/base")).unwrap();
    fs::write(o.dir.join("data.new/pg/PG_VERSION"), "15\n").unwrap();
    if root() {
        fs::set_permissions(&o.dir, fs::Permissions::from_mode(0o711)).unwrap();
    }
    Server::start(&o).unwrap().stop().unwrap();
    assert!(!o.dir.join("data.new").exists());
    // After a reboot the number belongs to someone else, here to this test.
    let me = std::process::id();
    let pid_file = o.dir.join("data/pg/postmaster.pid");
    fs::write(&pid_file, format!("{me}\n{}\n1700000000\n5432\n/tmp\n\n", o.dir.join("data/pg").display())).unwrap();
    let server = Server::start(&o).unwrap();
    connect(&server).query_one("SELECT 1", &[]).unwrap();
    server.stop().unwrap();
}

#[test]
fn closed_parents_and_long_paths() {
    let dir = Dir::new();
    let mut o = options(&dir, Engine::Native);
    let long = dir.join(&"long-name-".repeat(15)).join("more".repeat(20));
    fs::create_dir_all(&long).unwrap();
    o.dir = long.join("shop.db.pg");
    o.temp_dir = long.clone();
    let server = Server::start(&o).unwrap();
    assert!(server.socket_dir().as_os_str().len() < 80);
    connect(&server).query_one("SELECT 1", &[]).unwrap();
    server.stop().unwrap();

    if !root() {
        return;
    }
    let home = dir.join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    o.dir = home.join("shop.db.pg");
    o.temp_dir = home.clone();
    let server = Server::start(&o).unwrap();
    assert!(server.dir().starts_with(dir.join("fallback")), "{:?}", server.dir());
    assert!(server.notes().iter().any(|n| n.contains(home.to_str().unwrap())), "{:?}", server.notes());
    connect(&server).batch_execute("CREATE TABLE here(a int)").unwrap();
    server.stop().unwrap();
    // The pointer leads there even if the fallback directory is another one by then.
    o.fallback_dir = dir.join("elsewhere");
    let server = Server::start(&o).unwrap();
    connect(&server).query_one("SELECT count(*) FROM here", &[]).unwrap();
    server.stop().unwrap();
}

#[test]
fn as_an_ordinary_user_with_a_strange_environment() {
    if !root() {
        return;
    }
    // The keeper is run by hand as another user, with PG* and LANG set; its order is a start in a directory of theirs.
    use std::os::unix::process::CommandExt;
    let dir = Dir::new();
    std::os::unix::fs::chown(&dir.0, Some(65534), Some(65534)).unwrap();
    let exe = dir.join("tests");
    // By another process: a file that we had open for writing could not be run while a sibling thread forks.
    let copy = |from: &Path, to: &Path| assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
    copy(&std::env::current_exe().unwrap(), &exe);
    let keeper = dir.join("keeper");
    copy(Path::new(env!("CARGO_BIN_EXE_local-keeper")), &keeper);
    let out = Command::new(&exe)
        .args(["--exact", "ordinary_user_inner", "--ignored", "--nocapture"])
        .env("LITE2PG_TEST_DIR", &dir.0)
        .envs([("PGHOST", "nowhere"), ("PGDATA", "/nonexistent"), ("PGPORT", "1"), ("PGOPTIONS", "-c foo=bar")])
        .envs([("LANG", "xx_YY.weird"), ("LC_ALL", "tlh"), ("PGUSER", "nobody")])
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stdout).contains("1 passed"));
}

#[test]
#[ignore = "run by as_an_ordinary_user_with_a_strange_environment"]
fn ordinary_user_inner() {
    let path = std::path::PathBuf::from(std::env::var_os("LITE2PG_TEST_DIR").unwrap());
    let dir = std::mem::ManuallyDrop::new(Dir(path));
    let mut o = options(&dir, Engine::Native);
    o.exe = dir.join("keeper");
    let server = Server::start(&o).unwrap();
    assert_eq!(fs::metadata(o.dir.join("data/pg")).unwrap().uid(), 65534);
    connect(&server).query_one("SELECT 1", &[]).unwrap();
    server.stop().unwrap();
    // A place that can't be written: the fallback, found again without a pointer.
    let closed = dir.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    o.dir = closed.join("shop.db.pg");
    let server = Server::start(&o).unwrap();
    assert!(server.dir().starts_with(dir.join("fallback")));
    connect(&server).batch_execute("CREATE TABLE here(a int)").unwrap();
    server.stop().unwrap();
    let server = Server::start(&o).unwrap();
    connect(&server).query_one("SELECT count(*) FROM here", &[]).unwrap();
    server.stop().unwrap();
}

#[test]
fn serve_asks_for_the_password_and_takes_no_busy_port() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Native);
    let stop = AtomicBool::new(false);
    serve(&o, &stop, |c| {
        let file = c.password_file.clone().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let line = fs::read_to_string(&file).unwrap();
        let password = line.trim().rsplit(':').next().unwrap().to_owned();
        let mut tcp = postgres::Config::new();
        tcp.host("127.0.0.1").port(c.port).user(&c.user).dbname(&c.dbname);
        assert!(tcp.connect(NoTls).is_err(), "no password, no entry");
        assert!(tcp.clone().password("wrong").connect(NoTls).is_err());
        let mut client = tcp.clone().password(&password).connect(NoTls).unwrap();
        client.query_one("SELECT 1", &[]).unwrap();
        // psql finds the password by the file.
        let out = Command::new("psql")
            .args([
                "-X",
                "-h",
                "127.0.0.1",
                "-p",
                &c.port.to_string(),
                "-U",
                &c.user,
                "-w",
                "-Atc",
                "SELECT 6*7",
                &c.dbname,
            ])
            .env("PGPASSFILE", &file)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout), "42\n", "{}", String::from_utf8_lossy(&out.stderr));
        let log = fs::read_to_string(o.dir.join("server.log")).unwrap();
        assert!(!log.contains(&password));
        let mut other = options(&dir, Engine::Native);
        other.dir = dir.join("other.pg");
        other.tcp = Some(c.port);
        let e = Server::start(&other).unwrap_err();
        assert_eq!(e.kind, Kind::Target);
        assert!(e.message.contains(&c.port.to_string()), "{e}");
        stop.store(true, Ordering::Relaxed);
    })
    .unwrap();
}

#[test]
fn dump_loads_into_a_fresh_database_with_the_same_rows() {
    let dir = Dir::new();
    let o = options(&dir, Engine::Native);
    let server = Server::start(&o).unwrap();
    connect(&server).batch_execute(ODD).unwrap();
    let mut sql = Vec::new();
    dump(&o, &mut sql).unwrap(); // while it is being served
    server.stop().unwrap();
    let mut again = Vec::new();
    dump(&o, &mut again).unwrap();
    let text = |b: &[u8]| {
        let t = String::from_utf8(b.to_vec()).unwrap();
        t.lines()
            .filter(|l| !l.starts_with("\\restrict") && !l.starts_with("\\unrestrict"))
            .map(String::from)
            .collect::<Vec<_>>()
    };
    assert_eq!(text(&sql), text(&again));
    assert!(!text(&sql).iter().any(|l| l.contains("migration_history")));
    let file = dir.join("dump.sql");
    fs::File::create(&file).unwrap().write_all(&again).unwrap();
    let server = Server::start(&o).unwrap();
    let mut copy = load(&server, &file);
    let mut original = connect(&server);
    assert_eq!(summary(&mut original), summary(&mut copy));
    drop((copy, original));
    server.stop().unwrap();
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_half_made() {
    let dir = Dir::new();
    let small = dir.join("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|s| s.success()) {
        return; // Not root, or no right to mount.
    }
    let mut o = options(&dir, Engine::Native);
    o.dir = small.join("shop.db.pg");
    let failed = Server::start(&o);
    let left = o.dir.join("data").exists() || o.dir.join("data.new").exists();
    assert!(Command::new("umount").arg(&small).status().unwrap().success());
    let e = failed.unwrap_err();
    assert_eq!(e.kind, Kind::Target);
    assert!(e.message.contains("No space left"), "{e}");
    assert!(e.hint.unwrap().contains("free some space"));
    assert!(!left);
}
