//! Tables, keys, foreign keys and indexes as SQLite itself treats them: the oracle is what SQLite does.
//! Owns the variants of statements; never compares with our own output.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

mod support;

use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::schema::{Affinity, Deferrable, IndexOn, Schema, Table};
use lite2pg_model::sql::resolve::resolve;
use rusqlite::Connection;
use support::Dice;

fn open(sql: &str) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(sql).unwrap_or_else(|e| panic!("{e}: {sql}"));
    db
}

fn resolved(db: &Connection) -> (Schema, Vec<Finding>) {
    let (schema, findings) = resolve(&support::introspect(db).unwrap());
    let unparsed: Vec<&Finding> = findings.iter().filter(|f| f.code == codes::UNPARSED).collect();
    assert!(unparsed.is_empty(), "{unparsed:?}");
    (schema, findings)
}

fn table(sql: &str) -> Table {
    resolved(&open(sql)).0.tables.swap_remove(0)
}

fn text(db: &Connection, sql: &str) -> String {
    db.query_row(sql, [], |r| r.get(0)).unwrap_or_else(|e| panic!("{e}: {sql}"))
}

const TYPES: &[&str] = &[
    "INTEGER",
    "integer",
    "InTeGeR",
    "INT",
    "BIGINT",
    "TEXT",
    "VARCHAR(10)",
    "CLOB",
    "BLOB",
    "",
    "REAL",
    "DOUBLE PRECISION",
    "FLOAT",
    "NUMERIC",
    "DECIMAL(10, 2)",
    "BOOLEAN",
    "DATE",
    "UNSIGNED LONG VARCHAR(10)",
    "CHARINT",
    "FLOATING POINT",
    "STRING",
    "\"INTEGER\"",
    "[INTEGER]",
    "`INT`",
    "TEXT BLOB",
    "REAL BLOB",
    "ANY",
    "POINT",
    "INTEGER UNSIGNED",
    "'INTEGER'",
];

#[test]
fn the_rowid_alias_is_the_one_sqlite_has() {
    let mut variants: Vec<String> = Vec::new();
    for ty in TYPES {
        for key in [
            "PRIMARY KEY",
            "PRIMARY KEY ASC",
            "PRIMARY KEY DESC",
            "CONSTRAINT c PRIMARY KEY",
            "UNIQUE PRIMARY KEY",
            "NOT NULL PRIMARY KEY UNIQUE",
        ] {
            variants.push(format!("CREATE TABLE t(x {ty} {key}, y)"));
        }
        for key in ["x", "x DESC", "'x'", "[X]", "x COLLATE nocase", "x, y", "\"x\" ASC"] {
            variants.push(format!("CREATE TABLE t(x {ty}, y INTEGER, PRIMARY KEY({key}))"));
        }
    }
    for sql in &variants {
        let db = open(sql);
        let table = resolved(&db).0.tables.swap_remove(0);
        db.execute_batch("INSERT INTO t(x, y) VALUES(77, 1)").unwrap();
        let alias: bool = db.query_row("SELECT rowid IS 77 FROM t", [], |r| r.get(0)).unwrap();
        assert_eq!(table.rowid_alias, alias.then_some(0), "{sql}");
        assert!(!alias || table.columns[0].not_null, "{sql}");
        let key = table.primary_key.unwrap();
        assert_eq!(key.columns.len(), if sql.contains("x, y") { 2 } else { 1 }, "{sql}");
        // Whether NULL may stand there is what SQLite does on insert; an alias is given a number.
        let takes_null = db.execute("INSERT INTO t(x, y) VALUES(NULL, 2)", []).is_ok();
        assert_eq!(table.columns[0].not_null, alias || !takes_null, "{sql}");
    }
}

#[test]
fn keys_of_without_rowid_and_strict_tables_are_not_null() {
    for sql in [
        "CREATE TABLE t(x INT PRIMARY KEY, y ANY) STRICT",
        "CREATE TABLE t(x TEXT, y ANY, PRIMARY KEY(x, y)) WITHOUT ROWID, STRICT",
        "CREATE TABLE t(x INTEGER PRIMARY KEY, y) WITHOUT ROWID",
        "CREATE TABLE t(x TEXT PRIMARY KEY, y INT NOT NULL)",
        "CREATE TABLE t(x, y, PRIMARY KEY(x, y, x)) WITHOUT ROWID",
    ] {
        let db = open(sql);
        let table = resolved(&db).0.tables.swap_remove(0);
        for (i, values) in ["NULL, 1", "1, NULL"].iter().enumerate() {
            let takes_null = db.execute(&format!("INSERT INTO t VALUES({values})"), []).is_ok();
            assert_eq!(table.columns[i].not_null, !takes_null, "{sql} {values}");
        }
        assert_eq!(table.rowid_alias, None, "{sql}");
        assert_eq!((table.without_rowid, table.strict), (sql.contains("ROWID"), sql.contains("STRICT")));
    }
}

#[test]
fn affinities_are_those_that_convert() {
    for ty in TYPES {
        let db = open(&format!("CREATE TABLE t(x {ty}); INSERT INTO t VALUES('12.0'), (5), ('1.5')"));
        let seen = text(&db, "SELECT group_concat(typeof(x)) FROM t");
        let want = match resolved(&db).0.tables[0].columns[0].affinity {
            Affinity::Integer | Affinity::Numeric => "integer,integer,real",
            Affinity::Real => "real,real,real",
            Affinity::Text => "text,text,text",
            Affinity::Blob => "text,integer,text",
        };
        assert_eq!(seen, want, "{ty:?}");
    }
    let any = table("CREATE TABLE t(x ANY, y INT) STRICT");
    assert_eq!((any.columns[0].affinity, any.columns[1].affinity), (Affinity::Blob, Affinity::Integer));
}

#[test]
fn foreign_keys_wait_for_commit_where_sqlite_waits() {
    let clauses = [
        "",
        "DEFERRABLE",
        "NOT DEFERRABLE",
        "DEFERRABLE INITIALLY DEFERRED",
        "DEFERRABLE INITIALLY IMMEDIATE",
        "NOT DEFERRABLE INITIALLY DEFERRED",
        "deferrable /* x */ initially\n deferred",
        "ON DELETE CASCADE MATCH FULL ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED",
        "ON DELETE SET DEFAULT",
    ];
    for clause in clauses {
        for child in [
            format!("CREATE TABLE c(y INT, x INT CONSTRAINT fk REFERENCES P(ID) {clause} NOT NULL)"),
            format!("CREATE TABLE c(x INT REFERENCES p {clause})"),
            format!("CREATE TABLE c(x INT, CONSTRAINT fk FOREIGN KEY(x) REFERENCES p {clause})"),
        ] {
            let db = open(&format!("PRAGMA foreign_keys=ON; CREATE TABLE p(id INTEGER PRIMARY KEY); {child}"));
            let (schema, _) = resolved(&db);
            let key = &schema.tables[1].foreign_keys[0];
            let waits = db.execute_batch("BEGIN; INSERT INTO c(x) VALUES(9)").is_ok();
            assert_eq!(key.deferrable == Deferrable::Deferred, waits, "{child}");
            assert_eq!((key.parent.as_str(), key.parent_columns.as_slice()), ("p", &["id".to_owned()][..]), "{child}");
            assert_eq!(key.name.as_deref(), child.contains("CONSTRAINT").then_some("fk"), "{child}");
        }
    }
}

#[test]
fn foreign_keys_without_a_key_to_point_at_have_no_parent_columns() {
    for (parent, clause, columns) in [
        ("CREATE TABLE p(a INT, b INT, PRIMARY KEY(a, b))", "FOREIGN KEY(x, y) REFERENCES p", vec!["a", "b"]),
        ("CREATE TABLE p(a INT, b INT, PRIMARY KEY(a, b))", "FOREIGN KEY(x, y) REFERENCES p(b, a)", vec!["b", "a"]),
        ("CREATE TABLE p(a INT, b INT, PRIMARY KEY(a, b))", "FOREIGN KEY(x) REFERENCES p", vec![]),
        ("CREATE TABLE p(a INT, b INT)", "FOREIGN KEY(x) REFERENCES p(a)", vec![]),
        ("CREATE TABLE p(a INT, b INT)", "FOREIGN KEY(x) REFERENCES p", vec![]),
        ("CREATE TABLE p(a INT, b INT); CREATE UNIQUE INDEX u ON p(a)", "FOREIGN KEY(x) REFERENCES p(A)", vec!["a"]),
        ("CREATE TABLE p(a INT); CREATE UNIQUE INDEX u ON p(a) WHERE a > 1", "FOREIGN KEY(x) REFERENCES p(a)", vec![]),
        ("CREATE TABLE p(a INT UNIQUE)", "FOREIGN KEY(x) REFERENCES nowhere(a)", vec![]),
        ("CREATE TABLE p(a INT UNIQUE)", "FOREIGN KEY(x) REFERENCES p(zz)", vec![]),
        ("CREATE TABLE p(a INT)", "z INT UNIQUE, FOREIGN KEY(x) REFERENCES c(z)", vec!["z"]),
    ] {
        let sql = format!("PRAGMA foreign_keys=ON; {parent}; CREATE TABLE c(x INT, y INT, {clause})")
            .replace(", z INT UNIQUE, ", ", z INT UNIQUE, ");
        let db = open(&sql);
        let (schema, _) = resolved(&db);
        let key = &schema.tables.iter().find(|t| t.name == "c").unwrap().foreign_keys[0];
        assert_eq!(key.parent_columns, columns, "{sql}");
        // SQLite cannot enforce it either: it says "foreign key mismatch" or "no such table".
        let error = db.execute_batch("INSERT INTO c(x, y) VALUES(1, 1)").unwrap_err().to_string();
        assert_eq!(error.contains("FOREIGN KEY constraint failed"), !columns.is_empty(), "{sql}: {error}");
    }
}

/// Ways to write the same.
trait Spelling {
    fn name(&mut self, name: &str) -> String;
    fn gap(&mut self) -> &'static str;
}

impl Spelling for Dice {
    /// A name in one of SQLite's ways to write it.
    fn name(&mut self, name: &str) -> String {
        match self.roll(6) {
            0 => format!("\"{name}\""),
            1 => format!("[{name}]"),
            2 => format!("`{name}`"),
            3 => name.to_uppercase(),
            _ => name.to_owned(),
        }
    }

    fn gap(&mut self) -> &'static str {
        ["", " ", "\n", " /* CHECK (x) , UNIQUE ) */ ", " -- it's, a DEFAULT ' comment\n", "\t"][self.roll(6)]
    }
}

const COLUMNS: &[&str] = &["a", "b", "c", "order x", "d"];

/// A table of random clauses; what SQLite refuses is thrown away.
fn random_table(dice: &mut Dice) -> String {
    let mut items: Vec<String> = Vec::new();
    for column in COLUMNS {
        let name = if *column == "order x" { "\"order x\"".to_owned() } else { dice.name(column) };
        let mut item = format!("{name} {}", dice.pick(TYPES));
        for _ in 0..dice.roll(4) {
            let clause = dice.pick(&[
                "NOT NULL",
                "NULL",
                "UNIQUE",
                "UNIQUE ON CONFLICT REPLACE",
                "COLLATE NOCASE",
                "COLLATE rtrim",
                "COLLATE binary",
                "CHECK (a > 0)",
                "CONSTRAINT \"my check\" CHECK (length(b) < 5 AND b <> ')')",
                "DEFAULT 'x, CHECK (1)'",
                "DEFAULT -5",
                "DEFAULT (1 + 2)",
                "DEFAULT bare",
                "DEFAULT CURRENT_TIMESTAMP",
                "REFERENCES t(a) ON DELETE CASCADE",
                "REFERENCES other DEFERRABLE INITIALLY DEFERRED",
                "NOT NULL ON CONFLICT IGNORE",
                "CHECK (\"b\" IN ('x', \"y\"))",
                "GENERATED ALWAYS AS (1 + length('a)')) STORED",
                "AS (b || 'x')",
                "PRIMARY KEY",
                "CONSTRAINT n UNIQUE",
            ]);
            item.push_str(dice.gap());
            item.push(' ');
            item.push_str(clause);
        }
        items.push(item);
    }
    for _ in 0..dice.roll(4) {
        items.push(
            dice.pick(&[
                "UNIQUE(a, b)",
                "UNIQUE(b COLLATE nocase, a DESC) ON CONFLICT FAIL",
                "CONSTRAINT u UNIQUE(b, a)",
                "PRIMARY KEY(c)",
                "PRIMARY KEY(c, a DESC)",
                "CONSTRAINT [fk 1] FOREIGN KEY(a, b) REFERENCES t(b, a)",
                "CHECK (a IS NULL OR (b) = ('it''s)'))",
                "UNIQUE(c)",
                "FOREIGN KEY (c) REFERENCES other NOT DEFERRABLE",
                "CHECK (a + 0x10 > 1_0) ON CONFLICT ROLLBACK",
                "CONSTRAINT z CHECK (a NOT BETWEEN 1 AND 2)",
            ])
            .to_owned(),
        );
    }
    let separator = format!("{},{}", dice.gap(), dice.gap());
    format!("CREATE TABLE t({}{}){}", items.join(&separator), dice.gap(), dice.pick(&["", "", " WITHOUT ROWID"]))
}

#[test]
fn random_tables_resolve_as_sqlite_sees_them() {
    let mut dice = Dice::seeded();
    let mut tried = 0;
    for _ in 0..4000 {
        let sql = random_table(&mut dice);
        let db = Connection::open_in_memory().unwrap();
        if db.execute_batch(&sql).is_ok() {
            tried += 1;
            same_as_sqlite(&db, &sql);
        }
    }
    println!("{tried} tables compared");
    assert!(tried > 400, "too few of the tables are valid: {tried}");
}

fn same_as_sqlite(db: &Connection, sql: &str) {
    let (schema, findings) = resolved(db);
    let table = &schema.tables[0];
    // Of several NOT NULL of a column the last one counts, so those are left out.
    let conflicts = sql.matches("ON CONFLICT").count() - sql.matches("NOT NULL ON CONFLICT").count();
    let told = findings.iter().filter(|f| f.code == codes::ON_CONFLICT && !f.message.contains("NOT NULL"));
    assert_eq!(told.count(), conflicts, "{sql}");
    let without_comments = sql.replace("/* CHECK (x) , UNIQUE ) */", "").replace("'x, CHECK (1)'", "");
    assert_eq!(table.checks.len(), without_comments.matches("CHECK (").count(), "{sql}");
    for check in &table.checks {
        assert!(check.expr.ast.is_some(), "{}", check.expr.sql);
        db.prepare(&format!("SELECT ({}\n) FROM t", check.expr.sql)).unwrap_or_else(|e| panic!("{e}: {sql}"));
    }
    let automatic = |origin: &str| -> i64 {
        let count = format!("SELECT count(*) FROM pragma_index_list('t') WHERE origin = '{origin}'");
        db.query_row(&count, [], |r| r.get(0)).unwrap()
    };
    assert_eq!(i64::try_from(table.uniques.len()).unwrap(), automatic("u"), "{sql}");
    let keys: i64 =
        db.query_row("SELECT count(*) FROM pragma_foreign_key_list('t') WHERE seq = 0", [], |r| r.get(0)).unwrap();
    assert_eq!(i64::try_from(table.foreign_keys.len()).unwrap(), keys, "{sql}");
    for (i, column) in table.columns.iter().enumerate() {
        assert_eq!(
            column.generated.is_some(),
            findings.iter().any(|f| f.code == codes::GENERATED && f.object == format!("t.{}", column.name))
        );
        if let Some(generated) = &column.generated {
            db.prepare(&format!("SELECT ({}\n) FROM t", generated.expr.sql)).unwrap_or_else(|e| panic!("{e}: {sql}"));
        }
        if let Some(default) = &column.default {
            assert!(default.ast.is_some(), "{sql}: {}", default.sql);
        }
        // The collation of an index on the bare column is the column's.
        let name = lite2pg_model::ident::sqlite(&column.name);
        db.execute_batch(&format!("CREATE INDEX probe{i} ON t({name})")).unwrap();
        let seen = text(db, &format!("SELECT upper(coll) FROM pragma_index_xinfo('probe{i}') WHERE seqno = 0"));
        assert_eq!(column.collation.as_deref().unwrap_or("BINARY"), seen, "{sql}: {}", column.name);
    }
    named(table, sql);
}

/// The names of constraints are found again at the constraints that have them.
fn named(table: &Table, sql: &str) {
    for check in &table.checks {
        let want = match check.expr.sql.as_str() {
            t if t.starts_with("length(b)") => Some("my check"),
            t if t.contains("NOT BETWEEN") => Some("z"),
            _ => None,
        };
        assert_eq!(check.name.as_deref(), want, "{sql}");
    }
    for key in &table.foreign_keys {
        assert_eq!(key.name.as_deref(), (key.columns.len() == 2).then_some("fk 1"), "{sql}");
        let deferred = key.parent == "other" && sql.contains("INITIALLY DEFERRED");
        assert!(key.deferrable != Deferrable::Deferred || deferred, "{sql}");
    }
}

#[test]
fn indexes_keep_their_terms_and_predicates() {
    let table_sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INT, \"we, ird\" TEXT)";
    for (index, terms, predicate) in [
        ("CREATE INDEX i ON t(a, b DESC)", vec![None, None], None),
        ("CREATE UNIQUE INDEX i ON t(lower(a), b) WHERE b > 0 -- end\n", vec![Some("lower(a)"), None], Some("b > 0")),
        (
            "CREATE INDEX i ON t(a COLLATE RTRIM ASC, b+1 DESC, (b || ',') COLLATE NOCASE)",
            vec![None, Some("b+1"), Some("(b || ',')")],
            None,
        ),
        (
            "CREATE INDEX i ON t(\"we, ird\", substr(a, 1, 2)) WHERE a IS NOT NULL AND b IN (1, 2)",
            vec![None, Some("substr(a, 1, 2)")],
            Some("a IS NOT NULL AND b IN (1, 2)"),
        ),
        (
            "CREATE INDEX IF NOT EXISTS [i] ON [t] ( /* , */ a ) WHERE \"we, ird\" = 'WHERE'",
            vec![None],
            Some("\"we, ird\" = 'WHERE'"),
        ),
        ("CREATE INDEX i ON t(CASE WHEN b THEN a ELSE 'x' END)", vec![Some("CASE WHEN b THEN a ELSE 'x' END")], None),
    ] {
        let db = open(&format!("{table_sql}; {index}"));
        let (schema, _) = resolved(&db);
        let got = &schema.tables[0].indexes[0];
        let texts: Vec<Option<&str>> = got
            .terms
            .iter()
            .map(|t| match &t.on {
                IndexOn::Column(_) => None,
                IndexOn::Expression(e) => {
                    assert!(e.ast.is_some());
                    Some(e.sql.as_str())
                }
            })
            .collect();
        assert_eq!(texts, terms, "{index}");
        assert_eq!(got.predicate.as_ref().map(|p| p.sql.as_str()), predicate, "{index}");
        assert!(got.predicate.as_ref().is_none_or(|p| p.ast.is_some()));
        assert_eq!(got.unique, index.contains("UNIQUE"));
        for (i, term) in got.terms.iter().enumerate() {
            let seen = text(&db, &format!("SELECT upper(coll) FROM pragma_index_xinfo('i') WHERE seqno = {i}"));
            assert_eq!(term.collation.as_deref().unwrap_or("BINARY"), seen, "{index}");
        }
    }
}

#[test]
fn what_is_left_behind_is_told() {
    let db = open(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT COLLATE NOCASE UNIQUE, g AS (a || 'x'));
         INSERT INTO t(a) VALUES('q');
         ALTER TABLE t ADD COLUMN added TEXT DEFAULT 'it''s' CHECK (added <> '');
         CREATE VIEW v AS SELECT a FROM t;
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;
         CREATE VIRTUAL TABLE f USING fts5(body);
         CREATE TABLE k(a TEXT PRIMARY KEY ON CONFLICT REPLACE)",
    );
    let (schema, findings) = resolved(&db);
    let t = schema.tables.iter().find(|t| t.name == "t").unwrap();
    assert!(t.autoincrement && t.sequence == Some(1) && t.checks.len() == 1);
    assert_eq!(t.columns.last().unwrap().name, "added");
    let mut told: Vec<(&str, &str, bool)> =
        findings.iter().map(|f| (f.code.as_str(), f.object.as_str(), f.blocks())).collect();
    told.sort_unstable();
    let mut want = vec![
        (codes::COLLATION, "t(a)", true),
        (codes::COLLATION, "t.a", false),
        (codes::GENERATED, "t.g", true),
        (codes::ON_CONFLICT, "k.a", true),
        (codes::VIRTUAL_TABLE, "f", true),
    ];
    // Whether a view or a trigger is carried is the builder's to say, who translates them.
    want.sort_unstable();
    assert_eq!(told, want);
}

#[test]
fn a_statement_that_cannot_be_parsed_is_carried_from_the_pragmas() {
    let db = open("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x' UNIQUE, c REFERENCES t)");
    let mut raw = support::introspect(&db).unwrap();
    let (whole, _) = resolve(&raw);
    raw.objects[0].sql = Some("CREATE TABLE t(a INTEGER PRIMARY KEY, b /* never closed".into());
    let (schema, findings) = resolve(&raw);
    assert!(findings.iter().any(|f| f.code == codes::UNPARSED && f.object == "t" && f.blocks()));
    let (mut a, b) = (schema.tables[0].clone(), whole.tables[0].clone());
    a.sql.clone_from(&b.sql);
    assert_eq!(a, b);
}
