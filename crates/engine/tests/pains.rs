//! What goes wrong for people who move from SQLite to PostgreSQL, in values and types: one small database for each, moved
//! for good. Owns these cases; the oracle is PostgreSQL, asked for its types and values.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod running;

use lite2pg_engine::observe::Report;
use lite2pg_engine::run::{Cancel, MaxRejects, Settings, migrate};
use lite2pg_engine::safety::rollback::{RollbackOptions, rollback};
use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::{Choices, ColumnChoice, Types};
use lite2pg_model::mapping::policy::Policies;
use lite2pg_model::mapping::zone::Zone;
use lite2pg_testkit::cluster::Cluster;
use running::Show;
use rusqlite::Connection;
use std::cell::Cell;
use std::path::PathBuf;

/// A server, and a source for each run; each run goes to a schema of its own.
struct Place {
    dir: PathBuf,
    cluster: Cluster,
    runs: Cell<u32>,
}

impl Place {
    fn new() -> Place {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("l2-pains-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Place { dir, cluster: Cluster::start(&["fsync = off", "timezone = 'Asia/Tokyo'"], &[]), runs: Cell::new(0) }
    }

    /// Migrates what this SQL makes; the tables are then found without their schema.
    fn run(&self, sql: &str, choices: &Choices) -> Report {
        self.run_with(sql, choices, None)
    }

    /// The same, with rows set aside up to a limit.
    fn run_with(&self, sql: &str, choices: &Choices, max_rejects: Option<MaxRejects>) -> Report {
        self.runs.set(self.runs.get() + 1);
        let path = self.dir.join(format!("{}.db", self.runs.get()));
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let settings = Settings {
            schema: format!("s{}", self.runs.get()),
            choices: choices.clone(),
            max_rejects,
            ..running::settings(&path, &self.cluster, "postgres", &self.dir)
        };
        migrate(&settings, &Show, &Cancel::new()).unwrap()
    }

    /// The same, done and proven.
    fn done(&self, sql: &str, choices: &Choices) -> Report {
        let report = self.run(sql, choices);
        let blocks: Vec<&Finding> = report.findings.iter().filter(|f| f.blocks()).collect();
        assert_eq!(report.exit, 0, "{blocks:?}");
        assert!(report.tables.iter().all(|t| t.verified), "{:?}", report.tables);
        report
    }

    /// One answer of PostgreSQL about the last run, as text.
    fn ask(&self, sql: &str) -> String {
        let mut client = self.cluster.client("postgres");
        client.batch_execute(&format!("SET search_path = s{}, lite2pg", self.runs.get())).unwrap();
        let row = client.query_one(&format!("SELECT ({sql})::text"), &[]).unwrap();
        row.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".to_owned())
    }

    /// The values of a column of `t` in the order of the rows, as PostgreSQL writes them.
    fn values(&self, column: &str) -> String {
        self.ask(&format!("SELECT string_agg(coalesce(({column})::text, 'NULL'), ' | ' ORDER BY id) FROM t"))
    }

    fn type_of(&self, column: &str) -> String {
        self.ask(&format!(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = '{column}'"
        ))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn nothing() -> Choices {
    Choices::default()
}

fn with(policies: &[&str]) -> Choices {
    Choices::of(Policies::parse(policies).unwrap())
}

fn inferred() -> Choices {
    Choices { types: Types::Inferred, ..Choices::default() }
}

fn retyped(column: &str, ty: PgType) -> Choices {
    let choice = ColumnChoice { ty: Some(ty), ..ColumnChoice::default() };
    Choices { columns: [(("t".to_owned(), column.to_owned()), choice)].into(), ..Choices::default() }
}

fn blocking(report: &Report) -> Vec<(&str, &str)> {
    report.findings.iter().filter(|f| f.blocks()).map(|f| (f.code.as_str(), f.object.as_str())).collect()
}

#[test]
fn booleans_of_integers() {
    let place = Place::new();
    place.done(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, paused BOOLEAN NOT NULL DEFAULT 0, flag INTEGER, odd BOOLEAN);
         INSERT INTO t VALUES(1, 0, 0, 0), (2, 1, 1, 2);",
        &nothing(),
    );
    assert_eq!(["paused", "flag", "odd"].map(|c| place.type_of(c)), ["boolean", "bigint", "bigint"]);
    assert_eq!([place.values("paused"), place.values("flag"), place.values("odd")], ["false | true", "0 | 1", "0 | 2"]);
    assert_eq!(
        place.ask("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 't'::regclass AND adnum = 2"),
        "false"
    );
}

#[test]
fn booleans_of_words() {
    let place = Place::new();
    place.done(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a BOOLEAN DEFAULT 't', b BOOLEAN, c BOOLEAN, d BOOLEAN CHECK (d IN ('t', 'f')));
         INSERT INTO t VALUES(1, 't', 'Yes', 1, 't'), (2, 'f', 'No', 't', 'f'), (3, NULL, 'Yes', 'false', NULL), (4, 't', 'No', 2, 't');",
        &nothing(),
    );
    assert_eq!(["a", "b", "c", "d"].map(|c| place.type_of(c)), ["boolean", "boolean", "text", "text"]);
    assert_eq!(place.values("a"), "true | false | NULL | true");
    assert_eq!(place.values("b"), "true | false | true | false");
    // What no one spelling covers is nobody's guess.
    assert_eq!(place.values("c"), "1 | t | false | 2");
}

const EPOCHS: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, s DATETIME, ms DATETIME, ns DATETIME, apple TIMESTAMP);
    INSERT INTO t VALUES(1, 1647950409, 1647950409737, 1647950409737123000, 705373256),
                        (2, 1700000000, 1700000000000, 1700000000000000000, 700000000);";

#[test]
fn epochs_in_date_columns() {
    let place = Place::new();
    let report = place.done(EPOCHS, &nothing());
    assert_eq!(["s", "ms", "ns", "apple"].map(|c| place.type_of(c)), ["bigint"; 4]);
    let told = report.findings.iter().find(|f| f.object == "t.ms").unwrap();
    assert!(told.message.contains("as milliseconds since 1970 they are 2022-03-22 to 2023-11-14"), "{}", told.message);

    place.done(EPOCHS, &inferred());
    let zoned = "timestamp with time zone";
    assert_eq!(["s", "ms", "ns", "apple"].map(|c| place.type_of(c)), [zoned, zoned, zoned, "bigint"]);
    assert_eq!(place.ask("SELECT s = to_timestamp(1647950409) FROM t WHERE id = 1"), "true");
    assert_eq!(place.values("ms AT TIME ZONE 'UTC'"), "2022-03-22 12:00:09.737 | 2023-11-14 22:13:20");
    assert_eq!(place.values("ns AT TIME ZONE 'UTC'"), "2022-03-22 12:00:09.737123 | 2023-11-14 22:13:20");
}

const MIXED: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER);
    INSERT INTO t VALUES(1, 1), (2, 'abc'), (3, 2.5), (4, x'00');";

#[test]
fn several_classes_in_one_column() {
    let place = Place::new();
    let report = place.done(MIXED, &nothing());
    assert_eq!((place.type_of("n"), place.values("n")), ("text".to_owned(), "1 | abc | 2.5 | \\x00".to_owned()));
    let told = report.findings.iter().find(|f| f.code == codes::MIXED).unwrap();
    assert!(told.message.contains("1 integer, 1 real, 1 text, 1 blob"), "{}", told.message);
    assert_eq!(blocking(&place.run(MIXED, &with(&["mixed=fail"]))), [(codes::MIXED, "t.n")]);

    let no_blob = MIXED.replace("n INTEGER", "n").replace(", (4, x'00')", ", (4, '1')");
    place.done(&no_blob, &with(&["mixed=jsonb"]));
    assert_eq!(place.values("n"), "1 | \"abc\" | 2.5 | \"1\"");
    place.done(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES(1, 7), (2, '12'), (3, '-3');",
        &with(&["mixed=widest"]),
    );
    assert_eq!((place.type_of("n"), place.values("n || ''")), ("bigint".to_owned(), "7 | 12 | -3".to_owned()));
    // What the policies changed is recorded, and nothing else.
    let recorded = |policy: &str| {
        place.ask(&format!(
            "SELECT string_agg(column_name || ' ' || rows || ' ' || array_to_string(keys, ';'), ' | ') \
             FROM lite2pg.normalisation WHERE table_name = 't' AND policy = '{policy}'"
        ))
    };
    assert_eq!([recorded("mixed=widest"), recorded("mixed=jsonb")], ["n 2 rowid = 2;rowid = 3", "NULL"]);
    place.done(MIXED, &with(&["mixed=jsonb"]));
    assert_eq!(place.values("n"), "1 | \"abc\" | 2.5 | {\"$blob\": \"00\"}");
    assert_eq!(recorded("mixed=jsonb"), "n 1 rowid = 4");
}

#[test]
fn a_chosen_policy_counts_though_another_kind_is_set_aside() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT);
               INSERT INTO t VALUES(1, CAST(x'61e9' AS TEXT)), (2, CAST(x'610062' AS TEXT)), (3, 'ok');";
    let report = place.run_with(sql, &with(&["invalid-utf8=replace"]), Some(MaxRejects::Rows(5)));
    assert!(blocking(&report).is_empty(), "{:?}", report.findings);
    assert_eq!((place.type_of("k"), place.values("k")), ("text".to_owned(), "a\u{fffd} | ok".to_owned()));
    assert_eq!(place.ask("SELECT count(*) FROM lite2pg.rejected_row"), "1");
}

#[test]
fn texts_of_negative_zero_keep_their_sign() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, u TEXT UNIQUE);
               INSERT INTO t VALUES(1, '-0', '1'), (2, '1.50', '1.0'), (3, '-0.00', '2');";
    for choices in [inferred(), with(&["mixed=widest"])] {
        place.done(sql, &choices);
        assert_eq!((place.values("k"), place.values("u")), ("-0 | 1.50 | -0.00".to_owned(), "1 | 1.0 | 2".to_owned()));
    }
}

#[test]
fn a_date_that_the_clock_never_showed_is_kept_whatever_the_policy() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, d TIMESTAMP, e TIMESTAMP);
               INSERT INTO t VALUES(1, '2024-03-31 02:30:00', '2024-03-31 02:30:00'), (2, 'x', '2024-01-31T10:00:00Z'),
                                   (3, '2024-01-31 10:00:00', 'x'), (4, NULL, '2024-01-31 10:00:00');";
    let choices = Choices { zone: Some(Zone::parse("Europe/Berlin").unwrap()), ..with(&["dates=null"]) };
    place.done(sql, &choices);
    assert_eq!(["d", "e"].map(|c| place.type_of(c)), ["timestamp without time zone", "text"]);
    assert_eq!(place.values("d"), "2024-03-31 02:30:00 | NULL | 2024-01-31 10:00:00 | NULL");
    assert_eq!(place.values("e"), "2024-03-31 02:30:00 | 2024-01-31T10:00:00Z | x | 2024-01-31 10:00:00");
}

#[test]
fn integers_wider_and_narrower_than_declared() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, created INT, small INT4, wide INT4);
               INSERT INTO t VALUES(1, 1627303906122, 5, 1627303906122), (2, 1, -5, 1);";
    place.done(sql, &nothing());
    assert_eq!(["id", "created", "small", "wide"].map(|c| place.type_of(c)), ["bigint", "bigint", "integer", "bigint"]);
    assert_eq!(place.values("created"), "1627303906122 | 1");
    // A client that reads 32 bits gets them where a person says so.
    place.done(sql, &retyped("id", PgType::Integer));
    assert_eq!(place.type_of("id"), "integer");
    let report = place.run(sql, &retyped("created", PgType::Integer));
    assert_eq!(blocking(&report), [(codes::UNFIT, "t.created")]);
    let told = report.findings.iter().find(|f| f.code == codes::UNFIT).unwrap();
    assert!(told.message.contains("1 of 2 values do not fit integer; first at rowid 1"), "{}", told.message);
    assert!(told.hint.contains("SELECT \"created\" FROM \"t\" WHERE rowid IS 1"), "{}", told.hint);
}

#[test]
fn doubles_to_the_last_bit() {
    let place = Place::new();
    place.done(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL);
         INSERT INTO t VALUES(1, 0.1 + 0.2), (2, 3.141592653589793), (3, 5e-324), (4, 9e999), (5, 1.7976931348623157e308);",
        &nothing(),
    );
    assert_eq!(place.type_of("r"), "double precision");
    assert_eq!(
        place.values("r"),
        "0.30000000000000004 | 3.141592653589793 | 5e-324 | Infinity | 1.7976931348623157e+308"
    );
    assert_eq!(place.ask("SELECT encode(float8send(r), 'hex') FROM t WHERE id = 1"), "3fd3333333333334");
}

#[test]
fn text_that_is_not_utf8() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT);
               INSERT INTO t VALUES(1, 'fine'), (2, CAST(x'ff41' AS TEXT)), (3, CAST(x'80' AS TEXT));";
    let report = place.run(sql, &nothing());
    assert_eq!(blocking(&report), [(codes::INVALID_UTF8, "t.s")]);
    assert!(report.findings.iter().any(|f| f.message.contains("2 of 3 texts are not valid UTF-8, first at rowid 2")));
    for (choice, want) in [
        ("latin1", "fine | \u{ff}A | \u{80}"),
        ("cp1252", "fine | \u{ff}A | \u{20ac}"),
        ("replace", "fine | \u{fffd}A | \u{fffd}"),
        ("bytea", "\\x66696e65 | \\xff41 | \\x80"),
    ] {
        place.done(sql, &with(&[&format!("invalid-utf8={choice}")]));
        assert_eq!(place.values("s"), want, "{choice}");
    }
}

#[test]
fn json_with_what_jsonb_refuses() {
    let place = Place::new();
    let odd = r#"{"m":"early \u0000 models"}"#;
    let twice = r#"{"a":1,"a":2}"#;
    place.done(
        &format!(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, j JSON, k JSON, n JSON);
                  INSERT INTO t VALUES(1, '{odd}', '{twice}', '{{\"b\":1}}'), (2, '{{}}', '[]', '{{no}}');"
        ),
        &nothing(),
    );
    assert_eq!(["j", "k", "n"].map(|c| place.type_of(c)), ["json", "json", "text"]);
    assert_eq!((place.values("j"), place.values("k")), (format!("{odd} | {{}}"), format!("{twice} | []")));
}

const DATES: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, d DATE);
    INSERT INTO t VALUES(1, '2024-01-31'), (2, 2460340.5), (3, '31/01/2024'), (4, 'now'), (5, ''), (6, 0);";

#[test]
fn dates_of_many_forms() {
    let place = Place::new();
    let report = place.done(DATES, &nothing());
    assert_eq!(place.type_of("d"), "text");
    assert_eq!(place.values("d"), "2024-01-31 | 2460340.5 | 31/01/2024 | now |  | 0");
    assert!(report.findings.iter().any(|f| f.message.contains("5 of 6 values are no dates")));
    assert_eq!(blocking(&place.run(DATES, &with(&["dates=fail"]))), [(codes::DATES, "t.d")]);
    place.done(DATES, &with(&["dates=null"]));
    assert_eq!(place.type_of("d"), "date");
    assert_eq!(place.values("d"), "2024-01-31 | NULL | NULL | NULL | NULL | NULL");

    let julian =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, d DATETIME); INSERT INTO t VALUES(1, 2460340.5), (2, 2451545.25);";
    place.done(julian, &nothing());
    assert_eq!(place.type_of("d"), "double precision");
    place.done(julian, &inferred());
    assert_eq!(place.values("d"), "2024-01-31 00:00:00 | 2000-01-01 18:00:00");
}

#[test]
fn decimals_are_doubles() {
    let place = Place::new();
    let report = place.done(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, price DECIMAL(10,2), fine DECIMAL(10,2), big NUMERIC);
         INSERT INTO t VALUES(1, '1.10', 1.125, 9223372036854775808), (2, 19.99, 2, 1);",
        &nothing(),
    );
    assert_eq!(["price", "fine", "big"].map(|c| place.type_of(c)), ["numeric(10,2)", "numeric", "numeric"]);
    assert_eq!((place.values("price"), place.values("fine")), ("1.10 | 19.99".to_owned(), "1.125 | 2".to_owned()));
    assert!(report.findings.iter().any(|f| f.object == "t.big" && f.message.contains("beyond 2^53")));
}

#[test]
fn clocks_without_a_zone() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, at DATETIME, gap DATETIME, z DATETIME);
               INSERT INTO t VALUES(1, '2024-07-01 12:00:00', '2024-03-31 02:30:00', '2024-01-01T00:00:00+05:30'),
                                   (2, '2024-01-01T12:00:00.25', '2024-01-01', '2024-01-01T00:00:00Z');";
    place.done(sql, &nothing());
    let plain = "timestamp without time zone";
    let zoned = "timestamp with time zone";
    assert_eq!(["at", "gap", "z"].map(|c| place.type_of(c)), [plain, plain, zoned]);
    assert_eq!(place.values("at"), "2024-07-01 12:00:00 | 2024-01-01 12:00:00.25");
    assert_eq!(place.values("z AT TIME ZONE 'UTC'"), "2023-12-31 18:30:00 | 2024-01-01 00:00:00");

    let paris = Choices { zone: Some(Zone::parse("Europe/Paris").unwrap()), ..Choices::default() };
    let report = place.done(sql, &paris);
    // Paris had no half past two that night: the column keeps its clock.
    assert_eq!(["at", "gap", "z"].map(|c| place.type_of(c)), [zoned, plain, zoned]);
    assert_eq!(place.values("at AT TIME ZONE 'UTC'"), "2024-07-01 10:00:00 | 2024-01-01 11:00:00.25");
    assert_eq!(place.values("gap"), "2024-03-31 02:30:00 | 2024-01-01 00:00:00");
    let told = report.findings.iter().find(|f| f.object == "t.gap" && f.code == codes::WIDER).unwrap();
    assert!(told.message.contains("first at rowid 1") && told.message.contains("Europe/Paris"), "{}", told.message);
}

#[test]
fn lengths_that_nobody_enforced() {
    let place = Place::new();
    let sql =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, title VARCHAR(128), name VARCHAR(5), code CHAR(2), short CHAR(2));
               INSERT INTO t VALUES(1, printf('%.300c', 'x'), 'äöüßé', 'DE', 'D'), (2, 'a', '', 'ÄÖ', 'FR');";
    let report = place.done(sql, &nothing());
    assert_eq!(
        ["title", "name", "code", "short"].map(|c| place.type_of(c)),
        ["text", "character varying(5)", "character(2)", "character varying(2)"]
    );
    assert_eq!(place.values("length(title)"), "300 | 1");
    assert_eq!((place.values("name"), place.values("code")), ("äöüßé | ".to_owned(), "DE | ÄÖ".to_owned()));
    assert!(
        report.findings.iter().any(|f| f.object == "t.title" && f.message.contains("1 of 2 texts have more than 128"))
    );
    assert_eq!(blocking(&place.run(sql, &with(&["too-long=fail"]))), [(codes::TOO_LONG, "t.title")]);
    // A space at the end is a character in SQLite and padding in char(n).
    place.done(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c CHAR(2)); INSERT INTO t VALUES(1, 'a '), (2, 'ab');",
        &nothing(),
    );
    assert_eq!(
        (place.type_of("c"), place.values("c || '.'")),
        ("character varying(2)".to_owned(), "a . | ab.".to_owned())
    );
}

#[test]
fn empty_texts_where_something_else_belongs() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, age INTEGER, born DATE, note TEXT);
               INSERT INTO t VALUES(1, 30, '1994-01-02', ''), (2, '', '', 'x');";
    place.done(sql, &nothing());
    assert_eq!(["age", "born"].map(|c| place.type_of(c)), ["text", "text"]);
    place.done(sql, &with(&["empty=null"]));
    assert_eq!(["age", "born", "note"].map(|c| place.type_of(c)), ["bigint", "date", "text"]);
    assert_eq!((place.values("age"), place.values("born")), ("30 | NULL".to_owned(), "1994-01-02 | NULL".to_owned()));
    assert_eq!(place.values("note"), " | x");
}

#[test]
fn databases_in_utf16() {
    let place = Place::new();
    for encoding in ["UTF-16le", "UTF-16be"] {
        place.done(
            &format!(
                "PRAGMA encoding = '{encoding}'; CREATE TABLE t(id INTEGER PRIMARY KEY, s VARCHAR(3), d DATE);
                      INSERT INTO t VALUES(1, 'é𝄞', '2024-01-31');"
            ),
            &nothing(),
        );
        assert_eq!((place.values("s"), place.values("d")), ("é𝄞".to_owned(), "2024-01-31".to_owned()), "{encoding}");
        assert_eq!(place.ask("SELECT octet_length(s) FROM t"), "6");
    }
}

#[test]
fn uuids_enums_and_arrays() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, u CHAR(36), h CHAR(32), b BLOB(16), g GUID, tags TEXT,
                              state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done')));
               INSERT INTO t VALUES(1, '0b2a9d4e-0000-4000-8000-00000000000a', '0b2a9d4e00004000800000000000000a',
                   x'0b2a9d4e00004000800000000000000a', x'0b2a9d4e00004000800000000000000a', '{a,b}', 'new');";
    place.done(sql, &nothing());
    assert_eq!(
        ["u", "h", "b", "g", "tags", "state"].map(|c| place.type_of(c)),
        ["uuid", "uuid", "bytea", "uuid", "text", "text"]
    );
    assert_eq!(place.ask("SELECT u = h AND h = g AND encode(b, 'hex') = replace(u::text, '-', '') FROM t"), "true");
}

#[test]
fn an_enum_where_one_is_asked_for() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'it''s done')));
               CREATE INDEX by_state ON t(state); INSERT INTO t(id, state) VALUES(1, 'it''s done'), (2, 'new');";
    let labels = "SELECT string_agg(enumlabel, '|' ORDER BY enumsortorder) FROM pg_enum JOIN pg_type y ON y.oid = enumtypid \
                  WHERE y.typname = 't_state' AND y.typnamespace = current_schema::regnamespace";
    let plain = ["CREATE SCHEMA s2", "SELECT 1"];
    // Into a schema that is made, and into one that is there.
    for before in [plain[1], plain[0]] {
        place.cluster.client("postgres").batch_execute(before).unwrap();
        place.done(sql, &retyped("state", PgType::Enum));
        assert_eq!(place.type_of("state"), "t_state");
        assert_eq!(
            (place.ask(labels), place.values("state")),
            ("new|it's done".to_owned(), "it's done | new".to_owned())
        );
        let mut client = place.cluster.client("postgres");
        client.batch_execute(&format!("INSERT INTO s{}.t(id) VALUES (3)", place.runs.get())).unwrap();
        assert_eq!(place.ask("SELECT state FROM t WHERE id = 3"), "new");
    }
    // What rollback takes back is all that was made.
    let path = place.dir.join("2.db");
    let settings =
        Settings { schema: "s2".to_owned(), ..running::settings(&path, &place.cluster, "postgres", &place.dir) };
    let discard = RollbackOptions { dry_run: false, discard_changes: true, purge: false };
    rollback(&settings, discard, &Show, &Cancel::new()).unwrap();
    assert_eq!(place.ask("SELECT count(*) FROM pg_type WHERE typnamespace = 's2'::regnamespace"), "0");

    let stranger = sql.replace("(2, 'new')", "(2, 'old')").replace("'it''s done'))", "'it''s done', 'old'))");
    let mut choices = retyped("state", PgType::Enum);
    let choice = choices.columns.values_mut().next().unwrap();
    choice.labels = vec!["new".to_owned(), "it's done".to_owned()];
    let report = place.run(&stranger, &choices);
    assert_eq!(blocking(&report), [(codes::UNFIT, "t.state")]);
    assert!(report.findings.iter().any(|f| f.message.contains("1 of 2 values do not fit enum; first at rowid 2")));
}
