//! One table on both sides, and expressions over it that must agree row by row.
//! Owns the comparison; the oracle is SQLite, and every helper function is there.

use super::support;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::schema::Schema;
use lite2pg_model::sql::helpers::{self, Used};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::sql::sqlite::{self, Names};
use lite2pg_model::sql::translate::{Purpose, Scope, ScopeColumn, Stamp, expression};
use lite2pg_model::value::Class;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::Value;

/// A column: name, type in SQLite, type in PostgreSQL, how it crosses, its one class, the form of its texts, and how a
/// SQLite literal of it is written for PostgreSQL (`{}` is the literal).
pub struct Held {
    pub name: &'static str,
    pub declared: &'static str,
    pub ty: PgType,
    pub normal: Normal,
    pub class: Option<Class>,
    pub stamp: Option<Stamp>,
    pub written: &'static str,
}

impl Held {
    pub const fn new(name: &'static str, declared: &'static str, ty: PgType) -> Held {
        Held { name, declared, ty, normal: Normal::Exact, class: None, stamp: None, written: "{}" }
    }
}

/// What became of an expression.
pub enum Verdict {
    Same,
    Refused(String),
    Wrong(String),
}

pub struct Both {
    pub lite: Connection,
    pub pg: Client,
    held: &'static [Held],
    crossings: Vec<Crossing>,
    schema: Schema,
    names: Names,
    /// Rows are asked for one by one where an error in one must not hide the others.
    pub row_by_row: bool,
    pub compared: usize,
    _cluster: Cluster,
}

impl Both {
    pub fn new(held: &'static [Held], rows: &[Vec<String>]) -> Both {
        let cluster = Cluster::start(&[], &[]);
        let mut pg = cluster.client("postgres");
        let lite = Connection::open_in_memory().unwrap();
        pg.batch_execute("CREATE SCHEMA h; SET search_path TO h, pg_catalog").unwrap();
        for helper in helpers::ALL {
            pg.batch_execute(helper.sql).unwrap_or_else(|e| panic!("{}: {}", helper.name, message(&e)));
        }
        // As a view is used: the functions find each other whatever the search path is.
        pg.batch_execute("SET search_path TO public, h, pg_catalog; SET extra_float_digits TO 1").unwrap();
        let declared: Vec<String> = held.iter().map(|c| format!("{} {}", c.name, c.declared)).collect();
        lite.execute_batch(&format!("CREATE TABLE t({})", declared.join(", "))).unwrap();
        let typed: Vec<String> = held.iter().map(|c| format!("{} {}", c.name, c.ty.sql())).collect();
        pg.batch_execute(&format!("CREATE TABLE t(id int, {})", typed.join(", "))).unwrap();
        for (i, row) in rows.iter().enumerate() {
            lite.execute_batch(&format!("INSERT INTO t VALUES({})", row.join(", "))).unwrap();
            let values: Vec<String> = row
                .iter()
                .zip(held)
                .map(|(v, c)| match v.as_str() {
                    "NULL" => "NULL".into(),
                    v if v.starts_with('\'') => c.written.replace("{}", v),
                    v => c.written.replace("{}", &format!("'{v}'")),
                })
                .collect();
            let insert = format!("INSERT INTO t VALUES({i}, {})", values.join(", "));
            pg.batch_execute(&insert).unwrap_or_else(|e| panic!("{insert}: {}", message(&e)));
        }
        let (schema, findings) = resolve(&support::introspect(&lite).unwrap());
        assert!(findings.iter().all(|f| !f.blocks()), "{findings:?}");
        let columns = held.iter().map(|c| c.name.into()).collect();
        let names = Names { table: "t".into(), columns, rowid_alias: None };
        let crossings = held.iter().map(|c| Crossing::new(c.ty, c.normal)).collect();
        Both { lite, pg, held, crossings, schema, names, row_by_row: false, compared: 0, _cluster: cluster }
    }

    /// The expression's text in PostgreSQL, or why there is none.
    pub fn translated(&self, sql: &str) -> Result<String, String> {
        let Some(ast) = sqlite::expression(sql, &self.names) else { panic!("not understood: {sql}") };
        let columns: Vec<ScopeColumn> = self
            .held
            .iter()
            .zip(&self.schema.tables[0].columns)
            .zip(&self.crossings)
            .map(|((c, source), crossing)| ScopeColumn {
                target: c.name,
                ty: c.ty,
                source,
                class: c.class,
                mixed: false,
                crossing: Some(crossing),
                stamp: c.stamp,
            })
            .collect();
        let used = Used::default();
        let scope = Scope {
            helpers: Some(&used),
            purpose: Purpose::Query,
            lasting: false,
            ..Scope::of_columns(&columns, true)
        };
        match expression(&ast, &scope) {
            Ok((text, _)) => Ok(text),
            Err(e) if e.reason == "it is always NULL" => Ok("NULL".into()),
            Err(e) => Err(e.reason),
        }
    }

    /// Both sides compute an expression on every row.
    pub fn judge(&mut self, sql: &str) -> Verdict {
        let text = match self.translated(sql) {
            Ok(text) => text,
            Err(reason) => return Verdict::Refused(reason),
        };
        if !self.row_by_row {
            return self.compare(sql, &text, "");
        }
        let rows: i64 = self.lite.query_row("SELECT count(*) FROM t", [], |r| r.get(0)).unwrap();
        for row in 1..=rows {
            if let Verdict::Wrong(why) = self.compare(sql, &text, &row.to_string()) {
                return Verdict::Wrong(why);
            }
        }
        Verdict::Same
    }

    fn compare(&mut self, sql: &str, text: &str, row: &str) -> Verdict {
        let (one_lite, one_pg) = match row {
            "" => (String::new(), String::new()),
            row => (format!("WHERE rowid = {row}"), format!("WHERE id = {row} - 1")),
        };
        let lite = self.in_sqlite(&format!("SELECT ({sql}) FROM t {one_lite} ORDER BY rowid"));
        let pg = self.pg.query(&format!("SELECT ({text})::text FROM t {one_pg} ORDER BY id"), &[]);
        let differs = match (lite, pg) {
            (Ok(lite), Ok(pg)) => {
                self.compared += lite.len();
                let pg: Vec<Option<String>> = pg.iter().map(|r| r.get(0)).collect();
                let found = lite.iter().zip(&pg).enumerate().find(|(_, (a, b))| !same(a, b));
                found.map(|(i, (a, b))| format!("row {i}: {a:?} in SQLite, {b:?} in PostgreSQL"))
            }
            (Err(_), Err(_)) => None,
            (Ok(lite), Err(e)) => Some(format!("PostgreSQL: {}\n  SQLite: {:?}", message(&e), lite.first())),
            (Err(e), Ok(_)) => Some(format!("SQLite: {e}")),
        };
        match differs {
            None => Verdict::Same,
            Some(differs) => Verdict::Wrong(format!("{sql}\n  -> {text}\n  {differs}")),
        }
    }

    pub fn in_sqlite(&self, select: &str) -> rusqlite::Result<Vec<Value>> {
        let mut query = self.lite.prepare(select)?;
        let rows = query.query_map([], |r| r.get(0))?;
        rows.collect()
    }
}

pub fn message(e: &postgres::Error) -> String {
    e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string)
}

/// A value of SQLite and the text that PostgreSQL gives for it.
pub fn same(lite: &Value, pg: &Option<String>) -> bool {
    match (lite, pg) {
        (Value::Null, None) => true,
        (Value::Integer(0), Some(t)) if t == "false" => true,
        (Value::Integer(1), Some(t)) if t == "true" => true,
        (Value::Integer(n), Some(t)) => *t == n.to_string(),
        (Value::Real(r), Some(t)) => t.parse::<f64>() == Ok(*r),
        (Value::Text(a), Some(b)) => a == b,
        (Value::Blob(a), Some(b)) => {
            b.strip_prefix("\\x").is_some_and(|b| *b == a.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        _ => false,
    }
}

/// Counts verdicts and fails with the first that are wrong.
#[derive(Default)]
pub struct Tally {
    pub same: usize,
    pub refused: Vec<String>,
    pub wrong: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, sql: &str, verdict: Verdict) {
        match verdict {
            Verdict::Same => self.same += 1,
            Verdict::Refused(reason) => self.refused.push(format!("{sql}: {reason}")),
            Verdict::Wrong(why) => self.wrong.push(why),
        }
    }

    /// `most` of what was made may be refused.
    pub fn judge(&self, what: &str, compared: usize, most: usize) {
        let (wrong, refused) = (&self.wrong, &self.refused);
        println!("{what}: {} alike ({compared} values), {} refused, {} wrong", self.same, refused.len(), wrong.len());
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
        assert!(refused.len() <= most, "{} refused:\n{}", refused.len(), refused[..refused.len().min(20)].join("\n"));
    }
}
