//! Views are proven by what they give: both databases run each one, and the rows are compared.
//! Owns that comparison and what it says of one view; never mends a view and never decides whether one can be compared.

mod near;

use crate::error::{Error, Kind, Result};
use crate::observe::report::{TableReport, ViewReport};
use crate::run::pool::Cancel;
use crate::run::settings::Settings;
use crate::source::census::TICK;
use crate::source::{Reader, Row, is_disk_full};
use crate::target::copy::copy_out_within;
use crate::target::{error_from_pg, refusal};
use lite2pg_model::ident::{pg, pg_in, sqlite};
use lite2pg_model::normal::{Column, Sum, digest};
use lite2pg_model::plan::limits::Memory;
use lite2pg_model::plan::{Plan, TablePlan, ViewPlan};
use lite2pg_model::value::Value;
use postgres::{GenericClient, Transaction};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How far a comparison goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// How long one side may take over a view.
    pub time: Duration,
    /// The longest value that is held.
    pub bytes: u64,
    /// Who may ask for an end.
    pub cancel: &'a Cancel,
}

impl<'a> Limits<'a> {
    /// As a person set them.
    pub fn of(settings: &Settings, cancel: &'a Cancel) -> Limits<'a> {
        let bytes = Memory::of(settings.memory, settings.jobs).counted;
        Limits { time: settings.view_timeout, bytes, cancel }
    }
}

/// The tables, by their names in the target, whose rows are not those of the source because a person chose so: rows were
/// rejected or left out, values changed by a policy or computed.
pub fn altered(plan: &Plan, tables: &[TableReport]) -> BTreeSet<String> {
    let rejected = |t: &TablePlan| tables.iter().any(|r| r.name == t.name && r.rejected > 0);
    let changed = |t: &TablePlan| {
        t.filter.is_some()
            || !t.exclusions.is_empty()
            || t.columns.iter().any(|c| c.read.is_some() || !c.treatments.is_empty() || c.widest)
            || t.foreign_keys.iter().any(|k| k.orphans.is_some())
    };
    plan.tables.iter().filter(|t| rejected(t) || changed(t)).map(|t| t.target.clone()).collect()
}

/// What one side came to.
enum Side {
    /// All its rows.
    Rows(Sum),
    /// It took too long.
    Late,
    /// A value is longer than may be held.
    Long,
    /// It fails, in its own words.
    Fails(String),
}

/// How a view differs, in words.
enum Differs {
    /// The rows are others; where those of its tables are, as was chosen, that is no difference.
    Rows(String),
    /// It fails on one side: whatever its rows are, that stays a difference.
    Fails(String),
}

/// What the comparison of a view came to; the words of a difference, if there is one.
pub type Compared = (ViewReport, Option<String>);

/// Runs a view on both sides (PostgreSQL's in `schema`) and compares the rows as multisets, each column under its normal
/// form; columns with computed doubles are compared within a tolerance (`near.rs`).
///
/// # Errors
/// A side cannot be asked at all, or `Interrupted`. A view that fails on one side is a value.
pub fn compare(
    reader: &mut Reader,
    client: &mut impl GenericClient,
    (plan, schema, view): (&Plan, &str, &ViewPlan),
    altered: &BTreeSet<String>,
    limits: Limits<'_>,
) -> Result<Compared> {
    let begin = Instant::now();
    let mut report = ViewReport {
        name: view.name.clone(),
        target: format!("{}.{}", plan.schema, view.target),
        approximate: view.columns.iter().filter(|c| c.approximate).map(|c| c.name.clone()).collect(),
        ..ViewReport::default()
    };
    let both = Both { schema, view, limits, forms: view.columns.iter().map(|c| Column::of(&c.crossing)).collect() };
    let difference = both.judge(reader, client, &mut report)?;
    let difference = match difference {
        Some(Differs::Rows(words)) if report.not_compared.is_none() => {
            let beneath = beneath(client, schema, view)?;
            let chosen = beneath.iter().find(|t| altered.contains(*t));
            report.not_compared =
                chosen.map(|table| format!("the rows of {table} are not those of the source, as was chosen"));
            chosen.is_none().then_some(words)
        }
        Some(Differs::Rows(words) | Differs::Fails(words)) => Some(words),
        None => None,
    };
    report.verified = difference.is_none() && report.not_compared.is_none();
    report.seconds = begin.elapsed().as_secs_f64();
    Ok((report, difference))
}

struct Both<'a> {
    schema: &'a str,
    view: &'a ViewPlan,
    limits: Limits<'a>,
    forms: Vec<Column>,
}

impl Both<'_> {
    fn judge(
        &self,
        reader: &mut Reader,
        client: &mut impl GenericClient,
        report: &mut ViewReport,
    ) -> Result<Option<Differs>> {
        if let Some(reason) = &self.view.incomparable {
            report.not_compared = Some(reason.clone());
            return self.must_run(client);
        }
        let exact = |i: usize| self.view.columns.get(i).is_some_and(|c| !c.approximate);
        let mut here = Sum::new();
        let source = self.source(reader, |row| {
            let fields = self.of_source(row, exact);
            here.add(&digest::row(&fields));
            Ok(())
        })?;
        let source = source.unwrap_or(Side::Rows(here));
        let unasked = match &source {
            Side::Late => Some(format!("SQLite takes longer than {} s (the time limit)", self.limits.time.as_secs())),
            Side::Long => Some(self.too_long()),
            Side::Fails(words) => Some(format!("SQLite itself fails: {words}")),
            Side::Rows(_) => None,
        };
        let Side::Rows(here) = source else {
            let fails = matches!(source, Side::Fails(_));
            report.not_compared = unasked;
            // What fails in SQLite may fail here too.
            return if fails { Ok(None) } else { self.must_run(client) };
        };
        report.rows = here.rows;
        let mut there = Sum::new();
        let target = self.target(client, |fields| {
            let fields = self.of_target(fields, exact);
            there.add(&digest::row(&fields));
            Ok(())
        })?;
        match target {
            Some(Side::Late) => {
                let seconds = self.limits.time.as_secs();
                report.not_compared = Some(format!("PostgreSQL takes longer than {seconds} s (the time limit)"));
                return Ok(None);
            }
            Some(Side::Fails(words)) => {
                let words = format!("SQLite gives {} rows, PostgreSQL fails: {words}", here.rows);
                return Ok(Some(Differs::Fails(words)));
            }
            Some(Side::Long) => {
                report.not_compared = Some(self.too_long());
                return Ok(None);
            }
            Some(Side::Rows(_)) | None => {}
        }
        report.target_rows = there.rows;
        if here.rows != there.rows {
            let words = format!("{} rows in the source, {} in the target", here.rows, there.rows);
            return Ok(Some(Differs::Rows(words)));
        }
        if here != there {
            return Ok(Some(Differs::Rows(format!("{} rows on both sides, and not the same ones", here.rows))));
        }
        if report.approximate.is_empty() {
            return Ok(None);
        }
        self.near(reader, client, here.rows, report)
    }

    /// Why a view with huge values is not compared.
    fn too_long(&self) -> String {
        format!("it gives values of more than {} MiB", self.limits.bytes >> 20)
    }

    /// Runs the view in PostgreSQL without comparing: it must not fail. Taking long is no failure.
    fn must_run(&self, client: &mut impl GenericClient) -> Result<Option<Differs>> {
        // Every column is computed, none is sent: a huge value stays in the server. OFFSET keeps the planner from looking
        // through to what it could leave out.
        let counts: Vec<String> = self.view.columns.iter().map(|c| format!("count({})", pg(&c.target))).collect();
        let from = pg_in(self.schema, &self.view.target);
        let sql = format!("SELECT {} FROM (SELECT * FROM {from} OFFSET 0) v", counts.join(", "));
        let ran = self.limited(client, |tx| {
            tx.batch_execute(&sql).map_err(|e| error_from_pg(e, "running a view")).map(|()| true)
        })?;
        Ok(match ran {
            Some(Side::Fails(words)) => Some(Differs::Fails(format!("PostgreSQL fails: {words}"))),
            _ => None,
        })
    }

    /// Streams SQLite's rows within the limits; what kept it from its end, if something did.
    fn source(&self, reader: &mut Reader, mut each: impl FnMut(&[Value<'_>]) -> Result<()>) -> Result<Option<Side>> {
        let Limits { time, bytes, cancel } = self.limits;
        let sql = format!("SELECT * FROM {}", sqlite(&self.view.name));
        let width = self.view.columns.len();
        let begin = Instant::now();
        let mut n: u64 = 0;
        let mut late = false;
        let mut one = |row: &Row<'_>| {
            n += 1;
            if n.is_multiple_of(TICK) {
                cancel.check()?;
                late = begin.elapsed() >= time;
                if late {
                    return Err(Error::source("the time limit"));
                }
            }
            if row.len() != width {
                return Err(Error::source(format!("it gives {} columns, not {width}", row.len())));
            }
            let values: Vec<Value<'_>> = (0..width).map(|i| row.get(i)).collect();
            each(&values)
        };
        let mut all = |reader: &mut Reader| reader.within(bytes, |reader| reader.for_each(&sql, &[], &mut one));
        let ran = reader.of_views(|reader| reader.for_at_most(time, cancel, &mut all));
        match ran {
            Ok(Some(Some(()))) => Ok(None),
            Ok(Some(None)) => Ok(Some(Side::Long)),
            Ok(None) => Ok(Some(Side::Late)),
            Err(_) if late => Ok(Some(Side::Late)),
            // A full disk says nothing about the view.
            Err(error) if error.kind == Kind::Source && !is_disk_full(&error) => Ok(Some(Side::Fails(error.message))),
            Err(error) => Err(error.about(&self.view.name)),
        }
    }

    /// Streams PostgreSQL's rows within the limits; what kept it from its end, if something did.
    fn target(
        &self,
        client: &mut impl GenericClient,
        mut each: impl FnMut(&[Option<&[u8]>]) -> Result<()>,
    ) -> Result<Option<Side>> {
        let Limits { bytes, cancel, .. } = self.limits;
        let sql = format!("SELECT * FROM {}", pg_in(self.schema, &self.view.target));
        let most = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut n: u64 = 0;
        self.limited(client, |tx| {
            copy_out_within(tx, &sql, most, |fields| {
                n += 1;
                if n.is_multiple_of(TICK) {
                    cancel.check()?;
                }
                each(fields)
            })
        })
    }

    /// Asks PostgreSQL within the time limit; `false` from `run` says that something is too long.
    fn limited(
        &self,
        client: &mut impl GenericClient,
        run: impl FnOnce(&mut Transaction<'_>) -> Result<bool>,
    ) -> Result<Option<Side>> {
        let doing = "reading a view";
        let time = self.limits.time;
        // Its own transaction, or its own part of one: a failure and the time limit end with it.
        let mut tx = client.transaction().map_err(|e| error_from_pg(e, doing))?;
        tx.batch_execute(&format!("SET LOCAL statement_timeout = {}", time.as_millis().max(1)))
            .map_err(|e| error_from_pg(e, doing))?;
        let begin = Instant::now();
        let ran = run(&mut tx);
        let elapsed = begin.elapsed();
        let error = match ran {
            Ok(whole) => {
                tx.rollback().map_err(|e| error_from_pg(e, doing))?;
                return Ok((!whole).then_some(Side::Long));
            }
            Err(error) => error,
        };
        let Some((code, words)) = refusal(&error) else { return Err(error.about(&self.view.name)) };
        tx.rollback().map_err(|e| error_from_pg(e, doing))?;
        match code == "57014" {
            true if elapsed >= time => Ok(Some(Side::Late)),
            true => Err(error.about(&self.view.name)),
            false => Ok(Some(Side::Fails(format!("{words} (SQLSTATE {code})")))),
        }
    }

    /// The fields of those columns of a row, as SQLite gives it.
    fn of_source(&self, row: &[Value<'_>], wanted: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut fields = Vec::new();
        for (i, (form, value)) in self.forms.iter().zip(row).enumerate() {
            if wanted(i) {
                form.of_source(*value, &mut fields);
            }
        }
        fields
    }

    /// The same, as PostgreSQL gives it.
    fn of_target(&self, row: &[Option<&[u8]>], wanted: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut fields = Vec::new();
        for (i, (form, value)) in self.forms.iter().zip(row).enumerate() {
            if wanted(i) {
                form.of_target(*value, &mut fields);
            }
        }
        fields
    }
}

/// The tables of the schema that a view reads, also through other views.
fn beneath(client: &mut impl GenericClient, schema: &str, view: &ViewPlan) -> Result<Vec<String>> {
    let rows = client
        .query(
            "WITH RECURSIVE v(oid) AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relname = $2 \
             UNION SELECT d.refobjid FROM v JOIN pg_rewrite r ON r.ev_class = v.oid JOIN pg_depend d \
                 ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass) \
             SELECT DISTINCT c.relname::text FROM v JOIN pg_class c ON c.oid = v.oid WHERE c.relkind IN ('r', 'p')",
            &[&schema, &view.target],
        )
        .map_err(|e| error_from_pg(e, "looking at what a view reads"))?;
    Ok(rows.iter().map(|r| r.get(0)).collect())
}
