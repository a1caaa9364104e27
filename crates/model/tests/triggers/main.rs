//! Triggers do the same on both sides: each case of `corpus/triggers` is built in SQLite and, by the plan, in a real
//! PostgreSQL; the same statements run on both, and after each the whole databases are compared.
//! Owns the comparison; the oracle is SQLite. `LITE2PG_CASE` runs the cases whose name holds it, and prints the bodies.
//!
//! A case is a schema with its rows in SQLite's SQL, a line `-- run`, then statements that both databases take, each
//! ending in a line that ends with `;`. Comment lines say what is expected besides: `-- refused NAME: REASON` of a trigger
//! that is not carried, `-- differs: SENTENCE` of a difference that must be told, `-- needs TEXT` of what must
//! stand in the plan for the case to be of use, `-- unequal: t.c` of a column that depends on the clock (only which of its values are NULL is compared), `-- fails` before a statement that fails on both
//! sides, `-- fails in PostgreSQL` before one that fails there alone (what it did in SQLite is taken back).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod both;
mod real;
#[path = "../support/mod.rs"]
mod support;

use both::{Both, planned, resolved};
use lite2pg_model::finding::codes;
use lite2pg_testkit::cluster::Cluster;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

#[derive(Default)]
struct Case {
    name: String,
    schema: String,
    refused: Vec<(String, String)>,
    differs: Vec<String>,
    unequal: Vec<String>,
    needs: Vec<String>,
    /// Statements with what is expected: fails on both sides, fails in PostgreSQL alone.
    run: Vec<(String, bool, bool)>,
}

fn case(path: &Path) -> Case {
    let text = std::fs::read_to_string(path).unwrap();
    let (schema, run) = text.split_once("\n-- run\n").unwrap_or((&text, ""));
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut case = Case { name, schema: schema.to_owned(), ..Case::default() };
    for line in schema.lines() {
        if let Some((trigger, reason)) = line.strip_prefix("-- refused ").and_then(|l| l.split_once(": ")) {
            case.refused.push((trigger.to_owned(), reason.to_owned()));
        } else if let Some(sentence) = line.strip_prefix("-- differs: ") {
            case.differs.push(sentence.to_owned());
        } else if let Some(text) = line.strip_prefix("-- needs ") {
            case.needs.push(text.to_owned());
        } else if let Some(column) = line.strip_prefix("-- unequal: ") {
            case.unequal.push(column.to_owned());
        }
    }
    let (mut statement, mut fails, mut alone) = (String::new(), false, false);
    for line in run.lines() {
        fails |= line == "-- fails";
        alone |= line == "-- fails in PostgreSQL";
        if line.starts_with("--") {
            continue;
        }
        statement.push_str(line);
        statement.push('\n');
        if line.trim_end().ends_with(';') {
            case.run.push((std::mem::take(&mut statement), fails, alone));
            (fails, alone) = (false, false);
        }
    }
    assert!(statement.trim().is_empty(), "{}: the last statement has no end: {statement}", case.name);
    case
}

fn cases() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/triggers");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "sql"));
    files.sort();
    let wanted = std::env::var("LITE2PG_CASE").unwrap_or_default();
    assert!(files.len() >= 80, "where are the cases?");
    files.retain(|p| p.to_string_lossy().contains(&wanted));
    assert!(!files.is_empty(), "no case is called {wanted}");
    files
}

impl Both {
    fn compare(&mut self, case: &Case, after: &str) {
        for table in self.plan.tables.clone() {
            let (lite, pg) = self.rows(&table, &case.unequal);
            assert_eq!(lite, pg, "{}: table {} (SQLite, PostgreSQL) after\n{after}", case.name, table.name);
        }
    }

    fn statement(&mut self, case: &Case, sql: &str, fails: bool, alone: bool) {
        let pg = self.pg.batch_execute(sql);
        if alone {
            assert!(pg.is_err(), "{}: PostgreSQL takes it:\n{sql}", case.name);
            self.lite.execute_batch("SAVEPOINT alone").unwrap();
            let lite = self.lite.execute_batch(sql);
            assert!(lite.is_ok(), "{}: SQLite fails too, {lite:?}:\n{sql}", case.name);
            self.lite.execute_batch("ROLLBACK TO alone; RELEASE alone").unwrap();
            return;
        }
        let lite = self.lite.execute_batch(sql);
        match (lite, pg) {
            (Ok(()), Ok(())) => assert!(!fails, "{}: it does not fail:\n{sql}", case.name),
            (Err(lite), Err(pg)) => {
                assert!(fails, "{}: it fails: {lite}; {pg:?}\n{sql}", case.name);
                // RAISE: <https://sqlite.org/rescode.html#constraint_trigger>.
                if let rusqlite::Error::SqliteFailure(code, Some(message)) = &lite
                    && code.extended_code == 1811
                {
                    let error = pg.as_db_error().unwrap_or_else(|| panic!("{pg:?}"));
                    assert_eq!(message, error.message(), "{}: {sql}", case.name);
                    assert_eq!(error.code().code(), "23000", "{}: {sql}", case.name);
                }
            }
            (lite, pg) => panic!("{}: SQLite {lite:?}, PostgreSQL {pg:?}\n{sql}", case.name),
        }
    }
}

fn check(case: &Case, n: usize, cluster: &Cluster) {
    let lite = Connection::open_in_memory().unwrap();
    lite.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    lite.execute_batch(&case.schema).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let schema = resolved(&lite);
    let plan = planned(&lite, &schema, &format!("case_{n}"));
    if let Some(needed) = case.needs.iter().find(|n| !plan.script(&[]).contains(n.as_str())) {
        panic!("{}: nothing in the plan has {needed}", case.name);
    }
    let lost: Vec<_> = plan.findings.iter().filter(|f| f.blocks()).collect();
    let mut unexpected = Vec::new();
    for finding in &lost {
        let expected = |(name, reason): &(String, String)| {
            finding.code == codes::TRIGGER && *name == finding.object && finding.message.contains(reason.as_str())
        };
        if !case.refused.iter().any(expected) {
            unexpected.push(finding.message.clone());
        }
    }
    assert!(unexpected.is_empty(), "{}: {unexpected:#?}", case.name);
    assert_eq!(lost.len(), case.refused.len(), "{}: not all is refused", case.name);
    let told: Vec<&str> =
        plan.findings.iter().filter(|f| f.code == codes::TRIGGER_DIFFERS).map(|f| f.message.as_str()).collect();
    for sentence in &case.differs {
        assert!(told.iter().any(|t| t.contains(sentence.as_str())), "{}: {sentence} is not told: {told:?}", case.name);
    }
    if std::env::var_os("LITE2PG_CASE").is_some() {
        plan.triggers.iter().for_each(|t| println!("-- {} {} on {}\n{}\n", t.name, t.timing, t.table, t.body));
        told.iter().for_each(|t| println!("-- {t}"));
    }
    let pg = cluster.client("postgres");
    let mut both = Both { lite, pg, plan };
    both.make(true);
    both.compare(case, "the copy");
    for (sql, fails, alone) in &case.run {
        both.statement(case, sql, *fails, *alone);
        both.compare(case, sql);
        both.positions();
    }
}

#[test]
fn triggers_do_the_same() {
    let cluster = Cluster::start(&[], &[]);
    let mut failed = Vec::new();
    for (n, path) in cases().iter().enumerate() {
        let case = case(path);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&case, n, &cluster)));
        if outcome.is_err() {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "{} cases failed: {failed:?}", failed.len());
}
