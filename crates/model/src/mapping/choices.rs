//! Everything a person chose about values: how rich types may be, the zone of times without one, policies, and what the
//! plan's file says of single columns.
//! Owns the shape of these choices; never decides by itself.

use super::codec::Normal;
use super::policy::{Choice, Kind, Policies};
use super::{PgType, zone::Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How rich types may be: `--types`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Types {
    /// Rich types where the declaration, a constraint or an unmistakable form says so, and every value fits.
    #[default]
    Native,
    /// Rich types by what the values are alone, too.
    Inferred,
    /// bigint, double precision, text, bytea and numeric only.
    Plain,
}

/// What was chosen for all columns and for single ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// How rich types may be.
    pub types: Types,
    /// The zone of date-times without one: then they become timestamptz.
    pub zone: Option<Zone>,
    /// Policies for all columns.
    pub policies: Policies,
    /// Single columns, by table and column as the source names them.
    pub columns: BTreeMap<(String, String), ColumnChoice>,
}

/// What was chosen for one column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// This type and no other. Values that do not fit it are findings.
    pub ty: Option<PgType>,
    /// How its values are written, where the type alone leaves that open (seconds or milliseconds).
    pub normal: Option<Normal>,
    /// Labels of an enum, if `ty` is one; empty: those of its CHECK.
    pub labels: Vec<String>,
    /// Policies before those for all columns.
    pub policies: Policies,
}

impl Choices {
    /// Policies for all columns alone.
    pub fn of(policies: Policies) -> Choices {
        Choices { policies, ..Choices::default() }
    }

    /// What was chosen for one column.
    pub fn column(&self, table: &str, column: &str) -> Option<&ColumnChoice> {
        // A map of pairs of strings cannot be asked with borrowed ones.
        self.columns.get(&(table.to_owned(), column.to_owned()))
    }

    /// The policy that a person gave for one column, or for all, if any.
    pub fn given(&self, table: &str, column: &str, kind: Kind) -> Option<Choice> {
        let closer = self.column(table, column).map(|c| &c.policies);
        let said = closer.into_iter().chain([&self.policies]).find(|p| p.chose(kind));
        said.map(|p| p.get(kind))
    }

    /// The policy of one column.
    pub fn policy(&self, table: &str, column: &str, kind: Kind) -> Choice {
        let closer = self.column(table, column).filter(|c| c.policies.chose(kind));
        closer.map_or_else(|| self.policies.get(kind), |c| c.policies.get(kind))
    }
}
