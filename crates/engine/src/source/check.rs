//! SQLite's own check of the file's structure, read with stand-ins, broken statements and virtual tables in mind.
//! Owns the verdict "damaged"; never reports as damage what a stand-in or a broken constraint explains.

mod salvage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::ident;
use rusqlite::Connection;

use super::fault::{fault, is_corrupt};
use super::introspect;
use super::standin::FUNCTION_ERROR;
use crate::error::{Error, Kind, Result};

/// Messages asked for at first. Damage comes before anything about rows, so it cannot be crowded out.
const FIRST: u32 = 100;
/// Problems an error names.
const NAMED: usize = 5;
/// How often the caller is asked whether it still wants to know.
const PATIENCE: Duration = Duration::from_millis(20);

/// What the check said, sorted.
#[derive(Default)]
struct Verdict {
    damage: Vec<String>,
    /// Broken constraints and types, with how often.
    rows: BTreeMap<String, u64>,
    /// What virtual tables say about themselves.
    virtual_tables: Vec<String>,
    /// What the check says of an order that only the application knows.
    unordered: bool,
    /// Pages of tables that broken statements hide.
    hidden_pages: u64,
    /// The function of the application that ended the check.
    function: Option<String>,
    messages: u64,
}

/// How a check looks.
#[derive(Default)]
struct Look {
    /// `integrity_check`: every entry of every index too.
    full: bool,
    /// Broken statements hide tables, whose pages then seem unused.
    hides: bool,
    /// Indexes and tables in an order that only the application knows.
    foreign_order: BTreeSet<String>,
}

impl Look {
    fn pragma(&self) -> &'static str {
        if self.full { "integrity_check" } else { "quick_check" }
    }
}

/// See [`super::Source::quick_check`]. `hides`: broken statements hide tables, whose pages then seem unused. `tables`:
/// what is looked at where the file is damaged.
pub(super) fn quick_check(
    conn: &mut Connection,
    hides: bool,
    tables: &[String],
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Finding>> {
    patiently(conn, &Look { hides, ..Look::default() }, tables, cancelled)
}

/// As [`quick_check`], comparing every index with its table too. Whether the entries of `foreign_order` (indexes whose
/// collation is the application's, tables whose key has one) stand in order cannot be told; that is a finding.
/// Source: <https://sqlite.org/pragma.html#pragma_integrity_check>.
pub(super) fn integrity_check(
    conn: &mut Connection,
    hides: bool,
    foreign_order: BTreeSet<String>,
    tables: &[String],
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Finding>> {
    let mut findings = patiently(conn, &Look { full: true, hides, foreign_order }, tables, cancelled)?;
    findings.dedup();
    Ok(findings)
}

fn patiently(
    conn: &mut Connection,
    look: &Look,
    tables: &[String],
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Finding>> {
    let stop = conn.get_interrupt_handle();
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || drop(send.send(check(conn, look, tables))));
        let mut asked_to_stop = false;
        loop {
            match receive.recv_timeout(PATIENCE) {
                Ok(_) if asked_to_stop => return Err(Error::new(Kind::Interrupted, "the check was interrupted")),
                Ok(verdict) => return verdict,
                Err(RecvTimeoutError::Disconnected) => return Err(Error::internal("the check ended without a word")),
                Err(RecvTimeoutError::Timeout) => {
                    if asked_to_stop || cancelled() {
                        // Again and again: an interrupt counts only while a statement runs.
                        asked_to_stop = true;
                        stop.interrupt();
                    }
                }
            }
        }
    })
}

fn check(conn: &Connection, look: &Look, tables: &[String]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut verdict = match run(conn, FIRST, look) {
        // What is in the way may be a virtual table whose module or tokenizer is not here.
        Err(e) if e.kind == Kind::Source => one_by_one(conn, look)?.ok_or(e)?,
        verdict => verdict?,
    };
    if verdict.damage.is_empty() && verdict.messages >= u64::from(FIRST) {
        // Only rows' problems so far: all of them, counted as they come.
        verdict = run(conn, i32::MAX.cast_unsigned(), look)?;
    }
    if let Some(function) = &verdict.function {
        findings.push(unchecked(function));
    }
    if !verdict.damage.is_empty() {
        return Err(damaged(&verdict.damage, &salvage::survey(conn, tables).unwrap_or_default()));
    }
    findings.extend(verdict.findings());
    Ok(findings)
}

/// Checks table by table, where some virtual table cannot be opened: that one is told, the others are checked. `None` if
/// no virtual table is what is in the way.
fn one_by_one(conn: &Connection, look: &Look) -> Result<Option<Verdict>> {
    let kinds = introspect::table_list(conn).map_err(|e| fault("cannot be checked", e))?;
    let is_virtual = |name: &String| kinds.get(name).is_some_and(|t| t.kind == "virtual");
    let mut all = Verdict::default();
    for name in kinds.iter().filter(|(_, t)| t.kind != "view").map(|(name, _)| name) {
        match run_over(conn, &ident::sqlite(name), look) {
            Ok(verdict) => all.join(verdict),
            Err(e) if e.kind == Kind::Source && is_virtual(name) => {
                all.virtual_tables.push(format!("{name} could not be opened, and not be checked: {}", e.message));
            }
            Err(e) => return Err(e),
        }
    }
    Ok((!all.virtual_tables.is_empty()).then_some(all))
}

fn run(conn: &Connection, limit: u32, look: &Look) -> Result<Verdict> {
    run_over(conn, &limit.to_string(), look)
}

/// Checks everything, up to a number of messages, or one table.
fn run_over(conn: &Connection, what: &str, look: &Look) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut read = || -> rusqlite::Result<()> {
        let mut statement = conn.prepare(&format!("PRAGMA main.{}({what})", look.pragma()))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let message = String::from_utf8_lossy(row.get_ref(0)?.as_bytes().unwrap_or_default()).into_owned();
            message.lines().for_each(|line| verdict.take(line, look));
        }
        Ok(())
    };
    match read() {
        Ok(()) => Ok(verdict),
        Err(e) => match e.to_string().split_once(FUNCTION_ERROR) {
            Some((_, function)) => {
                verdict.function = Some(function.trim().to_owned());
                Ok(verdict)
            }
            // Damage so bad that the check itself stumbles; what it found before is named too.
            None if is_corrupt(&e) => {
                verdict.damage.push(e.to_string());
                Ok(verdict)
            }
            None => Err(fault("cannot be checked", e)),
        },
    }
}

impl Verdict {
    fn take(&mut self, line: &str, look: &Look) {
        // CHECK constraints are not among them: SQLite does not even load them on a read-only connection.
        const ROWS: [&str; 4] = ["NULL value in ", "non-", "NUMERIC value in ", "TEXT value in "];
        const VIRTUAL: [&str; 2] = ["inverted index for FTS", "In RTree "];
        if line == "ok" || line.is_empty() || line.starts_with("*** in database") {
            return;
        }
        self.messages = self.messages.saturating_add(1);
        if ROWS.iter().any(|r| line.starts_with(r)) && !line.starts_with("non-unique") {
            let n = self.rows.entry(line.to_owned()).or_default();
            *n = n.saturating_add(1);
        } else if VIRTUAL.iter().any(|v| line.contains(v)) {
            self.virtual_tables.push(line.to_owned());
        } else if look.foreign_order.iter().any(|name| is_order_of(line, name)) {
            self.unordered = true;
        } else if look.hides && line.ends_with(": never used") {
            self.hidden_pages = self.hidden_pages.saturating_add(1);
        } else {
            self.damage.push(line.to_owned());
        }
    }

    fn join(&mut self, other: Verdict) {
        self.damage.extend(other.damage);
        for (message, n) in other.rows {
            let all = self.rows.entry(message).or_default();
            *all = all.saturating_add(n);
        }
        self.virtual_tables.extend(other.virtual_tables);
        self.hidden_pages = self.hidden_pages.saturating_add(other.hidden_pages);
        self.unordered |= other.unordered;
        self.function = self.function.take().or(other.function);
    }

    fn findings(&self) -> Vec<Finding> {
        let rows = self.rows.iter().map(|(message, n)| {
            let object = message.rsplit_once(" in ").map_or("", |(_, o)| o);
            Finding::warning(
                codes::INTEGRITY,
                object,
                format!("{message}: {n} times, says SQLite's check"),
                "the rows are carried over where the target's types and constraints admit them",
            )
        });
        let virtual_tables = self.virtual_tables.iter().map(|message| {
            Finding::warning(
                codes::VIRTUAL_DIFFERS,
                "",
                message.clone(),
                "the rows of a full-text table are read without its index, which PostgreSQL makes anew; those of an R*Tree \
                 are read from it",
            )
        });
        let hidden = (self.hidden_pages > 0).then(|| {
            Finding::warning(
                codes::DAMAGED,
                "",
                format!("{} pages belong to no table that can be read", self.hidden_pages),
                "they may hold the rows of objects whose statements are broken: `sqlite3 FILE .recover` finds them",
            )
        });
        let unordered = self.unordered.then(|| {
            Finding::note(
                codes::APPLICATION_DEFINED,
                "",
                "whether indexes that the application's own collation orders agree with their tables could not be checked",
                "the structure of the file was checked; nothing to do",
            )
        });
        rows.chain(virtual_tables).chain(hidden).chain(unordered).collect()
    }
}

/// Whether a message is about the order of an index, or of a table that is one.
fn is_order_of(line: &str, name: &str) -> bool {
    const ORDER: [&str; 2] = ["row ", "non-unique entry in index "];
    ORDER.iter().any(|o| line.starts_with(o))
        && line.strip_suffix(name).is_some_and(|front| front.ends_with("index ") || front.ends_with("order for "))
}

fn unchecked(function: &str) -> Finding {
    Finding::note(
        codes::APPLICATION_DEFINED,
        format!("{function}()"),
        format!(
            "SQLite's check of the rows could not be finished, because a generated column needs {function}(), which exists only in the application"
        ),
        "the structure of the file was checked; nothing to do",
    )
}

fn damaged(problems: &[String], readable: &str) -> Error {
    let more = match problems.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    let first: Vec<&str> = problems.iter().take(NAMED).map(String::as_str).collect();
    Error::source(format!("is damaged, says SQLite's check: {}{more}{readable}", first.join("; "))).hint(
        "restore it from a backup, or save what can be read with `sqlite3 FILE .recover` into a new file and move that",
    )
}
