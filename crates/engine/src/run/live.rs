//! What a running run is doing at this moment, from outside: the ledger, its sessions, the server's own progress views.
//! Owns these questions; never changes anything, and needs nothing from the run itself.
//!
//! A role that may not look into other roles' sessions sees what the ledger has: the rest is left out, not guessed.
//! Progress of COPY: <https://www.postgresql.org/docs/current/progress-reporting.html#COPY-PROGRESS-REPORTING> (14 and
//! later), of an index: <https://www.postgresql.org/docs/current/progress-reporting.html#CREATE-INDEX-PROGRESS-REPORTING>.

use super::{clock, requests};
use crate::error::Result;
use crate::observe::estimate::{Kind, usual_seconds};
use crate::run::ahead;
use crate::target::control::Run;
use crate::target::error_from_pg;
use crate::target::lock::Keys;
use lite2pg_model::ident::pg;
use lite2pg_model::plan::{Plan, Stage};
use postgres::Client;
use serde::Serialize;
use std::collections::BTreeMap;

/// A running run, seen from outside.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Live {
    /// The process that runs it, and its host, as its sessions are named.
    pub pid: Option<u32>,
    /// See [`Live::pid`].
    pub host: Option<String>,
    /// Sessions it has on the server.
    pub sessions: u64,
    /// Seconds since this process began to work on the tables; `None`: this role may not see that.
    pub working_seconds: Option<f64>,
    /// Every worker holds, because somebody asked.
    pub paused: bool,
    /// Bytes a second that it is held to; 0: none.
    pub throttle: u64,
    /// Stages with something done or left, in order.
    pub stages: Vec<LiveStage>,
    /// What its sessions do now.
    pub tasks: Vec<LiveTask>,
    /// Tables, in the order of the source's schema.
    pub tables: Vec<LiveTable>,
    /// Bytes of values copied, those under way included.
    pub bytes_done: u64,
    /// Of all.
    pub bytes: u64,
    /// Bytes a second since this process began; `None`: not known.
    pub bytes_a_second: Option<f64>,
    /// The part of the whole that is done, 0 to 1.
    pub fraction: f64,
    /// Seconds that are left, about; `None`: nothing can be said.
    pub eta_seconds: Option<f64>,
    /// The newest mark in the ledger: what was done.
    pub last: Option<String>,
    /// When that was (UTC).
    pub last_at: Option<String>,
}

/// How far a stage is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveStage {
    /// Its name.
    pub stage: &'static str,
    /// Tasks with a mark: chunks of `copy`, else steps.
    pub done: u64,
    /// Of all.
    pub tasks: u64,
}

/// What one session does.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveTask {
    /// `copy`, `read back`, `index`, `key`, `foreign key`, `statistics`, `statement`; `unseen`: this role may not see it.
    pub what: &'static str,
    /// The table, as far as it is known.
    pub table: Option<String>,
    /// Rows so far.
    pub rows: Option<u64>,
    /// How much of it is done, 0 to 1, where the server tells.
    pub fraction: Option<f64>,
    /// Seconds since the statement began.
    pub seconds: Option<f64>,
    /// It waits for a lock.
    pub waits: bool,
}

/// How far a table is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveTable {
    /// Its name in the source.
    pub name: String,
    /// Rows copied, those under way included.
    pub rows_done: u64,
    /// Of all.
    pub rows: u64,
    /// Bytes likewise.
    pub bytes_done: u64,
    /// Of all.
    pub bytes: u64,
}

/// Looks at a running run.
///
/// # Errors
/// The target cannot be asked.
pub fn look(client: &mut Client, run: &Run, plan: &Plan) -> Result<Live> {
    let sessions = Keys::of(&run.schema).sessions(client)?;
    let whose = sessions.iter().find_map(|(_, name)| clock::whose(name));
    let mut live = Live {
        pid: whose.map(|w| w.1),
        host: whose.map(|w| w.0.to_owned()),
        sessions: sessions.len() as u64,
        ..Live::default()
    };
    (live.paused, live.throttle) = requests::held(client, &run.id)?;
    // The coordinator's comes first; where it works itself there is no other.
    let workers: Vec<i32> = match sessions.as_slice() {
        [only] => vec![only.0],
        [_, workers @ ..] => workers.iter().map(|w| w.0).collect(),
        [] => Vec::new(),
    };
    live.working_seconds = working(client, &workers)?;
    let done = done(client, &run.id, live.working_seconds)?;
    live.tasks = tasks(client, &workers, run, plan)?;
    live.tables = tables(plan, &done, &live.tasks);
    live.bytes_done = live.tables.iter().map(|t| t.bytes_done).sum();
    live.bytes = live.tables.iter().map(|t| t.bytes).sum();
    (live.last_at, live.last) = done.last.clone().unzip();
    estimate(&mut live, run, plan, &done);
    Ok(live)
}

/// What the ledger has.
#[derive(Default)]
struct Done {
    /// Rows and bytes of each table's chunks that are done.
    tables: BTreeMap<String, (u64, u64)>,
    /// Bytes of chunks that this process did.
    bytes_now: u64,
    /// Chunks done, of all.
    chunks: (u64, u64),
    /// Steps done: number, and whether this process did it.
    steps: BTreeMap<u32, bool>,
    /// The newest mark: when, what.
    last: Option<(String, String)>,
}

fn done(client: &mut Client, run: &str, since: Option<f64>) -> Result<Done> {
    let failed = |e| error_from_pg(e, "reading the ledger");
    let mut done = Done::default();
    let sql = "SELECT table_name, coalesce(sum(rows) FILTER (WHERE done), 0)::int8, \
        coalesce(sum(bytes) FILTER (WHERE done), 0)::int8, count(*) FILTER (WHERE done), count(*), \
        coalesce(sum(bytes) FILTER (WHERE done_at > clock_timestamp() - make_interval(secs => $2)), 0)::int8 \
        FROM lite2pg.migration_chunk WHERE run = $1 GROUP BY 1";
    let number = |row: &postgres::Row, i: usize| row.get::<_, i64>(i).cast_unsigned();
    for row in client.query(sql, &[&run, &since.unwrap_or(0.0)]).map_err(failed)? {
        done.tables.insert(row.get(0), (number(&row, 1), number(&row, 2)));
        done.chunks.0 += number(&row, 3);
        done.chunks.1 += number(&row, 4);
        done.bytes_now += number(&row, 5);
    }
    let sql = "SELECT step, done_at > clock_timestamp() - make_interval(secs => $2) FROM lite2pg.migration_step WHERE run = $1";
    for row in client.query(sql, &[&run, &since.unwrap_or(0.0)]).map_err(failed)? {
        done.steps.insert(u32::try_from(row.get::<_, i32>(0)).unwrap_or(0), row.get(1));
    }
    let sql = "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), what FROM ( \
        (SELECT done_at AS at, stage || ' ' || object AS what FROM lite2pg.migration_step WHERE run = $1 \
         ORDER BY done_at DESC LIMIT 1) UNION ALL \
        (SELECT done_at, 'copy ' || table_name || ', chunk ' || chunk FROM lite2pg.migration_chunk \
         WHERE run = $1 AND done ORDER BY done_at DESC LIMIT 1)) m ORDER BY at DESC LIMIT 1";
    done.last = client.query_opt(sql, &[&run]).map_err(failed)?.map(|r| (r.get(0), r.get(1)));
    Ok(done)
}

/// Seconds since the first of these sessions began; `None`: this role may not see it.
fn working(client: &mut Client, pids: &[i32]) -> Result<Option<f64>> {
    let sql = "SELECT extract(epoch FROM clock_timestamp() - min(backend_start))::float8 FROM pg_stat_activity WHERE pid = ANY ($1)";
    let row = client.query_one(sql, &[&pids]).map_err(|e| error_from_pg(e, "asking for the run's sessions"))?;
    Ok(row.get(0))
}

fn tasks(client: &mut Client, pids: &[i32], run: &Run, plan: &Plan) -> Result<Vec<LiveTask>> {
    let failed = |e| error_from_pg(e, "asking what the run's sessions do");
    // A server of version 13 tells nothing of COPY.
    let version: i32 =
        client.query_one("SELECT current_setting('server_version_num')::int", &[]).map_err(failed)?.get(0);
    let copies = match version >= 140_000 {
        true => "SELECT pid, relid, tuples_processed FROM pg_stat_progress_copy",
        false => "SELECT NULL::int AS pid, NULL::oid AS relid, NULL::int8 AS tuples_processed",
    };
    let sql = format!(
        "SELECT coalesce(a.query, ''), extract(epoch FROM clock_timestamp() - a.query_start)::float8, \
         coalesce(a.wait_event_type = 'Lock', false), c.tuples_processed, r.relname::text, \
         CASE WHEN i.blocks_total > 0 THEN i.blocks_done::float8 / i.blocks_total END, a.state \
         FROM pg_stat_activity a LEFT JOIN ({copies}) c ON c.pid = a.pid LEFT JOIN pg_stat_progress_create_index i ON i.pid = a.pid \
         LEFT JOIN pg_class r ON r.oid = coalesce(nullif(c.relid, 0), i.relid) WHERE a.pid = ANY ($1) ORDER BY a.pid"
    );
    let names: BTreeMap<&str, &str> = plan.tables.iter().map(|t| (t.target.as_str(), t.name.as_str())).collect();
    let mut tasks = Vec::new();
    for row in client.query(&sql, &[&pids]).map_err(failed)? {
        let (query, state): (String, Option<String>) = (row.get(0), row.get(6));
        let Some(state) = state else {
            tasks.push(LiveTask { what: "unseen", ..LiveTask::default() });
            continue;
        };
        if !state.starts_with("active") && !query.starts_with("COPY") {
            continue;
        }
        let what = what(&query);
        let target: Option<String> = row.get(4);
        let target = target.or_else(|| named(&query, &run.staging));
        let table = target.map(|t| names.get(t.as_str()).map_or(t.clone(), |n| (*n).to_owned()));
        let rows: Option<i64> = row.get(3);
        let whole = table.as_ref().and_then(|n| plan.tables.iter().find(|t| t.name == *n)).map(|t| t.rows);
        let rows = rows.map(i64::cast_unsigned);
        let read = rows.zip(whole).filter(|(_, all)| what == "read back" && *all > 0);
        let read = read.map(|(done, all)| (done as f64 / all as f64).min(1.0));
        tasks.push(LiveTask {
            what,
            table,
            rows,
            fraction: row.get::<_, Option<f64>>(5).or(read),
            seconds: row.get(1),
            waits: row.get(2),
        });
    }
    Ok(tasks)
}

/// What a statement of ours does.
fn what(query: &str) -> &'static str {
    let has = |words: &str| query.contains(words);
    match () {
        () if query.starts_with("COPY") && has("FROM STDIN") => "copy",
        () if query.starts_with("COPY") => "read back",
        () if has("VALIDATE CONSTRAINT") || has("FOREIGN KEY") => "foreign key",
        () if has("ADD CONSTRAINT") => "key",
        () if has("CREATE INDEX") || has("CREATE UNIQUE INDEX") => "index",
        () if has("ANALYZE ") => "statistics",
        () => "statement",
    }
}

/// The table that a statement of ours names: its names are always quoted.
fn named(query: &str, staging: &str) -> Option<String> {
    let of_schema = format!("{}.\"", pg(staging));
    let marks = [of_schema.as_str(), "ALTER TABLE \"", "ALTER TABLE ONLY \"", "ANALYZE \"", " ON \"", " ON ONLY \""];
    let (at, mark) = marks.iter().find_map(|m| Some((query.find(m)?, m)))?;
    let mut name = String::new();
    let mut rest = query.get(at + mark.len()..)?.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if rest.peek() == Some(&'"') => drop(rest.next()),
            '"' => return Some(name),
            _ => {}
        }
        name.push(c);
    }
    None
}

fn tables(plan: &Plan, done: &Done, tasks: &[LiveTask]) -> Vec<LiveTable> {
    let mut under_way: BTreeMap<&str, u64> = BTreeMap::new();
    for task in tasks.iter().filter(|t| t.what == "copy") {
        if let (Some(table), Some(rows)) = (&task.table, task.rows) {
            *under_way.entry(table).or_default() += rows;
        }
    }
    let one = |table: &lite2pg_model::plan::TablePlan| {
        let (rows, bytes) = done.tables.get(&table.name).copied().unwrap_or_default();
        let more = under_way.get(table.name.as_str()).copied().unwrap_or(0).min(table.rows.saturating_sub(rows));
        let width = table.bytes as f64 / table.rows.max(1) as f64;
        LiveTable {
            name: table.name.clone(),
            rows_done: rows + more,
            rows: table.rows,
            bytes_done: (bytes + (more as f64 * width) as u64).min(table.bytes.max(bytes)),
            bytes: table.bytes,
        }
    };
    plan.tables.iter().map(one).collect()
}

/// Rate, part and time that is left, from what this process has done since it began. The server does not tell which
/// tables have been read back; so long as that is all that is left, no time is told.
fn estimate(live: &mut Live, run: &Run, plan: &Plan, done: &Done) {
    let steps = plan.steps(&run.staging);
    let under_way = live.bytes_done.saturating_sub(done.tables.values().map(|(_, bytes)| bytes).sum());
    let mut stages: BTreeMap<Stage, LiveStage> = BTreeMap::new();
    let (mut all, mut left, mut now, mut build) = (0.0, 0.0, 0.0, 0.0);
    for step in &steps {
        let mark = done.steps.get(&step.id).copied();
        let stage = stages.entry(step.stage).or_insert(LiveStage { stage: step.stage.word(), ..LiveStage::default() });
        stage.tasks += 1;
        stage.done += u64::from(mark.is_some());
        let seconds = usual_seconds(Kind::of(step.stage.word()), ahead::bytes_of(plan, step));
        if step.stage == Stage::Copy {
            continue;
        }
        all += seconds;
        match mark {
            None if step.stage == Stage::Verify => left += seconds,
            None => {
                left += seconds;
                build += seconds;
            }
            Some(true) => now += seconds,
            Some(false) => {}
        }
    }
    let copy = usual_seconds(Kind::Copy, live.bytes_done);
    let whole = usual_seconds(Kind::Copy, live.bytes);
    all += whole;
    left += whole - copy;
    build += whole - copy;
    now += usual_seconds(Kind::Copy, done.bytes_now + under_way);
    if let Some(stage) = stages.get_mut(&Stage::Copy) {
        (stage.done, stage.tasks) = done.chunks;
    }
    live.stages = stages.into_values().collect();
    live.fraction = if all > 0.0 { (1.0 - left / all).clamp(0.0, 0.99) } else { 0.0 };
    let seconds = live.working_seconds.filter(|s| *s >= 2.0);
    live.bytes_a_second = seconds.map(|s| (done.bytes_now + under_way) as f64 / s).filter(|r| *r > 0.0);
    if !live.paused && build > 0.0 && now > 0.0 {
        live.eta_seconds = seconds.map(|s| left * s / now);
    }
}
