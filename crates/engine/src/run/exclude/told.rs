//! What the rows that are set aside mean for the findings.
//! Owns these two corrections; never finds a row.

use super::{Excluded, places};
use lite2pg_model::finding::{Finding, Remedy, codes};
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::Plan;
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
        let columns = places(planned, &key.columns, |c| &c.target);
        let columns: Vec<&str> =
            columns.iter().filter_map(|c| planned.columns.get(*c)).map(|c| c.name.as_str()).collect();
        let parent = plan.tables.iter().find(|t| t.target == key.parent).map(|t| t.name.as_str());
        let Some(source) = schema.tables.iter().find(|t| t.name == *table) else { continue };
        let same = |k: &&mut (&ForeignKey, &mut u64)| {
            let names = k.0.columns.iter().filter_map(|c| source.columns.get(*c)).map(|c| c.name.as_str());
            Some(k.0.parent.as_str()) == parent && names.eq(columns.iter().copied())
        };
        let Some(profile) = profiles.get_mut(table) else { continue };
        profile.orphans.resize(source.foreign_keys.len(), 0);
        for (_, orphans) in
            source.foreign_keys.iter().zip(&mut profile.orphans).collect::<Vec<_>>().iter_mut().filter(same)
        {
            any |= **orphans == 0;
            **orphans = (**orphans).max(*rows);
        }
    }
    any
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
