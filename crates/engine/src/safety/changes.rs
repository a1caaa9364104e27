//! What became of a run's tables since they were published: rows that were written, and what people made on them.
//! Owns that look; never changes anything.

use crate::error::{Error, Result};
use crate::observe::report::{Difference, How};
use crate::observe::{Event, Observer};
use crate::run::exclude::{self, Excluded};
use crate::run::pool::Cancel;
use crate::run::prepare;
use crate::run::settings::Settings;
use crate::source::{Reader, Source};
use crate::target::control::Run;
use crate::target::{catalog, error_from_pg};
use crate::verify::digest;
use crate::verify::rows::Sides;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Plan, TablePlan};
use postgres::Transaction;
use std::collections::BTreeSet;

/// Table, column and type of each column.
pub type Columns = BTreeSet<(String, String, String)>;

/// A published table that is no longer what was published.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct TableChange {
    /// `schema.table`.
    pub table: String,
    /// Rows that were published; `None`: it is not known.
    pub rows_then: Option<u64>,
    /// Rows it has now; `None`: its columns are others, so that its rows were not read.
    pub rows_now: Option<u64>,
    /// Rows that were added; like the next two only where every row could be compared with the source.
    pub added: Option<u64>,
    /// Rows that were changed.
    pub changed: Option<u64>,
    /// Rows that were removed.
    pub removed: Option<u64>,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Difference>,
    /// Why single rows cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_told: Option<String>,
    /// The table's name in the source.
    #[serde(skip)]
    pub source_name: String,
}

impl TableChange {
    /// As a sentence.
    pub fn words(&self) -> String {
        let (Some(added), Some(changed), Some(removed)) = (self.added, self.changed, self.removed) else {
            let why = self.not_told.as_deref().unwrap_or_default();
            return match (self.rows_then, self.rows_now) {
                (Some(then), Some(now)) if then != now => {
                    format!("{}: {then} rows then, {now} now ({why})", self.table)
                }
                (_, Some(now)) => format!("{}: {now} rows, not the same as then ({why})", self.table),
                _ => format!("{}: {why}", self.table),
            };
        };
        let first: Vec<String> = self.named.iter().take(FIRST).map(of_row).collect();
        let more = (added + changed + removed).saturating_sub(first.len() as u64);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let counts = format!("{added} rows added, {changed} changed, {removed} removed");
        format!("{}: {counts} ({}{more})", self.table, first.join("; "))
    }
}

/// Rows that a sentence names.
const FIRST: usize = 3;

/// One row, seen from the target: what only the source has was removed here.
pub fn of_row(row: &Difference) -> String {
    let values = |c: &crate::observe::report::ColumnDifference| format!("{} {} → {}", c.column, c.source, c.target);
    match row.how {
        How::Extra => format!("added: {}", row.key),
        How::Missing => format!("removed: {}", row.key),
        How::Changed => {
            let columns: Vec<String> = row.columns.iter().map(values).collect();
            format!("changed: {}: {}", row.key, columns.join(", "))
        }
    }
}

/// The source as it was when the run read it, to tell single rows by.
pub struct AtHand {
    source: Source,
    reader: Reader,
    excluded: Excluded,
}

impl AtHand {
    /// Opens the source of a run; in words why it is of no use.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn open(
        settings: &Settings,
        run: &Run,
        plan: &Plan,
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<std::result::Result<AtHand, String>> {
        let cannot = |e: Error| Ok(Err(format!("the source cannot be read: {}", e.message)));
        let source = match prepare::open_source(settings, None, observer) {
            Ok(source) => source,
            Err(e) => return cannot(e),
        };
        let then = serde_json::from_value(run.fingerprint.clone());
        let why = match then.map(|then| source.fingerprint().differs_from(&then)) {
            Ok(None) => None,
            Ok(Some(what)) => Some(format!("the source has changed since: {what}")),
            Err(_) => Some("what the source was then cannot be read".to_owned()),
        };
        if let Some(why) = why {
            source.discard_copy()?;
            return Ok(Err(why));
        }
        let opened = source.reader().and_then(|mut reader| {
            let excluded = exclude::find(&mut reader, plan, cancel)?;
            Ok((reader, excluded))
        });
        match opened {
            Ok((reader, excluded)) => Ok(Ok(AtHand { source, reader, excluded })),
            Err(e) => {
                source.discard_copy()?;
                cancel.check()?;
                cannot(e)
            }
        }
    }

    /// Both sides of a table, and the reader of the one.
    pub fn sides<'a>(&'a mut self, schema: &'a str, run: &'a str, table: &'a TablePlan) -> (Sides<'a>, &'a mut Reader) {
        (Sides::of(schema, run, table, self.excluded.of(&table.name)), &mut self.reader)
    }

    /// Lets go of the source.
    ///
    /// # Errors
    /// A private copy of it cannot be removed.
    pub fn close(self) -> Result<()> {
        drop(self.reader);
        self.source.discard_copy()
    }
}

/// What was found.
pub struct Found {
    /// Rows of all tables now.
    pub rows: u64,
    /// Tables whose rows or columns are others.
    pub tables: Vec<TableChange>,
    /// The source, if it was needed and can tell rows.
    pub at_hand: Option<AtHand>,
}

/// Digests every published table anew, and tells by the source which rows of those that differ were written.
///
/// # Errors
/// The target cannot be read, or `Interrupted`.
pub fn of_rows(
    client: &mut Transaction<'_>,
    settings: &Settings,
    (run, plan): (&Run, &Plan),
    live: &Columns,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Found> {
    let digests = client
        .query(
            "SELECT table_name, source_sha256, source_rows FROM lite2pg.checksum_verification WHERE run = $1",
            &[&run.id],
        )
        .map_err(|e| error_from_pg(e, "reading the verification"))?;
    observer.see(&Event::StageStarted { stage: "verify", bytes: 0, rows: plan.rows(), steps: 0 });
    let mut found = Found { rows: 0, tables: Vec::new(), at_hand: None };
    for table in &plan.tables {
        let now = now(client, run, table, live, observer, cancel)?;
        found.rows += now.map_or(0, |n| n.rows);
        let then = digests.iter().find(|r| r.get::<_, &str>(0) == table.name);
        let rows_then = then.map(|r| r.get::<_, i64>(2).cast_unsigned());
        let same =
            then.zip(now).is_some_and(|(r, now)| r.get::<_, &str>(1) == now.hex() && rows_then == Some(now.rows));
        // Values of a column that was added are in no digest.
        let columns = now.is_some() && as_planned(table, live);
        if !same || !columns {
            found.tables.push(TableChange {
                table: format!("{}.{}", run.schema, table.target),
                source_name: table.name.clone(),
                rows_then,
                rows_now: now.map(|n| n.rows),
                not_told: (!columns).then(|| OTHER_COLUMNS.to_owned()),
                ..TableChange::default()
            });
        }
    }
    if found.tables.is_empty() {
        return Ok(found);
    }
    let mut why = String::new();
    if found.tables.iter().any(|t| t.not_told.is_none()) {
        match AtHand::open(settings, run, plan, observer, cancel)? {
            Ok(at_hand) => found.at_hand = Some(at_hand),
            Err(words) => why = words,
        }
    }
    for change in &mut found.tables {
        let table = plan.tables.iter().find(|t| t.name == change.source_name);
        let (Some(table), None) = (table, &change.not_told) else { continue };
        let Some(at_hand) = &mut found.at_hand else {
            change.not_told = Some(why.clone());
            continue;
        };
        let (sides, reader) = at_hand.sides(&run.schema, &run.id, table);
        let differences = sides.compare(reader, client, cancel)?;
        (change.added, change.changed) = (Some(differences.extra), Some(differences.changed));
        (change.removed, change.named) = (Some(differences.missing), differences.named);
    }
    Ok(found)
}

const OTHER_COLUMNS: &str = "its columns are no longer those that were published";

/// Whether a published table has the columns of the plan and no other.
fn as_planned(table: &TablePlan, live: &Columns) -> bool {
    let of_plan = |name: &str, ty: &str| {
        table.columns.iter().any(|c| c.target == name && c.shown() == ty)
            || table.extra.iter().any(|e| e.target == name)
    };
    live.iter().filter(|(t, ..)| *t == table.target).all(|(_, name, ty)| of_plan(name, ty))
}

/// The digest of a published table as it is now; `None` if its columns are no longer those that were published.
fn now(
    client: &mut Transaction<'_>,
    run: &Run,
    table: &TablePlan,
    live: &Columns,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Option<Sum>> {
    if !table.columns.iter().all(|c| live.contains(&(table.target.clone(), c.target.clone(), c.shown()))) {
        return Ok(None);
    }
    digest::of_target(client, &run.schema, table, observer, cancel).map(Some)
}

/// What people have made on our tables since, which would go with them: columns, triggers, rules, policies, indexes,
/// constraints and statistics.
///
/// # Errors
/// The target cannot be asked.
pub fn made_since(client: &mut Transaction<'_>, plan: &Plan, schema: &str, live: &Columns) -> Result<Vec<String>> {
    let mut made = Vec::new();
    let ours = |table: &str| plan.tables.iter().find(|t| t.target == table);
    for (table, column, _) in live {
        // Where a column of the plan is missing, this may be that one: the table is told as changed already.
        let has = |name: &str| live.iter().any(|(t, c, _)| t == table && c == name);
        let added = |t: &TablePlan| {
            t.columns.iter().all(|c| c.target != *column && has(&c.target))
                && t.extra.iter().all(|e| e.target != *column)
        };
        if ours(table).is_some_and(added) {
            made.push(format!("column {column} of {schema}.{table}"));
        }
    }
    let mut known = prepare::published_names(plan);
    for table in &plan.tables {
        known.extend(table.checks.iter().map(|c| c.name.clone()));
        known.extend(table.foreign_keys.iter().map(|k| k.name.clone()));
    }
    let our_view = |table: &str| plan.views.iter().any(|v| v.target == table);
    for (kind, name, table) in catalog::attachments(client, schema)? {
        let of_plan = match kind.as_str() {
            "index" | "constraint" => known.contains(&name),
            "trigger" => plan.triggers.iter().any(|t| t.target == name && t.table == table),
            _ => false,
        };
        if (ours(&table).is_some() || our_view(&table)) && !of_plan {
            made.push(format!("{kind} {name} of {schema}.{table}"));
        }
    }
    Ok(made)
}
