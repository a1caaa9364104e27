//! Rows without parent, as PostgreSQL will compare the keys, until no more lose theirs.
//! Owns that fixpoint; never reads more than two columns' hashes into memory at once.

use super::{Excluded, HASHES, KeyOf, Ticks, Why, keys, places, push, small};
use crate::error::Result;
use crate::run::pool::Cancel;
use crate::run::scan::{self, Scan};
use crate::source::Reader;
use crate::target::ledger::Range;
use lite2pg_model::plan::{ForeignKeyPlan, Orphans, Plan, TablePlan};
use lite2pg_model::value::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Rows without parent, until no more lose theirs.
pub(super) fn orphans(reader: &mut Reader, plan: &Plan, found: &mut Excluded, cancel: &Cancel) -> Result<()> {
    let all: Vec<(usize, usize, &ForeignKeyPlan)> = keys(plan).collect();
    let loses = |found: &Excluded, key: &ForeignKeyPlan| {
        let parent = plan.tables.iter().find(|t| t.target == key.parent);
        parent.is_some_and(|p| found.of(&p.name).is_some())
    };
    let due = |k: &&(usize, usize, &ForeignKeyPlan)| k.2.orphans.is_some() || loses(found, k.2);
    let mut queue: VecDeque<(usize, usize, &ForeignKeyPlan)> = all.iter().filter(due).copied().collect();
    let mut lost: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    while let Some((t, k, key)) = queue.pop_front() {
        cancel.check()?;
        let Some(table) = plan.tables.get(t) else { continue };
        let new = one_key(reader, plan, table, (k, key), found, cancel)?;
        match key.orphans {
            None => {
                lost.insert((t, k), new);
            }
            // What was set aside or changed here may be the parent of others.
            Some(_) if new > 0 => {
                for other in all.iter().filter(|(_, _, other)| other.parent == table.target) {
                    if !queue.contains(other) {
                        queue.push_back(*other);
                    }
                }
            }
            Some(_) => {}
        }
    }
    for ((t, k), rows) in lost.into_iter().filter(|(_, rows)| *rows > 0) {
        let name = |t: &TablePlan| (t.name.clone(), t.foreign_keys.get(k).map_or_else(String::new, |k| k.name.clone()));
        found.lost.extend(plan.tables.get(t).map(name).map(|(table, key)| (table, key, rows)));
    }
    Ok(())
}

/// Applies one foreign key; returns how many rows it has found now.
fn one_key(
    reader: &mut Reader,
    plan: &Plan,
    table: &TablePlan,
    (place, key): (usize, &ForeignKeyPlan),
    found: &mut Excluded,
    cancel: &Cancel,
) -> Result<u64> {
    let (mut rejected, mut nulls) = (Vec::new(), Vec::new());
    let count = without_parent(reader, plan, table, key, found, cancel, &mut |number, _| match key.orphans {
        None => Ok(false),
        Some(Orphans::SetNull) => push(&mut nulls, (number, small(place))).map(|()| false),
        Some(Orphans::Quarantine) => push(&mut rejected, (number, Why::Orphan(small(place)))).map(|()| true),
    })?;
    found.add(&table.name, rejected)?;
    found.add_nulls(&table.name, nulls)?;
    Ok(count)
}

/// Is told a row's number and how it is named; says whether the row goes.
pub type EachOrphan<'a> = dyn FnMut(i64, &dyn Fn() -> String) -> Result<bool> + 'a;

/// Calls `each` for every row whose key finds no parent among the rows that stay, with its number and how it is named;
/// whether the row goes itself is what `each` says. Returns how many rows there are.
pub fn without_parent(
    reader: &mut Reader,
    plan: &Plan,
    table: &TablePlan,
    key: &ForeignKeyPlan,
    found: &Excluded,
    cancel: &Cancel,
    each: &mut EachOrphan<'_>,
) -> Result<u64> {
    let Some(parent) = plan.tables.iter().find(|t| t.target == key.parent) else { return Ok(0) };
    let there = places(parent, &key.parent_columns, |c| &c.target);
    let here = places(table, &key.columns, |c| &c.target);
    let (mut parent_key, mut child_key) = (KeyOf::new(parent, &there), KeyOf::new(table, &here));
    let itself = parent.name == table.name;
    let named = places(table, &table.source_key, |c| &c.name);
    let columns: Vec<usize> = here.iter().chain(if itself { &there[..] } else { &[] }).chain(&named).copied().collect();
    let passes = u128::from(parent.rows / HASHES + 1);
    let mut count = 0;
    for pass in 0..passes {
        let (mut alive, mut ticks) = (Vec::new(), Ticks::new(cancel));
        let set = found.set(&parent.name);
        Scan::new(parent, there.clone()).run(reader, Range::default(), |row, number| {
            ticks.tick()?;
            if set.rejected(number).is_none()
                && let Some(hash) = parent_key.hash(parent, set, row, 0, number)
                && hash % passes == pass
            {
                alive.push(hash);
            }
            Ok(())
        })?;
        alive.sort_unstable();
        let mut gone = BTreeSet::new();
        let set = found.set(&table.name);
        Scan::new(table, columns.clone()).run(reader, Range::default(), |row, number| {
            ticks.tick()?;
            if set.rejected(number).is_some() {
                return Ok(());
            }
            let Some(hash) = child_key.hash(table, set, row, 0, number).filter(|h| h % passes == pass) else {
                return Ok(());
            };
            if alive.binary_search(&hash).is_ok() && !gone.contains(&hash) {
                return Ok(());
            }
            count += 1;
            let value = |i: usize| columns.iter().position(|c| *c == i).map_or(Value::Null, |at| row.get(at));
            // Its own children often follow in this very pass.
            if each(number, &|| scan::key(table, number, value))?
                && itself
                && let Some(own) = parent_key.hash(table, set, row, here.len(), number)
            {
                gone.insert(own);
            }
            Ok(())
        })?;
    }
    Ok(count)
}
