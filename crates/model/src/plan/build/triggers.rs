//! Triggers of the plan.
//! Owns their names and their findings; never translates a statement (see `sql::translate::trigger`).

use super::Builder;
use super::views::one_line;
use crate::finding::{Finding, codes};
use crate::plan::TriggerPlan;
use crate::schema::{Object, Schema};
use crate::sql::sqlite;
use crate::sql::translate::query::Environment;
use crate::sql::translate::relations::Relations;
use crate::sql::translate::trigger;

impl Builder<'_> {
    pub(super) fn triggers(&mut self, schema: &Schema, relations: &Relations) -> Vec<TriggerPlan> {
        let trees: Vec<_> = schema.triggers.iter().map(|t| sqlite::trigger(&t.sql)).collect();
        let known: Vec<(&str, &crate::sql::ast::Trigger)> = schema
            .triggers
            .iter()
            .zip(&trees)
            .filter_map(|(object, tree)| Some((object.name.as_str(), tree.as_ref().ok()?)))
            .collect();
        let mut made = Vec::new();
        for (object, tree) in schema.triggers.iter().zip(&trees) {
            let translated = tree.as_ref().map_err(Clone::clone).and_then(|tree| {
                let scope = Environment { relations, helpers: &self.helpers, collate_c: self.input.other_order };
                trigger::trigger(&object.name, tree, &known, &scope).map_err(|e| e.reason)
            });
            match translated {
                Ok(translated) => {
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
