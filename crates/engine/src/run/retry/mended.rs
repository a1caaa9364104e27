//! What a person has mended since the run: columns that were altered, policies that are given now.
//! Owns how the plan follows; never touches a row.

use crate::error::{Error, Result};
use crate::run::normalised::policy_of;
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

/// A column that a person has altered since.
pub(super) struct Altered {
    /// Its table.
    pub table: String,
    /// How it crossed before.
    before: (String, Crossing),
    /// What changed, in words.
    words: String,
}

/// Takes back what was altered in a table; says what that was.
pub(super) fn take_back(plan: &mut Plan, altered: &[Altered], table: &str) -> String {
    let mut words = Vec::new();
    for one in altered.iter().filter(|a| a.table == table) {
        words.push(one.words.as_str());
        let columns = plan.tables.iter_mut().filter(|t| t.name == table).flat_map(|t| &mut t.columns);
        for column in columns.filter(|c| c.name == one.before.0) {
            column.crossing = one.before.1.clone();
        }
    }
    words.join("; ")
}

/// Columns that a person has altered since: from now on they cross as the type they have. Returns them.
pub(super) fn as_it_is_now(
    tx: &mut Transaction<'_>,
    run: &Run,
    plan: &mut Plan,
    counts: &BTreeMap<String, u64>,
) -> Result<Vec<Altered>> {
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
            let words = format!("the column {} is {now} now, the plan says {}", column.name, column.ty.shown());
            let treatments = column.crossing.treatments.clone();
            let crossing = Crossing { treatments, ..Crossing::new(ty, Codec::new(ty).normal()) };
            let before = std::mem::replace(&mut column.crossing, crossing);
            altered.push(Altered { table: table.name.clone(), before: (column.name.clone(), before), words });
        }
    }
    Ok(altered)
}

/// Policies that are given now and were not before: what they do to a value that is there already changes nothing, for
/// such a value would have been rejected. Returns the tables that they concern.
///
/// # Errors
/// The run did something else to such values: the rows that are there would not be equal any more.
pub(super) fn treatments(settings: &Settings, plan: &mut Plan, counts: &BTreeMap<String, u64>) -> Result<Vec<String>> {
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
                if let Some(other) = given.iter().find(|g| **g != treatment && alike(**g, treatment)) {
                    let (now, then) = (policy_of(treatment), policy_of(*other));
                    return Err(Error::usage(format!("{now} is given, but this run was made with {then}"))
                        .about(format!("{}.{}", table.name, column.name))
                        .hint(format!("give {then}; or lite2pg rollback, and migrate anew with {now}")));
                }
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
    Ok(concerned)
}

/// Whether two treatments answer the same values.
fn alike(a: Treatment, b: Treatment) -> bool {
    let kind = |t| policy_of(t).split_once('=').map(|(kind, _)| kind);
    kind(a) == kind(b)
}
