//! Stages whose tasks overlap: each begins with its first task and ends with its last, and lasts as long as one of them runs.
//! Owns telling that and the times; never the order of tasks.

use crate::observe::report::StageTime;
use crate::observe::{Event, Observer};
use lite2pg_model::plan::{Plan, Stage, Step};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The stages of the build, in the report's order. Comparing ends after the build, and publishing comes later.
const ORDER: [Stage; 10] = [
    Stage::Helpers,
    Stage::Create,
    Stage::Copy,
    Stage::Keys,
    Stage::Indexes,
    Stage::Constraints,
    Stage::Sequences,
    Stage::Analyze,
    Stage::Views,
    Stage::Triggers,
];

#[derive(Clone, Copy, Default)]
struct One {
    /// Tasks that have not ended.
    left: usize,
    /// Steps of the plan, those of an interrupted run among them.
    steps: u64,
    told: bool,
    running: usize,
    /// Since when at least one task runs.
    since: Option<Instant>,
    /// While at least one ran, until `since`.
    seconds: f64,
}

/// How far each stage is.
pub struct Stages<'a> {
    rows: u64,
    bytes: u64,
    each: Mutex<BTreeMap<Stage, One>>,
    observer: &'a dyn Observer,
}

impl<'a> Stages<'a> {
    /// Of a plan's steps, and the stage of each task that is left.
    pub fn new(plan: &Plan, steps: &[Step], left: impl Iterator<Item = Stage>, observer: &'a dyn Observer) -> Self {
        let mut each: BTreeMap<Stage, One> = BTreeMap::new();
        for step in steps {
            each.entry(step.stage).or_default().steps += 1;
        }
        for stage in left {
            each.entry(stage).or_default().left += 1;
        }
        let bytes = plan.tables.iter().fold(0, |sum: u64, t| sum.saturating_add(t.bytes));
        Stages { rows: plan.rows(), bytes, each: Mutex::new(each), observer }
    }

    /// Stages that have nothing left are told at once; those of objects that the plan has none of are not told.
    pub fn empty_ones(&self) {
        let empty: Vec<Stage> = {
            let each = self.lock();
            let is_empty = |s: &Stage| match each.get(s) {
                Some(one) => one.left == 0,
                None => !matches!(s, Stage::Helpers | Stage::Views | Stage::Triggers),
            };
            ORDER.iter().copied().filter(is_empty).collect()
        };
        for stage in empty {
            self.tell(stage);
            self.told_end(stage, 0.0);
        }
    }

    /// A task of a stage begins.
    pub fn begin(&self, stage: Stage) {
        self.tell(stage);
        let mut each = self.lock();
        let one = each.entry(stage).or_default();
        one.running += 1;
        one.since.get_or_insert_with(Instant::now);
    }

    /// Tells that a stage begins, once.
    pub fn tell(&self, stage: Stage) {
        let mut each = self.lock();
        let one = each.entry(stage).or_default();
        if std::mem::replace(&mut one.told, true) {
            return;
        }
        let (rows, bytes) = match stage {
            Stage::Copy => (self.rows, self.bytes),
            Stage::Verify => (self.rows, 0),
            _ => (0, 0),
        };
        // Told under the lock: nothing of a stage is told before its begin.
        self.observer.see(&Event::StageStarted { stage: stage.word(), bytes, rows, steps: one.steps });
    }

    /// So many more tasks of a stage were found.
    pub fn more(&self, stage: Stage, tasks: usize) {
        self.lock().entry(stage).or_default().left += tasks;
    }

    /// A task of a stage has ended well.
    pub fn end(&self, stage: Stage) {
        let seconds = {
            let mut each = self.lock();
            let one = each.entry(stage).or_default();
            one.left = one.left.saturating_sub(1);
            one.running = one.running.saturating_sub(1);
            if one.running == 0 {
                one.seconds += one.since.take().map_or(0.0, |s| s.elapsed().as_secs_f64());
            }
            if one.left > 0 {
                return;
            }
            one.seconds
        };
        // Comparing goes on with what was read.
        if stage != Stage::Verify {
            self.told_end(stage, seconds);
        }
    }

    fn told_end(&self, stage: Stage, seconds: f64) {
        self.observer.see(&Event::StageDone { stage: stage.word(), seconds });
    }

    /// How long a stage's tasks ran; `None`: it has not begun.
    pub fn seconds(&self, stage: Stage) -> Option<f64> {
        self.lock().get(&stage).filter(|one| one.told).map(|one| one.seconds)
    }

    /// How long at least one task of each stage ran, in the report's order.
    pub fn times(&self) -> Vec<StageTime> {
        let each = self.lock();
        let told = ORDER.iter().filter_map(|s| each.get(s).filter(|one| one.told).map(|one| (s, one)));
        told.map(|(s, one)| StageTime { name: s.word().to_owned(), seconds: one.seconds }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Stage, One>> {
        self.each.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
