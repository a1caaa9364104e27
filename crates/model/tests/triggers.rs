//! Triggers do the same on both sides: each case of `corpus/triggers` is built in SQLite and, by the plan, in a real
//! PostgreSQL; the same statements run on both, and after each the whole databases are compared.
//! Owns the comparison; the oracle is SQLite. `LITE2PG_CASE` runs the cases whose name holds it, and prints the bodies.
//!
//! A case is a schema with its rows in SQLite's SQL, a line `-- run`, then statements that both databases take, each
//! ending in a line that ends with `;`. Comment lines say what is expected besides: `-- refused NAME: REASON` of a trigger
//! that is not carried, `-- differs: SENTENCE` of a difference that must be told, `-- unequal: t.c` of a column that
//! depends on the clock (only which of its values are NULL is compared), `-- fails` before a statement that fails on both
//! sides, `-- fails in PostgreSQL` before one that fails there alone (what it did in SQLite is taken back).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod support;

use lite2pg_model::finding::codes;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::codec::OwnedValue;
use lite2pg_model::mapping::decide::decide;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::build::{Input, build};
use lite2pg_model::plan::{Effect, Plan, Stage, TablePlan};
use lite2pg_model::schema::{Schema, TableKind};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Value;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use postgres::types::{FromSql, Type};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A value of PostgreSQL as it comes over the wire.
struct Raw(Option<Vec<u8>>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[derive(Default)]
struct Case {
    name: String,
    schema: String,
    refused: Vec<(String, String)>,
    differs: Vec<String>,
    unequal: Vec<String>,
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
    files.retain(|p| p.to_string_lossy().contains(&wanted));
    files
}

fn resolved(lite: &Connection) -> Schema {
    let mut raw = support::introspect(lite).unwrap();
    let views: Vec<String> = raw.objects.iter().filter(|o| o.kind == "view").map(|o| o.name.clone()).collect();
    for view in views {
        let mut query = lite.prepare("SELECT name, type, hidden FROM pragma_table_xinfo(?)").unwrap();
        let columns = query.query_map([&view], |r| {
            Ok(lite2pg_model::schema::RawColumn {
                name: r.get(0)?,
                declared: r.get(1)?,
                hidden: r.get(2)?,
                ..Default::default()
            })
        });
        raw.columns.insert(view.clone(), columns.unwrap().map(Result::unwrap).collect());
    }
    resolve(&raw).0
}

fn value(v: ValueRef<'_>) -> Value<'_> {
    match v {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => Value::Integer(i),
        ValueRef::Real(r) => Value::Real(r),
        ValueRef::Text(t) => Value::Text(t),
        ValueRef::Blob(b) => Value::Blob(b),
    }
}

fn planned(lite: &Connection, schema: &Schema, target: &str) -> Plan {
    let mut profiles = BTreeMap::new();
    let mut max_rowid = BTreeMap::new();
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let mut profile = TableProfile::for_table(table);
        let names: Vec<String> = table.columns.iter().map(|c| lite2pg_model::ident::sqlite(&c.name)).collect();
        let sql = format!("SELECT {} FROM {}", names.join(", "), lite2pg_model::ident::sqlite(&table.name));
        // Where a function that only the application has stands in the way, the table counts as empty.
        let Ok(mut query) = lite.prepare(&sql) else { continue };
        let mut rows = query.query([]).unwrap();
        while let Ok(Some(row)) = rows.next() {
            profile.rows += 1;
            for (i, column) in profile.columns.iter_mut().enumerate() {
                column.observe(value(row.get_ref(i).unwrap()));
            }
        }
        profiles.insert(table.name.clone(), profile);
        if let Some(rowid) = table.rowid_alias {
            let sql = format!("SELECT max({}) FROM {}", names[rowid], lite2pg_model::ident::sqlite(&table.name));
            if let Ok(Some(max)) = lite.query_row(&sql, [], |r| r.get::<_, Option<i64>>(0)) {
                max_rowid.insert(table.name.clone(), max);
            }
        }
    }
    let (mappings, findings) = decide(schema, &profiles, &Choices::default());
    build(schema, &profiles, &mappings, findings, &Input { schema: target, max_rowid, ..Input::default() })
}

struct Both {
    lite: Connection,
    pg: Client,
    plan: Plan,
}

impl Both {
    /// Runs the steps of the plan.
    fn make(&mut self) {
        let schema = self.plan.schema.clone();
        self.pg.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).unwrap();
        let path = self.plan.search_path(&schema);
        for step in self.plan.steps(&schema) {
            match &step.effect {
                Effect::Sql(sql) if step.stage != Stage::Analyze => {
                    let sql = format!("BEGIN; SET LOCAL search_path TO {path}; {sql}; COMMIT");
                    self.pg.batch_execute(&sql).unwrap_or_else(|e| panic!("{e:?}\n{sql}"));
                }
                Effect::Copy(i) => self.copy(*i),
                _ => {}
            }
        }
        for sql in self.plan.enable_triggers(&schema) {
            self.pg.batch_execute(&sql).unwrap();
        }
        self.pg.batch_execute(&format!("SET search_path TO {path}")).unwrap();
    }

    fn copy(&mut self, i: usize) {
        let table = &self.plan.tables[i];
        let columns: Vec<_> = table.columns.iter().filter(|c| c.generated.is_none()).collect();
        let own: Vec<String> = columns.iter().map(|c| lite2pg_model::ident::sqlite(&c.name)).collect();
        let names: Vec<String> = columns.iter().map(|c| lite2pg_model::ident::pg(&c.target)).collect();
        let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        let sql = format!("SELECT {} FROM {}", own.join(", "), lite2pg_model::ident::sqlite(&table.name));
        let mut query = self.lite.prepare(&sql).unwrap();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            out.extend(i16::try_from(columns.len()).unwrap().to_be_bytes());
            for (i, column) in columns.iter().enumerate() {
                column.codec().encode(value(row.get_ref(i).unwrap()), &mut out).unwrap();
            }
        }
        out.extend((-1i16).to_be_bytes());
        let into = lite2pg_model::ident::pg_in(&self.plan.schema, &table.target);
        let mut writer = self.pg.copy_in(&format!("COPY {into} ({}) FROM STDIN BINARY", names.join(", "))).unwrap();
        writer.write_all(&out).unwrap();
        writer.finish().unwrap();
    }

    /// The identities go on where SQLite would: numbers that failed statements took are given again.
    fn positions(&mut self) {
        let schema = self.plan.schema.clone();
        for table in &self.plan.tables {
            for (column, identity) in table.columns.iter().filter_map(|c| Some((c, c.identity.as_ref()?))) {
                let largest = format!(
                    "SELECT max({}) FROM {}",
                    lite2pg_model::ident::pg(&column.target),
                    lite2pg_model::ident::pg_in(&schema, &table.target)
                );
                let sequence = lite2pg_model::ident::literal(&lite2pg_model::ident::pg_in(&schema, &identity.sequence));
                let sql = format!("SELECT setval({sequence}, coalesce(({largest}), 0) + 1, false)");
                self.pg.batch_execute(&sql).unwrap();
            }
        }
    }

    /// All rows of both sides, sorted, one line each.
    fn rows(&mut self, table: &TablePlan, unequal: &[String]) -> (Vec<String>, Vec<String>) {
        let shown = |name: &str, v: String| {
            let unequal = unequal.iter().any(|u| *u == format!("{}.{name}", table.name));
            if unequal && v != "NULL" { "…".to_owned() } else { v }
        };
        let own: Vec<String> = table.columns.iter().map(|c| lite2pg_model::ident::sqlite(&c.name)).collect();
        let sql = format!("SELECT {} FROM {}", own.join(", "), lite2pg_model::ident::sqlite(&table.name));
        let mut query = self.lite.prepare(&sql).unwrap();
        let mut rows = query.query([]).unwrap();
        let mut lite = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let values = table.columns.iter().enumerate().map(|(i, c)| {
                let v = match row.get_ref(i).unwrap() {
                    ValueRef::Null => "NULL".to_owned(),
                    ValueRef::Integer(n) => format!("{n}"),
                    ValueRef::Real(r) => format!("{r:?}"),
                    ValueRef::Text(t) => format!("{:?}", String::from_utf8_lossy(t)),
                    ValueRef::Blob(b) => format!("{b:02x?}"),
                };
                shown(&c.name, v)
            });
            lite.push(values.collect::<Vec<_>>().join(" | "));
        }
        let names: Vec<String> = table.columns.iter().map(|c| lite2pg_model::ident::pg(&c.target)).collect();
        let from = lite2pg_model::ident::pg_in(&self.plan.schema, &table.target);
        let mut pg = Vec::new();
        for row in self.pg.query(&format!("SELECT {} FROM {from}", names.join(", ")), &[]).unwrap() {
            let values = table.columns.iter().enumerate().map(|(i, c)| {
                let raw: Raw = row.get(i);
                let v = match c.codec().decode(raw.0.as_deref()).unwrap() {
                    OwnedValue::Null => "NULL".to_owned(),
                    OwnedValue::Integer(n) => format!("{n}"),
                    OwnedValue::Real(r) => format!("{r:?}"),
                    OwnedValue::Text(t) => format!("{:?}", String::from_utf8_lossy(t.as_ref())),
                    OwnedValue::Blob(b) => format!("{b:02x?}"),
                };
                shown(&c.name, v)
            });
            pg.push(values.collect::<Vec<_>>().join(" | "));
        }
        lite.sort();
        pg.sort();
        (lite, pg)
    }

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
    let generated = schema.tables.iter().any(|t| t.columns.iter().any(|c| c.generated.is_some()));
    if generated && !plan.tables.iter().any(|t| t.columns.iter().any(|c| c.generated.is_some())) {
        println!("{}: generated columns are not carried", case.name);
        return;
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
    both.make();
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

/// Every trigger of real databases: `LITE2PG_CORPUS` is a directory of SQLite files. Says which are not carried, and why;
/// those that are carried are made in PostgreSQL.
#[test]
fn triggers_of_real_databases() {
    let Some(corpus) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let cluster = Cluster::start(&[], &[]);
    let (mut all, mut carried) = (0, 0);
    let mut files = Vec::new();
    walk(Path::new(&corpus), &mut files);
    for file in files {
        let Ok(lite) = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY) else { continue };
        let count = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'";
        match lite.query_row(count, [], |r| r.get::<_, u32>(0)) {
            Ok(n) if n > 0 => all += u64::from(n),
            _ => continue,
        }
        let schema = resolved(&lite);
        let plan = planned(&lite, &schema, "real");
        carried += plan.objects.triggers.carried;
        println!("{}: {:?}", file.display(), plan.objects.triggers);
        for finding in plan.findings.iter().filter(|f| f.code == codes::TRIGGER || f.code == codes::TRIGGER_DIFFERS) {
            println!("  {}", finding.message);
        }
        let mut pg = cluster.client("postgres");
        pg.batch_execute(
            "DROP SCHEMA IF EXISTS real CASCADE; DROP SCHEMA IF EXISTS real_sqlite CASCADE; CREATE SCHEMA real",
        )
        .unwrap();
        let path = plan.search_path("real");
        for step in plan.steps("real") {
            if let Effect::Sql(sql) = &step.effect {
                let sql = format!("BEGIN; SET LOCAL search_path TO {path}; {sql}; COMMIT");
                if let Err(e) = pg.batch_execute(&sql) {
                    println!("  {:?} {} cannot be made: {e:?}", step.stage, step.object);
                    pg.batch_execute("ROLLBACK").unwrap();
                }
            }
        }
    }
    println!("{carried} of {all} triggers are carried");
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}
