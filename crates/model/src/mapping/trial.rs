//! The trial: columns whose crossing the census has not proven are sent through their codec before the first row moves.
//! Owns what a trial found and which columns need one; never reads a value itself (see the engine's `source::trial`).

use super::choices::Choices;
use super::codec::Normal;
use super::profile::TableProfile;
use super::shape::{ColumnMapping, Crossing, TableMapping};
use super::treat::Treatment;
use super::{PgType, unify};
use crate::schema::Schema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many values are remembered that do not fit.
pub const PLACES: usize = 3;

/// What a trial of one column found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// How the values were to cross.
    pub crossing: Crossing,
    /// Values that are not NULL.
    pub values: u64,
    /// Those that do not fit, or come back as another value.
    pub misfits: u64,
    /// Those that became NULL because they do not fit ([`Treatment::UnfitNull`]).
    pub nulled: u64,
    /// The first of those that do not fit (or became NULL).
    pub places: Vec<Place>,
}

/// One value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The row's key, for people: `rowid 17`.
    pub key: String,
    /// Class and first bytes in hex, and why: `not a date (text 6e6f77)`.
    pub reason: String,
    /// The statement that shows it.
    pub sql: String,
}

impl Trial {
    /// Whether it was made for values that cross so.
    pub fn is_of(&self, ty: PgType, normal: Normal) -> bool {
        self.crossing.ty == ty && self.crossing.normal == normal
    }

    /// `; first at rowid 17: not a date (text 6e6f77); rowid 18: …`, or nothing.
    pub fn shown(&self) -> String {
        let list: Vec<String> = self.places.iter().map(|p| format!("{}: {}", p.key, p.reason)).collect();
        if list.is_empty() { String::new() } else { format!("; first at {}", list.join("; ")) }
    }

    /// `; see it with: SELECT …`, or nothing.
    pub fn look(&self) -> String {
        self.places.first().map_or_else(String::new, |p| format!("; see it with: {}", p.sql))
    }
}

/// The columns of ordinary tables that must be tried and have not been: table, and place of the column in it.
pub fn wanted(
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    choices: &Choices,
    tables: &BTreeMap<String, TableMapping>,
) -> Vec<(String, usize)> {
    let linked = unify::linked_with_asked(schema, choices);
    let mut out = Vec::new();
    for (t, table) in schema.tables.iter().enumerate() {
        let (Some(mapping), Some(profile)) = (tables.get(&table.name), profiles.get(&table.name)) else { continue };
        for (i, (column, mapped)) in table.columns.iter().zip(&mapping.columns).enumerate() {
            let asked = choices.column(&table.name, &column.name).is_some_and(|c| c.ty.is_some());
            let values = profile.columns.get(i).map_or(0, |p| p.values());
            let done = profile.trials.get(&i).is_some_and(|t| t.crossing == mapped.crossing);
            if values > 0 && !done && needed(mapped, asked || linked.contains(&(t, i))) {
                out.push((table.name.clone(), i));
            }
        }
    }
    out
}

/// Whether a column must be tried: what its census counts does not prove that every value crosses. `asked`: a person
/// chose its type, or that of a column it is linked with.
fn needed(mapping: &ColumnMapping, asked: bool) -> bool {
    let unproven_form = matches!(
        mapping.normal,
        Normal::EpochSeconds
            | Normal::EpochMillis
            | Normal::EpochMicros
            | Normal::EpochNanos
            | Normal::JulianDay
            | Normal::ZonedClock
            | Normal::BooleanWords(_)
            | Normal::UuidHex
            | Normal::JsonScalar
            | Normal::Canonical
    );
    let unproven_type = matches!(
        mapping.ty,
        PgType::Json
            | PgType::Time
            | PgType::Interval
            | PgType::Inet
            | PgType::Cidr
            | PgType::MacAddr
            | PgType::Enum
            | PgType::Char(_)
    );
    let treated = mapping.treatments.iter().any(|t| !matches!(t, Treatment::EmptyNull));
    asked || mapping.quarantine || treated || unproven_form || unproven_type
}
