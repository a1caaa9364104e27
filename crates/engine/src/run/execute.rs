//! Does a run's tasks: creates, copies, builds keys and indexes, each with its mark in the ledger, and reads back.
//! Owns what a worker does with a task; never decides which comes next (see `queue`) or what the steps are.

use super::again::Retries;
use super::ahead;
use super::copy::{Job, copy_chunk};
use super::exclude::Excluded;
use super::pool::Cancel;
use super::queue::tasks::{self, Done, Todo};
use super::queue::{self, stages::Stages};
use super::reject::{Limit, Rules};
use crate::error::Result;
use crate::observe::report::StageTime;
use crate::observe::{Event, Observer};
use crate::source::Reader;
use crate::target::error_from_pg;
use crate::target::ledger::{self, Chunk};
use crate::target::tuning::Tuning;
use crate::verify::digest;
use crate::verify::views::Limits;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Effect, Plan, Stage, Step, TablePlan, Work};
use postgres::{Client, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// How the sessions are set that build.
    pub tuning: Tuning,
    /// How long a task is done again that the server undid.
    pub retries: Retries<'a>,
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

/// What the build gave.
#[derive(Debug, Default)]
pub struct Built {
    /// What each table's copy gave, by its name in the source; chunks of an interrupted run are counted.
    pub copies: BTreeMap<String, TableCopy>,
    /// What was read back of each table, by its place in the plan.
    pub read: BTreeMap<usize, Sum>,
    /// How long tables were read back; `None`: none was.
    pub reading: Option<f64>,
}

impl Execution<'_> {
    /// Everything up to verification, and with `verify` the reading back of every table as well.
    ///
    /// # Errors
    /// The first thing that fails; what is done stays done and marked.
    pub fn build(&self, workers: &mut [Worker<'_>], verify: bool, times: &mut Vec<StageTime>) -> Result<Built> {
        let done = Done { steps: self.done, chunks: self.chunks };
        let tasks = tasks::tasks(self.plan, self.steps, &done, verify);
        let stages = Stages::new(self.plan, self.steps, tasks.iter().map(|(_, todo)| todo.stage()), self.observer);
        let copies = self.copied_before();
        if !copies.is_empty() {
            stages.tell(Stage::Copy);
        }
        for (table, copy) in &copies {
            let (table, rows, bytes) = (table.clone(), copy.sum.rows, copy.bytes);
            self.observer.see(&Event::Progress { stage: Stage::Copy.word(), table, rows, bytes });
        }
        stages.empty_ones();
        let built = Mutex::new(Built { copies, ..Built::default() });
        queue::run(workers, tasks, self.cancel, |worker, todo, alone| {
            // Held here while the run is paused; the task has not begun.
            self.cancel.check()?;
            let stage = todo.stage();
            stages.begin(stage);
            // What is read back may come to several tasks first, which then tell for themselves.
            let whole = matches!(todo, Todo::Read { pages: None, .. });
            if !whole {
                self.observer.see(&ahead::started(self.plan, self.chunks, &todo));
            }
            match todo {
                Todo::Statement(step) => {
                    let what = format!("{} of {}", step.stage.word(), step.object);
                    self.retries.task(&what, || self.statement(worker.client, step, alone))?;
                }
                Todo::Chunk { table, chunk, create, copy } => {
                    let Some(table) = self.plan.tables.get(table) else { return Ok(Vec::new()) };
                    let what = format!("{} of {}", stage.word(), table.name);
                    let copied = self.retries.task(&what, || self.chunk(worker, table, (chunk, create, copy)))?;
                    lock(&built).copies.entry(table.name.clone()).or_default().add(&copied);
                }
                Todo::Read { table: i, pages } => {
                    let Some(table) = self.plan.tables.get(i) else { return Ok(Vec::new()) };
                    let (client, staging) = (&mut *worker.client, self.staging);
                    let parts = match pages {
                        Some(pages) => vec![pages],
                        None => digest::parts(client, staging, table)?,
                    };
                    let [pages] = parts.as_slice() else {
                        stages.more(stage, parts.len());
                        stages.end(stage);
                        return Ok(tasks::parts(self.plan, i, parts));
                    };
                    if whole {
                        let (object, bytes) = (table.name.clone(), table.bytes);
                        self.observer.see(&Event::Started { stage: stage.word(), object, bytes });
                    }
                    let begin = Instant::now();
                    let sum = digest::of_pages(client, staging, table, pages, self.observer, self.cancel)?;
                    let (object, seconds) = (table.name.clone(), begin.elapsed().as_secs_f64());
                    self.observer.see(&Event::Done { stage: stage.word(), object, rows: sum.rows, bytes: 0, seconds });
                    let mut built = lock(&built);
                    built.read.entry(i).or_default().merge(&sum);
                }
            }
            stages.end(stage);
            Ok(Vec::new())
        })?;
        times.extend(stages.times());
        let built = built.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Built { reading: stages.seconds(Stage::Verify), ..built })
    }

    /// What the ledger has of each table.
    fn copied_before(&self) -> BTreeMap<String, TableCopy> {
        let mut copies: BTreeMap<String, TableCopy> = BTreeMap::new();
        for (table, chunks) in self.chunks {
            for (sum, bytes) in chunks.iter().filter_map(|c| c.done) {
                copies.entry(table.clone()).or_default().add(&TableCopy { sum, bytes, seconds: 0.0 });
            }
        }
        copies
    }

    fn chunk(
        &self,
        worker: &mut Worker<'_>,
        table: &TablePlan,
        (chunk, create, copy_step): (&Chunk, Option<&Step>, Option<&Step>),
    ) -> Result<TableCopy> {
        let begin = Instant::now();
        let create = create.and_then(|step| match &step.effect {
            Effect::Sql(sql) => Some((step, sql.as_str())),
            _ => None,
        });
        let rules = Rules::of(self.plan, self.excluded, self.limit, table);
        let (run, staging, plan) = (self.run, self.staging, self.plan);
        let job = Job { run, staging, table, rules, chunk, create, plan, copy_step };
        let done = copy_chunk(worker.reader, worker.client, &job, self.observer, self.cancel)?;
        let (sum, bytes) = (done.sum, done.bytes);
        let seconds = begin.elapsed().as_secs_f64();
        if done.rejected > 0 {
            let (table, rows) = (table.name.clone(), done.rejected);
            self.observer.see(&Event::Rejected { table, rows });
        }
        let (stage, object) = (Stage::Copy.word(), table.name.clone());
        self.observer.see(&Event::Done { stage, object, rows: sum.rows, bytes, seconds });
        Ok(TableCopy { sum, bytes, seconds })
    }

    /// One statement and its mark, in one transaction. An index that has the server to itself may be built by several of
    /// its processes; beside other work they would only stand in each other's way.
    fn statement(&self, client: &mut Client, step: &Step, alone: bool) -> Result<()> {
        let Effect::Sql(sql) = &step.effect else { return Ok(()) };
        let begin = Instant::now();
        let about = |e: postgres::Error| {
            let mut error = error_from_pg(e, &format!("step {} ({})", step.id, step.stage.word()));
            error.object.get_or_insert_with(|| step.object.clone());
            error
        };
        let builds = matches!(step.work, Work::KeyIndex(_) | Work::Index { .. });
        let parallel = if builds { self.tuning.for_build(alone) + "; " } else { String::new() };
        let (path, mark) = (looking_in(self.plan, self.staging), ledger::mark(self.run, step));
        // One round trip, however far away the target is.
        if let Err(e) = client.batch_execute(&format!("BEGIN; {parallel}{path}; {sql}; {mark}; COMMIT")) {
            // A connection that is gone has ended its transaction by itself; the first error is the one to tell.
            let _ = client.batch_execute("ROLLBACK");
            return Err(about(e));
        }
        let seconds = begin.elapsed().as_secs_f64();
        let (stage, object) = (step.stage.word(), step.object.clone());
        self.observer.see(&Event::Done { stage, object, rows: 0, bytes: 0, seconds });
        Ok(())
    }
}

impl TableCopy {
    fn add(&mut self, more: &TableCopy) {
        self.sum.merge(&more.sum);
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.seconds += more.seconds;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets names without a schema mean those of a schema and the helper functions, until the transaction ends.
pub fn looking_in(plan: &Plan, schema: &str) -> String {
    format!("SET LOCAL search_path TO {}", plan.search_path(schema))
}

/// Runs [`looking_in`].
///
/// # Errors
/// The target refuses.
pub fn look_in(tx: &mut Transaction<'_>, plan: &Plan, schema: &str) -> Result<()> {
    tx.batch_execute(&looking_in(plan, schema)).map_err(|e| error_from_pg(e, "setting the search path"))
}
