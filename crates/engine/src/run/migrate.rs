//! `migrate`: decide, do, prove, publish — or go on with an interrupted run, or say that the work is done.
//! Owns the order of these; each of them lives in a module of its own.

mod perform;

use super::examples::Examples;
use super::pool::Cancel;
use super::prepare::{self, Kept, Prepared};
use super::session::Session;
use super::settings::Settings;
use super::{already, clock, finish, normalised};
use crate::error::{Error, Kind, Result};
use crate::observe::report::{Report, StageTime};
use crate::observe::{Event, Observer, memory};
use crate::safety::lock::SourceLock;
use crate::safety::rollback;
use crate::source::Source;
use crate::target::catalog::{self, Facts};
use crate::target::control::{self, Run, Status};
use crate::target::ledger::{self, Range};
use crate::target::lock::Keys;
use crate::target::{error_from_pg, publish};
use lite2pg_model::plan::Stage;
use postgres::Client;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Migrates a source to a target and proves it. The report says how it ended; findings that need a decision and
/// differences are values in it, not errors.
///
/// After a crash at any instant the same call goes on, or `rollback` undoes what was done.
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
        match attempt(settings, observer, cancel, begin, kept)? {
            Next::Ended(report) => return Ok(*report),
            Next::Again(other) => kept = other,
        }
    }
}

/// What one try came to.
enum Next {
    /// The end.
    Ended(Box<Report>),
    /// What was read is not what the run that is to be made now needs: another try reads this copy, or the source itself.
    Again(Option<Kept>),
}

/// One try, on a kept copy or on the source.
fn attempt(
    settings: &Settings,
    observer: &dyn Observer,
    cancel: &Cancel,
    begin: Instant,
    kept: Option<Kept>,
) -> Result<Next> {
    let source = prepare::open_source(settings, kept.clone().map(|k| k.path), observer)?;
    let session = Session::open(&settings.target, &clock::application(&settings.operator))?;
    let own = OnceCell::new();
    let migration = Migration { settings, observer, cancel, source: &source, session: &session, begin, kept, own };
    let mut outcome = migration.run();
    if settings.rollback_on_failure {
        migration.take_back(&mut outcome);
    }
    let closed = session.close();
    // What was kept for a run that is still open stays; a copy that no run relies on goes with the source.
    let ended = match &outcome {
        Ok(Next::Ended(report)) => report.exit == 0 || report.exit == Kind::NeedsDecision.exit(),
        // The copy was of a run that is known to have ended, or was made for nothing.
        Ok(Next::Again(_)) => true,
        Err(_) => false,
    };
    if ended {
        let copy = source.copy_path().map(Path::to_owned);
        source.discard_copy()?;
        prepare::forget_copy(settings, copy.as_deref());
    }
    let next = outcome?;
    closed?;
    Ok(next)
}

struct Migration<'a> {
    settings: &'a Settings,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
    source: &'a Source,
    session: &'a Session,
    begin: Instant,
    /// What is read is the private copy of an earlier run: the source as it was then.
    kept: Option<Kept>,
    /// The run that this process began, or rightly went on with: the only one it may take back.
    own: OnceCell<String>,
}

impl Migration<'_> {
    fn run(&self) -> Result<Next> {
        let settings = self.settings;
        let mut main = self.session.connect()?;
        let facts = catalog::facts(&mut main, &settings.schema)?;
        prepare::tell_target(self.session, &facts, settings, self.observer);
        facts.check(&settings.schema)?;
        let keys = Keys::of(&settings.schema);
        keys.take(&mut main, &settings.schema, &clock::is_dead)?;
        let runs = control::runs(&mut main, Some(&settings.schema))?;
        let last = runs.iter().find(|r| r.status != Status::RolledBack);
        let ended = |report| Next::Ended(Box::new(report));
        if let Some(last) = last.filter(|r| r.status == Status::Running) {
            if self.kept.is_some() && last.snapshot_copy != self.copy() {
                return Ok(Next::Again(None));
            }
            if let Some(copy) = self.copy_of(last) {
                return Ok(Next::Again(Some(copy)));
            }
            return self.resume(main, &facts, last.clone(), keys).map(ended);
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
            return Ok(Next::Again(None));
        }
        self.begin_anew(main, &facts, keys).map(ended)
    }

    /// Whether options that are worded otherwise come to the very plan of a run: a file that nobody edited says what the
    /// rules come to without it. The source is counted anew for that.
    fn same_plan(&self, main: &mut Client, facts: &Facts, run: &Run) -> Result<bool> {
        if !self.settings.differs_in_overrides_alone(&run.options_hash) {
            return Ok(false);
        }
        let mut readers = prepare::readers(self.source, self.settings.jobs)?;
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
        let mut readers = prepare::readers(self.source, settings.jobs)?;
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
        let reader = readers.first_mut().ok_or_else(|| Error::internal("no reader"))?;
        let examples = Examples::find(reader, &prepared, self.cancel)?;
        let run = self.write_down(&mut main, &prepared, &examples)?;
        self.observer.see(&Event::RunStarted { run: run.id.clone() });
        self.execute(main, facts, run, keys, readers, (times, Some(prepared.excluded)))
    }

    /// Makes the staging schema, the ledger's chunks and the run's row in one transaction: either the run exists with
    /// all of them, or nothing does.
    fn write_down(&self, main: &mut Client, prepared: &Prepared, examples: &Examples) -> Result<Run> {
        let settings = self.settings;
        let doing = "beginning the run";
        let mut tx = main.transaction().map_err(|e| error_from_pg(e, doing))?;
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
        for table in &plan.tables {
            let ranges = prepared.ranges.get(&table.name).cloned().unwrap_or_else(|| vec![Range::default()]);
            ledger::fix_chunks(&mut tx, &run.id, &table.name, &ranges)?;
        }
        publish::make_staging(&mut tx, &run.staging, &run.source_path)?;
        normalised::record(&mut tx, &run.id, prepared, examples)?;
        let detail = serde_json::json!({
            "source": run.source_path, "schema": run.schema, "plan": run.plan_hash,
            "accepted": plan.findings.iter().filter(|f| f.accepted)
                .map(|f| format!("{}:{}", f.code, f.object)).collect::<Vec<_>>(),
        });
        control::audit(&mut tx, &settings.operator, Some(&run.id), "run started", &detail)?;
        self.rely_on_copy(&run.id)?;
        tx.commit().map_err(|e| error_from_pg(e, doing))?;
        Ok(run)
    }

    /// Before the ledger names the private copy: it stays, and a note tells the next process where it is. Without its run
    /// the note is nothing, but without a note a killed run's copy would be taken for rubbish.
    fn rely_on_copy(&self, run: &str) -> Result<()> {
        // Also when the answer to the COMMIT is lost the run is ours.
        let _ = self.own.set(run.to_owned());
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
            return refuse(
                "its options were others (schema, --plan, --set, --names, --tables, --policy, --accept, --collation or --no-verify)".to_owned(),
            );
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
        ledger::steps_done(&mut main, &run.id, &steps)?;
        prepare::tell_plan(&plan, self.observer);
        self.rely_on_copy(&run.id)?;
        let doing = "going on with the run";
        let mut tx = main.transaction().map_err(|e| error_from_pg(e, doing))?;
        control::ensure(&mut tx)?;
        control::set_copy(&mut tx, &run.id, self.copy().as_deref())?;
        ledger::forget(&mut tx, &run.id, Stage::Verify)?;
        tx.commit().map_err(|e| error_from_pg(e, doing))?;
        let readers = prepare::readers(self.source, self.settings.jobs)?;
        self.execute(main, facts, run, keys, readers, (Vec::new(), None))
    }

    /// `--on-failure rollback`: undoes the run that failed. If that fails too, the error says both.
    fn take_back(&self, outcome: &mut Result<Next>) {
        let different = Kind::Different.exit();
        if outcome.is_ok() && !matches!(outcome, Ok(Next::Ended(report)) if report.exit == different) {
            return;
        }
        // A run that we refused to go on with is somebody else's.
        let Some(own) = self.own.get() else { return };
        let undone = rollback::unfinished_run(self.session, self.settings, own, self.observer, self.cancel);
        let hint = match undone {
            Ok(true) => format!("run {own} was rolled back, as --on-failure rollback asks; nothing of it is left"),
            Ok(false) => return,
            Err(second) => format!("rolling back failed too: {second}; lite2pg rollback tries again"),
        };
        match outcome {
            Ok(Next::Again(_)) => {}
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
