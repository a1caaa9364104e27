//! How much work lies before a run, stage by stage: told once when it begins, so that what is left can be estimated.
//! Owns what a step weighs in bytes; never what is done when.

use super::queue::tasks::Todo;
use crate::observe::Event;
use crate::observe::event::Ahead;
use crate::target::ledger::Chunk;
use lite2pg_model::plan::{Plan, Stage, Step, Work};
use std::collections::{BTreeMap, BTreeSet};

/// What a step weighs: bytes that it reads or writes, about.
pub fn bytes_of(plan: &Plan, step: &Step) -> u64 {
    let of = |i: usize, weigh: &dyn Fn(u64, u64) -> u64| plan.tables.get(i).map_or(0, |t| weigh(t.rows, t.bytes));
    match step.work {
        Work::Copy(i) | Work::Verify(i) => of(i, &|_, bytes| bytes),
        // A key of each row, and a look at all of the table.
        Work::KeyIndex(i) | Work::Index { table: i, .. } => of(i, &|rows, bytes| rows.saturating_mul(24) + bytes / 20),
        Work::Validate { child: i, .. } | Work::Check(i) => of(i, &|rows, bytes| rows.saturating_mul(16) + bytes / 50),
        // It reads a sample.
        Work::Analyze(i) => of(i, &|_, bytes| bytes.min(64 << 20)),
        _ => 0,
    }
}

/// What lies before a run.
pub fn told(
    plan: &Plan,
    steps: &[Step],
    done: &BTreeSet<u32>,
    chunks: &BTreeMap<String, Vec<Chunk>>,
    verify: bool,
) -> Event {
    let mut stages: BTreeMap<Stage, Ahead> = BTreeMap::new();
    for step in steps.iter().filter(|s| verify || s.stage != Stage::Verify) {
        let ahead = stages.entry(step.stage).or_insert(Ahead { stage: step.stage.word(), ..Ahead::default() });
        let bytes = bytes_of(plan, step);
        ahead.bytes += bytes;
        if let Work::Copy(i) | Work::Verify(i) = step.work {
            ahead.rows += plan.tables.get(i).map_or(0, |t| t.rows);
        }
        if let Work::Copy(i) = step.work {
            let of_table = plan.tables.get(i).and_then(|t| chunks.get(&t.name)).map_or(&[][..], Vec::as_slice);
            ahead.tasks += of_table.len() as u64;
            for (sum, bytes) in of_table.iter().filter_map(|c| c.done) {
                ahead.tasks_done += 1;
                ahead.bytes_done += bytes;
                ahead.rows_done += sum.rows;
            }
            continue;
        }
        ahead.tasks += 1;
        if done.contains(&step.id) {
            ahead.tasks_done += 1;
            ahead.bytes_done += bytes;
        }
    }
    Event::Ahead { stages: stages.into_values().collect() }
}

/// A task begins.
pub fn started(plan: &Plan, chunks: &BTreeMap<String, Vec<Chunk>>, todo: &Todo<'_>) -> Event {
    let table = |i: usize| plan.tables.get(i);
    let (object, bytes) = match todo {
        Todo::Statement(step) => (step.object.clone(), bytes_of(plan, step)),
        Todo::Chunk { table: i, .. } => table(*i).map_or_else(Default::default, |t| {
            let parts = chunks.get(&t.name).map_or(1, Vec::len).max(1) as u64;
            (t.name.clone(), t.bytes / parts)
        }),
        // Some of its pages; rows are told as they go by.
        Todo::Read { table: i, .. } => table(*i).map_or_else(Default::default, |t| (t.name.clone(), 0)),
    };
    Event::Started { stage: todo.stage().word(), object, bytes }
}
