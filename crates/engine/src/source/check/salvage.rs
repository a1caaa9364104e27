//! What can still be read of a damaged file: each table from its beginning up to the damage, and from its end back to it.
//! Owns the counting, within a bounded time; never tells what the rows hold, and never repairs.

use std::time::{Duration, Instant};

use lite2pg_model::ident;
use rusqlite::Connection;

use super::super::fault::is_corrupt;

/// How long all tables together may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tables of each kind that are named.
const NAMED: usize = 20;
/// Rows between two looks at the clock.
const TICK: u64 = 1024;

/// How far a table could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Read {
    /// To the end.
    Whole(u64),
    /// Up to an error: rows before it, rows from the end back to it, and the error.
    Broken(u64, Option<u64>, String),
    /// The time was up after so many rows.
    Unfinished(u64),
}

/// Lines that say what can still be read, for below the words of the check. None if the reading was interrupted.
pub(super) fn survey(conn: &Connection, tables: &[String]) -> Option<String> {
    let until = Instant::now() + PATIENCE;
    let mut read = Vec::new();
    for table in tables {
        read.push((table.as_str(), one(conn, table, until)?));
    }
    Some(words(&read))
}

fn one(conn: &Connection, table: &str, until: Instant) -> Option<Read> {
    let all = format!("SELECT * FROM main.{} NOT INDEXED", ident::sqlite(table));
    let (rows, end) = count(conn, &all, until);
    let error = match end {
        End::Done => return Some(Read::Whole(rows)),
        End::Late => return Some(Read::Unfinished(rows)),
        End::Interrupted => return None,
        End::Error(error) => error,
    };
    // Where the rowid has no name of its own left, or there is none, the statement is no SQL, and that is all.
    let back = format!("{all} ORDER BY _rowid_ DESC");
    let after = match count(conn, &back, until) {
        (0, End::Error(_)) => None,
        (rows, End::Error(_)) => Some(rows),
        (_, End::Interrupted) => return None,
        _ => None,
    };
    Some(Read::Broken(rows, after, error))
}

enum End {
    Done,
    Late,
    Interrupted,
    Error(String),
}

/// Reads every value of a statement's rows. A row that fails is not counted.
fn count(conn: &Connection, sql: &str, until: Instant) -> (u64, End) {
    let mut count = 0u64;
    let mut read = || -> rusqlite::Result<bool> {
        let mut statement = conn.prepare(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for i in 0..columns {
                row.get_ref(i)?;
            }
            count += 1;
            if count.is_multiple_of(TICK) && Instant::now() > until {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let end = match read() {
        Ok(true) => End::Done,
        Ok(false) => End::Late,
        Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => End::Interrupted,
        Err(e) if is_corrupt(&e) => End::Error(String::new()),
        Err(e) => End::Error(e.to_string()),
    };
    (count, end)
}

fn words(tables: &[(&str, Read)]) -> String {
    // A name must not pass for a line of ours.
    let name = |n: &str| n.escape_debug().to_string();
    let mut lines = Vec::new();
    let broken: Vec<String> = tables
        .iter()
        .filter_map(|(table, read)| {
            Some(match read {
                Read::Whole(_) => return None,
                Read::Unfinished(rows) => {
                    format!("{}: at least {}; not read to the end, for that took too long", name(table), counted(*rows))
                }
                Read::Broken(before, after, error) => {
                    let why = if error.is_empty() { String::new() } else { format!(" ({})", error.escape_debug()) };
                    let after =
                        after.map_or(String::new(), |n| format!(", and {} from the end back to it", counted(n)));
                    format!("{}: {} up to the damage{after}{why}", name(table), counted(*before))
                }
            })
        })
        .collect();
    lines.extend(broken.iter().take(NAMED).cloned());
    lines.extend(more(broken.len(), "tables that are damaged"));
    let whole: Vec<String> = tables
        .iter()
        .filter_map(|(table, read)| match read {
            Read::Whole(rows) => Some(format!("{} ({})", name(table), counted(*rows))),
            _ => None,
        })
        .collect();
    if !whole.is_empty() {
        let named = whole.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        lines.push(format!("read to the end: {named}"));
        lines.extend(more(whole.len(), "tables that were read to the end"));
    }
    if lines.is_empty() { String::new() } else { format!("\nwhat can still be read:\n  {}", lines.join("\n  ")) }
}

fn more(all: usize, what: &str) -> Option<String> {
    (all > NAMED).then(|| format!("and {} more {what}", all - NAMED))
}

fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_told_or_counted() {
        let mut tables = vec![
            ("a\nb", Read::Broken(10, Some(1), String::new())),
            ("c", Read::Unfinished(2048)),
            ("d", Read::Whole(1)),
        ];
        let text = words(&tables);
        assert!(text.contains("\n  a\\nb: 10 rows up to the damage, and 1 row from the end back to it\n"), "{text}");
        assert!(text.contains("\n  c: at least 2048 rows") && text.ends_with("read to the end: d (1 row)"), "{text}");
        tables.extend(std::iter::repeat_n(("x", Read::Whole(0)), 30));
        assert!(words(&tables).ends_with("and 11 more tables that were read to the end"));
    }
}
