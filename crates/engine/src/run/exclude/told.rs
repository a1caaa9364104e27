//! What PostgreSQL's way to compare, and the rows that are set aside, mean for the census's counts and the findings.
//! Owns these corrections; never chooses what becomes of a row.

use super::{Excluded, places};
use crate::error::Result;
use crate::run::pool::Cancel;
use crate::source::Reader;
use lite2pg_model::finding::{Finding, Remedy, codes};
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::{ColumnPlan, ForeignKeyPlan, Plan, TablePlan};
use lite2pg_model::schema::{Column, ForeignKey, Schema};
use std::collections::BTreeMap;

/// Adds the rows that lose their parents to the orphans that the census has counted, so that they are decided about;
/// whether there were any.
pub fn count_lost(
    excluded: &Excluded,
    plan: &Plan,
    schema: &Schema,
    profiles: &mut BTreeMap<String, TableProfile>,
) -> bool {
    let mut any = false;
    for (table, name, rows) in &excluded.lost {
        let planned = plan.tables.iter().find(|t| t.name == *table);
        let Some((planned, key)) = planned.and_then(|t| Some((t, t.foreign_keys.iter().find(|k| k.name == *name)?)))
        else {
            continue;
        };
        counted(plan, planned, key, schema, profiles, |orphans| {
            any |= *orphans == 0;
            *orphans = (*orphans).max(*rows);
        });
    }
    any
}

/// Gives what the census has counted for a foreign key of the plan to `change`.
fn counted(
    plan: &Plan,
    table: &TablePlan,
    key: &ForeignKeyPlan,
    schema: &Schema,
    profiles: &mut BTreeMap<String, TableProfile>,
    mut change: impl FnMut(&mut u64),
) {
    let columns = places(table, &key.columns, |c| &c.target);
    let columns: Vec<&str> = columns.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.name.as_str()).collect();
    let parent = plan.tables.iter().find(|t| t.target == key.parent).map(|t| t.name.as_str());
    let Some(source) = schema.tables.iter().find(|t| t.name == table.name) else { return };
    let same = |k: &ForeignKey| {
        let names = k.columns.iter().filter_map(|c| source.columns.get(*c)).map(|c| c.name.as_str());
        Some(k.parent.as_str()) == parent && names.eq(columns.iter().copied())
    };
    let Some(profile) = profiles.get_mut(&table.name) else { return };
    profile.orphans.resize(source.foreign_keys.len(), 0);
    let keys = source.foreign_keys.iter().zip(&mut profile.orphans);
    keys.filter(|(key, _)| same(key)).for_each(|(_, orphans)| change(orphans));
}

/// Counts the orphans again where SQLite's `=`, by which the census has counted them, may not be PostgreSQL's under the
/// chosen types: a real `1.0` beside an integer 1 where both become text. Whether a count has changed.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn recount(
    reader: &mut Reader,
    plan: &Plan,
    schema: &Schema,
    profiles: &mut BTreeMap<String, TableProfile>,
    cancel: &Cancel,
) -> Result<bool> {
    let (mut any, none) = (false, Excluded::default());
    for table in &plan.tables {
        for key in table.foreign_keys.iter().filter(|key| compares_otherwise(plan, table, key)) {
            let rows = super::without_parent(reader, plan, table, key, &none, cancel, &mut |_, _| Ok(false))?;
            counted(plan, table, key, schema, profiles, |orphans| {
                any |= *orphans != rows;
                *orphans = rows;
            });
        }
    }
    Ok(any)
}

/// Whether values of a foreign key do not cross as they are, on either side.
fn compares_otherwise(plan: &Plan, table: &TablePlan, key: &ForeignKeyPlan) -> bool {
    let changes = |c: &ColumnPlan| c.normal != Normal::Exact || !c.treatments.is_empty();
    let parent = plan.tables.iter().find(|t| t.target == key.parent);
    let there = parent.is_some_and(|p| p.columns.iter().any(|c| key.parent_columns.contains(&c.target) && changes(c)));
    there || table.columns.iter().any(|c| key.columns.contains(&c.target) && changes(c))
}

/// What `--max-rejects` answers: values that do not fit, whose rows may be set aside up to the limit.
pub fn answered(findings: &mut [Finding], schema: &Schema, profiles: &BTreeMap<String, TableProfile>) {
    let tried = |object: &str| {
        schema.tables.iter().any(|t| {
            let trials = profiles.get(&t.name).map(|p| &p.trials);
            let column = |c: &Column| object == format!("{}.{}", t.name, c.name);
            let place = t.columns.iter().position(column);
            place.zip(trials).is_some_and(|(i, trials)| trials.get(&i).is_some_and(|t| t.misfits > 0))
        })
    };
    for finding in findings.iter_mut().filter(|f| f.blocks() && f.remedy == Remedy::Policy) {
        let of_values = [codes::NUL, codes::INVALID_UTF8, codes::DATES, codes::JSON, codes::TOO_LONG];
        if of_values.contains(&finding.code.as_str()) || (finding.code == codes::UNFIT && tried(&finding.object)) {
            finding.accepted = true;
            finding.message.push_str(": their rows go to lite2pg.rejected_row, up to --max-rejects");
        }
    }
}
