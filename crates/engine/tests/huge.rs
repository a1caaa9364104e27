//! Values larger than the memory that is allowed cross, and those that cannot are refused before the first row.
//! Owns these cases; the oracles are PostgreSQL's own sha256() and the kernel's count of this process's peak memory.
//!
//! `cargo test -p lite2pg-engine --test huge -- --ignored --nocapture` moves a BLOB of 900 MB under `--memory 256MiB`
//! and shows seconds and peak memory.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod running;

use lite2pg_engine::Kind;
use lite2pg_engine::observe::{Event, Observer, Report};
use lite2pg_engine::run::{Accept, Cancel, Settings, dry_run, migrate};
use lite2pg_engine::source::huge::Long;
use lite2pg_engine::source::{Options, Reader, Source};
use lite2pg_engine::verify::{Level, verify};
use lite2pg_model::finding::codes;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::policy::Policies;
use lite2pg_model::sql::resolve::resolve;
use lite2pg_testkit::cluster::Cluster;
use running::{Show, settings_for, target};
use rusqlite::blob::ZeroBlob;
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROLE: &str = "LITE2PG_TEST_HUGE";
const MIB: u64 = 1 << 20;

struct Place {
    dir: PathBuf,
    cluster: Cluster,
}

impl Place {
    fn new() -> Place {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2-huge-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off", "max_wal_size = 4GB"], &[]) }
    }

    fn source(&self, sql: &str) -> (PathBuf, Connection) {
        let path = self.dir.join("s.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF").unwrap();
        db.execute_batch(sql).unwrap();
        (path, db)
    }

    fn settings(&self, memory: u64) -> Settings {
        let target = target(&self.cluster.socket_dir.display().to_string(), self.cluster.port, "postgres");
        Settings { memory, ..settings_for(&self.dir.join("s.db"), target, &self.dir) }
    }

    fn migrate(&self, memory: u64) -> Report {
        migrate(&self.settings(memory), &Show, &Cancel::new()).unwrap()
    }

    /// `migrate` or `verify` in a process of its own, whose peak memory is its own.
    fn child(&self, does: &str, memory: u64) -> Report {
        let config = serde_json::json!({
            "does": does, "memory": memory, "dir": self.dir, "port": self.cluster.port,
            "host": self.cluster.socket_dir,
        });
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["child", "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, config.to_string());
        let out = command.output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        let line = text.lines().find_map(|l| l.split_once("@@ ")).unwrap_or_else(|| panic!("{out:?}")).1;
        serde_json::from_str(line).unwrap()
    }

    fn word(&self, sql: &str) -> String {
        self.cluster.client("postgres").query_one(sql, &[]).unwrap().get(0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn child() {
    let Ok(config) = std::env::var(ROLE) else { return };
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let dir = Path::new(config["dir"].as_str().unwrap());
    let port = u16::try_from(config["port"].as_u64().unwrap()).unwrap();
    let settings = Settings {
        memory: config["memory"].as_u64().unwrap(),
        accept: vec![Accept::All],
        ..settings_for(&dir.join("s.db"), target(config["host"].as_str().unwrap(), port, "postgres"), dir)
    };
    let report = match config["does"].as_str() {
        Some("verify") => verify(&settings, Level::Rows, &Show, &Cancel::new()),
        _ => migrate(&settings, &Show, &Cancel::new()),
    };
    println!("@@ {}", serde_json::to_string(&report.unwrap_or_else(|e| panic!("{e:?}"))).unwrap());
}

/// Bytes that do not compress, of which each is printable if it is asked.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count + 8);
        while out.len() < count {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            out.extend_from_slice(&self.0.to_le_bytes());
        }
        out.truncate(count);
        out
    }

    /// Characters of one to four bytes.
    fn text(&mut self, bytes: usize) -> String {
        let kinds = ['a', 'ß', '€', '🥊', '\n', 'Z'];
        let mut out = String::with_capacity(bytes + 4);
        for b in self.bytes(bytes) {
            if out.len() >= bytes {
                break;
            }
            out.push(if b < 250 { char::from(b % 90 + 33) } else { kinds[usize::from(b - 250)] });
        }
        out
    }
}

/// A row whose blob has so many bytes: zeros with noise here and there. Returns the SHA-256 of it.
fn blob_row(db: &Connection, id: i64, bytes: u64) -> String {
    db.execute("INSERT INTO t(id, name, data) VALUES (?, 'long', ?)", params![id, ZeroBlob(bytes)]).unwrap();
    let mut blob = db.blob_open(c"main", "t", "data", id, false).unwrap();
    let mut noise = Noise(id.unsigned_abs() + 99);
    for part in 0..6 {
        blob.seek(SeekFrom::Start(bytes / 7 * part + 11)).unwrap();
        blob.write_all(&noise.bytes((bytes / 20) as usize)).unwrap();
    }
    blob.seek(SeekFrom::Start(0)).unwrap();
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let n = blob.read(&mut piece).unwrap();
        if n == 0 {
            return hex(&hash.finalize());
        }
        hash.update(&piece[..n]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

const TABLE: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, data BLOB, note TEXT, last INTEGER)";

#[test]
fn long_values_cross_within_64_mib() {
    let place = Place::new();
    let (_, db) = place.source(TABLE);
    let noise = &mut Noise(7);
    db.execute_batch(
        "WITH RECURSIVE i(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM i WHERE x < 20000)
         INSERT INTO t SELECT x, 'row ' || x, randomblob(x % 300), hex(randomblob(20)), -x FROM i;",
    )
    .unwrap();
    let blob = blob_row(&db, 30_000, 150 * MIB);
    let note = noise.text(40 * MIB as usize);
    // The same text again and again, which the server compresses.
    let same = "zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. ".repeat(200_000);
    let short = noise.bytes(3 * MIB as usize);
    let insert = "INSERT INTO t VALUES (?, ?, ?, ?, ?)";
    db.execute(insert, params![-5, "before all", short, note, 1]).unwrap();
    db.execute(insert, params![10_000_000, "both", vec![7u8; 30 * MIB as usize], same, 2]).unwrap();
    db.execute("UPDATE t SET last = 3 WHERE id = 30000", []).unwrap();
    db.close().unwrap();

    let report = place.child("migrate", 64 * MIB);
    println!("migrate: {:.1} s, {} MiB", report.seconds, report.peak_rss_bytes / MIB);
    assert_eq!(report.exit, 0, "{report:?}");
    assert_eq!((report.tables[0].rows, report.tables[0].verified), (20_003, true));
    assert!(report.peak_rss_bytes < 64 * MIB, "{} MiB", report.peak_rss_bytes / MIB);
    let sha =
        |column: &str, id: i64| place.word(&format!("SELECT encode(sha256({column}), 'hex') FROM t WHERE id = {id}"));
    assert_eq!(sha("data", 30_000), blob);
    assert_eq!(sha("data", -5), hex(&Sha256::digest(&short)));
    assert_eq!(sha("convert_to(note, 'UTF8')", -5), hex(&Sha256::digest(&note)));
    assert_eq!(sha("convert_to(note, 'UTF8')", 10_000_000), hex(&Sha256::digest(&same)));
    assert_eq!(place.word("SELECT string_agg(last::text, ' ' ORDER BY id) FROM t WHERE last > 0"), "1 3 2");

    let again = place.child("verify", 64 * MIB);
    println!("verify: {:.1} s, {} MiB", again.seconds, again.peak_rss_bytes / MIB);
    assert_eq!((again.exit, &again.tables[0].source_sha256), (0, &report.tables[0].source_sha256), "{again:?}");
    assert!(again.peak_rss_bytes < 64 * MIB, "{} MiB", again.peak_rss_bytes / MIB);

    // One byte in the middle of the long value is seen.
    place.cluster.sql("UPDATE t SET data = set_byte(data, 99000000, 1) WHERE id = 30000");
    assert_eq!(place.child("verify", 64 * MIB).exit, 7);
}

#[test]
#[ignore = "writes some 3 GB; see the head of this file"]
fn a_blob_of_900_mb_crosses_within_256_mib() {
    let place = Place::new();
    let (_, db) = place.source(TABLE);
    let blob = blob_row(&db, 1, 900_000_000);
    db.close().unwrap();
    let report = place.child("migrate", 256 * MIB);
    println!("migrate: {:.1} s, peak {} MiB, {:?}", report.seconds, report.peak_rss_bytes / MIB, report.stages);
    assert_eq!((report.exit, report.tables[0].verified), (0, true), "{report:?}");
    assert!(report.peak_rss_bytes < 256 * MIB);
    assert_eq!(place.word("SELECT encode(sha256(data), 'hex') FROM t"), blob);
    let again = place.child("verify", 256 * MIB);
    println!("verify: {:.1} s, peak {} MiB", again.seconds, again.peak_rss_bytes / MIB);
    assert_eq!(again.exit, 0, "{again:?}");
    assert!(again.peak_rss_bytes < 256 * MIB);
}

/// What blocks, as `object: message | hint`.
fn blocking(report: &Report) -> Vec<String> {
    assert_eq!(report.exit, 5, "{report:?}");
    let blocks = report.findings.iter().filter(|f| f.blocks() && f.code == codes::TOO_LARGE);
    blocks.map(|f| format!("{}: {} | {}", f.object, f.message, f.hint)).collect()
}

#[test]
fn what_cannot_be_read_in_pieces_is_refused_before_the_first_row() {
    let place = Place::new();
    let (_, db) = place.source(
        "CREATE TABLE keyed(k INTEGER PRIMARY KEY, v BLOB) WITHOUT ROWID;
         CREATE TABLE made(k INTEGER PRIMARY KEY, v BLOB, n INTEGER AS (k + 1));
         CREATE TABLE hidden(rowid TEXT, _rowid_ TEXT, oid TEXT, v BLOB);
         CREATE TABLE fine(v BLOB, rowid TEXT);
         INSERT INTO keyed VALUES (1, zeroblob(40000000)), (2, x'01');
         INSERT INTO made(k, v) VALUES (1, zeroblob(20000001)), (2, x'01');
         INSERT INTO hidden VALUES ('a', 'b', 'c', zeroblob(20000002));
         INSERT INTO fine VALUES (zeroblob(20000003), 'x'), (x'02', 'y');",
    );
    db.close().unwrap();
    let report = place.child("migrate", 64 * MIB);
    let told = blocking(&report).join("\n");
    assert_eq!(told.lines().count(), 3, "{told}");
    for (object, words) in [("keyed.v", "40,000,000"), ("made.v", "generated"), ("hidden.v", "rowid")] {
        assert!(told.lines().any(|l| l.starts_with(object) && l.contains(words)), "{object}: {told}");
    }
    assert!(told.contains("--memory 131MiB"), "{told}");
    assert!(report.peak_rss_bytes < 64 * MIB, "{} MiB", report.peak_rss_bytes / MIB);
    let nothing = "SELECT count(*)::text FROM pg_namespace WHERE nspname LIKE 'lite2pg%'";
    assert_eq!(place.word(nothing), "0", "the target was touched");

    // What the hint says is enough, and the peak stays within it.
    let report = place.child("migrate", 131 * MIB);
    assert_eq!(report.exit, 0, "{report:?}");
    println!("held: {} MiB", report.peak_rss_bytes / MIB);
    assert!(report.peak_rss_bytes < 131 * MIB, "{} MiB", report.peak_rss_bytes / MIB);
    assert_eq!(place.word("SELECT sum(length(v))::text FROM keyed"), "40000001");
    assert_eq!(place.word("SELECT string_agg(rowid, '' ORDER BY rowid) FROM fine"), "xy");
}

#[test]
fn of_a_utf16_database_blobs_cross_in_pieces_and_texts_do_not() {
    let place = Place::new();
    let (_, db) = place.source(
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB, note TEXT);
         INSERT INTO t VALUES (1, zeroblob(20000000), 'ß'), (2, 'ß', hex(zeroblob(2500000)));",
    );
    let report = place.migrate(64 * MIB);
    assert_eq!((report.exit, report.tables[0].verified), (0, true), "{report:?}");
    assert_eq!(
        place.word("SELECT string_agg(length(v) || ' ' || length(note), ', ' ORDER BY id) FROM t"),
        "20000000 1, 2 5000000"
    );
    db.execute_batch("UPDATE t SET note = hex(zeroblob(6000000)) WHERE id = 2").unwrap();
    let settings = Settings { schema: "other".to_owned(), ..place.settings(64 * MIB) };
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    let told = blocking(&report);
    assert!(told.len() == 1 && told[0].starts_with("t.note") && told[0].contains("UTF-16"), "{told:?}");
}

#[test]
fn a_long_row_that_is_set_aside_is_told_before_the_first_row() {
    let place = Place::new();
    let (_, db) = place.source(
        "PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
         CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id), v BLOB, n INTEGER);
         INSERT INTO c VALUES (1, 1, zeroblob(3000000), 1), (2, 9, x'01', 2);",
    );
    let mut settings = place.settings(32 * MIB);
    settings.choices = Choices::of(Policies::parse(["orphans=quarantine"]).unwrap());
    let report = migrate(&Settings { schema: "one".to_owned(), ..settings.clone() }, &Show, &Cancel::new()).unwrap();
    assert_eq!((report.exit, report.rejected), (0, 1), "{report:?}");
    db.execute_batch("UPDATE c SET v = zeroblob(3000000) WHERE id = 2").unwrap();
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    let told = blocking(&report);
    assert!(told.len() == 1 && told[0].contains("set aside") && told[0].contains("--memory"), "{told:?}");
    // As much as it says is enough. Rows that a filter leaves out, with an expression that fails on them, are not asked.
    let enough = Settings { memory: 97 * MIB, ..settings.clone() };
    assert_eq!(migrate(&enough, &Show, &Cancel::new()).unwrap().exit, 0);
    db.execute_batch("UPDATE c SET n = '{' WHERE id = 2").unwrap();
    let text = "version = 1
        [tables.c]
        where = 'id = 1'
        [tables.c.columns]
        n = \"\"\"json_extract('{\"a\":' || n || '}', '$.a')\"\"\"";
    let overrides = lite2pg_model::plan::file::read(text, "plan").unwrap();
    let filtered = Settings { overrides, schema: "two".to_owned(), ..settings };
    assert_eq!(migrate(&filtered, &Show, &Cancel::new()).unwrap().exit, 0);
}

#[test]
fn a_run_with_long_values_is_tried_out_interrupted_and_gone_on_with() {
    let place = Place::new();
    let (_, db) = place.source(TABLE);
    for id in 1..=6 {
        blob_row(&db, id, 9 * MIB);
    }
    db.close().unwrap();
    let settings = place.settings(64 * MIB);
    let dry = dry_run(&settings, &Show, &Cancel::new()).unwrap();
    assert_eq!((dry.report.exit, dry.sample_rows), (0, 6), "{:?}", dry.report);
    // The end is asked for within the second row at the latest.
    let cancel = Cancel::new();
    let seen = std::sync::atomic::AtomicU64::new(0);
    let stop = Stop(&|event| {
        if let Event::Progress { stage: "copy", rows: 1, .. } = event
            && seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 2
        {
            cancel.request();
        }
    });
    let end = migrate(&settings, &stop, &cancel);
    assert!(end.as_ref().is_err_and(|e| e.kind == Kind::Interrupted), "{end:?}");
    let report = place.migrate(128 * MIB);
    assert_eq!((report.exit, report.tables[0].rows, report.tables[0].verified), (0, 6, true), "{report:?}");
    assert_eq!(place.word("SELECT sum(length(data))::text FROM t"), (6 * 9 * MIB).to_string());
}

struct Stop<'a>(&'a (dyn Fn(&Event) + Sync));

impl Observer for Stop<'_> {
    fn see(&self, event: &Event) {
        (self.0)(event);
    }
}

#[test]
fn lengths_are_read_without_the_values() {
    let place = Place::new();
    let (path, db) = place.source(TABLE);
    blob_row(&db, 1, 64 * MIB);
    db.execute("INSERT INTO t(id, name, note) VALUES (2, 'x', hex(zeroblob(8000000)))", []).unwrap();
    db.close().unwrap();
    let source = Source::open(&path, &Options::new(place.dir.join("work"))).unwrap();
    let (schema, _) = resolve(&source.raw_schema().unwrap());
    let mut reader = source.reader().unwrap();
    // A value that is not read does not meet the limit.
    let look = |reader: &mut Reader| Long::look(reader, &schema.tables[0], MIB, &Cancel::new());
    assert!(reader.within(MIB, look).unwrap().is_some());
    let read = |reader: &mut Reader| reader.for_each("SELECT note FROM t", &[], |_| Ok(()));
    assert!(reader.within(MIB, read).unwrap().is_none());
    assert!(reader.within(32 * MIB, read).unwrap().is_some());
}

#[test]
fn long_values_of_another_class_or_with_flaws_cross_as_short_ones_do() {
    let place = Place::new();
    let (_, db) = place.source(
        "CREATE TABLE mixed(v TEXT); INSERT INTO mixed VALUES ('ß'), (zeroblob(12000000));
         CREATE TABLE nul(v TEXT); INSERT INTO nul VALUES ('ß'), (CAST(zeroblob(12000000) AS TEXT));
         CREATE TABLE bad(v TEXT); INSERT INTO bad VALUES ('ß');",
    );
    let mut bytes = vec![b'a'; 12_000_000];
    bytes[11_000_000] = 0xff;
    db.execute("INSERT INTO bad VALUES (CAST(? AS TEXT))", [bytes]).unwrap();
    db.close().unwrap();
    let report = place.migrate(64 * MIB);
    let mut blocks: Vec<&str> = report.findings.iter().filter(|f| f.blocks()).map(|f| f.code.as_str()).collect();
    blocks.sort_unstable();
    assert_eq!(blocks, [codes::INVALID_UTF8, codes::NUL], "{:?}", report.findings);
    let lenient = running::lenient(&place.dir.join("s.db"), &place.cluster, "postgres", &place.dir);
    let report = migrate(&Settings { memory: 64 * MIB, ..lenient }, &Show, &Cancel::new()).unwrap();
    assert!(report.exit == 0 && report.tables.iter().all(|t| t.verified), "{report:?}");
    let lengths = |table: &str| {
        place.word(&format!("SELECT string_agg(octet_length(v)::text, ' ' ORDER BY octet_length(v)) FROM {table}"))
    };
    assert_eq!([lengths("mixed"), lengths("nul"), lengths("bad")], ["2 24000002", "2 12000000", "2 12000000"]);
    assert_eq!(place.word("SELECT left(v, 6) FROM mixed WHERE v <> 'ß'"), "\\x0000");
    assert_eq!(place.word("SELECT get_byte(v, 11000000)::text FROM bad WHERE octet_length(v) > 2"), "255");
}
