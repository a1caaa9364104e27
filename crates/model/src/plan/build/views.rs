//! Views of the plan, those that others use before them, and what queries may name.
//! Owns their order and their findings; never translates a query (see `sql::translate::query`).

use super::Builder;
use super::place::placed;
use super::virtuals::hidden_key;
use crate::finding::{Finding, codes};
use crate::ident::Namer;
use crate::mapping::decide::TableMapping;
use crate::mapping::profile::TableProfile;
use crate::plan::scope::Scopes;
use crate::plan::{TablePlan, ViewColumn, ViewPlan};
use crate::schema::{Object, Schema, Table, TableKind};
use crate::sql::helpers::Used;
use crate::sql::sqlite;
use crate::sql::translate::query;
use crate::sql::translate::relations::{Field, Relation, Relations};
use std::collections::BTreeMap;

impl Builder<'_> {
    /// What queries may name: the tables, and those that stay behind with the reason.
    pub(super) fn relations(
        &self,
        schema: &Schema,
        profiles: &BTreeMap<String, TableProfile>,
        mappings: &BTreeMap<String, TableMapping>,
        plans: &[TablePlan],
    ) -> Relations {
        let mut relations = Relations::default();
        for name in self.input.left_out {
            relations.add_lost(name, format!("the table {name} is left out"));
        }
        let nothing = (TableProfile::default(), TableMapping::default());
        let by_name: BTreeMap<&str, &TablePlan> = plans.iter().map(|p| (p.name.as_str(), p)).collect();
        for table in &schema.tables {
            let Some(plan) = by_name.get(table.name.as_str()) else {
                relations.add_lost(&table.name, not_there(table));
                continue;
            };
            let profile = profiles.get(&table.name).unwrap_or(&nothing.0);
            let mapping = mappings.get(&table.name).unwrap_or(&nothing.1);
            relations.add(hidden_key(table, relation(table, profile, mapping, plan)));
        }
        relations
    }

    /// Translates the views in the order in which they use each other; each that is made is added to `relations`.
    pub(super) fn views(&mut self, schema: &Schema, relations: &mut Relations) -> Vec<ViewPlan> {
        let mut made = Vec::new();
        let mut left: Vec<&Object> = schema.views.iter().collect();
        for view in &left {
            relations.add_lost(&view.name, format!("the view {} is not carried over", view.name));
        }
        // A view that names another waits for it: as long as some view is made, the others are tried again.
        loop {
            let mut reasons = Vec::new();
            let mut again = Vec::new();
            let before = made.len();
            for view in std::mem::take(&mut left) {
                match self.view(view, relations) {
                    Ok((plan, relation)) => {
                        relations.add(relation);
                        made.push(plan);
                    }
                    Err(reason) => {
                        reasons.push(reason);
                        again.push(view);
                    }
                }
            }
            left = again;
            if left.is_empty() || made.len() == before {
                for (view, reason) in left.into_iter().zip(reasons) {
                    self.lost_view(view, &reason);
                }
                self.objects.views.carried = made.len() as u64;
                return made;
            }
        }
    }

    fn view(&self, view: &Object, relations: &Relations) -> Result<(ViewPlan, Relation), String> {
        let tree = sqlite::view(&view.sql)?;
        // What a view uses that is not made is not made either.
        let used = Used::default();
        let scope = query::Environment { relations, helpers: &used, collate_c: self.input.other_order, lasting: false };
        let Some(names) = &view.columns else {
            let why = query::select(&tree.query, &scope, &[]).err().map(|e| e.reason);
            let why = why.unwrap_or_else(|| "it calls what is not there".to_owned());
            return Err(format!("SQLite cannot compile it either: {why}"));
        };
        let mut translated = query::view(&tree, names, &scope).map_err(|e| e.reason)?;
        translated.incomparable = translated.incomparable.or_else(|| used.volatile());
        self.helpers.extend(&used.names());
        #[cfg(feature = "fault-injection")]
        if let Some(query) = crate::fault::of_view(&view.name) {
            translated.sql = query;
        }
        let mut columns = Namer::new();
        for field in &mut translated.fields {
            let styled = columns.take(&self.names.styled(&field.target));
            field.call(&styled);
        }
        let target = self.names.view(&view.name);
        let columns = translated.fields.iter().zip(&translated.approximate).map(|(f, approximate)| ViewColumn {
            name: f.name.clone(),
            target: f.target.clone(),
            crossing: f.crossing.clone(),
            approximate: *approximate,
        });
        let translated_incomparable = translated.incomparable.clone();
        let plan = ViewPlan {
            name: view.name.clone(),
            target: target.clone(),
            columns: columns.collect(),
            query: translated.sql,
            sql: view.sql.clone(),
            incomparable: translated.incomparable,
        };
        let relation = Relation {
            name: view.name.clone(),
            target,
            view: true,
            fields: translated.fields,
            rowid: None,
            keys: translated.keys,
            primary: false,
            incomparable: translated_incomparable,
            upkeep: None,
        };
        Ok((plan, relation))
    }

    fn lost_view(&mut self, view: &Object, reason: &str) {
        let reason = placed(reason, &view.sql);
        self.findings.push(Finding::not_carried(
            codes::VIEW,
            &view.name,
            format!("view {} is not carried over: {reason}; it was: {}", view.name, one_line(&view.sql)),
            format!(
                "go on without it with --accept {}:{}, and create it by hand in the target afterwards",
                codes::VIEW,
                view.name
            ),
        ));
    }
}

/// A statement on one line, and no more of it than fits a message.
pub(super) fn one_line(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 300 { line } else { line.chars().take(299).chain(['…']).collect() }
}

fn not_there(table: &Table) -> String {
    match &table.kind {
        TableKind::Virtual(module) => format!("{} is a virtual table of the module {module}", table.name),
        TableKind::Internal => format!("{} is SQLite's own", table.name),
        _ => format!("the table {} is not carried over", table.name),
    }
}

fn relation(table: &Table, profile: &TableProfile, mapping: &TableMapping, plan: &TablePlan) -> Relation {
    let targets: Vec<String> = plan.columns.iter().map(|c| c.target.clone()).collect();
    let scopes = Scopes::of(table, profile, mapping, &targets);
    let columns = scopes.declared().iter().zip(&plan.columns);
    let place = |name: &String| targets.iter().position(|t| t == name);
    let keys = plan.primary_key.iter().chain(&plan.uniques);
    Relation {
        name: table.name.clone(),
        target: plan.target.clone(),
        view: false,
        fields: columns.map(|(c, p)| Field::of_column(c, &p.crossing, p.not_null)).collect(),
        rowid: table.rowid_alias,
        primary: plan.primary_key.is_some(),
        incomparable: None,
        keys: keys.filter_map(|k| k.columns.iter().map(place).collect::<Option<Vec<_>>>()).collect(),
        upkeep: None,
    }
}
