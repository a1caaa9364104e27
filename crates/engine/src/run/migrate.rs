//! `migrate`: decide, do, prove, publish — or go on with an interrupted run, or say that the work is done.
//! Owns the order of these; each of them lives in a module of its own.

mod perform;

use super::again::{self, Listener, Patience, Retries};
use super::examples::Examples;
use super::pool::Cancel;
use super::prepare::{self, Kept, Prepared};
use super::session::Session;
use super::settings::Settings;
use super::{already, changed, clock, finish, normalised, room};
use crate::error::{Error, Kind, Result};
use crate::observe::report::{Report, StageTime};
use crate::observe::{Event, Observer, memory};
use crate::safety::lock::SourceLock;
use crate::safety::{fingerprint, rollback};
use crate::source::{Reader, Source};
use crate::target::catalog::{self, Facts};
use crate::target::control::{self, Run, Status};
use crate::target::ledger::{self, Range};
use crate::target::lock::Keys;
use crate::target::transient::Reached;
use crate::target::{error_from_pg, publish};
use lite2pg_model::plan::Stage;
use postgres::Client;
use std::cell::{Cell, RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Migrates a source to a target and proves it. The report says how it ended; findings that need a decision and
/// differences are values in it, not errors.
///
/// A transient error of the target ends an attempt, not the call: it waits and goes on from the ledger as long as
/// [`Settings::retry_for`] allows, on the same snapshot of the source. After a crash at any instant the same call goes on,
/// or `rollback` undoes what was done.
///
/// # Errors
/// Problems in doing: the source or the target fails, another run is going on, or it was interrupted.
pub fn migrate(settings: &Settings, observer: &dyn Observer, cancel: &Cancel) -> Result<Report> {
    settings.check()?;
    let begin = Instant::now();
    let _lock = SourceLock::take(&settings.source, &settings.lock_dir, &prepare::holder(settings))?;
    prepare::sweep_copies(settings);
    let mut kept = prepare::kept_copy(settings);
    loop {
        match on_source(settings, observer, cancel, begin, kept)? {
            Next::Ended(report) => return Ok(*report),
            Next::Reread(other) => kept = other,
        }
    }
}

/// What one reading of the source came to.
enum Next {
    /// The end.
    Ended(Box<Report>),
    /// What was read is not what the run that is to be made now needs: this copy is read next, or the source itself.
    Reread(Option<Kept>),
}

/// What lasts from one attempt on the target to the next; the snapshot of the source does, too.
#[derive(Default)]
struct Lasting {
    /// The run that this process began, or rightly went on with: the only one it may take back.
    own: RefCell<Option<String>>,
    /// How far this process has come.
    reached: Cell<Option<Reached>>,
    /// Others may write to the source meanwhile, and then no new reader would see the same state.
    readers: RefCell<Vec<Reader>>,
    /// The server's processes of our connections that are over: some of them may not have noticed.
    left: RefCell<Vec<i32>>,
    /// Attempts that failed.
    failed: Cell<u32>,
}

/// One opened source, a kept copy or the file itself: attempts on the target until one ends it.
fn on_source(
    settings: &Settings,
    observer: &dyn Observer,
    cancel: &Cancel,
    begin: Instant,
    kept: Option<Kept>,
) -> Result<Next> {
    let source = prepare::open_source(settings, kept.clone().map(|k| k.path), observer)?;
    let lasting = Lasting::default();
    let retries = Retries { observer, cancel, limit: settings.retry_for };
    let (mut outcome, mut session) = attempts(settings, &source, &lasting, retries, (begin, kept));
    if settings.rollback_on_failure && has_failed(&outcome) {
        if session.is_none() && lasting.own.borrow().is_some() {
            session = open_session(settings).ok();
        }
        take_back(settings, &lasting, session.as_ref(), observer, cancel, &mut outcome);
    }
    let closed = session.map_or(Ok(()), Session::close);
    // What was kept for a run that is still open stays; a copy that no run relies on goes with the source.
    let ended = match &outcome {
        Ok(Next::Ended(report)) => report.exit == 0 || report.exit == Kind::NeedsDecision.exit(),
        // The copy was of a run that is known to have ended, or was made for nothing.
        Ok(Next::Reread(_)) => true,
        Err(_) => false,
    };
    drop(lasting);
    if ended {
        let copy = source.copy_path().map(Path::to_owned);
        source.discard_copy()?;
        prepare::forget_copy(settings, copy.as_deref());
    }
    let next = outcome?;
    closed?;
    Ok(next)
}

/// Attempts until one ends it or patience does: what the last one came to, and its session, if it had one.
fn attempts(
    settings: &Settings,
    source: &Source,
    lasting: &Lasting,
    retries: Retries<'_>,
    (begin, kept): (Instant, Option<Kept>),
) -> (Result<Next>, Option<Session>) {
    let (listener, cancel) = (Listener::new(retries.observer), retries.cancel);
    let observer = &listener;
    let mut patience = Patience::new(settings.retry_for);
    loop {
        let (outcome, session) = match open_session(settings) {
            Ok(session) => {
                let kept = kept.clone();
                let attempt = Migration { settings, observer, cancel, source, session: &session, begin, kept, lasting };
                (attempt.run(), Some(session))
            }
            Err(error) => (Err(error), None),
        };
        let got_on = listener.got_on();
        let reached = lasting.reached.get().unwrap_or(Reached::Start);
        let error = match outcome {
            Err(error) if !cancel.requested() && again::worth_another(&error, reached) => error,
            ended => return (ended, session),
        };
        if got_on {
            patience.restore();
        }
        if patience.is_over() {
            return (Err(patience.gave_up(error)), session);
        }
        if let Some(session) = session {
            lasting.left.borrow_mut().extend(session.backends());
            if let Err(e) = session.close() {
                observer.see(&Event::Detail { text: format!("closing the target: {e}") });
            }
        }
        lasting.failed.set(lasting.failed.get().saturating_add(1));
        if let Err(error) = patience.wait(retries, "trying", error) {
            return (Err(error), None);
        }
    }
}

fn open_session(settings: &Settings) -> Result<Session> {
    Session::open(&settings.target, &clock::application(&settings.operator))
}

/// Whether `--on-failure rollback` has something to do.
fn has_failed(outcome: &Result<Next>) -> bool {
    match outcome {
        Ok(Next::Ended(report)) => report.exit == Kind::Different.exit(),
        Ok(Next::Reread(_)) => false,
        Err(_) => true,
    }
}

/// `--on-failure rollback`: undoes the run that failed. If that fails too, the error says both.
fn take_back(
    settings: &Settings,
    lasting: &Lasting,
    session: Option<&Session>,
    observer: &dyn Observer,
    cancel: &Cancel,
    outcome: &mut Result<Next>,
) {
    // A run that we refused to go on with is somebody else's.
    let Some(own) = lasting.own.borrow().clone() else { return };
    let undone = match session {
        Some(session) => rollback::unfinished_run(session, settings, &own, observer, cancel),
        None => Err(Error::target("the target cannot be reached")),
    };
    let hint = match undone {
        Ok(true) => format!("run {own} was rolled back, as --on-failure rollback asks; nothing of it is left"),
        Ok(false) => return,
        Err(second) => format!("rolling back failed too: {second}; lite2pg rollback tries again"),
    };
    match outcome {
        Ok(Next::Reread(_)) => {}
        Ok(Next::Ended(report)) => {
            for finding in report.findings.iter_mut().filter(|f| f.code == finish::DIFFERENT) {
                finding.hint.clone_from(&hint);
            }
        }
        Err(error) => {
            if error.kind == Kind::Interrupted {
                error.message = "interrupted, and rolled back".to_owned();
            }
            error.hint = Some(hint);
        }
    }
}

/// One attempt.
struct Migration<'a> {
    settings: &'a Settings,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
    source: &'a Source,
    session: &'a Session,
    begin: Instant,
    /// What is read is the private copy of an earlier run: the source as it was then.
    kept: Option<Kept>,
    lasting: &'a Lasting,
}

impl Migration<'_> {
    fn run(&self) -> Result<Next> {
        let settings = self.settings;
        let mut main = self.session.connect()?;
        self.reached(Reached::Connected);
        let facts = catalog::facts(&mut main, &settings.schema)?;
        if self.is_first() {
            prepare::tell_target(self.session, &facts, settings, self.observer);
        }
        facts.check(&settings.schema)?;
        let keys = Keys::of(&settings.schema);
        keys.take_from(&mut main, &settings.schema, &clock::is_dead, &self.lasting.left.borrow())?;
        control::known_version(&mut main)?;
        let runs = control::runs(&mut main, Some(&settings.schema))?;
        let last = runs.iter().find(|r| r.status != Status::RolledBack);
        let ended = |report| Next::Ended(Box::new(report));
        if let Some(last) = last.filter(|r| r.status == Status::Running) {
            if self.kept.is_some() && last.snapshot_copy != self.copy() {
                return Ok(Next::Reread(None));
            }
            if let Some(copy) = self.copy_of(last) {
                return Ok(Next::Reread(Some(copy)));
            }
            return self.resume(main, &facts, last.clone(), keys).map(ended);
        }
        if let Some(report) = last.map(|last| self.published(last)).transpose()?.flatten() {
            return Ok(ended(report));
        }
        // Of a copy only the run it was kept for can be answered: its end was written down, but the answer was lost.
        let of_another = self.kept.as_ref().is_some_and(|k| last.is_none_or(|l| l.id != k.run));
        if let Some(last) = last.filter(|_| !of_another)
            && let Some(report) = already::done(settings, self.source, self.session, &mut main, last, &|main| {
                self.same_plan(main, &facts, last)
            })?
        {
            let seconds = self.begin.elapsed().as_secs_f64();
            return Ok(ended(Report { seconds, ..report }));
        }
        if self.kept.is_some() {
            return Ok(Next::Reread(None));
        }
        self.begin_anew(main, &facts, keys).map(ended)
    }

    /// How far this process has come, for errors to come.
    fn reached(&self, point: Reached) {
        self.lasting.reached.set(self.lasting.reached.get().max(Some(point)));
    }

    /// Whether no attempt has failed yet: what a person was told once is not told again.
    fn is_first(&self) -> bool {
        self.lasting.failed.get() == 0
    }

    /// The readers of the snapshot, the same for every attempt.
    fn readers(&self) -> Result<RefMut<'_, Vec<Reader>>> {
        let mut readers = self.lasting.readers.borrow_mut();
        if readers.is_empty() {
            *readers = prepare::readers(self.source, self.settings.jobs)?;
        }
        Ok(readers)
    }

    /// The report of our own run, where an attempt before this one published it and the answer to its COMMIT was lost.
    fn published(&self, last: &Run) -> Result<Option<Report>> {
        if last.status != Status::Done || self.lasting.own.borrow().as_ref() != Some(&last.id) {
            return Ok(None);
        }
        let Some(report) = last.report.clone() else { return Ok(None) };
        let report: Report = serde_json::from_value(report)
            .map_err(|e| Error::internal("the report of our own run cannot be read").because(e))?;
        self.observer.see(&Event::Published { schema: last.schema.clone() });
        let seconds = self.begin.elapsed().as_secs_f64();
        Ok(Some(Report { seconds, peak_rss_bytes: memory::peak_rss(), ..report }))
    }

    /// Whether options that are worded otherwise come to the very plan of a run: a file that nobody edited says what the
    /// rules come to without it. The source is counted anew for that.
    fn same_plan(&self, main: &mut Client, facts: &Facts, run: &Run) -> Result<bool> {
        if !self.settings.differs_in_overrides_alone(&run.options_hash) {
            return Ok(false);
        }
        let mut readers = self.readers()?;
        let observer = &crate::observe::Silent;
        let prepared = prepare::decide(
            self.settings,
            self.source,
            &mut readers,
            (facts, Some(main)),
            observer,
            self.cancel,
            &mut Vec::new(),
        )?;
        Ok(prepared.plan.hash() == run.plan_hash)
    }

    /// The private copy that is read.
    fn copy(&self) -> Option<String> {
        self.source.copy_path().map(|p| p.display().to_string())
    }

    /// The private copy that the ledger names for an interrupted run of this source, where it is not the one that is
    /// read already.
    fn copy_of(&self, run: &Run) -> Option<Kept> {
        let path = PathBuf::from(run.snapshot_copy.as_ref()?);
        let ours = run.source_path == self.source.facts().canonical.display().to_string();
        let other = self.kept.is_none() && ours && path.exists() && self.source.copy_path() != Some(&path);
        other.then(|| Kept { path, run: run.id.clone() })
    }

    fn begin_anew(&self, mut main: Client, facts: &Facts, keys: Keys) -> Result<Report> {
        let settings = self.settings;
        let mut times = Vec::new();
        let mut readers = self.readers()?;
        let prepared = prepare::decide(
            settings,
            self.source,
            &mut readers,
            (facts, Some(&mut main)),
            self.observer,
            self.cancel,
            &mut times,
        )?;
        if prepared.plan.blocking().next().is_some() {
            return Ok(self.needs_decision(prepared, times));
        }
        facts.check_free(&prepared.plan, &prepare::published_names(&prepared.plan))?;
        facts.check_locks(&settings.schema, &prepared.plan)?;
        room::check(self.session, &mut main, &prepared.plan, self.observer)?;
        let reader = readers.first_mut().ok_or_else(|| Error::internal("no reader"))?;
        let examples = Examples::find(reader, &prepared, self.cancel)?;
        let run = self.write_down(&mut main, &prepared, &examples)?;
        self.observer.see(&Event::RunStarted { run: run.id.clone() });
        self.execute(main, facts, run, keys, &mut readers, (times, Some(prepared.excluded)))
    }

    /// Makes the staging schema, the ledger's chunks and the run's row in one transaction: either the run exists with
    /// all of them, or nothing does.
    fn write_down(&self, main: &mut Client, prepared: &Prepared, examples: &Examples) -> Result<Run> {
        let settings = self.settings;
        let doing = "beginning the run";
        let mut tx = main.transaction().map_err(|e| error_from_pg(e, doing))?;
        let before = fingerprint::take(&mut tx, false, &fingerprint::Rows::Of(settings.schema.clone()))?;
        control::ensure(&mut tx)?;
        let id: String = tx
            .query_one(
                "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD\"t\"HH24MISS') || '_' || \
                 substr(md5(random()::text || clock_timestamp()::text), 1, 6)",
                &[],
            )
            .map_err(|e| error_from_pg(e, doing))?
            .get(0);
        let facts = self.source.facts();
        let (plan, staging) = (&prepared.plan, format!("lite2pg_staging_{id}"));
        let run = Run {
            steps_hash: Some(control::steps_hash(&plan.steps(&staging))),
            staging,
            id,
            schema: settings.schema.clone(),
            status: Status::Running,
            mode: "migrate".to_owned(),
            source_path: facts.canonical.display().to_string(),
            fingerprint: serde_json::to_value(self.source.fingerprint())
                .map_err(|e| Error::internal("the fingerprint cannot be written").because(e))?,
            snapshot_copy: self.copy(),
            options_hash: settings.options_hash(),
            plan_hash: plan.hash(),
            plan: serde_json::to_value(plan)
                .map_err(|e| Error::internal("the plan cannot be written as JSON").because(e))?,
            schema_made: false,
            verified: false,
            report: None,
            operator: settings.operator.clone(),
            started_at: String::new(),
            ended_at: None,
        };
        control::begin(&mut tx, &run)?;
        let whole = [Range::default()];
        let ranges = |table: &str| prepared.ranges.get(table).map_or(&whole[..], Vec::as_slice);
        let chunks = plan.tables.iter().map(|t| (t.name.as_str(), ranges(&t.name)));
        ledger::fix_chunks(&mut tx, &run.id, chunks)?;
        publish::make_staging(&mut tx, &run.staging, &run.source_path)?;
        normalised::record(&mut tx, &run.id, prepared, examples)?;
        let detail = serde_json::json!({
            "source": run.source_path, "schema": run.schema, "plan": run.plan_hash,
            "options": changed::options(settings),
            "accepted": plan.findings.iter().filter(|f| f.accepted)
                .map(|f| format!("{}:{}", f.code, f.object)).collect::<Vec<_>>(),
        });
        control::audit(&mut tx, &settings.operator, Some(&run.id), "run started", &detail)?;
        fingerprint::store(&mut tx, &settings.operator, &run.id, &before)?;
        self.rely_on_copy(&run.id)?;
        tx.commit().map_err(|e| error_from_pg(e, doing))?;
        Ok(run)
    }

    /// Before the ledger names the private copy: it stays, and a note tells the next process where it is. Without its run
    /// the note is nothing, but without a note a killed run's copy would be taken for rubbish.
    fn rely_on_copy(&self, run: &str) -> Result<()> {
        // Also when the answer to the COMMIT is lost the run is ours.
        *self.lasting.own.borrow_mut() = Some(run.to_owned());
        self.reached(Reached::Begun);
        match self.source.keep_copy() {
            Some(copy) => prepare::remember_copy(self.settings, copy, run),
            None => Ok(()),
        }
    }

    fn resume(&self, mut main: Client, facts: &Facts, run: Run, keys: Keys) -> Result<Report> {
        let refuse = |what: String| {
            Err(Error::target(format!("run {} of this schema was interrupted and cannot go on: {what}", run.id))
                .about(format!("schema {}", run.schema))
                .hint("lite2pg rollback undoes it; then migrate begins anew"))
        };
        let path = self.source.facts().canonical.display().to_string();
        if run.source_path != path {
            return refuse(format!("it reads {}, not {path}", run.source_path));
        }
        if run.options_hash != self.settings.options_hash() && !self.same_plan(&mut main, facts, &run)? {
            let said = changed::list(changed::other_options(&mut main, &run.id, self.settings)?);
            return refuse(said.map_or_else(
                || {
                    "its options were others (--schema, --plan, --set, --types, --names, --tables, --policy, --accept, \
                     --collation, --max-rejects or --no-verify)"
                        .to_owned()
                },
                |said| format!("its options were others: {said}"),
            ));
        }
        // A new copy may have got the name of one that is gone: only one that was kept counts.
        let from_its_copy = self.kept.is_some() && self.copy() == run.snapshot_copy;
        if !from_its_copy {
            let before = serde_json::from_value(run.fingerprint.clone())
                .map_err(|e| Error::target("the ledger's fingerprint of the source cannot be read").because(e))?;
            if let Some(what) = self.source.fingerprint().differs_from(&before) {
                return refuse(format!("the source has changed since: {what}"));
            }
        }
        let plan = run.plan()?;
        let steps = plan.steps(&run.staging);
        if run.steps_hash.as_ref().is_some_and(|hash| *hash != control::steps_hash(&steps)) {
            return refuse("it was begun by another version of lite2pg, whose statements are others".to_owned());
        }
        // Whoever changed rows while this very process waited is found when they are read back.
        let count = self.is_first() || !self.settings.verify;
        if let Some(what) = changed::of_target(&mut main, &run, (&plan, &steps), facts.lock_slots, count)? {
            return refuse(format!("the target has changed since: {what}"));
        }
        if self.is_first() {
            prepare::tell_plan(&plan, self.observer);
        }
        self.rely_on_copy(&run.id)?;
        let doing = "going on with the run";
        let mut tx = main.transaction().map_err(|e| error_from_pg(e, doing))?;
        control::ensure(&mut tx)?;
        control::set_copy(&mut tx, &run.id, self.copy().as_deref())?;
        ledger::forget(&mut tx, &run.id, Stage::Verify)?;
        tx.commit().map_err(|e| error_from_pg(e, doing))?;
        let mut readers = self.readers()?;
        self.execute(main, facts, run, keys, &mut readers, (Vec::new(), None))
    }

    fn needs_decision(&self, prepared: Prepared, times: Vec<StageTime>) -> Report {
        let mut report = prepare::report(self.settings, &prepared.plan, &self.session.display());
        report.status = "needs-decision".to_owned();
        report.exit = Kind::NeedsDecision.exit();
        report.stages = times;
        report.seconds = self.begin.elapsed().as_secs_f64();
        report.peak_rss_bytes = memory::peak_rss();
        report
    }
}
