//! The doing of a run: workers over the steps, the proof, the publication.
//! Owns who works over which connection; never decides what is done.

use super::Migration;
use crate::error::{Error, Result};
use crate::observe::report::{Report, StageTime};
use crate::observe::{Event, memory};
use crate::run::again::Retries;
use crate::run::exclude::{self, Excluded};
use crate::run::execute::{Execution, TableCopy, Worker};
use crate::run::reject::Limit;
use crate::run::{ahead, finish, prepare, requests};
use crate::source::Reader;
use crate::target::catalog::Facts;
use crate::target::control::Run;
use crate::target::ledger;
use crate::target::lock::Keys;
use crate::target::tuning::{self, Tuning};
use crate::target::{error_from_pg, is_too_many_connections, rejected};
use crate::verify::views::Limits;
use lite2pg_model::plan::Plan;
use postgres::Client;
use std::collections::BTreeMap;
use std::time::Instant;

impl Migration<'_> {
    /// Does what the ledger does not have yet, proves it and publishes it.
    ///
    /// # Errors
    /// Whatever fails; the ledger has what was done.
    pub(super) fn execute(
        &self,
        mut main: Client,
        facts: &Facts,
        run: Run,
        keys: Keys,
        readers: &mut [Reader],
        (mut times, excluded): (Vec<StageTime>, Option<Excluded>),
    ) -> Result<Report> {
        let plan = run.plan()?;
        let steps = plan.steps(&run.staging);
        let done = ledger::steps_done(&mut main, &run.id, &steps)?;
        let chunks = ledger::chunks(&mut main, &run.id)?;
        let copied: u64 = chunks.values().flatten().filter_map(|c| c.done).map(|(sum, _)| sum.rows).sum();
        if !done.is_empty() || copied > 0 {
            let (done, steps) = (done.len() as u64, steps.len() as u64);
            self.observer.see(&Event::Resumed { run: run.id.clone(), done, steps, rows: copied });
        }
        self.observer.see(&ahead::told(&plan, &steps, &done, &chunks, self.settings.verify));
        let excluded = match (excluded, readers.first_mut()) {
            (Some(excluded), _) => excluded,
            // The same snapshot gives the same rows as it did when the run was begun.
            (None, Some(reader)) if chunks.values().flatten().any(|c| c.done.is_none()) => {
                exclude::find(reader, &plan, self.cancel)?
            }
            _ => Excluded::default(),
        };
        let before = rejected::counts(&mut main, &run.id)?.values().sum();
        let limit = Limit::new(self.settings.max_rejects.map(|most| most.of(plan.rows())), before);
        let wanted = self.session.extra_workers(self.settings.jobs, facts.free_connections).min(readers.len());
        let mut clients = self.workers(wanted, keys)?;
        let (observer, cancel) = (self.observer, self.cancel);
        let tuning = self.tune(&mut main, &mut clients)?;
        let execution = Execution {
            run: &run.id,
            staging: &run.staging,
            plan: &plan,
            steps: &steps,
            chunks: &chunks,
            done: &done,
            excluded: &excluded,
            limit: &limit,
            views: Limits::of(self.settings, cancel),
            observer,
            cancel,
            tuning,
            retries: Retries { observer, cancel, limit: self.settings.retry_for },
        };
        let (idle, clients_used) = match clients.as_mut_slice() {
            [] => (None, std::slice::from_mut(&mut main)),
            clients => (Some(&mut main), clients),
        };
        let mut workers: Vec<Worker<'_>> =
            readers.iter_mut().zip(clients_used).map(|(reader, client)| Worker { reader, client }).collect();
        let mut report = requests::heeding(idle, &run.id, observer, cancel, || {
            let built = execution.build(&mut workers, self.settings.verify, &mut times)?;
            let first = workers.first_mut().ok_or_else(|| Error::internal("no worker"))?;
            let rejected = rejected::counts(first.client, &run.id)?;
            let mut report = self.report(&run, &plan, &built.copies, &rejected);
            if self.settings.verify {
                let read = (&built.read, built.reading);
                finish::verify(&execution, &mut workers, read, &mut report, &mut times)?;
            }
            Ok(report)
        })?;
        drop(workers);
        drop(clients);
        self.cancel.check_ended()?;
        self.source.check_unchanged()?;
        let verified = self.settings.verify && report.exit == 0;
        finish::write_verification(&mut main, &run, &report)?;
        if report.exit == 0 {
            let publish = Instant::now();
            report.stages = times;
            let elapsed = || self.begin.elapsed().as_secs_f64();
            finish::publish(&mut main, &run, &plan, verified, &mut report, elapsed, publish)?;
            self.observer.see(&Event::Published { schema: run.schema.clone() });
        } else {
            report.stages = times;
        }
        report.seconds = self.begin.elapsed().as_secs_f64();
        report.peak_rss_bytes = memory::peak_rss();
        Ok(report)
    }

    /// As many workers' connections as are wanted and can be had: a role, a database and other users' sessions (which we
    /// may not see) all set limits. Without any, everything goes over the coordinator's.
    fn workers(&self, wanted: usize, keys: Keys) -> Result<Vec<Client>> {
        let mut clients = Vec::new();
        while clients.len() < wanted {
            match self.worker(keys) {
                Ok(client) => clients.push(client),
                Err(error) if is_too_many_connections(&error) => {
                    let text = format!("the target allows {} connections; going on with those", clients.len() + 1);
                    self.observer.see(&Event::Note { text });
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(clients)
    }

    fn worker(&self, keys: Keys) -> Result<Client> {
        let mut client = self.session.connect()?;
        keys.join(&mut client)?;
        // A chunk and its mark are lost together if the server crashes, and copied again; only the coordinator's
        // commits must be on disk before they are believed.
        client.batch_execute("SET synchronous_commit = off").map_err(|e| error_from_pg(e, "setting up a worker"))?;
        Ok(client)
    }

    /// Sets the sessions that build; told, since it takes the server's memory.
    fn tune(&self, main: &mut Client, workers: &mut [Client]) -> Result<Tuning> {
        let allowed = tuning::ask(main)?;
        let count = workers.len();
        let tuning = tuning::choose(&allowed, self.session.machine(), count);
        let one = std::slice::from_mut(main);
        for client in if workers.is_empty() { one } else { workers } {
            client.batch_execute(&tuning.sql()).map_err(|e| error_from_pg(e, "setting up a worker"))?;
        }
        self.observer.see(&Event::Detail { text: tuning.words(count) });
        Ok(tuning)
    }

    fn report(
        &self,
        run: &Run,
        plan: &Plan,
        copies: &BTreeMap<String, TableCopy>,
        rejected: &BTreeMap<String, u64>,
    ) -> Report {
        let mut report = prepare::report(self.settings, plan, &self.session.display());
        report.run.clone_from(&run.id);
        for table in &mut report.tables {
            if let Some(copy) = copies.get(&table.name) {
                table.rejected = rejected.get(&table.name).copied().unwrap_or(0);
                table.rows = copy.sum.rows.saturating_add(table.rejected);
                table.bytes = copy.bytes;
                table.seconds = copy.seconds;
                table.source_sha256 = copy.sum.hex();
            }
        }
        report.rejected = report.tables.iter().map(|t| t.rejected).sum();
        report
    }
}
