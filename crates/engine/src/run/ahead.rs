//! How much work lies before a run, stage by stage: told once when it begins, so that what is left can be estimated.
//! Owns what a step weighs in bytes; never what is done when.

use crate::observe::Event;
use crate::observe::event::Ahead;
use crate::target::ledger::Chunk;
use lite2pg_model::plan::{Plan, Stage, Step};
use std::collections::{BTreeMap, BTreeSet};

/// Where the table of a step is found by the name of what the step is about.
pub struct Places<'a>(BTreeMap<&'a str, usize>);

impl<'a> Places<'a> {
    /// Of a plan.
    pub fn of(plan: &'a Plan) -> Places<'a> {
        let tables = plan.tables.iter().enumerate();
        let indexes = tables.clone().flat_map(|(i, t)| t.indexes.iter().map(move |index| (index.name.as_str(), i)));
        // Where a table and an index have one name, the table is meant.
        Places(indexes.chain(tables.map(|(i, t)| (t.name.as_str(), i))).collect())
    }

    /// What a step weighs: bytes that it reads or writes, about.
    pub fn bytes_of(&self, plan: &Plan, step: &Step) -> u64 {
        let Some(table) = self.table(&step.object).and_then(|i| plan.tables.get(i)) else { return 0 };
        match step.stage {
            Stage::Copy | Stage::Verify => table.bytes,
            // A key of each row, and a look at all of the table.
            Stage::Keys | Stage::Indexes => table.rows.saturating_mul(24).saturating_add(table.bytes / 20),
            Stage::Constraints => table.rows.saturating_mul(16).saturating_add(table.bytes / 50),
            // It reads a sample.
            Stage::Analyze => table.bytes.min(64 << 20),
            _ => 0,
        }
    }

    /// `table`, `index`, or `table.what`, where both may have dots in them.
    fn table(&self, object: &str) -> Option<usize> {
        let whole = self.0.get(object).copied();
        whole.or_else(|| object.rmatch_indices('.').find_map(|(at, _)| self.0.get(object.get(..at)?).copied()))
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
    let places = Places::of(plan);
    let mut stages: BTreeMap<Stage, Ahead> = BTreeMap::new();
    for step in steps.iter().filter(|s| verify || s.stage != Stage::Verify) {
        let ahead = stages.entry(step.stage).or_insert(Ahead { stage: step.stage.word(), ..Ahead::default() });
        let bytes = places.bytes_of(plan, step);
        let table = match step.stage {
            Stage::Copy | Stage::Verify => places.table(&step.object).and_then(|i| plan.tables.get(i)),
            _ => None,
        };
        ahead.bytes += bytes;
        ahead.rows += table.map_or(0, |t| t.rows);
        let of_table = chunks.get(&step.object).map_or(&[][..], Vec::as_slice);
        if step.stage == Stage::Copy {
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
