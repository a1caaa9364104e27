//! Triggers of the plan.
//! Owns their names and their findings; never translates a statement (see `sql::translate::trigger`).

use super::Builder;
use super::place::placed;
use super::views::one_line;
use crate::finding::{Finding, codes};
use crate::ident;
use crate::plan::{KeyPlan, TablePlan, TriggerPlan};
use crate::schema::{Deferrable, ForeignKey, Index, IndexOn, Key, Object, Schema, Table};
use crate::sql::ast::Trigger;
use crate::sql::helpers::Used;
use crate::sql::sqlite;
use crate::sql::translate::collated;
use crate::sql::translate::query::Environment;
use crate::sql::translate::relations::Relations;
use crate::sql::translate::trigger::{self, Child, Facts, KeyFacts, TableFacts};
use std::collections::BTreeMap;

impl Builder<'_> {
    pub(super) fn triggers(&mut self, schema: &Schema, relations: &Relations, plans: &[TablePlan]) -> Vec<TriggerPlan> {
        let trees: Vec<Result<Trigger, String>> = schema.triggers.iter().map(|t| sqlite::trigger(&t.sql)).collect();
        let known = schema.triggers.iter().zip(&trees);
        let mut facts =
            Facts::new(known.filter_map(|(o, tree)| Some((o.name.as_str(), tree.as_ref().ok()?))).collect());
        let by_name: BTreeMap<&str, &TablePlan> = plans.iter().map(|p| (p.name.as_str(), p)).collect();
        let children = children(schema);
        for table in &schema.tables {
            if let Some(plan) = by_name.get(table.name.as_str()) {
                let of_table = children.get(&table.name.to_ascii_lowercase()).map_or(&[][..], Vec::as_slice);
                facts.add(&table.name, table_facts(table, plan, of_table));
            }
        }
        for view in &schema.views {
            if let Ok(tree) = sqlite::view(&view.sql) {
                facts.add_view(&view.name, &tree.query);
            }
        }
        let mut made = Vec::new();
        for (object, tree) in schema.triggers.iter().zip(&trees) {
            // What a trigger uses that is not made is not made either.
            let used = Used::default();
            let translated = tree.as_ref().map_err(Clone::clone).and_then(|tree| {
                let scope = Environment { relations, helpers: &used, collate_c: self.input.other_order, lasting: true };
                trigger::trigger(&object.name, tree, &facts, &scope).map_err(|e| e.reason)
            });
            match translated {
                Ok(translated) => {
                    self.helpers.extend(&used.names());
                    let target = self.names.trigger(&translated.table, &object.name);
                    let function = self.names.function(&format!("{}_trigger", object.name));
                    made.push(TriggerPlan {
                        name: object.name.clone(),
                        target,
                        table: translated.table,
                        on_view: translated.on_view,
                        function,
                        timing: translated.timing,
                        body: translated.body,
                        sql: object.sql.clone(),
                    });
                    for difference in translated.differences {
                        self.findings.push(Finding::note(
                            codes::TRIGGER_DIFFERS,
                            &object.name,
                            format!("trigger {}: {difference}", object.name),
                            "look whether the application depends on it",
                        ));
                    }
                }
                Err(reason) => self.lost_trigger(object, &reason),
            }
        }
        self.objects.triggers.carried = made.len() as u64;
        made
    }

    fn lost_trigger(&mut self, trigger: &Object, reason: &str) {
        let reason = placed(reason, &trigger.sql);
        self.findings.push(Finding::not_carried(
            codes::TRIGGER,
            &trigger.name,
            format!(
                "trigger {} on {} is not carried over: {reason}; it was: {}",
                trigger.name,
                trigger.table,
                one_line(&trigger.sql)
            ),
            format!(
                "go on without it with --accept {}:{}, and write it by hand as a trigger function in the target afterwards",
                codes::TRIGGER,
                trigger.name
            ),
        ));
    }
}

/// What triggers must know of a table.
fn table_facts(table: &Table, plan: &TablePlan, children: &[(&Table, &ForeignKey)]) -> TableFacts {
    let name = |i: usize| table.columns.get(i).map(|c| c.name.clone()).unwrap_or_default();
    // A primary key that is the rowid needs no entry of its own beside that of the key.
    let keys = table.primary_key.iter().chain(&table.uniques).map(|k| of_key(table, plan, k));
    let indexes = table.indexes.iter().filter(|i| i.unique).map(|i| of_index(table, plan, i));
    TableFacts {
        keys: keys.chain(indexes).collect(),
        defaults: plan.columns.iter().filter_map(|c| Some((c.name.clone(), c.default.clone()?))).collect(),
        identity: plan.columns.iter().find(|c| c.identity.is_some()).map(|c| c.name.clone()),
        generated: (0..table.columns.len())
            .filter(|i| table.columns.get(*i).is_some_and(|c| c.generated.is_some()))
            .map(name)
            .collect(),
        checks: !table.checks.is_empty(),
        children: children.iter().map(|(table, key)| child(table, key)).collect(),
    }
}

/// The foreign keys that refer to each table, by its name in lower case.
fn children(schema: &Schema) -> BTreeMap<String, Vec<(&Table, &ForeignKey)>> {
    let mut all: BTreeMap<String, Vec<(&Table, &ForeignKey)>> = BTreeMap::new();
    for table in &schema.tables {
        for key in &table.foreign_keys {
            all.entry(key.parent.to_ascii_lowercase()).or_default().push((table, key));
        }
    }
    all
}

fn child(table: &Table, key: &ForeignKey) -> Child {
    let of_child = |i: &usize| table.columns.get(*i).map(|c| c.name.clone()).unwrap_or_default();
    Child {
        table: table.name.clone(),
        columns: key.columns.iter().map(of_child).collect(),
        parent_columns: key.parent_columns.clone(),
        on_delete: key.on_delete,
        on_update: key.on_update,
        deferred: key.deferrable == Deferrable::Deferred,
    }
}

fn of_key(table: &Table, plan: &TablePlan, key: &Key) -> KeyFacts {
    let column = |place: usize, collation: &Option<String>| {
        let column = table.columns.get(place);
        let collation = collation.clone().or_else(|| column.and_then(|c| c.collation.clone()));
        (column.map(|c| c.name.clone()).unwrap_or_default(), collation.filter(|c| c != "BINARY"))
    };
    let columns: Vec<(String, Option<String>)> = key.columns.iter().map(|k| column(k.column, &k.collation)).collect();
    KeyFacts { terms: terms(plan, &columns), columns, partial: false, on_conflict: key.on_conflict.clone() }
}

fn of_index(table: &Table, plan: &TablePlan, index: &Index) -> KeyFacts {
    let mut partial = index.predicate.is_some() || index.terms.is_empty();
    let mut columns = Vec::new();
    for term in &index.terms {
        match &term.on {
            IndexOn::Column(i) => {
                let name = table.columns.get(*i).map(|c| c.name.clone()).unwrap_or_default();
                columns.push((name, term.collation.clone().filter(|c| c != "BINARY")));
            }
            IndexOn::Expression(_) => partial = true,
        }
    }
    KeyFacts { terms: terms(plan, &columns), columns, partial, on_conflict: None }
}

/// The terms of a key as ON CONFLICT names them, if the target has a key or a unique index over just these.
fn terms(plan: &TablePlan, columns: &[(String, Option<String>)]) -> Option<String> {
    let target = |name: &str| plan.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name)).map(|c| c.target.clone());
    let names: Vec<String> = columns.iter().map(|(name, _)| target(name)).collect::<Option<_>>()?;
    let folded = |(name, (_, collation)): (&String, &(String, Option<String>))| {
        let name = ident::pg(name);
        let term = collated(&name, collation.as_deref()).ok()?;
        // A term that is no name stands in parentheses, in an index and in ON CONFLICT.
        Some(if term == name { term } else { format!("({term})") })
    };
    let terms = names.iter().zip(columns).map(folded).collect::<Option<Vec<_>>>()?.join(", ");
    let same = |key: &&KeyPlan| key.columns.len() == names.len() && key.columns.iter().all(|c| names.contains(c));
    let plain = columns.iter().all(|(_, collation)| collation.is_none());
    let of_key = plain && plan.primary_key.iter().chain(&plan.uniques).any(|k| same(&k));
    // The direction of an index counts for nothing here.
    let bare = |terms: &str| terms.replace(" DESC", "").replace(" NULLS FIRST", "").replace(" NULLS LAST", "");
    let of_index = || plan.indexes.iter().any(|i| i.unique && i.predicate.is_none() && bare(&i.terms) == terms);
    (of_key || of_index()).then_some(terms)
}
