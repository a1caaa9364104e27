//! A run's tasks: what the ledger does not have yet, with what each needs, locks and costs.
//! Owns how steps hang together; never what a step says (see the model's `plan::ddl`), and does none of them.

use super::locks::{Lock, Mode};
use super::order::Task;
use crate::target::ledger::Chunk;
use crate::verify::digest::Pages;
use lite2pg_model::plan::{Plan, Stage, Step, TablePlan, Work};
use std::collections::{BTreeMap, BTreeSet};

/// What a task does.
#[derive(Clone, Debug)]
pub enum Todo<'a> {
    /// Runs a step's statement.
    Statement(&'a Step),
    /// Copies a chunk of a table.
    Chunk {
        /// The table's place in the plan.
        table: usize,
        /// The chunk.
        chunk: &'a Chunk,
        /// The table is made by this step, in the same transaction.
        create: Option<&'a Step>,
        /// It is the table's only chunk: this step is done with it.
        copy: Option<&'a Step>,
    },
    /// Reads some of a table back, to compare it; without pages: says in which parts that is to be done.
    Read {
        /// The table's place in the plan.
        table: usize,
        /// Which of its pages.
        pages: Option<Pages>,
    },
}

impl Todo<'_> {
    /// The stage it belongs to.
    pub fn stage(&self) -> Stage {
        match self {
            Todo::Statement(step) => step.stage,
            Todo::Chunk { .. } => Stage::Copy,
            Todo::Read { .. } => Stage::Verify,
        }
    }
}

/// Reads a table in parts, now that they are known.
pub fn parts<'a>(plan: &Plan, i: usize, parts: Vec<Pages>) -> Vec<(Task, Todo<'a>)> {
    let Some(table) = plan.tables.get(i) else { return Vec::new() };
    let task = |pages: Pages| {
        let locks = locks(table, &[(i, Mode::AccessShare)]);
        let task = Task { locks, cost: 500 + pages.bytes / 250, filler: true, ..Task::default() };
        (task, Todo::Read { table: i, pages: Some(pages) })
    };
    parts.into_iter().map(task).collect()
}

/// What has been done before.
pub struct Done<'a> {
    /// Steps with a mark.
    pub steps: &'a BTreeSet<u32>,
    /// The chunks of each table, by its name in the source.
    pub chunks: &'a BTreeMap<String, Vec<Chunk>>,
}

/// Tasks of one table, by their places.
#[derive(Clone, Default)]
struct OfTable {
    create: Option<usize>,
    chunks: Vec<usize>,
    /// Builds of indexes, those of keys among them.
    indexes: Vec<usize>,
    /// What a foreign key may refer to.
    keys: Vec<usize>,
    /// What changes the table's definition for good: views are made after that.
    checks: Vec<usize>,
}

/// The tasks that are left of a plan's steps; with `verify`, tables are read back as well.
pub fn tasks<'a>(plan: &Plan, steps: &'a [Step], done: &Done<'a>, verify: bool) -> Vec<(Task, Todo<'a>)> {
    let mut tasks = Tasks { plan, list: Vec::new(), of: vec![OfTable::default(); plan.tables.len()], last: None };
    let mut creates: Vec<Option<&Step>> = vec![None; plan.tables.len()];
    let mut helpers = Vec::new();
    let mut added = None;
    for step in steps {
        let is_done = done.steps.contains(&step.id);
        match step.work {
            Work::Copy(table) => tasks.copy(table, step, creates.get(table).copied().flatten(), done, &helpers),
            Work::Verify(table) if verify => tasks.read(table),
            Work::Verify(_) | Work::Publish => {}
            _ if is_done => added = None,
            Work::Helpers => helpers.push(tasks.push(Task { cost: 50_000, ..Task::default() }, step)),
            Work::Create(table) => {
                // A table of one chunk is made with its rows, so that they can be frozen.
                let chunks = plan.tables.get(table).and_then(|t| done.chunks.get(&t.name)).map_or(0, Vec::len);
                if chunks == 1 {
                    if let Some(create) = creates.get_mut(table) {
                        *create = Some(step);
                    }
                } else {
                    let task = Task { needs: helpers.clone(), cost: 2_000, ..Task::default() };
                    let task = tasks.push(task, step);
                    tasks.table(table, |t| t.create = Some(task));
                }
            }
            // Its validation comes right after it.
            Work::ForeignKey { .. } => added = Some(tasks.foreign_key(step, None)),
            Work::Validate { .. } => {
                tasks.foreign_key(step, added.take());
            }
            _ => tasks.statement(step),
        }
    }
    tasks.list
}

struct Tasks<'a, 'p> {
    plan: &'p Plan,
    list: Vec<(Task, Todo<'a>)>,
    of: Vec<OfTable>,
    /// The last of the views and triggers: they are made one after the other.
    last: Option<usize>,
}

impl<'a> Tasks<'a, '_> {
    fn push(&mut self, task: Task, step: &'a Step) -> usize {
        self.list.push((task, Todo::Statement(step)));
        self.list.len() - 1
    }

    fn table(&mut self, table: usize, note: impl FnOnce(&mut OfTable)) {
        if let Some(of) = self.of.get_mut(table) {
            note(of);
        }
    }

    fn copy(&mut self, i: usize, step: &'a Step, create: Option<&'a Step>, done: &Done<'a>, helpers: &[usize]) {
        let Some(table) = self.plan.tables.get(i) else { return };
        let chunks = done.chunks.get(&table.name).map_or(&[][..], Vec::as_slice);
        let only = (chunks.len() == 1).then_some(step);
        let left = chunks.iter().filter(|c| c.done.is_none());
        // All that is left of the table: see `Task::cost`.
        let cost = copy_cost(table).saturating_mul(left.clone().count() as u64) / chunks.len().max(1) as u64;
        let needs = self.of.get(i).and_then(|t| t.create).map_or_else(|| helpers.to_vec(), |c| vec![c]);
        let mode = if create.is_some() { Mode::AccessExclusive } else { Mode::RowExclusive };
        let mut before = None;
        for chunk in left {
            let locks = locks(table, &[(i, mode)]);
            let task = Task { needs: needs.clone(), follows: before, locks, cost, stream: Some(i), ..Task::default() };
            self.list.push((task, Todo::Chunk { table: i, chunk, create, copy: only }));
            let place = self.list.len() - 1;
            before = Some(place);
            self.table(i, |t| t.chunks.push(place));
        }
    }

    fn read(&mut self, i: usize) {
        let (Some(table), Some(of)) = (self.plan.tables.get(i), self.of.get(i)) else { return };
        let locks = locks(table, &[(i, Mode::AccessShare)]);
        let (needs, cost) = (of.chunks.clone(), read_cost(table));
        self.list
            .push((Task { needs, locks, cost, filler: true, ..Task::default() }, Todo::Read { table: i, pages: None }));
    }

    /// A step about one table (or a view).
    fn statement(&mut self, step: &'a Step) {
        match step.work {
            Work::KeyIndex(i) | Work::Index { table: i, .. } => {
                let task = self.on(i, Mode::Share, index_cost, |t| &t.chunks);
                let place = self.push(task, step);
                let referred = matches!(step.work, Work::Index { unique: true, .. });
                self.table(i, |t| {
                    t.indexes.push(place);
                    if referred {
                        t.keys.push(place);
                    }
                });
            }
            Work::Key(i) => {
                let task = self.on(i, Mode::AccessExclusive, |_| 1_000, |t| &t.indexes);
                let place = self.push(task, step);
                self.table(i, |t| t.keys.push(place));
            }
            Work::Check(i) => {
                let task = self.on(i, Mode::AccessExclusive, |_| 1_000, |t| &t.indexes);
                let place = self.push(task, step);
                self.table(i, |t| t.checks.push(place));
            }
            Work::Position(i) => {
                let task = Task { locks: Vec::new(), ..self.on(i, Mode::AccessShare, |_| 500, |t| &t.chunks) };
                self.push(task, step);
            }
            // Expressions of indexes get statistics too.
            Work::Analyze(i) => {
                let task = self.on(i, Mode::ShareUpdateExclusive, analyze_cost, |t| &t.indexes);
                self.push(task, step);
            }
            Work::View | Work::Trigger(_) => {
                let needs = match self.last {
                    Some(last) => vec![last],
                    None => self
                        .of
                        .iter()
                        .flat_map(|t| t.chunks.iter().chain(&t.keys).chain(&t.checks).chain(&t.create))
                        .copied()
                        .collect(),
                };
                let on = match step.work {
                    Work::Trigger(Some(i)) => vec![Lock { table: i, mode: Mode::ShareRowExclusive }],
                    _ => Vec::new(),
                };
                let task = Task { needs, locks: on, cost: 2_000, ..Task::default() };
                self.last = Some(self.push(task, step));
            }
            _ => {}
        }
    }

    /// A task that locks a table, and comes after its rows and some others of it.
    fn on(
        &self,
        i: usize,
        mode: Mode,
        cost: impl Fn(&TablePlan) -> u64,
        needs: impl Fn(&OfTable) -> &Vec<usize>,
    ) -> Task {
        let cost = self.plan.tables.get(i).map_or(0, cost);
        let needs = self.of.get(i).into_iter().flat_map(|of| after(of, needs(of))).collect();
        Task { needs, locks: vec![Lock { table: i, mode }], cost, ..Task::default() }
    }

    fn foreign_key(&mut self, step: &'a Step, added: Option<usize>) -> usize {
        let (child, parent, adding) = match step.work {
            Work::ForeignKey { child, parent } => (child, parent, true),
            Work::Validate { child, parent } => (child, parent, false),
            _ => return 0,
        };
        let modes = match adding {
            true => (Mode::ShareRowExclusive, Mode::ShareRowExclusive),
            false => (Mode::ShareUpdateExclusive, Mode::RowShare),
        };
        let mut task = match adding {
            true => self.on(child, modes.0, |_| 1_000, |t| &t.indexes),
            false => self.on(child, modes.0, validate_cost, |t| &t.indexes),
        };
        task.needs.extend(added);
        if let Some(parent) = parent.filter(|_| adding)
            && let Some(of) = self.of.get(parent)
        {
            task.needs.extend(after(of, &of.keys));
        }
        if let Some(parent) = parent.filter(|p| *p != child) {
            task.locks.push(Lock { table: parent, mode: modes.1 });
        }
        self.push(task, step)
    }
}

/// Some tasks of a table, which come after its rows; where there are none of them, those that fill it.
fn after<'t>(of: &'t OfTable, needs: &'t [usize]) -> Vec<usize> {
    match (needs, of.chunks.as_slice()) {
        ([], []) => of.create.into_iter().collect(),
        ([], chunks) => chunks.to_vec(),
        (needs, _) => needs.to_vec(),
    }
}

/// Values that are held whole are held by one worker at a time: as if they had a table in common.
const HELD_WHOLE: usize = usize::MAX;

fn locks(table: &TablePlan, on: &[(usize, Mode)]) -> Vec<Lock> {
    let alone = table.long.as_ref().is_some_and(|l| l.alone).then_some((HELD_WHOLE, Mode::AccessExclusive));
    on.iter().copied().chain(alone).map(|(table, mode)| Lock { table, mode }).collect()
}

// Microseconds, as measured on one machine; only their proportions matter.

fn copy_cost(table: &TablePlan) -> u64 {
    1_000 + table.rows / 2 + table.bytes / 200
}

fn index_cost(table: &TablePlan) -> u64 {
    500 + table.rows / 3
}

fn validate_cost(table: &TablePlan) -> u64 {
    500 + table.rows / 8
}

fn analyze_cost(table: &TablePlan) -> u64 {
    500 + table.rows.min(30_000) * 5
}

fn read_cost(table: &TablePlan) -> u64 {
    500 + table.rows / 4 + table.bytes / 400
}
