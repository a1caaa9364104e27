//! Foreign keys of the plan: made where some key of the target makes the parent's columns unique.
//! Owns which foreign keys are carried over; never judges rows (the mapping has given each its fate).

use super::Builder;
use crate::finding::{Finding, codes};
use crate::ident;
use crate::mapping::decide::ForeignKeyFate;
use crate::plan::{ForeignKeyPlan, Orphans, TablePlan};
use crate::schema::{ForeignKey, Table};
use std::collections::BTreeMap;

impl Builder<'_> {
    pub(super) fn foreign_key(
        &mut self,
        table: &Table,
        key: &ForeignKey,
        fate: ForeignKeyFate,
        all: &BTreeMap<&str, (usize, &Table)>,
        plans: &mut [TablePlan],
    ) -> Option<ForeignKeyPlan> {
        let child: Vec<String> = key.columns.iter().map(|c| self.names.column(&table.name, *c)).collect();
        let made = self.parent(key, all, plans);
        let parent_columns = match made {
            Ok(columns) if fate != ForeignKeyFate::Drop => columns,
            // The mapping has said why already.
            Ok(_) => return None,
            Err(reason) => {
                self.lost_foreign_key(table, key, &reason);
                return None;
            }
        };
        let given = key.name.as_deref().map(|n| self.names.styled(n));
        let wanted = given.unwrap_or_else(|| format!("{}_{}_fkey", self.names.table(&table.name), child.join("_")));
        let name = self.names.constraint(&table.name, &wanted);
        self.tell_constraint_renamed(table, key.name.as_deref(), &name);
        if let Some((_, parent)) = all.get(key.parent.as_str()) {
            let place = |name: &String| parent.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
            let places: Vec<usize> = key.parent_columns.iter().filter_map(place).collect();
            let own = key.columns.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.name.as_str());
            self.tell_compared_by_bytes(
                parent,
                &places,
                format!("{}.{}", table.name, own.collect::<Vec<_>>().join(",")),
            );
        }
        Some(ForeignKeyPlan {
            name,
            columns: child,
            parent: self.names.table(&key.parent),
            parent_columns,
            on_delete: key.on_delete,
            on_update: key.on_update,
            deferrable: key.deferrable,
            not_valid: fate == ForeignKeyFate::NotValid,
            orphans: match fate {
                ForeignKeyFate::Quarantine => Some(Orphans::Quarantine),
                ForeignKeyFate::SetNull => Some(Orphans::SetNull),
                _ => None,
            },
        })
    }

    /// The parent's columns in the target, if some key of the target makes them unique.
    fn parent(
        &mut self,
        key: &ForeignKey,
        all: &BTreeMap<&str, (usize, &Table)>,
        plans: &mut [TablePlan],
    ) -> Result<Vec<String>, String> {
        let at = all.get(key.parent.as_str());
        let Some((parent, plan)) = at.and_then(|(i, table)| Some((table, plans.get_mut(*i)?))) else {
            let out = self.input.left_out.iter().any(|name| name.eq_ignore_ascii_case(&key.parent));
            let why =
                if out { "is left out: carry it too, or go on without the foreign key" } else { "does not exist" };
            return Err(format!("its parent table {} {why}", key.parent));
        };
        let place = |name: &String| parent.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
        let places: Option<Vec<usize>> = key.parent_columns.iter().map(place).collect();
        let places: Vec<usize> = match places {
            Some(p) if !p.is_empty() && p.len() == key.columns.len() => p,
            _ if key.parent_columns.iter().any(|c| parent.left_out.contains(c)) => {
                return Err(format!("it needs {} of {}, which is left out", key.parent_columns.join(", "), key.parent));
            }
            _ => {
                return Err(format!(
                    "{} has no key of these columns that SQLite would go by (one of all rows, of plain columns)",
                    key.parent
                ));
            }
        };
        let columns: Vec<String> = places.iter().map(|i| self.names.column(&parent.name, *i)).collect();
        let same = |other: &[String]| other.len() == columns.len() && other.iter().all(|c| columns.contains(c));
        let keys = plan.primary_key.iter().chain(&plan.uniques).any(|k| same(&k.columns));
        // A unique index serves too, if it is of plain columns and of all rows.
        let index = plan.indexes.iter().any(|i| {
            let terms: Vec<String> = columns.iter().map(|c| ident::pg(c)).collect();
            let bare = i.terms.replace(" NULLS FIRST", "").replace(" DESC NULLS LAST", "").replace(" DESC", "");
            let mut given: Vec<&str> = bare.split(", ").collect();
            given.sort_unstable();
            let mut wanted: Vec<&str> = terms.iter().map(String::as_str).collect();
            wanted.sort_unstable();
            i.unique && i.predicate.is_none() && given == wanted
        });
        if keys || index || self.key_under_folded(parent, &places, plan) {
            return Ok(columns);
        }
        Err(format!("{} is not unique in {} there", columns.join(", "), key.parent))
    }

    fn lost_foreign_key(&mut self, table: &Table, key: &ForeignKey, reason: &str) {
        let child: Vec<&str> =
            key.columns.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.name.as_str()).collect();
        let object = format!("{}.{}", table.name, child.join(","));
        self.findings.push(Finding::not_carried(
            codes::FOREIGN_KEY,
            &object,
            format!("the foreign key to {} is not carried over: {reason}", key.parent),
            if self.input.left_out.iter().any(|name| name.eq_ignore_ascii_case(&key.parent)) {
                format!(
                    "carry {} too (--tables, --exclude, skip), or --accept {}:{object}",
                    key.parent,
                    codes::FOREIGN_KEY
                )
            } else if key.parent_columns.is_empty() {
                format!("--accept {}:{object}; SQLite cannot enforce it either as it stands", codes::FOREIGN_KEY)
            } else {
                format!("--accept {}:{object}, then let the application or a trigger keep it", codes::FOREIGN_KEY)
            },
        ));
    }
}
