//! `migrate --retry-rejected`: rows that were rejected are tried again, after a person has mended the cause.
//! Owns that one transaction; never takes a row for arrived that PostgreSQL does not give back equal.

mod again;
mod mended;
mod restore;
mod rows;

use mended::Altered;
use restore::Parents;
use rows::{Rows, no_longer_aside};

use super::exclude::{self, Excluded};
use super::finish::{DIFFERENT, different};
use super::normalised::Tally;
use super::pool::Cancel;
use super::session::Session;
use super::settings::Settings;
use super::{clock, prepare};
use crate::error::{Error, Kind, Result};
use crate::observe::report::{Report, StageTime};
use crate::observe::{Event, Observer, Silent, memory};
use crate::safety::lock::SourceLock;
use crate::source::{Reader, Source};
use crate::target::catalog;
use crate::target::control::{self, Run, Status};
use crate::target::error_from_pg;
use crate::target::lock::Keys;
use crate::target::{programs, rejected};
use crate::verify::digest;
use lite2pg_model::finding::Finding;
use lite2pg_model::ident::{literal, pg, pg_in};
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{ForeignKeyPlan, Plan, TablePlan};
use postgres::{Client, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// The code of rows that are rejected still.
pub const REJECTED: &str = "rejected-rows";

/// How long a lock that another session holds on the tables is waited for.
const LOCK_SECONDS: u32 = 30;

/// Tries every rejected row of the last finished run again, all in one transaction. What arrives leaves `rejected_row`;
/// what does not stays there with its new reason. The report's exit is 7 if a table that was touched is not equal by now,
/// else 6 if rows are left, else 0.
///
/// # Errors
/// There is no finished run of this source, a side cannot be read, or what arrived does not come back equal: then nothing
/// is changed.
pub fn retry(settings: &Settings, observer: &dyn Observer, cancel: &Cancel) -> Result<Report> {
    settings.check()?;
    let begin = Instant::now();
    let _lock = SourceLock::take(&settings.source, &settings.lock_dir, &prepare::holder(settings))?;
    let source = prepare::open_source(settings, None, observer)?;
    let session = Session::open(&settings.target, &clock::application(&settings.operator))?;
    let outcome = try_again(settings, &source, &session, observer, cancel);
    let closed = session.close();
    source.discard_copy()?;
    let mut report = outcome?;
    closed?;
    report.seconds = begin.elapsed().as_secs_f64();
    report.stages = vec![StageTime { name: "retry".to_owned(), seconds: report.seconds }];
    report.peak_rss_bytes = memory::peak_rss();
    Ok(report)
}

fn try_again(
    settings: &Settings,
    source: &Source,
    session: &Session,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Report> {
    let mut client = session.connect()?;
    let facts = catalog::facts(&mut client, &settings.schema)?;
    prepare::tell_target(session, &facts, settings, observer);
    Keys::of(&settings.schema).take(&mut client, &settings.schema, &clock::is_dead)?;
    let run = finished_run(&mut client, settings, source)?;
    let mut reader = source.reader()?;
    let mut plan = run.plan()?;
    let doing = "trying rejected rows again";
    let mut tx = client.transaction().map_err(|e| error_from_pg(e, doing))?;
    control::ensure(&mut tx)?;
    let counts = rejected::counts(&mut tx, &run.id)?;
    tx.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; SET CONSTRAINTS ALL IMMEDIATE"))
        .map_err(|e| error_from_pg(e, doing))?;
    let resume = programs::pause(&mut tx, &plan)?;
    let altered = mended::as_it_is_now(&mut tx, &run, &mut plan, &counts)?;
    let concerned = mended::treatments(settings, &mut plan, &counts)?;
    let mut excluded = exclude::find(&mut reader, &plan, cancel)?;
    let refused = as_altered(&mut tx, &mut reader, &run, &mut plan, (&altered, &excluded), cancel)?;
    if !refused.is_empty() {
        excluded = exclude::find(&mut reader, &plan, cancel)?;
    }
    let changed = altered.iter().map(|a| &a.table).filter(|t| !refused.contains_key(*t)).chain(&concerned);
    let changed: BTreeSet<String> = changed.cloned().collect();
    let mut again = Again {
        run: &run,
        plan: &plan,
        excluded: &excluded,
        tables: Vec::new(),
        refused,
        parents: Parents::default(),
        restored: BTreeMap::new(),
        cancel,
    };
    observer.see(&Event::StageStarted { stage: "retry", bytes: 0, rows: counts.values().sum(), steps: 0 });
    again.gather(&mut tx, &changed)?;
    again.until_none_arrives(&mut tx, &mut reader)?;
    again.prove(&mut tx)?;
    again.restore(&mut tx, &mut reader)?;
    source.check_unchanged()?;
    let report = again.write_down(&mut tx, &mut reader, settings, session, (&changed, observer))?;
    for sql in resume {
        tx.batch_execute(&sql).map_err(|e| error_from_pg(e, doing))?;
    }
    tx.commit().map_err(|e| error_from_pg(e, doing))?;
    Ok(report)
}

/// The run whose rows are tried: the last of this schema that was not undone.
fn finished_run(client: &mut Client, settings: &Settings, source: &Source) -> Result<Run> {
    let runs = control::runs(client, Some(&settings.schema))?;
    let last = runs.into_iter().find(|r| r.status != Status::RolledBack);
    let schema = &settings.schema;
    let run = last.ok_or_else(|| {
        Error::target(format!("no run of lite2pg is recorded for schema {schema}"))
            .hint("lite2pg history TARGET lists what was run")
    })?;
    let path = source.facts().canonical.display().to_string();
    if run.source_path != path {
        return Err(Error::target(format!("schema {schema} holds {}, not {path}", run.source_path))
            .hint("name the source that was migrated, or the schema that holds this one (--schema)"));
    }
    if run.status == Status::Running {
        return Err(Error::target(format!("run {} of this schema is unfinished", run.id))
            .about(format!("schema {schema}"))
            .hint("lite2pg migrate without --retry-rejected goes on with it first"));
    }
    Ok(run)
}

/// Tables with altered columns whose rows would not be equal any more: they get their plan back, and why none of their
/// rows is tried.
fn as_altered(
    tx: &mut Transaction<'_>,
    reader: &mut Reader,
    run: &Run,
    plan: &mut Plan,
    (altered, excluded): (&[Altered], &Excluded),
    cancel: &Cancel,
) -> Result<BTreeMap<String, String>> {
    let mut refused = BTreeMap::new();
    let names: BTreeSet<&String> = altered.iter().map(|a| &a.table).collect();
    for name in names {
        let Some(table) = plan.tables.iter().find(|t| t.name == *name) else { continue };
        lock(tx, run, table)?;
        let set = excluded.of(name);
        let (mut here, _) = digest::of_source(reader, table, set, &Silent, cancel)?;
        here.take_away(&digest::of_rejected(tx, &run.id, table, set, cancel)?);
        if here != digest::of_target(tx, &run.schema, table, &Silent, cancel)? {
            let words = mended::take_back(plan, altered, name);
            let reason = format!("{words}: the rows that are there already would not be equal; alter it back");
            refused.insert(name.clone(), reason);
        }
    }
    Ok(refused)
}

/// Keeps writers away from a table.
fn lock(tx: &mut Transaction<'_>, run: &Run, table: &TablePlan) -> Result<()> {
    let name = pg_in(&run.schema, &table.target);
    tx.batch_execute(&format!("LOCK TABLE ONLY {name} IN SHARE ROW EXCLUSIVE MODE"))
        .map_err(|e| error_from_pg(e, "keeping writers away while rows are tried again").about(&name))
}

struct Again<'a> {
    run: &'a Run,
    plan: &'a Plan,
    excluded: &'a Excluded,
    tables: Vec<Rows<'a>>,
    /// Tables none of whose rows is tried, and why.
    refused: BTreeMap<String, String>,
    /// Those that have arrived and that others may refer to.
    parents: Parents,
    /// References that are there again, by table.
    restored: BTreeMap<String, u64>,
    cancel: &'a Cancel,
}

impl<'a> Again<'a> {
    /// Keeps writers away from the tables, and takes their digests.
    fn gather(&mut self, tx: &mut Transaction<'_>, changed: &BTreeSet<String>) -> Result<()> {
        let doubted = tx
            .query(
                "SELECT table_name FROM lite2pg.checksum_verification WHERE run = $1 AND NOT verified",
                &[&self.run.id],
            )
            .map_err(|e| error_from_pg(e, "reading the verification"))?;
        let doubted: BTreeSet<String> = doubted.iter().map(|r| r.get(0)).collect();
        let counts = rejected::counts(tx, &self.run.id)?;
        let awaits = |t: usize| {
            let parent = |key: &ForeignKeyPlan| self.plan.tables.iter().find(|p| p.target == key.parent);
            restore::set_null(self.plan)
                .any(|(child, _, key)| child == t && parent(key).is_some_and(|p| counts.contains_key(&p.name)))
        };
        for (t, table) in self.plan.tables.iter().enumerate() {
            let left = rejected::ids(tx, &self.run.id, &table.name)?;
            let touched = changed.contains(&table.name) || doubted.contains(&table.name) || awaits(t);
            if left.is_empty() && !touched {
                continue;
            }
            lock(tx, self.run, table)?;
            // As the plan says, a table that was altered cannot even be read.
            let before = match self.refused.contains_key(&table.name) {
                true => Sum::new(),
                false => digest::of_target(tx, &self.run.schema, table, &Silent, self.cancel)?,
            };
            self.tables.push(Rows {
                table,
                left,
                arrived: Vec::new(),
                gone: Vec::new(),
                tally: Tally::default(),
                equal: None,
                sum: Sum::new(),
                before,
                now: before,
                first: None,
            });
        }
        Ok(())
    }

    /// A row may be the parent of others: they are tried until a pass brings none. Only then a row without parent may
    /// lose its reference, where that was chosen.
    fn until_none_arrives(&mut self, tx: &mut Transaction<'_>, reader: &mut Reader) -> Result<()> {
        let mut lenient = false;
        loop {
            let mut any = false;
            for rows in &mut self.tables {
                rows.first = None;
                let refused = self.refused.get(&rows.table.name);
                for id in std::mem::take(&mut rows.left) {
                    self.cancel.check()?;
                    let arrived = match refused {
                        Some(reason) => rows.stays(tx, id, None, reason).map(|()| false)?,
                        None => rows.one(tx, reader, (self.run, self.plan), (id, lenient), &mut self.parents)?,
                    };
                    any |= arrived;
                }
            }
            if !any && lenient {
                return Ok(());
            }
            lenient = !any;
        }
    }

    /// Parents that have arrived get back the children whose references became NULL.
    fn restore(&mut self, tx: &mut Transaction<'_>, reader: &mut Reader) -> Result<()> {
        let to = (&mut *tx, self.run.id.as_str(), self.run.schema.as_str());
        self.restored = self.parents.restore(to, reader, self.plan, self.excluded)?;
        for rows in self.tables.iter_mut().filter(|r| self.restored.contains_key(&r.table.name)) {
            rows.now = digest::of_target(tx, &self.run.schema, rows.table, &Silent, self.cancel)?;
        }
        Ok(())
    }

    /// What PostgreSQL gives back more than before must be just the rows that have arrived.
    fn prove(&mut self, tx: &mut Transaction<'_>) -> Result<()> {
        for rows in self.tables.iter_mut().filter(|r| !r.arrived.is_empty()) {
            rows.now = digest::of_target(tx, &self.run.schema, rows.table, &Silent, self.cancel)?;
            let mut more = rows.now;
            more.take_away(&rows.before);
            if more != rows.sum {
                return Err(Error::new(Kind::Different, "rejected rows that were tried again came back otherwise")
                    .about(&rows.table.name)
                    .hint("nothing was changed; look for a trigger or a rule of the target that changes rows"));
            }
        }
        Ok(())
    }

    /// Records what has arrived, and makes the report.
    fn write_down(
        &mut self,
        tx: &mut Transaction<'_>,
        reader: &mut Reader,
        settings: &Settings,
        session: &Session,
        (changed, observer): (&BTreeSet<String>, &dyn Observer),
    ) -> Result<Report> {
        for rows in &mut self.tables {
            if self.refused.contains_key(&rows.table.name) {
                continue;
            }
            rows.tally.write(tx, &self.run.id, &rows.table.name)?;
            no_longer_aside(tx, self.run, rows.table, &rows.arrived)?;
            rejected::forget(tx, &rows.arrived)?;
            let set = self.excluded.of(&rows.table.name);
            let (whole, _) = digest::of_source(reader, rows.table, set, observer, self.cancel)?;
            let whole = rows.settle(tx, self.run, set, whole, self.cancel)?;
            rows.equal = Some(whole == rows.now);
            record(tx, self.run, rows, whole)?;
            positions(tx, self.run, rows)?;
        }
        let report = self.report(tx, settings, session)?;
        if !changed.is_empty() {
            let plan = serde_json::to_value(self.plan)
                .map_err(|e| Error::internal("the plan cannot be written as JSON").because(e))?;
            control::set_plan(tx, &self.run.id, &plan, &self.plan.hash())?;
        }
        let json =
            serde_json::to_value(&report).map_err(|e| Error::internal("the report cannot be written").because(e))?;
        control::set_report(tx, &self.run.id, &json)?;
        let detail = serde_json::json!({
            "arrived": report.retried,
            "left": report.rejected,
            "gone_from_the_source": self.tables.iter().map(|r| r.gone.len()).sum::<usize>(),
            "references_restored": self.restored.values().sum::<u64>(),
        });
        control::audit(tx, &settings.operator, Some(&self.run.id), "retried rejected rows", &detail)?;
        Ok(report)
    }

    /// The report of the run as it stands now.
    fn report(&self, tx: &mut Transaction<'_>, settings: &Settings, session: &Session) -> Result<Report> {
        let before = self.run.report.clone().and_then(|r| serde_json::from_value::<Report>(r).ok());
        let mut report = before.unwrap_or_else(|| prepare::report(settings, self.plan, &session.display()));
        report.run.clone_from(&self.run.id);
        report.retried = self.tables.iter().map(|r| r.arrived.len() as u64).sum();
        report.findings.retain(|f| f.code != REJECTED && f.code != DIFFERENT);
        let lines = tx
            .query(
                "SELECT table_name, source_rows, source_sha256, target_rows, target_sha256, verified \
                 FROM lite2pg.checksum_verification WHERE run = $1",
                &[&self.run.id],
            )
            .map_err(|e| error_from_pg(e, "reading the verification"))?;
        for rows in &self.tables {
            let left = rows.left.len() as u64;
            if let Some(first) = &rows.first {
                let message = format!("still rejected: {left}, the first of them {first}");
                let hint = "mend the cause, then lite2pg migrate --retry-rejected tries them again";
                report.findings.push(Finding::warning(REJECTED, &rows.table.name, message, hint));
            }
            if !rows.gone.is_empty() {
                let message = format!("{} rejected rows are gone from the source: they are forgotten", rows.gone.len());
                let hint = "nothing is to be done: both sides are equal without them";
                report.findings.push(Finding::warning(REJECTED, &rows.table.name, message, hint));
            }
            if rows.equal == Some(false) {
                let mut finding = different(&rows.table.name, "the two sides are not equal by now".to_owned());
                finding.hint =
                    "lite2pg verify --level rows names the rows; lite2pg rollback removes what was published, \
                                then migrate anew"
                        .to_owned();
                report.findings.push(finding);
            }
            let Some(table) = report.tables.iter_mut().find(|t| t.name == rows.table.name) else { continue };
            let Some(line) = lines.iter().find(|l| l.get::<_, &str>(0) == table.name) else { continue };
            table.rejected = left;
            table.rows = line.get::<_, i64>(1).cast_unsigned().saturating_add(left);
            table.target_rows = line.get::<_, i64>(3).cast_unsigned();
            (table.source_sha256, table.target_sha256) = (line.get(2), line.get(4));
            table.verified = line.get(5);
        }
        report.rejected = report.tables.iter().map(|t| t.rejected).sum();
        let (status, exit) = match report.rejected {
            _ if self.tables.iter().any(|r| r.equal == Some(false)) => ("different", Kind::Different.exit()),
            0 => ("done", 0),
            _ => ("rejected", Kind::Rejected.exit()),
        };
        status.clone_into(&mut report.status);
        report.exit = exit;
        Ok(report)
    }
}

/// Records how the table compares by now; `whole` is the source's digest without what is rejected.
fn record(tx: &mut Transaction<'_>, run: &Run, rows: &Rows<'_>, whole: Sum) -> Result<()> {
    let name = &rows.table.name;
    let (here, there) = (whole.rows.cast_signed(), rows.now.rows.cast_signed());
    tx.execute(
        "UPDATE lite2pg.checksum_verification SET source_rows = $3, source_sha256 = $4, target_rows = $5, \
         target_sha256 = $6, verified = $7, verified_at = clock_timestamp() WHERE run = $1 AND table_name = $2",
        &[&run.id, name, &here, &whole.hex(), &there, &rows.now.hex(), &(whole == rows.now)],
    )
    .map_err(|e| error_from_pg(e, "recording the verification").about(name))?;
    Ok(())
}

/// Moves identity positions beyond the keys that have arrived; never back.
fn positions(tx: &mut Transaction<'_>, run: &Run, rows: &Rows<'_>) -> Result<()> {
    if rows.arrived.is_empty() {
        return Ok(());
    }
    for column in &rows.table.columns {
        let Some(identity) = &column.identity else { continue };
        let sequence = pg_in(&run.schema, &identity.sequence);
        let sql = format!(
            "SELECT setval({}::regclass, m, true) FROM (SELECT max({})::int8 AS m FROM {}) t, {sequence} s \
             WHERE m > s.last_value OR (m = s.last_value AND NOT s.is_called)",
            literal(&sequence),
            pg(&column.target),
            pg_in(&run.schema, &rows.table.target)
        );
        tx.batch_execute(&sql).map_err(|e| error_from_pg(e, "moving a sequence on").about(&identity.sequence))?;
    }
    Ok(())
}
