//! Requests: another process asks a running run to pause, to go on, to go slower or to end.
//! Owns `lite2pg.request`, the asking and the answering; never touches what the run does (see `Cancel`).
//!
//! Who asks writes a row and waits; the run looks once a second over the coordinator's connection while that idles beside
//! the workers, does what is asked, and marks the row. A pause holds each worker where it is, between two rows or two
//! statements: its transaction stays open meanwhile, and so do its locks on tables that nobody else sees yet. A statement
//! of the server, an index for example, is not held: it ends first. Requests are of one process: what was asked of a
//! process that is gone is not done by the next one. The audit keeps who asked for what.

use super::clock;
use super::session::Session;
use super::settings::TargetSpec;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::observe::{Event, Observer};
use crate::target::control::{self, Operator, Run, Status};
use crate::target::error_from_pg;
use crate::target::lock::Keys;
use postgres::Client;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How often a run looks for requests.
const EVERY: Duration = Duration::from_secs(1);
/// How long somebody who asks waits for the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a run is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To hold.
    Pause,
    /// To go on after a pause.
    Continue,
    /// To move at most so many bytes a second over all workers; 0: as many as can be.
    Throttle(u64),
    /// To end as after Ctrl-C.
    Abort,
}

impl Ask {
    /// As it stands in the control table: `pause`, `continue`, `throttle 1048576`, `abort`.
    pub fn text(self) -> String {
        match self {
            Ask::Pause => "pause".to_owned(),
            Ask::Continue => "continue".to_owned(),
            Ask::Throttle(rate) => format!("throttle {rate}"),
            Ask::Abort => "abort".to_owned(),
        }
    }

    fn parse(text: &str) -> Option<Ask> {
        match text.split_once(' ') {
            Some(("throttle", rate)) => rate.parse().ok().map(Ask::Throttle),
            None if text == "pause" => Some(Ask::Pause),
            None if text == "continue" => Some(Ask::Continue),
            None if text == "abort" => Some(Ask::Abort),
            _ => None,
        }
    }

    fn heed(self, cancel: &Cancel) {
        match self {
            Ask::Pause => cancel.pause(),
            Ask::Continue => cancel.go_on(),
            Ask::Throttle(rate) => cancel.throttle(rate),
            Ask::Abort => cancel.request(),
        }
    }
}

/// Does `work` while requests to the run are heeded over `idle`, a connection that nobody else uses meanwhile. Without
/// one nothing can be asked of the run, and who asks is told so.
///
/// # Errors
/// Those of `work`. That requests can no longer be read is told and is no error of the run.
pub fn heeding<T>(
    idle: Option<&mut Client>,
    run: &str,
    observer: &dyn Observer,
    cancel: &Cancel,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let Some(client) = idle else { return work() };
    std::thread::scope(|scope| {
        // Ends the thread when the work has ended, however it ended.
        let (_working, ended) = mpsc::channel::<()>();
        // A pause must not outlive who can hear `continue`: however the thread ends, nobody is held any more. Where its
        // connection is lost the work goes on, and finds the loss by itself at the coordinator's next statement.
        let heeded = cancel.heed();
        scope.spawn(move || {
            let _heeded = heeded;
            if let Err(error) = watch(client, run, observer, cancel, &ended) {
                let text = format!("requests to this run are no longer heeded: {error}");
                observer.see(&Event::Note { text });
            }
        });
        work()
    })
}

fn watch(
    client: &mut Client,
    run: &str,
    observer: &dyn Observer,
    cancel: &Cancel,
    ended: &mpsc::Receiver<()>,
) -> Result<()> {
    begin(client, run, cancel)?;
    while matches!(ended.recv_timeout(EVERY), Err(mpsc::RecvTimeoutError::Timeout)) {
        for (id, text, by) in asked(client, run)? {
            // Who asked may have taken it back meanwhile, and said so: then it must not be done.
            if !answer(client, id)? {
                continue;
            }
            let ask = Ask::parse(&text);
            if let Some(ask) = ask {
                ask.heed(cancel);
            }
            let bytes_a_second = if let Some(Ask::Throttle(rate)) = ask { rate } else { 0 };
            let word = ask.map_or("unknown", |_| text.split(' ').next().unwrap_or_default()).to_owned();
            observer.see(&Event::Request { request: word, bytes_a_second, by });
        }
    }
    Ok(())
}

/// What was asked of an earlier process does not concern this one; what this one was asked before it connected anew still
/// holds, and is written down again so that `status` can tell.
fn begin(client: &mut Client, run: &str, cancel: &Cancel) -> Result<()> {
    let failed = |e| error_from_pg(e, "looking for requests");
    let mut tx = client.transaction().map_err(failed)?;
    tx.execute("DELETE FROM lite2pg.request WHERE run = $1", &[&run]).map_err(failed)?;
    let paused = cancel.paused().then_some(Ask::Pause);
    let throttled = Some(cancel.rate()).filter(|r| *r > 0).map(Ask::Throttle);
    for held in [paused, throttled].into_iter().flatten() {
        let sql = "INSERT INTO lite2pg.request (run, request, answered_at) VALUES ($1, $2, clock_timestamp())";
        tx.execute(sql, &[&run, &held.text()]).map_err(failed)?;
    }
    tx.commit().map_err(failed)
}

/// Requests without an answer, oldest first: number, text, who asked.
fn asked(client: &mut Client, run: &str) -> Result<Vec<(i64, String, String)>> {
    let rows = client
        .query(
            "SELECT r.id, r.request, coalesce((SELECT a.operator || '@' || a.host FROM lite2pg.audit_event a \
             WHERE a.run = r.run AND a.event = 'request' AND a.detail->>'id' = r.id::text ORDER BY a.id DESC LIMIT 1), '') \
             FROM lite2pg.request r WHERE r.run = $1 AND r.answered_at IS NULL ORDER BY r.id",
            &[&run],
        )
        .map_err(|e| error_from_pg(e, "looking for requests"))?;
    Ok(rows.iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect())
}

/// Marks a request as heard; whether it was still there.
fn answer(client: &mut Client, id: i64) -> Result<bool> {
    let sql = "UPDATE lite2pg.request SET answered_at = clock_timestamp() WHERE id = $1 AND answered_at IS NULL";
    let changed = client.execute(sql, &[&id]).map_err(|e| error_from_pg(e, "answering a request"))?;
    Ok(changed == 1)
}

/// What holds a running run, as its control rows tell: whether it is paused, and its throttle in bytes a second (0: none).
///
/// # Errors
/// The target cannot be asked.
pub fn held(client: &mut Client, run: &str) -> Result<(bool, u64)> {
    let rows = client
        .query("SELECT request FROM lite2pg.request WHERE run = $1 AND answered_at IS NOT NULL ORDER BY id", &[&run])
        .map_err(|e| error_from_pg(e, "reading the requests"))?;
    let mut held = (false, 0);
    for ask in rows.iter().filter_map(|r| Ask::parse(r.get(0))) {
        match ask {
            Ask::Pause => held.0 = true,
            Ask::Continue => held.0 = false,
            Ask::Throttle(rate) => held.1 = rate,
            Ask::Abort => {}
        }
    }
    Ok(held)
}

/// Asks the running run of a target, or the one that is named, and waits until it has answered. Returns the run.
///
/// # Errors
/// No run is running, several are and none is named, the run does not answer, or the target refuses.
pub fn ask(target: &TargetSpec, operator: &Operator, run: Option<&str>, what: Ask) -> Result<String> {
    let session = Session::visit(target, &clock::application(operator))?;
    let outcome = (|| {
        let mut client = session.connect()?;
        let run = the_running(&mut client, run)
            .map_err(|e| if e.object.is_some() { e } else { e.about(session.display()) })?;
        let id = put(&mut client, operator, &run, what)?;
        wait(&mut client, &run, id)?;
        Ok(run)
    })();
    let closed = session.close();
    let run = outcome?;
    closed?;
    Ok(run)
}

fn the_running(client: &mut Client, wanted: Option<&str>) -> Result<String> {
    let runs = control::runs(client, None)?;
    if let Some(wanted) = wanted {
        let Some(run) = runs.iter().find(|r| r.id == wanted) else {
            return Err(Error::target("no such run is recorded here")
                .about(format!("run {wanted}"))
                .hint("lite2pg history TARGET lists them all"));
        };
        return if is_running(client, run)? { Ok(run.id.clone()) } else { Err(not_running(run)) };
    }
    let mut running = Vec::new();
    for run in &runs {
        if is_running(client, run)? {
            running.push(run.id.clone());
        }
    }
    match (running.as_slice(), runs.first()) {
        ([one], _) => Ok(one.clone()),
        ([], None) => Err(Error::target("no run of lite2pg is recorded here, so none can be asked")
            .hint("a run can be asked from its first table on; before that Ctrl-C ends it, and nothing was written")),
        ([], Some(last)) => Err(not_running(last)),
        (several, _) => Err(Error::usage(format!("{} runs are running here: {}", several.len(), several.join(", ")))
            .hint("say which one with --run")),
    }
}

fn is_running(client: &mut Client, run: &Run) -> Result<bool> {
    Ok(run.status == Status::Running && Keys::of(&run.schema).is_held(client)?)
}

fn not_running(run: &Run) -> Error {
    let (what, hint) = match run.status {
        Status::Done => ("has ended: it is published", "lite2pg rollback undoes it"),
        Status::RolledBack => ("has ended: it was rolled back", "lite2pg migrate begins a new one"),
        Status::Running => (
            "is not running: it was interrupted",
            "the same migrate command goes on with it, lite2pg rollback undoes it",
        ),
    };
    Error::target(format!("this run {what}; it cannot be asked any more")).about(format!("run {}", run.id)).hint(hint)
}

/// Writes the request down, and in the same transaction who asked.
fn put(client: &mut Client, operator: &Operator, run: &str, what: Ask) -> Result<i64> {
    let doing = "writing down the request";
    let mut tx = client.transaction().map_err(|e| error_from_pg(e, doing))?;
    let id: i64 = tx
        .query_one("INSERT INTO lite2pg.request (run, request) VALUES ($1, $2) RETURNING id", &[&run, &what.text()])
        .map_err(|e| error_from_pg(e, doing))?
        .get(0);
    let detail = serde_json::json!({ "id": id, "request": what.text() });
    control::audit(&mut tx, operator, Some(run), "request", &detail)?;
    tx.commit().map_err(|e| error_from_pg(e, doing))?;
    Ok(id)
}

/// Waits for the answer; a request that gets none is taken back, so that it cannot act later by surprise.
fn wait(client: &mut Client, run: &str, id: i64) -> Result<()> {
    let failed = |e| error_from_pg(e, "waiting for the answer");
    let until = Instant::now() + PATIENCE;
    let about = || format!("run {run}");
    loop {
        let sql = "SELECT answered_at IS NOT NULL FROM lite2pg.request WHERE id = $1";
        match client.query_opt(sql, &[&id]).map_err(failed)? {
            Some(row) if row.get(0) => return Ok(()),
            Some(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(100)),
            Some(_) => break,
            None => {
                return Err(Error::target("the run has just been taken up by another process; it was not asked")
                    .about(about())
                    .hint("ask again"));
            }
        }
    }
    let taken =
        client.execute("DELETE FROM lite2pg.request WHERE id = $1 AND answered_at IS NULL", &[&id]).map_err(failed)?;
    if taken == 0 {
        // Answered at the last moment.
        return Ok(());
    }
    Err(Error::target(format!(
        "the run did not answer within {} s, and the request was taken back",
        PATIENCE.as_secs()
    ))
    .about(about())
    .hint(
        "it works over a single connection, or is about to publish, or has just ended: lite2pg status shows it; \
             Ctrl-C where it runs ends it",
    ))
}
