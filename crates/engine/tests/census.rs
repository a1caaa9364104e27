//! The census against what SQLite itself says of the same rows, in one pass and in ranges; and files that are damaged.
//! Owns these comparisons; the oracle is SQLite.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod common;

use common::Temp;
use lite2pg_engine::Kind;
use lite2pg_engine::observe::Silent;
use lite2pg_engine::pool::Cancel;
use lite2pg_engine::source::census::{self, TableCensus};
use lite2pg_engine::source::{Options, Source};
use lite2pg_model::mapping::forms::Form;
use lite2pg_model::mapping::profile::ColumnProfile;
use lite2pg_model::sql::resolve::resolve;
use std::collections::BTreeMap;
use std::path::Path;

/// The census of a whole file, over so many readers.
fn counted(temp: &Temp, path: &Path, readers: usize, chunk_bytes: u64) -> BTreeMap<String, TableCensus> {
    let source = Source::open(path, &Options { readers, ..temp.options() }).unwrap();
    let (schema, _) = resolve(&source.raw_schema().unwrap());
    let mut all: Vec<_> = (0..readers).map(|_| source.reader().unwrap()).collect();
    census::census(&mut all, &schema, chunk_bytes, &Silent, &Cancel::new()).unwrap()
}

fn column<'a>(census: &'a BTreeMap<String, TableCensus>, table: &str, i: usize) -> &'a ColumnProfile {
    &census[table].profile.columns[i]
}

fn ask(path: &Path, sql: &str) -> Vec<Option<i64>> {
    let db = rusqlite::Connection::open(path).unwrap();
    db.query_row(sql, [], |row| (0..row.as_ref().column_count()).map(|i| row.get(i)).collect()).unwrap()
}

const MIXED: &str = "
    CREATE TABLE m(id INTEGER PRIMARY KEY, v, t TEXT, r REAL, b BLOB, short VARCHAR(5), a TEXT, z TEXT);
    INSERT INTO m WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        SELECT i,
            CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN i * 100003 - 7 WHEN 2 THEN i / 8.0 WHEN 3 THEN 'v' || (i % 50)
                WHEN 4 THEN zeroblob(i % 20) ELSE i % 9 END,
            CASE WHEN i % 7 = 0 THEN 'täglich ' || i WHEN i % 101 = 0 THEN '' WHEN i % 97 = 0 THEN 'a' || char(0) || i
                WHEN i % 89 = 0 THEN CAST(x'ff00' AS TEXT) WHEN i % 83 = 0 THEN CAST(x'c3' AS TEXT) ELSE 'text ' || i END,
            CASE WHEN i % 500 = 0 THEN 9e999 WHEN i % 11 = 0 THEN i * 1e15 ELSE i / 4.0 END,
            randomblob(16), substr('abcdefgh', 1, i % 8), 'a' || (i % 100), substr('zzzzzzzzzz', 1, i % 10)
        FROM n;
    CREATE INDEX of_two ON m(a, z);
    CREATE UNIQUE INDEX of_three ON m(t, a, id);";

#[test]
fn what_the_census_says_is_what_sqlite_says() {
    let temp = Temp::new();
    let path = temp.database("mixed.db", MIXED);
    let census = counted(&temp, &path, 1, 1 << 20);
    for (i, c) in ["id", "v", "t", "r", "b", "short", "a", "z"].into_iter().enumerate() {
        let p = column(&census, "m", i);
        let classes = format!(
            "SELECT sum({c} IS NULL), sum(typeof({c}) = 'integer'), sum(typeof({c}) = 'real'), sum(typeof({c}) = 'text'),
                sum(typeof({c}) = 'blob'), count(DISTINCT {c}) FROM m"
        );
        let seen = [p.nulls, p.integers, p.reals, p.texts, p.blobs].map(|n| Some(n as i64));
        let theirs = ask(&path, &classes);
        assert_eq!(seen[..], theirs[..5], "{c}");
        let distinct = theirs[5].filter(|n| *n <= 1000);
        assert_eq!(p.distinct().map(|n| n as i64), distinct, "{c}");
        if p.texts > 0 {
            // length() of a text stops at NUL bytes, of a blob it does not.
            let lengths = format!(
                "SELECT min(length(CAST({c} AS BLOB))), max(length(CAST({c} AS BLOB))), sum({c} = ''),
                    sum(instr(CAST({c} AS BLOB), x'00') > 0) FROM m WHERE typeof({c}) = 'text'"
            );
            let seen = [p.text_min_bytes, p.text_max_bytes, p.empty_texts, p.nul_texts].map(|n| Some(n as i64));
            assert_eq!(seen[..], ask(&path, &lengths)[..], "{c}");
        }
        if p.integers > 0 {
            let range = ask(&path, &format!("SELECT min({c}), max({c}) FROM m WHERE typeof({c}) = 'integer'"));
            assert_eq!([Some(p.integer_min), Some(p.integer_max)][..], range[..], "{c}");
        }
    }
    let (t, r, b, short) =
        (column(&census, "m", 2), column(&census, "m", 3), column(&census, "m", 4), column(&census, "m", 5));
    let invalid = ask(&path, "SELECT sum(CAST(t AS BLOB) IN (x'ff00', x'c3')), sum(t LIKE 'täglich%') FROM m");
    assert_eq!(Some(t.invalid_texts as i64), invalid[0]);
    assert!(t.text_max_chars < t.text_max_bytes && t.nul_texts > t.nul_texts.min(t.invalid_texts) / 2);
    let infinite = ask(&path, "SELECT sum(r = 9e999), sum(r < 9e999 AND abs(r) >= 9007199254740992) FROM m");
    assert_eq!([Some(r.non_finite as i64), Some(r.large_reals as i64)][..], infinite[..]);
    assert_eq!((b.blobs_of_16, b.blob_min_bytes, r.real_after), (3000, 16, 2));
    let long = ask(&path, "SELECT sum(length(short) > 5), (SELECT id FROM m WHERE length(short) > 5 LIMIT 1) FROM m");
    assert_eq!([Some(short.long_texts as i64), Some(short.long_places[0] as i64)][..], long[..]);
    let first =
        ask(&path, "SELECT id FROM m WHERE CAST(t AS BLOB) IN (x'ff00', x'c3') ORDER BY id LIMIT 1")[0].unwrap();
    assert_eq!(census["m"].profile.name_places(&t.invalid_places[..1]), format!("rowid {first}"));
}

#[test]
fn the_largest_row_of_an_index_is_measured() {
    let temp = Temp::new();
    let path = temp.database("mixed.db", MIXED);
    let profile = &counted(&temp, &path, 1, 1 << 20)["m"].profile;
    let bytes = |c: &str| format!("length(CAST({c} AS BLOB))");
    let sql = format!("SELECT max({} + {}), max({} + {} + 8) FROM m", bytes("a"), bytes("z"), bytes("t"), bytes("a"));
    let measured: Vec<Option<i64>> = profile.index_bytes.iter().map(|n| Some(*n as i64)).collect();
    assert_eq!(measured, ask(&path, &sql));
    assert_eq!(profile.primary_bytes, 8);
}

#[test]
fn ranges_side_by_side_give_the_profile_of_one_pass() {
    let temp = Temp::new();
    let rows = 420_000;
    let path = temp.database(
        "large.db",
        &format!(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
             CREATE TABLE large(k INTEGER PRIMARY KEY, kind TEXT, at DATETIME, v, few);
             INSERT INTO large WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                SELECT i * 3 - 100000, 'kind ' || (i / 10000), datetime(1000000000 + i, 'unixepoch'),
                    CASE WHEN i = 399000 THEN 'one text' WHEN i % 100000 = 0 THEN NULL ELSE i / 100.0 END,
                    CASE WHEN i > 300000 THEN 'late' ELSE 2.0 END FROM n;
             CREATE TABLE keyed(a TEXT PRIMARY KEY, b) WITHOUT ROWID;
             INSERT INTO keyed VALUES('x', NULL), ('y', 1);
             CREATE TABLE hidden(rowid, _rowid_, oid); INSERT INTO hidden VALUES(NULL, 1, 2);
             CREATE TABLE empty(a);"
        ),
    );
    let chunk = 200_000;
    let (one, many) = (counted(&temp, &path, 1, chunk), counted(&temp, &path, 3, chunk));
    for table in ["large", "keyed", "hidden", "empty"] {
        assert_eq!(one[table].profile, many[table].profile, "{table}");
        assert_eq!(one[table].max_rowid, many[table].max_rowid, "{table}");
    }
    assert_eq!(one["large"].profile.rows, rows);
    assert_eq!(column(&many, "large", 3).null_places, [100_000, 200_000, 300_000, 400_000]);
    assert_eq!(many["large"].profile.name_places(&[100_000]), "rowid 200000");
    assert_eq!(column(&many, "large", 3).examples[2][0].row, 399_000);
    assert_eq!(many["keyed"].profile.name_places(&[1]), "a='x'");
    // Every chunk is about as large as was asked for, whatever the readers.
    let of = |c: &TableCensus| {
        let mut bounds = vec![i64::MIN];
        bounds.extend(&c.cuts);
        bounds.push(i64::MAX);
        assert!(bounds.is_sorted_by(|a, b| a < b), "{:?}", c.cuts);
        bounds.windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>()
    };
    for census in [&one["large"], &many["large"]] {
        let ranges = of(census);
        let sums: Vec<i64> = ranges
            .iter()
            .map(|(after, last)| {
                let sql = format!(
                    "SELECT coalesce(sum(8 + length(kind) + length(at) + CASE typeof(v) WHEN 'real' THEN 8 WHEN 'null' THEN 0
                        ELSE length(v) END + CASE typeof(few) WHEN 'real' THEN 8 ELSE length(few) END + 24), 0)
                     FROM large WHERE k > {after} AND k <= {last}"
                );
                ask(&path, &sql)[0].unwrap()
            })
            .collect();
        let (most, least) = (*sums.iter().max().unwrap(), *sums[..sums.len() - 1].iter().min().unwrap());
        assert!(most <= 300_100 && least >= 100_000, "{least} to {most} bytes");
        assert!(census.cuts.len() > 100);
    }
}

#[test]
fn rows_older_than_a_column_hold_its_default() {
    let temp = Temp::new();
    let path = temp.database(
        "altered.db",
        "CREATE TABLE t(a); INSERT INTO t VALUES(1), (2);
         ALTER TABLE t ADD COLUMN added TEXT NOT NULL DEFAULT 'was there'; ALTER TABLE t ADD COLUMN n INTEGER DEFAULT 7;
         ALTER TABLE t ADD COLUMN none; INSERT INTO t(a, added) VALUES(3, 'new');",
    );
    let census = counted(&temp, &path, 1, 1 << 20);
    let (added, n, none) = (column(&census, "t", 1), column(&census, "t", 2), column(&census, "t", 3));
    assert_eq!((added.nulls, added.texts, added.distinct()), (0, 3, Some(2)));
    assert_eq!(added.labels().unwrap(), ["was there", "new"]);
    assert_eq!((n.nulls, n.integers, n.integer_min), (0, 3, 7));
    assert_eq!((none.nulls, none.values()), (3, 0));
}

#[test]
fn forms_are_counted_where_the_declaration_asks_and_dropped_where_not() {
    let temp = Temp::new();
    let path = temp.database(
        "forms.db",
        r#"CREATE TABLE f(d DATE, j JSON, free TEXT, words TEXT, mac, net);
         INSERT INTO f VALUES('2024-01-31', '{"a":"\u0000"}', '2024-01-31', 'Y', '08:00:2b:01:02:03', '10.0.0.0/8'),
            ('soon', '[1]', 'soon', 'N', '08:00:2b:01:02:04', '192.168.0.0/16'),
            ('2024-02-01', 'no', '2024-02-01', '', NULL, NULL);"#,
    );
    let census = counted(&temp, &path, 1, 1 << 20);
    let count = |i: usize, form: Form| column(&census, "f", i).count(form);
    assert_eq!((count(0, Form::Date), count(2, Form::Date)), (Some(2), None));
    assert_eq!((count(1, Form::JsonValid), count(1, Form::Json), count(1, Form::JsonNul)), (Some(2), Some(1), Some(1)));
    assert!(column(&census, "f", 3).boolean_words() != 0);
    assert!(column(&census, "f", 4).all_texts_are(Form::Mac) && column(&census, "f", 5).all_texts_are(Form::Cidr));
}

/// A file of two tables, the greater of which has one page in its middle that is no page any more.
fn damaged(temp: &Temp) -> std::path::PathBuf {
    let path = temp.database(
        "damaged.db",
        "PRAGMA page_size=4096; CREATE TABLE good(a); INSERT INTO good VALUES(1), (2), (3);
         CREATE TABLE bad(id INTEGER PRIMARY KEY, t TEXT);
         INSERT INTO bad WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
            SELECT i, 'a text of some length ' || i FROM n;",
    );
    let mut bytes = std::fs::read(&path).unwrap();
    let page = bytes.len() / 4096 / 2;
    assert_eq!(bytes[page * 4096], 13, "a leaf of a table");
    bytes[page * 4096..page * 4096 + 200].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn of_a_damaged_file_it_is_said_what_can_still_be_read() {
    let temp = Temp::new();
    let path = damaged(&temp);
    let source = temp.open(&path).unwrap();
    let error = source.quick_check(&|| false).unwrap_err();
    assert_eq!((error.kind, error.kind.exit()), (Kind::Source, 3), "{error}");
    let text = error.message.clone();
    assert!(text.contains("what can still be read:") && text.contains("read to the end: good (3 rows)"), "{text}");
    let line = text.lines().find(|l| l.trim_start().starts_with("bad: ")).unwrap();
    let numbers: Vec<i64> = line.split(|c: char| !c.is_ascii_digit()).filter_map(|w| w.parse().ok()).collect();
    let [before, after] = numbers[..] else { panic!("{line}") };
    // SQLite, reading the same file, comes just as far.
    let db = rusqlite::Connection::open(&path).unwrap();
    let reached = |sql: &str| {
        let mut statement = db.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut n = 0;
        while let Ok(Some(_)) = rows.next() {
            n += 1;
        }
        n
    };
    assert_eq!(before, reached("SELECT t FROM bad"), "{line}");
    assert_eq!(after, reached("SELECT t FROM bad ORDER BY id DESC"), "{line}");
    assert!(before > 1000 && after > 1000 && before + after < 20_000, "{line}");
}
