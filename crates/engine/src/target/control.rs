//! The control tables: made and upgraded here, and the runs they remember.
//! Owns schema `lite2pg`; never touches the application's tables.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use lite2pg_model::plan::{Plan, Step};
use postgres::{GenericClient, Transaction};
use sha2::{Digest as _, Sha256};

/// The version of the control tables that this code works with.
pub const VERSION: i32 = 3;

/// What upgrades version `n` to `n + 1`, from nothing on.
const UPGRADES: [&str; 3] =
    [include_str!("sql/control_1.sql"), include_str!("sql/control_2.sql"), include_str!("sql/control_3.sql")];

/// Every table of [`UPGRADES`], those that others refer to last.
const TABLES: [&str; 11] = [
    "migration_step",
    "migration_chunk",
    "checksum_verification",
    "rejected_row",
    "normalisation",
    "audit_event",
    "change_position",
    "reverse_change",
    "request",
    "migration_history",
    "control_version",
];

/// Who runs the tool, for the audit.
#[derive(Clone, Debug)]
pub struct Operator {
    /// User name.
    pub name: String,
    /// Host name.
    pub host: String,
}

/// How far a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not published: running now, or interrupted.
    Running,
    /// Published.
    Done,
    /// Undone.
    RolledBack,
}

/// A row of `migration_history`.
#[derive(Clone, Debug)]
pub struct Run {
    /// Identifier.
    pub id: String,
    /// Schema it publishes to.
    pub schema: String,
    /// Schema it builds in.
    pub staging: String,
    /// How far it got.
    pub status: Status,
    /// `migrate`.
    pub mode: String,
    /// The source's path as it was.
    pub source_path: String,
    /// The source's fingerprint as JSON.
    pub fingerprint: serde_json::Value,
    /// A private copy that a resumed run reads.
    pub snapshot_copy: Option<String>,
    /// SHA-256 of the options that shape the result.
    pub options_hash: String,
    /// SHA-256 of the plan.
    pub plan_hash: String,
    /// The plan as it was written down; [`Run::plan`] reads it.
    pub plan: serde_json::Value,
    /// SHA-256 of every statement of the plan as the lite2pg that began the run makes them; `None`: it is not known.
    pub steps_hash: Option<String>,
    /// The final schema did not exist before.
    pub schema_made: bool,
    /// Both sides were proven equal.
    pub verified: bool,
    /// What was reported at the end.
    pub report: Option<serde_json::Value>,
    /// Who.
    pub operator: Operator,
    /// When, as PostgreSQL prints it.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
}

impl Run {
    /// The plan. Only who needs it reads it: a run of another version can still be listed, and undone if it is
    /// unfinished.
    ///
    /// # Errors
    /// It was written by another version of lite2pg.
    pub fn plan(&self) -> Result<Plan> {
        serde_json::from_value(self.plan.clone()).map_err(|e| {
            Error::target(format!("the plan of run {} in the control tables cannot be read", self.id))
                .hint("the run was made by another version of lite2pg: use that one; lite2pg rollback undoes it if it is unfinished")
                .because(e)
        })
    }
}

/// SHA-256 over all steps: two binaries that make the same of a plan have the same, and only then one may go on where
/// the other was interrupted.
pub fn steps_hash(steps: &[Step]) -> String {
    let text: String =
        steps.iter().map(|s| format!("{}\n{}\n{}\n{:?}\n", s.id, s.stage.word(), s.object, s.effect)).collect();
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether the control tables are there at all.
///
/// # Errors
/// The target cannot be asked.
pub fn exist(client: &mut impl GenericClient) -> Result<bool> {
    let row = client
        .query_one("SELECT pg_catalog.to_regclass('lite2pg.control_version') IS NOT NULL", &[])
        .map_err(|e| error_from_pg(e, "looking for the control tables"))?;
    Ok(row.get(0))
}

/// Makes the control tables, or upgrades them, in one transaction with whatever needs them: a kill leaves nothing that
/// no run owns. Two tools at once do not collide.
///
/// # Errors
/// The role may not create a schema, or the tables are of a newer lite2pg.
pub fn ensure(tx: &mut Transaction<'_>) -> Result<()> {
    let doing = "making the control tables";
    if version(tx)? < VERSION {
        // Whoever waited for the lock remembers that there was no such schema; opening a table makes its session take
        // notice of what others have committed meanwhile.
        tx.batch_execute(
            "SELECT pg_catalog.pg_advisory_xact_lock(76018374261);
             SELECT FROM pg_catalog.pg_namespace LIMIT 0;
             CREATE SCHEMA IF NOT EXISTS lite2pg;
             COMMENT ON SCHEMA lite2pg IS 'Control tables of lite2pg: what its runs did. Safe to drop when no run is open.'",
        )
        .map_err(|e| error_from_pg(e, doing))?;
    }
    let version = known_version(tx)?;
    for upgrade in UPGRADES.iter().skip(usize::try_from(version).unwrap_or(0)) {
        tx.batch_execute(upgrade).map_err(|e| error_from_pg(e, doing))?;
    }
    Ok(())
}

/// The version of the control tables, 0 where there are none; to be asked before anything in them is believed.
///
/// # Errors
/// They are of a newer lite2pg.
pub fn known_version(client: &mut impl GenericClient) -> Result<i32> {
    let version = version(client)?;
    if version <= VERSION {
        return Ok(version);
    }
    Err(Error::target(format!(
        "the control tables in schema lite2pg have version {version}, this lite2pg knows up to {VERSION}"
    ))
    .hint("use the lite2pg that made them, or a newer one"))
}

/// The version of the control tables; 0: there are none.
fn version(client: &mut impl GenericClient) -> Result<i32> {
    if !exist(client)? {
        return Ok(0);
    }
    let row = client
        .query_one("SELECT version FROM lite2pg.control_version", &[])
        .map_err(|e| error_from_pg(e, "reading the version of the control tables"))?;
    Ok(row.get(0))
}

/// Removes the control tables and their schema, and nothing that somebody else has put there.
///
/// # Errors
/// Something else is in the schema, or hangs on the tables: then all stays.
pub fn remove(tx: &mut Transaction<'_>) -> Result<()> {
    let tables: Vec<String> = TABLES.iter().map(|t| format!("lite2pg.{t}")).collect();
    let statements =
        [format!("DROP TABLE IF EXISTS {} RESTRICT", tables.join(", ")), "DROP SCHEMA lite2pg RESTRICT".to_owned()];
    for sql in statements {
        tx.batch_execute(&sql).map_err(|e| {
            error_from_pg(e, "removing the control tables")
                .about("schema lite2pg")
                .hint("somebody keeps something else there: move or remove it first, or leave out --purge")
        })?;
    }
    Ok(())
}

const COLUMNS: &str = "run, target_schema, staging_schema, status, mode, source_path, source_fingerprint, snapshot_copy, \
    options_hash, plan_hash, plan, schema_made, verified, report, operator, host, started_at::text, ended_at::text, to_jsonb(h)->>'steps_hash'";

fn run_of(row: &postgres::Row) -> Run {
    let status: String = row.get(3);
    Run {
        id: row.get(0),
        schema: row.get(1),
        staging: row.get(2),
        status: match status.as_str() {
            "done" => Status::Done,
            "rolled-back" => Status::RolledBack,
            _ => Status::Running,
        },
        mode: row.get(4),
        source_path: row.get(5),
        fingerprint: row.get(6),
        snapshot_copy: row.get(7),
        options_hash: row.get(8),
        plan_hash: row.get(9),
        plan: row.get(10),
        schema_made: row.get(11),
        verified: row.get(12),
        report: row.get(13),
        operator: Operator { name: row.get(14), host: row.get(15) },
        started_at: row.get(16),
        ended_at: row.get(17),
        steps_hash: row.get(18),
    }
}

/// All runs, newest first; only those of one schema if it is given.
///
/// # Errors
/// The target cannot be asked.
pub fn runs(client: &mut impl GenericClient, schema: Option<&str>) -> Result<Vec<Run>> {
    if !exist(client)? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM lite2pg.migration_history h WHERE $1::text IS NULL OR target_schema = $1 \
         ORDER BY started_at DESC, run DESC"
    );
    let rows = client.query(&sql, &[&schema]).map_err(|e| error_from_pg(e, "reading the history"))?;
    Ok(rows.iter().map(run_of).collect())
}

/// Writes down a new run, with its audit row, in one transaction with whatever else `tx` does.
///
/// # Errors
/// The target refuses.
pub fn begin(tx: &mut impl GenericClient, run: &Run) -> Result<()> {
    let doing = "writing down the run";
    tx.execute(
        "INSERT INTO lite2pg.migration_history (run, target_schema, staging_schema, status, mode, source_path, \
         source_fingerprint, snapshot_copy, options_hash, plan_hash, plan, schema_made, operator, host, tool_version, steps_hash) \
         VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &[
            &run.id,
            &run.schema,
            &run.staging,
            &run.mode,
            &run.source_path,
            &run.fingerprint,
            &run.snapshot_copy,
            &run.options_hash,
            &run.plan_hash,
            &run.plan,
            &run.schema_made,
            &run.operator.name,
            &run.operator.host,
            &env!("CARGO_PKG_VERSION"),
            &run.steps_hash,
        ],
    )
    .map_err(|e| error_from_pg(e, doing))?;
    Ok(())
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Done => "done",
            Status::RolledBack => "rolled-back",
        }
    }
}

/// Takes a run from one status to another, in one transaction with whatever else `tx` does.
///
/// # Errors
/// The run has another status than was believed, or the target refuses.
pub fn end(
    tx: &mut impl GenericClient,
    run: &str,
    (before, after): (Status, Status),
    verified: bool,
    report: Option<&serde_json::Value>,
) -> Result<()> {
    let rows = tx
        .execute(
            "UPDATE lite2pg.migration_history SET status = $2, verified = $3, report = coalesce($4, report), \
         ended_at = clock_timestamp(), snapshot_copy = NULL WHERE run = $1 AND status = $5",
            &[&run, &after.word(), &verified, &report, &before.word()],
        )
        .map_err(|e| error_from_pg(e, "ending the run"))?;
    only_one(rows, run, before)
}

/// Writes down which private copy an unfinished run reads from now on.
///
/// # Errors
/// The run is not unfinished, or the target refuses.
pub fn set_copy(client: &mut impl GenericClient, run: &str, copy: Option<&str>) -> Result<()> {
    let rows = client
        .execute(
            "UPDATE lite2pg.migration_history SET snapshot_copy = $2 WHERE run = $1 AND status = 'running'",
            &[&run, &copy],
        )
        .map_err(|e| error_from_pg(e, "writing down the private copy"))?;
    only_one(rows, run, Status::Running)
}

/// Writes down whether publishing made the final schema.
///
/// # Errors
/// The run is not unfinished, or the target refuses.
pub fn set_schema_made(tx: &mut impl GenericClient, run: &str, made: bool) -> Result<()> {
    let rows = tx
        .execute(
            "UPDATE lite2pg.migration_history SET schema_made = $2 WHERE run = $1 AND status = 'running'",
            &[&run, &made],
        )
        .map_err(|e| error_from_pg(e, "publishing"))?;
    only_one(rows, run, Status::Running)
}

/// Writes down what the plan of a finished run has become.
///
/// # Errors
/// The run is not finished, or the target refuses.
pub fn set_plan(tx: &mut impl GenericClient, run: &str, plan: &serde_json::Value, hash: &str) -> Result<()> {
    let sql = "UPDATE lite2pg.migration_history SET plan = $2, plan_hash = $3 WHERE run = $1 AND status = 'done'";
    let rows = tx.execute(sql, &[&run, &plan, &hash]).map_err(|e| error_from_pg(e, "writing down the plan"))?;
    only_one(rows, run, Status::Done)
}

/// Writes down what the report of a finished run has become.
///
/// # Errors
/// The run is not finished, or the target refuses.
pub fn set_report(tx: &mut impl GenericClient, run: &str, report: &serde_json::Value) -> Result<()> {
    let sql = "UPDATE lite2pg.migration_history SET report = $2 WHERE run = $1 AND status = 'done'";
    let rows = tx.execute(sql, &[&run, &report]).map_err(|e| error_from_pg(e, "writing down the report"))?;
    only_one(rows, run, Status::Done)
}

fn only_one(rows: u64, run: &str, before: Status) -> Result<()> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::target(format!("run {run} is no longer what it was a moment ago ({})", before.word()))
        .hint("another process has ended it: lite2pg history TARGET shows how"))
}

/// Appends to the audit: each row carries the SHA-256 of the one before. Only the coordinator writes here, so that the
/// chain has one writer; a lock keeps coordinators of other schemas apart until their transaction ends.
///
/// # Errors
/// The target refuses.
pub fn audit(
    tx: &mut postgres::Transaction<'_>,
    who: &Operator,
    run: Option<&str>,
    event: &str,
    detail: &serde_json::Value,
) -> Result<()> {
    let doing = "writing the audit";
    tx.execute("SELECT pg_catalog.pg_advisory_xact_lock(76018374262)", &[]).map_err(|e| error_from_pg(e, doing))?;
    let last = tx
        .query_opt("SELECT id, sha256 FROM lite2pg.audit_event ORDER BY id DESC LIMIT 1", &[])
        .map_err(|e| error_from_pg(e, doing))?;
    let (id, previous): (i64, String) = match last {
        Some(row) => (row.get::<_, i64>(0).saturating_add(1), row.get(1)),
        None => (1, "0".repeat(64)),
    };
    let at: String = tx
        .query_one("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')", &[])
        .map_err(|e| error_from_pg(e, doing))?
        .get(0);
    let sha256 = chain(&previous, id, &at, run, who, event, detail);
    tx.execute(
        "INSERT INTO lite2pg.audit_event VALUES ($1, ($2::text || '+00')::timestamptz, $3, $4, $5, $6, $7, $8, $9)",
        &[&id, &at, &run, &who.name, &who.host, &event, &detail, &previous, &sha256],
    )
    .map_err(|e| error_from_pg(e, doing))?;
    Ok(())
}

/// The detail of a run's last event of a kind, as the audit has it.
///
/// # Errors
/// The target cannot be asked.
pub fn detail(client: &mut impl GenericClient, run: &str, event: &str) -> Result<Option<serde_json::Value>> {
    let sql = "SELECT detail FROM lite2pg.audit_event WHERE run = $1 AND event = $2 ORDER BY id DESC LIMIT 1";
    let row = client.query_opt(sql, &[&run, &event]).map_err(|e| error_from_pg(e, "reading the audit"))?;
    Ok(row.and_then(|r| r.get(0)))
}

/// The hash of one audit row: SHA-256 over the lines previous, id, at (UTC, microseconds), run, operator, host, event and
/// detail (JSON with sorted keys).
fn chain(
    previous: &str,
    id: i64,
    at: &str,
    run: Option<&str>,
    who: &Operator,
    event: &str,
    detail: &serde_json::Value,
) -> String {
    let text =
        format!("{previous}\n{id}\n{at}\n{}\n{}\n{}\n{event}\n{detail}\n", run.unwrap_or(""), who.name, who.host);
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Walks the audit's chain; `Some(id)` is the first row whose hash does not follow from the one before.
///
/// # Errors
/// The target cannot be asked.
pub fn broken_audit(client: &mut impl GenericClient) -> Result<Option<i64>> {
    let rows = client
        .query(
            "SELECT id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), run, operator, host, event, detail, \
             previous_sha256, sha256 FROM lite2pg.audit_event ORDER BY id",
            &[],
        )
        .map_err(|e| error_from_pg(e, "reading the audit"))?;
    let mut previous = "0".repeat(64);
    for (row, expected) in rows.iter().zip(1_i64..) {
        let id: i64 = row.get(0);
        let who = Operator { name: row.get(3), host: row.get(4) };
        let run: Option<String> = row.get(2);
        let detail: serde_json::Value = row.get(6);
        let sha256: String = row.get(8);
        let made = chain(&previous, id, row.get(1), run.as_deref(), &who, row.get(5), &detail);
        if id != expected || row.get::<_, String>(7) != previous || made != sha256 {
            return Ok(Some(id));
        }
        previous = sha256;
    }
    Ok(None)
}
