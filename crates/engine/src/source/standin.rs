//! Stand-ins for collations and functions that only the application has, so that a healthy schema can be compiled.
//! Owns finding out which are missing; never pretends to order or compute as the application does.

use std::collections::BTreeSet;

use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::ident;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

/// What the error of a stand-in function begins with; recognised by the check.
pub(super) const FUNCTION_ERROR: &str = "function of the application, not known here: ";

/// SQLite's own collations. Source: <https://sqlite.org/datatype3.html#collating_sequences>.
pub(super) const BUILT_IN: [&str; 3] = ["BINARY", "NOCASE", "RTRIM"];

/// What a schema needs that SQLite lacks.
#[derive(Clone, Debug, Default)]
pub(super) struct StandIns {
    /// Collations, as first written.
    pub collations: BTreeSet<String>,
    /// Functions, each with the objects that call it.
    pub functions: Vec<(String, Vec<String>)>,
}

/// Makes a connection able to compile statements that need what is missing: unknown collations compare bytes,
/// these functions raise an error when they are called.
pub(super) fn register(conn: &Connection, functions: &[String]) -> rusqlite::Result<()> {
    conn.collation_needed(|conn, name| conn.create_collation(name, |a, b| a.as_bytes().cmp(b.as_bytes())))?;
    functions.iter().try_for_each(|name| register_function(conn, name))
}

fn register_function(conn: &Connection, name: &str) -> rusqlite::Result<()> {
    let said = format!("{FUNCTION_ERROR}{name}");
    // Innocuous: it can do nothing but fail, and must be callable from triggers though the schema is not trusted.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function(name, -1, flags, move |_| -> rusqlite::Result<rusqlite::types::Null> {
        Err(rusqlite::Error::UserFunctionError(said.clone().into()))
    })
}

/// Finds what `tables` and `views` need by compiling (never running) what would use every column, key, constraint and
/// trigger, and registers a stand-in for each on the way.
pub(super) fn discover(conn: &Connection, tables: &[String], views: &[String]) -> StandIns {
    let mut found = StandIns::default();
    for name in tables.iter().chain(views) {
        let quoted = ident::sqlite(name);
        // DISTINCT needs every column's collation; DML compiles defaults, checks, index expressions and triggers.
        let statements = [
            format!("SELECT DISTINCT * FROM main.{quoted}"),
            format!("INSERT INTO main.{quoted} DEFAULT VALUES"),
            format!("DELETE FROM main.{quoted}"),
        ];
        statements.iter().for_each(|sql| compile(conn, sql, name, &mut found));
        // Every column at once, so that triggers on any of them are compiled.
        let all: Vec<String> = columns(conn, name).iter().map(|c| format!("{c} = {c}", c = ident::sqlite(c))).collect();
        if !all.is_empty() {
            compile(conn, &format!("UPDATE main.{quoted} SET {}", all.join(", ")), name, &mut found);
        }
    }
    found.collations = collations(conn);
    found
}

/// Compiles a statement as often as a missing function is the only thing in the way.
fn compile(conn: &Connection, sql: &str, object: &str, found: &mut StandIns) {
    // Each turn registers one function; a statement cannot name more than this many.
    for _ in 0..1000 {
        let Err(error) = conn.prepare(sql) else { return };
        let Some(name) = missing_function(&error.to_string()) else { return };
        let known = found.functions.iter_mut().find(|(f, _)| f.eq_ignore_ascii_case(&name));
        if known.is_some() || register_function(conn, &name).is_err() {
            return;
        }
        found.functions.push((name, vec![object.to_owned()]));
    }
}

/// The function an error of `prepare` says is missing.
fn missing_function(message: &str) -> Option<String> {
    let after = |mark: &str| message.find(mark).map(|at| &message[at + mark.len()..]);
    let name = after("no such function: ").or_else(|| after("unknown function: "))?;
    let end = name.find(" in ").unwrap_or(name.len());
    let name = name[..end].trim_end_matches("()").trim();
    if name.is_empty() { None } else { Some(name.to_owned()) }
}

/// The columns that can be written.
fn columns(conn: &Connection, table: &str) -> Vec<String> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut s = conn.prepare_cached("SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0")?;
        s.query_map([table], |r| r.get(0))?.collect()
    };
    read().unwrap_or_default()
}

/// The collations this connection has met that are not SQLite's own.
fn collations(conn: &Connection) -> BTreeSet<String> {
    let read = || -> rusqlite::Result<BTreeSet<String>> {
        conn.prepare("SELECT name FROM pragma_collation_list")?.query_map([], |r| r.get(0))?.collect()
    };
    let mut all = read().unwrap_or_default();
    all.retain(|c| !BUILT_IN.iter().any(|b| b.eq_ignore_ascii_case(c)));
    all
}

impl StandIns {
    /// The names of the functions.
    pub(super) fn function_names(&self) -> Vec<String> {
        self.functions.iter().map(|(name, _)| name.clone()).collect()
    }

    /// What a person must know about them.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let collations = self.collations.iter().map(|name| {
            Finding::warning(
                codes::APPLICATION_DEFINED,
                name.clone(),
                format!("the collation {name} exists only in the application; rows are read without it, and it is not carried over"),
                "nothing is lost; decide how PostgreSQL should order and compare these columns",
            )
        });
        let functions = self.functions.iter().map(|(name, objects)| {
            Finding::warning(
                codes::APPLICATION_DEFINED,
                format!("{name}()"),
                format!("the function {name}() exists only in the application; used by {}", objects.join(", ")),
                "what calls it cannot be carried over as it is",
            )
        });
        collations.chain(functions).collect()
    }
}
