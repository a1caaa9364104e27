//! Does the plan's steps: creates, copies, builds keys and indexes, and marks each in the ledger with its effect.
//! Owns the order at run time; never decides what the steps are.

use super::copy::{Job, copy_chunk};
use super::exclude::Excluded;
use super::pool::{self, Cancel};
use super::reject::{Limit, Rules};
use crate::error::{Error, Result};
use crate::observe::report::StageTime;
use crate::observe::{Event, Observer};
use crate::source::Reader;
use crate::target::error_from_pg;
use crate::target::ledger::{self, Chunk};
use crate::verify::views::Limits;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Effect, Plan, Stage, Step};
use postgres::{Client, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A worker: one connection to either side.
pub struct Worker<'a> {
    /// On the source's snapshot.
    pub reader: &'a mut Reader,
    /// To the target.
    pub client: &'a mut Client,
}

/// A run in progress.
pub struct Execution<'a> {
    /// Its identifier.
    pub run: &'a str,
    /// Where it builds.
    pub staging: &'a str,
    /// What it does.
    pub plan: &'a Plan,
    /// The plan's steps in the staging schema.
    pub steps: &'a [Step],
    /// Chunks of each table, from the ledger.
    pub chunks: &'a BTreeMap<String, Vec<Chunk>>,
    /// Steps that an interrupted run has done.
    pub done: &'a BTreeSet<u32>,
    /// Rows that a key refuses.
    pub excluded: &'a Excluded,
    /// How many rows may be rejected.
    pub limit: &'a Limit,
    /// How far views are compared.
    pub views: Limits<'a>,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// Who may ask for an end.
    pub cancel: &'a Cancel,
}

/// What a table's copy gave.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableCopy {
    /// Digest of the source's rows.
    pub sum: Sum,
    /// Bytes of their values.
    pub bytes: u64,
    /// Time over its chunks.
    pub seconds: f64,
}

impl Execution<'_> {
    /// Everything up to verification. Returns what each table's copy gave, chunks of an interrupted run included.
    ///
    /// # Errors
    /// The first thing that fails; what is done stays done and marked.
    pub fn build(&self, workers: &mut [Worker<'_>], times: &mut Vec<StageTime>) -> Result<BTreeMap<String, TableCopy>> {
        self.stage(times, Stage::Helpers, |e| e.statements(workers, Stage::Helpers, false))?;
        self.stage(times, Stage::Create, |e| e.create(workers))?;
        let copies = self.stage(times, Stage::Copy, |e| e.copy(workers))?;
        for stage in [Stage::Keys, Stage::Indexes] {
            self.stage(times, stage, |e| e.statements(workers, stage, true))?;
        }
        for stage in [Stage::Constraints, Stage::Sequences, Stage::Analyze, Stage::Views, Stage::Triggers] {
            self.stage(times, stage, |e| e.statements(workers, stage, false))?;
        }
        Ok(copies)
    }

    /// Runs one stage, timed and told.
    fn stage<T>(&self, times: &mut Vec<StageTime>, stage: Stage, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let begin = Instant::now();
        let steps = self.steps.iter().filter(|s| s.stage == stage).count() as u64;
        if steps == 0 && matches!(stage, Stage::Helpers | Stage::Views | Stage::Triggers) {
            return work(self);
        }
        let (rows, bytes) = match stage {
            Stage::Copy => (self.plan.rows(), self.plan.tables.iter().map(|t| t.bytes).sum()),
            _ => (0, 0),
        };
        self.observer.see(&Event::StageStarted { stage: stage.word(), bytes, rows, steps });
        let out = work(self)?;
        let seconds = begin.elapsed().as_secs_f64();
        times.push(StageTime { name: stage.word().to_owned(), seconds });
        self.observer.see(&Event::StageDone { stage: stage.word(), seconds });
        Ok(out)
    }

    fn steps_of(&self, stage: Stage) -> Vec<&Step> {
        self.steps.iter().filter(|s| s.stage == stage && !self.done.contains(&s.id)).collect()
    }

    fn chunks_of(&self, table: &str) -> &[Chunk] {
        self.chunks.get(table).map_or(&[], Vec::as_slice)
    }

    /// Makes the tables of several chunks; one of a single chunk is made with its rows, so that they can be frozen.
    fn create(&self, workers: &mut [Worker<'_>]) -> Result<()> {
        let steps = self.steps_of(Stage::Create).into_iter().filter(|s| self.chunks_of(&s.object).len() != 1).collect();
        pool::run(workers, steps, self.cancel, |worker, step| self.statement(worker.client, step))
    }

    fn copy(&self, workers: &mut [Worker<'_>]) -> Result<BTreeMap<String, TableCopy>> {
        let copies: Mutex<BTreeMap<String, TableCopy>> = Mutex::new(BTreeMap::new());
        let add = |table: &str, sum: &Sum, bytes: u64, seconds: f64| {
            let mut copies = copies.lock().unwrap_or_else(PoisonError::into_inner);
            let copy = copies.entry(table.to_owned()).or_default();
            copy.sum.merge(sum);
            copy.bytes += bytes;
            copy.seconds += seconds;
        };
        let mut jobs = Vec::new();
        for step in self.steps.iter().filter(|s| s.stage == Stage::Copy) {
            let Effect::Copy(index) = step.effect else { continue };
            let Some(table) = self.plan.tables.get(index) else { continue };
            let chunks = self.chunks_of(&table.name);
            for chunk in chunks {
                if let Some((sum, bytes)) = &chunk.done {
                    add(&table.name, sum, *bytes, 0.0);
                    let (rows, bytes) = (sum.rows, *bytes);
                    self.observer.see(&Event::Progress { stage: "copy", table: table.name.clone(), rows, bytes });
                    continue;
                }
                let only = chunks.len() == 1;
                let create = if only { self.pending_create(&table.name)? } else { None };
                let (run, staging) = (self.run, self.staging);
                let rules = Rules::of(self.plan, self.excluded, self.limit, table);
                jobs.push(Job {
                    run,
                    staging,
                    table,
                    rules,
                    chunk,
                    create,
                    plan: self.plan,
                    copy_step: only.then_some(step),
                });
            }
        }
        pool::run(workers, jobs, self.cancel, |worker, job| {
            let begin = Instant::now();
            let done = copy_chunk(worker.reader, worker.client, &job, self.observer, self.cancel)?;
            let (sum, bytes) = (done.sum, done.bytes);
            let seconds = begin.elapsed().as_secs_f64();
            if done.rejected > 0 {
                let (table, rows) = (job.table.name.clone(), done.rejected);
                self.observer.see(&Event::Rejected { table, rows });
            }
            add(&job.table.name, &sum, bytes, seconds);
            let object = job.table.name.clone();
            self.observer.see(&Event::Done { stage: "copy", object, rows: sum.rows, bytes, seconds });
            Ok(())
        })?;
        Ok(copies.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn pending_create(&self, table: &str) -> Result<Option<(&Step, &str)>> {
        let step = self
            .steps
            .iter()
            .find(|s| s.stage == Stage::Create && s.object == table)
            .ok_or_else(|| Error::internal("a table without a step that makes it").about(table))?;
        match &step.effect {
            Effect::Sql(sql) if !self.done.contains(&step.id) => Ok(Some((step, sql))),
            _ => Ok(None),
        }
    }

    /// Runs the statements of a stage; with `parallel`, those of different tables at once (those of one table never:
    /// they would wait for each other's locks).
    fn statements(&self, workers: &mut [Worker<'_>], stage: Stage, parallel: bool) -> Result<()> {
        let mut groups: Vec<(String, Vec<&Step>)> = Vec::new();
        for step in self.steps_of(stage) {
            let group = if parallel { self.table_of(step) } else { String::new() };
            match groups.iter_mut().find(|(name, _)| *name == group) {
                Some((_, steps)) => steps.push(step),
                None => groups.push((group, vec![step])),
            }
        }
        pool::run(workers, groups, self.cancel, |worker, (_, steps)| {
            for step in steps {
                self.cancel.check()?;
                self.statement(worker.client, step)?;
            }
            Ok(())
        })
    }

    fn table_of(&self, step: &Step) -> String {
        if step.stage == Stage::Indexes {
            let owner = self.plan.tables.iter().find(|t| t.indexes.iter().any(|i| i.name == step.object));
            return owner.map_or_else(String::new, |t| t.name.clone());
        }
        let owner = self.plan.tables.iter().filter(|t| step.object.starts_with(&format!("{}.", t.name)));
        owner.max_by_key(|t| t.name.len()).map_or_else(String::new, |t| t.name.clone())
    }

    /// One statement and its mark, in one transaction.
    fn statement(&self, client: &mut Client, step: &Step) -> Result<()> {
        let Effect::Sql(sql) = &step.effect else { return Ok(()) };
        let begin = Instant::now();
        let about = |e: postgres::Error| {
            let mut error = error_from_pg(e, &format!("step {} ({})", step.id, step.stage.word()));
            error.object.get_or_insert_with(|| step.object.clone());
            error
        };
        let mut tx = client.transaction().map_err(about)?;
        look_in(&mut tx, self.plan, self.staging)?;
        tx.batch_execute(sql).map_err(about)?;
        ledger::step_done(&mut tx, self.run, step)?;
        tx.commit().map_err(about)?;
        let seconds = begin.elapsed().as_secs_f64();
        let (stage, object) = (step.stage.word(), step.object.clone());
        self.observer.see(&Event::Done { stage, object, rows: 0, bytes: 0, seconds });
        Ok(())
    }
}

/// Lets names without a schema mean those of a schema and the helper functions, until the transaction ends.
///
/// # Errors
/// The target refuses.
pub fn look_in(tx: &mut Transaction<'_>, plan: &Plan, schema: &str) -> Result<()> {
    let sql = format!("SET LOCAL search_path TO {}", plan.search_path(schema));
    tx.batch_execute(&sql).map_err(|e| error_from_pg(e, "setting the search path"))
}
