//! `migrate --retry-rejected`: rows that were rejected are tried again, after a person has mended the cause.
//! Owns that one transaction; never takes a row for arrived that PostgreSQL does not give back equal.

mod mended;

use super::exclude::{self, Excluded};
use super::fit::Fit;
use super::pool::Cancel;
use super::scan::{self, Scan};
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
use crate::target::copy::CopyIn;
use crate::target::error_from_pg;
use crate::target::lock::Keys;
use crate::target::rejected::{self, Stored};
use crate::verify::digest;
use lite2pg_model::finding::Finding;
use lite2pg_model::ident::{literal, pg, pg_in, sqlite};
use lite2pg_model::mapping::codec::OwnedValue;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Plan, TablePlan};
use lite2pg_model::value::Value;
use postgres::{Client, Transaction};
use std::time::Instant;

/// The code of rows that are rejected still.
pub const REJECTED: &str = "rejected-rows";

/// How long a lock that another session holds on the tables is waited for.
const LOCK_SECONDS: u32 = 30;

/// Tries every rejected row of the last finished run again, all in one transaction. What arrives leaves `rejected_row`;
/// what does not stays there with its new reason. The report's exit is 0 if none is left, else 6.
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
    let mut altered = mended::as_it_is_now(&mut tx, &run, &mut plan, &counts)?;
    altered.extend(mended::treatments(settings, &mut plan, &counts));
    let excluded = exclude::find(&mut reader, &plan, cancel)?;
    let mut again = Again { run: &run, plan: &plan, excluded: &excluded, tables: Vec::new(), cancel };
    observer.see(&Event::StageStarted { stage: "retry", bytes: 0, rows: counts.values().sum(), steps: 0 });
    again.gather(&mut tx, &altered)?;
    again.until_none_arrives(&mut tx, &mut reader)?;
    again.prove(&mut tx)?;
    source.check_unchanged()?;
    let report = again.write_down(&mut tx, &mut reader, settings, session, (&altered, observer))?;
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

/// The rows of one table.
struct Rows<'a> {
    table: &'a TablePlan,
    /// Those that are left.
    left: Vec<i64>,
    /// Those that have arrived.
    arrived: Vec<i64>,
    /// Digest of those that have arrived, as the source holds them.
    sum: Sum,
    /// Digest of the table before.
    before: Sum,
    /// Digest of the table now.
    now: Sum,
    /// Why the first one that is left did not arrive.
    first: Option<String>,
}

struct Again<'a> {
    run: &'a Run,
    plan: &'a Plan,
    excluded: &'a Excluded,
    tables: Vec<Rows<'a>>,
    cancel: &'a Cancel,
}

impl<'a> Again<'a> {
    /// Keeps writers away from the tables, and takes their digests.
    fn gather(&mut self, tx: &mut Transaction<'_>, altered: &[String]) -> Result<()> {
        let doing = "keeping writers away while rows are tried again";
        tx.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; SET CONSTRAINTS ALL IMMEDIATE"))
            .map_err(|e| error_from_pg(e, doing))?;
        for table in &self.plan.tables {
            let left = rejected::ids(tx, &self.run.id, &table.name)?;
            if left.is_empty() && !altered.contains(&table.name) {
                continue;
            }
            let name = pg_in(&self.run.schema, &table.target);
            tx.batch_execute(&format!("LOCK TABLE ONLY {name} IN SHARE ROW EXCLUSIVE MODE"))
                .map_err(|e| error_from_pg(e, doing).about(&name))?;
            let before = digest::of_target(tx, &self.run.schema, table, &Silent, self.cancel)?;
            let (sum, now) = (Sum::new(), before);
            self.tables.push(Rows { table, left, arrived: Vec::new(), sum, before, now, first: None });
        }
        Ok(())
    }

    /// A row may be the parent of others: they are tried until a pass brings none.
    fn until_none_arrives(&mut self, tx: &mut Transaction<'_>, reader: &mut Reader) -> Result<()> {
        loop {
            let mut any = false;
            for rows in &mut self.tables {
                let set = self.excluded.of(&rows.table.name);
                rows.first = None;
                for id in std::mem::take(&mut rows.left) {
                    self.cancel.check()?;
                    let stored = rejected::one(tx, id)?;
                    let values = as_the_source_has_it(reader, rows.table, &stored)?;
                    let nulls =
                        set.map_or_else(Vec::new, |s| exclude::null_columns(rows.table, s, stored.place.number));
                    let value = |i: usize| match values.get(i) {
                        Some(value) if !nulls.contains(&i) => value.as_value(),
                        _ => Value::Null,
                    };
                    match insert(tx, &self.run.schema, rows.table, value)? {
                        None => {
                            rows.sum.add(&digest::row_digest(rows.table, |i, _| value(i)));
                            rows.arrived.push(id);
                            any = true;
                        }
                        Some((column, reason)) => {
                            let column = column.unwrap_or_else(|| stored.place.column.clone());
                            rejected::still(tx, id, &column, &reason)?;
                            rows.first.get_or_insert_with(|| format!("the row where {}: {reason}", stored.place.key));
                            rows.left.push(id);
                        }
                    }
                }
            }
            if !any {
                return Ok(());
            }
        }
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
        &self,
        tx: &mut Transaction<'_>,
        reader: &mut Reader,
        settings: &Settings,
        session: &Session,
        (altered, observer): (&[String], &dyn Observer),
    ) -> Result<Report> {
        for rows in &self.tables {
            rejected::forget(tx, &rows.arrived)?;
        }
        for rows in &self.tables {
            let whole = match altered.contains(&rows.table.name) {
                // Under other types the rows that were there have another digest too.
                true => Some(self.anew(tx, reader, rows.table, observer)?),
                false => None,
            };
            record(tx, self.run, rows, whole)?;
            positions(tx, self.run, rows)?;
        }
        let report = self.report(tx, settings, session)?;
        if !altered.is_empty() {
            let plan = serde_json::to_value(self.plan)
                .map_err(|e| Error::internal("the plan cannot be written as JSON").because(e))?;
            control::set_plan(tx, &self.run.id, &plan, &self.plan.hash())?;
        }
        let json =
            serde_json::to_value(&report).map_err(|e| Error::internal("the report cannot be written").because(e))?;
        control::set_report(tx, &self.run.id, &json)?;
        let detail = serde_json::json!({ "arrived": report.retried, "left": report.rejected });
        control::audit(tx, &settings.operator, Some(&self.run.id), "retried rejected rows", &detail)?;
        Ok(report)
    }

    /// The digest of a table of the source, without the rows that are rejected still.
    fn anew(
        &self,
        tx: &mut Transaction<'_>,
        reader: &mut Reader,
        table: &TablePlan,
        observer: &dyn Observer,
    ) -> Result<Sum> {
        let set = self.excluded.of(&table.name);
        let (mut sum, _) = digest::of_source(reader, table, set, observer, self.cancel)?;
        sum.take_away(&digest::of_rejected(tx, &self.run.id, table, set, self.cancel)?);
        Ok(sum)
    }

    /// The report of the run as it stands now.
    fn report(&self, tx: &mut Transaction<'_>, settings: &Settings, session: &Session) -> Result<Report> {
        let before = self.run.report.clone().and_then(|r| serde_json::from_value::<Report>(r).ok());
        let mut report = before.unwrap_or_else(|| prepare::report(settings, self.plan, &session.display()));
        report.run.clone_from(&self.run.id);
        report.retried = self.tables.iter().map(|r| r.arrived.len() as u64).sum();
        report.findings.retain(|f| f.code != REJECTED);
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
            let Some(table) = report.tables.iter_mut().find(|t| t.name == rows.table.name) else { continue };
            let Some(line) = lines.iter().find(|l| l.get::<_, &str>(0) == table.name) else { continue };
            table.rejected = left;
            table.rows = line.get::<_, i64>(1).cast_unsigned().saturating_add(left);
            table.target_rows = line.get::<_, i64>(3).cast_unsigned();
            (table.source_sha256, table.target_sha256) = (line.get(2), line.get(4));
            table.verified = line.get(5);
        }
        report.rejected = report.tables.iter().map(|t| t.rejected).sum();
        let done = report.rejected == 0;
        report.status = if done { "done" } else { "rejected" }.to_owned();
        report.exit = if done { 0 } else { Kind::Rejected.exit() };
        Ok(report)
    }
}

/// The row as the source has it now, where its key finds it; else as it was stored.
fn as_the_source_has_it(reader: &mut Reader, table: &TablePlan, stored: &Stored) -> Result<Vec<OwnedValue>> {
    let as_stored = || table.columns.iter().map(|c| owned(stored.value(&c.name))).collect::<Vec<_>>();
    let key: Vec<Value<'_>> = table.source_key.iter().map(|k| stored.value(k)).collect();
    let stable = !key.is_empty() && key.iter().all(|v| *v != Value::Null);
    let (condition, parameters) = if stable {
        let terms = table.source_key.iter().enumerate().map(|(i, k)| format!("{} IS ?{}", sqlite(k), i + 1));
        (terms.collect::<Vec<_>>().join(" AND "), key)
    } else if let Some(rowid) = scan::rowid(table) {
        (format!("{rowid} = ?1"), vec![Value::Integer(stored.place.number)])
    } else {
        return Ok(as_stored());
    };
    let mut found = None;
    let scan = Scan::whole(table);
    scan.find(reader, &condition, &parameters, |row, _| {
        // A rowid alone may have become another row's: all but the column that was to blame must be as it was.
        let same = |(i, c): (usize, &lite2pg_model::plan::ColumnPlan)| {
            c.name == stored.place.column || same_value(row.get(i), stored.value(&c.name))
        };
        if stable || table.columns.iter().enumerate().all(same) {
            found = Some((0..table.columns.len()).map(|i| owned(row.get(i))).collect());
        }
        Ok(())
    })?;
    Ok(found.unwrap_or_else(as_stored))
}

fn same_value(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

fn owned(value: Value<'_>) -> OwnedValue {
    match value {
        Value::Null => OwnedValue::Null,
        Value::Integer(i) => OwnedValue::Integer(i),
        Value::Real(r) => OwnedValue::Real(r),
        Value::Text(b) => OwnedValue::Text(b.to_vec()),
        Value::Blob(b) => OwnedValue::Blob(b.to_vec()),
    }
}

/// Tries one row under a savepoint. `Some`: it did not arrive, with the column that is to blame, if one is, and why.
fn insert<'v>(
    tx: &mut Transaction<'_>,
    schema: &str,
    table: &TablePlan,
    value: impl Fn(usize) -> Value<'v>,
) -> Result<Option<(Option<String>, String)>> {
    let doing = "trying a row again";
    let mut inner = tx.transaction().map_err(|e| error_from_pg(e, doing))?;
    let mut one = || -> Result<Option<(Option<String>, String)>> {
        let mut copy = CopyIn::start(&mut inner, schema, table, false)?;
        let out = copy.row();
        for (i, column) in table.columns.iter().enumerate() {
            if let Some(reason) = Fit::of(column).encode(value(i), out) {
                let reason = format!("does not fit {}: {reason}", column.ty.sql());
                return Ok(Some((Some(column.name.clone()), reason)));
            }
        }
        copy.row_end()?;
        copy.finish().map(|_| None)
    };
    match one() {
        Ok(None) => inner.commit().map(|()| None).map_err(|e| error_from_pg(e, doing)),
        Ok(refused) => inner.rollback().map(|()| refused).map_err(|e| error_from_pg(e, doing)),
        Err(error) => match inner.rollback() {
            Ok(()) => Ok(Some((None, error.message))),
            Err(_) => Err(error),
        },
    }
}

/// Counts what has arrived in the record of the verification; `whole` is the source's digest where it was made anew.
fn record(tx: &mut Transaction<'_>, run: &Run, rows: &Rows<'_>, whole: Option<Sum>) -> Result<()> {
    let doing = "recording the verification";
    let name = &rows.table.name;
    let line = tx
        .query_one(
            "SELECT source_rows, source_sha256, target_rows, target_sha256, verified \
             FROM lite2pg.checksum_verification WHERE run = $1 AND table_name = $2",
            &[&run.id, name],
        )
        .map_err(|e| error_from_pg(e, doing).about(name))?;
    let read = |hex: &str, count: i64| {
        Sum::from_hex(hex, count.cast_unsigned())
            .ok_or_else(|| Error::target("a digest in the control tables is damaged").about(name))
    };
    let mut source = read(line.get(1), line.get(0))?;
    source.merge(&rows.sum);
    let compared = !line.get::<_, &str>(3).is_empty();
    let (source, target, verified) = match whole {
        Some(source) => (source, Some(rows.now), source == rows.now),
        None if compared => {
            let mut target = read(line.get(3), line.get(2))?;
            target.merge(&rows.sum);
            (source, Some(target), line.get(4))
        }
        None => (source, None, false),
    };
    let (target_rows, target_sha256) = target.map_or((0, String::new()), |t| (t.rows.cast_signed(), t.hex()));
    tx.execute(
        "UPDATE lite2pg.checksum_verification SET source_rows = $3, source_sha256 = $4, target_rows = $5, \
         target_sha256 = $6, verified = $7, verified_at = clock_timestamp() WHERE run = $1 AND table_name = $2",
        &[&run.id, name, &source.rows.cast_signed(), &source.hex(), &target_rows, &target_sha256, &verified],
    )
    .map_err(|e| error_from_pg(e, doing).about(name))?;
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
