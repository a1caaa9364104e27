//! `status` and `history`: what is running and what ran, read from the control tables.
//! Owns these questions (see `live` for what a running run does); never changes anything.

use super::clock;
use super::live::{self, Live};
use super::session::Session;
use super::settings::TargetSpec;
use crate::error::Result;
use crate::target::control::{self, Operator, Run};
use crate::target::error_from_pg;
use lite2pg_model::plan::Plan;
use postgres::Client;
use serde::Serialize;

/// A run as a person asks for it.
#[derive(Clone, Debug, Serialize)]
pub struct RunStatus {
    /// Its identifier.
    pub run: String,
    /// `running` (a process is at it), `interrupted` (none is), `done` or `rolled-back`.
    pub status: String,
    /// Where it reads.
    pub source: String,
    /// Where it publishes.
    pub schema: String,
    /// Who began it.
    pub operator: String,
    /// On which host.
    pub host: String,
    /// When it began and ended.
    pub started_at: String,
    /// `None` while it is open.
    pub ended_at: Option<String>,
    /// Steps done, of all.
    pub steps_done: u64,
    /// All steps.
    pub steps: u64,
    /// Rows copied, of all.
    pub rows_done: u64,
    /// All rows.
    pub rows: u64,
    /// Tables of the plan.
    pub tables: u64,
    /// Both sides were proven equal.
    pub verified: bool,
    /// Seconds since it began, until it ended.
    pub seconds: f64,
    /// What it does at this moment; only of one that is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
}

/// What the control tables of a target say.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// The target, without a secret.
    pub target: String,
    /// Newest first.
    pub runs: Vec<RunStatus>,
    /// The first row of the audit that does not follow from the one before; `None`: the chain is whole.
    pub broken_audit: Option<i64>,
}

/// Reads every run of a target. A managed target is started for it.
///
/// # Errors
/// The target cannot be asked.
pub fn history(target: &TargetSpec, operator: &Operator) -> Result<History> {
    let session = Session::visit(target, &clock::application(operator))?;
    let outcome = (|| {
        let mut client = session.connect()?;
        let runs = control::runs(&mut client, None)?;
        let broken_audit = if runs.is_empty() { None } else { control::broken_audit(&mut client)? };
        let runs = runs.iter().map(|run| status_of(&mut client, run)).collect::<Result<_>>()?;
        Ok(History { target: session.display(), runs, broken_audit })
    })();
    let closed = session.close();
    let history = outcome?;
    closed?;
    Ok(history)
}

fn status_of(client: &mut Client, run: &Run) -> Result<RunStatus> {
    let counts = client
        .query_one(
            "SELECT (SELECT count(*) FROM lite2pg.migration_step WHERE run = $1), \
             (SELECT coalesce(sum(rows), 0)::int8 FROM lite2pg.migration_chunk WHERE run = $1 AND done), \
             (SELECT extract(epoch FROM coalesce(ended_at, clock_timestamp()) - started_at)::float8 \
              FROM lite2pg.migration_history WHERE run = $1)",
            &[&run.id],
        )
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    let status = match run.status {
        control::Status::Done => "done",
        control::Status::RolledBack => "rolled-back",
        control::Status::Running if crate::target::lock::Keys::of(&run.schema).is_held(client)? => "running",
        control::Status::Running => "interrupted",
    };
    // A plan of another version is no reason to hide the run.
    let plan = run.plan().ok();
    let steps = plan.as_ref().map_or(0, |p| p.steps(&run.staging).len() as u64);
    // Comparing and publishing have no marks of their own: the run's end is theirs.
    let steps_done = if run.status == control::Status::Done { steps } else { counts.get::<_, i64>(0).cast_unsigned() };
    let live = match (&plan, status) {
        (Some(plan), "running") => Some(live::look(client, run, plan)?),
        _ => None,
    };
    let rows_done = match &live {
        Some(live) => live.tables.iter().map(|t| t.rows_done).sum(),
        None => counts.get::<_, i64>(1).cast_unsigned(),
    };
    Ok(RunStatus {
        run: run.id.clone(),
        status: status.to_owned(),
        source: run.source_path.clone(),
        schema: run.schema.clone(),
        operator: run.operator.name.clone(),
        host: run.operator.host.clone(),
        started_at: run.started_at.clone(),
        ended_at: run.ended_at.clone(),
        steps_done,
        steps,
        rows_done,
        rows: plan.as_ref().map_or(0, Plan::rows),
        tables: plan.as_ref().map_or(0, |p| p.tables.len() as u64),
        verified: run.verified,
        seconds: counts.get::<_, Option<f64>>(2).unwrap_or(0.0),
        live,
    })
}
