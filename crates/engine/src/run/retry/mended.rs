//! What a person has mended since the run: columns that were altered, policies that are given now.
//! Owns how the plan follows; never touches a row.

use crate::error::{Error, Result};
use crate::run::settings::Settings;
use crate::target::catalog;
use crate::target::control::Run;
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::Codec;
use lite2pg_model::mapping::policy::{Choice, Kind as PolicyKind};
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::mapping::treat::Treatment;
use lite2pg_model::plan::Plan;
use postgres::Transaction;
use std::collections::BTreeMap;

/// Columns that a person has altered since: from now on they cross as the type they have. Returns their tables.
pub(super) fn as_it_is_now(
    tx: &mut Transaction<'_>,
    run: &Run,
    plan: &mut Plan,
    counts: &BTreeMap<String, u64>,
) -> Result<Vec<String>> {
    let live = catalog::columns(tx, &run.schema)?;
    let mut altered = Vec::new();
    for table in plan.tables.iter_mut().filter(|t| counts.contains_key(&t.name)) {
        for column in &mut table.columns {
            let now = live.iter().find(|(t, c, _)| *t == table.target && *c == column.target).map(|(_, _, ty)| ty);
            let about = format!("{}.{}.{}", run.schema, table.target, column.target);
            let Some(now) = now else {
                return Err(Error::target("the column is not there any more")
                    .about(about)
                    .hint("rows cannot be tried again where a column of theirs is gone"));
            };
            if *now == column.ty.shown() || column.ty == PgType::Enum {
                continue;
            }
            let ty = PgType::try_from(now.clone()).map_err(|e| {
                Error::target(format!("the column was altered to a type that lite2pg does not know: {e}")).about(about)
            })?;
            let treatments = std::mem::take(&mut column.crossing.treatments);
            column.crossing = Crossing { treatments, ..Crossing::new(ty, Codec::new(ty).normal()) };
            altered.push(table.name.clone());
        }
    }
    Ok(altered)
}

/// Policies that are given now and were not before: what they do to a value that is there already changes nothing, for
/// such a value would have been rejected. Returns the tables that they concern.
pub(super) fn treatments(settings: &Settings, plan: &mut Plan, counts: &BTreeMap<String, u64>) -> Vec<String> {
    let mut concerned = Vec::new();
    for table in plan.tables.iter_mut().filter(|t| counts.contains_key(&t.name)) {
        for column in &mut table.columns {
            let chosen = |kind| settings.choices.policy(&table.name, &column.name, kind);
            let text = column.ty.collatable();
            let date = matches!(column.ty, PgType::Date | PgType::Timestamp | PgType::TimestampTz);
            let new = [
                match chosen(PolicyKind::InvalidUtf8) {
                    Choice::Latin1 if text => Some(Treatment::InvalidLatin1),
                    Choice::Cp1252 if text => Some(Treatment::InvalidCp1252),
                    Choice::Replace if text => Some(Treatment::InvalidReplace),
                    _ => None,
                },
                match chosen(PolicyKind::Nul) {
                    Choice::Replace if text => Some(Treatment::NulReplace),
                    Choice::Strip if text => Some(Treatment::NulStrip),
                    _ => None,
                },
                (date && chosen(PolicyKind::Dates) == Choice::Null).then_some(Treatment::UnfitNull),
            ];
            let given = &mut column.crossing.treatments;
            let before = given.len();
            for treatment in new.into_iter().flatten() {
                if !given.contains(&treatment) {
                    given.push(treatment);
                }
            }
            given.sort_unstable();
            if given.len() > before {
                concerned.push(table.name.clone());
            }
        }
    }
    concerned
}
