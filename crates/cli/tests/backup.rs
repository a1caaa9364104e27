//! `backup` and `restore` as a person runs them: writers beside them, damage, wrong keys, full places, kills.
//! Owns the checks that a backup is one committed state and that a failed command leaves everything as it was.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::*;

/// Every file and directory of the bench by name, with its bytes; our own state is left out.
fn all(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(&bench.dir).unwrap().map(|e| e.unwrap().path());
    entries
        .filter(|p| !p.ends_with("home"))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&p).unwrap_or_default()))
        .collect()
}

/// Everything a database holds, as SQLite itself reads it.
fn content(path: &str) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut out = vec![conn.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap()];
    let mut tables = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1").unwrap();
    let tables: Vec<String> = tables.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    for table in tables {
        let sql = format!("SELECT * FROM \"{table}\"");
        let mut rows = conn.prepare(&sql).unwrap();
        let n = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let row: Vec<String> = (0..n).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
            out.push(format!("{table} {}", row.join("|")));
        }
    }
    out
}

fn sha256sum_agrees(bench: &Bench, file: &str) {
    let out = Command::new("sha256sum").args(["-c", &format!("{file}.sha256")]).current_dir(&bench.dir).output();
    assert!(out.unwrap().status.success());
}

#[test]
fn a_backup_is_the_database_and_comes_back() {
    let bench = Bench::new();
    for (name, mode) in [("delete.db", "delete"), ("wal.db", "wal")] {
        let source = bench.sqlite(name, &format!("PRAGMA journal_mode = {mode}; {SHOP}"));
        let before = fs::read(&source).unwrap();
        let made = bench.run(&["backup", name, "-o", "b.bak", "--json"]).exits(0).json();
        assert_eq!((&made["status"], &made["exit"], &made["encrypted"]), (&"done".into(), &0.into(), &().into()));
        assert_eq!(fs::read(&source).unwrap(), before);
        sha256sum_agrees(&bench, "b.bak");
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(bench.path("b.bak.json")).unwrap()).unwrap();
        assert_eq!(
            (&manifest["sha256"], &manifest["database"]["journal_mode"]),
            (&made["sha256"], &(if mode == "wal" { "wal" } else { "rollback" }).into())
        );
        assert_eq!(fs::metadata(bench.path("b.bak")).unwrap().permissions().mode() & 0o777, 0o600);
        let restored = bench.run(&["restore", "b.bak", "back.db", "--json"]).exits(0).json();
        assert_eq!((&restored["checksum_compared"], &restored["sha256"]), (&true.into(), &made["sha256"]));
        assert_eq!(content(&bench.path("back.db")), content(&source));
        let conn = Connection::open(bench.path("back.db")).unwrap();
        assert_eq!(conn.query_row("PRAGMA journal_mode", [], |r| r.get::<_, String>(0)).unwrap(), mode);
        drop(conn);
        // Nothing but these: no temporary file, and nothing of SQLite beside the source.
        let names: Vec<String> = all(&bench).into_keys().collect();
        assert_eq!(names, ["b.bak", "b.bak.json", "b.bak.sha256", "back.db", name]);
        for file in names {
            fs::remove_file(bench.path(&file)).unwrap();
        }
    }
}

#[test]
fn a_default_name_says_when_and_nothing_is_overwritten() {
    let bench = Bench::new();
    bench.sqlite("s.db", SHOP);
    let out = bench.run(&["backup", "s.db"]).exits(0);
    let names: Vec<String> = all(&bench).into_keys().collect();
    let backup = names.iter().find(|n| n.ends_with('Z')).unwrap();
    let stamp = backup.strip_prefix("s.db.backup-").unwrap();
    assert!(stamp.len() == 16 && stamp.as_bytes()[8] == b'T', "{stamp}");
    assert!(out.stdout.contains("restore  lite2pg restore s.db.backup-"), "{}", out.stdout);
    fs::create_dir(bench.path("d")).unwrap();
    bench.run(&["backup", "s.db", "-o", "d"]).exits(0);
    assert_eq!(fs::read_dir(bench.path("d")).unwrap().count(), 3);
    fs::write(bench.path("taken"), "mine").unwrap();
    fs::write(bench.path("half.sha256"), "mine").unwrap();
    let before = all(&bench);
    for (place, word) in [("taken", "exists"), ("half", "exists"), ("s.db", "exists"), ("no/such", "directory")] {
        let out = bench.run(&["backup", "s.db", "-o", place]).exits(2);
        assert!(out.stderr.contains(word) && out.stderr.contains("hint"), "{}", out.stderr);
    }
    bench.run(&["backup", "taken", "-o", "x"]).exits(3);
    bench.run(&["backup", "none.db", "-o", "x"]).exits(3);
    assert_eq!(all(&bench), before);
}

/// The sum of two tables that every transaction keeps at zero: torn states show.
const LEDGER: &str = "CREATE TABLE a(id INTEGER PRIMARY KEY, v INTEGER, pad BLOB);
    CREATE TABLE b(id INTEGER PRIMARY KEY, v INTEGER, pad BLOB);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO a SELECT i, 0, randomblob(2000) FROM n;
    INSERT INTO b SELECT id, 0, randomblob(2000) FROM a;";

#[test]
fn a_backup_while_others_write_is_one_committed_state() {
    for mode in ["wal", "delete"] {
        let bench = Bench::new();
        let source = bench.sqlite("s.db", &format!("PRAGMA journal_mode = {mode}; {LEDGER}"));
        let (stop, commits) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let conn = Connection::open(&source).unwrap();
                conn.busy_timeout(Duration::from_secs(30)).unwrap();
                let mut i = 0;
                while !stop.load(Ordering::Relaxed) {
                    i = (i + 37) % 2000 + 1;
                    conn.execute_batch(&format!(
                        "BEGIN IMMEDIATE; UPDATE a SET v = v + 1, pad = randomblob(2000) WHERE id = {i};
                         UPDATE b SET v = v - 1, pad = randomblob(2000) WHERE id = {}; COMMIT",
                        2001 - i
                    ))
                    .unwrap();
                    commits.fetch_add(1, Ordering::Relaxed);
                }
            });
            for n in 0..4 {
                let seen = commits.load(Ordering::Relaxed);
                while commits.load(Ordering::Relaxed) < seen + 3 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                let before = commits.load(Ordering::Relaxed);
                bench.run(&["backup", "s.db", "-o", &format!("b{n}")]).exits(0);
                let after = commits.load(Ordering::Relaxed);
                let conn = Connection::open(bench.path(&format!("b{n}"))).unwrap();
                let sum =
                    |t: &str| -> i64 { conn.query_row(&format!("SELECT sum(v) FROM {t}"), [], |r| r.get(0)).unwrap() };
                let (a, b) = (sum("a"), sum("b"));
                assert_eq!(a, -b, "{mode}: a torn state");
                // A state from while it ran: not an old one, not a later one.
                assert!(i64::from(before) <= a && a <= i64::from(after) + 1, "{mode}: {before} {a} {after}");
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(content(&source)[0], "ok");
    }
}

const SECRET: &str = "AGE-SECRET-KEY-1";

/// A pair of keys as `age-keygen` writes them.
fn keys(bench: &Bench, name: &str) -> String {
    // Two pairs, made with age-keygen for this test alone.
    let (public, secret) = match name {
        "a" => PAIR_A,
        _ => PAIR_B,
    };
    fs::write(bench.path(&format!("{name}.key")), format!("# public key: {public}\n{secret}\n")).unwrap();
    public.to_owned()
}

#[test]
fn an_encrypted_backup_opens_with_its_key_alone() {
    let bench = Bench::new();
    let source = bench.sqlite("s.db", &format!("{SHOP} CREATE TABLE p(x); INSERT INTO p VALUES ('plaintext-marker');"));
    let (a, b) = (keys(&bench, "a"), keys(&bench, "b"));
    fs::write(bench.path("to"), format!("# all\n\n{a}\n{b}\n")).unwrap();
    fs::write(bench.path("pw"), "open sesame\n").unwrap();
    fs::write(bench.path("pw2"), "open barley\n").unwrap();
    let cases: [(&str, &[&str], &[&str], &[&str]); 3] = [
        ("one.age", &["--encrypt-to", &a], &["--identity", "a.key"], &["--identity", "b.key"]),
        ("two.age", &["--encrypt-to", "to"], &["--identity", "b.key"], &["--passphrase-file", "pw"]),
        ("pw.age", &["--passphrase-file", "pw"], &["--passphrase-file", "pw"], &["--passphrase-file", "pw2"]),
    ];
    for (name, lock, right, wrong) in cases {
        let mut said = String::new();
        let made = bench.run(&[&["backup", "s.db", "-o", name, "--json"], lock].concat()).exits(0);
        let document = made.json();
        said += &made.stdout;
        assert_eq!(document["encrypted"], "age");
        assert_ne!(document["sha256"], document["database"]["sha256"]);
        sha256sum_agrees(&bench, name);
        let sealed = fs::read(bench.path(name)).unwrap();
        let marker = b"plaintext-marker";
        assert!(sealed.starts_with(b"age-encryption.org/v1") && !sealed.windows(16).any(|w| w == marker));
        // No plain copy is left anywhere of ours.
        assert!(!bench.kept().contains("plaintext-marker"));
        let before = all(&bench);
        let out = bench.run(&[&["restore", name, "no.db"], wrong].concat()).exits(3);
        said += &out.stderr;
        assert!(out.stderr.contains("hint"), "{}", out.stderr);
        bench.run(&["restore", name, "no.db"]).exits(2);
        assert_eq!(all(&bench), before);
        let back = format!("{name}.db");
        let out = bench.run(&[&["restore", name, &back, "--json"], right].concat()).exits(0);
        said += &out.stdout;
        assert_eq!(out.json()["sha256"], document["database"]["sha256"]);
        assert_eq!(content(&bench.path(&back)), content(&source));
        assert!(!said.contains("sesame") && !said.contains(SECRET), "{said}");
    }
    // A plain backup takes no key, and a secret key is no recipient; it is not repeated.
    bench.run(&["backup", "s.db", "-o", "plain"]).exits(0);
    bench.run(&["restore", "plain", "no.db", "--identity", "a.key"]).exits(2);
    let before = all(&bench);
    for given in [PAIR_A.1, "a.key", "age1nonsense", "nosuchfile", "s.db"] {
        let out = bench.run(&["backup", "s.db", "-o", "x", "--encrypt-to", given]).exits(2);
        assert!(!out.stderr.contains(SECRET) && out.stderr.contains("hint"), "{}", out.stderr);
    }
    bench.run(&["restore", "one.age", "no.db", "--identity", "to"]).exits(2);
    assert_eq!(all(&bench), before);
}

#[test]
fn a_damaged_backup_is_refused_and_touches_nothing() {
    let bench = Bench::new();
    bench.sqlite("s.db", LEDGER);
    let a = keys(&bench, "a");
    bench.run(&["backup", "s.db", "-o", "plain"]).exits(0);
    bench.run(&["backup", "s.db", "-o", "sealed", "--encrypt-to", &a]).exits(0);
    bench.sqlite("there.db", SHOP);
    for (name, key) in [("plain", &[][..]), ("sealed", &["--identity", "a.key"][..])] {
        let whole = fs::read(bench.path(name)).unwrap();
        let middle = whole.len() / 2;
        let mut flipped = whole.clone();
        flipped[middle] ^= 0x40;
        let mut longer = whole.clone();
        longer.extend(b"more");
        let mut page = whole.clone();
        page[middle..middle + 4096].fill(0xff);
        let mut head = whole.clone();
        head[30] ^= 1;
        for (what, bytes) in [
            ("flipped", &flipped[..]),
            ("truncated", &whole[..middle]),
            ("nearly whole", &whole[..whole.len() - 1]),
            ("longer", &longer),
            ("empty", &[]),
            ("page", &page),
            ("head", &head),
        ] {
            fs::write(bench.path(name), bytes).unwrap();
            let before = all(&bench);
            for more in [&["new.db"][..], &["there.db", "--force"]] {
                let out = bench.run(&[&["restore", name], more, key].concat()).exits(3);
                assert!(out.stderr.contains("SHA-256") && out.stderr.contains("hint"), "{what}: {}", out.stderr);
                assert_eq!(all(&bench), before, "{what}");
            }
            // Without the sum the rest must notice: age authenticates every byte, SQLite its own structure.
            if name == "sealed" || ["truncated", "page"].contains(&what) {
                let args = [&["restore", name, "new.db", "--no-checksum"], key].concat();
                let exit = if what == "empty" && name == "sealed" { 2 } else { 3 };
                let out = bench.run(&args).exits(exit);
                assert!(out.stderr.contains("hint"), "{what}: {}", out.stderr);
                assert_eq!(all(&bench), before, "{what}");
            }
        }
        fs::write(bench.path(name), whole).unwrap();
    }
    // Its sum is gone.
    fs::remove_file(bench.path("plain.sha256")).unwrap();
    bench.run(&["restore", "plain", "new.db"]).exits(3);
    let out = bench.run(&["restore", "plain", "new.db", "--no-checksum", "--json"]).exits(0);
    assert_eq!(out.json()["checksum_compared"], false);
}

#[test]
fn a_damaged_source_gets_no_backup() {
    let bench = Bench::new();
    let source = bench.sqlite("s.db", "CREATE TABLE t(x); CREATE INDEX i ON t(x); INSERT INTO t VALUES (1), (2), (3);");
    // An index that holds another value than its table: quick_check does not look at that.
    let conn = Connection::open(&source).unwrap();
    conn.execute_batch(
        "PRAGMA writable_schema = ON;
         CREATE TABLE hidden(sql TEXT, rootpage INTEGER);
         INSERT INTO hidden SELECT sql, rootpage FROM sqlite_schema WHERE name = 'i';
         DELETE FROM sqlite_schema WHERE name = 'i';",
    )
    .unwrap();
    drop(conn);
    let conn = Connection::open(&source).unwrap();
    conn.execute_batch(
        "UPDATE t SET x = 9 WHERE x = 3; PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema SELECT 'index', 'i', 't', rootpage, sql FROM hidden;",
    )
    .unwrap();
    drop(conn);
    let quick: String = Connection::open(&source).unwrap().query_row("PRAGMA quick_check", [], |r| r.get(0)).unwrap();
    assert_eq!(quick, "ok", "the full check must be what notices");
    let before = all(&bench);
    let out = bench.run(&["backup", "s.db", "-o", "b"]).exits(3);
    assert!(out.stderr.contains("index i") && out.stderr.contains("REINDEX"), "{}", out.stderr);
    assert_eq!(all(&bench), before);
    Connection::open(&source).unwrap().execute_batch("REINDEX").unwrap();
    bench.run(&["backup", "s.db", "-o", "b"]).exits(0);
}

#[test]
fn what_lies_there_is_kept_if_it_must_make_way() {
    let bench = Bench::new();
    bench.sqlite("s.db", SHOP);
    bench.run(&["backup", "s.db", "-o", "b"]).exits(0);
    let old = bench.sqlite("there.db", "CREATE TABLE mine(x); INSERT INTO mine VALUES (7);");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
    let before = all(&bench);
    let out = bench.run(&["restore", "b", "there.db"]).exits(2);
    assert!(out.stderr.contains("--force"), "{}", out.stderr);
    // A journal of something that is gone would be rolled into the new database.
    fs::write(bench.path("other.db-wal"), "x").unwrap();
    bench.run(&["restore", "b", "other.db"]).exits(2);
    fs::remove_file(bench.path("other.db-wal")).unwrap();
    // Somebody uses it.
    let mut user = Command::new("sleep").arg("60").stdin(fs::File::open(&old).unwrap()).spawn().unwrap();
    let out = bench.run(&["restore", "b", "there.db", "--force"]).exits(3);
    assert!(out.stderr.contains("in use"), "{}", out.stderr);
    user.kill().unwrap();
    user.wait().unwrap();
    assert_eq!(all(&bench), before);
    fs::write(bench.path("there.db-journal"), "x").unwrap();
    let out = bench.run(&["restore", "b", "there.db", "--force", "--json"]).exits(0).json();
    let kept = bench.path(out["kept"].as_str().unwrap());
    assert_eq!(fs::read(&kept).unwrap(), before["there.db"]);
    assert_eq!(fs::read(format!("{kept}-journal")).unwrap(), b"x");
    assert!(!Path::new(&bench.path("there.db-journal")).exists());
    assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(content(&old), content(&bench.path("s.db")));
}

/// Waits until `found` says yes, or the process has ended.
fn until(child: &mut std::process::Child, found: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if found() {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return found();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing happened for a minute")
}

#[test]
fn a_stopped_or_killed_backup_leaves_nothing_for_long() {
    let bench = Bench::new();
    // Long enough to be caught in the middle.
    bench.sqlite("s.db", &LEDGER.replace("< 2000", "< 20000"));
    let a = keys(&bench, "a");
    let begun = |bench: &Bench| all(bench).keys().any(|n| n.starts_with("lite2pg-backup-"));
    let before = all(&bench);
    for (lock, signals) in [(&[][..], ["-INT", "-KILL"]), (&["--encrypt-to", &a][..], ["-INT", "-KILL"])] {
        for name in signals {
            let args = [&["backup", "s.db", "-o", "b", "--work-dir", "w"][..], lock].concat();
            let args = if lock.is_empty() { args[..4].to_vec() } else { args };
            let mut child = bench.command(&args).stderr(std::process::Stdio::null()).spawn().unwrap();
            let here = |bench: &Bench| {
                let plain = fs::read_dir(bench.path("w")).is_ok_and(|d| d.count() > 0);
                begun(bench) || plain
            };
            assert!(until(&mut child, || here(&bench)), "it was over before it was seen");
            signal(name, child.id());
            let status = child.wait().unwrap();
            if name == "-INT" {
                assert_eq!(status.code(), Some(8));
                assert!(!here(&bench));
            } else {
                assert_eq!(status.code(), None);
                assert!(here(&bench), "a kill leaves what the next one removes");
            }
            assert!(!Path::new(&bench.path("b")).exists() && !Path::new(&bench.path("b.sha256")).exists());
        }
    }
    // Both kinds of leftovers go with the next encrypted one.
    bench.run(&["backup", "s.db", "-o", "b", "--work-dir", "w", "--encrypt-to", &a]).exits(0);
    assert_eq!(fs::read_dir(bench.path("w")).unwrap().count(), 0);
    let mut expected: Vec<String> = before.into_keys().collect();
    expected.extend(["b", "b.json", "b.sha256", "w"].map(str::to_owned));
    expected.sort();
    assert_eq!(all(&bench).into_keys().collect::<Vec<_>>(), expected);
    bench.run(&["restore", "b", "r.db", "--identity", "a.key"]).exits(0);
}

#[test]
fn a_kill_between_two_names_is_taken_back() {
    let bench = Bench::new();
    bench.sqlite("s.db", SHOP);
    bench.run(&["backup", "s.db", "-o", "b"]).exits(0);
    let whole = all(&bench);
    // As a process that was killed between the renames leaves it: the companions are placed, the backup is not.
    let dir = bench.path("lite2pg-backup-1-0");
    fs::create_dir(&dir).unwrap();
    fs::write(format!("{dir}/lock"), "").unwrap();
    fs::write(format!("{dir}/placing"), "b").unwrap();
    fs::rename(bench.path("b"), format!("{dir}/source.db")).unwrap();
    bench.run(&["backup", "s.db", "-o", "c"]).exits(0);
    let names: Vec<String> = all(&bench).into_keys().collect();
    assert_eq!(names, ["c", "c.json", "c.sha256", "s.db"]);
    // The same with the very name that was to be.
    fs::create_dir(&dir).unwrap();
    for (name, text) in [("lock", ""), ("placing", "b"), ("source.db", "x")] {
        fs::write(format!("{dir}/{name}"), text).unwrap();
    }
    fs::write(bench.path("b.sha256"), "x").unwrap();
    bench.run(&["backup", "s.db", "-o", "b"]).exits(0);
    assert_eq!(all(&bench)["b"], whole["b"]);
}

/// SQLite sorts in files where `SQLITE_TMPDIR` says; there it may be full.
#[test]
fn a_full_temporary_directory_of_sqlite_is_told() {
    let bench = Bench::new();
    let small = bench.path("small");
    fs::create_dir(&small).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs", &small]).output();
    if !mount.is_ok_and(|m| m.status.success()) {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "SKIPPED: no file system can be mounted here, so no disk gets full");
        return;
    }
    bench.sqlite(
        "s.db",
        "CREATE TABLE c(k TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO c SELECT hex(randomblob(100)) FROM n;
         CREATE VIEW v AS SELECT DISTINCT k FROM c ORDER BY k DESC;",
    );
    let before = fs::read(bench.path("s.db")).unwrap();
    let cluster = lite2pg_testkit::cluster::Cluster::start(&[], &[]);
    let target = target(&cluster, "temp");
    let args = ["migrate", "s.db", &target];
    let out = Bench::finish(bench.command(&args).env("SQLITE_TMPDIR", &small));
    assert!(Command::new("umount").args(["-l", &small]).status().unwrap().success());
    assert_eq!(fs::read(bench.path("s.db")).unwrap(), before);
    let out = out.exits(3);
    assert!(out.stderr.contains("full") && out.stderr.contains("hint: make space"), "{}", out.stderr);
    // With room the same command goes on, or begins anew.
    bench.run(&args).exits(0);
}

const PAIR_A: (&str, &str) = (
    "age1zyd4kd34tsv2nm08kgw9gp70utpnhlewpm8q2mewgqakq06leausj0f544",
    "AGE-SECRET-KEY-1QP4GG667KZNGR3X5GQ5H86ZFJLHR9E22086KDPADPT6VKX95RHAS4XE0EL",
);

const PAIR_B: (&str, &str) = (
    "age10m8vgt9gcsjvs76srqrlvnksqet0hayaeq3r32pw4t64slwlra3sm0e2eh",
    "AGE-SECRET-KEY-194GQ76NSVN0SF3WKAYG0S6TMHTEG8AG3EGG6WVU07KVPYXK5KU7SEGU7SE",
);
