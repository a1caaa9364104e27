//! Expressions and filters that a person wrote, tried before they are used.
//! Owns this trial; SQLite itself is asked, on a connection that can only read, and nothing of it is run.

use super::reader::Reader;
use lite2pg_model::ident::sqlite;
use lite2pg_model::plan::overrides::{Problem, Written};
use lite2pg_model::sql::sqlite::lone_expression;
use rusqlite::ErrorCode;

/// Everything that SQLite would refuse, or that is more than an expression.
pub fn problems(reader: &Reader, written: &[Written]) -> Vec<Problem> {
    written.iter().filter_map(|w| flaw(reader, w).map(|why| problem(w, &why))).collect()
}

fn problem(written: &Written, why: &str) -> Problem {
    let (what, object) = match &written.column {
        Some(column) => ("the expression", format!("{}.{column}", written.table)),
        None => ("the condition", written.table.clone()),
    };
    let hint = format!(
        "one expression over the columns of {} is wanted; try it with: SELECT … FROM {}",
        written.table,
        sqlite(&written.table)
    );
    Problem::new(&written.at, format!("{what} for {object} cannot be used: {why}"), hint)
}

fn flaw(reader: &Reader, written: &Written) -> Option<String> {
    if let Err(why) = lone_expression(&written.sql) {
        return Some(why);
    }
    // As a condition it cannot be an aggregate, which would make one row of all.
    let sql = format!("SELECT 1 FROM {} NOT INDEXED WHERE (\n{}\n)", sqlite(&written.table), written.sql);
    match reader.connection().prepare(&sql) {
        Ok(statement) if !statement.readonly() => Some("it does more than read".to_owned()),
        Ok(statement) if statement.parameter_count() > 0 => Some("it holds a parameter".to_owned()),
        Ok(_) => None,
        Err(e) => Some(said_by_sqlite(&e)),
    }
}

/// What SQLite says when it evaluates it for every row, if it fails on one.
pub fn fails(reader: &Reader, written: &Written) -> Option<String> {
    let table = sqlite(&written.table);
    let sql = format!("SELECT count((\n{}\n)) FROM {table} NOT INDEXED", written.sql);
    match reader.connection().query_row(&sql, [], |_| Ok(())) {
        // Damage and what interrupts are no fault of what was written.
        Err(rusqlite::Error::SqliteFailure(cause, Some(message))) if cause.code == ErrorCode::Unknown => Some(message),
        _ => None,
    }
}

/// SQLite's own words, without the statement that rusqlite adds.
fn said_by_sqlite(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}
