//! What the binary shows and does of an undo and of a rehearsal: refusals with the rows, the file with what is given up, the
//! exit status, and what a Ctrl-C or a kill leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::picture;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Bench, Out, SHOP, signal, target};

const WRITES: &str = "
    INSERT INTO orders VALUES (5, 7, 1.25), (6, 2, NULL);
    UPDATE orders SET total = 21 WHERE id = 2;
    DELETE FROM orders WHERE id = 4;
    UPDATE customers SET name = E'tab\\there \\\\ and ''quotes''' WHERE id = 7;";

#[test]
fn an_undo_lists_what_was_written_and_saves_it_before_it_removes_it() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    let mut client = cluster.client("shop");
    let before = picture::fingerprint(&mut client, None);
    bench.run(&["migrate", &source, &target]).exits(0);
    // The one that takes pictures has a path of its own.
    cluster.client("shop").batch_execute(WRITES).unwrap();
    let there = picture::fingerprint(&mut client, None);

    let dry = bench.run(&["rollback", &source, &target, "--dry-run"]).exits(4);
    for words in
        ["2 rows added, 1 changed, 1 removed", "changed: id = 2: total", "removed: id = 4", "DROP TABLE", "refuses"]
    {
        assert!(dry.stdout.contains(words), "{words}:\n{}", dry.stdout);
    }
    assert!(
        dry.stdout.contains("go on    lite2pg rollback ") && dry.stdout.contains("--discard-changes"),
        "{}",
        dry.stdout
    );
    let json = bench.run(&["rollback", &source, &target, "--dry-run", "--json"]).exits(4).json();
    assert_eq!((json["exit"].as_u64(), json["changes"][0]["table"].as_str()), (Some(4), Some("public.customers")));
    assert_eq!(json["changes"][1]["named"].as_array().unwrap().len(), 4, "{json}");

    let refused = bench.run(&["rollback", &source, &target]).exits(4);
    assert!(
        refused.stderr.contains("2 rows added, 1 changed, 1 removed") && refused.stderr.contains("id = 4"),
        "{}",
        refused.stderr
    );
    assert_eq!(picture::compare(&there, &picture::fingerprint(&mut client, None)), "");

    // A file that is there, or the source, is never written over.
    let other = bench.path("there.sql");
    fs::write(&other, "mine").unwrap();
    let args = ["rollback", &source, &target, "--discard-changes", "--save-to"];
    bench.run(&[&args[..], &[&other]].concat()).exits(2);
    bench.run(&[&args[..], &[&source]].concat()).exits(2);
    assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    bench.run(&["rollback", &source, &target, "--save-to", &other]).exits(2);
    assert_eq!(picture::compare(&there, &picture::fingerprint(&mut client, None)), "");

    let undone = bench.run(&args[..4]).exits(0);
    assert!(
        undone.stdout.contains("verified") && undone.stdout.contains("as it was before the run"),
        "{}",
        undone.stdout
    );
    assert_eq!(picture::compare(&before, &picture::fingerprint(&mut client, None)), "");
    let saved: Vec<_> = fs::read_dir(&bench.dir).unwrap().flatten().map(|e| e.path()).collect();
    let saved: Vec<_> = saved.into_iter().filter(|p| p.to_string_lossy().contains("shop.db.discarded-")).collect();
    let [file] = saved.as_slice() else { panic!("{saved:?}") };
    assert!(undone.stdout.contains(&file.display().to_string()), "{}", undone.stdout);
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);

    // psql loads it, and it holds just the rows that were written.
    let uri = target.clone();
    let out = Bench::finish(Command::new("psql").args(["-X", "-q", "-d", &uri, "-f"]).arg(file)).exits(0);
    assert_eq!((out.stdout.as_str(), out.stderr.as_str()), ("", ""));
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'lite2pg\\_saved%'";
    let schema: String = client.query_one(sql, &[]).unwrap().get(0);
    let rows = |table: &str| -> Vec<String> {
        let sql = format!("SELECT t::text FROM \"{schema}\".{table} t ORDER BY id");
        cluster.client("shop").query(&sql, &[]).unwrap().iter().map(|r| r.get(0)).collect()
    };
    assert_eq!(rows("orders"), ["(2,1,21.00)", "(5,7,1.25)", "(6,2,)"]);
    assert_eq!(rows("customers"), ["(7,\"tab\there \\\\ and 'quotes'\",2001-12-31)"]);
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("-- removed: id = 4"), "{text}");
}

#[test]
fn where_the_source_is_another_by_now_whole_tables_are_saved() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    bench.run(&["migrate", &source, &target]).exits(0);
    cluster.client("shop").batch_execute(WRITES).unwrap();
    cluster.client("shop").batch_execute("CREATE INDEX mine ON orders (total)").unwrap();
    rusqlite::Connection::open(&source).unwrap().execute_batch("DELETE FROM orders WHERE id = 1").unwrap();
    let refused = bench.run(&["rollback", &source, &target]).exits(4);
    assert!(
        refused.stderr.contains("4 rows then, 5 now") && refused.stderr.contains("changed since"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("index mine"), "{}", refused.stderr);
    let file = bench.path("saved.sql");
    let args = ["rollback", &source, &target, "--discard-changes", "--save-to", &file, "--json"];
    let json = bench.run(&args).exits(0).json();
    assert_eq!((json["saved_to"].as_str(), json["proof"]["as_before"].as_bool()), (Some(file.as_str()), Some(true)));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("also removed: index mine") && text.contains("here: all its rows"), "{text}");
    let copied = text.split("\nCOPY ").find(|t| t.lines().next().unwrap().contains("orders")).unwrap();
    assert_eq!(copied.lines().skip(1).take_while(|l| *l != "\\.").count(), 5, "{copied}");
}

#[test]
fn values_in_columns_that_were_added_are_saved_and_so_is_the_sql_of_what_was_made() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    bench.run(&["migrate", &source, &target]).exits(0);
    let added = "ALTER TABLE customers ADD COLUMN secret text; UPDATE customers SET secret = 'precious'";
    cluster.client("shop").batch_execute(added).unwrap();
    // Of this one a row was changed too.
    let both = "ALTER TABLE orders ADD COLUMN note text; UPDATE orders SET note = 'remember', total = 33 WHERE id = 2";
    cluster.client("shop").batch_execute(both).unwrap();
    let refused = bench.run(&["rollback", &source, &target]).exits(4);
    assert!(refused.stderr.contains("column secret") && refused.stderr.contains("its columns"), "{}", refused.stderr);
    let file = bench.path("columns.sql");
    let discard =
        |file: &str| bench.run(&["rollback", &source, &target, "--discard-changes", "--save-to", file]).exits(0);
    discard(&file);
    let text = fs::read_to_string(&file).unwrap();
    for words in ["here: all its rows", "precious", "remember", "\"secret\"", "33.00"] {
        assert!(text.contains(words) || text.contains(&words.replace('"', "")), "{words}:\n{text}");
    }
    let out = Bench::finish(Command::new("psql").args(["-X", "-q", "-d", &target, "-f", &file])).exits(0);
    assert_eq!((out.stdout.as_str(), out.stderr.as_str()), ("", ""));

    // No row was written, and yet something is given up.
    bench.run(&["migrate", &source, &target]).exits(0);
    cluster.client("shop").batch_execute("CREATE INDEX mine ON orders ((total * 2))").unwrap();
    let file = bench.path("index.sql");
    let undone = discard(&file);
    assert!(undone.stdout.contains("index.sql"), "{}", undone.stdout);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("also removed: index mine") && text.contains("--     CREATE INDEX mine ON"), "{text}");

    // Whoever named a file finds it.
    bench.run(&["migrate", &source, &target]).exits(0);
    let file = bench.path("nothing.sql");
    discard(&file);
    assert!(fs::read_to_string(&file).unwrap().contains("Nothing was written since"));
}

fn databases(cluster: &Cluster) -> Vec<String> {
    let sql = "SELECT datname::text FROM pg_database WHERE datname LIKE 'lite2pg\\_rehearsal%'";
    cluster.client("postgres").query(sql, &[]).unwrap().iter().map(|r| r.get(0)).collect()
}

fn places(bench: &Bench) -> Vec<String> {
    let all = bench.dir.join("home/.local/state/lite2pg/rehearsals");
    fs::read_dir(all).into_iter().flatten().flatten().map(|e| e.path().display().to_string()).collect()
}

#[test]
fn a_rehearsal_without_a_target_has_a_server_of_its_own() {
    let bench = Bench::new();
    let source = bench.sqlite("shop.db", SHOP);
    let out = bench.run(&["rehearse", &source]).exits(0);
    for words in ["equal", "rehearsed", "expect   about ", "go on    lite2pg migrate "] {
        assert!(out.stdout.contains(words), "{words}:\n{}", out.stdout);
    }
    assert!(!bench.dir.join("shop.db.pg").exists());
    assert_eq!(places(&bench), [""; 0]);
    let json = bench.run(&["rehearse", &source, "--json", "--keep"]).exits(0).json();
    assert_eq!(
        (json["rehearsal"].as_bool(), json["status"].as_str(), json["kept"].as_bool()),
        (Some(true), Some("done"), Some(true))
    );
    assert!(json["tables"].as_array().unwrap().iter().all(|t| t["verified"] == true));
    assert!(json["connect"].as_str().unwrap().starts_with("lite2pg serve "), "{json}");
    let there = places(&bench);
    assert_eq!(there.len(), 1, "{there:?}");
    bench.run(&["rehearse", &source]).exits(0);
    assert_eq!(places(&bench), there, "a kept one was swept");
    // Its own command removes it.
    assert!(Command::new("sh").args(["-c", json["remove"].as_str().unwrap()]).status().unwrap().success());
    assert_eq!(places(&bench), [""; 0]);
}

#[test]
fn a_rehearsal_that_is_interrupted_or_killed_leaves_nothing_for_long() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let (source, target) = (bench.sqlite("shop.db", SHOP), target(&cluster, "shop"));
    let rows = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
                INSERT INTO orders SELECT i, 1, i FROM n";
    rusqlite::Connection::open(&source).unwrap().execute_batch(rows).unwrap();
    let args = ["rehearse", &source, &target, "--jobs", "1", "--chunk-bytes", "64KiB"];
    let spawn = || bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let first_chunk = || {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < end, "no chunk was done");
            std::thread::sleep(Duration::from_millis(20));
            let Some(name) = databases(&cluster).first().cloned() else { continue };
            let Ok(mut client) = postgres::Client::connect(&cluster.conninfo(&name), postgres::NoTls) else { continue };
            let sql = "SELECT count(*) FROM lite2pg.migration_chunk WHERE done";
            if client.query_one(sql, &[]).is_ok_and(|r| r.get::<_, i64>(0) > 0) {
                return;
            }
        }
    };
    let child = spawn();
    first_chunk();
    signal("-INT", child.id());
    let out = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(8), "{stderr}");
    assert!(stderr.contains("to begin again:  lite2pg rehearse "), "{stderr}");
    assert_eq!((databases(&cluster), places(&bench)), (vec![], vec![]));

    let mut child = spawn();
    first_chunk();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((databases(&cluster).len(), places(&bench).is_empty()), (1, false));
    let json = bench.run(&["rehearse", &source, &target, "--json"]).exits(0).json();
    assert_eq!(json["swept"].as_array().unwrap().len(), 2, "{json}");
    assert_eq!((databases(&cluster), places(&bench)), (vec![], vec![]));
    let sql = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'public'";
    assert_eq!(cluster.client("shop").query_one(sql, &[]).unwrap().get::<_, i64>(0), 0);
}

/// Runs a command that was printed, as a person pastes it into a shell.
fn paste(bench: &Bench, line: &str) -> Out {
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_lite2pg")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .env_clear()
        .env("HOME", bench.dir.join("home"))
        .env("PATH", path)
        .current_dir(&bench.dir);
    Bench::finish(&mut command)
}

#[test]
fn the_commands_after_a_ctrl_c_can_be_pasted() {
    let (bench, cluster) = (Bench::new(), Cluster::start(&[], &[]));
    let source = bench.sqlite("it's $HOME shop.db", SHOP);
    let rows = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
                INSERT INTO orders SELECT i, 1, i FROM n";
    rusqlite::Connection::open(&source).unwrap().execute_batch(rows).unwrap();
    let plain = target(&cluster, "shop");
    // A password that the server does not ask for.
    let secret = plain.replace("postgres@", "postgres:geheim@");
    let mut client = cluster.client("shop");
    let before = picture::fingerprint(&mut client, None);
    let args = ["migrate", &source, &secret, "--schema", "My Shop", "--jobs", "1", "--chunk-bytes", "64KiB"];
    for undo in [false, true] {
        let child = bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        let done = "SELECT count(*) FROM lite2pg.migration_chunk c JOIN lite2pg.migration_history h USING (run) \
                    WHERE c.done AND h.status = 'running'";
        while !client.query_one(done, &[]).is_ok_and(|r| r.get::<_, i64>(0) > 0) {
            assert!(Instant::now() < end, "no chunk was done");
            std::thread::sleep(Duration::from_millis(10));
        }
        signal("-INT", child.id());
        let out = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(8), "{stderr}");
        let line = |word: &str| {
            let at = stderr.split_once(word).unwrap_or_else(|| panic!("{word}: {stderr}")).1;
            at.lines().next().unwrap().trim().to_owned()
        };
        assert!(!line("to go on:").contains("geheim") && !line("to undo:").contains("geheim"), "{stderr}");
        assert!(stderr.contains("PGPASSWORD"), "{stderr}");
        if undo {
            let undone = paste(&bench, &line("to undo:")).exits(0);
            assert!(undone.stdout.contains("as it was before the run"), "{}", undone.stdout);
        } else {
            let done = paste(&bench, &line("to go on:")).exits(0);
            assert!(done.stdout.contains("resumed "), "{}", done.stdout);
            bench.run(&["rollback", &source, &plain, "--schema", "My Shop"]).exits(0);
        }
        assert_eq!(picture::compare(&before, &picture::fingerprint(&mut client, None)), "");
    }
}
