//! Everything before the first row moves: the source is opened, counted and decided about; the plan stands.
//! Owns that order, shared by migrate, inspect, plan and dry-run; never writes to a target.

use super::exclude::{self, Excluded};
use super::huge;
use super::pool::Cancel;
use super::session::Session;
use super::settings::{Settings, TargetSpec};
use super::shape::{self, Shaped};
use super::tryout;
use crate::error::{Error, Result};
use crate::observe::report::{Report, StageTime, TableReport};
use crate::observe::{Event, Observer};
use crate::safety::lock::Holder;
use crate::source::census::{self, TableCensus};
use crate::source::{Encoding, JournalMode, Options, ReadFrom, Reader, Source};
use crate::source::{duplicates, trial, widest};
use crate::target::catalog::Facts;
use crate::target::ledger::Range;
use lite2pg_model::finding::Finding;
use lite2pg_model::mapping::decide::{TableMapping, decide as decide_types};
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::mapping::trial as trials;
use lite2pg_model::plan::limits::Memory;
use lite2pg_model::plan::{Plan, build};
use lite2pg_model::schema::Schema;
use postgres::Client;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a lock that another process holds on the source is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// How often the trial is repeated at most: each time only what was decided anew is tried.
const TRIALS: usize = 3;

/// A plan and what stands beside it.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// Where each table is cut.
    pub ranges: BTreeMap<String, Vec<Range>>,
    /// What the columns hold.
    pub profiles: BTreeMap<String, TableProfile>,
    /// The schema as the source has it.
    pub schema: Schema,
    /// What each table becomes.
    pub mappings: BTreeMap<String, TableMapping>,
    /// Rows that a key refuses.
    pub excluded: Excluded,
}

/// Opens the source: the file itself, or the copy that an interrupted run kept, which only `migrate` may read: to every
/// other command the source is what it is now.
///
/// # Errors
/// The source cannot be read.
pub fn open_source(settings: &Settings, kept: Option<PathBuf>, observer: &dyn Observer) -> Result<Source> {
    let options = Options {
        work_dir: settings.work_dir.clone(),
        snapshot: settings.snapshot,
        kept_copy: kept,
        busy_timeout: BUSY,
        readers: settings.jobs.max(1),
    };
    let source = Source::open(&settings.source, &options)?;
    let facts = source.facts();
    let read = match &facts.read_from {
        ReadFrom::Pinned => "read in place".to_owned(),
        ReadFrom::Copied { path, reason } => format!("read from a private copy ({reason}) in {}", path.display()),
    };
    observer.see(&Event::Source {
        path: settings.source.display().to_string(),
        bytes: facts.bytes.saturating_add(facts.wal_bytes),
        journal: match facts.journal_mode {
            JournalMode::Wal => "WAL".to_owned(),
            JournalMode::Rollback => "rollback journal".to_owned(),
        },
        encoding: facts.encoding.word().to_owned(),
        read,
    });
    Ok(source)
}

/// As many readers as are wanted and can be had on the same snapshot; at least one.
///
/// # Errors
/// Not even one.
pub fn readers(source: &Source, wanted: usize) -> Result<Vec<Reader>> {
    let mut readers = vec![source.reader()?];
    while readers.len() < wanted {
        match source.try_reader()? {
            Some(reader) => readers.push(reader),
            None => break,
        }
    }
    Ok(readers)
}

/// Checks the source, counts it, decides types, and builds the plan with its findings; those that were answered are
/// accepted. With a connection to the target, what PostgreSQL refuses of the translations leaves the plan.
///
/// # Errors
/// The source cannot be read, is corrupt, or `Interrupted`.
pub fn decide(
    settings: &Settings,
    source: &Source,
    readers: &mut [Reader],
    (facts, target): (&Facts, Option<&mut Client>),
    observer: &dyn Observer,
    cancel: &Cancel,
    times: &mut Vec<StageTime>,
) -> Result<Prepared> {
    // Of 32 MiB a worker and more, SQLite has its usual 2 MB.
    readers.iter().try_for_each(|r| r.keep_pages(settings.memory / (16 * settings.jobs.max(1) as u64)))?;
    let reader = readers.first().ok_or_else(|| Error::internal("no reader"))?;
    let shaped = source.raw_schema().and_then(|raw| shape::shape(&settings.overrides, &raw, reader));
    let Shaped { schema, whole, left_out, findings: of_schema } = match shaped {
        Ok(shaped) => shaped,
        // Damage explains more than what came of it.
        Err(e) => return Err(check(source, observer, cancel, times).err().unwrap_or(e)),
    };
    let memory =
        Memory { utf16: source.facts().encoding != Encoding::Utf8, ..Memory::of(settings.memory, settings.jobs) };
    let chunk_bytes = settings.chunk_bytes;
    let counting = |readers: &mut [Reader], times: &mut Vec<StageTime>| {
        timed(times, observer, "census", || census::census(readers, &schema, chunk_bytes, &memory, observer, cancel))
            .map_err(|e| shape::blame(e, &settings.overrides, &schema, readers))
    };
    // The check reads what the census reads, at the same time and so mostly once. Nothing is decided before both have
    // ended, and damage explains more than what the census says of it.
    let (checked, counted) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let mut times = Vec::new();
            check(source, observer, cancel, &mut times).map(|findings| (findings, times))
        });
        let mut times = Vec::new();
        let counted = counting(readers, &mut times).map(|counted| (counted, times));
        (beside.join().unwrap_or_else(|_| Err(Error::internal("the check panicked"))), counted)
    });
    let (mut findings, of_check) = checked?;
    let (mut counted, of_census) = counted?;
    times.extend(of_check.into_iter().chain(of_census));
    cancel.check()?;
    findings.extend(source.damage());
    findings.extend(source.stand_ins());
    findings.extend(of_schema);
    let begin = Instant::now();
    let mut profiles: BTreeMap<String, TableProfile> = BTreeMap::new();
    let mut ranges = BTreeMap::new();
    let mut max_rowid = BTreeMap::new();
    for (name, table) in std::mem::take(&mut counted) {
        ranges.insert(name.clone(), ranges_of(&table));
        if let Some(max) = table.max_rowid {
            max_rowid.insert(name.clone(), max);
        }
        profiles.insert(name, table.profile);
    }
    let reader = readers.first_mut().ok_or_else(|| Error::internal("no reader"))?;
    shape::filtered(reader, &schema, &profiles, &mut findings, cancel)?;
    let (overrides, base) = (&settings.overrides, &settings.choices);
    let (choices, (mut mappings, mut of_types)) = overrides.settle(&schema, base, |choices| {
        let mut decided = decide_types(&schema, &profiles, choices);
        // What is taken back after a trial may need one of its own.
        for _ in 0..TRIALS {
            let wanted = trials::wanted(&schema, &profiles, choices, &decided.0);
            if wanted.is_empty() {
                break;
            }
            let mut tried = || trial::run(readers, &schema, &decided.0, &mut profiles, &wanted, cancel);
            timed(times, observer, "trial", &mut tried)?;
            decided = decide_types(&schema, &profiles, choices);
        }
        Ok::<_, Error>(decided)
    })?;
    let unmet = overrides.unmet(&schema, &mappings);
    if !unmet.is_empty() {
        return Err(shape::refused(&unmet));
    }
    let reader = readers.first_mut().ok_or_else(|| Error::internal("no reader"))?;
    if duplicates::count(reader, &schema, &mappings, &mut profiles, cancel)? {
        (mappings, of_types) = decide_types(&schema, &profiles, &choices);
    }
    let widest = widest::rows(reader, &schema, &profiles, &mappings, cancel)?;
    let collate = !facts.collation_c && !settings.collation_database;
    let other_order = !facts.collation_c;
    let quarantine_all = settings.max_rejects.is_some();
    let input = build::Input {
        schema: &settings.schema,
        collate,
        other_order,
        quarantine_all,
        overrides: Some(overrides),
        left_out: &left_out,
        whole: whole.as_ref(),
        max_rowid,
        memory,
        server: u32::try_from(facts.version_num).unwrap_or(0),
        choices: Some(&choices),
        widest,
    };
    let all = |of_types: Vec<Finding>| findings.iter().cloned().chain(of_types).collect();
    let mut plan = build::build(&schema, &profiles, &mappings, all(of_types), &input);
    if exclude::recount(reader, &plan, &schema, &mut profiles, cancel)? {
        (mappings, of_types) = decide_types(&schema, &profiles, &choices);
        plan = build::build(&schema, &profiles, &mappings, all(of_types), &input);
    }
    let mut excluded = exclude::find(reader, &plan, cancel)?;
    // Rows that are set aside may be the parents of others, which are then orphans too.
    while exclude::count_lost(&excluded, &plan, &schema, &mut profiles) {
        (mappings, of_types) = decide_types(&schema, &profiles, &choices);
        plan = build::build(&schema, &profiles, &mappings, all(of_types), &input);
        excluded = exclude::find(reader, &plan, cancel)?;
    }
    plan.findings.extend(huge::foresee(reader, &plan, &excluded, settings.jobs, cancel)?);
    if quarantine_all {
        exclude::answered(&mut plan.findings, &schema, &profiles);
    }
    if let Some(client) = target
        && !tryout::settle(client, facts, &mut plan)?
    {
        let text = "what PostgreSQL may refuse of the translations was not tried beforehand: that would take more than \
                    half of its locks (max_locks_per_transaction)";
        observer.see(&Event::Note { text: text.to_owned() });
    }
    settings.accept_findings(&mut plan.findings);
    times.push(StageTime { name: "plan".to_owned(), seconds: begin.elapsed().as_secs_f64() });
    tell_plan(&plan, observer);
    excluded.words().for_each(|text| observer.see(&Event::Note { text }));
    Ok(Prepared { plan, ranges, profiles, schema, mappings, excluded })
}

fn check(
    source: &Source,
    observer: &dyn Observer,
    cancel: &Cancel,
    times: &mut Vec<StageTime>,
) -> Result<Vec<Finding>> {
    timed(times, observer, "check", || source.quick_check(&|| cancel.requested()))
}

fn timed<T>(
    times: &mut Vec<StageTime>,
    observer: &dyn Observer,
    stage: &'static str,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let begin = Instant::now();
    observer.see(&Event::StageStarted { stage, bytes: 0, rows: 0, steps: 0 });
    let out = work()?;
    let seconds = begin.elapsed().as_secs_f64();
    times.push(StageTime { name: stage.to_owned(), seconds });
    observer.see(&Event::StageDone { stage, seconds });
    Ok(out)
}

/// Chunks from the census's cuts: the first has no lower bound and the last no upper one, so that none can be missed.
fn ranges_of(census: &TableCensus) -> Vec<Range> {
    let mut cuts = census.cuts.clone();
    // A cut at the very last row would leave an empty chunk behind it.
    if cuts.last().copied() == census.max_rowid {
        cuts.pop();
    }
    let mut ranges = Vec::with_capacity(cuts.len() + 1);
    let mut after = None;
    for cut in cuts {
        ranges.push(Range { after, last: Some(cut) });
        after = Some(cut);
    }
    ranges.push(Range { after, last: None });
    ranges
}

/// Tells what the plan has, for a line.
pub fn tell_plan(plan: &Plan, observer: &dyn Observer) {
    let keys = |t: &lite2pg_model::plan::TablePlan| {
        (usize::from(t.primary_key.is_some()) + t.uniques.len() + t.indexes.len()) as u64
    };
    observer.see(&Event::Planned {
        tables: plan.tables.len() as u64,
        rows: plan.rows(),
        keys_and_indexes: plan.tables.iter().map(keys).sum(),
        foreign_keys: plan.tables.iter().map(|t| t.foreign_keys.len() as u64).sum(),
        views: plan.views.len() as u64,
        triggers: plan.triggers.len() as u64,
        findings: plan.findings.clone(),
    });
}

/// Tells where the migration goes.
pub fn tell_target(session: &Session, facts: &Facts, settings: &Settings, observer: &dyn Observer) {
    for note in session.server().map_or(&[][..], |s| s.notes()) {
        observer.see(&Event::Note { text: note.clone() });
    }
    observer.see(&Event::Target {
        target: session.display(),
        version: facts.version.clone(),
        database: facts.database.clone(),
        schema: settings.schema.clone(),
        managed: session.server().map(|s| s.engine().to_string()),
    });
}

/// Every name of a relation or a type that the plan puts into the final schema.
pub fn published_names(plan: &Plan) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for table in &plan.tables {
        names.insert(table.target.clone());
        names.extend(table.primary_key.iter().chain(&table.uniques).map(|k| k.name.clone()));
        names.extend(table.indexes.iter().map(|i| i.name.clone()));
        names.extend(table.columns.iter().filter_map(|c| c.identity.as_ref()).map(|i| i.sequence.clone()));
        names.extend(table.extra.iter().filter_map(|e| e.sequence.clone()));
        names.extend(table.columns.iter().filter_map(|c| c.enum_name.clone()));
    }
    names.extend(plan.views.iter().map(|v| v.target.clone()));
    names
}

/// A report with what is known before rows move.
pub fn report(settings: &Settings, plan: &Plan, target: &str) -> Report {
    let tables = plan.tables.iter().map(|t| TableReport {
        name: t.name.clone(),
        target: format!("{}.{}", plan.schema, t.target),
        rows: t.rows,
        bytes: t.bytes,
        ..TableReport::default()
    });
    Report {
        status: "done".to_owned(),
        source: settings.source.display().to_string(),
        target: target.to_owned(),
        schema: plan.schema.clone(),
        tables: tables.collect(),
        objects: plan.objects,
        findings: plan.findings.clone(),
        ..Report::default()
    }
}

/// Who holds the source while we run, for the one who comes second.
pub fn holder(settings: &Settings) -> Holder {
    let target = match &settings.target {
        TargetSpec::Server(conninfo) => conninfo.display(),
        TargetSpec::Managed(options) => options.dir.display().to_string(),
    };
    Holder { pid: std::process::id(), host: settings.operator.host.clone(), started: super::clock::now(), target }
}

/// A small file that tells the next run of the same source to the same target where the private copy of an interrupted
/// one lies, and which run that was. Only a hint: the ledger decides whether that copy is the right one.
fn copy_note(settings: &Settings) -> PathBuf {
    let path = settings.source.canonicalize().unwrap_or_else(|_| settings.source.clone());
    let target = holder(settings).target;
    let hash = Sha256::digest(format!("{}\n{target}\n{}", path.display(), settings.schema).as_bytes());
    let name: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    settings.work_dir.join(format!("copy-of-{name}"))
}

/// A private copy that was kept, and the run it was kept for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it is.
    pub path: PathBuf,
    /// The run's identifier; empty if it is not known.
    pub run: String,
}

impl Kept {
    fn read(note: &Path) -> Option<Kept> {
        let text = std::fs::read_to_string(note).ok()?;
        let mut lines = text.lines();
        let path = PathBuf::from(lines.next()?.trim());
        Some(Kept { path, run: lines.next().unwrap_or_default().trim().to_owned() })
    }
}

/// The private copy that an interrupted run of this source, target and schema kept, if it is still there.
pub fn kept_copy(settings: &Settings) -> Option<Kept> {
    Kept::read(&copy_note(settings)).filter(|k| k.path.exists())
}

/// Remembers the private copy for the next run.
///
/// # Errors
/// The work directory cannot be written.
pub fn remember_copy(settings: &Settings, copy: &Path, run: &str) -> Result<()> {
    let note = copy_note(settings);
    std::fs::write(&note, format!("{}\n{run}\n", copy.display())).map_err(|e| {
        Error::source(format!("cannot write {}", note.display()))
            .hint("the work directory must be writable; choose another with --work-dir")
            .because(e)
    })
}

/// Removes the private copies that killed processes left in the work directory, but for those that a note tells of.
pub fn sweep_copies(settings: &Settings) {
    let told = copies_told_of(&settings.work_dir);
    crate::source::sweep_copies(&settings.work_dir, &|copy| told.contains(copy));
}

/// The private copies that notes in a work directory tell of: interrupted runs go on with them.
pub(crate) fn copies_told_of(work_dir: &Path) -> BTreeSet<PathBuf> {
    notes(work_dir).filter_map(|n| Kept::read(&n)).map(|k| k.path).collect()
}

fn notes(work_dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(work_dir).into_iter().flatten().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().starts_with("copy-of-")).map(|e| e.path())
}

/// Forgets the note of this source and target, and every note of a copy that is gone, also where that copy was if that
/// was another work directory.
pub fn forget_copy(settings: &Settings, gone: Option<&Path>) {
    let own = copy_note(settings);
    let there = gone.and_then(Path::parent).and_then(Path::parent);
    let notes = notes(&settings.work_dir).chain(there.into_iter().flat_map(notes));
    for note in notes.filter(|n| *n == own || Kept::read(n).is_some_and(|k| !k.path.exists())) {
        // Already gone is as good.
        let _ = std::fs::remove_file(note);
    }
}
